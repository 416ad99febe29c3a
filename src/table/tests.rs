//! Tests of the rules of `docs/tables.md#values`: messages go in, rows come out. `around` tests the other
//! tables.

mod around;
mod wild;

use std::convert::Infallible;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use serde_json::{Map, Value as Json, json};

use super::{Builders, ConversationColumns, Kind, Rows, Stamp, Table, created_at, message_order};
use crate::id::{Channel, ContactId};
use crate::json::{Document, Value};
use crate::record::{Page, Shape, tests::read_page};
use crate::time::format_time;

/// 2025-07-15T11:13:11Z in microseconds since 1970.
const TIME: &str = "2025-07-15T11:13:11.000000Z";

fn builders() -> Builders {
    Builders::new(&Stamp { run_id: "run-1".parse().unwrap(), exported_at: 0 })
}

/// Parses a value that lives until the tests end.
pub(super) fn value(text: &str) -> Value<'static> {
    Box::leak(Box::new(Document::parse(text.to_owned()).unwrap())).root()
}

fn contact_id() -> ContactId {
    "c1".parse().unwrap()
}

/// Returns the rows as JSON objects without nulls: `json` columns as text, times formatted.
fn objects(rows: &Rows) -> Vec<Map<String, Json>> {
    let cell = |kind: Kind, column: usize, row: usize| {
        let array = rows.batch.column(column);
        match kind {
            _ if array.is_null(row) => Json::Null,
            Kind::Str | Kind::Json => array.as_string::<i32>().value(row).into(),
            Kind::Ts => {
                format_time(array.as_primitive::<TimestampMicrosecondType>().value(row)).to_string().into()
            }
            Kind::Int => array.as_primitive::<Int64Type>().value(row).into(),
            Kind::Bool => array.as_boolean().value(row).into(),
        }
    };
    let object = |row| {
        let columns = rows.table.columns().iter().enumerate();
        let cells = columns.map(|(index, column)| (column.name.to_owned(), cell(column.kind, index, row)));
        cells.filter(|(_, cell)| !cell.is_null()).collect()
    };
    (0..rows.batch.num_rows()).map(object).collect()
}

fn take(builders: &mut Builders, table: Table) -> Vec<Map<String, Json>> {
    builders.take(table).map(|rows| objects(&rows)).unwrap_or_default()
}

/// Appends all messages of the page, as `transform` does for a grouped response.
fn append(builders: &mut Builders, page: &Page<'_>, requested: Option<Channel>) {
    for conversation in &page.conversations {
        for message in &conversation.messages {
            let columns = match conversation.shape {
                Shape::Grouped => ConversationColumns::read(conversation),
                Shape::Flat => ConversationColumns::flat(message.conversation_id.as_deref()),
            };
            let Ok(()) =
                builders.message(&contact_id(), &columns, requested, message, |_| Ok::<_, Infallible>(()));
        }
    }
}

fn page_of(conversation: &str, message: &str) -> String {
    format!(r#"{{"data":{{"data":{{"conversations":[{{{conversation}"messages":[{message}]}}]}}}}}}"#)
}

/// Returns the row of one message in a conversation, without the columns that are always present.
fn row(conversation: &str, message: &str) -> Json {
    row_requested(conversation, message, None)
}

fn row_requested(conversation: &str, message: &str, requested: Option<Channel>) -> Json {
    let mut builders = builders();
    append(&mut builders, &read_page(&page_of(conversation, message)).unwrap(), requested);
    let mut rows = take(&mut builders, Table::Messages);
    assert_eq!(rows.len(), 1);
    let mut row = rows.remove(0);
    assert_eq!(row.remove("contact_id"), Some(json!("c1")));
    assert_eq!(row.remove("run_id"), Some(json!("run-1")));
    assert_eq!(row.remove("exported_at"), Some(json!("1970-01-01T00:00:00.000000Z")));
    row.into()
}

#[test]
fn a_message_as_documented() {
    let conversation = r#""conversation_id":"v1","conversation_status":"open","conversation_type":"website",
        "assigned_to":"a","chatbot_id":"b","#;
    let message = r#"{"message_id":"m1","content":"hi\nthere","role":"user","created_at":"2025-07-15T16:43:11+05:30",
        "message_order":3,"wa_messages":[],"instagram_messages":null}"#;
    assert_eq!(
        row(conversation, message),
        json!({"message_id":"m1","conversation_id":"v1","message_order":3,"role":"user","content":"hi\nthere",
            "created_at":TIME,"channel":"website","conversation_type":"website","conversation_status":"open",
            "assigned_to":"a","chatbot_id":"b"})
    );
}

