//! A lenient JSON scanner that borrows from its text: slices instead of a tree, no recursion, one pass.
//!
//! Values are kept as the service sent them, byte for byte, so no parser that makes numbers and strings anew will do.
//! What the service or a proxy sends slightly broken (`NaN`, raw control characters, unknown escapes, any depth) is
//! read; what cannot be trusted (a cut document, trailing bytes, HTML) is an error. Callers repair invalid UTF-8
//! before.
//!
//! Layer 1: used by `record` and everything that looks into a value. [`Cursor`] walks a text, [`Value`] is a
//! well-formed slice of it, [`canonical()`] is the form that identifiers are computed from.

mod canonical;
mod cursor;
mod escape;
mod skip;
mod strict;
#[cfg(test)]
mod tests;
mod value;

pub use canonical::canonical;
pub use cursor::Cursor;
pub use escape::push_string;
pub use value::{Elements, Kind, Members, Value, last_wins};

/// Where a text stops being JSON, even leniently read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed JSON at byte {offset}: {what}")]
pub struct Malformed {
    /// The byte of the text at which it was noticed.
    pub offset: usize,
    /// What was expected or found there.
    pub what: &'static str,
}
