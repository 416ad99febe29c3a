//! The part of a history that is known without a gap.
//!
//! Invariant: if a message existed during the whole read and now precedes a known message in the server's
//! order, it is known. A page keeps the invariant only if it *joins*, that is, holds a known message. Then
//! the page provides all messages between that message and its end, and all messages before it are known
//! already.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use ahash::RandomState;

use super::page_view::{Fingerprint, Group, Identity, Mark, PageView};
use crate::contact_read::OffsetUnit;

/// The known messages of one contact's history.
#[derive(Debug, Default)]
pub struct Prefix {
    known: HashSet<Fingerprint, RandomState>,
    /// End of each conversation's known messages, if offsets count inside each conversation.
    ends: HashMap<Fingerprint, u64>,
    /// Position and outermost messages of the latest page that held one conversation. The position is the
    /// offset of its last message. Since pages may be in reverse order, either of the two messages may have it.
    edges: HashMap<Fingerprint, (u64, [Fingerprint; 2])>,
    /// True if some message had an id.
    has_names: bool,
}

impl Prefix {
    /// Number of known messages on the page.
    pub fn known_on(&self, view: &PageView) -> u64 {
        view.messages().filter(|message| self.known.contains(message)).count() as u64
    }

    /// True if the message is known.
    pub fn knows(&self, message: Fingerprint) -> bool {
        self.known.contains(&message)
    }

    /// Number of known messages.
    pub fn len(&self) -> u64 {
        self.known.len() as u64
    }

    /// True if the page at `offset` continues the known messages.
    ///
    /// If offsets count inside each conversation, every conversation on the page must join. So must every
    /// conversation whose known part reaches beyond the offset, because its messages are expected on the
    /// page. A conversation that was never seen before had no messages when the read began.
    pub fn joins(&self, offset: u64, view: &PageView, reading: OffsetUnit) -> bool {
        // Messages without an id may be equal to others. They count only if no message has an id.
        let has_names = self.has_names || has_names(view);
        let is_distinct = |mark: &Mark| mark.identity == Identity::Named || !has_names;
        self.joins_by(offset, view, reading, |mark| is_distinct(mark) && self.known.contains(&mark.print))
    }

    /// True if the page seems to join, but perhaps only by messages that others may be equal to.
    pub fn may_join(&self, offset: u64, view: &PageView, reading: OffsetUnit) -> bool {
        self.joins_by(offset, view, reading, |mark| self.known.contains(&mark.print))
    }

    fn joins_by(
        &self,
        offset: u64,
        view: &PageView,
        reading: OffsetUnit,
        is_joint: impl Fn(&Mark) -> bool,
    ) -> bool {
        match reading {
            OffsetUnit::Total | OffsetUnit::Unknown => view.marks().any(|mark| is_joint(&mark)),
            OffsetUnit::PerConversation => {
                let is_new = |group: &Group| !self.ends.contains_key(&group.conversation);
                let has_joint = |group: &Group| group.messages.iter().any(&is_joint);
                let all_join = view.groups().iter().all(|group| is_new(group) || has_joint(group));
                let expected = self.ends.iter().filter(|(_, end)| **end > offset).map(|(id, _)| id);
                let on_page: HashSet<_> = view.groups().iter().map(|group| &group.conversation).collect();
                all_join && !view.is_empty() && expected.into_iter().all(|id| on_page.contains(id))
            }
        }
    }

    /// True if the page holds an unknown message. If offsets count inside each conversation, every group must
    /// hold one.
    pub fn lacks_some_of(&self, view: &PageView, reading: OffsetUnit) -> bool {
        let is_unknown = |mark: &Mark| !self.known.contains(&mark.print);
        let mut groups = view.groups().iter().map(|group| group.messages.iter().any(is_unknown));
        match reading {
            OffsetUnit::Total | OffsetUnit::Unknown => groups.any(|is_left| is_left),
            OffsetUnit::PerConversation => groups.all(|is_left| is_left),
        }
    }

    /// Returns the first of these offsets at which a conversation ends.
    pub fn next_end(&self, offsets: Range<u64>) -> Option<u64> {
        self.ends.values().copied().filter(|end| offsets.contains(end)).min()
    }

    /// Adds a page at the end of the known messages. Returns the number of new messages.
    pub fn extend(&mut self, offset: u64, view: &PageView, reading: OffsetUnit) -> u64 {
        for group in view.groups() {
            // Replaced, not raised: after a removal, the conversation ends earlier than before.
            self.ends.insert(group.conversation, offset + group.messages.len() as u64);
        }
        let is_one_list = reading == OffsetUnit::PerConversation || !view.is_mixed();
        if !is_one_list || reading != OffsetUnit::PerConversation && !view.is_empty() {
            self.edges.clear();
        }
        for group in view.groups().iter().filter(|_| is_one_list) {
            if let (Some(first), Some(last)) = (group.messages.first(), group.messages.last()) {
                let at = offset + group.messages.len() as u64 - 1;
                self.edges.insert(group.conversation, (at, [first.print, last.print]));
            }
        }
        self.insert(view)
    }

    /// Adds a page at any position. Returns the number of new messages.
    pub fn insert(&mut self, view: &PageView) -> u64 {
        self.has_names |= has_names(view);
        view.messages().map(|message| u64::from(self.known.insert(message))).sum()
    }

    /// True if the page at `offset`, which was read before, has not changed, as far as that is known.
    pub fn is_unchanged_at(&self, offset: u64, view: &PageView, reading: OffsetUnit) -> bool {
        let is_edge =
            self.edges.iter().filter(|(_, (at, _))| *at == offset).all(|(conversation, (_, ends))| {
                let mut groups = view.groups().iter();
                groups
                    .find(|group| group.conversation == *conversation)
                    .is_some_and(|group| group.messages.iter().all(|mark| ends.contains(&mark.print)))
            });
        is_edge && self.known_on(view) == view.received() && self.may_join(offset, view, reading)
    }

    /// Forgets all messages, before the history is read again.
    pub fn clear(&mut self) {
        self.known.clear();
        self.ends.clear();
        self.edges.clear();
    }
}

/// True if some message has its own id.
fn has_names(view: &PageView) -> bool {
    view.marks().any(|mark| mark.identity == Identity::Named)
}
