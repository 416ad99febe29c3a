//! Accepted and refused texts, and agreement with `serde_json` where both apply.

use proptest::prelude::*;
use serde_json::json;

use super::{Document, Kind, MOST_NODES, Malformed, Names, Value, canonical, last_wins, push_string};

fn value(text: &str) -> Value<'static> {
    Box::leak(Box::new(Document::parse(text.to_owned()).unwrap())).root()
}

fn parse(text: &str) -> Result<Document<'_>, Malformed> {
    Document::parse(text)
}

fn canon(text: &str, leave_out: Option<&str>) -> String {
    let mut out = String::new();
    canonical(parse(text).unwrap().root(), leave_out, &mut out);
    out
}

fn text(raw: &str) -> String {
    parse(raw).unwrap().root().text().unwrap().into_owned()
}

#[test]
fn values_are_slices_without_blanks_around_them() {
    let document = parse("\u{feff} { \"a\" : [ 1 , {} ] ,\n\"b\":\t\"x y\" } ").unwrap();
    let seen: Vec<_> =
        document.root().members().map(|(key, value)| (key.into_owned(), value.raw())).collect();
    assert_eq!(seen, [("a".to_owned(), "[ 1 , {} ]"), ("b".to_owned(), "\"x y\"")]);
    assert_eq!(document.root().raw().len() + "\u{feff}  ".len(), document.text().len());
}

