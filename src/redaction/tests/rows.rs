//! Rows of the tables.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::TimestampMicrosecondType;

use super::*;
use crate::table::Kind;

/// One row with the example of each column, and with other values where given.
pub(super) fn row(table: Table, values: &[(&str, &str)]) -> RecordBatch {
    let columns = table.columns().iter().map(|column| -> ArrayRef {
        let given = values.iter().find(|(name, _)| *name == column.name).map(|(_, value)| *value);
        let value = given.unwrap_or(column.example);
        match column.kind {
            Kind::Str | Kind::Json => Arc::new(StringArray::from_iter_values([value])),
            Kind::Int => Arc::new(Int64Array::from_value(value.parse().unwrap(), 1)),
            Kind::Bool => Arc::new(BooleanArray::from(vec![value.parse::<bool>().unwrap()])),
            Kind::Ts => {
                let time = crate::time::parse_time(value).unwrap();
                Arc::new(TimestampMicrosecondArray::from_value(time, 1).with_timezone("UTC"))
            }
        }
    });
    RecordBatch::try_new(table.arrow(), columns.collect()).unwrap()
}

fn text(batch: &RecordBatch, name: &str) -> Option<String> {
    let column = batch.column_by_name(name).unwrap().as_string::<i32>();
    (!column.is_null(0)).then(|| column.value(0).to_owned())
}

fn time(batch: &RecordBatch, name: &str) -> String {
    let column = batch.column_by_name(name).unwrap().as_primitive::<TimestampMicrosecondType>();
    crate::time::format_time(column.value(0)).to_string()
}

/// Redacts the example of each table with the values of the contact.
fn redacted(policy: &str) -> (Redaction, impl Fn(&mut Redaction, Table) -> RecordBatch + use<>) {
    let mut redaction = redaction(policy);
    let mut known = KnownValues::default();
    for table in Table::ALL {
        known.add(table, &row(table, &[]));
    }
    redaction.begin_contact(&known);
    (redaction, |redaction, table| redaction.apply(table, &row(table, &[])))
}

#[test]
fn an_empty_policy_drops_everything_and_keeps_the_schema() {
    let (mut redaction, apply) = redacted("");
    for table in Table::ALL {
        let batch = apply(&mut redaction, table);
        assert_eq!((batch.schema(), batch.num_rows()), (table.arrow(), 1));
        for (column, values) in table.columns().iter().zip(batch.columns()) {
            assert_eq!(values.is_null(0), column.nullable, "{}", column.name);
            let value = arrow::array::RecordBatch::try_from_iter([("x", Arc::clone(values))]).unwrap();
            assert!(!format!("{value:?}").contains(column.example) || column.example.len() < 2);
        }
    }
    assert_eq!(text(&apply(&mut redaction, Table::ChannelRecords), "raw"), Some("{}".to_owned()));
}

#[test]
fn each_action_does_what_it_says() {
    let policy = "[columns]\n\"contacts.contact_id\" = \"pseudonym\"\n\"contacts.first_name\" = \"mask\"\n\
                  \"contacts.phone_number\" = \"last4\"\n\"contacts.last_name\" = \"last4\"\n\
                  \"contacts.created_at\" = \"day\"\n\"contacts.last_message_at\" = \"month\"\n\
                  \"contacts.user_email_id\" = \"keep\"\n\"messages.content\" = \"detect\"\n\
                  \"channel_records.sender_id\" = \"pseudonym\"\n\"coverage.contact_id\" = \"pseudonym\"\n";
    let (mut redaction, apply) = redacted(policy);
    let contact = apply(&mut redaction, Table::Contacts);
    let pseudonym = key().pseudonym(find::Class::ContactId, "0e56f030-2a0f-41a6-bbff-856264595233");
    assert_eq!(text(&contact, "contact_id").unwrap(), pseudonym);
    assert_eq!(text(&apply(&mut redaction, Table::Coverage), "contact_id").unwrap(), pseudonym);
    assert_eq!(text(&contact, "first_name").unwrap(), "***");
    assert_eq!(text(&contact, "phone_number").unwrap(), "***9744");
    assert_eq!(text(&contact, "last_name").unwrap(), "***");
    assert_eq!(time(&contact, "created_at"), "2024-01-09T00:00:00.000000Z");
    assert_eq!(time(&contact, "last_message_at"), "2024-03-01T00:00:00.000000Z");
    assert_eq!(text(&contact, "user_email_id").unwrap(), "owner@shop.example");
    assert_eq!(text(&contact, "extra"), None);
    let message = apply(&mut redaction, Table::Messages);
    assert!(text(&message, "content").unwrap().starts_with("Bonjour [name] ! Nous"));
    let record = apply(&mut redaction, Table::ChannelRecords);
    let phone = key().pseudonym(find::Class::Phone, "+33209249744");
    assert_eq!(text(&record, "sender_id").unwrap(), phone);
}

