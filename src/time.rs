//! Points in time: the forms that the API sends, and the single form that the program writes.
//!
//! All are microseconds since 1970-01-01 UTC in the years 0000 to 9999, which every reader supports.

mod format;
mod number;
#[cfg(test)]
mod tests;
mod text;
mod usual;
mod zone;

pub use format::{format_time, short_text, short_time};
pub use number::parse_number;
pub use usual::parse_time;

/// Earliest time of a column: 0000-01-01T00:00:00Z.
const FIRST: i64 = -62_167_219_200_000_000;
/// Latest time of a column: 9999-12-31T23:59:59.999999Z.
const LAST: i64 = 253_402_300_799_999_999;

/// Reads a time in any form that a column accepts: text, or a number by its size.
pub fn read_time(text: &str) -> Option<i64> {
    parse_time(text).or_else(|| parse_number(text))
}

/// Returns the time if a column can hold it.
pub fn in_range(micros: i64) -> Option<i64> {
    (FIRST..=LAST).contains(&micros).then_some(micros)
}

/// Returns the number that ASCII digits spell; `None` if one of them is not a digit.
fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0, |number, byte| Some(number * 10 + char::from(*byte).to_digit(10)?))
}
