//! The text before each cite number.

use std::fmt;
use std::str::FromStr;

/// Maximum number of characters.
const MAX: usize = 20;

/// A text that is safe in an address, a file name and a spreadsheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CitePrefix(String);

/// Error of another text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must begin with a letter, and have at most {MAX} letters, digits, hyphens, dots or underscores")]
pub struct CitePrefixError;

impl CitePrefix {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for CitePrefix {
    fn default() -> Self {
        Self("M".to_owned())
    }
}

impl FromStr for CitePrefix {
    type Err = CitePrefixError;

    fn from_str(text: &str) -> Result<Self, CitePrefixError> {
        let is_allowed = text.len() <= MAX
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if is_allowed { Ok(Self(text.to_owned())) } else { Err(CitePrefixError) }
    }
}

impl fmt::Display for CitePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
