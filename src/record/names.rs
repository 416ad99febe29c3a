//! Descriptions of an answer that are safe to show: no values, and no names that could be values.

use crate::json::{Kind, Value};

/// Member names shown of one object.
const MOST_NAMES: usize = 12;
/// The longest member name shown, in bytes. Keys made of IDs, numbers or tokens are longer or have more digits.
const LONGEST_NAME: usize = 32;
const MOST_DIGITS: usize = 3;

/// The type of a value with its article: `an object`.
pub fn article(value: Value<'_>) -> &'static str {
    match value.kind() {
        Kind::Null => "null",
        Kind::Bool => "a boolean",
        Kind::Number | Kind::NonStandard => "a number",
        Kind::String => "a string",
        Kind::Array => "a list",
        Kind::Object => "an object",
    }
}

/// Names the members of an object: `members found: contact, chats`. Keys that may be an ID or a secret are only
/// counted.
pub fn members_found<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let (mut shown, mut others) = (Vec::new(), 0_usize);
    for name in names {
        if shown.len() < MOST_NAMES && is_field_name(name) {
            shown.push(name);
        } else {
            others += 1;
        }
    }
    let more =
        (others > 0).then(|| format!("{others} {}", if shown.is_empty() { "unusual" } else { "more" }));
    if shown.is_empty() && more.is_none() {
        return "members found: none".to_owned();
    }
    let names: Vec<String> = shown.into_iter().map(str::to_owned).chain(more).collect();
    format!("members found: {}", names.join(", "))
}

fn is_field_name(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    name.len() <= LONGEST_NAME
        && digits <= MOST_DIGITS
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::members_found;

    #[test]
    fn keys_that_may_be_ids_or_secrets_are_only_counted() {
        let names =
            ["contact", "wa_messages2", "46701234567", "a1b2c3d4e5", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9x"];
        assert_eq!(members_found(names.into_iter()), "members found: contact, wa_messages2, 3 more");
        assert_eq!(members_found(["0"].into_iter()), "members found: 1 unusual");
        assert_eq!(members_found(std::iter::empty()), "members found: none");
    }
}
