//! Cite numbers: one for each message of the package, the same in pages, CSV, JSONL and RSMF.

use arrow::array::StringArray;

/// Minimum number of digits.
const DIGITS: usize = 7;

/// Cite numbers of the messages of one contact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cites<'a> {
    pub(super) prefix: &'a str,
    /// Number of messages of earlier contacts.
    pub(super) before: u64,
}

impl Cites<'_> {
    /// Returns the cite number of the message at this position.
    pub(super) fn of(self, position: u32) -> String {
        let number = self.before + u64::from(position) + 1;
        format!("{}{number:0DIGITS$}", self.prefix)
    }

    /// Returns the cite numbers of consecutive messages.
    pub(super) fn of_rows(self, first: u32, rows: usize) -> StringArray {
        (first..).take(rows).map(|position| Some(self.of(position))).collect()
    }
}
