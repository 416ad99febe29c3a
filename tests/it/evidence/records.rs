//! What the channels report is shown below the message that it is about, in transcripts and in files for review
//! platforms.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{Package, evidence_of, made};
use crate::support::export::{Export, read, tree};
use crate::support::scripted::{Answer, Scripted};
use crate::system::skip;

/// A message of the contact, or of the account, with its records.
fn message(number: usize, role: &str, content: &str, array: &str, records: &Value) -> Value {
    json!({
        "message_id": format!("m{number}"), "content": content, "message_order": number, "role": role,
        "created_at": format!("2026-03-01T09:{number:02}:00Z"), array: records,
    })
}

fn whatsapp(data: &Value) -> Value {
    json!({"created_at": "2026-03-01T10:00:00Z", "data": data})
}

/// A status of a message, at a minute after ten.
fn status(id: &str, status: &str, minute: u64) -> Value {
    whatsapp(
        &json!({"id": id, "status": status, "timestamp": (1_772_359_200 + 60 * minute).to_string(), "recipient_id": "4917"}),
    )
}

fn messages() -> Vec<Value> {
    let text =
        |id: &str, text: &str| json!({"from": "4917", "id": id, "type": "text", "text": {"body": text}});
    let instagram = |event: Value| {
        let mut all = json!({"sender": {"id": "ig-7"}, "recipient": {"id": "shop"}, "timestamp": 1_772_359_200_000_u64});
        all.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        json!([all])
    };
    let (wa, ig) = ("wa_messages", "instagram_messages");
    let error = json!([{"code": 131_047, "title": "Re-engagement message"}]);
    let mut failed = status("wamid.E", "failed", 4);
    failed["data"]["errors"] = error;
    let mut reply = text("wamid.D", "thanks");
    reply["status"] = json!("received");
    reply["context"] = json!({"id": "wamid.B"});
    let reaction = json!({"from": "4917", "id": "wamid.C", "type": "reaction", "reaction": {"message_id": "wamid.B", "emoji": "👍"}});
    let image = json!({"from": "4917", "id": "wamid.F", "type": "image", "image": {"id": "media-9", "mime_type": "image/jpeg", "caption": "look"}});
    vec![
        message(0, "user", "hi", wa, &json!([whatsapp(&text("wamid.A", "hi"))])),
        message(
            1,
            "assistant",
            "hello",
            wa,
            &json!([
                status("wamid.B", "sent", 1),
                status("wamid.B", "delivered", 2),
                status("wamid.B", "read", 3),
                status("wamid.B", "read", 2)
            ]),
        ),
        message(2, "user", "", wa, &json!([whatsapp(&reaction)])),
        message(3, "user", "thanks", wa, &json!([whatsapp(&reply)])),
        message(4, "agent", "offer", wa, &json!([failed])),
        message(5, "user", "", wa, &json!([whatsapp(&image)])),
        message(
            6,
            "user",
            "old text",
            ig,
            &instagram(json!({"message": {"mid": "ig.1", "text": "old text"}})),
        ),
        message(7, "user", "", ig, &instagram(json!({"message_edit": {"mid": "ig.1", "text": "new text"}}))),
        message(8, "user", "regret", ig, &instagram(json!({"message": {"mid": "ig.2", "is_deleted": true}}))),
        message(
            9,
            "user",
            "",
            ig,
            &instagram(json!({"reaction": {"mid": "ig.1", "action": "react", "emoji": "😍"}})),
        ),
        message(10, "user", "", ig, &instagram(json!({"reaction": {"mid": "ig.1", "action": "unreact"}}))),
        message(11, "user", "", ig, &instagram(json!({"reaction": {"mid": "ig.9", "emoji": "🎉"}}))),
    ]
}

/// A package of one contact with records of all kinds.
fn package() -> Package {
    let server = Scripted::api(|asked| {
        let offset: usize = asked.query.get("offset").and_then(|text| text.parse().ok()).unwrap_or(0);
        let messages: Vec<Value> = messages().into_iter().skip(offset).collect();
        let conversations = if messages.is_empty() {
            json!([])
        } else {
            json!([{"conversation_id": "c", "conversation_type": "whatsapp", "messages": messages}])
        };
        let contact = json!({"contact_id": asked.contact(), "first_name": "Ada", "last_name": "Ní"});
        Answer::new(
            200,
            json!({"data": {"data": {"contact": contact, "conversations": conversations}}}).to_string(),
        )
    });
    let export = Export::run_of(server.url(), ["ada"]);
    export.expect(0);
    made(&evidence_of(&export, "--prefix X --rsmf"), 0)
}

