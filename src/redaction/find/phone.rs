//! Phone numbers: those of the contact in any spelling, others with `+` or `00` before them, and digits that
//! are written one by one.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;

use super::digits::{Gap, Part, Run};

/// Digits of a phone number with its country code (E.164).
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Least number of digits of a known number without its country code.
const MIN_NATIONAL: usize = 7;

/// A phone number of the contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::redaction) struct KnownPhone {
    /// Country code and number.
    pub(in crate::redaction) digits: String,
    /// The country code. Empty if it cannot be told from the number.
    country: String,
}

impl KnownPhone {
    /// `None` if there are too few digits to recognize the number by.
    pub(in crate::redaction) fn new(digits: &str) -> Option<Self> {
        let digits = digits.strip_prefix("00").unwrap_or(digits);
        if digits.len() < MIN_NATIONAL
            || digits.len() > 20
            || !digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        let country = digits.get(..country_code_length(digits)).unwrap_or_default();
        let is_split = digits.len() - country.len() >= MIN_NATIONAL;
        let country = if is_split { country.to_owned() } else { String::new() };
        Some(Self { digits: digits.to_owned(), country })
    }

    fn national(&self) -> &str {
        let national = self.digits.get(self.country.len()..).unwrap_or_default();
        // The zero of long-distance calls is stored without a country code, and as "(0)" behind it.
        national.trim_start_matches('0')
    }

    /// Returns the first digit of the whole number, prefix included. Its national part starts here.
    fn first(&self, run: &Run, start: usize) -> usize {
        let before = &run.digits[..start];
        let country = self.country.as_str();
        let prefixes = [
            format!("00{country}0"),
            format!("011{country}"),
            format!("00{country}"),
            format!("{country}0"),
            country.to_owned(),
            "0".to_owned(),
        ];
        let prefix = prefixes.iter().find(|prefix| before.ends_with(prefix.as_bytes()));
        start - prefix.map_or(0, String::len)
    }
}

/// The phone numbers of a contact, which one automaton finds.
#[derive(Debug, Default)]
pub(in crate::redaction) struct KnownPhones {
    automaton: Option<AhoCorasick>,
    phones: Vec<KnownPhone>,
}

impl KnownPhones {
    /// Makes the automaton of the digits of numbers.
    pub(in crate::redaction) fn new<'d>(digits: impl Iterator<Item = &'d str>) -> Self {
        let mut by_national = BTreeMap::new();
        for phone in digits.filter_map(KnownPhone::new) {
            if phone.national().len() >= MIN_NATIONAL - 1 {
                by_national.entry(phone.national().to_owned()).or_insert(phone);
            }
        }
        if by_national.is_empty() {
            return Self::default();
        }
        let automaton = AhoCorasick::new(by_national.keys());
        let automaton = Some(automaton.expect("thousands of numbers have fewer than 2^31 states"));
        Self { automaton, phones: by_national.into_values().collect() }
    }

    /// Appends the parts of a run that are these numbers, with their prefixes.
    pub(super) fn find<'k>(&'k self, run: &Run, found: &mut Vec<(Part, &'k KnownPhone)>) {
        let Some(automaton) = &self.automaton else { return };
        if run.digits.len() < MIN_NATIONAL - 1 {
            return;
        }
        // All digits before this one that belong to a number are found.
        let (mut first, mut done) = (0, 0);
        for hit in automaton.find_overlapping_iter(&run.digits) {
            if first <= hit.start() && hit.end() <= done {
                continue;
            }
            let phone = &self.phones[hit.pattern().as_usize()];
            let mut start = phone.first(run, hit.start());
            // Digits that touch the number are part of it, whatever they mean.
            while start > done && run.gaps[start] == Gap::None {
                start -= 1;
            }
            let mut end = hit.end();
            while end < run.digits.len() && run.gaps[end] == Gap::None {
                end += 1;
            }
            found.push(((start, end), phone));
            (first, done) = (start.min(if start < done { first } else { start }), end);
        }
    }
}