#[test]
fn json_has_the_values_of_its_row_as_its_columns_have_them() {
    let policy = "[columns]\n\"channel_records.raw\" = \"detect\"\n\
                  \"channel_records.platform_message_id\" = \"pseudonym\"\n";
    let (mut redaction, _) = redacted(policy);
    let raw = r#"{"id":"gmid.of.this.message","n":33209249744,"t": 1.50,"from":"447700900123","to":447700900123,
        "profile":{"name":"Somebody Else"},"k":["gmid.of.this.message \u00e9","Mr M\u00fcller"],"33209249744":0}"#;
    let values =
        [("raw", raw), ("platform_message_id", "gmid.of.this.message"), ("media_url", "https://m.example/1")];
    let batch = redaction.apply(Table::ChannelRecords, &row(Table::ChannelRecords, &values));
    let id = text(&batch, "platform_message_id").unwrap();
    let read: serde_json::Value = serde_json::from_str(&text(&batch, "raw").unwrap()).unwrap();
    assert_eq!(read["id"].as_str(), Some(id.as_str()));
    insta::assert_snapshot!(text(&batch, "raw").unwrap().replace(&id, "PSEUDONYM"), @r#"
    {"id":"PSEUDONYM","n":"[phone]","t": 1.50,"from":"[phone]","to":"[phone]",
            "profile":{"name":"[name]"},"k":["PSEUDONYM é","Mr [name]"],"[phone]":0}
    "#);
}

#[test]
fn nothing_of_the_example_survives_the_template() {
    let (mut redaction, apply) = redacted(&Policy::template());
    let all = Table::ALL.map(|table| format!("{:?}", apply(&mut redaction, table))).concat();
    for value in
        ["Noël", "Müller", "33209249744", "owner@shop", "lindqvist", "0e56f030", "wamid", "856264595233"]
    {
        assert!(!all.contains(value), "{value} is in {all}");
    }
    assert!(all.contains("Nous sommes désolés"));
}

#[test]
fn the_report_counts_and_has_no_value() {
    let policy = "[columns]\n\"messages.content\" = \"detect\"\n\"messages.created_at\" = \"day\"\n\"messages.role\" = \"keep\"\n";
    let (mut redaction, _) = redacted(policy);
    let content = "Noël: a@b.example, 0209249744 and a@b.example";
    redaction.apply(Table::Messages, &row(Table::Messages, &[("content", content)]));
    redaction.text("coverage.error", "of +4915123456789");
    let report = serde_json::to_value(redaction.report()).unwrap();
    assert_eq!(
        report["tables"]["messages"],
        serde_json::json!({"rows": 1, "changed": 1, "with_findings": 1})
    );
    let findings: Vec<String> = report["columns"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["rule"] == "detect")
        .map(|c| format!("{} {} {} {}", c["column"], c["kind"], c["found_by"], c["count"]))
        .collect();
    insta::assert_snapshot!(findings.join("\n"), @r#"
    "coverage.error" "phone" "pattern" 1
    "messages.content" "name" "known" 1
    "messages.content" "phone" "known" 1
    "messages.content" "email" "pattern" 2
    "#);
    assert_eq!(report["key_id"], "39ed5252");
    let text = report.to_string();
    assert!(!text.contains("Noël") && !text.contains("example") && !text.contains("49151"), "{text}");
}
