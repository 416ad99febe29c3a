//! Finds personal data in a text: known values of the contact first, then patterns.
//!
//! The text is searched in folded form ([`super::fold`]), and so are the texts that are encoded in it
//! ([`super::decode`]). Each finding covers bytes of the source. An encoded text is covered as a whole.

mod address;
mod card;
mod digits;
mod email;
mod iban;
mod names;
mod phone;
mod script;
#[cfg(test)]
mod tests;

pub(super) use names::{Border, Names, Wanted};
pub(super) use phone::KnownPhones;

use super::decode::{self, Layer};
use super::fold::Folded;

/// Kind of a finding, as users see it in the text and in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Name,
    Id,
    Phone,
    Email,
    Card,
    Iban,
    Ip,
    UrlQuery,
    Word,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Name,
        Self::Id,
        Self::Phone,
        Self::Email,
        Self::Card,
        Self::Iban,
        Self::Ip,
        Self::UrlQuery,
        Self::Word,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Id => "id",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::Ip => "ip",
            Self::UrlQuery => "url_query",
            Self::Word => "word",
        }
    }
}

/// Class of a value. Equal values of one class have one pseudonym.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    ContactId,
    Phone,
    Email,
    Name,
    Id,
}

/// Evidence for a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FoundBy {
    /// A value of the contact.
    Known,
    /// A word of the policy's list.
    Words,
    /// The form of the text.
    Pattern,
    /// The name of the JSON member.
    Member,
    /// The row's own column, which is redacted.
    Column,
}

/// Personal data in a text, as bytes of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
    pub(super) class: Class,
    pub(super) by: FoundBy,
    /// The value as pseudonyms are made from it.
    pub(super) value: String,
}

/// Values of one contact.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) names: Names,
    pub(super) phones: KnownPhones,
}

/// Kinds of patterns to search for.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a kind that the policy lists or not")]
pub(super) struct Patterns {
    pub(super) email: bool,
    pub(super) phone: bool,
    pub(super) card: bool,
    pub(super) iban: bool,
    pub(super) ip: bool,
    pub(super) url_query: bool,
}

/// Most times that an encoded text is decoded.
const MAX_DEPTH: u32 = 3;
/// Least number of bytes of a finding in decoded bytes that are no text.
const MIN_IN_BYTES: usize = 4;
/// Digits in a row that make a base64 text the envelope of a phone number.
const ENVELOPED_DIGITS: usize = 8;

/// Searches texts.
pub(super) struct Finder<'f> {
    pub(super) patterns: Patterns,
    pub(super) known: &'f Known,
    pub(super) words: &'f Names,
}

