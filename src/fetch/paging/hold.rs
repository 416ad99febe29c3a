//! Pages and requests that wait for the result of a test: of an anchor, of the unit of offsets, or of the
//! offset itself.

use super::offset_unit::UnitTest;
use super::single_message_pages::Held;
use super::{Fingerprint, PageRequest};

/// Maximum number of tests of the offset unit per history. A test fails only if a conversation vanishes
/// meanwhile.
const MAX_UNIT_TESTS: u32 = 3;
/// Number of equal pages at different offsets after which a page far beyond the end is requested.
const MAX_EQUAL_PAGES: u32 = 2;

/// What waits for a test, and the counts that decide on tests.
#[derive(Debug, Default)]
pub(super) struct Hold {
    /// A page without an anchor, until the page before it is verified.
    pub page: Option<Held>,
    unit_test: Option<UnitTest>,
    unit_tests: u32,
    /// The request that was due when the offset became doubtful.
    after_offset_test: Option<PageRequest>,
    last_page: Vec<Fingerprint>,
    equal_pages: u32,
}

impl Hold {
    /// True if this history may test the unit of offsets once more.
    pub fn may_test_unit(&self) -> bool {
        self.unit_tests < MAX_UNIT_TESTS
    }

    /// Holds a page for a new test of the unit.
    pub fn begin_unit_test(&mut self, test: UnitTest) {
        self.unit_tests += 1;
        self.unit_test = Some(test);
    }

    /// Holds the page for the second request of the test.
    pub fn continue_unit_test(&mut self, test: UnitTest) {
        self.unit_test = Some(test);
    }

    /// Returns the test of the unit that is under way.
    pub fn unit_test(&self) -> Option<&UnitTest> {
        self.unit_test.as_ref()
    }

    /// Ends the test of the unit and returns its page.
    pub fn take_unit_test(&mut self) -> Option<UnitTest> {
        self.unit_test.take()
    }

    /// Compares a page with the one before. True if too many pages at different offsets were equal.
    pub fn repeats(&mut self, offset: u64, page: Vec<Fingerprint>) -> bool {
        let is_equal = !page.is_empty() && page == self.last_page && offset > 0;
        self.equal_pages = if is_equal { self.equal_pages + 1 } else { 0 };
        self.last_page = page;
        self.equal_pages >= MAX_EQUAL_PAGES
    }

    /// Holds the request that is due after a test of the offset.
    pub fn begin_offset_test(&mut self, pending: PageRequest) {
        self.after_offset_test = Some(pending);
    }

    /// Ends the test of the offset and returns the request that is due.
    pub fn take_offset_test(&mut self) -> Option<PageRequest> {
        self.equal_pages = 0;
        self.after_offset_test.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact_read::Purpose;
    use crate::fetch::paging::PageView;

    const REQUEST: PageRequest = PageRequest { offset: 0, limit: 10, overlap: 0, purpose: Purpose::Start };

    fn page(id: &str) -> Vec<Fingerprint> {
        vec![Fingerprint::of(id)]
    }

    #[test]
    fn equal_pages_in_a_row_are_counted() {
        let mut hold = Hold::default();
        assert!(!hold.repeats(0, page("a")));
        assert!(!hold.repeats(10, page("a")));
        assert!(hold.repeats(20, page("a")));
        assert!(!hold.repeats(30, page("b")), "another page");
        assert!(!hold.repeats(0, page("b")), "the start may be read again");
        assert!(!hold.repeats(10, Vec::new()) && !hold.repeats(20, Vec::new()), "empty pages are equal");
    }

    #[test]
    fn a_test_of_the_offset_starts_the_count_again() {
        let mut hold = Hold::default();
        for offset in [0, 10, 20] {
            hold.repeats(offset, page("a"));
        }
        hold.begin_offset_test(REQUEST);
        assert_eq!((hold.take_offset_test(), hold.take_offset_test()), (Some(REQUEST), None));
        assert!(!hold.repeats(30, page("a")));
    }

    #[test]
    fn tests_of_the_unit_are_limited() {
        let mut hold = Hold::default();
        for _ in 0..MAX_UNIT_TESTS {
            assert!(hold.may_test_unit());
            hold.begin_unit_test(UnitTest::new(&REQUEST, &PageView::default()));
            assert!(hold.unit_test().is_some() && hold.take_unit_test().is_some());
        }
        assert!(!hold.may_test_unit());
    }
}
