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
mod ignored_offset;
mod limit;
mod offset_unit;
mod overlap;
mod page_view;
mod predict;
mod prefix;
mod server_behavior;
mod single_message_pages;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use end_check::{EndCheck, EndVerdict, check_end};
pub use page_view::{Fingerprint, PageView};

use crate::contact_read::{End, HistoryEnd, OffsetUnit, PageRequest, Purpose, ServerBehavior};
use crate::settings::Consistency;
use closing_sweep::Sweep;
use end::EndDoubt;
use offset_unit::UnitTest;
use prefix::Prefix;
use single_message_pages::Held;

/// Maximum number of times that a history is read again from its start. Beyond it, the history is unresolved.
const MAX_REREADS: u32 = 3;
/// Maximum number of steps back, apart from those that progress offsets. Each step doubles the distance, so
/// one removal takes a handful. A history that changes without rest becomes unresolved instead of being
/// chased forever.
const MAX_TROUBLE: u32 = 60;
/// Number of steps back that a page with a new message offsets.
const PAID_BY_A_PAGE: u32 = 2;
/// Maximum number of steps back in a row without a new message. Beyond it, the server's pages contradict each
/// other.
const MAX_FRUITLESS: u32 = 8;

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
}

/// Paging of one contact, or of one of its channels if channels are requested one by one.
#[derive(Debug)]
pub struct Paging {
    rules: Rules,
    prefix: Prefix,
    next: Step,
    limit: u32,
    pages_at_limit: u32,
    /// Number of known messages requested again with each page. Each successful step back doubles it.
    overlap: u64,
    step_back: u64,
    trouble: u32,
    fruitless: u32,
    rereads: u32,
    /// Largest number of known messages before they were forgotten.
    forgotten: u64,
    chases: u32,
    short_run: u32,
    sweep: Sweep,
    doubt: EndDoubt,
    /// Offset of the latest empty page.
    nothing_at: u64,
    /// Largest page of this history, in messages by the unit of the offset.
    largest: u64,
    rests_on_total: bool,
    /// The offset just past everything known.
    past: u64,
    frontier: Option<Frontier>,
    last_page: Vec<Fingerprint>,
    equal_pages: u32,
    /// A page without an anchor, until the page before it is verified.
    held: Option<Held>,
    /// The request that was due when the offset became doubtful.
    after_offset_test: Option<PageRequest>,
    unit_test: Option<UnitTest>,
    unit_tests: u32,
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
            limit: rules.page_size,
            pages_at_limit: 0,
            overlap: u64::from(rules.consistency != Consistency::Fast),
            step_back: 1,
            trouble: 0,
            fruitless: 0,
            rereads: 0,
            forgotten: 0,
            chases: 0,
            short_run: 0,
            sweep: Sweep::default(),
            doubt: EndDoubt::None,
            nothing_at: 0,
            largest: 0,
            rests_on_total: false,
            past: 0,
            frontier: None,
            last_page: Vec::new(),
            equal_pages: 0,
            held: None,
            after_offset_test: None,
            unit_test: None,
            unit_tests: 0,
        }
    }

    /// Returns the next action.
    pub fn next(&self) -> &Step {
        &self.next
    }

    /// Number of distinct messages read so far.
    pub fn known(&self) -> u64 {
        self.prefix.len().max(self.forgotten)
    }

    /// Returns the messages read since the last start of the history.
    pub fn into_known(self) -> HashSet<Fingerprint> {
        self.prefix.into_known()
    }

    /// Number of times that the history was read again from its start.
    pub fn rereads(&self) -> u32 {
        self.rereads
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
        self.grow_back(request);
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
        self.step_back = 1;
        if fresh > 0 {
            self.fruitless = 0;
            self.trouble = self.trouble.saturating_sub(PAID_BY_A_PAGE);
        }
        self.frontier = Some(Frontier { offset: request.offset, limit: request.limit, page: page.clone() });
        let stride = match self.rules.consistency {
            // No page has to join, so neither a repeat nor a message beyond `limit` may move the offset.
            Consistency::Fast => facts.stride(&page.without_repeats()).min(u64::from(request.limit)),
            Consistency::Anchored | Consistency::Strict => facts.stride(page),
        };
        let past = request.offset + stride;
        self.past = past;
        self.largest = self.largest.max(stride);
        if !facts.is_short(request, page) {
            self.doubt = EndDoubt::None;
            return self.next_page(past, stride);
        }
        if self.believes(page, facts) {
            return self.end(End::ShortPage, past, stride);
        }
        if (facts.short_pages_lie || self.doubt != EndDoubt::None) && self.overlap > 0 {
            return self.continue_after_short_page(past, stride, fresh, facts);
        }
        self.prove(past)
    }

    fn next_page(&self, past: u64, stride: u64) -> Step {
        let room = stride.min(u64::from(self.limit)).saturating_sub(1);
        let overlap = self.overlap.min(room).min(past);
        Step::Request(PageRequest {
            offset: past - overlap,
            limit: self.limit,
            overlap,
            purpose: Purpose::Onward,
        })
    }
}
