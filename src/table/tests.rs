//! The rules of contract §4, told as messages, conversations and contacts that go in and rows that come out.

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::{
    Builders, ContactInput, ConversationColumns, CoverageRow, CoverageStatus, End, Kind, Rows, SchemaFormat,
    Stamp, Table, Totals, created_at, format_time, message_order, schema_document,
};
use crate::id::{Channel, ContactId};
use crate::json::Value;
use crate::record::{Page, Shape, read_page};

/// 2025-07-15T11:13:11Z
const TIME: &str = "2025-07-15T11:13:11.000000Z";

fn builders() -> Builders {
    Builders::new(&Stamp { run_id: "run-1".parse().unwrap(), exported_at: 0 })
}

fn contact_id() -> ContactId {
    "c1".parse().unwrap()
}

/// The rows as JSON objects without nulls: `json` columns as text, times formatted.
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

/// Appends all messages of the page as build does for a grouped answer.
fn append(builders: &mut Builders, page: &Page<'_>, asked: Option<Channel>) {
    for conversation in &page.conversations {
        for message in &conversation.messages {
            let columns = match conversation.shape {
                Shape::Grouped => ConversationColumns::read(conversation),
                Shape::Flat => ConversationColumns::flat(message.conversation_id.as_deref()),
            };
            builders.message(&contact_id(), &columns, asked, message);
        }
    }
}

