//! Text of others is shown and not obeyed: which characters have to be written out.
//!
//! Layer 1.

/// What a terminal or a browser obeys instead of showing it, or what makes text look like other text: control
/// characters, line and paragraph separators, characters that turn the direction, and invisible ones.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}
