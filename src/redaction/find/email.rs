//! E-mail addresses, also with letters of any script, with spaces around the sign, and with `(at)`.

use memchr::{memchr_iter, memchr3, memmem};

use super::script::is_unspaced;

/// Longest parts of an address, in characters. A longer text is no address, but its end is replaced.
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 253;

/// Starts and ends of `(at)`, `(@)` and the like.
const HIDDEN: [(&str, &str); 7] =
    [("(", "at)"), ("[", "at]"), ("{", "at}"), ("<", "at>"), ("(", "@)"), ("[", "@]"), ("{", "@}")];

/// Returns the bytes of a folded text that are e-mail addresses.
pub(super) fn find(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let has_brackets = memchr3(b'(', b'[', b'{', text.as_bytes()).is_some() || text.contains('<');
    let hidden = HIDDEN.iter().filter(|_| has_brackets);
    let hidden = hidden.flat_map(|(_, end)| memmem::find_iter(text.as_bytes(), *end));
    for sign in memchr_iter(b'@', text.as_bytes()).chain(hidden) {
        let (Some(before), Some(after)) = (text.get(..sign), text.get(sign..)) else { continue };
        let Some((before, after, sign)) = around_sign(before, after) else { continue };
        let start = local_start(before);
        let end = domain_end(after, sign).map(|length| text.len() - after.len() + length);
        if let (Some(start), Some(end)) = (start, end) {
            found.push((start, end));
        }
    }
    found
}

/// The sign between the two parts of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// `@` with a letter or digit on both sides. Nothing else is written so, so the domain needs no dot.
    Close,
    /// `@` with a space or another character beside it.
    Loose,
    /// `(at)` and the like.
    Hidden,
}

/// Returns the text before and after an `@`, or `(at)` and the like, without a blank or line end beside it.
fn around_sign<'t>(before: &'t str, after: &'t str) -> Option<(&'t str, &'t str, Sign)> {
    let before_blank = |text: &'t str| text.strip_suffix([' ', '\n']).unwrap_or(text);
    let after_blank = |text: &'t str| text.strip_prefix([' ', '\n']).unwrap_or(text);
    let hidden =
        HIDDEN.iter().find_map(|(open, end)| Some((before.strip_suffix(*open)?, after.strip_prefix(*end)?)));
    if let Some((before, after)) = hidden {
        return Some((before_blank(before), after_blank(after), Sign::Hidden));
    }
    let after = after.strip_prefix('@')?;
    let is_close = before.ends_with(char::is_alphanumeric) && after.starts_with(char::is_alphanumeric);
    let sign = if is_close { Sign::Close } else { Sign::Loose };
    Some((before_blank(before), after_blank(after), sign))
}

/// Returns the start of the part before the sign.
fn local_start(before: &str) -> Option<usize> {
    if let Some(quoted) = before.strip_suffix('"') {
        let mut ahead = quoted.char_indices().rev().take(MAX_LOCAL);
        return ahead.find(|(_, c)| *c == '"').map(|(start, _)| start);
    }
    let last = before.chars().next_back()?;
    let is_part = |c: char| {
        let is_letter = c.is_alphanumeric() || is_other_mark(c);
        (is_letter && (!is_unspaced(c) || is_unspaced(last))) || "._%+-'!#$*^~&/".contains(c)
    };
    let local: Vec<char> = before.chars().rev().take(MAX_LOCAL).take_while(|c| is_part(*c)).collect();
    let length: usize = local.iter().map(|c| c.len_utf8()).sum();
    local.iter().any(|c| c.is_alphanumeric()).then(|| {
        let start = before.len() - length;
        // Of a path or an address of the web only the last part belongs to it.
        let local = before.get(start..).unwrap_or_default();
        let is_path = local.starts_with('/') || local.contains("//");
        let last = local.rfind('/').filter(|at| is_path && *at + 1 < local.len());
        last.map_or(start, |slash| start + slash + 1)
    })
}

/// Vowel signs that are not letters, such as the virama.
fn is_other_mark(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{dff}')
}

/// Returns the length of the domain that a text starts with.
fn domain_end(after: &str, sign: Sign) -> Option<usize> {
    if let Some(literal) = after.strip_prefix('[') {
        let end = literal.find(']').filter(|end| *end <= MAX_DOMAIN)?;
        let is_address = literal.get(..end)?.chars().all(|c| c.is_alphanumeric() || ":.-".contains(c));
        return is_address.then_some(end + 2);
    }
    let mut end = 0;
    let mut valid = None;
    let mut labels = 0;
    loop {
        let rest = after.get(end..)?;
        let length = label(rest);
        if length == 0 || end + length > MAX_DOMAIN * 4 {
            return valid;
        }
        labels += 1;
        end += length;
        let name = rest.get(..length)?;
        let is_top = labels > 1 && name.chars().count() > 1 && name.contains(char::is_alphabetic);
        if is_top || sign == Sign::Close {
            valid = Some(end);
        }
        let rest = after.get(end..)?;
        let typo = || typed_dot(rest).filter(|_| labels == 1 && sign == Sign::Close);
        let Some(dot) = dot(rest, sign).or_else(typo) else { return valid };
        end += dot;
    }
}

fn label(text: &str) -> usize {
    let Some(first) = text.chars().next() else { return 0 };
    let is_part = |c: &char| {
        let is_letter = c.is_alphanumeric() || is_other_mark(*c);
        (is_letter && (!is_unspaced(*c) || is_unspaced(first))) || *c == '-' || *c == '_'
    };
    text.chars().take_while(is_part).map(char::len_utf8).sum()
}

/// Returns the length of the dot that a text starts with.
fn dot(text: &str, sign: Sign) -> Option<usize> {
    if text.starts_with('.') && text.chars().nth(1).is_some_and(|c| !c.is_whitespace()) {
        return Some(1);
    }
    let trimmed = text.strip_prefix([' ', '\n']).unwrap_or(text);
    let dots = [
        "[.]", "(.)", "(dot)", "[dot]", "{dot}", "(punkt)", "[punkt]", "(punto)", "[punto]", "(point)",
        "[point]",
    ];
    let dot = dots.iter().find(|dot| sign != Sign::Loose && trimmed.starts_with(**dot))?;
    let length = text.len() - trimmed.len() + dot.len();
    Some(length + usize::from(text.get(length..)?.starts_with([' ', '\n'])))
}

/// Ends of domains that people know. Two letters are those of a country.
const TOPS: [&str; 16] = [
    "com", "net", "org", "info", "biz", "edu", "gov", "app", "dev", "shop", "online", "store", "email",
    "example", "invalid", "test",
];

/// Returns the length of a comma, or of a dot with a blank beside it, before a usual end of a domain.
fn typed_dot(text: &str) -> Option<usize> {
    let trimmed = text.strip_prefix([' ', '\n']).unwrap_or(text);
    let rest = trimmed.strip_prefix(['.', ','])?;
    let rest = rest.strip_prefix([' ', '\n']).unwrap_or(rest);
    let top = rest.get(..label(rest))?;
    let is_country = top.len() == 2 && top.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_country || TOPS.contains(&top)).then(|| text.len() - rest.len())
}
