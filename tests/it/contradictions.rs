//! Archives that contradict themselves. The result of `rebuild` passes `verify --deep`, or `rebuild` makes
//! nothing.

use std::fmt::Write as _;
use std::path::Path;

use chatzy_export::internals::digest::sha256;
use chatzy_export::internals::durable;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::export::{Export, Outcome, json as read_json, write};
use crate::support::faults::setting;
use crate::support::scene::random;
use crate::support::service::Service;

/// Contacts of an archive.
const CONTACTS: [&str; 4] = ["a", "b", "ä \"c\"", "A"];
const STATUSES: [&str; 5] = ["exported", "empty", "not_found", "unresolved", "failed"];

/// One of a few values, so that the same value occurs again with other content.
fn pick<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    of[rng.usize(..of.len())]
}

/// A time in one of the accepted forms, or an invalid one.
fn time(rng: &mut Rng) -> Value {
    let day = rng.u8(1..29);
    match rng.u8(..8) {
        0 => Value::Null,
        1 => (1_767_225_600_000_u64 + u64::from(day) * 86_400_000).into(),
        2 => format!("{}", 1_767_225_600 + u32::from(day) * 86_400).into(),
        3 => "yesterday".into(),
        4 => format!("2026-{:02}-{day:02}T23:30:00-05:00", rng.u8(1..4)).into(),
        _ => format!("2026-{:02}-{day:02}T10:00:0{}Z", rng.u8(1..4), rng.u8(..3)).into(),
    }
}

fn message(rng: &mut Rng) -> Value {
    let mut message = json!({
        "content": pick(rng, &["hello", "other", ""]),
        "created_at": time(rng),
        "message_order": match rng.u8(..4) { 0 => Value::Null, 1 => "2".into(), _ => rng.u8(..4).into() },
        "role": pick(rng, &["user", "assistant"]),
    });
    match rng.u8(..10) {
        0 => {}
        1 => message["message_id"] = "".into(),
        2 => message["message_id"] = rng.u8(..3).into(),
        _ => message["message_id"] = format!("m{}", rng.u8(..6)).into(),
    }
    if rng.u8(..4) == 0 {
        message["conversation_id"] = pick(rng, &["v0", "v1", "v9"]).into();
    }
    for array in ["wa_messages", "instagram_messages"] {
        if rng.u8(..4) == 0 {
            let records = (0..rng.u8(..4)).map(|_| json!({"id": rng.u8(..2), "status": "sent"}));
            message[array] = records.collect();
        }
    }
    message
}

fn conversation(rng: &mut Rng) -> Value {
    let mut conversation = json!({
        "conversation_status": pick(rng, &["open", "closed"]),
        "conversation_type": pick(rng, &["whatsapp", "website", "whatsapp-template"]),
        "messages": (0..rng.u8(..5)).map(|_| message(rng)).collect::<Value>(),
    });
    if rng.u8(..6) > 0 {
        conversation["conversation_id"] = pick(rng, &["v0", "v1", "v2"]).into();
    }
    conversation
}

/// A response: a page, or a response that no run accepts.
fn body(rng: &mut Rng, id: &str) -> String {
    let contact = match rng.u8(..8) {
        0 => Value::Null,
        1 => json!({"contact_id": "somebody else", "first_name": "X"}),
        _ => json!({"contact_id": id, "first_name": pick(rng, &["Ada", "Bea"]), "is_frozen": rng.bool()}),
    };
    let data = match rng.u8(..12) {
        0 => return "no JSON".to_owned(),
        1 => json!({"contact": contact}),
        2 => json!({"contact": contact, "messages": (0..3).map(|_| message(rng)).collect::<Value>()}),
        _ => {
            json!({"contact": contact, "conversations": (0..rng.u8(..4)).map(|_| conversation(rng)).collect::<Value>()})
        }
    };
    json!({"data": {"data": data}}).to_string()
}

