//! Writes `json` columns into lines of JSONL.

use std::io::{self, Write};

use memchr::memchr2;

use crate::json::Document;

/// Writes the text of a `json` column into a line of JSONL: as a value if it is strict JSON, otherwise as a
/// string.
pub(super) fn embed(text: &str, out: &mut impl Write) -> io::Result<()> {
    // DuckDB, for example, fails at an escaped half of a surrogate pair. Such text is therefore not strict
    // JSON.
    if !Document::parse(text).is_ok_and(|document| document.root().is_strict()) {
        return Ok(serde_json::to_writer(out, text)?);
    }
    // Line ends inside strings are escaped. The raw ones are between tokens, where a space means the same.
    let mut rest = text.as_bytes();
    while let Some(end) = memchr2(b'\n', b'\r', rest) {
        out.write_all(&rest[..end])?;
        out.write_all(b" ")?;
        rest = &rest[end + 1..];
    }
    out.write_all(rest)
}

/// True if [`embed`] writes this text as a string although it is a JSON value. The value is not strict JSON.
pub fn is_embedded_as_string(text: &str) -> bool {
    Document::parse(text).is_ok_and(|document| !document.root().is_strict())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded(text: &str) -> String {
        let mut out = Vec::new();
        embed(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_strict_value_is_written_unchanged() {
        for text in
            [r#"{"a": 1.50, "a":[null,"\u00e9\ud83d\ude00"]}"#, "12345678901234567890", r#""\\ud83d""#]
        {
            assert_eq!(embedded(text), text);
        }
        assert_eq!(embedded("{\r\n \"a\":\n1}"), "{   \"a\": 1}");
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(embedded(&deep), deep);
    }

    #[test]
    fn text_that_is_not_strict_json_becomes_a_string() {
        for text in [
            "NaN",
            "",
            "{\"a\":1} x",
            r#""\ud83d""#,
            r#""\ude00\ud83d""#,
            r#"{"\ud83d\n":1}"#,
            "\"a\nb\"",
            "[1,]",
        ] {
            assert_eq!(serde_json::from_str::<String>(&embedded(text)).unwrap(), text);
            assert!(!embedded(text).contains('\n'));
        }
    }
}
