//! What paging sees of a page: which messages stood on it, by conversation, and nothing of their content.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::record::ContactAnswer;
use crate::record::listing::{Listed, ListedContact, ListingPage};

/// What names a message sent without an id: `x-` and the hex digits of a digest.
const MADE_UP_LENGTH: usize = 34;

/// The fingerprint of a message or conversation id: 128 bits, so that a history of a million messages takes 16 MB
/// and two ids of one contact never meet by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint of an id.
    pub fn of(id: &str) -> Self {
        Self(xxh3_128(id.as_bytes()))
    }

    /// The fingerprint of what is named so inside a conversation.
    fn within(self, conversation: Self) -> Self {
        Self(self.0 ^ conversation.0.rotate_left(1))
    }

    /// The fingerprint of what is named so and has had so many of the same name before it.
    fn after(self, before: u32) -> Self {
        Self(self.0.wrapping_add(u128::from(before)))
    }
}

/// A message on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its id, inside its conversation: ids of two conversations may be equal.
    pub print: Fingerprint,
    /// How well it can be told from others.
    pub identity: Identity,
}

/// How well a message can be told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By an id of its own.
    Named,
    /// By what it says: it was sent without an id, and another one may say the same.
    Nameless,
}

/// The messages of one conversation on one page, in the server's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which conversation; messages without one are a group too.
    pub conversation: Fingerprint,
    /// Its messages on this page.
    pub messages: Vec<Mark>,
}

/// The messages of one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageView {
    groups: Vec<Group>,
    /// How often each message without an id has been met.
    nameless: HashMap<Fingerprint, u32>,
}

impl PageView {
    /// The messages of an answer. There is no other way to paging's input for an answer about a contact, so that what was
    /// not validated is never read.
    pub fn of(answer: &ContactAnswer<'_>) -> Self {
        let mut sight = Self::default();
        for (conversation, id) in answer.messages() {
            sight.add(conversation, id);
        }
        sight
    }

    /// The contacts of a part of the account's list, each as it stands there: whoever becomes active is another one.
    pub fn of_listing(page: &ListingPage) -> Self {
        let mut sight = Self::default();
        for place in &page.places {
            match place {
                Listed::Unnamed { digest, .. } => sight.add(None, &format!("x-{digest}")),
                Listed::Contact(contact) => sight.add(None, &version(contact)),
            }
        }
        sight
    }

    /// A fingerprint of the page by its messages that have an ID, whatever their order. `None` where there are none.
    pub fn fingerprint(&self) -> Option<u64> {
        let mut named: Vec<u128> =
            self.marks().filter(|mark| mark.identity == Identity::Named).map(|mark| mark.print.0).collect();
        named.sort_unstable();
        let bytes: Vec<u8> = named.iter().flat_map(|print| print.to_le_bytes()).collect();
        // Zero stands for "none" where fingerprints are kept.
        (!bytes.is_empty()).then(|| xxh3_64(&bytes).max(1))
    }

    /// Adds a message to the group of its conversation; `None` is "without a conversation". What `record` names a
    /// message that was sent without an id is `x-` and a digest, and a number where others on the page say the same.
    pub(super) fn add(&mut self, conversation: Option<&str>, message: &str) {
        let conversation = conversation.map_or(Fingerprint(0), Fingerprint::of);
        match message.get(..MADE_UP_LENGTH) {
            Some(made_up) if is_made_up(message) => {
                self.put_nameless(conversation, Fingerprint::of(made_up));
            }
            _ => self.put(conversation, Fingerprint::of(message), Identity::Named),
        }
    }

    /// Adds a message without an id by what it says. Equal ones are counted inside their conversation, and not over the
    /// page as in the export: which others stand on a page depends on where it was cut.
    pub(super) fn put_nameless(&mut self, conversation: Fingerprint, content: Fingerprint) {
        let met = self.nameless.entry(content.within(conversation)).or_default();
        let before = *met;
        *met += 1;
        self.put(conversation, content.after(before), Identity::Nameless);
    }

    /// Adds a message by its fingerprints.
    pub(super) fn put(&mut self, conversation: Fingerprint, message: Fingerprint, identity: Identity) {
        let mark = Mark { print: message.within(conversation), identity };
        // A conversation's messages stand together on a page, so the last group is nearly always the right one.
        match self.groups.iter_mut().rev().find(|group| group.conversation == conversation) {
            Some(group) => group.messages.push(mark),
            None => self.groups.push(Group { conversation, messages: vec![mark] }),
        }
    }

    /// The groups, each with at least one message.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All messages.
    pub fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        self.groups.iter().flat_map(|group| group.messages.iter().copied())
    }

    /// The fingerprints of all messages.
    pub fn messages(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.marks().map(|mark| mark.print)
    }

    /// How many messages the page held: by this, not by what was asked for, the offset advances.
    pub fn received(&self) -> u64 {
        self.groups.iter().map(|group| group.messages.len() as u64).sum()
    }

    /// The largest count of one conversation.
    pub fn largest(&self) -> u64 {
        self.groups.iter().map(|group| group.messages.len() as u64).max().unwrap_or(0)
    }

    /// The page with each message once.
    pub(super) fn without_repeats(&self) -> Self {
        let mut page = self.clone();
        for group in &mut page.groups {
            let mut met = HashSet::new();
            group.messages.retain(|mark| met.insert(mark.print));
        }
        page
    }

    /// Whether more than one conversation stood on the page: only then do the two readings of `offset` differ.
    pub fn is_mixed(&self) -> bool {
        self.groups.len() > 1
    }

    /// Whether nothing stood on it.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

/// A contact as it stands in the list. The letter keeps an ID from looking like something without one.
fn version(contact: &ListedContact) -> String {
    let time = contact.latest_message_time.as_deref().unwrap_or_default();
    format!("c{}\u{1f}{time}", contact.contact_id)
}

/// Whether an id was made up of what a message says, with or without a number.
fn is_made_up(id: &str) -> bool {
    let rest = id.get(MADE_UP_LENGTH..);
    id.starts_with("x-") && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
