//! The width of the output, and lines that fit it.

use std::io::{IsTerminal as _, stdout};

/// Width where stdout is a file or a pipe.
const DEFAULT: usize = 120;
/// Width of the widest and of the narrowest lines on a terminal. Wider ones are hard to read, and in narrower
/// ones a column has no place for a word.
const WIDEST: usize = 140;
const NARROWEST: usize = 72;

/// Returns the characters per line of stdout.
pub(super) fn of_stdout() -> usize {
    let stdout = stdout();
    if !stdout.is_terminal() {
        return DEFAULT;
    }
    // A terminal that does not know its size reports 0 columns.
    match rustix::termios::tcgetwinsize(&stdout) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col).clamp(NARROWEST, WIDEST),
        _ => DEFAULT,
    }
}

/// Wraps a text into lines of at most `width` characters. A longer word is cut.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            if used == width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += 1;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_break_between_words_and_in_long_words_only() {
        assert_eq!(wrap("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrap("a bcdefgh i", 4), ["a", "bcde", "fgh", "i"]);
        assert_eq!(wrap("äöüß é", 4), ["äöüß", "é"], "characters count, not bytes");
        assert_eq!(wrap("", 4), [""]);
    }
}
