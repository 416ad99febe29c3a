//! What paging sees of a page: which messages stood on it, by conversation, and nothing of their content.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

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
pub struct Sight {
    groups: Vec<Group>,
    /// How often each message without an id has been met.
    nameless: HashMap<Fingerprint, u32>,
}

impl Sight {
    /// Adds a message to the group of its conversation; `None` is "without a conversation". What `record` names a
    /// message that was sent without an id is `x-` and a digest, and a number where others on the page say the same.
    pub fn add(&mut self, conversation: Option<&str>, message: &str) {
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

    /// Whether more than one conversation stood on the page: only then do the two readings of `offset` differ.
    pub fn is_mixed(&self) -> bool {
        self.groups.len() > 1
    }

    /// Whether nothing stood on it.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

/// Whether an id was made up of what a message says, with or without a number.
fn is_made_up(id: &str) -> bool {
    let rest = id.get(MADE_UP_LENGTH..);
    id.starts_with("x-") && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