#[test]
fn values_of_other_types_fit_or_go_to_extra() {
    assert_eq!(
        row(
            "",
            r#"{"message_id":1,"content":{"a": 1},"role":true,"created_at":"1752577991000","message_order":"-5"}"#
        ),
        json!({"message_id":"1","content":"{\"a\": 1}","role":"true","created_at":TIME,"message_order":-5})
    );
    assert_eq!(
        row(
            "",
            r#"{"message_id":"m","message_order":1.0,"content":NaN,"created_at":"yesterday","role":[1 ]}"#
        ),
        json!({"message_id":"m","content":"NaN","role":"[1 ]","extra":r#"{"message_order":1.0,"created_at":"yesterday"}"#})
    );
    assert_eq!(
        row("", r#"{"message_id":"m","created_at":"","message_order":"","content":"","role":null}"#),
        json!({"message_id":"m","content":"","extra":r#"{"created_at":"","message_order":""}"#})
    );
    // A value that is repaired in its column.
    assert_eq!(
        row("", r#"{"message_id":"m","content":"\ud83d!"}"#),
        json!({"message_id":"m","content":"\u{fffd}!"})
    );
}

#[test]
fn unknown_fields_are_kept_in_order_also_null_and_the_last_of_repeated_ones() {
    assert_eq!(
        row(
            "",
            r#"{"z":1,"message_id":"m","n":null,"role":"a","role":"b","a":[ 1e5,NaN],"z":"2","channel":"x","run_id":null}"#
        ),
        json!({"message_id":"m","role":"b","extra":r#"{"z":"2","n":null,"a":"[ 1e5,NaN]","channel":"x","run_id":null}"#})
    );
}

#[test]
fn messages_that_are_not_objects() {
    let row = row("", "[\"x\"]");
    assert_eq!(row["extra"], json!(r#"{"message":["x"]}"#));
    assert!(row["message_id"].as_str().unwrap().starts_with("x-"));
    assert_eq!(row.as_object().unwrap().len(), 2);
}

#[test]
fn own_values_of_a_message_that_differ_from_its_conversation() {
    let own = r#"{"message_id":"m","conversation_id":"v1","conversation_type":"other","assigned_to":null,"chatbot_id":"b"}"#;
    assert_eq!(
        row(r#""conversation_id":"v1","conversation_type":"website","assigned_to":"a","#, own),
        json!({"message_id":"m","conversation_id":"v1","conversation_type":"website","assigned_to":"a","chatbot_id":"b",
            "channel":"website","extra":r#"{"conversation_type":"other"}"#})
    );
    let flat = format!(r#"{{"data":{{"data":{{"messages":[{own}]}}}}}}"#);
    let mut builders = builders();
    append(&mut builders, &read_page(&flat).unwrap(), None);
    let row = take(&mut builders, Table::Messages).remove(0);
    assert_eq!((&row["conversation_id"], &row["conversation_type"]), (&json!("v1"), &json!("other")));
    assert_eq!(row.get("extra"), None);
}

#[test]
fn the_messages_own_contact_id() {
    assert_eq!(row("", r#"{"message_id":"m","contact_id":"c1"}"#), json!({"message_id":"m"}));
    assert_eq!(row("", r#"{"message_id":"m","contact_id":null}"#), json!({"message_id":"m"}));
    assert_eq!(row("", r#"{"message_id":"m","contact_id":7}"#)["extra"], json!(r#"{"contact_id":7}"#));
}

#[test]
fn the_channel_of_a_message() {
    let channel = |kind: &str, arrays: &str, asked| {
        let message = format!(r#"{{"message_id":"m"{arrays}}}"#);
        row_requested(&format!(r#""conversation_type":{kind},"#), &message, asked)["channel"].clone()
    };
    let wa = r#","wa_messages":[null]"#;
    let both = r#","wa_messages":[1],"messenger_messages":[{}]"#;
    assert_eq!(channel("\"instagram\"", wa, Some(Channel::Website)), json!("website"));
    assert_eq!(channel("\"instagram\"", wa, None), json!("whatsapp"));
    assert_eq!(channel("\"instagram-dm\"", both, None), json!("instagram"));
    assert_eq!(channel("\"whatsapp-template\"", r#","messenger_messages":[]"#, None), json!("whatsapp"));
    assert_eq!(channel("\"my whatsapp\"", r#","wa_messages":"x""#, None), Json::Null);
    assert_eq!(channel("null", both, None), Json::Null);
}

#[test]
fn a_record_array_of_another_type_goes_to_extra() {
    let row = row(
        "",
        r#"{"message_id":"m","wa_messages":{"a":1},"instagram_messages":"x","messenger_messages":0}"#,
    );
    assert_eq!(
        row["extra"],
        json!(r#"{"wa_messages":{"a":1},"instagram_messages":"x","messenger_messages":0}"#)
    );
}

#[test]
fn channel_records_by_array_and_index_with_stable_ids() {
    let message = r#"{"message_id":"m","created_at":1752577991,"messenger_messages":[7],
        "wa_messages":[{"status" : "sent"},null,{"status" : "sent"},"s"]}"#;
    let mut builders = builders();
    append(&mut builders, &read_page(&page_of(r#""conversation_id":"v","#, message)).unwrap(), None);
    assert_eq!((builders.rows(Table::Messages), builders.rows(Table::ChannelRecords)), (1, 5));
    let rows = builders.take(Table::ChannelRecords).unwrap();
    assert_eq!(rows.message_time.as_ref().unwrap().value(4), 1_752_577_991_000_000);
    let lines: Vec<_> = objects(&rows)
        .iter()
        .map(|row| {
            let column = |name: &str| {
                row.get(name).map_or("-".into(), |cell| cell.as_str().map_or(cell.to_string(), str::to_owned))
            };
            let names = [
                "record_id",
                "message_id",
                "conversation_id",
                "contact_id",
                "channel",
                "record_index",
                "status",
                "event_type",
                "raw",
            ];
            names.map(column).join(" ")
        })
        .collect();
    // The IDs are Python's hashlib.sha256(b"m\x1fwhatsapp\x1f" + raw + b"\x1f0").hexdigest()[:32].
    insta::assert_snapshot!(lines.join("\n"), @r#"
    b283c320ca7d466855ab0555dbcddeb0 m v c1 whatsapp 0 sent unknown {"status" : "sent"}
    3df594b481a4fec6019712077cf4bf50 m v c1 whatsapp 1 - unknown null
    a755ab87aebf28dc2dc6a4821027e084 m v c1 whatsapp 2 sent unknown {"status" : "sent"}
    976aef2628006f15c307a646a663f48d m v c1 whatsapp 3 - unknown "s"
    7d79c2ee3b537819f75403e8b2eb25e4 m v c1 messenger 0 - unknown 7
    "#);
    assert_eq!(builders.rows(Table::ChannelRecords), 0);
    assert!(builders.take(Table::ChannelRecords).is_none());
}

#[test]
fn any_number_of_equal_records_is_numbered() {
    let array = vec!["1"; 40].join(",");
    let mut builders = builders();
    let message = format!(r#"{{"message_id":"m","wa_messages":[2,{array},2]}}"#);
    append(&mut builders, &read_page(&page_of("", &message)).unwrap(), None);
    let rows = take(&mut builders, Table::ChannelRecords);
    let id = |raw: &str, number: usize| {
        json!(&*crate::record::short_digest(format!("m\x1fwhatsapp\x1f{raw}\x1f{number}").as_bytes()))
    };
    assert_eq!((&rows[0]["record_id"], &rows[41]["record_id"]), (&id("2", 0), &id("2", 1)));
    assert!((0..40).all(|number| rows[number + 1]["record_id"] == id("1", number)));
}

#[test]
fn many_records_of_one_message_are_flushed() {
    let (id, array) = ("i".repeat(10_000), vec!["1"; 2000].join(","));
    let text = page_of("", &format!(r#"{{"message_id":"{id}","messenger_messages":[{array}]}}"#));
    let page = read_page(&text).unwrap();
    let columns = ConversationColumns::flat(None);
    let (mut builders, mut max, mut rows) = (builders(), 0, 0);
    let Ok(()) = builders.message(
        &contact_id(),
        &columns,
        None,
        &page.conversations[0].messages[0],
        |builders: &mut Builders| {
            max = max.max(builders.bytes(Table::ChannelRecords));
            if builders.bytes(Table::ChannelRecords) > 50_000 {
                rows += builders.take(Table::ChannelRecords).unwrap().batch.num_rows();
            }
            Ok::<_, Infallible>(())
        },
    );
    assert_eq!(rows + builders.rows(Table::ChannelRecords), 2000);
    assert!(max < 100_000, "{max}");
}

#[test]
fn batches_have_the_tables_schema_and_a_size() {
    let mut builders = builders();
    let text = page_of("", r#"{"message_id":"m","content":"0123456789"},{"message_id":"n","created_at":0}"#);
    append(&mut builders, &read_page(&text).unwrap(), None);
    assert!(builders.bytes(Table::Messages) > 20 && builders.bytes(Table::ChannelRecords) == 0);
    let rows = builders.take(Table::Messages).unwrap();
    assert_eq!(rows.batch.schema(), Table::Messages.arrow());
    let times = rows.message_time.unwrap();
    assert_eq!(times.iter().collect::<Vec<_>>(), [None, Some(0)]);
    assert_eq!(builders.bytes(Table::Messages), 0);
}

#[test]
fn sorting_reads_as_the_columns_do() {
    let text = page_of(
        "",
        r#"{"created_at":"1752577991","message_order":"3"},{"created_at":"x","message_order":1.5},3"#,
    );
    let page = read_page(&text).unwrap();
    let keys: Vec<_> =
        page.conversations[0].messages.iter().map(|m| (created_at(m), message_order(m))).collect();
    assert_eq!(keys, [(Some(1_752_577_991_000_000), Some(3)), (None, None), (None, None)]);
}
