//! Pages as documented, as suspected, and broken.

use super::{MAX_COPIED, Page, PageError, Shape, into_text, read_json};
use crate::json::Document;

const SAMPLE: &str = r#"{"data": {"data": {
  "contact": {"contact_id": "c1", "first_name": "A\u00e9"},
  "conversations": [
    {"conversation_id": "v1", "conversation_status": "open", "messages": [
      {"message_id": "m1", "created_at": "2026-01-01T00:00:00Z", "message_order": 1, "wa_messages": [{"a": [1]}]},
      {"message_id": 7, "content": "é"}]},
    {"conversation_id": "v2", "messages": []}]}}}"#;

/// A page, for as long as the tests run.
pub fn read_page(text: &str) -> Result<Page<'static>, PageError> {
    let document: &'static Document<'static> = Box::leak(Box::new(read_json(text.to_owned())?));
    super::read_page(document)
}

fn page(text: &str) -> Page<'static> {
    read_page(text).unwrap()
}

fn ids(text: &str) -> Vec<String> {
    let page = page(text);
    page.conversations
        .iter()
        .flat_map(|c| &c.messages)
        .map(|message| message.id.clone().into_owned())
        .collect()
}

fn flat(messages: &str) -> String {
    format!(r#"{{"data":{{"data":{{"messages":{messages}}}}}}}"#)
}

fn complaint(text: &str) -> String {
    match read_page(text) {
        Err(PageError::ErrorAnswer(complaint)) => complaint,
        other => panic!("no error answer: {other:?}"),
    }
}

#[test]
fn a_grouped_page() {
    let page = page(SAMPLE);
    assert_eq!(page.contact.unwrap().member("contact_id").unwrap().raw(), "\"c1\"");
    assert!(page.siblings.is_empty() && page.unplaced.is_empty());
    assert_eq!(page.message_count(), 2);
    let [first, second] = &page.conversations[..] else { panic!("two conversations") };
    assert_eq!(
        (first.shape, first.id.as_deref(), second.id.as_deref()),
        (Shape::Grouped, Some("v1"), Some("v2"))
    );
    let names: Vec<_> = first.fields.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["conversation_id", "conversation_status"]);
    let message = &first.messages[0];
    assert_eq!(message.id, "m1");
    assert_eq!(message.created_at.unwrap().raw(), "\"2026-01-01T00:00:00Z\"");
    assert_eq!(message.message_order.unwrap().raw(), "1");
    assert!(
        message.value.raw().starts_with(r#"{"message_id": "m1""#) && message.value.raw().ends_with("[1]}]}")
    );
    assert_eq!(first.messages[1].id, "7");
}

#[test]
fn a_flat_page_and_both_shapes_at_once() {
    let text = r#"{"data":{"data":{"messages":[{"message_id":"m2","conversation_id":5}],"total":9,
        "conversations":[{"conversation_id":"v","messages":[{"message_id":"m1"}]},7,null]}}}"#;
    assert_eq!(ids(text), ["m1", "m2"]);
    let page = page(text);
    let last = page.conversations.last().unwrap();
    assert_eq!((last.shape, last.id.as_deref(), last.fields.len()), (Shape::Flat, None, 0));
    assert_eq!(last.messages[0].conversation_id.as_deref(), Some("5"));
    assert_eq!(page.unplaced.iter().map(|value| value.raw()).collect::<Vec<_>>(), ["7", "null"]);
    assert_eq!((&*page.siblings[0].0, page.siblings[0].1.raw()), ("total", "9"));
}

