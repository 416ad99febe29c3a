//! Spellings of the values of a contact: words of a name, numbers within a text, forms of an ID, and addresses
//! with the mistakes that people type.

use super::fold::{fold, is_mark};

/// Parts of names that are words of a language, too. They are not searched for alone.
const PARTICLES: [&str; 32] = [
    "and", "aus", "bin", "bint", "das", "dei", "del", "della", "den", "der", "des", "die", "dos", "ibn",
    "las", "les", "los", "mac", "och", "san", "the", "und", "van", "vom", "von", "zum", "zur", "herr",
    "frau", "mrs", "miss", "mister",
];

/// Returns the words of a name that are searched for alone, without emoji, digits and other decoration.
pub(super) fn words(name: &str) -> Vec<String> {
    let is_part =
        |c: char| c.is_alphabetic() || is_mark(c) || is_joiner(c) || matches!(c, '\u{900}'..='\u{dff}');
    let mut words: Vec<String> = name.split(|c: char| !is_part(c)).map(str::to_owned).collect();
    words.extend(unpunctuated(name).split(' ').map(str::to_owned));
    let whole = name.split_whitespace().map(|word| word.trim_matches(|c| !is_part(c)));
    words.extend(whole.map(str::to_owned));
    words.retain(|word| {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let is_name = if word.is_ascii() { letters >= 3 } else { letters >= 2 };
        is_name && !PARTICLES.contains(&fold(word).as_str())
    });
    words.sort_unstable();
    words.dedup();
    words
}

/// Joiners, which stand inside of words of Arabic and Indic scripts.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{640}')
}

/// Returns the forms of a name, folded: as it is, without punctuation, with and without umlauts.
pub(super) fn forms(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let bare = unpunctuated(&lower);
    let mut forms = vec![fold(&lower), fold(&spelled_out(&lower)), fold(&bare), fold(&spelled_out(&bare))];
    let short = fold(&bare).replace("ae", "a").replace("oe", "o").replace("ue", "u").replace("aa", "a");
    // "Su" for Sue and "jo" for Joe are words.
    if short.chars().count() >= 3 {
        forms.push(short);
    }
    forms.retain(|form| form.chars().filter(|c| c.is_alphanumeric()).count() >= 2);
    forms
}

/// Returns the letters and digits of a name, with one space between its words.
fn unpunctuated(name: &str) -> String {
    let is_sign = |c: &char| !c.is_alphanumeric() && !c.is_whitespace() && c.is_ascii();
    let is_symbol = |c: &char| !c.is_ascii() && !c.is_alphanumeric() && !is_mark(*c) && !is_joiner(*c);
    let is_indic = |c: &char| matches!(c, '\u{900}'..='\u{dff}');
    let kept: String =
        name.chars().filter(|c| c.is_whitespace() || is_indic(c) || (!is_sign(c) && !is_symbol(c))).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Replaces letters by those that people type without them.
fn spelled_out(lower: &str) -> String {
    lower.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('å', "aa").replace('ø', "oe")
}

/// Digits of a number that stands in another text.
const NUMBER: std::ops::RangeInclusive<usize> = 8..=15;
/// Most digits of a number in a column of numbers.
const MAX_DIGITS: usize = 20;

/// Returns the digits of the phone numbers in a column of numbers: one, or several with words between them.
pub(super) fn phones(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut numbers = Vec::new();
    for part in folded.split(|c: char| c.is_alphabetic() || ",;|&\n".contains(c)) {
        // A plus sign starts the next number.
        for number in part.split('+') {
            let whole = digits(number);
            if whole.len() <= MAX_DIGITS {
                numbers.push(whole);
            }
            if number.contains('/') {
                numbers.extend(number.split('/').map(digits).filter(|part| NUMBER.contains(&part.len())));
            }
        }
    }
    numbers.retain(|number| number.len() >= 7);
    numbers
}

/// Returns the digits of phone numbers in a name or an ID, as in `wa:4915123456789`.
pub(super) fn phones_within(text: &str) -> Vec<String> {
    if is_uuid(text) {
        return Vec::new();
    }
    let mut numbers: Vec<String> = phones(text);
    numbers.extend(fold(text).split(|c: char| !c.is_ascii_digit()).map(str::to_owned));
    numbers.retain(|number| NUMBER.contains(&number.len()));
    numbers
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => matches!(byte, b'-' | b'_'),
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns the forms of an ID, folded: with hyphens, with underscores, and without.
pub(super) fn ids(id: &str) -> Vec<String> {
    let folded = fold(id);
    let bare: String = folded.chars().filter(char::is_ascii_hexdigit).collect();
    if !(is_uuid(&folded) || (bare.len() == 32 && bare == folded)) {
        return vec![folded];
    }
    let group = |range: std::ops::Range<usize>| bare.get(range).unwrap_or_default();
    let groups = [group(0..8), group(8..12), group(12..16), group(16..20), group(20..32)];
    vec![folded, groups.join("-"), groups.join("_"), bare.clone()]
}

/// Returns the forms of an address, folded: as it is, and with the mistakes that people type around its signs.
pub(super) fn addresses(address: &str) -> Vec<String> {
    let folded = fold(address.trim());
    let mut forms = vec![folded.clone()];
    if let Some((local, domain)) = folded.rsplit_once('@') {
        for sign in ["@", " @", "@ ", " @ ", "@\n", "(@)", "[@]", "(at)", "[at]", " (at) ", " [at] "] {
            for dot in [".", " .", ". ", " . ", ",", " ", ".\n", "[.]", "(.)", "(dot)", "[dot]", " dot "] {
                forms.push(format!("{local}{sign}{}", domain.replace('.', dot)));
            }
        }
    }
    forms
}

/// Returns the e-mail addresses of a text. It may have a name around them.
pub(super) fn emails(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| c.is_whitespace() || "<>()[];,\"".contains(c));
    parts.filter(|part| part.contains('@') && part.len() > 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_columns_and_names() {
        for (text, expected) in [
            ("+49 (0)151 23456789", "49015123456789"),
            ("+1 415 555 2671 ext. 12", "14155552671"),
            ("0151 23456789 / 0171 98765432", "015123456789 017198765432"),
            ("+4915123456789+4917198765432", "4915123456789 4917198765432"),
            ("12345", ""),
        ] {
            assert_eq!(phones(text).join(" "), expected, "{text}");
        }
        for (text, expected) in [
            ("wa:4915123456789", "4915123456789 4915123456789"),
            ("shop1_4915123456789", "14915123456789 4915123456789"),
            ("Tel 0151 23456789", "015123456789 23456789"),
            ("0e56f030-2a0f-41a6-bbff-856264595233", ""),
        ] {
            assert_eq!(phones_within(text).join(" "), expected, "{text}");
        }
    }
}
