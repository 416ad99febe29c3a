//! Texts from files in findings: cut, since a damaged file may hold texts of any length.

/// Most characters of one text from a file.
const TEXT_CHARS: usize = 200;
/// Most characters of a finding, and of its path.
const FINDING_CHARS: usize = 1000;

/// A text from a file in quotes, with the number of its characters where it is cut.
pub(super) fn quoted(text: &str) -> String {
    match start(text, TEXT_CHARS) {
        None => format!("{text:?}"),
        Some(start) => format!("{start:?}… ({} characters)", text.chars().count()),
    }
}

/// A finding, with the number of its characters where it is cut.
pub(super) fn cut(text: String) -> String {
    match start(&text, FINDING_CHARS) {
        None => text,
        Some(start) => format!("{start}… ({} characters)", text.chars().count()),
    }
}

/// The first characters of a text that has more than these.
fn start(text: &str, chars: usize) -> Option<&str> {
    let (end, _) = text.char_indices().nth(chars)?;
    text.get(..end)
}

#[cfg(test)]
mod tests {
    use super::{cut, quoted};

    #[test]
    fn long_texts_are_cut_at_characters() {
        assert_eq!(quoted("a\"é"), r#""a\"é""#);
        assert_eq!(quoted(&"é".repeat(200)), format!("\"{}\"", "é".repeat(200)));
        assert_eq!(quoted(&"é".repeat(201)), format!("\"{}\"… (201 characters)", "é".repeat(200)));
        assert_eq!(cut("é".repeat(1000)), "é".repeat(1000));
        assert_eq!(cut("é".repeat(2000)), format!("{}… (2000 characters)", "é".repeat(1000)));
    }
}
