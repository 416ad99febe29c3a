//! The part of a history that is known without a gap.
//!
//! Invariant: whatever now stands before a known message in the server's order, and stood there all the while, is known
//! too. A page keeps the invariant only if it *joins*: if it holds a known message. Then all between that message and
//! the page's end is read now, and all before it was known already.

use std::collections::{HashMap, HashSet};

use super::{Fingerprint, Sight};
use crate::history::Reading;

/// The known messages of one contact's history.
#[derive(Debug, Default)]
pub struct Prefix {
    known: HashSet<Fingerprint>,
    /// Where each conversation's known messages end, under the reading that each counts for itself.
    ends: HashMap<Fingerprint, u64>,
    /// The message at the end of the last page and its offset, where the server's order shows: on a page of one
    /// conversation.
    edge: Option<(u64, Fingerprint)>,
}

impl Prefix {
    /// How many of the page's messages are known.
    pub fn known_on(&self, sight: &Sight) -> u64 {
        sight.messages().filter(|message| self.known.contains(message)).count() as u64
    }

    /// How many messages are known.
    pub fn len(&self) -> u64 {
        self.known.len() as u64
    }

    /// Whether the page at `offset` continues what is known.
    ///
    /// Where offsets count inside each conversation there is one list for each, and every one must join: those on the
    /// page, and those whose known part reaches beyond the offset and of which a message is therefore expected.
    pub fn joins(&self, offset: u64, sight: &Sight, reading: Reading) -> bool {
        let is_known = |message: &Fingerprint| self.known.contains(message);
        match reading {
            Reading::Total | Reading::Unknown => sight.messages().any(|message| is_known(&message)),
            Reading::PerConversation => {
                let all_join = sight.groups().iter().all(|group| group.messages.iter().any(is_known));
                let expected = self.ends.iter().filter(|(_, end)| **end > offset).map(|(id, _)| id);
                let on_page: HashSet<_> = sight.groups().iter().map(|group| &group.conversation).collect();
                all_join && expected.into_iter().all(|id| on_page.contains(id))
            }
        }
    }

    /// Takes the page's messages in; returns how many were new.
    pub fn extend(&mut self, offset: u64, sight: &Sight) -> u64 {
        for group in sight.groups() {
            // Replaced, not raised: after a removal the conversation ends earlier than it did.
            self.ends.insert(group.conversation, offset + group.messages.len() as u64);
        }
        self.edge = match sight.groups() {
            [only] => only.messages.last().map(|last| (offset + only.messages.len() as u64 - 1, *last)),
            [] => self.edge,
            _ => None,
        };
        sight.messages().map(|message| u64::from(self.known.insert(message))).sum()
    }

    /// Whether the page at `offset`, which was read before, holds what it held then, as far as that is known.
    pub fn stands_at(&self, offset: u64, sight: &Sight, reading: Reading) -> bool {
        let is_edge = match self.edge {
            Some((at, message)) if at == offset => sight.messages().eq([message]),
            _ => true,
        };
        is_edge && self.known_on(sight) == sight.received() && self.joins(offset, sight, reading)
    }

    /// Forgets everything: the history is read anew.
    pub fn clear(&mut self) {
        self.known.clear();
        self.ends.clear();
        self.edge = None;
    }
}
