//! Steps back and rereads: the effort spent on a history that changes while it is read, and its limits.

use super::{Rules, Step};
use crate::settings::Consistency;

/// Maximum number of times that a history is read again from its start. Beyond it, the history is unresolved.
const MAX_REREADS: u32 = 3;
/// Maximum number of steps back, apart from those that progress offsets. Each step doubles the distance, so
/// one removal takes a handful. A history that changes without rest becomes unresolved instead of being
/// chased forever.
const MAX_STEPS: u32 = 60;
/// Number of steps back that a page with a new message offsets.
const STEPS_PER_NEW_PAGE: u32 = 2;
/// Maximum number of steps back in a row without a new message. Beyond it, the server's pages contradict each
/// other.
const MAX_FRUITLESS: u32 = 8;

/// The next step's distance, and the counts that end an endless read.
#[derive(Debug)]
pub(super) struct StepBack {
    /// Number of known messages requested again with each page. Each successful step back doubles it.
    overlap: u64,
    max_overlap: u64,
    distance: u64,
    steps: u32,
    fruitless: u32,
    rereads: u32,
    /// Largest number of known messages before they were forgotten.
    forgotten: u64,
}

impl StepBack {
    pub fn new(rules: Rules) -> Self {
        Self {
            overlap: u64::from(rules.consistency != Consistency::Fast),
            max_overlap: u64::from(rules.page_size / 4).max(1),
            distance: 1,
            steps: 0,
            fruitless: 0,
            rereads: 0,
            forgotten: 0,
        }
    }

    /// Returns the number of known messages that the next page should repeat.
    pub fn overlap(&self) -> u64 {
        self.overlap
    }

    /// Returns the number of times that the history was read again from its start.
    pub fn rereads(&self) -> u32 {
        self.rereads
    }

    /// Returns the largest number of known messages before they were forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Records a page that continues the history. New messages offset earlier steps.
    pub fn advanced(&mut self, has_new: bool) {
        self.distance = 1;
        if has_new {
            self.fruitless = 0;
            self.steps = self.steps.saturating_sub(STEPS_PER_NEW_PAGE);
        }
    }

    /// Records a step back that has led to a page that joins. Later pages overlap more.
    pub fn joined(&mut self) {
        self.overlap = (self.overlap * 2).min(self.max_overlap);
    }

    /// Returns the offset of the next step back from `offset`, or the reason to stop.
    pub fn step(&mut self, offset: u64) -> Result<u64, Step> {
        if self.distance == 1 {
            self.fruitless += 1;
        }
        if self.fruitless > MAX_FRUITLESS {
            return Err(Step::Unresolved(
                "the pages contradict each other: stepping back finds nothing new".to_owned(),
            ));
        }
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Step::Unresolved(
                "messages were removed faster than the history could be read".to_owned(),
            ));
        }
        let offset = offset.saturating_sub(self.distance);
        self.distance = self.distance.saturating_mul(2);
        Ok(offset)
    }

    /// Counts a reread of the history, or returns the reason to stop.
    pub fn reread(&mut self) -> Result<(), Step> {
        self.rereads += 1;
        if self.rereads > MAX_REREADS {
            return Err(Step::Unresolved(format!(
                "the history had to be read again more than {MAX_REREADS} times"
            )));
        }
        Ok(())
    }

    /// Records the number of known messages before they are forgotten.
    pub fn forget(&mut self, known: u64) {
        self.forgotten = self.forgotten.max(known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::paging::ShortPagePolicy;

    fn new(consistency: Consistency, page_size: u32) -> StepBack {
        StepBack::new(Rules { consistency, page_size, short_page_policy: ShortPagePolicy::Prove })
    }

    fn reason(step: Step) -> String {
        match step {
            Step::Unresolved(reason) => reason,
            step => panic!("{step:?}"),
        }
    }

    #[test]
    fn each_step_doubles_the_distance_until_a_page_advances() {
        let mut back = new(Consistency::Anchored, 100);
        assert_eq!([100, 99, 97].map(|offset| back.step(offset).unwrap()), [99, 97, 93]);
        back.advanced(true);
        assert_eq!(back.step(100).unwrap(), 99);
        assert_eq!(back.step(1).unwrap(), 0);
    }

    #[test]
    fn the_overlap_doubles_up_to_a_quarter_of_the_page() {
        let mut back = new(Consistency::Anchored, 12);
        let overlaps = [(); 3].map(|()| {
            back.joined();
            back.overlap()
        });
        assert_eq!(overlaps, [2, 3, 3]);
        let mut fast = new(Consistency::Fast, 12);
        fast.joined();
        assert_eq!(fast.overlap(), 0);
    }

    #[test]
    fn searches_without_a_new_message_end() {
        let mut back = new(Consistency::Anchored, 100);
        for _ in 0..MAX_FRUITLESS {
            back.step(100).unwrap();
            back.advanced(false);
        }
        assert!(reason(back.step(100).unwrap_err()).contains("contradict"));
    }

    #[test]
    fn new_messages_pay_for_steps_back() {
        let mut back = new(Consistency::Anchored, 100);
        for _ in 0..MAX_STEPS {
            back.step(1000).unwrap();
        }
        back.advanced(true);
        for _ in 0..STEPS_PER_NEW_PAGE {
            back.step(1000).unwrap();
        }
        assert!(reason(back.step(1000).unwrap_err()).contains("removed faster"));
    }

    #[test]
    fn rereads_end_and_keep_the_largest_count() {
        let mut back = new(Consistency::Anchored, 100);
        for known in [7, 9, 8] {
            back.reread().unwrap();
            back.forget(known);
        }
        assert_eq!((back.rereads(), back.forgotten()), (MAX_REREADS, 9));
        assert!(reason(back.reread().unwrap_err()).contains("read again"));
    }
}
