//! Paging one contact's history on a chat that changes meanwhile, as a pure state machine.
//!
//! Offsets count positions: on a live chat an insert repeats messages and a removal skips them, silently. So each page
//! must *join* what is known (see [`prefix`]) or be confirmed (see [`single_message_pages`]), the offset advances by what was
//! received and not by what was asked for, and the end is proved by an empty page, or believed where the run has reason
//! to. What offsets count is asked for where it matters (see [`count`]).
//!
//! No network, clock or randomness in here: [`Paging::next`] says what to ask, [`Paging::absorb`] takes the answer in.
//! A resumed run absorbs the spooled pages again, in their order, and goes on where it was.

mod closing_sweep;
mod count;
mod end;
mod end_check;
mod facts;
mod limit;
mod offset;
mod overlap;
mod page_view;
mod predict;
mod prefix;
mod single_message_pages;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use end_check::{EndCheck, EndVerdict, check_end};
pub use page_view::{Fingerprint, PageView};

use crate::contact_read::{End, HistoryEnd, OffsetUnit, PageRequest, Purpose, ServerBehavior};
use crate::settings::Consistency;
use closing_sweep::Sweep;
use count::Uncounted;
use end::EndDoubt;
use prefix::Prefix;
use single_message_pages::Held;

/// Times that a history is read anew from its start before it is given up as unresolved.
const MAX_REREADS: u32 = 3;
/// Steps back in one history beyond those that its progress pays for. Each doubles its distance, so one removal costs a
/// handful; a history that keeps changing under our hands is given up as unresolved rather than chased for ever.
const MAX_TROUBLE: u32 = 60;
/// Steps back that a page with something new pays for.
const PAID_BY_A_PAGE: u32 = 2;
/// Steps back in a row that lead to nothing new: the server's pages contradict each other.
const MAX_FRUITLESS: u32 = 8;

/// How one contact is to be paged.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How hard to prove that nothing was missed.
    pub consistency: Consistency,
    /// The `limit` to ask with, 1..=100.
    pub page_size: u32,
    /// Whether this contact's short last page may be believed to be the end at all.
    pub claims: Claims,
}

/// Whether a short page that joins is believed to be the end of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claims {
    /// As long as none in this run has proved false.
    Believe,
    /// Never: this contact is one of those that the belief rests on.
    Prove,
}

/// What to do next for a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Request this page.
    Request(PageRequest),
    /// The history is read.
    End(HistoryEnd),
    /// It kept changing or contradicting itself: what was read is exported, and said.
    Unresolved(String),
    /// The server answered this history's first page at every offset, and has not shown that it looks at the offset.
    OffsetIgnored,
}

/// The last page that advanced the frontier.
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

/// The paging of one contact (of one channel of it, where channels are asked for one by one).
#[derive(Debug)]
pub struct Paging {
    rules: Rules,
    prefix: Prefix,
    next: Step,
    /// The `limit` now: halved when the server cannot answer so much, grown back after.
    limit: u32,
    pages_at_limit: u32,
    /// Known messages asked for again with each page; grows with trouble.
    overlap: u64,
    step_back: u64,
    trouble: u32,
    fruitless: u32,
    rereads: u32,
    /// The most that was known when it was forgotten.
    forgotten: u64,
    chases: u32,
    short_run: u32,
    sweep: Sweep,
    doubt: EndDoubt,
    /// Where the last proof found nothing.
    nothing_at: u64,
    /// The most messages of a page of this history, in the unit of the reading.
    largest: u64,
    rests_on_total: bool,
    /// The offset just past everything known.
    past: u64,
    frontier: Option<Frontier>,
    last_page: Vec<Fingerprint>,
    equal_pages: u32,
    /// A page without an anchor, until the page before it is verified.
    held: Option<Held>,
    /// What was to be asked when doubt about the offset came up.
    after_doubt: Option<PageRequest>,
    uncounted: Option<Uncounted>,
    counts: u32,
}

