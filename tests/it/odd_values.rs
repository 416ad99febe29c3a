//! Values outside of the documentation. None of them costs a page. Each is repaired in its column and kept as
//! received.

use serde_json::Value;

use crate::support::export::Outcome;
use crate::support::raw::{Raw, Reply, parameter};

/// A run over a history of these messages, each the inside of an object. A body may be invalid UTF-8.
fn export_of(before: &[u8], messages: &[&[u8]]) -> Outcome {
    let head =
        br#"{"data":{"data":{"contact":{"contact_id":"c"},"conversations":[{"conversation_id":"v","messages":["#;
    let from = |offset: usize| {
        let objects = messages.iter().skip(offset).map(|message| [b"{", *message, b"}"].concat());
        let objects: Vec<_> = objects.collect();
        [before, head, &objects.join(&b","[..]), b"]}]}}}"].concat()
    };
    let pages: Vec<Vec<u8>> = (0..=messages.len()).map(from).collect();
    let server = Raw::start(move |target| {
        let offset: usize = parameter(target, "offset").parse().expect("an offset");
        Reply::json(pages[offset.min(pages.len() - 1)].clone())
    });
    server.export(["c"]).args("--format jsonl --retries 0").expect(0)
}

/// The rows of messages, by their IDs.
fn rows_of(messages: &[&[u8]]) -> Vec<Value> {
    let rows = export_of(b"", messages).rows("messages").0;
    assert_eq!(rows.len(), messages.len(), "no message is lost for another's sake: {rows:#?}");
    rows
}

/// The one row of a message.
fn row_of(message: impl AsRef<[u8]>) -> Value {
    let good = br#""message_id":"good","content":"beside it","created_at":"2026-01-01T00:00:00Z""#;
    let rows = rows_of(&[good, message.as_ref()]);
    assert!(rows.iter().any(|row| row["content"] == "beside it"));
    rows.into_iter().find(|row| row["message_id"] != "good").expect("the odd one")
}

#[test]
fn bytes_that_are_no_utf_8() {
    let row = row_of(b"\"message_id\":\"m\",\"content\":\"caf\xe9 \xff\xc3\xa9\",\"k\xff\":1");
    assert_eq!(row["content"], "caf\u{fffd} \u{fffd}é");
    assert_eq!(row["extra"], serde_json::json!({"k\u{fffd}": 1}));
}

#[test]
fn a_byte_order_mark_before_the_answer() {
    let outcome = export_of(b"\xef\xbb\xbf", &[br#""message_id":"m","content":"x""#]);
    assert_eq!(outcome.rows("messages").column("content"), ["x"]);
}

#[test]
fn text_that_is_odd_in_itself() {
    for (sent, content) in [
        (r#""lone \ud83d surrogate""#, "lone \u{fffd} surrogate"),
        (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
        (r#""NUL \u0000 here""#, "NUL \0 here"),
        (r#""\ufeff\u001b[31m\u202e\u2028""#, "\u{feff}\u{1b}[31m\u{202e}\u{2028}"),
        (r#""=cmd|'/C calc'!A1""#, "=cmd|'/C calc'!A1"),
        (r#""@SUM(1+1)*cmd""#, "@SUM(1+1)*cmd"),
        ("18446744073709551616", "18446744073709551616"),
        ("0.1e1", "0.1e1"),
    ] {
        let row = row_of(format!(r#""message_id":"m","content":{sent}"#));
        assert_eq!(row["content"], content, "{sent}");
    }
}

#[test]
fn numbers_that_are_too_large_or_invalid() {
    for (sent, order) in [
        ("9007199254740993", Some(9_007_199_254_740_993_i64)),
        ("9223372036854775807", Some(i64::MAX)),
        ("9223372036854775808", None),
        ("18446744073709551615", None),
        ("3.5", None),
        ("NaN", None),
        ("-Infinity", None),
        ("true", None),
    ] {
        let row = row_of(format!(r#""message_id":"m","message_order":{sent}"#));
        assert_eq!(row["message_order"].as_i64(), order, "{sent}");
        assert_eq!(row["extra"].is_null(), order.is_some(), "what does not fit is kept: {sent} in {row}");
    }
}

#[test]
fn ids_that_are_missing_null_or_no_text() {
    for (sent, id) in [(r#""message_id":7"#, Some("7")), (r#""message_id":true"#, Some("true"))] {
        assert_eq!(row_of(format!(r#"{sent},"content":"x""#))["message_id"].as_str(), id);
    }
    for sent in ["", r#""message_id":null,"#, r#""message_id":"","#] {
        let row = row_of(format!(r#"{sent}"content":"x""#));
        assert!(row["message_id"].as_str().is_some_and(|id| id.starts_with("x-")), "{sent}: {row}");
    }
}

#[test]
fn times_of_every_form() {
    for (sent, time) in [
        (r#""0000-01-01T00:00:00Z""#, Some("0000-01-01T00:00:00.000000Z")),
        (r#""9999-12-31T23:59:59.999999999Z""#, Some("9999-12-31T23:59:59.999999Z")),
        (r#""2026-03-04 05:06:07+05:30""#, Some("2026-03-03T23:36:07.000000Z")),
        ("1772600767000", Some("2026-03-04T05:06:07.000000Z")),
        (r#""1772600767""#, Some("2026-03-04T05:06:07.000000Z")),
        (r#""yesterday""#, None),
        ("-1", None),
        (r#""2026-02-30T00:00:00Z""#, None),
    ] {
        let row = row_of(format!(r#""message_id":"m","created_at":{sent}"#));
        assert_eq!(row["created_at"].as_str(), time, "{sent}");
        assert_eq!(row["extra"].is_null(), time.is_some(), "{sent} in {row}");
    }
}

#[test]
fn deep_values_and_doubled_keys() {
    for depth in [127, 128, 129, 2_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let server = format!(r#""message_id":"m","content":{deep},"content":"the last""#);
        assert_eq!(row_of(server)["content"], "the last");
        let outcome =
            export_of(b"", &[format!(r#""message_id":"m","content":"x","deep":{deep}"#).as_bytes()]);
        let path = outcome.manifest()["files"].as_array().unwrap().iter().find_map(|file| {
            (file["table"] == "messages").then(|| file["path"].as_str().unwrap().to_owned())
        });
        assert!(
            crate::support::export::read(&outcome.out.join(path.unwrap())).contains(&deep),
            "kept whole, {depth} deep"
        );
    }
}
