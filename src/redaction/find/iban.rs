//! Bank accounts: IBANs with valid check digits (mod 97), also with spaces and in lower case.

/// Countries and the length of their IBANs, from the registry of ISO 13616.
const LENGTHS: &str = "ad24 ae23 al28 at20 az28 ba20 be16 bg22 bh22 bi27 br29 by28 ch21 cr22 cy28 cz24 de22 dj27 \
                       dk18 do28 ee20 eg29 es24 fi18 fk18 fo18 fr27 gb22 ge22 gi23 gl18 gr27 gt28 hn28 hr21 hu28 \
                       ie22 il23 iq23 is26 it27 jo30 kw30 kz20 lb28 lc32 li21 lt20 lu20 lv21 ly25 mc27 md24 me22 \
                       mk19 mn20 mr27 mt31 mu30 ni28 nl18 no15 om23 pk24 pl28 ps29 pt25 qa29 ro24 rs22 ru33 sa24 \
                       sc31 sd18 se24 si19 sk24 sm27 so23 st25 sv28 tl23 tn24 tr26 ua29 va22 vg24 xk20 ye30";

/// Lengths of IBANs of countries that are not in the list.
const OTHERS: std::ops::RangeInclusive<usize> = 15..=34;
/// Most separators in a row.
const GAP: usize = 3;

/// Returns the bytes of a folded text that are IBANs.
pub(super) fn find(text: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + *OTHERS.start() <= text.len() {
        let is_start = at == 0 || !text[at - 1].is_ascii_alphanumeric();
        let looks_so = text[at].is_ascii_lowercase()
            && text[at + 1].is_ascii_lowercase()
            && text[at + 2..].iter().take(GAP + 1).any(u8::is_ascii_digit);
        match looks_so.then(|| account(text, at, is_start)).flatten() {
            Some(end) => {
                found.push((at, end));
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

fn account(text: &[u8], start: usize, is_start: bool) -> Option<usize> {
    let length = length(&text[start..start + 2]);
    let most = length.unwrap_or(*OTHERS.end());
    let mut account = Vec::with_capacity(most);
    let mut end = start;
    while account.len() < most {
        let gap = text[end..].iter().take_while(|byte| b" -.\t\n/".contains(byte)).count();
        // Of unknown countries only accounts without spaces are recognized: nothing else shows their end.
        let is_allowed = gap == 0 || (gap <= GAP && length.is_some());
        match text.get(end + gap) {
            Some(byte) if is_allowed && byte.is_ascii_alphanumeric() => account.push(*byte),
            _ => break,
        }
        end += gap + 1;
    }
    let fits = length.map_or(OTHERS.contains(&account.len()), |length| account.len() == length);
    let has_check = account.get(2..4)?.iter().all(u8::is_ascii_digit);
    // Behind other letters, and for unknown countries, only the end shows that it is an account.
    let has_end = !text.get(end).is_some_and(u8::is_ascii_alphanumeric);
    let is_free = if is_start { length.is_some() || has_end } else { length.is_some() && has_end };
    (fits && is_free && has_check && is_valid(&account)).then_some(end)
}

fn length(country: &[u8]) -> Option<usize> {
    let entry = LENGTHS.split_ascii_whitespace().find(|entry| entry.as_bytes().starts_with(country))?;
    entry.get(2..)?.parse().ok()
}

fn is_valid(account: &[u8]) -> bool {
    let (head, rest) = account.split_at(4);
    let remainder = rest.iter().chain(head).fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        letter => (remainder * 100 + u32::from(letter - b'a') + 10) % 97,
    });
    remainder == 1
}
