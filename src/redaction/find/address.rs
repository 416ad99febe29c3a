//! Network addresses: IPv4, IPv6, and the queries of URLs, which may hold tokens.

use std::net::Ipv6Addr;

use memchr::{memchr_iter, memmem};

/// Returns the bytes of a folded text that are IPv4 addresses.
pub(super) fn ipv4(text: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    for dot in memchr_iter(b'.', text) {
        let digits = text[at..dot].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let start = dot - digits;
        let is_start = start == 0
            || !(text[start - 1].is_ascii_digit()
                || (text[start - 1] == b'.' && start > 1 && text[start - 2].is_ascii_digit()));
        if let Some(end) = (digits > 0 && is_start).then(|| four_numbers(text, start)).flatten() {
            found.push((start, end));
            at = end.min(dot);
        }
    }
    found
}

fn four_numbers(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for index in 0..4 {
        if index > 0 {
            (text.get(at) == Some(&b'.')).then_some(())?;
            at += 1;
        }
        let digits = text[at..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let number: u32 = std::str::from_utf8(text.get(at..at + digits)?).ok()?.parse().ok()?;
        if digits > 3 || number > 255 {
            return None;
        }
        at += digits;
    }
    let goes_on = text.get(at) == Some(&b'.') && text.get(at + 1).is_some_and(u8::is_ascii_digit);
    // 10.000.000.000 is a large number.
    let is_amount = text[start..at].ends_with(b".000.000.000");
    (!goes_on && !is_amount).then_some(at)
}

/// Least number of hex digits of an IPv6 address. `::1` is nobody's.
const MIN_HEX_DIGITS: usize = 4;

/// Returns the bytes of a folded text that are IPv6 addresses.
pub(super) fn ipv6(text: &[u8]) -> Vec<(usize, usize)> {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let mut found = Vec::new();
    let mut done = 0;
    for colon in memchr_iter(b':', text) {
        if colon < done {
            continue;
        }
        let start = colon - text[done..colon].iter().rev().take_while(|byte| is_part(byte)).count();
        let end = colon + text[colon..].iter().take_while(|byte| is_part(byte)).count();
        done = end;
        let is_word = text.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if let Some(span) = (!is_word).then(|| parsed(text, start, end)).flatten() {
            found.push(span);
        }
    }
    found
}

/// Longest address, with the four numbers of IPv4 at its end.
const MAX_IPV6: usize = 45;

/// The address may have punctuation before or after it, and words with colons before it.
fn parsed(text: &[u8], start: usize, end: usize) -> Option<(usize, usize)> {
    let is_address = |start: usize, end: usize| {
        let is_inside = start > 0 && text[start - 1].is_ascii_alphanumeric();
        let part = text.get(start..end).filter(|part| part.len() <= MAX_IPV6 && !is_inside)?;
        let part = std::str::from_utf8(part).ok()?;
        let digits = part.bytes().filter(u8::is_ascii_hexdigit).count();
        // "face::" and the like are words, unless there are many.
        let is_number = part.bytes().any(|byte| byte.is_ascii_digit()) || part.matches(':').count() > 3;
        // "10:30::45" is a time.
        let is_time = part.split(':').all(|group| group.len() <= 2) && part.matches(':').count() < 7;
        let is_address = digits >= MIN_HEX_DIGITS && is_number && !is_time;
        (is_address && part.parse::<Ipv6Addr>().is_ok()).then_some((start, end))
    };
    let colons = memchr_iter(b':', &text[start..end]).take(4).map(|colon| start + colon + 1);
    let ends = [end, end.saturating_sub(1)];
    [start, start + 1]
        .into_iter()
        .chain(colons)
        .flat_map(|start| ends.map(|end| (start, end)))
        .find_map(|(start, end)| is_address(start, end))
}

/// Returns the bytes of a folded text that are the queries, fragments with values and credentials of URLs.
pub(super) fn queries(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut done = 0;
    let schemes = memmem::find_iter(bytes, "://").map(|colon| colon + 3);
    let hosts = memmem::find_iter(bytes, "www.");
    let hosts = hosts.filter(|at| *at == 0 || !bytes[at - 1].is_ascii_alphanumeric());
    let mut starts: Vec<usize> = schemes.chain(hosts).collect();
    starts.sort_unstable();
    for start in starts {
        if start < done {
            continue;
        }
        let url = url_from(text, start);
        done = start + url.len();
        let host = url.find(['/', '?', '#']).unwrap_or(url.len());
        if let Some(credentials) =
            url.get(..host).and_then(|host| host.rfind('@')).filter(|length| *length > 0)
        {
            found.push((start, start + credentials));
        }
        let query = url.find('?').map(|at| at + 1);
        let fragment =
            url.find('#').map(|at| at + 1).filter(|at| url.get(*at..).is_some_and(|f| f.contains('=')));
        // Values of a path, as in "/p;token=x".
        let semicolon = url.find(';').map(|at| at + 1);
        let value = semicolon.filter(|at| url.get(*at..).is_some_and(|value| value.contains('=')));
        if let Some(at) = [query, fragment, value].into_iter().flatten().min().filter(|at| *at < url.len()) {
            found.push((start + at, start + url.len()));
        }
    }
    // Addresses are also written without their scheme.
    done = 0;
    for mark in memchr_iter(b'?', bytes) {
        let is_after_path = mark > 0 && (bytes[mark - 1].is_ascii_alphanumeric() || bytes[mark - 1] == b'/');
        let query = &bytes[mark + 1..];
        let is_key = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.[]".contains(byte);
        let key = query.iter().take(MAX_KEY).take_while(is_key).count();
        if mark >= done && is_after_path && key > 0 && query.get(key) == Some(&b'=') {
            done = mark + 1 + url_from(text, mark + 1).len();
            found.push((mark + 1, done));
        }
    }
    found
}

/// Longest name of a value in the query of an address without a scheme.
const MAX_KEY: usize = 64;

fn url_from(text: &str, start: usize) -> &str {
    let rest = text.get(start..).unwrap_or_default();
    let is_end = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '`' | '\\');
    let mut url = rest.split(is_end).next().unwrap_or_default();
    let is_query =
        url.contains('?') && rest.get(url.len()..).is_some_and(|rest| rest.starts_with(['<', '\\']));
    if is_query {
        // A query may have signs that end other addresses, and go on behind them.
        let is_border = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '`');
        let whole = rest.split(is_border).next().unwrap_or_default();
        let behind = whole.get(url.len()..).unwrap_or_default();
        if behind.split_once('&').is_some_and(|(_, value)| value.contains('=')) {
            url = whole;
        }
    }
    url.trim_end_matches(['.', ',', ';', ':', '!', ')', '\'', '*'])
}