fn answer(rng: &mut Rng, at: usize) -> Value {
    let id = CONTACTS[at];
    json!({
        "kind": "answer", "contact_index": at, "contact_id": id,
        "channel": match rng.u8(..4) { 0 => "whatsapp".into(), _ => Value::Null },
        "purpose": pick(rng, &["start", "onward", "step_back", "proof"]), "offset": rng.u16(..200), "limit": 100,
        "overlap": 1, "requested_at": null, "received_at": "2026-03-01T00:00:00.000000Z",
        "body": body(rng, id), "body_base64": null, "input_line": null, "outcome": null,
    })
}

fn contact(rng: &mut Rng, at: usize) -> Value {
    let error = match rng.u8(..3) {
        0 => Value::Null,
        _ => "it \"kept\"\r\nchanging, é".into(),
    };
    json!({
        "kind": "contact", "contact_index": at, "contact_id": CONTACTS[at], "channel": null, "purpose": null,
        "offset": null, "limit": null, "overlap": null, "requested_at": null, "received_at": null, "body": null,
        "body_base64": null, "input_line": at + 2,
        "outcome": {
            "status": pick(rng, &STATUSES), "pages": rng.u8(..9), "requests": 3, "retries": 0, "rereads": 1,
            "started_at": "2026-03-01T00:00:00.000000Z", "finished_at": "2026-03-01T00:00:01.000000Z", "error": error,
            "endings": [],
        },
    })
}

/// The lines of an archive in which responses contradict each other, and the recorded outcome of each
/// contact.
fn archive(rng: &mut Rng) -> (Vec<Value>, Vec<Value>) {
    let mut answers = Vec::new();
    for at in 0..CONTACTS.len() {
        answers.extend((0..rng.u8(..5)).map(|_| answer(rng, at)));
    }
    if rng.bool() {
        rng.shuffle(&mut answers);
    }
    (answers, (0..CONTACTS.len()).map(|at| contact(rng, at)).collect())
}

/// Replaces the archive of the only run, and changes the manifest to name the new one.
fn put(out: &Path, lines: &[Value], change: impl Fn(&mut Value)) {
    let latest_path = out.join("_runs/latest.json");
    let mut latest = read_json(&latest_path);
    let path = out.join(latest["manifest"].as_str().unwrap());
    let mut manifest = read_json(&path);
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    let bytes = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let raw =
        manifest["files"].as_array_mut().unwrap().iter_mut().find(|file| file["table"] == "raw").unwrap();
    raw["rows"] = lines.len().into();
    raw["bytes"] = bytes.len().into();
    raw["sha256"] = sha256(&bytes).into();
    write(&out.join(raw["path"].as_str().unwrap()), bytes);
    manifest["contacts"]["requested"] = CONTACTS.len().into();
    manifest["input"]["contacts"] = CONTACTS.len().into();
    change(&mut manifest);
    let text = manifest.to_string();
    latest["sha256"] = sha256(&text).into();
    write(&path, text);
    write(&latest_path, latest.to_string());
}

/// A run with an archive. Its API no longer exists.
fn base() -> Export {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-1-a"]).args("--format jsonl --keep-raw");
    export.expect(0);
    export
}

fn rebuild(from: &Export, to: &str, arguments: &str) -> Outcome {
    let command = Export::command("rebuild --progress never --allow-mixed --json --from");
    let out = from.path(to);
    command
        .arg(&from.out_path().to_string_lossy())
        .args("--out")
        .arg(&out.to_string_lossy())
        .args(arguments)
        .out_at(&out)
        .run()
}

fn verify(out: &Path, what: &str) {
    let outcome = Export::command("verify --deep").arg(&out.to_string_lossy()).run();
    assert_eq!(outcome.code, Some(0), "{what}: {}", outcome.stderr);
}

const FORMS: [&str; 5] = [
    "--format jsonl",
    "--format parquet --partition-by month,channel",
    "--format jsonl --partition-by channel,date --target-file-size 1KB",
    "--format parquet --target-file-size 1KB --keep-raw",
    "--format jsonl --compression gzip --partition-by run,year --keep-raw",
];

