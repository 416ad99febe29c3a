//! Writes to stdout and stderr. A closed or full stream never causes a panic, and untrusted text is escaped.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

pub use crate::printable::is_hostile;
use crate::time::format_time;

/// True if stderr gets JSON lines. It is global because the panic hook writes there too.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Makes every later line on stderr a JSON object.
pub fn use_json() {
    IS_JSON.store(true, Ordering::Relaxed);
}

/// Writes a line to stderr. Line ends in it are escaped, so untrusted text cannot imitate a line of this
/// program. In a JSON log, the line becomes an event.
pub fn eprint(line: &str) {
    if IS_JSON.load(Ordering::Relaxed) {
        return eprint_json(&as_note(line));
    }
    // If stderr is closed, nobody reads the line.
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

/// Returns the current time in the format of the log.
pub fn now() -> String {
    format_time(chrono::Utc::now().timestamp_micros()).to_string()
}

/// Writes a JSON document of one line to stderr.
pub fn eprint_json(line: &str) {
    drop(writeln!(io::stderr().lock(), "{}", escape_json(line)));
}

/// Writes a text and a line end to stdout. Returns false after a failure, which it reports on stderr. A
/// closed pipe is not a failure, because its reader needs no more.
#[must_use]
pub fn print(text: &str) -> bool {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprint(&format!("error: cannot write to stdout: {error}"));
            false
        }
        _ => true,
    }
}

/// Writes a JSON document to stdout, like [`print()`].
#[must_use]
pub fn print_json(document: &str) -> bool {
    print(&escape_json(document))
}

/// Escapes hostile characters, for example as `\u{1b}`.
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

/// Escapes hostile characters in the strings of a JSON document, which keeps its meaning. Line ends between
/// values stay.
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

/// Returns an error with its causes in one line. Causes that the text already contains are left out.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            escape("a\u{1b}[31mb\u{202e}c\nd\u{9b}e\u{2028}f"),
            r"a\u{1b}[31mb\u{202e}c\nd\u{9b}e\u{2028}f"
        );
        assert_eq!(escape("Grüße 👋🏽 नमस्ते"), "Grüße 👋🏽 नमस्ते");
    }

    #[test]
    fn an_escaped_document_keeps_its_meaning() {
        let text = "\u{1b}\u{7f}\u{9b}\u{202e}\u{2028}\u{e0041}\r\n";
        let document = serde_json::to_string_pretty(&serde_json::json!({ text: [text] })).unwrap();
        let escaped = escape_json(&document);
        assert!(!escaped.replace('\n', "").contains(is_hostile), "{escaped}");
        let [before, after] =
            [document, escaped].map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap());
        assert_eq!(before, after);
    }
}
