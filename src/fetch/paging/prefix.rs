//! The part of a history that is known without a gap.
//!
//! Invariant: whatever now stands before a known message in the server's order, and stood there all the while, is known
//! too. A page keeps the invariant only if it *joins*: if it holds a known message. Then all between that message and
//! the page's end is read now, and all before it was known already.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::page_view::{Fingerprint, Group, Identity, Mark, PageView};
use crate::contact_read::OffsetUnit;

/// The known messages of one contact's history.
#[derive(Debug, Default)]
pub struct Prefix {
    known: HashSet<Fingerprint>,
    /// Where each conversation's known messages end, under the reading that each counts for itself.
    ends: HashMap<Fingerprint, u64>,
    /// Where the messages of one conversation alone were read last: the offset of their end, and their outermost
    /// messages. One of them stands there: the page's own order may be the other way round.
    edges: HashMap<Fingerprint, (u64, [Fingerprint; 2])>,
    /// Whether any message had an id.
    has_names: bool,
}

impl Prefix {
    /// How many of the page's messages are known.
    pub fn known_on(&self, sight: &PageView) -> u64 {
        sight.messages().filter(|message| self.known.contains(message)).count() as u64
    }

    /// Whether a message is known.
    pub fn knows(&self, message: Fingerprint) -> bool {
        self.known.contains(&message)
    }

    /// How many messages are known.
    pub fn len(&self) -> u64 {
        self.known.len() as u64
    }

    /// The known messages.
    pub fn into_known(self) -> HashSet<Fingerprint> {
        self.known
    }

    /// Whether the page at `offset` continues what is known.
    ///
    /// Where offsets count inside each conversation there is one list for each, and every one must join: those on the
    /// page, and those whose known part reaches beyond the offset and of which a message is therefore expected. A
    /// conversation that was never seen before had no messages when the read began.
    pub fn joins(&self, offset: u64, sight: &PageView, reading: OffsetUnit) -> bool {
        // One without an id is trusted only where there is nothing else to go by: another may say the same.
        let has_names = self.has_names || has_names(sight);
        let can_be_told = |mark: &Mark| mark.identity == Identity::Named || !has_names;
        self.joins_by(offset, sight, reading, |mark| can_be_told(mark) && self.known.contains(&mark.print))
    }

    /// Whether it seems to, by messages that others could be taken for.
    pub fn may_join(&self, offset: u64, sight: &PageView, reading: OffsetUnit) -> bool {
        self.joins_by(offset, sight, reading, |mark| self.known.contains(&mark.print))
    }

    fn joins_by(
        &self,
        offset: u64,
        sight: &PageView,
        reading: OffsetUnit,
        is_joint: impl Fn(&Mark) -> bool,
    ) -> bool {
        match reading {
            OffsetUnit::Total | OffsetUnit::Unknown => sight.marks().any(|mark| is_joint(&mark)),
            OffsetUnit::PerConversation => {
                let is_new = |group: &Group| !self.ends.contains_key(&group.conversation);
                let has_joint = |group: &Group| group.messages.iter().any(&is_joint);
                let all_join = sight.groups().iter().all(|group| is_new(group) || has_joint(group));
                let expected = self.ends.iter().filter(|(_, end)| **end > offset).map(|(id, _)| id);
                let on_page: HashSet<_> = sight.groups().iter().map(|group| &group.conversation).collect();
                all_join && !sight.is_empty() && expected.into_iter().all(|id| on_page.contains(id))
            }
        }
    }

    /// Whether the page holds something that is not known here, of every conversation where each counts for itself.
    pub fn is_left_by(&self, sight: &PageView, reading: OffsetUnit) -> bool {
        let is_unknown = |mark: &Mark| !self.known.contains(&mark.print);
        let mut groups = sight.groups().iter().map(|group| group.messages.iter().any(is_unknown));
        match reading {
            OffsetUnit::Total | OffsetUnit::Unknown => groups.any(|is_left| is_left),
            OffsetUnit::PerConversation => groups.all(|is_left| is_left),
        }
    }

    /// The first of these offsets at which a conversation ends.
    pub fn next_end(&self, offsets: Range<u64>) -> Option<u64> {
        self.ends.values().copied().filter(|end| offsets.contains(end)).min()
    }

    /// Takes the page's messages in as the last that is known; returns how many were new.
    pub fn extend(&mut self, offset: u64, sight: &PageView, reading: OffsetUnit) -> u64 {
        for group in sight.groups() {
            // Replaced, not raised: after a removal the conversation ends earlier than it did.
            self.ends.insert(group.conversation, offset + group.messages.len() as u64);
        }
        let is_one_list = reading == OffsetUnit::PerConversation || !sight.is_mixed();
        if !is_one_list || reading != OffsetUnit::PerConversation && !sight.is_empty() {
            self.edges.clear();
        }
        for group in sight.groups().iter().filter(|_| is_one_list) {
            if let (Some(first), Some(last)) = (group.messages.first(), group.messages.last()) {
                let at = offset + group.messages.len() as u64 - 1;
                self.edges.insert(group.conversation, (at, [first.print, last.print]));
            }
        }
        self.insert(sight)
    }

    /// Takes the page's messages in, wherever they stand; returns how many were new.
    pub fn insert(&mut self, sight: &PageView) -> u64 {
        self.has_names |= has_names(sight);
        sight.messages().map(|message| u64::from(self.known.insert(message))).sum()
    }

    /// Whether the page at `offset`, which was read before, holds what it held then, as far as that is known.
    pub fn stands_at(&self, offset: u64, sight: &PageView, reading: OffsetUnit) -> bool {
        let is_edge =
            self.edges.iter().filter(|(_, (at, _))| *at == offset).all(|(conversation, (_, ends))| {
                let mut groups = sight.groups().iter();
                groups
                    .find(|group| group.conversation == *conversation)
                    .is_some_and(|group| group.messages.iter().all(|mark| ends.contains(&mark.print)))
            });
        is_edge && self.known_on(sight) == sight.received() && self.may_join(offset, sight, reading)
    }

    /// Forgets everything: the history is read anew.
    pub fn clear(&mut self) {
        self.known.clear();
        self.ends.clear();
        self.edges.clear();
    }
}

/// Whether any message has an id of its own.
fn has_names(sight: &PageView) -> bool {
    sight.marks().any(|mark| mark.identity == Identity::Named)
}
