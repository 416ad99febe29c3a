//! Shortens texts from files in findings, since a damaged file may contain texts of any length.

/// Maximum number of characters of a text from a file.
const TEXT_CHARS: usize = 200;
/// Maximum number of characters of a finding, and of its path.
const FINDING_CHARS: usize = 1000;

/// Quotes a text from a file. A shortened text has its number of characters added.
pub(super) fn quoted(text: &str) -> String {
    match start(text, TEXT_CHARS) {
        None => format!("{text:?}"),
        Some(start) => format!("{start:?}… ({} characters)", text.chars().count()),
    }
}

/// Shortens a finding. A shortened one has its number of characters added.
pub(super) fn cut(text: String) -> String {
    match start(&text, FINDING_CHARS) {
        None => text,
        Some(start) => format!("{start}… ({} characters)", text.chars().count()),
    }
}

/// Returns the first `chars` characters of a text that has more.
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
