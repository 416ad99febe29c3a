//! Delimiter of a contacts file: the character between its columns.

use std::fmt;
use std::str::FromStr;

/// Candidates for detection. The comma comes first, since it is the standard delimiter of CSV.
const CANDIDATES: [u8; 4] = *b",;\t|";

/// Value of `--delimiter`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// Detected from the header: the candidate that separates the name of the ID column from other names, or
    /// a comma.
    #[default]
    Detected,
    /// This ASCII character.
    Char(u8),
    /// No delimiter: each line is an ID, including quotes and punctuation.
    None,
}

impl Delimiter {
    /// Returns the delimiter of a file with this first line, or none if lines are not split.
    pub(super) fn resolve(self, first_line: &[u8], column: &str) -> Option<u8> {
        match self {
            Self::Detected => Some(detect(first_line, column)),
            Self::Char(delimiter) => Some(delimiter),
            Self::None => None,
        }
    }
}

fn detect(line: &[u8], column: &str) -> u8 {
    let names_column = |delimiter: u8| {
        line.split(|byte| *byte == delimiter).map(String::from_utf8_lossy).any(|cell| {
            let cell = cell.trim();
            let bare = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell);
            same_name(bare, column)
        })
    };
    CANDIDATES.into_iter().find(|mark| line.contains(mark) && names_column(*mark)).unwrap_or(b',')
}

/// True if a header cell holds this column name, in any case.
pub(super) fn same_name(cell: &str, column: &str) -> bool {
    let cell = cell.trim();
    // Shortcut for ASCII, without allocation.
    if cell.is_ascii() && column.is_ascii() {
        return cell.eq_ignore_ascii_case(column);
    }
    cell.to_lowercase() == column.to_lowercase()
}

impl FromStr for Delimiter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => return Ok(Self::None),
            "tab" | "\\t" => return Ok(Self::Char(b'\t')),
            _ => {}
        }
        let reserved =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'"' | b' ' | b'\r' | b'\n' | 0);
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !reserved(*byte) => Ok(Self::Char(*byte)),
            _ => Err("must be one ASCII punctuation character, tab, or none"),
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Detected => f.write_str("detected"),
            Self::Char(b'\t') => f.write_str("tab"),
            Self::Char(delimiter) => write!(f, "{}", char::from(*delimiter)),
            Self::None => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Delimiter;

    #[test]
    fn delimiters_are_parsed_as_they_are_displayed() {
        for text in [";", "|", ",", ":", "tab", "none"] {
            assert_eq!(text.parse::<Delimiter>().map(|delimiter| delimiter.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("\\t".parse(), Ok(Delimiter::Char(b'\t')));
        assert_eq!("\t".parse(), Ok(Delimiter::Char(b'\t')));
        for text in ["", "a", "1", "\"", " ", "\n", ";;", "é", "semicolon"] {
            assert!(text.parse::<Delimiter>().is_err(), "{text:?}");
        }
    }
}
