//! Pages of one message, which have no room for a known one beside a new one.
//!
//! Such a page is held until the place before it was asked for again: only if what stood there when it was read still
//! stands there has nothing been removed in between. Otherwise the history is read anew, and given up as unresolved when
//! that happens too often: it costs a server that sends single messages on a chat that never rests its answer, but no
//! message is lost without a word.

use super::{Ask, Facts, Paging, Purpose, Reading, Sight, Step};

impl Paging {
    /// A page asked for without overlap. Where it holds known messages all the same it needs no more: the cautious
    /// stride has led back into them. A known message alone, though, has moved here from an earlier place.
    pub(super) fn unanchored(&mut self, ask: &Ask, page: &Sight, facts: &mut Facts) -> Step {
        let is_cautious = facts.reading == Reading::Unknown
            && self.frontier.is_some_and(|frontier| frontier.conversations > 1);
        match self.prefix.known_on(page) {
            0 => self.hold(ask, page),
            _ if page.received() > 1 || is_cautious => self.anchored(ask, page, facts),
            _ => self.start_over(),
        }
    }

    /// Keeps the page and asks for the place before it.
    fn hold(&mut self, ask: &Ask, page: &Sight) -> Step {
        self.held = Some((*ask, page.clone()));
        let offset = ask.offset.saturating_sub(1);
        Step::Ask(Ask { offset, limit: 1, overlap: 0, purpose: Purpose::Verify })
    }

    /// Takes the held page in if the place before it is as it was.
    pub(super) fn verified(&mut self, ask: &Ask, before: &Sight, facts: &mut Facts) -> Step {
        let Some((held_ask, held)) = self.held.take() else { return self.start_over() };
        if self.prefix.stands_at(ask.offset, before, facts.reading) {
            self.advance(&held_ask, &held, facts)
        } else {
            self.start_over()
        }
    }
}
