//! An account over two nights with every kind of change in between, and the expected contents of a warehouse.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::export::{Export, Outcome, read, write};
use crate::support::scripted::{Answer, Asked, Scripted};

/// Values that databases cannot hold, or hold only once.
pub const ODD_RECORDS: &str =
    r#"[null, {"half": "\ud83d"}, {"not": NaN}, {"b":1.50,"a":1,"a":2}, "text", {"nul": "\u0000"}]"#;
pub const ODD_TEXT: &str = "nul \u{0} not nul \\u0000, 'quoted' \"twice\" \\ and 👋🏽\n\tnext|";

/// The export of two runs, `night1` and `night2`, and the expected rows of the tables.
pub struct Nights {
    pub export: Export,
    /// Contact, message, text and run.
    messages: [Vec<String>; 2],
    /// Contact and run.
    contacts: [Vec<String>; 2],
}

impl Nights {
    pub fn of(format: &str) -> Self {
        Self::with(format, None)
    }

    /// The same with a third run, `part`, that has these options.
    pub fn with_a_part(format: &str, options: &str) -> Self {
        Self::with(format, Some(("part", options)))
    }

    /// The same with a third run, `night3`, that reads what the second has read.
    pub fn with_a_third(format: &str) -> Self {
        Self::with(format, Some(("night3", "")))
    }

    fn with(format: &str, third: Option<(&str, &str)>) -> Self {
        let is_second = Arc::new(AtomicBool::new(false));
        let night = Arc::clone(&is_second);
        let server = Scripted::api(move |asked| page(asked, night.load(Ordering::Relaxed)));
        let first = ["changed", "emptied", "gone", "unread", "rested", "same"];
        let export = Export::run_of(server.url(), first).args("--format").arg(format).args("--run-id");
        export.clone().arg("night1").expect(0);
        is_second.store(true, Ordering::Relaxed);
        // An incremental run finds `rested` unchanged.
        export.write("contacts.csv", "contact_id\nchanged\nemptied\ngone\nunread\nsame\nnew\n");
        let second = export.clone().arg("night2").expect(3);
        if format == "jsonl" {
            add_unchanged(&second);
        }
        if let Some((run, options)) = third {
            export.clone().arg(run).args(options).expect(3);
        }
        let texts = |rows: &[(&str, &str, &str, &str)]| {
            rows.iter().map(|(contact, id, text, run)| format!("{contact}|{id}|{text}|{run}")).collect()
        };
        let messages = [
            texts(&[
                ("changed", "m1", "one", "night1"),
                ("changed", "m2", "two", "night1"),
                ("changed", "m3", "three", "night1"),
                ("emptied", "m1", "one", "night1"),
                ("gone", "m1", "one", "night1"),
                ("rested", "m1", "one", "night1"),
                ("same", "m1", "one", "night1"),
                ("unread", "m1", "one", "night1"),
            ]),
            texts(&[
                ("changed", "m2", "two, edited", "night2"),
                ("changed", "m3", "three", "night2"),
                ("changed", "m4", "four", "night2"),
                ("new", "m1", "one", "night2"),
                ("rested", "m1", "one", "night1"),
                ("same", "m1", "one", "night2"),
                ("unread", "m1", "one", "night1"),
            ]),
        ];
        let contacts = [
            &[
                "changed|night1",
                "emptied|night1",
                "gone|night1",
                "rested|night1",
                "same|night1",
                "unread|night1",
            ],
            &[
                "changed|night2",
                "emptied|night2",
                "new|night2",
                "rested|night1",
                "same|night2",
                "unread|night1",
            ],
        ];
        let contacts = contacts.map(|rows| rows.iter().map(|row| (*row).to_owned()).collect());
        Self { export, messages, contacts }
    }

    /// The rows of messages and contacts after a night, in order.
    pub fn rows(&self, night: usize) -> Vec<String> {
        let mut rows = [self.messages[night].clone(), self.contacts[night].clone()].concat();
        rows.sort();
        rows
    }
}

fn page(asked: &Asked, is_second: bool) -> Answer {
    let texts: &[(&str, &str)] = match (asked.contact(), is_second) {
        ("changed", false) => &[("m1", "one"), ("m2", "two"), ("m3", "three")],
        ("changed", true) => &[("m2", "two, edited"), ("m3", "three"), ("m4", "four")],
        ("emptied", true) => &[],
        ("gone", true) => return Answer::message(404, "no such contact"),
        ("unread", true) => return Answer::message(400, "no"),
        _ => &[("m1", "one")],
    };
    let record = |id: &str| {
        let status = if is_second { "read" } else { "sent" };
        json!([{"entry": {"id": format!("wamid-{id}"), "status": status}}])
    };
    let messages = texts.iter().map(|(id, text)| {
        json!({"message_id": id, "content": text, "created_at": "2026-01-01T00:00:00Z", "wa_messages": record(id)})
    });
    let messages: Vec<_> = messages.skip(asked.query["offset"].parse().unwrap()).collect();
    answer(asked, &json!(messages))
}

fn answer(asked: &Asked, messages: &Value) -> Answer {
    let conversations = match messages.as_array().map_or(0, Vec::len) {
        0 => json!([]),
        _ => json!([{"conversation_id": "c", "conversation_type": "whatsapp", "messages": messages}]),
    };
    let contact = json!({"contact_id": asked.contact(), "first_name": "Ada", "extra_field": true});
    Answer::new(
        200,
        json!({"data": {"data": {"contact": contact, "conversations": conversations}}}).to_string(),
    )
}

/// One message with all odd values.
pub fn odd(asked: &Asked) -> Answer {
    if asked.query["offset"] != "0" {
        return answer(asked, &json!([]));
    }
    let message = json!({
        "message_id": "m1", "content": ODD_TEXT, "created_at": "0000-02-29T00:00:00Z",
        "wa_messages": "RECORDS", "mood": "MOOD", "nul\u{0}": "\u{0}",
    });
    let mut page = answer(asked, &json!([message]));
    page.body = page.body.replace("\"RECORDS\"", ODD_RECORDS).replace("\"MOOD\"", "1e1000000");
    page
}

/// Adds the row of a contact that was not read because it has not changed.
fn add_unchanged(outcome: &Outcome) {
    let path = outcome.out.join("coverage/part-night2-00000.jsonl");
    let text = read(&path);
    let mut row: Value = serde_json::from_str(text.lines().next().expect("a row")).unwrap();
    row["contact_id"] = json!("rested");
    row["status"] = json!("unchanged");
    row["messages"] = json!(0);
    write(&path, format!("{text}{row}\n"));
}
