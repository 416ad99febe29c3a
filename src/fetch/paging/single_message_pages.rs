//! Confirms pages that cannot join: pages of one message, which have no room for a known one, and pages that
//! seem to join by ambiguous messages.
//!
//! A page of one message is held. The position before it is requested again, then its own position. If both
//! are unchanged, nothing was removed in between, and the page is added. Otherwise the history is read again,
//! and becomes unresolved if that happens too often. So a server that sends single messages leaves restless
//! chats unresolved. This is not a full proof: a page of one message does not show its neighbours. A removal,
//! an insertion and another removal within three consecutive requests stay unnoticed.
//!
//! A page may seem to join only by messages without an id, although other messages have one. It is held too,
//! and the whole page before it, its own, and the one before it are requested again. If one of them has
//! changed, paging steps back.

use std::collections::HashSet;

use super::{
    Fingerprint, Frontier, OffsetUnit, PageRequest, PageView, Paging, Purpose, ServerBehavior, Step,
};

/// A page that waits for confirmation.
#[derive(Debug)]
pub(super) struct Held {
    request: PageRequest,
    page: PageView,
    why: Why,
    next: Check,
}

/// The next response that confirms a held page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// The position or page before the held page.
    Before,
    /// The held page's own position.
    Own,
    /// The page before the held page, once more. Only a page in doubt needs it.
    BeforeAgain,
}

/// Reason why a page is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The page has no known message.
    NothingKnown,
    /// Other messages may be equal to its known messages.
    InDoubt,
}

impl Paging {
    /// Handles a page requested without overlap. If it holds known messages anyway, the cautious stride has
    /// led back into them, and it joins. A single known message has moved here from an earlier position.
    pub(super) fn unanchored(
        &mut self,
        request: &PageRequest,
        page: &PageView,
        facts: &mut ServerBehavior,
    ) -> Step {
        let is_cautious =
            facts.reading == OffsetUnit::Unknown && self.frontier.as_ref().is_some_and(Frontier::is_mixed);
        match self.prefix.known_on(page) {
            0 => self.hold(request, page),
            _ if page.received() > 1 || is_cautious => self.anchored(request, page, facts),
            _ => self.start_over(),
        }
    }

    /// Holds the page and requests the position before it.
    fn hold(&mut self, request: &PageRequest, page: &PageView) -> Step {
        self.hold.page =
            Some(Held { request: *request, page: page.clone(), why: Why::NothingKnown, next: Check::Before });
        let offset = request.offset.saturating_sub(1);
        Step::Request(PageRequest { offset, limit: 1, overlap: 0, purpose: Purpose::Verify })
    }

    /// Holds a page that seems to join, and requests the whole page before it.
    pub(super) fn hold_in_doubt(
        &mut self,
        request: &PageRequest,
        page: &PageView,
        before: &Frontier,
    ) -> Step {
        self.hold.page =
            Some(Held { request: *request, page: page.clone(), why: Why::InDoubt, next: Check::Before });
        Step::Request(before.again())
    }

    /// Adds the held page if the position before it is unchanged, and then its own position. Both are needed,
    /// because an insertion can hide a removal. A page in doubt also needs the page before it once more. The
    /// held page may have been prefetched, and then be older than the page before it.
    pub(super) fn verified(
        &mut self,
        request: &PageRequest,
        again: &PageView,
        facts: &mut ServerBehavior,
    ) -> Step {
        let Some(held) = self.hold.page.take() else { return self.start_over() };
        let is_confirmed = match (held.next, held.why) {
            (Check::Own, _) => request.offset == held.request.offset && is_the_same(again, &held.page),
            (Check::Before, Why::NothingKnown) => {
                self.prefix.is_unchanged_at(request.offset, again, facts.reading)
            }
            (Check::Before | Check::BeforeAgain, _) => self.frontier.as_ref().is_some_and(|before| {
                request.offset == before.offset
                    && again.received() == before.page.received()
                    && is_the_same(again, &before.page)
            }),
        };
        let before = self.frontier.as_ref().map(Frontier::again);
        let (next, request) = match (held.next, held.why, before) {
            _ if !is_confirmed && held.why == Why::NothingKnown => return self.start_over(),
            _ if !is_confirmed => return self.step_back_from(held.request.offset),
            (Check::Before, ..) => (Check::Own, PageRequest { purpose: Purpose::Verify, ..held.request }),
            (Check::Own, Why::InDoubt, Some(before)) => (Check::BeforeAgain, before),
            _ => return self.advance(&held.request, &held.page, facts),
        };
        self.hold.page = Some(Held { next, ..held });
        Step::Request(request)
    }
}

/// True if two responses for one position agree, as far as the shorter one reaches.
fn is_the_same(one: &PageView, other: &PageView) -> bool {
    let (short, long) = if one.received() < other.received() { (one, other) } else { (other, one) };
    let all: HashSet<Fingerprint> = long.messages().collect();
    short.messages().all(|message| all.contains(&message)) && short.is_empty() == long.is_empty()
}
