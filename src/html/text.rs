//! Values as text on a page: escaped, with separators, with units.

use std::fmt;

use maud::{Markup, Render, html};

use crate::printable::is_hostile;

/// A line of untrusted text. Markup becomes text, and characters that are invisible or change the text around them are
/// written out and marked.
pub struct Untrusted<'a>(pub &'a str);

impl Render for Untrusted<'_> {
    fn render_to(&self, buffer: &mut String) {
        for piece in self.0.split_inclusive(is_hostile) {
            let last = piece.chars().next_back().filter(|c| is_hostile(*c));
            let shown = last.and_then(|c| piece.strip_suffix(c)).unwrap_or(piece);
            shown.render_to(buffer);
            if let Some(c) = last {
                html! { span.code { (c.escape_default().to_string()) } }.render_to(buffer);
            }
        }
    }
}

/// Untrusted text whose writing direction does not affect the text around it.
pub struct Isolated<'a>(pub &'a str);

impl Render for Isolated<'_> {
    fn render(&self) -> Markup {
        html! { bdi { (Untrusted(self.0)) } }
    }
}

/// Untrusted text as code.
pub fn code(text: &str) -> Markup {
    html! { code { (Isolated(text)) } }
}

/// A count with separators: 1,234,567.
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

impl Render for Count {
    fn render_to(&self, buffer: &mut String) {
        buffer.push_str(&self.to_string());
    }
}

/// A count with its noun, singular or plural.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", Count(count), if count == 1 { one } else { many })
}

/// A short number for an axis: 950, 20 k, 1.5 M.
pub fn short(number: u64) -> String {
    match number {
        0..10_000 => Count(number).to_string(),
        10_000..1_000_000 => scaled(number, 1000, "k"),
        1_000_000..1_000_000_000 => scaled(number, 1_000_000, "M"),
        _ => scaled(number, 1_000_000_000, "G"),
    }
}

/// A short time with up to three digits: 450 µs, 12.3 ms, 4.5 s.
pub fn short_micros(micros: u64) -> String {
    match micros {
        0 => "0".to_owned(),
        1..1000 => format!("{micros} µs"),
        1000..1_000_000 => scaled(micros, 1000, "ms"),
        _ => scaled(micros, 1_000_000, "s"),
    }
}

/// The number in units of `of`. Small numbers keep one decimal.
fn scaled(number: u64, of: u64, unit: &str) -> String {
    let tenths = (number + of / 20) / (of / 10);
    match (tenths / 10, tenths % 10) {
        (whole @ 0..100, part @ 1..) => format!("{whole}.{part} {unit}"),
        _ => format!("{} {unit}", Count((number + of / 2) / of)),
    }
}

/// A duration: 45 s, 12 min 5 s, 3 h 20 min.
pub fn duration(micros: i64) -> String {
    let seconds = u64::try_from(micros / 1_000_000).unwrap_or_default();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0..10) => format!("{}.{} s", seconds, micros.unsigned_abs() / 100_000 % 10),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{} h {minutes} min", Count(hours)),
    }
}

/// A share in percent. A small share is not shown as 0 %, and an incomplete one not as 100 %.
pub fn share(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part) * 1000 / u128::from(whole.max(1));
    match thousandths {
        0 if part > 0 => "< 0.1 %".to_owned(),
        1000 => "100 %".to_owned(),
        _ => format!("{}.{} %", thousandths / 10, thousandths % 10),
    }
}

/// A share from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "for a drawing: a part in 2^52 is no pixel")]
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_is_escaped_and_its_invisible_characters_are_written_out() {
        let hostile = "<script>'\"&\u{202e}\u{1b}[31m\n\u{200b}é👋🏽";
        let escaped = Untrusted(hostile).render().into_string();
        assert_eq!(
            escaped.replace("<span class=\"code\">", "[").replace("</span>", "]"),
            r"&lt;script&gt;'&quot;&amp;[\u{202e}][\u{1b}][31m[\n][\u{200b}]é👋🏽"
        );
    }

    #[test]
    fn numbers_are_short_and_true() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(|n| Count(n).to_string()),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0, 9999, 20_000, 150_000, 1_500_000, 25_000_000, 2_000_000_000].map(short),
            ["0", "9,999", "20 k", "150 k", "1.5 M", "25 M", "2 G"]
        );
        assert_eq!(
            [450, 1000, 12_340, 999_900, 4_500_000, 60_000_000].map(short_micros),
            ["450 µs", "1 ms", "12.3 ms", "1,000 ms", "4.5 s", "60 s"]
        );
        assert_eq!(
            [-5, 1_250_000, 45_900_000, 725_000_000, 360_001_000_000].map(duration),
            ["0.0 s", "1.2 s", "45 s", "12 min 5 s", "100 h 0 min"]
        );
        assert_eq!(
            [(0, 0), (1, 5000), (4999, 5000), (5, 5)].map(|(part, whole)| share(part, whole)),
            ["0.0 %", "< 0.1 %", "99.9 %", "100 %"]
        );
    }
}
