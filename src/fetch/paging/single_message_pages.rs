//! Pages without an anchor: of one message, which have no room for a known one beside a new one, or with known messages
//! that others could be taken for.
//!
//! A page of one message is held until the place before it and then its own were asked for again: only if what stood
//! there when they were read still stands there has nothing been removed in between. Otherwise the history is read anew,
//! and given up as unresolved when that happens too often. That costs a server that sends single messages, on a chat that never rests,
//! its answer. And it is not proof: what is removed, made up for, and removed again in three requests that follow each
//! other passes unseen, since a page of one message shows nothing of its neighbours.
//!
//! A page that seems to join, but only by messages without an id in a history where others have one, is held until the
//! whole page before it and then its own were asked for again and show what they showed. Where they do not, the joint is
//! looked for further up.

use std::collections::HashSet;

use super::{
    Fingerprint, Frontier, OffsetUnit, PageRequest, PageView, Paging, Purpose, ServerBehavior, Step,
};

/// A page without an anchor.
#[derive(Debug)]
pub(super) struct Held {
    ask: PageRequest,
    page: PageView,
    why: Why,
    /// Whether what stands before it was seen to be as it was.
    follows: bool,
}

/// Why a page is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// It has no known message.
    NothingKnown,
    /// Others could be taken for its known messages.
    InDoubt,
}

impl Paging {
    /// A page asked for without overlap. Where it holds known messages all the same it needs no more: the cautious
    /// stride has led back into them. A known message alone, though, has moved here from an earlier place.
    pub(super) fn unanchored(
        &mut self,
        ask: &PageRequest,
        page: &PageView,
        facts: &mut ServerBehavior,
    ) -> Step {
        let is_cautious =
            facts.reading == OffsetUnit::Unknown && self.frontier.as_ref().is_some_and(Frontier::is_mixed);
        match self.prefix.known_on(page) {
            0 => self.hold(ask, page),
            _ if page.received() > 1 || is_cautious => self.anchored(ask, page, facts),
            _ => self.start_over(),
        }
    }

    /// Keeps the page and asks for the place before it.
    fn hold(&mut self, ask: &PageRequest, page: &PageView) -> Step {
        self.held = Some(Held { ask: *ask, page: page.clone(), why: Why::NothingKnown, follows: false });
        let offset = ask.offset.saturating_sub(1);
        Step::Request(PageRequest { offset, limit: 1, overlap: 0, purpose: Purpose::Verify })
    }

    /// Keeps a page that seems to join and asks for the page before it, whole.
    pub(super) fn hold_in_doubt(&mut self, ask: &PageRequest, page: &PageView, before: &Frontier) -> Step {
        self.held = Some(Held { ask: *ask, page: page.clone(), why: Why::InDoubt, follows: false });
        Step::Request(PageRequest {
            offset: before.offset,
            limit: before.limit,
            overlap: 0,
            purpose: Purpose::Verify,
        })
    }

    /// Takes the held page in if what stands before it is as it was, and then its own place too: what was removed before
    /// it could have been made up for by what came.
    pub(super) fn verified(
        &mut self,
        ask: &PageRequest,
        again: &PageView,
        facts: &mut ServerBehavior,
    ) -> Step {
        let Some(held) = self.held.take() else { return self.start_over() };
        let stands = match held.why {
            _ if held.follows => ask.offset == held.ask.offset && is_the_same(again, &held.page),
            Why::NothingKnown => self.prefix.stands_at(ask.offset, again, facts.reading),
            Why::InDoubt => self.frontier.as_ref().is_some_and(|before| {
                ask.offset == before.offset
                    && again.received() == before.page.received()
                    && is_the_same(again, &before.page)
            }),
        };
        match held.why {
            _ if stands && held.follows => self.advance(&held.ask, &held.page, facts),
            _ if stands => {
                let once_more = PageRequest { purpose: Purpose::Verify, ..held.ask };
                self.held = Some(Held { follows: true, ..held });
                Step::Request(once_more)
            }
            Why::NothingKnown => self.start_over(),
            Why::InDoubt => self.back_from(held.ask.offset),
        }
    }
}

/// Whether two pages of one place show the same, as far as each goes.
fn is_the_same(one: &PageView, other: &PageView) -> bool {
    let (short, long) = if one.received() < other.received() { (one, other) } else { (other, one) };
    let all: HashSet<Fingerprint> = long.messages().collect();
    short.messages().all(|message| all.contains(&message)) && short.is_empty() == long.is_empty()
}
