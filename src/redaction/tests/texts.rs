//! Texts with planted values in random surroundings.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::redaction::fold::fold;

const DETECT: &str = "[detect]\nwords = \"words.txt\"\n";

/// A contact with values that occur in no other text.
fn with_contact(policy: &str) -> Redaction {
    let mut redaction = redaction(policy);
    let mut known = KnownValues::default();
    known.name("Zoëlina Quïxo");
    known.phone("+49 151 23456789");
    known.email("zoe.q@private.example");
    known.contact_id("0e56f030-2a0f-41a6-bbff-856264595233");
    redaction.begin_contact(&known);
    redaction
}

fn digits(text: &str) -> String {
    fold(text).chars().filter(char::is_ascii_digit).collect()
}

/// True if the value can be read in the text: as it is, by its digits, or in base64.
fn is_readable(text: &str, value: &str) -> bool {
    let folded = fold(text);
    let number = digits(value);
    let is_there = |text: &str| {
        fold(text).contains(&fold(value)) || (number.len() >= 7 && digits(text).contains(&number))
    };
    if is_there(&folded) {
        return true;
    }
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/-_".contains(c));
    let mut decoded = runs.flat_map(|run| (0..4).filter_map(|skipped| decode(run.get(skipped..)?)));
    decoded.any(|text| is_there(&text))
}

fn decode(text: &str) -> Option<String> {
    let standard: String = text.replace('-', "+").replace('_', "/");
    let whole = standard.get(..standard.len() - usize::from(standard.len() % 4 == 1))?;
    let engine = base64::engine::general_purpose::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
    );
    engine.decode(whole).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Words around a planted value, without digits.
fn surroundings() -> impl Strategy<Value = String> {
    "([a-zA-Zäéñж中]{0,8}[ ,.;:!?\n\u{a0}()\"'🙂-]{1,3}){0,6}"
}

fn luhn(body: &str) -> String {
    let check = (0..10).map(|digit| format!("{body}{digit}")).find(|card| {
        let digits = card.bytes().rev().map(|byte| u32::from(byte - b'0')).enumerate();
        let sum: u32 = digits
            .map(|(index, digit)| if index % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
            .sum();
        sum.is_multiple_of(10)
    });
    check.unwrap()
}

fn iban(country: &str, account: &str) -> String {
    let check = (2..99).map(|check| format!("{country}{check:02}{account}")).find(|iban| {
        let moved = format!("{}{}", iban.get(4..).unwrap(), iban.get(..4).unwrap());
        let value = moved.chars().fold(0, |rest, c| {
            let digit = c.to_digit(36).unwrap();
            (if digit > 9 { rest * 100 + digit } else { rest * 10 + digit }) % 97
        });
        value == 1
    });
    check.unwrap()
}

/// Puts separators between groups of four.
fn grouped(text: &str, separator: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let groups: Vec<String> = chars.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(separator)
}

fn separator() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", " ", "-", "\u{a0}", "."])
}

/// An unknown value of any kind.
fn unknown() -> impl Strategy<Value = String> {
    prop_oneof![
        ("[a-z0-9]{1,9}(\\.[a-zäß]{1,8})?", "[a-zü]{1,9}\\.(com|рф|co\\.uk|xn--p1ai)")
            .prop_map(|(local, domain)| format!("{local}@{domain}")),
        ("(\\+|00)[1-9][0-9]", "[0-9]{7,12}", separator())
            .prop_map(|(code, number, between)| format!("{code}{between}{}", grouped(&number, between))),
        ("[2-9][0-9]{11,17}", separator()).prop_map(|(body, between)| grouped(&luhn(&body), between)),
        (prop::sample::select(vec![("de", "[0-9]{18}"), ("GB", "[A-Z]{4}[0-9]{14}"), ("no", "[0-9]{11}")]))
            .prop_flat_map(|(country, account)| (Just(country), account, separator()))
            .prop_map(|(country, account, between)| grouped(&iban(country, &account), between)),
        any::<[u8; 4]>().prop_map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
        prop::array::uniform16(1_u8..).prop_map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
    ]
}

