//! Paging one contact's history on a chat that changes meanwhile, as a pure state machine.
//!
//! Offsets count positions: on a live chat an insert repeats messages and a removal skips them, silently. So each page
//! must *join* what is known (see [`prefix`]), the offset advances by what was received and not by what was asked for,
//! and the end is proved by an empty page, or believed where the run has reason to.
//!
//! No network, clock or randomness in here: [`Paging::next`] says what to ask, [`Paging::absorb`] takes the answer in.
//! A resumed run absorbs the spooled pages again, in their order, and goes on where it was.

mod end;
mod facts;
mod one_by_one;
mod prefix;
mod sight;
#[cfg(test)]
mod tests;

pub use sight::{Fingerprint, Sight};

use crate::history::{Ask, End, Ending, Facts, Purpose, Reading};
use crate::settings::Consistency;
use end::EndDoubt;
use prefix::Prefix;

/// Times that a history is read anew from its start before it is given up as unresolved.
const MAX_REREADS: u32 = 3;
/// Steps back in one history. Each doubles its distance, so one removal costs a handful; a history that keeps
/// changing under our hands is given up as unresolved rather than chased for ever.
const MAX_STEPS_BACK: u32 = 400;
/// Steps back in a row that lead to nothing new: the server's pages contradict each other.
const MAX_FRUITLESS: u32 = 8;
/// Pages read at a halved limit before the double is tried again.
const PAGES_BEFORE_GROWING: u32 = 4;
/// Equal pages at different offsets after which the server is asked whether it looks at the offset at all.
const EQUAL_PAGES: u32 = 2;
/// Far beyond the known end: a server that answers messages here ignores the offset.
const FAR_BEYOND: u64 = 1_000_000;

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
    /// Ask for this page.
    Ask(Ask),
    /// The history is read.
    End(Ending),
    /// It kept changing or contradicting itself: what was read is exported, and said.
    Unresolved(String),
    /// The server ignores `offset`: no history can be read from it.
    OffsetIgnored,
}

/// The last page that advanced the frontier.
#[derive(Clone, Copy, Debug)]
struct Frontier {
    offset: u64,
    largest: u64,
    conversations: u64,
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
    steps_back: u32,
    fruitless: u32,
    rereads: u32,
    chases: u32,
    sweeping: bool,
    doubt: EndDoubt,
    rests_on_total: bool,
    frontier: Option<Frontier>,
    last_page: Vec<Fingerprint>,
    equal_pages: u32,
    /// A page without an anchor, until the page before it is verified.
    held: Option<(Ask, Sight)>,
    /// What was to be asked when doubt about the offset came up.
    after_doubt: Option<Ask>,
}

