//! Replaces what is found in one text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::find::{Class, Finder, Finding, FoundBy, Kind, Known};
use super::fold::fold;
use super::json::{self, Item, ItemKind};
use super::key::PseudonymKey;
use super::known::is_phone;
use super::policy::Policy;

/// Most rounds over one text. A replacement may join its surroundings to a new finding.
const MAX_ROUNDS: u32 = 8;
/// Most JSON texts in one another.
const MAX_JSON_DEPTH: u32 = 8;

/// Least number of bytes of an ID that is replaced inside of other text.
const MIN_INSIDE: usize = 12;

/// Least characters and digits of the start of a value at the end of a cut text.
const MIN_CUT: usize = 3;
const MIN_CUT_DIGITS: usize = 5;

/// Values of the row that other columns replace, with what replaces them. `None`: the text for an ID.
pub(super) type Replaced = BTreeMap<String, Option<String>>;

/// Number of findings by kind and evidence.
pub(super) type FindingCounts = BTreeMap<(Kind, FoundBy), u64>;

/// Replaces findings in texts, and counts them.
pub(super) struct TextRedactor<'r> {
    pub(super) policy: &'r Policy,
    pub(super) key: Option<&'r PseudonymKey>,
    pub(super) known: &'r Known,
    pub(super) counts: FindingCounts,
}

