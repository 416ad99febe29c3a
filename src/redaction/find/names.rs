//! Finds words and values in folded text with one automaton, within the borders of words.

use aho_corasick::{AhoCorasick, MatchKind};

use super::script::{is_korean, is_unspaced};
use super::{Class, Kind};
use crate::redaction::fold::fold;

/// A value that is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::redaction) struct Wanted {
    pub(in crate::redaction) kind: Kind,
    pub(in crate::redaction) class: Class,
    /// The value as pseudonyms are made from it.
    pub(in crate::redaction) value: String,
    pub(in crate::redaction) border: Border,
}

/// The surroundings in which a value is recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::redaction) enum Border {
    /// No letter before it, and at most a short ending after it.
    Word,
    /// No letter or digit before and after it.
    Token,
    /// Any.
    Any,
}

/// Values to search for, with their folded texts.
#[derive(Debug, Default)]
pub(in crate::redaction) struct Names {
    automaton: Option<AhoCorasick>,
    wanted: Vec<Wanted>,
}

/// A value in a folded text.
pub(super) struct Match<'n> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) wanted: &'n Wanted,
}

impl Names {
    /// Makes the automaton of values and their folded texts.
    pub(in crate::redaction) fn new(values: Vec<(String, Wanted)>) -> Self {
        let (texts, wanted): (Vec<String>, Vec<Wanted>) =
            values.into_iter().filter(|(text, _)| !text.is_empty()).unzip();
        if texts.is_empty() {
            return Self::default();
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(texts);
        Self { automaton: Some(automaton.expect("16 MiB of text have fewer than 2^31 states")), wanted }
    }

    /// True if a value begins with this folded text.
    pub(in crate::redaction) fn begin_with(&self, text: &str) -> bool {
        self.wanted.iter().any(|wanted| fold(&wanted.value).starts_with(text))
    }

    /// Passes each match. Matches may overlap.
    pub(super) fn find<'n>(&'n self, text: &str, mut found: impl FnMut(Match<'n>)) {
        let Some(automaton) = &self.automaton else { return };
        for hit in automaton.find_overlapping_iter(text) {
            let wanted = &self.wanted[hit.pattern().as_usize()];
            if let Some(end) = wanted.border.end(text, hit.start(), hit.end()) {
                found(Match { start: hit.start(), end, wanted });
            }
        }
    }
}

impl Border {
    /// Returns the end of the match with its ending. `None` if the match is a part of another word.
    fn end(self, text: &str, start: usize, end: usize) -> Option<usize> {
        let before = text.get(..start)?.chars().next_back();
        let after = text.get(end..)?;
        let next = after.chars().next();
        match self {
            Self::Any => Some(end),
            Self::Token => {
                let is_free = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
                (is_free(before) && is_free(next)).then_some(end)
            }
            Self::Word => {
                let name = text.get(start..end)?;
                let (first, last) = (name.chars().next()?, name.chars().next_back()?);
                let is_inside = before.is_some_and(char::is_alphabetic) && !is_unspaced(first);
                if is_inside && !is_after_prefix(text.get(..start)?, name) {
                    return None;
                }
                let ending: Vec<char> = after.chars().take_while(|c| c.is_alphabetic()).take(3).collect();
                let is_free = is_unspaced(last) || is_korean(last) || is_ending(name, &ending);
                let length: usize = ending.iter().map(|c| c.len_utf8()).sum();
                let covered = if is_unspaced(last) || is_korean(last) { 0 } else { length };
                is_free.then_some(end + covered)
            }
        }
    }
}

/// Letters that Arabic and Hebrew write before a word without a space: "and", "in", "to", "the".
const ARABIC_PREFIXES: &str = "وفبلكا";
const HEBREW_PREFIXES: &str = "והבלשמכ";

/// True if all letters that touch the name are prefixes.
fn is_after_prefix(before: &str, name: &str) -> bool {
    let prefixes = match name.chars().next() {
        Some('\u{600}'..='\u{6ff}') => ARABIC_PREFIXES,
        Some('\u{590}'..='\u{5ff}') => HEBREW_PREFIXES,
        _ => return false,
    };
    let letters = before.chars().rev().take_while(|c| c.is_alphabetic()).take(4);
    let (count, is_prefix) =
        letters.fold((0, true), |(count, all), c| (count + 1, all && prefixes.contains(c)));
    count <= 3 && is_prefix && name.chars().count() >= 3
}

/// True for endings that languages add to a name, as in "Annas" and "Martinin".
fn is_ending(name: &str, ending: &[char]) -> bool {
    let letters = name.chars().count();
    match ending {
        [] => true,
        ['s'] => letters >= 4,
        [_] | [_, _] => letters >= 5,
        _ => false,
    }
}
