//! Paging's view of a page: fingerprints of its messages by conversation, without their content.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::record::ContactAnswer;
use crate::record::listing::{Listed, ListedContact, ListingPage};

/// Length of a generated message id: `x-` and the hex digits of a digest.
const GENERATED_ID_LENGTH: usize = 34;

/// Fingerprint of a message or conversation id. With 128 bits, a history of a million messages takes 16 MB,
/// and two ids of one contact never collide by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// Fingerprint of an id.
    pub fn of(id: &str) -> Self {
        Self(xxh3_128(id.as_bytes()))
    }

    /// Fingerprint of an id inside a conversation.
    fn within(self, conversation: Self) -> Self {
        Self(self.0 ^ conversation.0.rotate_left(1))
    }

    /// Fingerprint of the message that follows `before` equal ones.
    fn after(self, before: u32) -> Self {
        Self(self.0.wrapping_add(u128::from(before)))
    }
}

/// A message on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Fingerprint of the id inside its conversation. Ids of two conversations may be equal.
    pub print: Fingerprint,
    /// Origin of the fingerprint.
    pub identity: Identity,
}

/// Origin of a message's fingerprint, which decides how reliable it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The message has its own id.
    Named,
    /// The message was sent without an id. The fingerprint is made from its content, which other messages may
    /// share.
    Nameless,
}

/// The messages of one conversation on one page, in the server's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Fingerprint of the conversation. Messages without a conversation form a group too.
    pub conversation: Fingerprint,
    /// The messages of the conversation on this page.
    pub messages: Vec<Mark>,
}

/// The messages of one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageView {
    groups: Vec<Group>,
    /// Number of messages on the page with the same content and no id.
    nameless: HashMap<Fingerprint, u32>,
}

impl PageView {
    /// Returns the view of a response. Views of contact responses are made only here, so that paging never
    /// reads an unvalidated response.
    pub fn of(answer: &ContactAnswer<'_>) -> Self {
        let mut view = Self::default();
        for (conversation, id) in answer.messages() {
            view.add(conversation, id);
        }
        view
    }

    /// Returns the view of a part of the account's list. Each version of a contact is a message of its own.
    pub fn of_listing(page: &ListingPage) -> Self {
        let mut view = Self::default();
        for place in &page.places {
            match place {
                Listed::Unnamed { digest, .. } => view.add(None, &format!("x-{digest}")),
                Listed::Contact(contact) => view.add(None, &version(contact)),
            }
        }
        view
    }

    /// Returns a fingerprint of all messages with an id, independent of their order. `None` if there are
    /// none.
    pub fn fingerprint(&self) -> Option<u64> {
        let mut named: Vec<u128> =
            self.marks().filter(|mark| mark.identity == Identity::Named).map(|mark| mark.print.0).collect();
        named.sort_unstable();
        let bytes: Vec<u8> = named.iter().flat_map(|print| print.to_le_bytes()).collect();
        // Stored fingerprints use zero for "none".
        (!bytes.is_empty()).then(|| xxh3_64(&bytes).max(1))
    }

    /// Adds a message to the group of its conversation. `None` means "without a conversation". `record` names
    /// a message without an id `x-` and a digest, followed by a number if others on the page are equal.
    pub(super) fn add(&mut self, conversation: Option<&str>, message: &str) {
        let conversation = conversation.map_or(Fingerprint(0), Fingerprint::of);
        match message.get(..GENERATED_ID_LENGTH) {
            Some(generated) if is_generated(message) => {
                self.put_nameless(conversation, Fingerprint::of(generated));
            }
            _ => self.put(conversation, Fingerprint::of(message), Identity::Named),
        }
    }

    /// Adds a message without an id by its content. Equal ones are numbered inside their conversation, not
    /// over the page as in the export, because a page may be cut anywhere.
    pub(super) fn put_nameless(&mut self, conversation: Fingerprint, content: Fingerprint) {
        let met = self.nameless.entry(content.within(conversation)).or_default();
        let before = *met;
        *met += 1;
        self.put(conversation, content.after(before), Identity::Nameless);
    }

    /// Adds a message by its fingerprints.
    pub(super) fn put(&mut self, conversation: Fingerprint, message: Fingerprint, identity: Identity) {
        let mark = Mark { print: message.within(conversation), identity };
        // The messages of a conversation are adjacent on a page, so the last group nearly always matches.
        match self.groups.iter_mut().rev().find(|group| group.conversation == conversation) {
            Some(group) => group.messages.push(mark),
            None => self.groups.push(Group { conversation, messages: vec![mark] }),
        }
    }

    /// Groups of the page, each with at least one message.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All messages of the page.
    pub fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        self.groups.iter().flat_map(|group| group.messages.iter().copied())
    }

    /// Fingerprints of all messages.
    pub fn messages(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.marks().map(|mark| mark.print)
    }

    /// Number of messages on the page. The offset advances by this number, not by the limit.
    pub fn received(&self) -> u64 {
        self.groups.iter().map(|group| group.messages.len() as u64).sum()
    }

    /// Number of messages of the largest group.
    pub fn largest(&self) -> u64 {
        self.groups.iter().map(|group| group.messages.len() as u64).max().unwrap_or(0)
    }

    /// Returns a copy of the page with each message once.
    pub(super) fn without_repeats(&self) -> Self {
        let mut page = self.clone();
        for group in &mut page.groups {
            let mut met = HashSet::new();
            group.messages.retain(|mark| met.insert(mark.print));
        }
        page
    }

    /// True if the page has messages of several conversations. Only then does the unit of `offset` matter.
    pub fn is_mixed(&self) -> bool {
        self.groups.len() > 1
    }

    /// True if the page has no message.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

/// The version of a contact as a message id. The first letter distinguishes it from an entry without an ID.
fn version(contact: &ListedContact) -> String {
    let time = contact.latest_message_time.as_deref().unwrap_or_default();
    format!("c{}\u{1f}{time}", contact.contact_id)
}

/// True if an id was generated from the content of a message, with or without a number.
fn is_generated(id: &str) -> bool {
    let rest = id.get(GENERATED_ID_LENGTH..);
    id.starts_with("x-") && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