/// The messages of a page by their cite numbers, as text without markup.
fn shown(page: &str) -> BTreeMap<String, String> {
    let messages = page.split("<article ").skip(1).map(|message| {
        let message = message.split("</article>").next().unwrap_or_default();
        let cite = message.split("id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let texts = message.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
        (
            cite.to_owned(),
            texts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" "),
        )
    });
    messages.collect()
}

#[test]
fn receipts_reactions_edits_and_replies_are_below_their_messages() {
    let package = package();
    let page = read(&package.join("data/transcripts/00001/page-001.html"));
    let shown = shown(&page);
    assert_eq!(shown.len(), 12, "{shown:#?}");
    let has = |cite: &str, expected: &[&str]| {
        let text = &shown[cite];
        for part in expected {
            assert!(text.contains(part), "{cite}: {part} in {text}");
        }
    };
    has("X0000001", &["Ada Ní", "incoming", "hi"]);
    has(
        "X0000002",
        &["Assistant", "outgoing", "hello", "Sent", "Delivered", "Read", "Reaction by Ada Ní (4917): “ 👍 ”"],
    );
    // Each receipt is shown once, with its earliest time.
    assert_eq!(shown["X0000002"].matches("Read").count(), 1);
    has("X0000002", &["Read · 2026-03-01 10:02:00 UTC"]);
    has("X0000003", &["(no text)", "Reaction for message X0000002"]);
    assert!(!shown["X0000003"].contains("👍"), "{}", shown["X0000003"]);
    has("X0000004", &["thanks", "In reply to X0000002", "Received"]);
    has("X0000005", &["Agent", "offer", "Failed (131047: Re-engagement message)"]);
    has("X0000006", &["[image, ID media-9, image/jpeg, not in this package]", "look"]);
    has(
        "X0000007",
        &["old text", "Edited. Text after the edit: “ new text ”", "Reaction removed by Ada Ní (ig-7)"],
    );
    has("X0000008", &["Edit for message X0000007"]);
    has("X0000009", &["Deletion reported by the channel", "regret"]);
    has("X0000012", &["Reaction for a message that is not in this package", "🎉"]);
}

#[test]
fn review_files_have_the_same_reports() {
    let package = package();
    let events = events(&package);
    assert_eq!(events.len(), 12);
    let event = |cite: &str| events.iter().find(|event| event["id"] == cite).unwrap();
    assert_eq!(event("X0000002")["reactions"][0]["value"], "👍");
    let actions: Vec<_> = event("X0000002")["read_receipts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|receipt| receipt["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["delivered", "read", "read"]);
    assert_eq!(event("X0000004")["parent"], "X0000002");
    assert_eq!(event("X0000007")["edits"][0]["new"], "new text");
    assert_eq!(event("X0000007")["reactions"], Value::Null, "a reaction that was withdrawn");
    assert_eq!(event("X0000012")["reactions"], Value::Null, "a reaction to another message");
    assert_eq!(event("X0000009")["deleted"], true);
    assert_eq!(event("X0000001")["direction"], "incoming");
    assert_eq!(event("X0000005")["direction"], "outgoing");
}

/// The events of all review files, after they are checked.
fn events(package: &Path) -> Vec<Value> {
    let python = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/evidence/venv/bin/python"));
    if !python.exists() {
        skip("review files", "needs .tools/evidence");
        return Vec::new();
    }
    let files: Vec<PathBuf> = tree(package)
        .into_iter()
        .filter(|path| Path::new(path).extension().is_some_and(|end| end == "rsmf"))
        .map(|path| package.join(path))
        .collect();
    assert!(!files.is_empty());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/evidence/check_rsmf.py");
    let output = Command::new(python).arg(script).args(files).output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).expect("an event")).collect()
}

#[test]
fn review_files_have_one_conversation_and_day_each() {
    let service = crate::support::service::Service::start("--seed 9");
    let export = Export::run_of(service.url(), ["messages-300-a", "messages-20-b"]);
    export.expect(0);
    let package = made(&evidence_of(&export, "--rsmf"), 0);
    assert_eq!(events(&package).len(), 320);
    let documents = read(&package.join("data/csv/documents.csv"));
    let listed = documents.lines().filter(|line| line.contains("\"rsmf\"")).count();
    let files = tree(&package).into_iter().filter(|path| path.contains(".rsmf")).count();
    assert_eq!(listed, files);
}
