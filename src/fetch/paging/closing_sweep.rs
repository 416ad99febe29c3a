//! The closing sweep of `strict` finds messages that were added at either end while the history was read.
//!
//! If every page joined the one before it, the read has no gap between its ends. Then it is enough to read
//! from the start until a page brings nothing new, and to check the end again. If offsets count inside each
//! conversation, the end of every conversation is checked. If the read had to step back, it may have skipped
//! messages that were added meanwhile. Then the sweep reads the whole history a second time.

use super::prefix::Prefix;
use super::{OffsetUnit, PageRequest, PageView, Paging, Purpose, ServerBehavior, Step};
use crate::contact_read::End;
use crate::settings::Consistency;

/// State of the sweep.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Messages on the pages of the sweep.
    part: Prefix,
    /// True if the requested page starts at the end of a conversation, not behind the previous page.
    has_skipped: bool,
    /// True if a page has brought nothing new, or if the history is being read a second time.
    is_done: bool,
    /// True if some page did not join the one before it.
    pub must_reread: bool,
}

impl Paging {
    /// True if the sweep is required and not done.
    pub(super) fn must_sweep(&self) -> bool {
        self.rules.consistency == Consistency::Strict && !self.sweep.is_done
    }

    /// Starts the sweep, or the second read of the history.
    pub(super) fn begin_sweep(&mut self) -> Step {
        let mut purpose = Purpose::Sweep;
        if self.sweep.must_reread {
            self.sweep.is_done = true;
            self.end_proof.take();
            self.forget();
            purpose = Purpose::Start;
        }
        Step::Request(PageRequest { offset: 0, limit: self.page_size.limit(), overlap: 0, purpose })
    }

    pub(super) fn sweep(&mut self, request: &PageRequest, page: &PageView, facts: &ServerBehavior) -> Step {
        let has_skipped = std::mem::take(&mut self.sweep.has_skipped);
        if request.offset == 0 {
            self.sweep.part.clear();
        } else {
            let joins_to = if has_skipped { &self.prefix } else { &self.sweep.part };
            // A page without room for a known message may hold only messages that were read before.
            let joins = match request.overlap {
                0 => self.prefix.known_on(page) == page.received(),
                _ => joins_to.joins(request.offset, page, facts.reading),
            };
            if !joins {
                self.sweep.must_reread = true;
                return self.begin_sweep();
            }
        }
        let lacks_some = self.sweep.part.lacks_some_of(page, facts.reading);
        self.sweep.part.extend(request.offset, page, facts.reading);
        let fresh = self.prefix.insert(page);
        let stride = facts.stride(page);
        let past = request.offset + stride;
        if fresh > 0 || !(lacks_some || page.is_empty()) {
            return self.next_sweep_page(past, stride);
        }
        let overlap = u64::from(self.page_size.limit() > 1 && self.end_proof.largest() > 1);
        if facts.reading == OffsetUnit::PerConversation
            && let Some(end) = self.prefix.next_end(past.max(request.offset + 1 + overlap)..self.past)
        {
            self.sweep.has_skipped = true;
            return self.next_sweep_page(end, 1 + overlap);
        }
        self.sweep.is_done = true;
        if page.is_empty() && request.offset == 0 {
            return self.end(End::Proved, past, 0);
        }
        self.end_proof.found_empty(self.past);
        self.next_page(self.past, 2)
    }

    fn next_sweep_page(&self, past: u64, stride: u64) -> Step {
        match self.next_page(past, stride) {
            Step::Request(next) => Step::Request(PageRequest { purpose: Purpose::Sweep, ..next }),
            step => step,
        }
    }
}
