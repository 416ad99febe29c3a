//! Tests of the rows of contacts, conversations and coverage.

use serde_json::{Value as Json, json};

use crate::contact_read::{End, Status};

use super::super::{Builders, ContactInput, ConversationColumns, CoverageRow, Table, Totals};
use super::{TIME, builders, contact_id, objects, take, value};
use crate::record::tests::read_page;

#[test]
fn conversations() {
    let text = r#"{"data":{"data":{"conversations":[
        {"conversation_id":"v1","conversation_status":2,"conversation_type":"t","assigned_to":{"a":1},"chatbot_id":null,
         "contact_id":"c1","message_count":9,"x":[1],"messages":[]},
        {"conversation_id":"v2","contact_id":"c2","messages":"odd"},{"conversation_status":"no id"}]}}}"#;
    let page = read_page(text).unwrap();
    let mut builders = builders();
    let mut totals = Totals::default();
    for time in [Some(5), None, Some(-3)] {
        totals.add(time);
    }
    for conversation in &page.conversations {
        builders.conversation(&contact_id(), &ConversationColumns::read(conversation), totals);
    }
    builders.conversation(&contact_id(), &ConversationColumns::flat(Some("v3")), Totals::default());
    let rows = builders.take(Table::Conversations).unwrap();
    assert!(rows.message_time.is_none());
    let rows: Vec<_> = objects(&rows).into_iter().map(|row| Json::from(row).to_string()).collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    {"assigned_to":"{\"a\":1}","contact_id":"c1","conversation_id":"v1","conversation_status":"2","conversation_type":"t","exported_at":"1970-01-01T00:00:00.000000Z","extra":"{\"message_count\":9,\"x\":[1]}","first_message_at":"1969-12-31T23:59:59.999997Z","last_message_at":"1970-01-01T00:00:00.000005Z","message_count":3,"run_id":"run-1"}
    {"contact_id":"c1","conversation_id":"v2","exported_at":"1970-01-01T00:00:00.000000Z","extra":"{\"contact_id\":\"c2\",\"messages\":\"odd\"}","first_message_at":"1969-12-31T23:59:59.999997Z","last_message_at":"1970-01-01T00:00:00.000005Z","message_count":3,"run_id":"run-1"}
    {"contact_id":"c1","conversation_id":"v3","exported_at":"1970-01-01T00:00:00.000000Z","message_count":0,"run_id":"run-1"}
    "#);
    insta::assert_snapshot!(serde_json::to_string(builders.unknown_fields()).unwrap(), @r#"{"conversations":{"contact_id":1,"message_count":1,"messages":1,"x":1}}"#);
}

fn contact_row(builders: &mut Builders, contact: Option<&str>, siblings: &str, unplaced: &[String]) -> Json {
    let id = contact_id();
    let siblings: Vec<_> = value(siblings).members().collect();
    let contact = contact.map(value);
    let totals = Totals { messages: 3, first: Some(1), last: Some(2) };
    builders.contact(&ContactInput {
        id: &id,
        contact,
        siblings: &siblings,
        unplaced,
        conversation_count: 2,
        totals,
    });
    let mut row = take(builders, Table::Contacts).remove(0);
    for name in [
        "conversation_count",
        "message_count",
        "first_message_at",
        "last_message_at",
        "run_id",
        "exported_at",
    ] {
        assert!(row.remove(name).is_some(), "{name}");
    }
    row.into()
}

#[test]
fn contacts() {
    let mut builders = builders();
    let contact = r#"{"contact_id":"c1","user_email_id":"u","first_name":"A","last_name":null,"phone_number":49123,
        "created_at":1752577991,"last_interacted_at":"2025-07-15 11:13:11","contact_queries":"12","is_blacklisted":"true",
        "is_frozen":false,"frozen_until":null}"#;
    assert_eq!(
        contact_row(&mut builders, Some(contact), "{}", &[]),
        json!({"contact_id":"c1","user_email_id":"u","first_name":"A","phone_number":"49123","created_at":TIME,
            "last_interacted_at":TIME,"contact_queries":12,"is_blacklisted":true,"is_frozen":false})
    );
    assert!(builders.unknown_fields().is_empty());
    let odd = r#"{"contact_id":"c2","is_frozen":"no","message_count":5,"total":1,"conversations":0,"frozen_until":""}"#;
    assert_eq!(
        contact_row(
            &mut builders,
            Some(odd),
            r#"{"total":2,"data.total":3,"page":[NaN]}"#,
            &["7".into(), "{\"a\":\"\u{1}\"}".into()]
        )["extra"],
        json!(
            r#"{"contact_id":"c2","is_frozen":"no","message_count":5,"total":1,"conversations":0,"frozen_until":"","data.total":2,"data.data.total":3,"page":"[NaN]","data.conversations":[7,"{\"a\":\"\u0001\"}"]}"#
        )
    );
    assert_eq!(contact_row(&mut builders, None, "{}", &[]), json!({"contact_id":"c1"}));
    assert_eq!(
        contact_row(&mut builders, Some("[1]"), "{}", &["{}".into()]),
        json!({"contact_id":"c1","extra":r#"{"contact":[1],"conversations":[{}]}"#})
    );
    assert_eq!(builders.unknown_fields().of(Table::Contacts).count(), 11);
}

#[test]
fn coverage() {
    let mut builders = builders();
    let row = CoverageRow {
        contact_id: contact_id(),
        status: Status::NotFound,
        messages: 1,
        pages: 2,
        requests: 3,
        retries: 4,
        rereads: 5,
        end: Some(End::ShortPage),
        first_message_at: Some(6),
        last_message_at: None,
        fetch_started_at: Some(7),
        fetch_finished_at: Some(8),
        error: Some("e".to_owned()),
        input_line: Some(9),
    };
    builders.coverage(&row);
    let rows: Vec<_> =
        take(&mut builders, Table::Coverage).into_iter().map(|row| Json::from(row).to_string()).collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"{"contact_id":"c1","end":"short_page","error":"e","exported_at":"1970-01-01T00:00:00.000000Z","fetch_finished_at":"1970-01-01T00:00:00.000008Z","fetch_started_at":"1970-01-01T00:00:00.000007Z","first_message_at":"1970-01-01T00:00:00.000006Z","input_line":9,"messages":1,"pages":2,"requests":3,"rereads":5,"retries":4,"run_id":"run-1","status":"not_found"}"#);
}
