//! Table folders of an export, read by the plainest call of each reader, and the table of `docs/warehouse.md` about it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::promises::root;
use crate::support::export::{Export, read, write};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::system::skip;

/// Virtual environment, readers in it, and the script that installs it.
type Venv = (&'static str, &'static [&'static str], &'static str);

const READERS: [Venv; 2] = [
    ("venv", &["pandas", "pyarrow", "pyarrow dataset", "fastparquet", "DuckDB"], "scripts/test-tools.sh"),
    ("warehouse/venv", &["Polars", "DataFusion", "ClickHouse"], "scripts/warehouse-tools.sh"),
];
/// Readers that are too large or too slow for every test run. `make readers` installs them.
const LARGE_READERS: [Venv; 2] = [
    ("readers", &["Spark 3.5"], "scripts/reader-tools.sh"),
    ("warehouse/spark", &["Spark 4"], "scripts/warehouse-tools.sh"),
];
/// Partition keys of each layout.
const LAYOUTS: [&str; 3] = ["", "month", "month,channel"];
/// Accounts by name, with their contacts.
const ACCOUNTS: [(&str, &[&str]); 2] =
    [("ordinary", &["plain", "empty", "gone"]), ("odd", &["odd", "plain", "empty", "gone"])];
const DOCUMENT: &str = "docs/warehouse.md";
/// Begin and end of the generated part of the document.
const MARKS: [&str; 2] = ["<!-- begin readers -->\n\n", "\n<!-- end -->"];

/// Both runs of each account, in each layout and as JSONL, as the program reads them.
struct Exports {
    question: Value,
    _folders: Vec<Export>,
}

impl Exports {
    fn new() -> Self {
        let is_second = Arc::new(AtomicBool::new(false));
        let night = Arc::clone(&is_second);
        let server = Scripted::api(move |asked| page(asked, night.load(Ordering::Relaxed)));
        let accounts = ACCOUNTS.map(|(name, contacts)| (name, Export::run_of(server.url(), contacts)));
        for run in ["night1", "night2"] {
            for (_, export) in &accounts {
                let export = export.clone().args("--run-id").arg(run);
                export.clone().out("truth").args("--format jsonl").expect(0);
                for keys in LAYOUTS {
                    let export = export.clone().out(&folder(keys));
                    if keys.is_empty() { export } else { export.arg("--partition-by").arg(keys) }.expect(0);
                }
            }
            is_second.store(true, Ordering::Relaxed);
        }
        let folders = |export: &Export| {
            let layouts = LAYOUTS.map(|keys| (keys.to_owned(), json!(export.path(&folder(keys)))));
            json!({"truth": export.path("truth"), "layouts": layouts.into_iter().collect::<Value>()})
        };
        let folders = accounts.iter().map(|(name, export)| ((*name).to_owned(), folders(export)));
        let question = json!({
            "tables": kinds(), "layouts": LAYOUTS, "accounts": folders.collect::<Value>(),
        });
        Self { question, _folders: accounts.into_iter().map(|(_, export)| export).collect() }
    }
}

/// The columns of each table, with their kinds.
fn kinds() -> Value {
    let schema = Export::command("schema --format arrow").expect(0).stdout;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let kind = |field: &Value| {
        let mut metadata = field["metadata"].as_array().unwrap().iter();
        let kind = metadata.find(|entry| entry["key"] == "chatzy:kind").expect("a kind");
        json!([field["name"], kind["value"]])
    };
    let tables = schema["tables"].as_array().unwrap().iter().map(|table| {
        let fields = table["fields"].as_array().unwrap();
        (text(&table["name"]).to_owned(), fields.iter().map(kind).collect::<Value>())
    });
    tables.collect()
}

/// The folder of an export.
fn folder(keys: &str) -> String {
    format!("by-{}", keys.replace(',', "-"))
}

/// A page of a contact.
fn page(asked: &Asked, is_second: bool) -> Answer {
    let conversations = match asked.contact() {
        "gone" => return Answer::message(404, "no such contact"),
        "odd" => odd(is_second),
        "plain" => plain(),
        _ => json!([]),
    };
    let conversations = after(asked.number("offset"), conversations);
    // A number that is a float would lose its last digit.
    let queries = if asked.contact() == "odd" { json!(9_007_199_254_740_993_u64) } else { Value::Null };
    let contact = json!({
        "contact_id": asked.contact(), "first_name": "Zoë 👋🏽", "contact_queries": queries,
        "is_blacklisted": asked.contact() == "odd", "is_frozen": null, "created_at": "2020-02-29T12:00:00.000001Z",
    });
    let data = json!({"contact": contact, "conversations": conversations});
    Answer::new(200, json!({"data": {"data": data}}).to_string())
}

/// The conversations without their first messages.
fn after(offset: usize, mut conversations: Value) -> Value {
    let mut before = offset;
    for conversation in conversations.as_array_mut().unwrap() {
        let messages = conversation["messages"].as_array_mut().unwrap();
        let skipped = before.min(messages.len());
        messages.drain(..skipped);
        before -= skipped;
    }
    conversations.as_array_mut().unwrap().retain(|conversation| conversation["messages"] != json!([]));
    conversations
}

/// Values that readers may stumble on: times far away, and none; texts with control characters; large
/// numbers; no channel.
fn odd(is_second: bool) -> Value {
    let failed = json!([{"id": "wamid-1", "recipient_id": "4917", "status": "failed", "timestamp": "1767225600",
        "errors": [{"code": 131_047, "title": "Re-engagement message"}]}]);
    let received = json!([{"sender": {"id": "7"}, "recipient": {"id": "8"}, "timestamp": 1_767_225_600_123_u64,
        "message": {"mid": "m_1", "text": "\"Ça va ?\"\n\u{0}|"}}]);
    let mut late =
        vec![json!({"message_id": "m6", "created_at": "9999-12-31T23:59:59.999999Z", "content": ""})];
    if is_second {
        late.push(
            json!({"message_id": "m7", "created_at": "2026-11-22T00:00:00Z", "mood": {"é": [1, null]}}),
        );
    }
    json!([
        {"conversation_id": "c1", "conversation_type": "whatsapp-template", "messages": [
            {"message_id": "m1", "created_at": "1815-06-18T11:35:00.000001Z", "content": "old", "message_order": 1,
                "wa_messages": failed},
            {"message_id": "m2", "content": "'no time' \\ \"twice\"\r\n\u{0}", "wa_messages": failed},
            {"message_id": "m3", "created_at": "2026-11-19T23:59:59.999999Z", "content": "👋🏽",
                "message_order": 9_007_199_254_740_993_u64},
        ]},
        {"conversation_id": "c2", "conversation_type": "instagram", "messages": [
            {"message_id": "m4", "created_at": "2026-10-31T00:00:00Z", "instagram_messages": received},
            {"message_id": "m5", "created_at": "2026-11-01T00:00:00Z", "instagram_messages": received},
        ]},
        {"conversation_id": "c3", "conversation_type": "voice", "messages": late},
    ])
}

/// Messages with times and channels, over some months.
fn plain() -> Value {
    let conversation = |channel: &str| {
        let messages = (0..15).map(|at| {
            let time = format!("2026-{:02}-{:02}T12:00:00Z", 1 + at % 11, 1 + at);
            let record =
                json!([{"sender": {"id": "7"}, "message": {"mid": format!("m_{at}"), "text": "Hello"}}]);
            json!({
                "message_id": format!("{channel}-{at:02}"), "created_at": time, "message_order": at,
                "content": "Hello", format!("{channel}_messages"): record,
            })
        });
        let messages: Vec<Value> = messages.collect();
        json!({"conversation_id": channel, "conversation_type": channel, "messages": messages})
    };
    json!(["messenger", "instagram"].map(conversation))
}

/// The result of each reader that is installed.
fn ask(test: &str, venvs: &[Venv]) -> Vec<Value> {
    let exports = Exports::new();
    let mut results = Vec::new();
    for (venv, readers, script) in venvs {
        let python = root().join(".tools").join(venv).join("bin/python");
        if !python.is_file() {
            skip(test, &format!("needs {} ({script})", readers.join(", ")));
            continue;
        }
        let mut child = Command::new(&python)
            .arg(root().join("tests/it/readers/read_tables.py"))
            .args(*readers)
            .env("TZ", "America/New_York") // no reader takes a time for a local one
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Python");
        child.stdin.take().unwrap().write_all(exports.question.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{venv}: {}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        results.extend(lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")));
        for reader in
            readers.iter().filter(|reader| results.iter().all(|result| result["reader"] != **reader))
        {
            skip(test, &format!("needs {reader} ({script})"));
        }
    }
    results
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The part of the document about one reader.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    /// Its name, which begins the row.
    name: String,
    row: String,
    /// Its lines in the block of code.
    calls: String,
}

impl Entry {
    fn of(result: &Value) -> Self {
        let name = text(&result["reader"]).to_owned();
        let mut row = format!("| {name} | {} | `{}` |", text(&result["version"]), text(&result["call"]));
        let mut calls: Vec<(Vec<&str>, &str)> = Vec::new();
        for keys in LAYOUTS {
            let layout = &result["layouts"][keys];
            let problems: Vec<&str> = layout["problems"].as_array().unwrap().iter().map(text).collect();
            write!(row, " {} |", if problems.is_empty() { "works".to_owned() } else { problems.join("; ") })
                .unwrap();
            if problems.is_empty() {
                continue;
            }
            // Every layout works: as it is, or with another call.
            let call = layout["call"].as_str().unwrap_or_else(|| panic!("{name}: no call works: {result:#}"));
            let title = if keys.is_empty() { "none" } else { keys };
            match calls.iter_mut().find(|(_, known)| *known == call) {
                Some((layouts, _)) => layouts.push(title),
                None => calls.push((vec![title], call)),
            }
        }
        let calls =
            calls.iter().map(|(layouts, call)| format!("# {name}: {}\n{call}\n", layouts.join(" · ")));
        Self { row: row + "\n", calls: calls.collect(), name }
    }

    /// The entries of a generated part.
    fn all_of(part: &str) -> Vec<Self> {
        let (table, code) = part.split_once("\n```python\n").expect("a block of code");
        let rows = table.lines().skip(2).map(|row| (row.split('|').nth(1).expect("a name").trim(), row));
        let calls = |name: &str| {
            let mut is_its_own = false;
            let code = code.lines().take_while(|line| *line != "```").filter(|line| !line.is_empty());
            let lines = code.filter(|line| {
                if let Some(title) = line.strip_prefix("# ") {
                    is_its_own = title.split(':').next() == Some(name);
                }
                is_its_own
            });
            lines.fold(String::new(), |calls, line| calls + line + "\n")
        };
        rows.map(|(name, row)| Self { name: name.to_owned(), row: format!("{row}\n"), calls: calls(name) })
            .collect()
    }
}

/// The document with these entries instead of those of the same names. Another entry stays.
fn updated(document: &str, entries: &[Entry]) -> String {
    let (before, part) = document.split_once(MARKS[0]).expect("the begin of the generated part");
    let (part, after) = part.split_once(MARKS[1]).expect("the end of the generated part");
    let mut all = Entry::all_of(part);
    for entry in entries {
        match all.iter_mut().find(|known| known.name == entry.name) {
            Some(known) => known.clone_from(entry),
            None => all.push(entry.clone()),
        }
    }
    let head: String = part.split_inclusive('\n').take(2).collect();
    let rows: String = all.iter().map(|entry| &*entry.row).collect();
    let calls: Vec<&str> = all.iter().map(|entry| &*entry.calls).filter(|calls| !calls.is_empty()).collect();
    let calls = calls.join("\n");
    format!("{before}{}{head}{rows}\n```python\n{calls}```\n{}{after}", MARKS[0], MARKS[1])
}

/// Compares the results with the document, or writes them into it.
fn compare_with_document(results: &[Value]) {
    let entries: Vec<Entry> = results.iter().map(Entry::of).collect();
    let path = root().join(DOCUMENT);
    let document = read(&path);
    let updated = updated(&document, &entries);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return write(&path, updated);
    }
    let new: Vec<&str> = updated.lines().filter(|line| !document.lines().any(|old| old == *line)).collect();
    assert!(
        document == updated,
        "run this test with UPDATE_DOCS=1, and look at the changes of {DOCUMENT}: {new:#?}\n{results:#?}"
    );
}

#[test]
fn readers_open_table_folders() {
    compare_with_document(&ask("readers_open_table_folders", &READERS));
}

#[test]
#[ignore = "Spark takes 900 MB: make readers"]
fn spark_opens_table_folders() {
    compare_with_document(&ask("spark_opens_table_folders", &LARGE_READERS));
}
