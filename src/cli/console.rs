//! Writing to stdout and stderr: never a panic where they are closed or full, never a control character of another's.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::table::format_time;
pub use crate::visible::is_hostile;

/// Whether stderr holds JSON lines. Of the whole process, since a panic writes there too.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// From now on every line on stderr is a JSON object.
pub fn speak_json() {
    IS_JSON.store(true, Ordering::Relaxed);
}

/// Writes a line to stderr. A line end in it is shown and not obeyed: what came from elsewhere cannot pass for a line of
/// ours. Where stderr holds JSON, the line becomes an event of its own.
pub fn tell(line: &str) {
    if IS_JSON.load(Ordering::Relaxed) {
        return tell_json(&as_note(line));
    }
    // Who closed stderr does not want to know.
    drop(writeln!(io::stderr().lock(), "{}", escape(line)));
}

fn as_note(line: &str) -> String {
    let (level, message) = match line.split_once(": ") {
        Some(("error", message)) => ("error", message),
        Some(("warning", message)) => ("warn", message),
        _ => ("info", line),
    };
    serde_json::json!({ "time": now(), "level": level, "event": "note", "message": message }).to_string()
}

/// This moment, as it stands in the log.
pub fn now() -> String {
    format_time(chrono::Utc::now().timestamp_micros()).to_string()
}

/// Writes a JSON document of one line to stderr.
pub fn tell_json(line: &str) {
    drop(writeln!(io::stderr().lock(), "{}", escape_json(line)));
}

/// Writes a text and a line end to stdout. Returns false, and says why on stderr, when that is not possible. A reader that
/// has closed the pipe has seen enough and is no failure.
#[must_use]
pub fn print(text: &str) -> bool {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tell(&format!("error: cannot write to stdout: {error}"));
            false
        }
        _ => true,
    }
}

/// Writes a JSON document, of one line or many, to stdout, as [`print()`] does.
#[must_use]
pub fn print_json(document: &str) -> bool {
    print(&escape_json(document))
}

/// The text with hostile characters written out, like `\u{1b}`.
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if is_hostile(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// A JSON document that says the same without hostile characters: JSON has an escape of its own for those that stand
/// in its strings. Line ends between its values stay.
pub fn escape_json(document: &str) -> String {
    let mut escaped = String::with_capacity(document.len());
    for c in document.chars() {
        if is_hostile(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// An error and its causes in one line; a cause that the text tells already is not told twice.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(
            escape("a\u{1b}[31mb\u{202e}c\nd\u{9b}e\u{2028}f"),
            r"a\u{1b}[31mb\u{202e}c\nd\u{9b}e\u{2028}f"
        );
        assert_eq!(escape("Grüße 👋🏽 नमस्ते"), "Grüße 👋🏽 नमस्ते");
    }

    #[test]
    fn an_escaped_document_says_the_same() {
        let text = "\u{1b}\u{7f}\u{9b}\u{202e}\u{2028}\u{e0041}\r\n";
        let document = serde_json::to_string_pretty(&serde_json::json!({ text: [text] })).unwrap();
        let escaped = escape_json(&document);
        assert!(!escaped.replace('\n', "").contains(is_hostile), "{escaped}");
        let [before, after] =
            [document, escaped].map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap());
        assert_eq!(before, after);
    }
}
