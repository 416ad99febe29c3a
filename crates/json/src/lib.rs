//! A lenient JSON reader that borrows from its text: positions instead of a tree, no recursion, one pass.
//!
//! Values stay as they were sent, byte for byte. Slightly broken JSON is accepted: `NaN`, raw control characters, unknown
//! escapes, any depth. Text that cannot be trusted is an error: a truncated document, trailing bytes, HTML. The input is
//! valid UTF-8.
//!
//! A [`Document`] is a parsed text, and a [`Value`] is a well-formed slice of it. [`canonical()`] writes the form from
//! which identifiers are computed.

mod canonical;
mod document;
mod escape;
mod guess;
mod kind;
mod names;
mod scan;
mod strict;
#[cfg(test)]
mod tests;
mod value;

pub use canonical::canonical;
pub use document::Document;
pub use escape::push_string;
pub use kind::Kind;
pub use names::Names;
pub use value::{Elements, Key, Keyed, Members, Value, last_wins};

/// Maximum number of values and keys of one text, where lists and objects count twice: 48 MB of memory. A response of the
/// service has at most 6 MB (AWS Lambda's limit), and so at most 6 million.
pub const MOST_NODES: usize = 6 << 20;

const TOO_MANY_NODES: &str = "more values than the limit";

/// A text is not JSON, even when read leniently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed JSON at byte {offset}: {what}")]
pub struct Malformed {
    /// Byte of the text at which reading stopped.
    pub offset: usize,
    /// Token that was expected or found there.
    pub what: &'static str,
}

impl Malformed {
    /// True if the text has more than [`MOST_NODES`] values and keys. It may be valid JSON.
    pub fn is_too_much(&self) -> bool {
        self.what == TOO_MANY_NODES
    }
}

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
