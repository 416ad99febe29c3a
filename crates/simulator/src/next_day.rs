//! `POST /_night` advances the account by one day: contacts write, messages are edited or deleted, new contacts arrive.
//!
//! The response lists the affected contacts, so that a test knows the result of the next incremental run.

use serde::Serialize;

use super::drift::Drift;
use super::story::{Rng, Story, rng};

/// New contacts per day.
const NEW: u64 = 2;
/// One contact in this number writes. The same share has a message edited, and the same share a message deleted.
const ONE_IN: u64 = 6;

/// The changes of one day, by contact.
#[derive(Debug, Default, Serialize)]
pub struct NextDay {
    /// Number of the day, from 1.
    pub number: u64,
    /// New contacts.
    pub new: Vec<String>,
    /// Contacts that wrote. Their `latest_message_time` changed.
    pub wrote: Vec<String>,
    /// Contacts with an edited message. Its time did not change.
    pub edited: Vec<String>,
    /// Contacts with a deleted message, which is never the last one.
    pub deleted: Vec<String>,
}

/// Applies the changes of a day to these contacts of the account. The last ones are new.
pub fn pass(story: Story, ids: &[String], day: u64, drift: &Drift) -> NextDay {
    let known = ids.len().saturating_sub(usize::try_from(NEW).unwrap_or(0));
    let mut changed = NextDay { number: day, new: ids[known..].to_vec(), ..NextDay::default() };
    for id in &ids[..known] {
        let Some(contact) = story.contact(id) else { continue };
        let mut rng = Rng::new(rng::part(contact.key, 8), day);
        let [wrote, edited, deleted] = [(), (), ()].map(|()| rng.one_in(ONE_IN));
        if wrote {
            drift.add(id, 1 + rng.below(3));
            changed.wrote.push(id.clone());
        }
        // An original message that is not the last one.
        let Some(before_last) = contact.size.checked_sub(1).filter(|count| *count > 0) else { continue };
        let (edit, delete) = (rng.below(before_last), rng.below(before_last));
        if edited && edit != delete && drift.edit(id, edit) {
            changed.edited.push(id.clone());
        }
        if deleted && drift.remove(id, delete) {
            changed.deleted.push(id.clone());
        }
    }
    changed
}

/// Number of contacts that arrived in this many days.
pub fn gained(days: u64) -> u64 {
    NEW * days
}