impl TextRedactor<'_> {
    /// Returns the text without personal data; `None` if there is none. The text may be JSON.
    pub(super) fn redact(&mut self, text: &str, replaced: &Replaced) -> Option<String> {
        self.json_or_text(text, replaced, 0)
    }

    /// Returns a text that may be cut without personal data, also at its end; `None` if there is none.
    pub(super) fn redact_cut(&mut self, text: &str, replaced: &Replaced) -> Option<String> {
        let redacted = self.redact(text, replaced);
        let current = redacted.as_deref().unwrap_or(text);
        let whole = current.trim_end_matches(|c: char| c.is_whitespace() || "\"'…)]}»”".contains(c));
        let start = whole.rfind(|c: char| c.is_whitespace() || "\"'=<>{[(,;«“".contains(c));
        let start = start
            .map_or(0, |at| at + whole.get(at..).and_then(|c| c.chars().next()).map_or(0, char::len_utf8));
        let last = whole.get(start..).unwrap_or_default();
        let folded = fold(last);
        let digits = folded.bytes().filter(u8::is_ascii_digit).count();
        let is_known = folded.chars().count() >= MIN_CUT && self.known.names.begin_with(&folded);
        if !(folded.contains('@') || digits >= MIN_CUT_DIGITS || is_known) {
            return redacted;
        }
        if self.policy.replacement.positions(current).iter().any(|(_, end)| *end > start) {
            return redacted;
        }
        let (front, end) = (current.get(..start)?, current.get(whole.len()..)?);
        let kind = if folded.contains('@') { (Kind::Email, Class::Email) } else { (Kind::Id, Class::Id) };
        Some(format!("{front}{}{end}", self.whole(kind.0, kind.1, FoundBy::Pattern, last)))
    }

    /// Returns the JSON text without personal data; `None` if there is none.
    pub(super) fn redact_json(&mut self, text: &str, replaced: &Replaced) -> Option<String> {
        match json::rewrite(text, |item| self.item(item, replaced, 0)) {
            Some((new, is_changed)) => is_changed.then_some(new),
            None => self.text(text),
        }
    }

    fn json_or_text(&mut self, text: &str, replaced: &Replaced, depth: u32) -> Option<String> {
        let may_be_json = text.trim_start().starts_with(['{', '[']) && depth < MAX_JSON_DEPTH;
        let rewritten = may_be_json.then(|| json::rewrite(text, |item| self.item(item, replaced, depth)));
        match rewritten.flatten() {
            Some((new, is_changed)) => is_changed.then_some(new),
            None => self.text(text),
        }
    }

    fn item(&mut self, item: &Item<'_>, replaced: &Replaced, depth: u32) -> Option<String> {
        let text = item.text.as_ref();
        if item.kind == ItemKind::Number {
            let digits = digits_of(text);
            let is_phone =
                self.policy.patterns.phone && item.meaning() == Some(Kind::Phone) && is_phone(&digits);
            return if is_phone {
                Some(self.whole(Kind::Phone, Class::Phone, FoundBy::Member, &digits))
            } else {
                self.text(&digits)
            };
        }
        if let Some(new) = self.ids_of_row(text, replaced) {
            return Some(self.json_or_text(&new, &Replaced::new(), depth + 1).unwrap_or(new));
        }
        if item.kind == ItemKind::Text {
            let is_name = self.policy.known && text.contains(char::is_alphanumeric);
            match item.meaning() {
                Some(Kind::Name) if is_name && !self.is_redacted(text) => {
                    return Some(self.whole(Kind::Name, Class::Name, FoundBy::Member, text));
                }
                Some(Kind::Phone) if self.policy.patterns.phone && is_phone(text) => {
                    return Some(self.whole(Kind::Phone, Class::Phone, FoundBy::Member, text));
                }
                _ => {}
            }
        }
        self.json_or_text(text, replaced, depth + 1)
    }

    /// Replaces the values that other columns of the row replace, too.
    fn ids_of_row(&mut self, text: &str, replaced: &Replaced) -> Option<String> {
        let mut new: Option<String> = None;
        for (old, instead) in replaced {
            let current = new.as_deref().unwrap_or(text);
            if current != old && (old.len() < MIN_INSIDE || !current.contains(old.as_str())) {
                continue;
            }
            let instead = instead.clone().unwrap_or_else(|| {
                let (kind, class) =
                    if is_phone(old) { (Kind::Phone, Class::Phone) } else { (Kind::Id, Class::Id) };
                self.replacement(kind, class, FoundBy::Column, old)
            });
            new = Some(current.replace(old.as_str(), &instead));
            *self.counts.entry((Kind::Id, FoundBy::Column)).or_default() += 1;
        }
        new
    }

    /// True for a text that is a replacement and nothing else.
    fn is_redacted(&self, text: &str) -> bool {
        self.policy.replacement.positions(text).contains(&(0, text.len()))
    }

    /// Replaces a whole value.
    fn whole(&mut self, kind: Kind, class: Class, by: FoundBy, value: &str) -> String {
        *self.counts.entry((kind, by)).or_default() += 1;
        self.replacement(kind, class, by, value)
    }

    fn replacement(&self, kind: Kind, class: Class, by: FoundBy, value: &str) -> String {
        let value = value.to_owned();
        self.policy.replacement.of(&Finding { start: 0, end: 0, kind, class, by, value }, self.key)
    }

    fn text(&mut self, text: &str) -> Option<String> {
        let finder = Finder { patterns: self.policy.patterns, known: self.known, words: &self.policy.words };
        let mut current = Cow::Borrowed(text);
        for _ in 0..MAX_ROUNDS {
            let mut found = finder.find(&current);
            if found.is_empty() {
                break;
            }
            let done = self.policy.replacement.positions(&current);
            found.retain(|finding| {
                !done.iter().any(|(start, end)| *start <= finding.start && finding.end <= *end)
            });
            if found.is_empty() {
                break;
            }
            current = Cow::Owned(self.replace(&current, &found));
        }
        match current {
            Cow::Borrowed(_) => None,
            Cow::Owned(new) => Some(new),
        }
    }

    fn replace(&mut self, text: &str, found: &[Finding]) -> String {
        let mut new = String::with_capacity(text.len());
        let mut copied = 0;
        for finding in found {
            new.push_str(text.get(copied..finding.start).unwrap_or_default());
            new.push_str(&self.policy.replacement.of(finding, self.key));
            copied = finding.end;
            *self.counts.entry((finding.kind, finding.by)).or_default() += 1;
        }
        new.push_str(text.get(copied..).unwrap_or_default());
        new
    }
}

/// Largest whole number that JSON's numbers hold with all digits: 2^53.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns a JSON number without fraction and exponent, if it is a whole one.
pub(super) fn digits_of(number: &str) -> String {
    let value: Option<f64> = number.contains(['e', 'E', '.']).then(|| number.parse().ok()).flatten();
    match value.filter(|value| value.fract() == 0.0 && value.abs() <= MAX_EXACT) {
        Some(value) => format!("{value:.0}"),
        None => number.to_owned(),
    }
}
