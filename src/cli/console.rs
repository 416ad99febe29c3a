//! Writing to stdout and stderr: never a panic where they are closed or full, never a control character of another's.

use std::error::Error;
use std::io::{self, Write};

/// Writes a line to stderr.
pub fn tell(line: &str) {
    // Who closed stderr does not want to know.
    drop(writeln!(io::stderr().lock(), "{}", escape(line)));
}

/// Writes a text and a line end to stdout; false when that is not possible.
pub fn print(text: &str) -> bool {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).is_ok()
}

/// The text without control characters and those that turn a terminal's text around; line ends stay.
pub fn escape(text: &str) -> String {
    let hostile = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(hostile) {
        return text.to_owned();
    }
    text.chars()
        .flat_map(|c| if hostile(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect()
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
    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(super::escape("a\u{1b}[31mb\u{202e}c\nd"), "a\\u{1b}[31mb\\u{202e}c\nd");
    }
}