#[test]
fn a_value_is_found_again_by_its_number() {
    let document = parse(r#"{"a":[1,{"b":"x"}],"c":2}"#).unwrap();
    let inner = document.root().member("a").unwrap().elements().nth(1).unwrap();
    assert_eq!(document.value(inner.number()).unwrap().raw(), r#"{"b":"x"}"#);
    assert!(document.value(u32::MAX).is_none());
}

#[test]
fn keys_are_found_by_number_however_they_are_written() {
    static NAMES: Names = Names::new(&["a", "message_id", "wa_messages"]);
    static OTHERS: Names = Names::new(&["wa_messages", "b"]);
    let long = "k".repeat(3 << 20);
    let text =
        format!(r#"{{"b":1, "message\u005fid" : 2,"{long}":3,"wa_messages":[{{"a":4}}],"a":5,"a":[]}}"#);
    for document in
        [Document::parse_with(&*text, &NAMES), Document::parse(&*text), Document::parse_with(&*text, &OTHERS)]
    {
        let document = document.unwrap();
        let numbers: Vec<u8> = document.root().keyed().map(|(key, _)| key.number(&NAMES)).collect();
        assert_eq!(numbers, [0, 2, 0, 3, 1, 1]);
        let names: Vec<_> = document.root().members().map(|(name, _)| name.len()).collect();
        assert_eq!(names, [1, 10, long.len(), 11, 1, 1]);
        let member = |number| document.root().numbered_member(&NAMES, number).map(Value::raw);
        assert_eq!([member(1), member(2), member(3)], [Some("[]"), Some("2"), Some(r#"[{"a":4}]"#)]);
    }
}

#[test]
fn more_values_than_memory_is_kept_for_are_refused() {
    let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert_eq!(parse(&list(MOST_NODES - 2)).unwrap().root().elements().count(), MOST_NODES - 2);
    assert!(parse(&list(MOST_NODES - 1)).err().unwrap().is_too_much());
}

#[test]
fn lenient_where_the_service_is_sloppy() {
    for token in ["NaN", "Infinity", "-Infinity", "01", "+1", ".5", "1.", "-01.5e3", "1e"] {
        let document = parse(token).unwrap();
        let value = document.root();
        assert_eq!((value.kind(), value.raw()), (Kind::NonStandard, token));
        assert!(!value.is_strict());
        assert_eq!(parse(&format!("[1,{token},2]")).unwrap().root().elements().count(), 3);
    }
    assert_eq!(text("\"a\nb\u{1}\""), "a\nb\u{1}");
    assert_eq!(text(r#""\x\u12\é\q""#), "xu12éq");
    assert_eq!(text(r#""\u0000\ud83d\ude00\/\b\f\n\r\t\"\\""#), "\0😀/\u{8}\u{c}\n\r\t\"\\");
    assert_eq!(text(r#""\ud83d x \ude00 \ud83d\ud83d\ude00""#), "\u{fffd} x \u{fffd} \u{fffd}😀");
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    assert_eq!(parse(&deep).unwrap().root().raw().len(), 2_000_000);
    let mixed = "{\"a\":[".repeat(1000) + "1" + &"]}".repeat(1000);
    assert!(parse(&mixed).unwrap().root().is_strict());
    assert!(parse(&mixed.replace("1]", "1}")).is_err());
}

#[test]
fn broken_documents_are_errors() {
    let broken = [
        "",
        " ",
        "{",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "\"abc",
        "\"abc\\\"",
        "tru",
        "nul",
        "undefined",
        "<html>",
        "'a'",
        "-",
        "+",
        ".",
        "[1}",
        "{\"a\":1]",
        "1 2",
        "{} {}",
        "{}\u{0}",
        "[\u{a0}1]",
        "\\",
    ];
    for text in broken {
        assert!(parse(text).is_err(), "{text:?}");
    }
    insta::assert_snapshot!(
        parse("{\"a\": [1, 2}").err().unwrap(),
        @"malformed JSON at byte 11: ',' or ']' was expected"
    );
}

#[test]
fn members_and_elements_of_anything() {
    let object = value(r#"{"a":1,"b\n":{"a":2},"a":[3]}"#);
    let members: Vec<_> = object.members().map(|(key, value)| (key.into_owned(), value.raw())).collect();
    assert_eq!(members, [("a".into(), "1"), ("b\n".into(), "{\"a\":2}"), ("a".to_owned(), "[3]")]);
    assert_eq!(object.member("a").unwrap().raw(), "[3]");
    assert!(object.member("c").is_none() && object.elements().next().is_none());
    let array = value("[1, [2], \"3\"]");
    assert_eq!(array.elements().map(Value::raw).collect::<Vec<_>>(), ["1", "[2]", "\"3\""]);
    assert!(array.members().next().is_none());
    assert!(value("null").members().next().is_none());
}

#[test]
fn strict_is_what_a_warehouse_takes() {
    for text in [r#"{"a":[1e999,-0.0,"\u00e9\ud83d\ude00\/"],"":null}"#, "\"\u{7f}\"", "{}", "true", "[ 1 ]"]
    {
        assert!(parse(text).unwrap().root().is_strict(), "{text}");
    }
    for text in [
        "[NaN]",
        "{\"a\":01}",
        r#""\ud83d""#,
        r#""\ude00\ud83d""#,
        "\"\t\"",
        r#""\x""#,
        r#""\u12g4""#,
        r#"{"\ud800":1}"#,
    ] {
        assert!(!parse(text).unwrap().root().is_strict(), "{text}");
    }
}

#[test]
fn the_last_of_doubled_members_wins_at_the_first_ones_place() {
    for extra in [0, 100] {
        let filler: String = (0..extra).map(|n| [",\"f", &n.to_string(), "\":0"].concat()).collect();
        let text = format!(r#"{{"a":1,"b":2,"a":3,"c":4,"b":5{filler}}}"#);
        let mut members: Vec<_> = value(&text).members().collect();
        last_wins(&mut members);
        let kept: Vec<_> =
            members.iter().take(3).map(|(key, value)| format!("{key}{}", value.raw())).collect();
        assert_eq!(kept, ["a3", "b5", "c4"]);
        assert_eq!(members.len(), 3 + extra);
    }
}

#[test]
fn canonical_form() {
    let text = r#" { "b" : [ 1.0 , "\u00e9\/\u001F\u007f" , { "z":1, "y":{}, "z":[ ] } ], "a\ud83d":"\ud83D", "a":1e2, "conversation_id":"c" } "#;
    assert_eq!(
        canon(text, Some("conversation_id")),
        "{\"a\":1e2,\"a\\ud83d\":\"\\ud83d\",\"b\":[1.0,\"é/\\u001f\u{7f}\",{\"y\":{},\"z\":[]}]}"
    );
    assert_eq!(canon(r#"{"c":{"c":1},"b":2,"c":3}"#, Some("c")), r#"{"b":2}"#);
    assert_eq!(canon(r#"{"a":{"c":1},"c":3}"#, Some("c")), r#"{"a":{"c":1}}"#);
    assert_eq!(canon(r#"{"c":3}"#, Some("c")), "{}");
    assert_eq!(canon("[ ]", Some("c")), "[]");
    assert_eq!(canon("null", None), "null");
    assert_eq!(canon("[NaN, \"\n\"]", None), r#"[NaN,"\n"]"#);
}

#[test]
fn canonical_keys_are_sorted_by_code_point() {
    // U+FFFF sorts before U+1F600 by code point and after it by UTF-16; half a pair sorts before both.
    let text = "{\"😀\":1,\"\u{ffff}\":2,\"\\udfff\":3,\"\u{d7ff}\":4,\"\\ud800\":5}";
    assert_eq!(canon(text, None), "{\"\u{d7ff}\":4,\"\\ud800\":5,\"\\udfff\":3,\"\u{ffff}\":2,\"😀\":1}");
}

#[test]
fn canonical_of_a_deep_value_neither_overflows_nor_takes_long() {
    let deep = "{\"b\": [".repeat(100_000) + "1" + &"]}".repeat(100_000);
    assert_eq!(canon(&deep, None), deep.replace(' ', ""));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        any::<String>().prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|list| json!(list)),
            prop::collection::hash_map(any::<String>(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

fn to_serde(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Object => value.members().map(|(key, value)| (key.into_owned(), to_serde(value))).collect(),
        Kind::Array => value.elements().map(to_serde).collect(),
        Kind::String => value.text().unwrap().into(),
        _ => serde_json::from_str(value.raw()).unwrap(),
    }
}

proptest! {
    #[test]
    fn agrees_with_serde_json_on_valid_text(tree in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&tree) } else { serde_json::to_string(&tree) }.unwrap();
        let document = parse(&text).unwrap();
        let value = document.root();
        prop_assert_eq!(value.raw(), &text);
        prop_assert!(value.is_strict());
        prop_assert_eq!(to_serde(value), serde_json::from_str::<serde_json::Value>(&text).unwrap());
        // serde_json's map is sorted by key and writes compactly: the same canonical form.
        prop_assert_eq!(canon(&text, None), serde_json::to_string(&tree).unwrap());
    }

    #[test]
    fn strict_values_are_those_serde_json_takes(text in r#"[\[\]{}",:\\uxd8e0-9. a-f\u{1}tNa+-]{0,12}|"(\\u[dD][89cC]00|\\n|\\x|a|\t){0,4}""#) {
        // Numbers beyond f64 are refused by serde_json and fine by the grammar.
        let serde = serde_json::from_str::<serde_json::Value>(&text);
        let strict = parse(&text).is_ok_and(|document| document.root().is_strict());
        let too_large = serde.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
        prop_assert!(strict == serde.is_ok() || too_large, "{text:?}: {serde:?}");
    }

    #[test]
    fn never_panics(text in r#"[\[\]{}",:\\u0d8é1.eNatrufls \n-]{0,40}"#) {
        if let Ok(document) = parse(&text) {
            let value = document.root();
            value.members().count();
            value.elements().count();
            value.text();
            canonical(value, Some("a"), &mut String::new());
        }
    }

    #[test]
    fn a_pushed_string_is_read_back(text in any::<String>()) {
        let mut out = String::new();
        push_string(&mut out, &text);
        prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
