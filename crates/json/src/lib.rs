//! A lenient JSON reader that borrows from its text: places instead of a tree, no recursion, one pass.
//!
//! Values are kept as the service sent them, byte for byte, so no parser that makes numbers and strings anew will do.
//! What the service or a proxy sends slightly broken (`NaN`, raw control characters, unknown escapes, any depth) is
//! read; what cannot be trusted (a cut document, trailing bytes, HTML) is an error. Callers repair invalid UTF-8
//! before.
//!
//! A [`Document`] is a text that was read, a [`Value`]
//! a well-formed slice of it, [`canonical()`] the form that identifiers are computed from.

mod canonical;
mod document;
mod escape;
mod scan;
mod strict;
#[cfg(test)]
mod tests;
mod value;

pub use canonical::canonical;
pub use document::Document;
pub use escape::push_string;
pub use value::{Elements, Kind, Members, Value, last_wins};

/// The most values and keys of one text: 48 MB of memory. An answer of the service ends at 6 MB (AWS Lambda's limit), and
/// cannot hold more than 3 million.
pub const MOST_NODES: usize = 4 << 20;

const TOO_MANY_NODES: &str = "more values than memory is kept for";

/// Where a text stops being JSON, even leniently read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed JSON at byte {offset}: {what}")]
pub struct Malformed {
    /// The byte of the text at which it was noticed.
    pub offset: usize,
    /// What was expected or found there.
    pub what: &'static str,
}

impl Malformed {
    /// Whether the text may well be JSON, and only holds more than [`MOST_NODES`].
    pub fn is_too_much(&self) -> bool {
        self.what == TOO_MANY_NODES
    }
}

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