impl Paging {
    /// The start of a history.
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
            after_doubt: None,
            uncounted: None,
            counts: 0,
        }
    }

    /// What to do next.
    pub fn next(&self) -> &Step {
        &self.next
    }

    /// Distinct messages read so far.
    pub fn known(&self) -> u64 {
        self.prefix.len().max(self.forgotten)
    }

    /// The messages read since the history was last begun.
    pub fn into_known(self) -> HashSet<Fingerprint> {
        self.prefix.into_known()
    }

    /// Times the history was read anew.
    pub fn rereads(&self) -> u32 {
        self.rereads
    }

    /// Takes in the answer to an ask, which is the last one [`Self::next`] gave, or was when it was spooled.
    pub fn absorb(&mut self, ask: &PageRequest, page: &PageView, facts: &mut ServerBehavior) {
        match ask.purpose {
            Purpose::Doubt => self.next = self.settle_doubt(page, facts),
            Purpose::Count => self.counted(page, facts),
            _ => {
                self.learn(ask, page, facts);
                if self.is_to_count(ask, page, facts) {
                    self.next = self.count(ask, page);
                } else {
                    self.take_in(ask, page, facts);
                }
            }
        }
    }

    /// A page of which it is known what its offset counts, as far as that can be known.
    fn take_in(&mut self, ask: &PageRequest, page: &PageView, facts: &mut ServerBehavior) {
        if self.rests_on_total && facts.reading == OffsetUnit::PerConversation {
            self.rests_on_total = false;
            self.next = self.start_over();
            return;
        }
        if ask.purpose == Purpose::Verify {
            self.next = self.verified(ask, page, facts);
            return;
        }
        self.grow_back(ask);
        self.next = match ask.purpose {
            Purpose::Onward if self.rules.consistency == Consistency::Fast => self.advance(ask, page, facts),
            Purpose::Onward if ask.overlap == 0 => self.unanchored(ask, page, facts),
            Purpose::Onward | Purpose::StepBack => self.anchored(ask, page, facts),
            Purpose::Proof => self.proof(ask, page, facts),
            Purpose::Sweep => self.sweep(ask, page, facts),
            Purpose::Start | Purpose::Verify | Purpose::Doubt | Purpose::Count => {
                self.advance(ask, page, facts)
            }
        };
        self.doubt_the_offset(ask, page);
    }

    fn learn(&self, ask: &PageRequest, page: &PageView, facts: &mut ServerBehavior) {
        facts.honours_offset |= self.shows_offset(ask, page);
        if matches!(ask.purpose, Purpose::Onward | Purpose::Proof)
            && let Some(frontier) = &self.frontier
            && frontier.is_mixed()
        {
            let end = frontier.offset + frontier.page.largest();
            let conversations = frontier.page.groups().len() as u64;
            facts.learn_from_overlap(ask.offset, self.prefix.known_on(page), end, conversations);
        }
        if page.received() > u64::from(ask.limit) {
            // What is sent twice says nothing of what the limit counts.
            facts.learn_from_size(ask, &page.without_repeats());
        } else {
            facts.learn_from_size(ask, page);
        }
    }

    /// The page continues the history: take it in and go on behind it.
    fn advance(&mut self, ask: &PageRequest, page: &PageView, facts: &mut ServerBehavior) -> Step {
        let fresh = self.prefix.extend(ask.offset, page, facts.reading);
        if page.is_empty() {
            return self.end(End::Proved, ask.offset, 0);
        }
        if page.is_mixed() && facts.reading == OffsetUnit::Total {
            self.rests_on_total = true;
        }
        self.step_back = 1;
        if fresh > 0 {
            self.fruitless = 0;
            self.trouble = self.trouble.saturating_sub(PAID_BY_A_PAGE);
        }
        self.frontier = Some(Frontier { offset: ask.offset, limit: ask.limit, page: page.clone() });
        let stride = match self.rules.consistency {
            // No page has to join, so neither a repeat nor a message beyond `limit` may move the offset.
            Consistency::Fast => facts.stride(&page.without_repeats()).min(u64::from(ask.limit)),
            Consistency::Anchored | Consistency::Strict => facts.stride(page),
        };
        let past = ask.offset + stride;
        self.past = past;
        self.largest = self.largest.max(stride);
        if !facts.is_short(ask, page) {
            self.doubt = EndDoubt::None;
            return self.onward(past, stride);
        }
        if self.believes(page, facts) {
            return self.end(End::ShortPage, past, stride);
        }
        if (facts.short_pages_lie || self.doubt != EndDoubt::None) && self.overlap > 0 {
            return self.past_a_short_page(past, stride, fresh, facts);
        }
        self.prove(past)
    }

    fn onward(&self, past: u64, stride: u64) -> Step {
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
