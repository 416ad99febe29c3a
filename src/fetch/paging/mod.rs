//! Pages one contact's history, which may change meanwhile, as a pure state machine.
//!
//! Offsets count positions. On a live chat, an insertion repeats messages and a removal silently skips them.
//! So each page must *join* the known messages (see [`prefix`]) or be confirmed (see
//! [`single_message_pages`]). The offset advances by the number of received messages, not by the limit. The
//! end is proved by an empty page, or believed if the run has reason to (see [`end`]). What offsets count is
//! tested where it matters (see [`offset_unit`]).
//!
//! The machine has no network, clock or randomness: [`Paging::next`] returns the next request,
//! [`Paging::absorb`] takes the response. A resumed run absorbs the spooled pages in their order and
//! continues from there.

mod closing_sweep;
mod end;
mod end_check;
mod end_proof;
mod hold;
mod ignored_offset;
mod offset_unit;
mod overlap;
mod page_size;
mod page_view;
mod predict;
mod prefix;
mod server_behavior;
mod single_message_pages;
mod step_back;
#[cfg(test)]
mod tests;

pub use end_check::{EndCheck, EndVerdict, check_end};
pub use page_view::{Fingerprint, PageView};

use crate::contact_read::{End, HistoryEnd, OffsetUnit, PageRequest, Purpose, ServerBehavior};
use crate::settings::Consistency;
use closing_sweep::Sweep;
use end_proof::{EndProof, ProofState};
use hold::Hold;
use page_size::PageSize;
use prefix::Prefix;
use step_back::StepBack;

/// Rules for paging one contact.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Level of proof that no message was missed.
    pub consistency: Consistency,
    /// The `limit` of requests, 1..=100.
    pub page_size: u32,
    /// Policy for short last pages of this contact.
    pub short_page_policy: ShortPagePolicy,
}

/// Policy for short pages, which claim the end of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortPagePolicy {
    /// Believe them, unless the run has shown that they are unreliable.
    Believe,
    /// Never believe them. The belief for other contacts rests on contacts like this one.
    Prove,
}

/// Next action for a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Request(PageRequest),
    /// The history is read to its end.
    End(HistoryEnd),
    /// The history kept changing or contradicting itself. The pages read so far are exported, and the reason
    /// is reported.
    Unresolved(String),
    /// The server returned the first page at every offset, and has not shown elsewhere that it honours the
    /// offset.
    OffsetIgnored,
}

/// The last page that advanced the end of the known messages.
#[derive(Clone, Debug)]
struct Frontier {
    offset: u64,
    limit: u32,
    page: PageView,
}

impl Frontier {
    fn is_mixed(&self) -> bool {
        self.page.is_mixed()
    }

    /// Returns the request that shows if this page has changed.
    fn again(&self) -> PageRequest {
        PageRequest { offset: self.offset, limit: self.limit, overlap: 0, purpose: Purpose::Verify }
    }
}

/// Paging of one contact, or of one of its channels if channels are requested one by one.
#[derive(Debug)]
pub struct Paging {
    rules: Rules,
    prefix: Prefix,
    next: Step,
    page_size: PageSize,
    step_back: StepBack,
    end_proof: EndProof,
    hold: Hold,
    sweep: Sweep,
    rests_on_total: bool,
    /// The offset just past everything known.
    past: u64,
    frontier: Option<Frontier>,
}

