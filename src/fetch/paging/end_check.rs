//! What was only believed of an ending, in the light of what the run has learned since.

use std::collections::HashSet;

use super::{Fingerprint, PageView};
use crate::contact_read::{End, HistoryEnd, OffsetUnit, PageRequest, Purpose, ServerBehavior};

/// What is to be done about an ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndVerdict {
    /// It holds.
    None,
    /// See whether nothing stands behind it.
    Check,
    /// Read the history anew.
    ReadAnew,
}

/// Whether an ending holds by what is known now.
pub fn check_end(ending: &HistoryEnd, facts: &ServerBehavior) -> EndVerdict {
    if ending.rests_on_total && facts.reading == OffsetUnit::PerConversation {
        return EndVerdict::ReadAnew;
    }
    match ending.end {
        End::ShortPage if facts.short_pages_lie || ending.measure >= facts.largest_page => EndVerdict::Check,
        End::ShortPage | End::Proved => EndVerdict::None,
    }
}

/// A look behind an ending that was believed. Nothing may stand there; and since a removal could have moved something up
/// from there, what stands just before it must be a message that was read.
#[derive(Debug)]
pub struct EndCheck {
    past: u64,
    limit: u32,
    known: HashSet<Fingerprint>,
}

impl EndCheck {
    /// A look behind this ending of a history in which no message has been read yet.
    pub fn new(ending: &HistoryEnd, limit: u32) -> Self {
        Self { past: ending.past, limit, known: HashSet::new() }
    }

    /// Adds the messages of a page of the history.
    pub fn knows(&mut self, page: &PageView) {
        self.known.extend(page.messages());
    }

    /// What to ask: [`Self::is_clear`] of the first, then [`Self::is_last`] of the second.
    pub fn asks(&self) -> [PageRequest; 2] {
        [self.past, self.past.saturating_sub(1)].map(|offset| PageRequest {
            offset,
            limit: self.limit,
            overlap: 0,
            purpose: Purpose::Proof,
        })
    }

    /// Whether nothing stands behind the ending.
    pub fn is_clear(page: &PageView) -> bool {
        page.is_empty()
    }

    /// Whether the end of the history stands just before it, and all of it is known.
    pub fn is_last(&self, page: &PageView) -> bool {
        !page.is_empty()
            && page.received() == page.groups().len() as u64
            && page.messages().all(|message| self.known.contains(&message))
    }
}
