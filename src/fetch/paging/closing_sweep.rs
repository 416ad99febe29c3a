//! The closing sweep of `strict`: what came at either end while the history was read, and was there when the sweep began.
//!
//! Where every page joined the one before it, what is known is all there was between its ends. Then a sweep from the start
//! until a page brings nothing new is enough, and the end of the history once more; where offsets count inside each
//! conversation, the end of every one. Where a joint had to be looked for, what came meanwhile may have been stepped over,
//! and the sweep is the whole history read a second time.

use super::prefix::Prefix;
use super::{EndDoubt, OffsetUnit, PageRequest, PageView, Paging, Purpose, ServerBehavior, Step};
use crate::contact_read::End;
use crate::settings::Consistency;

/// The sweep so far.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// What its pages have shown.
    part: Prefix,
    /// Whether the page asked for is at the end of a conversation and not behind the page before.
    has_skipped: bool,
    /// Whether a page has brought nothing new, or the history is read a second time.
    is_done: bool,
    /// Whether a page did not join the one before it.
    pub is_to_be_whole: bool,
}

impl Paging {
    /// Whether the end is the one before the sweep.
    pub(super) fn is_to_sweep(&self) -> bool {
        self.rules.consistency == Consistency::Strict && !self.sweep.is_done
    }

    /// Begins the sweep.
    pub(super) fn begin_sweep(&mut self) -> Step {
        let mut purpose = Purpose::Sweep;
        if self.sweep.is_to_be_whole {
            self.sweep.is_done = true;
            self.doubt = EndDoubt::None;
            self.forget();
            purpose = Purpose::Start;
        }
        Step::Request(PageRequest { offset: 0, limit: self.limit, overlap: 0, purpose })
    }

    pub(super) fn sweep(&mut self, ask: &PageRequest, page: &PageView, facts: &ServerBehavior) -> Step {
        let has_skipped = std::mem::take(&mut self.sweep.has_skipped);
        if ask.offset == 0 {
            self.sweep.part.clear();
        } else {
            let joins_to = if has_skipped { &self.prefix } else { &self.sweep.part };
            // A page without room for a known message may show only what was read before.
            let joins = match ask.overlap {
                0 => self.prefix.known_on(page) == page.received(),
                _ => joins_to.joins(ask.offset, page, facts.reading),
            };
            if !joins {
                self.sweep.is_to_be_whole = true;
                return self.begin_sweep();
            }
        }
        let reaches_the_read = self.sweep.part.is_left_by(page, facts.reading);
        self.sweep.part.extend(ask.offset, page, facts.reading);
        let fresh = self.prefix.insert(page);
        let stride = facts.stride(page);
        let past = ask.offset + stride;
        if fresh > 0 || !(reaches_the_read || page.is_empty()) {
            return self.sweep_on(past, stride);
        }
        let overlap = u64::from(self.limit > 1 && self.largest > 1);
        if facts.reading == OffsetUnit::PerConversation
            && let Some(end) = self.prefix.next_end(past.max(ask.offset + 1 + overlap)..self.past)
        {
            self.sweep.has_skipped = true;
            return self.sweep_on(end, 1 + overlap);
        }
        self.sweep.is_done = true;
        if page.is_empty() && ask.offset == 0 {
            return self.end(End::Proved, past, 0);
        }
        self.doubt = EndDoubt::Empty;
        self.nothing_at = self.past;
        self.onward(self.past, 2)
    }

    fn sweep_on(&self, past: u64, stride: u64) -> Step {
        match self.onward(past, stride) {
            Step::Request(next) => Step::Request(PageRequest { purpose: Purpose::Sweep, ..next }),
            step => step,
        }
    }
}