/// Number of digits of the country code that an international number starts with (ITU-T E.164).
fn country_code_length(digits: &str) -> usize {
    let two: u32 = digits.get(..2).and_then(|two| two.parse().ok()).unwrap_or_default();
    match two {
        10..=19 | 70..=79 => 1,
        20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98 => {
            2
        }
        _ if digits.starts_with('0') => 0,
        _ => 3,
    }
}

/// Returns the bytes of a folded text that are a phone number after `+` or `00`, or spaced digits.
pub(super) fn patterns(text: &str, run: &Run) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for part in run.parts(Gap::Narrow) {
        if let Some(span) = with_plus(text, run, part).or_else(|| with_zeros(run, part)) {
            found.push(span);
        }
        found.extend(spaced(run, part).into_iter().map(|part| run.bytes(part)));
    }
    found
}

fn with_plus(text: &str, run: &Run, part: Part) -> Option<(usize, usize)> {
    let before = text.get(..run.at[part.0])?;
    let plus = before.trim_end_matches([' ', '(']);
    let is_near = before.len() - plus.len() <= 2;
    let is_touching = plus.len() == before.len();
    let front = plus.strip_suffix('+').filter(|_| is_near)?;
    if (is_touching || front.ends_with(' ')) && is_summand(front, is_touching) {
        return None;
    }
    let plus = front.len();
    let (_, end) = run.bytes(number(run, part, 0)?);
    Some((plus, end))
}

/// True if the text before a plus sign ends with a number that is shorter than a phone number: `100 + 20000000`.
fn is_summand(front: &str, is_touching: bool) -> bool {
    let number = front.trim_end_matches(' ');
    if is_touching && number.len() < front.len() {
        return false;
    }
    let is_part = |byte: &u8| byte.is_ascii_digit() || b" -./(),".contains(byte);
    let digits = number.bytes().rev().take(24).take_while(is_part).filter(u8::is_ascii_digit).count();
    number.ends_with(|c: char| c.is_ascii_digit()) && digits < *DIGITS.start()
}

fn with_zeros(run: &Run, part: Part) -> Option<(usize, usize)> {
    let digits = &run.digits[part.0..part.1];
    let is_international = digits.starts_with(b"00") && digits.get(2).is_some_and(|digit| *digit != b'0');
    let (start, end) = number(run, part, 2).filter(|_| is_international)?;
    DIGITS.contains(&(end - start - 2)).then(|| run.bytes((start, end)))
}

/// Returns the digits of the part that make a number: all, or if there are too many, as many groups as fit.
fn number(run: &Run, (start, end): Part, prefix: usize) -> Option<Part> {
    let most = start + prefix + DIGITS.end();
    let least = start + prefix + DIGITS.start();
    // "(0)" after the country code is one digit more.
    if end <= most + 1 {
        return (end >= least).then_some((start, end));
    }
    let groups = run.groups((start, end));
    let fits = groups.iter().map(|group| group.1).filter(|end| (least..=most).contains(end));
    Some((start, fits.max().unwrap_or(end)))
}

/// Least number of digits that are written one by one.
const SPACED: usize = 8;

fn spaced(run: &Run, part: Part) -> Vec<Part> {
    let mut found = Vec::new();
    let mut first: Option<usize> = None;
    for (start, end) in run.groups(part).into_iter().chain([(part.1, part.1)]) {
        if end - start == 1 {
            first.get_or_insert(start);
        } else if let Some(first) =
            first.take().filter(|first| start - first >= SPACED && !is_count(&run.digits[*first..start]))
        {
            found.push((first, start));
        }
    }
    found
}

/// True for digits that count: `1 2 3 4 5 6 7 8 9`.
fn is_count(digits: &[u8]) -> bool {
    matches!(digits[0], b'0' | b'1') && digits.windows(2).all(|pair| pair[1] == pair[0] + 1)
}