fn page_of(conversation: &str, message: &str) -> String {
    format!(r#"{{"data":{{"data":{{"conversations":[{{{conversation}"messages":[{message}]}}]}}}}}}"#)
}

/// The row of one message in a conversation, without the columns that are always there.
fn row(conversation: &str, message: &str) -> Json {
    row_asked(conversation, message, None)
}

fn row_asked(conversation: &str, message: &str, asked: Option<Channel>) -> Json {
    let mut builders = builders();
    append(&mut builders, &read_page(&page_of(conversation, message)).unwrap(), asked);
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
fn unknown_fields_are_kept_in_order_also_null_and_the_last_of_doubled_ones() {
    assert_eq!(
        row(
            "",
            r#"{"z":1,"message_id":"m","n":null,"role":"a","role":"b","a":[ 1e5,NaN],"z":"2","channel":"x","run_id":null}"#
        ),
        json!({"message_id":"m","role":"b","extra":r#"{"z":"2","n":null,"a":"[ 1e5,NaN]","channel":"x","run_id":null}"#})
    );
}

#[test]
fn messages_that_are_no_objects() {
    let row = row("", "[\"x\"]");
    assert_eq!(row["extra"], json!(r#"{"message":["x"]}"#));
    assert!(row["message_id"].as_str().unwrap().starts_with("x-"));
    assert_eq!(row.as_object().unwrap().len(), 2);
}

#[test]
fn what_the_message_says_beside_its_conversation() {
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
        row_asked(&format!(r#""conversation_type":{kind},"#), &message, asked)["channel"].clone()
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
    let told: Vec<_> = objects(&rows)
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
    // The ids are Python's hashlib.sha256(b"m\x1fwhatsapp\x1f" + raw + b"\x1f0").hexdigest()[:32].
    insta::assert_snapshot!(told.join("\n"), @r#"
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
fn equal_records_are_numbered_however_many() {
    let array = vec!["1"; 40].join(",");
    let mut builders = builders();
    let message = format!(r#"{{"message_id":"m","wa_messages":[2,{array},2]}}"#);
    append(&mut builders, &read_page(&page_of("", &message)).unwrap(), None);
    let rows = take(&mut builders, Table::ChannelRecords);
    let id = |raw: &str, number: usize| {
        json!(crate::record::short_digest([format!("m\x1fwhatsapp\x1f{raw}\x1f{number}").as_bytes()]))
    };
    assert_eq!((&rows[0]["record_id"], &rows[41]["record_id"]), (&id("2", 0), &id("2", 1)));
    assert!((0..40).all(|number| rows[number + 1]["record_id"] == id("1", number)));
}

#[test]
fn conversations() {
    let text = r#"{"data":{"data":{"conversations":[
        {"conversation_id":"v1","conversation_status":2,"conversation_type":"t","assigned_to":{"a":1},"chatbot_id":null,
         "contact_id":"c1","message_count":9,"x":[1],"messages":[]},
        {"conversation_id":"v2","contact_id":"c2","messages":"odd"},{"conversation_status":"no id"}]}}}"#;
    let page = read_page(text).unwrap();
    let mut builders = builders();
    let mut totals = Totals::default();
    [Some(5), None, Some(-3)].map(|time| totals.add(time));
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
    let siblings: Vec<_> = Value::parse(siblings).unwrap().members().collect();
    let contact = contact.map(|text| Value::parse(text).unwrap());
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
        status: CoverageStatus::NotFound,
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

#[test]
fn schema_documents() {
    let arrow = schema_document(SchemaFormat::Arrow);
    assert_eq!(arrow["tables"][3]["fields"].as_array().unwrap().len(), 28);
    insta::assert_snapshot!(arrow["tables"][0]["fields"][5], @r#"{"children":[],"metadata":[{"key":"chatzy:kind","value":"ts"},{"key":"chatzy:never_null","value":"false"}],"name":"created_at","nullable":true,"type":{"name":"timestamp","timezone":"UTC","unit":"MICROSECOND"}}"#);
    let lines = schema_document(SchemaFormat::JsonSchema);
    insta::assert_snapshot!(lines["$defs"]["coverage"], @r#"{"properties":{"contact_id":{"type":"string"},"end":{"type":["string","null"]},"error":{"type":["string","null"]},"exported_at":{"format":"date-time","type":"string"},"fetch_finished_at":{"format":"date-time","type":["string","null"]},"fetch_started_at":{"format":"date-time","type":["string","null"]},"first_message_at":{"format":"date-time","type":["string","null"]},"input_line":{"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":["integer","null"]},"last_message_at":{"format":"date-time","type":["string","null"]},"messages":{"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"},"pages":{"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"},"requests":{"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"},"rereads":{"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"},"retries":{"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"},"run_id":{"type":"string"},"status":{"type":"string"}},"required":["contact_id","status","messages","pages","requests","retries","rereads","end","first_message_at","last_message_at","fetch_started_at","fetch_finished_at","error","input_line","exported_at","run_id"],"type":"object"}"#);
    insta::assert_snapshot!(lines["$defs"]["messages"]["properties"], @r#"{"assigned_to":{"type":["string","null"]},"channel":{"type":["string","null"]},"chatbot_id":{"type":["string","null"]},"contact_id":{"type":"string"},"content":{"type":["string","null"]},"conversation_id":{"type":["string","null"]},"conversation_status":{"type":["string","null"]},"conversation_type":{"type":["string","null"]},"created_at":{"format":"date-time","type":["string","null"]},"exported_at":{"format":"date-time","type":"string"},"extra":{"type":["object","null"]},"message_id":{"type":"string"},"message_order":{"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":["integer","null"]},"role":{"type":["string","null"]},"run_id":{"type":"string"}}"#);
}

/// A wild value whose scalars are each told apart by a number of their own, beginning with `first`.
fn wild(shape: &[u8], first: &mut u64, depth: u8) -> String {
    let Some((kind, rest)) = shape.split_first() else { return "null".to_owned() };
    let mut mark = || {
        *first += 1;
        *first
    };
    match kind % 8 {
        0 => format!("{}", mark()),
        1 => format!("\"{}\"", mark()),
        2 => format!("\"\\u0061{}\\n\"", mark()),
        3 => format!("{}.25", mark()),
        4 => format!("-{}", mark()),
        5 => format!("0{}", mark()),
        6 if depth > 0 => {
            let elements: Vec<_> = rest.chunks(3).map(|rest| wild(rest, first, depth - 1)).collect();
            format!("[ {} ]", elements.join(" ,"))
        }
        7 if depth > 0 => {
            let member = |(index, rest)| format!("\"k{index}\": {}", wild(rest, first, depth - 1));
            let members: Vec<_> = rest.chunks(4).enumerate().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        _ => format!("\"\\ud83d{}\"", mark()),
    }
}

proptest! {
    #[test]
    fn every_scalar_of_a_wild_message_is_found_again_once(
        fields in prop::collection::hash_map(0..22_usize, prop::collection::vec(any::<u8>(), 0..12), 0..15),
        grouped in any::<bool>(),
    ) {
        const NAMES: [&str; 22] = [
            "message_id", "content", "role", "created_at", "message_order", "wa_messages", "instagram_messages",
            "messenger_messages", "conversation_id", "conversation_type", "conversation_status", "assigned_to",
            "chatbot_id", "contact_id", "channel", "extra", "exported_at", "run_id", "message", "x", "y\\u00e9", "\\ud800",
        ];
        const FIRST: u64 = 7_000_000_000;
        let mut last = FIRST;
        let members: Vec<_> =
            fields.iter().map(|(name, shape)| format!("\"{}\":{}", NAMES[*name], wild(shape, &mut last, 3))).collect();
        let message = format!("{{{}}}", members.join(", "));
        let text = if grouped {
            page_of(r#""conversation_id":"v","conversation_type":"t","assigned_to":"a","chatbot_id":"b","#, &message)
        } else {
            format!(r#"{{"data":{{"data":{{"messages":[{message}]}}}}}}"#)
        };
        let mut builders = builders();
        append(&mut builders, &read_page(&text).unwrap(), None);
        let rows = builders.take(Table::Messages).unwrap();
        let created_at = rows.message_time.clone().unwrap();
        let row = objects(&rows).remove(0);
        if let Some(extra) = row.get("extra") {
            let extra: Json = serde_json::from_str(extra.as_str().unwrap()).unwrap();
            prop_assert!(extra.is_object());
        }
        let mut kept = format!("{row:?} {:?}", created_at.iter().next());
        for record in take(&mut builders, Table::ChannelRecords) {
            kept.push_str(record["raw"].as_str().unwrap());
        }
        for mark in FIRST + 1..=last {
            prop_assert_eq!(kept.matches(&mark.to_string()).count(), 1, "{} of {} in {}", mark, message, kept);
        }
    }
}
