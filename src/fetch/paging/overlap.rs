//! Joins the next page to the known messages. If it does not join, steps back or reads the history again.

use super::{PageRequest, PageView, Paging, Purpose, ServerBehavior, Step};

impl Paging {
    /// Handles a page that must hold a known message, unless it is the first page.
    pub(super) fn anchored(
        &mut self,
        request: &PageRequest,
        page: &PageView,
        facts: &mut ServerBehavior,
    ) -> Step {
        self.sweep.must_reread |= request.purpose == Purpose::StepBack;
        if self.prefix.joins(request.offset, page, facts.reading) {
            if request.purpose == Purpose::StepBack {
                self.step_back.joined();
            }
            return self.advance(request, page, facts);
        }
        // A page beyond everything known leaves a gap, whatever it holds.
        if request.offset <= self.past
            && self.prefix.may_join(request.offset, page, facts.reading)
            && let Some(before) = self.frontier.clone()
        {
            return self.hold_in_doubt(request, page, &before);
        }
        if request.offset > 0 {
            return self.step_back_from(request.offset);
        }
        // No known message is left at the start. Known messages stay known: they moved down, or were removed.
        match self.step_back.reread() {
            Ok(()) => self.advance(request, page, facts),
            Err(unresolved) => unresolved,
        }
    }

    /// Steps back from a page that does not join because messages before `offset` were removed. Each step
    /// doubles the distance.
    pub(super) fn step_back_from(&mut self, offset: u64) -> Step {
        self.end_proof.forget_empty();
        match self.step_back.step(offset) {
            Ok(offset) => {
                let limit = self.page_size.limit();
                Step::Request(PageRequest { offset, limit, overlap: 0, purpose: Purpose::StepBack })
            }
            Err(unresolved) => unresolved,
        }
    }

    /// Forgets all messages and requests the start of the history, unless the limit of rereads is reached.
    pub(super) fn start_over(&mut self) -> Step {
        if let Err(unresolved) = self.step_back.reread() {
            return unresolved;
        }
        self.sweep.must_reread = true;
        self.forget();
        Step::Request(PageRequest {
            offset: 0,
            limit: self.page_size.limit(),
            overlap: 0,
            purpose: Purpose::Start,
        })
    }

    pub(super) fn forget(&mut self) {
        self.step_back.forget(self.prefix.len());
        self.prefix.clear();
    }
}
