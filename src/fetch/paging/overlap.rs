//! Joins the next page to the known messages. If it does not join, steps back or reads the history again.

use super::{
    EndDoubt, MAX_FRUITLESS, MAX_REREADS, MAX_TROUBLE, PageRequest, PageView, Paging, Purpose,
    ServerBehavior, Step,
};

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
                self.overlap = (self.overlap * 2).min(u64::from(self.rules.page_size / 4).max(1));
            }
            return self.advance(request, page, facts);
        }
        if self.prefix.may_join(request.offset, page, facts.reading)
            && let Some(before) = self.frontier.clone()
        {
            return self.hold_in_doubt(request, page, &before);
        }
        if request.offset > 0 {
            return self.step_back_from(request.offset);
        }
        // No known message is left at the start. Known messages stay known: they moved down, or were removed.
        match self.count_reread() {
            Ok(()) => self.advance(request, page, facts),
            Err(unresolved) => unresolved,
        }
    }

    /// Steps back from a page that does not join because messages before `offset` were removed. Each step
    /// doubles the distance.
    pub(super) fn step_back_from(&mut self, offset: u64) -> Step {
        if self.doubt == EndDoubt::Empty {
            self.doubt = EndDoubt::None;
        }
        if self.step_back == 1 {
            self.fruitless += 1;
        }
        if self.fruitless > MAX_FRUITLESS {
            return Step::Unresolved(
                "the pages contradict each other: stepping back finds nothing new".to_owned(),
            );
        }
        self.trouble += 1;
        if self.trouble > MAX_TROUBLE {
            return Step::Unresolved(
                "messages were removed faster than the history could be read".to_owned(),
            );
        }
        let offset = offset.saturating_sub(self.step_back);
        self.step_back = self.step_back.saturating_mul(2);
        Step::Request(PageRequest { offset, limit: self.limit, overlap: 0, purpose: Purpose::StepBack })
    }

    /// Forgets all messages and requests the start of the history, unless the limit of rereads is reached.
    pub(super) fn start_over(&mut self) -> Step {
        if let Err(unresolved) = self.count_reread() {
            return unresolved;
        }
        self.sweep.must_reread = true;
        self.forget();
        Step::Request(PageRequest { offset: 0, limit: self.limit, overlap: 0, purpose: Purpose::Start })
    }

    pub(super) fn forget(&mut self) {
        self.forgotten = self.forgotten.max(self.prefix.len());
        self.prefix.clear();
    }

    fn count_reread(&mut self) -> Result<(), Step> {
        self.rereads += 1;
        if self.rereads > MAX_REREADS {
            return Err(Step::Unresolved(format!(
                "the history had to be read again more than {MAX_REREADS} times"
            )));
        }
        Ok(())
    }
}