impl Paging {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            prefix: Prefix::default(),
            next: Step::Request(PageRequest {
                offset: 0,
                limit: rules.page_size,
                overlap: 0,
                purpose: Purpose::Start,
            }),
            page_size: PageSize::new(rules.page_size),
            step_back: StepBack::new(rules),
            end_proof: EndProof::default(),
            hold: Hold::default(),
            sweep: Sweep::default(),
            rests_on_total: false,
            past: 0,
            frontier: None,
        }
    }

    /// Returns the next action.
    pub fn next(&self) -> &Step {
        &self.next
    }

    /// Number of distinct messages read so far.
    pub fn known(&self) -> u64 {
        self.prefix.len().max(self.step_back.forgotten())
    }

    /// Number of times that the history was read again from its start.
    pub fn rereads(&self) -> u32 {
        self.step_back.rereads()
    }

    /// Requests the same position with half the limit, because the server cannot send that many messages.
    /// False if the limit is one.
    pub fn halve(&mut self, request: &PageRequest) -> bool {
        let Some(half) = self.page_size.halve(request) else { return false };
        self.next = Step::Request(half);
        true
    }

    /// Handles the response to the request that [`Self::next`] returned last, in this attempt or in an
    /// earlier one.
    pub fn absorb(&mut self, request: &PageRequest, page: &PageView, facts: &mut ServerBehavior) {
        match request.purpose {
            Purpose::Doubt => self.next = self.finish_offset_test(page, facts),
            Purpose::Count => self.finish_unit_test(page, facts),
            _ => {
                self.learn(request, page, facts);
                if self.must_test_unit(request, page, facts) {
                    self.next = self.begin_unit_test(request, page);
                } else {
                    self.handle(request, page, facts);
                }
            }
        }
    }

    /// Handles a page whose offset unit is known, as far as it can be known.
    fn handle(&mut self, request: &PageRequest, page: &PageView, facts: &mut ServerBehavior) {
        if self.rests_on_total && facts.reading == OffsetUnit::PerConversation {
            self.rests_on_total = false;
            self.next = self.start_over();
            return;
        }
        if request.purpose == Purpose::Verify {
            self.next = self.verified(request, page, facts);
            return;
        }
        self.page_size.grow(request.limit);
        self.next = match request.purpose {
            Purpose::Onward if self.rules.consistency == Consistency::Fast => {
                self.advance(request, page, facts)
            }
            Purpose::Onward if request.overlap == 0 => self.unanchored(request, page, facts),
            Purpose::Onward | Purpose::StepBack => self.anchored(request, page, facts),
            Purpose::Proof => self.proof(request, page, facts),
            Purpose::Sweep => self.sweep(request, page, facts),
            Purpose::Start | Purpose::Verify | Purpose::Doubt | Purpose::Count => {
                self.advance(request, page, facts)
            }
        };
        self.check_offset(request, page);
    }

    fn learn(&self, request: &PageRequest, page: &PageView, facts: &mut ServerBehavior) {
        facts.honours_offset |= self.shows_offset(request, page);
        if matches!(request.purpose, Purpose::Onward | Purpose::Proof)
            && let Some(frontier) = &self.frontier
            && frontier.is_mixed()
        {
            let end = frontier.offset + frontier.page.largest();
            let conversations = frontier.page.groups().len() as u64;
            facts.learn_from_overlap(request.offset, self.prefix.known_on(page), end, conversations);
        }
        if page.received() > u64::from(request.limit) {
            // Repeated messages do not show what the limit counts.
            facts.learn_from_size(request, &page.without_repeats());
        } else {
            facts.learn_from_size(request, page);
        }
    }

    /// Adds a page that continues the history, and requests the next one.
    fn advance(&mut self, request: &PageRequest, page: &PageView, facts: &mut ServerBehavior) -> Step {
        let fresh = self.prefix.extend(request.offset, page, facts.reading);
        if page.is_empty() {
            return self.end(End::Proved, request.offset, 0);
        }
        if page.is_mixed() && facts.reading == OffsetUnit::Total {
            self.rests_on_total = true;
        }
        self.step_back.advanced(fresh > 0);
        self.frontier = Some(Frontier { offset: request.offset, limit: request.limit, page: page.clone() });
        let stride = match self.rules.consistency {
            // No page has to join, so neither a repeat nor a message beyond `limit` may move the offset.
            Consistency::Fast => facts.stride(&page.without_repeats()).min(u64::from(request.limit)),
            Consistency::Anchored | Consistency::Strict => facts.stride(page),
        };
        let past = request.offset + stride;
        self.past = past;
        self.end_proof.advanced(stride);
        if !facts.is_short(request, page) {
            self.end_proof.take();
            return self.next_page(past, stride);
        }
        if self.believes(page, facts) {
            return self.end(End::ShortPage, past, stride);
        }
        if (facts.short_pages_lie || self.end_proof.is_open()) && self.step_back.overlap() > 0 {
            return self.continue_after_short_page(past, stride, fresh, facts);
        }
        self.prove(past)
    }

    fn next_page(&self, past: u64, stride: u64) -> Step {
        let room = stride.min(u64::from(self.page_size.limit())).saturating_sub(1);
        let overlap = self.step_back.overlap().min(room).min(past);
        Step::Request(PageRequest {
            offset: past - overlap,
            limit: self.page_size.limit(),
            overlap,
            purpose: Purpose::Onward,
        })
    }
}
