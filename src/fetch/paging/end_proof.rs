//! The proof of the end of a history: its state, and the counts that end an endless proof.

use super::Step;

/// Maximum number of times that the end moves while it is checked. Beyond it, the chat grows as fast as it is
/// read.
const MAX_CHASES: u32 = 12;

/// Number of short pages in a row, each with a new message, after which the end is checked. The chat may be
/// growing.
const MAX_SHORT_RUN: u32 = 16;

/// State of the proof of the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ProofState {
    /// The proof has not started.
    #[default]
    None,
    /// The page beyond the end was empty. An anchored page must confirm it.
    Empty,
    /// An anchored page has confirmed the end. If short pages are unreliable, it may have been cut, so a page
    /// beyond the end must be empty again.
    Confirmed,
    /// The page beyond the end held messages. An anchored page is requested at the same position.
    Denied,
}

/// The proof of the end of one history.
#[derive(Debug, Default)]
pub(super) struct EndProof {
    state: ProofState,
    /// Offset of the latest empty page.
    empty_at: u64,
    chases: u32,
    short_run: u32,
    /// Largest page of this history, in messages by the unit of the offset.
    largest: u64,
}

impl EndProof {
    /// True while a proof is under way.
    pub fn is_open(&self) -> bool {
        self.state != ProofState::None
    }

    /// Ends the proof and returns its state.
    pub fn take(&mut self) -> ProofState {
        std::mem::take(&mut self.state)
    }

    /// Records an empty page at `offset`.
    pub fn found_empty(&mut self, offset: u64) {
        self.state = ProofState::Empty;
        self.empty_at = offset;
    }

    /// Records an anchored page that confirms the end.
    pub fn confirm(&mut self) {
        self.state = ProofState::Confirmed;
    }

    /// Records messages beyond the end.
    pub fn deny(&mut self) {
        self.state = ProofState::Denied;
    }

    /// Ignores an empty page, because messages before it were removed.
    pub fn forget_empty(&mut self) {
        if self.state == ProofState::Empty {
            self.state = ProofState::None;
        }
    }

    /// Records a page that advanced the history by `stride`.
    pub fn advanced(&mut self, stride: u64) {
        self.largest = self.largest.max(stride);
    }

    /// Returns the stride of the largest page.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// True if a short page shows the whole rest of the history. A page as long as the longest may have been
    /// cut by a limit of the server. A page that does not reach the empty position proves less.
    pub fn is_whole(&self, stride: u64, past: u64) -> bool {
        stride < self.largest.max(2) && past >= self.empty_at
    }

    /// Counts a move of the end, or returns the reason to stop.
    pub fn chase(&mut self) -> Result<(), Step> {
        self.chases += 1;
        if self.chases > MAX_CHASES {
            return Err(Step::Unresolved("new messages arrived as fast as they were read".to_owned()));
        }
        Ok(())
    }

    /// Forgets the moves of the end, because a whole page was behind it.
    pub fn restart_chase(&mut self) {
        self.chases = 0;
    }

    /// Returns the distance by which the next request for the end goes further, after some moves.
    pub fn lead(&self) -> u64 {
        u64::from(self.chases.saturating_sub(1))
    }

    /// Counts a short page. True if the next page should be read before the end is checked.
    pub fn continues_after_short(&mut self, has_progress: bool) -> bool {
        self.short_run += 1;
        if has_progress && self.short_run < MAX_SHORT_RUN {
            return true;
        }
        self.short_run = 0;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_taken_once() {
        let mut proof = EndProof::default();
        assert!(!proof.is_open());
        proof.found_empty(7);
        assert!(proof.is_open());
        assert_eq!((proof.take(), proof.take()), (ProofState::Empty, ProofState::None));
    }

    #[test]
    fn only_an_empty_page_is_forgotten() {
        let mut proof = EndProof::default();
        proof.deny();
        proof.forget_empty();
        assert_eq!(proof.take(), ProofState::Denied);
        proof.found_empty(7);
        proof.forget_empty();
        assert!(!proof.is_open());
    }

    #[test]
    fn a_page_is_whole_if_it_is_short_and_reaches_the_empty_position() {
        let mut proof = EndProof::default();
        proof.advanced(10);
        proof.advanced(4);
        proof.found_empty(20);
        assert!(proof.is_whole(9, 20));
        assert!(!proof.is_whole(10, 20), "as long as the longest");
        assert!(!proof.is_whole(9, 19), "before the empty position");
    }

    #[test]
    fn a_moving_end_is_requested_further_and_further_up_to_a_limit() {
        let mut proof = EndProof::default();
        let leads: Vec<u64> = (0..3)
            .map(|_| {
                proof.chase().unwrap();
                proof.lead()
            })
            .collect();
        assert_eq!(leads, [0, 1, 2]);
        proof.restart_chase();
        assert_eq!(proof.lead(), 0);
        for _ in 0..MAX_CHASES {
            proof.chase().unwrap();
        }
        assert!(matches!(proof.chase(), Err(Step::Unresolved(_))));
    }

    #[test]
    fn a_run_of_short_pages_ends_in_a_check() {
        let mut proof = EndProof::default();
        assert!(!proof.continues_after_short(false));
        for _ in 1..MAX_SHORT_RUN {
            assert!(proof.continues_after_short(true));
        }
        assert!(!proof.continues_after_short(true));
        assert!(proof.continues_after_short(true), "a new run");
    }
}