impl Finder<'_> {
    /// Returns the findings in the order of the text. They do not overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        self.search(&Layer::plain(text), 0, &mut found);
        merge(found)
    }

    fn search(&self, layer: &Layer<'_>, depth: u32, found: &mut Vec<Finding>) {
        let folded = Folded::new(layer);
        let first = found.len();
        self.search_folded(&folded, layer, found);
        for finding in &mut found[first..] {
            let inside = folded.source(finding.start, finding.end);
            (finding.start, finding.end) = layer.source(inside);
        }
        if depth == MAX_DEPTH {
            return;
        }
        self.search_encoded(layer, depth, found);
        if let Some(decoded) = layer.unescaped() {
            self.search(&decoded, depth + 1, found);
        }
        if depth == 0 {
            for decoded in [layer.unquoted(), layer.without_blanks()].into_iter().flatten() {
                self.search(&decoded, depth + 1, found);
            }
        }
    }

    /// Adds findings with the bytes of the folded text.
    fn search_folded(&self, folded: &Folded, layer: &Layer<'_>, found: &mut Vec<Finding>) {
        let (text, bytes) = (folded.text.as_str(), folded.bytes());
        for (names, by) in [(&self.known.names, FoundBy::Known), (self.words, FoundBy::Words)] {
            names.find(text, |hit| {
                let Wanted { kind, class, value, .. } = hit.wanted;
                let value = value.clone();
                found.push(Finding { start: hit.start, end: hit.end, kind: *kind, class: *class, by, value });
            });
        }
        let value = |(start, end): (usize, usize)| {
            let (start, end) = folded.source(start, end);
            layer.text.get(start..end).unwrap_or_default().to_lowercase()
        };
        let mut add = |kind: Kind, class: Class, spans: Vec<(usize, usize)>| {
            for span in spans {
                let value = if kind == Kind::Phone { phone_digits(text, span) } else { value(span) };
                let (start, end) = span;
                found.push(Finding { start, end, kind, class, by: FoundBy::Pattern, value });
            }
        };
        let patterns = self.patterns;
        if patterns.email {
            add(Kind::Email, Class::Email, email::find(text));
        }
        if patterns.iban {
            add(Kind::Iban, Class::Id, iban::find(bytes));
        }
        if patterns.ip {
            add(Kind::Ip, Class::Id, [address::ipv4(bytes), address::ipv6(bytes)].concat());
        }
        if patterns.url_query {
            add(Kind::UrlQuery, Class::Id, address::queries(text));
        }
        let runs = digits::runs(text);
        for run in &runs {
            if patterns.phone {
                add(Kind::Phone, Class::Phone, phone::patterns(text, run));
            }
            if patterns.card {
                add(Kind::Card, Class::Id, card::find(run));
            }
        }
        self.search_known_phones(text, &runs, found);
    }

    fn search_known_phones(&self, text: &str, runs: &[digits::Run], found: &mut Vec<Finding>) {
        for run in runs {
            let mut parts = Vec::new();
            self.known.phones.find(run, &mut parts);
            found.extend(parts.into_iter().map(|(part, known)| {
                let (start, end) = run.bytes(part);
                let start = before_number(text, start);
                let (kind, class, by) = (Kind::Phone, Class::Phone, FoundBy::Known);
                Finding { start, end, kind, class, by, value: known.digits.clone() }
            }));
        }
    }

    /// Adds base64 and hex texts in which something is found.
    fn search_encoded(&self, layer: &Layer<'_>, depth: u32, found: &mut Vec<Finding>) {
        let text = layer.text.as_ref();
        let mut add = |part: decode::EncodedPart, inner: &str, is_base64: bool| {
            let mut within = Vec::new();
            self.search(&Layer::plain(inner), depth + 1, &mut within);
            // In bytes that are no text, a few letters are there by chance.
            let is_text = !inner.contains(char::REPLACEMENT_CHARACTER);
            within.retain(|finding| is_text || finding.end - finding.start >= MIN_IN_BYTES);
            let longest = within.into_iter().max_by_key(|finding| finding.end - finding.start);
            let enveloped = || enveloped(inner).filter(|_| is_base64 && self.patterns.phone);
            if let Some(finding) = longest.or_else(enveloped) {
                let (start, end) = layer.source((part.start, part.end));
                found.push(Finding { start, end, ..finding });
            }
        };
        for part in decode::base64_parts(text) {
            for inner in decode::base64_texts(text.get(part.start..part.end).unwrap_or_default()) {
                add(part, &inner, true);
            }
        }
        for (part, inner) in decode::hex_texts(text) {
            add(part, &inner, false);
        }
    }
}

/// Returns the phone number that a decoded text contains between other bytes, as WhatsApp's message IDs do.
fn enveloped(text: &str) -> Option<Finding> {
    let mut digits = text.split(|c: char| !c.is_ascii_digit());
    let value = digits.find(|digits| digits.len() >= ENVELOPED_DIGITS)?.to_owned();
    let (kind, class, by) = (Kind::Phone, Class::Phone, FoundBy::Pattern);
    Some(Finding { start: 0, end: text.len(), kind, class, by, value })
}

/// Returns the digits of a phone number without a prefix, as pseudonyms are made from them.
fn phone_digits(text: &str, (start, end): (usize, usize)) -> String {
    let digits: String =
        text.get(start..end).unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").map(str::to_owned).unwrap_or(digits)
}

/// Returns the start of a number with the plus sign or bracket before it.
fn before_number(text: &str, start: usize) -> usize {
    let before = text.get(..start).unwrap_or_default();
    before.trim_end_matches(['+', '(']).len()
}

/// Joins findings that overlap. The longest of them names the kind.
fn merge(mut found: Vec<Finding>) -> Vec<Finding> {
    found.retain(|finding| finding.start < finding.end);
    found.sort_by_key(|finding| (finding.start, std::cmp::Reverse(finding.end), finding.by, finding.kind));
    let mut merged: Vec<Finding> = Vec::with_capacity(found.len());
    let mut longest = 0;
    for finding in found {
        let length = finding.end - finding.start;
        match merged.last_mut() {
            Some(last) if finding.start < last.end => {
                let end = last.end.max(finding.end);
                if length > longest {
                    longest = length;
                    *last = Finding { start: last.start, ..finding };
                }
                last.end = end;
            }
            _ => {
                longest = length;
                merged.push(finding);
            }
        }
    }
    merged
}