impl Paging {
    /// The start of a history.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            prefix: Prefix::default(),
            next: Step::Ask(Ask { offset: 0, limit: rules.page_size, overlap: 0, purpose: Purpose::Start }),
            limit: rules.page_size,
            pages_at_limit: 0,
            overlap: u64::from(rules.consistency != Consistency::Fast),
            step_back: 1,
            steps_back: 0,
            fruitless: 0,
            rereads: 0,
            chases: 0,
            sweeping: false,
            doubt: EndDoubt::None,
            rests_on_total: false,
            frontier: None,
            last_page: Vec::new(),
            equal_pages: 0,
            held: None,
            after_doubt: None,
        }
    }

    /// What to do next.
    pub fn next(&self) -> &Step {
        &self.next
    }

    /// Distinct messages read so far.
    pub fn known(&self) -> u64 {
        self.prefix.len()
    }

    /// Times the history was read anew.
    pub fn rereads(&self) -> u32 {
        self.rereads
    }

    /// Takes in the answer to an ask, which is the last one [`Self::next`] gave, or was when it was spooled.
    pub fn absorb(&mut self, ask: &Ask, page: &Sight, facts: &mut Facts) {
        self.learn(ask, page, facts);
        if ask.purpose != Purpose::Verify {
            self.grow_back(ask);
        }
        self.next = match ask.purpose {
            Purpose::Doubt => self.settle_doubt(page),
            Purpose::Start => self.advance(ask, page, facts),
            Purpose::Onward if self.rules.consistency == Consistency::Fast => self.advance(ask, page, facts),
            Purpose::Onward if ask.overlap == 0 => self.unanchored(ask, page, facts),
            Purpose::Verify => self.verified(ask, page, facts),
            Purpose::Onward | Purpose::StepBack => self.anchored(ask, page, facts),
            Purpose::Proof => self.proof(ask, page, facts),
            Purpose::Sweep => self.sweep(ask, page, facts),
        };
        if !matches!(ask.purpose, Purpose::Doubt | Purpose::Verify) {
            self.doubt_the_offset(ask, page);
        }
    }

    /// The server cannot answer so much at once: the same place with half the limit. False at a single message.
    pub fn halve(&mut self, ask: &Ask) -> bool {
        if ask.limit <= 1 {
            return false;
        }
        let limit = ask.limit / 2;
        self.limit = limit;
        self.pages_at_limit = 0;
        // With one message a page there is no room for a known one: it starts at the frontier itself.
        let overlap = if limit == 1 { 0 } else { ask.overlap.min(u64::from(limit) - 1) };
        let offset = ask.offset + (ask.overlap - overlap);
        self.next = Step::Ask(Ask { offset, limit, overlap, purpose: ask.purpose });
        true
    }

    /// After some pages at a halved limit, the double is tried.
    fn grow_back(&mut self, ask: &Ask) {
        self.limit = ask.limit.min(self.rules.page_size);
        if self.limit == self.rules.page_size {
            return;
        }
        self.pages_at_limit += 1;
        if self.pages_at_limit >= PAGES_BEFORE_GROWING {
            self.pages_at_limit = 0;
            self.limit = (self.limit * 2).min(self.rules.page_size);
        }
    }

    fn learn(&self, ask: &Ask, page: &Sight, facts: &mut Facts) {
        if matches!(ask.purpose, Purpose::Onward | Purpose::Proof)
            && let Some(frontier) = self.frontier
            && frontier.conversations > 1
        {
            let end = frontier.offset + frontier.largest;
            facts.learn_from_overlap(ask.offset, self.prefix.known_on(page), end, frontier.conversations);
        }
        facts.learn_from_size(ask, page);
    }

    /// The page continues the history: take it in and go on behind it.
    fn advance(&mut self, ask: &Ask, page: &Sight, facts: &mut Facts) -> Step {
        let fresh = self.prefix.extend(ask.offset, page);
        if page.is_empty() {
            return self.end(End::Proved, ask.offset, 0);
        }
        if page.is_mixed() && facts.reading == Reading::Total {
            self.rests_on_total = true;
        }
        self.step_back = 1;
        if fresh > 0 {
            self.fruitless = 0;
        }
        self.frontier = Some(Frontier {
            offset: ask.offset,
            largest: page.largest(),
            conversations: page.groups().len() as u64,
        });
        let stride = facts.stride(page);
        let past = ask.offset + stride;
        if !facts.is_short(ask, page) {
            return self.onward(past, stride);
        }
        if self.believes(page, facts) {
            return self.end(End::ShortPage, past, stride);
        }
        if (facts.short_pages_lie || self.doubt != EndDoubt::None) && self.overlap > 0 {
            return self.past_a_short_page(past, stride, fresh);
        }
        self.prove(past)
    }

    fn onward(&self, past: u64, stride: u64) -> Step {
        let room = stride.min(u64::from(self.limit)).saturating_sub(1);
        let overlap = self.overlap.min(room);
        Step::Ask(Ask { offset: past - overlap, limit: self.limit, overlap, purpose: Purpose::Onward })
    }

    /// A page that must hold a message already known.
    fn anchored(&mut self, ask: &Ask, page: &Sight, facts: &mut Facts) -> Step {
        if self.prefix.joins(ask.offset, page, facts.reading) {
            if ask.purpose == Purpose::StepBack {
                self.overlap = (self.overlap * 2).min(u64::from(self.rules.page_size / 4).max(1));
            }
            return self.advance(ask, page, facts);
        }
        if ask.offset == 0 {
            return self.read_anew(ask, page, facts);
        }
        self.back_from(ask.offset)
    }

    /// Something before `offset` was removed: look for the joint further up, twice as far each time.
    fn back_from(&mut self, offset: u64) -> Step {
        if self.step_back == 1 {
            self.fruitless += 1;
        }
        if self.fruitless > MAX_FRUITLESS {
            return Step::Unresolved(
                "the pages contradict each other: stepping back leads to nothing new".to_owned(),
            );
        }
        self.steps_back += 1;
        if self.steps_back > MAX_STEPS_BACK {
            return Step::Unresolved(format!("the history changed {MAX_STEPS_BACK} times while it was read"));
        }
        let offset = offset.saturating_sub(self.step_back);
        self.step_back = self.step_back.saturating_mul(2);
        Step::Ask(Ask { offset, limit: self.limit, overlap: 0, purpose: Purpose::StepBack })
    }

    /// Not even the start of the history holds anything known: what was read is no longer a part of it.
    fn read_anew(&mut self, ask: &Ask, page: &Sight, facts: &mut Facts) -> Step {
        match self.start_over() {
            Step::Ask(_) => self.advance(ask, page, facts),
            step => step,
        }
    }

    /// Forgets what was read and asks for the start of the history, if that was not done too often.
    fn start_over(&mut self) -> Step {
        self.rereads += 1;
        if self.rereads > MAX_REREADS {
            return Step::Unresolved(format!(
                "the history had to be read anew more than {MAX_REREADS} times"
            ));
        }
        self.prefix.clear();
        Step::Ask(Ask { offset: 0, limit: self.limit, overlap: 0, purpose: Purpose::Start })
    }

    /// The closing sweep of `strict`: from the start until a page brings nothing new.
    fn sweep(&mut self, ask: &Ask, page: &Sight, facts: &mut Facts) -> Step {
        let known = self.prefix.known_on(page);
        if known == page.received() {
            return self.end(End::Proved, ask.offset + facts.stride(page), 0);
        }
        if known == 0 && ask.offset == 0 {
            self.sweeping = false;
            return self.read_anew(ask, page, facts);
        }
        self.prefix.extend(ask.offset, page);
        let stride = facts.stride(page);
        match self.onward(ask.offset + stride, stride) {
            Step::Ask(next) => Step::Ask(Ask { purpose: Purpose::Sweep, ..next }),
            step => step,
        }
    }

    /// Equal pages at different offsets raise the question whether the server looks at the offset at all.
    fn doubt_the_offset(&mut self, ask: &Ask, page: &Sight) {
        let messages: Vec<Fingerprint> = page.messages().collect();
        let equal = !messages.is_empty() && messages == self.last_page && ask.offset > 0;
        self.equal_pages = if equal { self.equal_pages + 1 } else { 0 };
        self.last_page = messages;
        if self.equal_pages >= EQUAL_PAGES
            && let Step::Ask(pending) = &self.next
        {
            self.after_doubt = Some(*pending);
            let offset = ask.offset + FAR_BEYOND;
            self.next = Step::Ask(Ask { offset, limit: ask.limit, overlap: 0, purpose: Purpose::Doubt });
        }
    }

    fn settle_doubt(&mut self, page: &Sight) -> Step {
        self.equal_pages = 0;
        match self.after_doubt.take() {
            Some(pending) if page.is_empty() => Step::Ask(pending),
            _ => Step::OffsetIgnored,
        }
    }
}