/// A value of the contact, in a spelling or an encoding.
fn spelled() -> impl Strategy<Value = (String, &'static str)> {
    let phone = prop_oneof![
        Just("4915123456789"),
        Just("+49 (0)151 / 234 567 89"),
        Just("0151-23456789"),
        Just("15123456789"),
        Just("0049.151.2345.6789"),
        Just("4 9 1 5 1 2 3 4 5 6 7 8 9"),
        Just("+٤٩ ١٥١ ٢٣٤٥٦٧٨٩"),
        Just("＋４９ １５１ ２３４５６７８９"),
        Just("%2B4915123456789"),
        Just("&#43;49&nbsp;151&#32;23456789"),
    ];
    let name = prop_oneof![
        Just("Quïxo"),
        Just("QUIXO"),
        Just("quï\u{ad}xo"),
        Just("Qu\\u00efxo"),
        Just("Qu%C3%AFxo"),
        Just("Qu&iuml;xo")
    ];
    prop_oneof![
        phone.prop_map(|phone| (phone.to_owned(), "15123456789")),
        name.prop_map(|name| (name.to_owned(), "quixo")),
        Just(("ZOE.Q@Private.Example".to_owned(), "zoe.q@private.example")),
        ("[\\x01-\\x1f]{0,5}", "[\\x01-\\x1f]{1,5}").prop_map(|(before, after)| {
            let bytes = format!("{before}4915123456789{after}");
            (format!("wamid.{}", STANDARD.encode(bytes)), "15123456789")
        }),
        "[A-Za-z0-9]{0,3}".prop_map(|before| {
            (format!("{before}{}", URL_SAFE_NO_PAD.encode("to=+4915123456789")), "15123456789")
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_planted_value_survives(
        (before, after) in (surroundings(), surroundings()),
        value in unknown(),
        (spelling, plain) in spelled(),
    ) {
        let mut redaction = with_contact(DETECT);
        let text = format!("{before} {value} {after} {spelling} .");
        prop_assert!(is_readable(&text, &value));
        let redacted = redaction.text("test", &text);
        prop_assert!(!is_readable(&redacted, &value), "{redacted}");
        prop_assert!(!is_readable(&redacted, plain) && !redacted.contains(&spelling), "{redacted}");
        prop_assert!(redacted.contains(before.trim()), "{redacted}");
    }

    #[test]
    fn no_planted_value_survives_in_json(
        text in surroundings(),
        value in unknown(),
        (spelling, plain) in spelled(),
    ) {
        let mut redaction = with_contact(DETECT);
        let inner = serde_json::json!({ "a": [format!("{text} {spelling} {text}"), 4_915_123_456_789_u64, 4.915_123_456_789e12] });
        let json = serde_json::json!({ (format!("{value} {text}")): inner.to_string(), "n": 15_123_456_789_u64, "t": inner });
        let redacted = redaction.text("test", &json.to_string());
        prop_assert!(!is_readable(&redacted, &value) && !is_readable(&redacted, plain), "{redacted}");
        let read: serde_json::Value = serde_json::from_str(&redacted).unwrap();
        prop_assert!(read["t"]["a"][0].as_str().unwrap().starts_with(text.as_str()));
    }

    #[test]
    fn a_text_without_digits_and_signs_stays(text in "([a-zA-Zäéñжрह中あ]{0,12}[ ,.;:!?\n\u{a0}()🙂\u{200d}]{1,3}){0,30}") {
        prop_assert_eq!(with_contact(DETECT).text("test", &text), text);
    }

    #[test]
    fn a_redacted_text_stays(
        parts in prop::collection::vec(
            prop_oneof![unknown(), spelled().prop_map(|part| part.0), "[-a-c@.:/?=%&+0-9 \\[\\]{}()]{0,12}", surroundings()],
            0..8,
        ),
        replace in prop::sample::select(vec!["[{kind}]", "[{kind} {pseudonym}]", "{pseudonym}", "XX"]),
    ) {
        let mut redaction = with_contact(&format!("{DETECT}replace = \"{replace}\"\n"));
        let once = redaction.text("test", &parts.concat());
        prop_assert_eq!(redaction.text("test", &once), once);
    }
}

#[test]
fn words_of_the_list_are_replaced() {
    let mut redaction = with_contact(DETECT);
    assert_eq!(
        redaction.text("t", "Marie  Curie, MARIE CURIE and the nautilus"),
        "Marie  Curie, [word] and the [word]"
    );
}

#[test]
fn a_contact_whose_name_is_that_of_a_kind_changes_no_replacement() {
    let mut redaction = redaction(DETECT);
    let mut known = KnownValues::default();
    known.name("Phone Card");
    redaction.begin_contact(&known);
    let once = redaction.text("t", "Phone: +4915123456789");
    assert_eq!(once, "[name]: [phone]");
    assert_eq!(redaction.text("t", &once), once);
}

#[test]
fn only_the_listed_kinds_are_replaced() {
    let mut redaction = with_contact("[detect]\nkinds = [\"email\"]\n");
    let text = "Zoë +4915123456789 a@b.example 192.0.2.1";
    assert_eq!(redaction.text("t", text), "Zoë +4915123456789 [email] 192.0.2.1");
}

#[test]
fn pseudonyms_in_texts_are_those_of_columns() {
    let mut redaction = with_contact("[detect]\nreplace = \"[{kind} {pseudonym}]\"\n");
    let key = key();
    let phone = key.pseudonym(find::Class::Phone, "+49 151 23456789");
    let other = key.pseudonym(find::Class::Email, "X@Y.example");
    let text = redaction.text("t", "0151/23456789 x@y.example");
    assert_eq!(text, format!("[phone {phone}] [email {other}]"));
}
