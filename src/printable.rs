//! Characters of untrusted text that must be escaped before it reaches a terminal or a browser.
//!
//! Layer 1.

/// True for characters that a terminal or browser interprets, and for those that disguise text: control
/// characters, line and paragraph separators, direction controls, and invisible ones.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Maximum number of characters of a quoted text.
pub const MAX_FIRST_CHARS: usize = 120;

/// Returns the first characters of a text, with control characters escaped.
pub fn first_chars(text: &str) -> String {
    text.chars()
        .take(MAX_FIRST_CHARS)
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}
