//! The text of a message.

use maud::{Render, html};

use crate::printable::is_hostile;

/// Untrusted text of several lines, in any script. Markup becomes text. Line ends, tabs, and the characters that
/// right-to-left scripts, joined letters and flags need stay as they are. Other characters that are invisible or
/// change the text around them are written out and marked.
pub struct Body<'a>(pub &'a str);

impl Render for Body<'_> {
    fn render_to(&self, buffer: &mut String) {
        let (mut start, mut is_flag) = (0, false);
        for (at, c) in self.0.char_indices() {
            let is_tag = ('\u{e0020}'..='\u{e007f}').contains(&c);
            let is_kept = !is_hostile(c)
                || matches!(c, '\n' | '\t' | '\u{61c}' | '\u{200e}' | '\u{200f}')
                || (is_tag && is_flag);
            is_flag = c == '\u{1f3f4}' || (is_flag && is_tag);
            if is_kept {
                continue;
            }
            let end = at + c.len_utf8();
            self.0.get(start..at).unwrap_or_default().render_to(buffer);
            start = end;
            // The line end of other systems.
            if c == '\r' && self.0.get(end..).is_some_and(|rest| rest.starts_with('\n')) {
                continue;
            }
            html! { span.code { (c.escape_default().to_string()) } }.render_to(buffer);
        }
        self.0.get(start..).unwrap_or_default().render_to(buffer);
    }
}

#[cfg(test)]
mod tests {
    use maud::Render;
    use proptest::prelude::*;

    use super::Body;

    fn shown(text: &str) -> String {
        Body(text).render().into_string().replace("<span class=\"code\">", "[").replace("</span>", "]")
    }

    #[test]
    fn scripts_and_flags_are_kept_and_disguises_are_written_out() {
        let england = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        assert_eq!(shown(england), england);
        assert_eq!(shown("x\u{e0067}"), r"x[\u{e0067}]");
        assert_eq!(shown("\u{200f}مرحبا\u{200d}\u{200c} हिन्दी"), "\u{200f}مرحبا\u{200d}\u{200c} हिन्दी");
        assert_eq!(shown("a\r\nb\rc\td"), "a\nb[\\r]c\td");
        assert_eq!(
            shown("\u{202e}<b>&\"\u{1b}[31m\u{feff}"),
            r"[\u{202e}]&lt;b&gt;&amp;&quot;[\u{1b}][31m[\u{feff}]"
        );
    }

    proptest! {
        #[test]
        fn no_text_becomes_markup(text in any::<String>()) {
            let rest = shown(&text);
            let markup = ['<', '>', '"', '\u{202a}', '\u{202e}', '\u{2066}', '\0', '\u{1b}'];
            prop_assert_eq!(rest.find(markup), None);
        }
    }
}
