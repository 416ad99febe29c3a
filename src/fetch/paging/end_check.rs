//! Checks believed ends of histories, by what the run has learned since.

use std::collections::HashSet;

use super::{Fingerprint, PageView};
use crate::contact_read::{End, HistoryEnd, OffsetUnit, PageRequest, Purpose, ServerBehavior};

/// Action that an end requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndVerdict {
    Holds,
    /// Check that no message is behind the end.
    Check,
    /// Read the history again from its start.
    Reread,
}

/// Returns the action that an end requires, by what is known now.
pub fn check_end(ending: &HistoryEnd, facts: &ServerBehavior) -> EndVerdict {
    if ending.rests_on_total && facts.reading == OffsetUnit::PerConversation {
        return EndVerdict::Reread;
    }
    match ending.end {
        End::ShortPage if facts.short_pages_lie || ending.measure >= facts.largest_page => EndVerdict::Check,
        End::ShortPage | End::Proved => EndVerdict::Holds,
    }
}

/// A check of a believed end. No message may be behind the end. A removal could have moved a message up from
/// there, so the message just before the end must be one that was read.
#[derive(Debug)]
pub struct EndCheck {
    past: u64,
    limit: u32,
    known: HashSet<Fingerprint>,
}

impl EndCheck {
    /// Prepares the check of an end, without any known message.
    pub fn new(ending: &HistoryEnd, limit: u32) -> Self {
        Self { past: ending.past, limit, known: HashSet::new() }
    }

    /// Adds the messages of a spooled page.
    pub fn add_known(&mut self, page: &PageView) {
        self.known.extend(page.messages());
    }

    /// The two requests of the check: [`Self::is_clear`] judges the first response, [`Self::is_last`] the
    /// second.
    pub fn requests(&self) -> [PageRequest; 2] {
        [self.past, self.past.saturating_sub(1)].map(|offset| PageRequest {
            offset,
            limit: self.limit,
            overlap: 0,
            purpose: Purpose::Proof,
        })
    }

    /// True if no message is behind the end.
    pub fn is_clear(page: &PageView) -> bool {
        page.is_empty()
    }

    /// True if the page shows the end of the history, and only known messages.
    pub fn is_last(&self, page: &PageView) -> bool {
        !page.is_empty()
            && page.received() == page.groups().len() as u64
            && page.messages().all(|message| self.known.contains(&message))
    }
}
