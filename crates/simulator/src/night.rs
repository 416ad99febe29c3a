//! `POST /_night`: a day passes. Some contacts of the account write, some messages are edited or deleted, and new contacts
//! come. The answer tells whom it concerned, so that a test knows what a nightly run must find.

use serde::Serialize;

use super::drift::Drift;
use super::story::{Dice, Story, dice};

/// Contacts that come each day.
const NEW: u64 = 2;
/// One contact in so many writes, one in so many has a message edited, and one in so many a message deleted.
const ONE_IN: u64 = 6;

/// What a day has changed, by contacts.
#[derive(Debug, Default, Serialize)]
pub struct Night {
    /// Its number, the first being 1.
    pub number: u64,
    /// Contacts that are new in the list.
    pub new: Vec<String>,
    /// Contacts that have written: their `latest_message_time` is another.
    pub wrote: Vec<String>,
    /// Contacts of whom one message has another text now, at the same time.
    pub edited: Vec<String>,
    /// Contacts of whom one message is gone, but not the last.
    pub deleted: Vec<String>,
}

/// Lets day `night` pass for these contacts of the account, of whom the last are new.
pub fn pass(story: Story, ids: &[String], night: u64, drift: &Drift) -> Night {
    let known = ids.len().saturating_sub(usize::try_from(NEW).unwrap_or(0));
    let mut told = Night { number: night, new: ids[known..].to_vec(), ..Night::default() };
    for id in &ids[..known] {
        let Some(contact) = story.contact(id) else { continue };
        let mut dice = Dice::new(dice::part(contact.key, 8), night);
        let [wrote, edited, deleted] = [(), (), ()].map(|()| dice.one_in(ONE_IN));
        if wrote {
            drift.add(id, 1 + dice.below(3));
            told.wrote.push(id.clone());
        }
        // Of messages that were there from the start, all but the last.
        let Some(before_last) = contact.size.checked_sub(1).filter(|count| *count > 0) else { continue };
        let (edit, delete) = (dice.below(before_last), dice.below(before_last));
        if edited && edit != delete && drift.edit(id, edit) {
            told.edited.push(id.clone());
        }
        if deleted && drift.remove(id, delete) {
            told.deleted.push(id.clone());
        }
    }
    told
}

/// How many contacts the account has gained by then.
pub fn gained(nights: u64) -> u64 {
    NEW * nights
}