#[test]
fn the_last_of_doubled_members_wins() {
    let text = r#"{"data":1,"data":{"data":{"contact":1,"contact":{},"x":1,"x":2,
        "conversations":[{"messages":[{}]},3],"messages":7,
        "conversations":[{"messages":"odd","messages":[{"message_id":"a","message_id":"b"}],"s":1,"s":2}],
        "messages":null}}}"#;
    let page = page(text);
    assert_eq!(page.contact.unwrap().raw(), "{}");
    assert_eq!(page.siblings.iter().map(|(_, value)| value.raw()).collect::<Vec<_>>(), ["2"]);
    assert!(page.unplaced.is_empty());
    assert_eq!(ids(text), ["b"]);
    assert_eq!(page.conversations[0].fields.iter().map(|(_, value)| value.raw()).collect::<Vec<_>>(), ["2"]);
    assert!(matches!(read_page(r#"{"data":{"data":{}},"data":{}}"#), Err(PageError::NotAnAnswer(_))));
}

#[test]
fn lists_of_other_types_are_kept() {
    let text = r#"{"data":{"data":{"contact":"odd","conversations":{"a":1},"messages":"x"}}}"#;
    let parsed = page(text);
    assert_eq!(parsed.contact.unwrap().raw(), "\"odd\"");
    let siblings: Vec<_> =
        parsed.siblings.iter().map(|(name, value)| format!("{name}={}", value.raw())).collect();
    assert_eq!(siblings, ["conversations={\"a\":1}", "messages=\"x\""]);
    let text = r#"{"data":{"data":{"conversations":[{"messages":{"a":1}},{"messages":null}]}}}"#;
    let conversations = page(text).conversations;
    assert_eq!(
        (&*conversations[0].fields[0].0, conversations[0].fields[0].1.raw()),
        ("messages", "{\"a\":1}")
    );
    assert!(conversations[1].fields.is_empty());
}

#[test]
fn a_contact_that_does_not_exist() {
    for text in [
        r#"{"data":{"data":null}}"#,
        r#"{"data":{"data":{"contact":null,"conversations":[]}}}"#,
        r#"{"data":{"data":{}},"error":null}"#,
        r#"{"data":{"data":{"contact":null,"conversations":null}},"error":""}"#,
    ] {
        let page = page(text);
        assert!(page.contact.is_none() && page.conversations.is_empty(), "{text}");
    }
}

#[test]
fn error_answers() {
    assert_eq!(complaint(r#"{"error":"boom"}"#), "boom");
    assert_eq!(complaint(r#"{"errorMessage":"timed out","errorType":"T"}"#), "timed out");
    assert_eq!(complaint(r#"{"data":{"message":"no \u001b[1mluck\u202e"}}"#), "no \\u{1b}[1mluck\\u{202e}");
    assert_eq!(complaint(r#"{"message":"Internal server error"}"#), "Internal server error");
    assert_eq!(complaint(r#"{"error":{"code":3}}"#), r#"{"code":3}"#);
    assert_eq!(complaint(r#"{"data":{"data":null},"error":"e"}"#), "e");
    let long = format!(r#"{{"error":"{}"}}"#, "é".repeat(300));
    assert_eq!(complaint(&long).chars().count(), 201);
}

#[test]
fn answers_without_records() {
    let found = |text: &str| match read_page(text) {
        Err(PageError::NotAnAnswer(found)) => found,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(found("[]"), "the answer is a list where an object is expected");
    assert_eq!(found("1"), "the answer is a number where an object is expected");
    assert_eq!(found("{}"), "the answer has no `data`; members found: none");
    assert_eq!(found(r#"{"data":null}"#), "the answer has `data` as null where an object is expected");
    assert_eq!(found(r#"{"data":[]}"#), "the answer has `data` as a list where an object is expected");
    assert_eq!(
        found(r#"{"data":{"data":[]}}"#),
        "the answer has `data.data` as a list where an object is expected"
    );
    let higher = r#"{"data":{"message":"ok","contact":{},"conversations":[]}}"#;
    assert_eq!(
        found(higher),
        "the answer has no `data.data`; in `data`, members found: message, contact, conversations"
    );
}

#[test]
fn messages_without_an_id_are_named_by_what_they_say() {
    // The digests are of Python's json.dumps(m, sort_keys=True, separators=(",", ":"), ensure_ascii=False).
    let text = flat(
        r#"[{"role":"user","content":"hi","conversation_id":"v"},{"content": "hi","message_id":null,"role":"user"},
            {"content":"h\u0069","role":"user"},{"role":"user","content":"hi"},{"message_id":""}, 7, null]"#,
    );
    let ids = ids(&text);
    assert_eq!(ids[0], "x-9017285104d1b249960a30732b8e92f6");
    assert_ne!(ids[1], ids[0], "a null id is part of what is said");
    assert_eq!(ids[2], format!("{}-1", ids[0]));
    assert_eq!(ids[3], format!("{}-2", ids[0]));
    assert_eq!(ids[5], "x-7902699be42c8a8e46fbbb4501726517");
    assert_eq!(ids[6], "x-74234e98afe7498fb5daf1f36ac2d78a");
}

#[test]
fn ids_of_other_types_are_their_json_text() {
    let text = flat(
        r#"[{"message_id":12345678901234567890.50},{"message_id":true},{"message_id":{"a": 1}},{"message_id":[]}]"#,
    );
    assert_eq!(ids(&text), ["12345678901234567890.50", "true", "{\"a\": 1}", "[]"]);
}

#[test]
fn a_page_cut_anywhere_is_an_error() {
    for cut in (0..SAMPLE.len()).filter(|cut| SAMPLE.is_char_boundary(*cut)) {
        let cut = SAMPLE.get(..cut).unwrap();
        assert!(matches!(read_page(cut), Err(PageError::Malformed(_))), "{cut}");
    }
    assert!(matches!(read_page(&format!("{SAMPLE}x")), Err(PageError::Malformed(_))));
    assert!(matches!(read_page("<html></html>"), Err(PageError::Malformed(_))));
}

#[test]
fn more_than_memory_is_kept_for_is_refused() {
    let most = super::MOST_PARTS;
    let list = |count: usize, member: &str| vec![member; count].join(",");
    let of = |messages: String| read_page(&flat(&messages)).map(|page| page.message_count());
    assert_eq!(of(format!("[{}]", list(most, "1"))), Ok(most));
    let records = |count| format!(r#"[{{"message_id":"m","wa_messages":[{}]}}]"#, list(count, "12"));
    assert_eq!(of(records(most)), Ok(1));
    for too_many in [
        format!("[{}]", list(most + 1, "1")),
        records(most + 1),
        format!("[{{{}}}]", list(most + 1, r#""x":1"#)),
    ] {
        assert_eq!(of(too_many), Err(PageError::TooManyParts));
    }
    let conversations = format!(r#"{{"data":{{"data":{{"conversations":[{}]}}}}}}"#, list(most + 1, "{}"));
    assert_eq!(read_page(&conversations).err(), Some(PageError::TooManyParts));
}

#[test]
fn invalid_utf8_is_repaired_and_kept_in_bodies_of_any_size() {
    for length in [0, MAX_COPIED] {
        let valid = format!("{}é", "x".repeat(length));
        assert_eq!(into_text(valid.clone().into_bytes()), (valid.clone(), None));
        let invalid = [valid.as_bytes(), b"\xff"].concat();
        assert_eq!(into_text(invalid.clone()), (format!("{valid}\u{fffd}"), Some(invalid)));
    }
}