#[test]
fn what_is_made_of_contradicting_answers_passes_the_deep_check() {
    let (mut rng, seed) = random("archives that contradict themselves");
    let export = base();
    for turn in 0..setting("CONTRADICTIONS", 60) {
        let (answers, contacts) = archive(&mut rng);
        let lines = [answers, contacts].concat();
        // Runs of several archives in one folder, with different contents for the same contacts.
        let (form, to) = (FORMS[rng.usize(..FORMS.len())], format!("again-{}", turn / 4));
        let started = format!("2026-03-{:02}T00:00:00.000000Z", rng.u8(1..29));
        let window = if rng.u8(..3) == 0 { json!("2026-02-01T00:00:00.000000Z") } else { Value::Null };
        put(export.out_path(), &lines, |manifest| {
            manifest["started_at"] = started.clone().into();
            manifest["options"]["since"] = window.clone();
        });
        // Each run has its own ID.
        let (old, id) = (read_json(&export.out_path().join("_runs/latest.json")), format!("r{turn}"));
        rename(export.out_path(), old["run_id"].as_str().unwrap(), &id);
        let outcome = rebuild(&export, &to, form);
        let what = format!("{seed}, turn {turn}, {form}");
        assert!(matches!(outcome.code, Some(0 | 3)), "{what}: {}", outcome.stderr);
        verify(&outcome.out, &what);
    }
}

/// Changes the ID of the only run.
fn rename(out: &Path, from: &str, to: &str) {
    durable::rename(&out.join("_runs").join(from), &out.join("_runs").join(to)).unwrap();
    for table in ["raw", "contacts", "conversations", "messages", "channel_records", "coverage"] {
        let Ok(folder) = std::fs::read_dir(out.join(table)) else { continue };
        for path in folder.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().replace(from, to);
            durable::rename(&path, &path.with_file_name(name)).unwrap();
        }
    }
    let path = out.join("_runs").join(to).join("manifest.json");
    let manifest = crate::support::export::read(&path).replace(from, to);
    write(&path, &manifest);
    let latest =
        json!({"run_id": to, "manifest": format!("_runs/{to}/manifest.json"), "sha256": sha256(&manifest)});
    write(&out.join("_runs/latest.json"), latest.to_string());
}

/// A change of the responses and of the lines of the contacts.
type Change = fn(&mut Vec<Value>, &mut Vec<Value>);

#[test]
fn an_archive_whose_lines_contradict_each_other_is_damaged() {
    let (mut rng, seed) = random("archives with impossible lines");
    let changes: [(&str, Change); 11] = [
        ("two IDs of a contact in its answers", |answers, _| answers[0]["contact_id"] = "x".into()),
        ("another ID of a contact in its line", |_, contacts| contacts[0]["contact_id"] = "x".into()),
        ("a contact twice", |answers, contacts| {
            answers.retain(|answer| answer["contact_index"] != 1);
            contacts[1]["contact_id"] = contacts[0]["contact_id"].clone();
        }),
        ("a contact is not at its place", |_, contacts| contacts.swap(0, 1)),
        ("an answer of nobody", |answers, _| answers[0]["contact_index"] = 4.into()),
        ("an answer behind a contact", |answers, contacts| contacts.push(answers.remove(0))),
        ("answers of a contact that was not read", |_, contacts| {
            contacts[0]["outcome"]["status"] = "unchanged".into();
        }),
        ("lines of the input that go back", |_, contacts| contacts[1]["input_line"] = 1.into()),
        ("a line of the input that no row holds", |_, contacts| {
            contacts[3]["input_line"] = u64::MAX.into();
        }),
        ("a count that no row holds", |_, contacts| contacts[0]["outcome"]["pages"] = u64::MAX.into()),
        ("an endless error", |_, contacts| {
            contacts[0]["outcome"]["error"] = "x".repeat(2 << 20).into();
        }),
    ];
    let export = base();
    for (what, change) in changes {
        let (_, mut contacts) = archive(&mut rng);
        let mut answers = vec![answer(&mut rng, 0), answer(&mut rng, 0), answer(&mut rng, 1)];
        change(&mut answers, &mut contacts);
        put(export.out_path(), &[answers, contacts].concat(), |_| ());
        let outcome = rebuild(&export, "again", "--fresh");
        assert_eq!(outcome.code, Some(8), "{seed}: {what}: {}", outcome.stderr);
        assert!(!outcome.out.join("_runs").exists(), "{seed}: {what}: nothing is published");
    }
}
