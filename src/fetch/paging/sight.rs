//! What paging sees of a page: which messages stood on it, by conversation, and nothing of their content.

use xxhash_rust::xxh3::xxh3_128;

/// The fingerprint of a message or conversation id: 128 bits, so that a history of a million messages takes 16 MB
/// and two ids of one contact never meet by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint of an id.
    pub fn of(id: &str) -> Self {
        Self(xxh3_128(id.as_bytes()))
    }
}

/// The messages of one conversation on one page, in the server's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which conversation; messages without one are a group too.
    pub conversation: Fingerprint,
    /// Its messages on this page.
    pub messages: Vec<Fingerprint>,
}

/// The messages of one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    groups: Vec<Group>,
}

impl Sight {
    /// Adds a message to the group of its conversation; `None` is "without a conversation".
    pub fn add(&mut self, conversation: Option<&str>, message: &str) {
        // A conversation's messages stand together on a page, so the last group is nearly always the right one.
        let conversation = conversation.map_or(Fingerprint(0), Fingerprint::of);
        let message = Fingerprint::of(message);
        match self.groups.iter_mut().rev().find(|group| group.conversation == conversation) {
            Some(group) => group.messages.push(message),
            None => self.groups.push(Group { conversation, messages: vec![message] }),
        }
    }

    /// The groups, each with at least one message.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All messages.
    pub fn messages(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.groups.iter().flat_map(|group| group.messages.iter().copied())
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
