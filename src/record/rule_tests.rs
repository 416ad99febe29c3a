//! Rules by which an answer is accepted.

use super::{ContactAnswer, PageError};
use crate::json::Document;

const ID: &str = "3f0c2a9e-5acc-4699-923c-f7326936b39f";

/// Result of reading an answer: its messages and if the contact is absent, or the error.
fn judged(records: &str) -> Result<(usize, bool), String> {
    judge(&format!(r#"{{"data":{{"data":{records}}}}}"#))
}

fn judge(text: &str) -> Result<(usize, bool), String> {
    let document = Document::parse(text).unwrap();
    match ContactAnswer::validate(&document, &ID.parse().unwrap()) {
        Ok(answer) => Ok((answer.messages().count(), answer.is_absent())),
        Err(PageError::NotAnAnswer(what)) => Err(what),
        Err(PageError::ErrorAnswer(what)) => Err(format!("error: {what}")),
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn what_is_an_answer() {
    for (records, expected) in [
        (
            r#"{"contact":{},"conversations":[{"conversation_id":"v","messages":[{"message_id":"m"}]}]}"#,
            (1, false),
        ),
        (r#"{"contact":{},"conversations":[],"total":{"of":3}}"#, (0, false)),
        (r#"{"contact":{},"messages":[{"message_id":"m"},7]}"#, (2, false)),
        (r#"{"messages":[{"message_id":"m"}]}"#, (1, false)),
        (r#"{"contact":"odd","conversations":[{"messages":[{}]}],"pages":[1]}"#, (1, false)),
        (r#"{"contact":{"first_name":"A"}}"#, (0, false)),
        (r#"{"contact":{"first_name":"A"},"conversations":null,"total":0}"#, (0, false)),
        (r#"{"contact":{},"conversations":[{"conversation_id":"v","assigned_to":{"id":3}}]}"#, (0, false)),
        (r#"{"contact":null,"conversations":[{"messages":[{}]}]}"#, (1, false)),
        (r#"{"total":0,"conversations":[]}"#, (0, false)),
        ("null", (0, true)),
        ("{}", (0, true)),
        (r#"{"contact":null}"#, (0, true)),
        (r#"{"contact":null,"conversations":[],"total":0}"#, (0, true)),
        (r#"{"conversations":[]}"#, (0, true)),
    ] {
        assert_eq!(judged(records), Ok(expected), "{records}");
    }
}

#[test]
fn what_is_none() {
    for records in [
        r#"{"contact":{},"conversations":{"0":{}}}"#,
        r#"{"contact":{},"conversations":"[]"}"#,
        r#"{"contact":{},"conversations":0}"#,
        r#"{"contact":{},"messages":false}"#,
        r#"{"contact":{},"chats":[]}"#,
        r#"{"contact":{},"conversations":null,"chats":{}}"#,
        r#"{"contact":{},"chats":"[{\"conversation_id\":1}]"}"#,
        r#"{"contact":{"conversations":[{"messages":[]}]}}"#,
        r#"{"contact":{"messages":[{"message_id":"m"}]},"conversations":[]}"#,
        r#"{"contact":{},"conversations":[],"history":[{"message_id":"m"}]}"#,
        r#"{"contact":{},"conversations":[],"history":{"0":{"message_id":"m"}}}"#,
        r#"{"contact":"odd"}"#,
        r#"{"contact":[]}"#,
        r#"{"message":"Internal failure"}"#,
        r#"{"status":"ok","code":7}"#,
        r#"{"data":{"contact":{},"conversations":[]}}"#,
        r#"{"contact":{},"conversations":["v1","v2"]}"#,
        r#"{"contact":{},"conversations":[1,2]}"#,
        r#"{"contact":{},"conversations":[[{"messages":[]}]]}"#,
        r#"{"contact":{},"conversations":["{\"messages\":[]}",{}]}"#,
        r#"{"contact":{},"conversations":[{"messages":{"0":{"message_id":"m"}}}]}"#,
        r#"{"contact":{},"conversations":[{"messages":"[]"}]}"#,
        r#"{"contact":{},"conversations":[{"conversation_id":"v","items":[{"message_id":"m"}]}]}"#,
        r#"{"contact":{},"conversations":[{"conversation_id":"v","messages":[],"older":[{"message_id":"m"}]}]}"#,
        r#"{"contact":{},"conversations":[{"message_id":"m","content":"hi"}]}"#,
        r#"{"contact":{},"conversations":[{"assigned_to":{"messages":[{"message_id":"m"}]}}]}"#,
        r#"{"contact":{},"messages":[[{"message_id":"m"}]]}"#,
        r#"{"contact":{},"messages":["{\"message_id\":\"m\"}"]}"#,
        r#"{"contact":{},"messages":[{"messages":[{"message_id":"m"}]}]}"#,
        r#"{"contact":{},"conversations":[{"messages":[{}]}],"conversations":[]}"#,
        r#"{"contact":{},"conversations":[{"messages":[{"message_id":"m"}],"messages":[]}]}"#,
    ] {
        assert!(
            judged(records).is_err_and(|what| !what.starts_with("error")),
            "{records}: {:?}",
            judged(records)
        );
    }
    for text in [
        r#"{"data":{"contact":{},"conversations":[]}}"#,
        r#"{"data":{"data":{"contact":{}},"conversations":[{"messages":[]}]}}"#,
        r#"{"data":{"data":{}},"messages":[]}"#,
        r#"{"data":{"data":{"conversations":[]},"contact":{},"messages":[{"message_id":"m"}]}}"#,
        r#"{"data":{"data":{"conversations":[{"messages":[{}]}]}},"data":{"data":null}}"#,
        r#"{"Data":{"data":{"contact":{},"conversations":[]}}}"#,
    ] {
        assert!(judge(text).is_err(), "{text}");
    }
}

#[test]
fn what_was_found_is_named_without_values() {
    let what = |records| judged(records).unwrap_err();
    assert_eq!(
        what(r#"{"contact":{},"conversations":{"0":{}}}"#),
        "the answer has `conversations` as an object where a list is expected"
    );
    assert_eq!(
        what(r#"{"contact":{"first_name":"Ada"},"chats":[],"46701234567":1}"#),
        "the answer has no `conversations`; members found: contact, chats, 1 more"
    );
    assert_eq!(
        what(r#"{"contact":{},"conversations":[{"conversation_id":"v","items":[]}]}"#),
        "a conversation has no `messages`; members found: conversation_id, items"
    );
    assert_eq!(
        what(r#"{"message":"Internal failure"}"#),
        "the answer has no `conversations`; members found: message"
    );
}

#[test]
fn an_answer_belongs_to_the_contact_asked_for() {
    let of = |id: &str| {
        judged(&format!(r#"{{"contact":{{"contact_id":{id}}},"conversations":[{{"messages":[{{}}]}}]}}"#))
    };
    for same in
        [format!("\"{ID}\""), format!("\"{}\"", ID.to_uppercase()), format!("\" {ID}\""), "null".to_owned()]
    {
        assert_eq!(of(&same), Ok((1, false)), "{same}");
    }
    assert_eq!(of("\"c7\"").unwrap_err(), "the answer belongs to another contact");
    for other in ["7", "\"\"", "true", "{}", "[]", "NaN"] {
        assert!(of(other).is_err(), "{other}");
    }
    assert!(judged(r#"{"contact_id":"c7","conversations":[]}"#).is_err(), "beside the list");
    let number = |id: &str, sent: &str| {
        let text = format!(r#"{{"data":{{"data":{{"contact":{{"contact_id":{sent}}}}}}}}}"#);
        let document = Document::parse(text).unwrap();
        ContactAnswer::validate(&document, &id.parse().unwrap()).is_ok()
    };
    assert!(number("12345678901234567890", "12345678901234567890"));
    assert!(
        !number("1", "1.0") && !number("abc", "\"ABC\""),
        "only UUIDs are compared without regard to case"
    );
}

#[test]
fn an_error_beside_no_messages_is_an_error() {
    for text in [
        r#"{"error":"e","data":{"data":{"contact":{},"conversations":[]}}}"#,
        r#"{"data":{"error":"e","data":{}}}"#,
        r#"{"data":{"data":{"contact":{},"conversations":[],"error":"e"}}}"#,
        r#"{"data":{"message":"e"}}"#,
    ] {
        assert_eq!(judge(text), Err("error: e".to_owned()), "{text}");
    }
    let beside = r#"{"error":"e","data":{"data":{"conversations":[{"messages":[{}]}]}}}"#;
    assert_eq!(judge(beside), Ok((1, false)), "it takes nothing from messages that are there");
}
