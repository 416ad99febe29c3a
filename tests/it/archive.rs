//! `run --keep-raw`: the responses as received, published with the tables.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::export::{Export, Outcome};
use crate::support::faults::{CHANGING, Fate, Fault, count, setting};
use crate::support::raw::{Raw, Reply, parameter};
use crate::support::scene::{Scene, random};
use crate::support::service::Service;

/// The lines of the archive of a run, in the order of the manifest's files.
pub fn lines(out: &Path, manifest: &Value) -> Vec<Value> {
    let mut lines = Vec::new();
    for file in manifest["files"].as_array().unwrap().iter().filter(|file| file["table"] == "raw") {
        let bytes = std::fs::read(out.join(file["path"].as_str().unwrap())).unwrap();
        let text = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap();
        let of_file: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(file["rows"], of_file.len());
        lines.extend(of_file);
    }
    lines
}

pub fn of_kind<'a>(lines: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line["kind"] == kind)
}

fn verify(outcome: &Outcome) {
    Export::command("verify --deep").arg(&outcome.out.to_string_lossy()).expect(0);
}

#[test]
fn each_answer_stands_there_as_it_was_sent() {
    // Invalid UTF-8, text that is not standard JSON, line ends, half a surrogate pair, and control
    // characters.
    let messages: [&[u8]; 4] = [
        b"{\"message_id\":\"m\",\"content\":\"\xff\xfe\"}",
        b"{\"message_id\":\"m\",\n\t\"x\": NaN,\r\n\"content\":\"\\ud83d\"}",
        b"{\"message_id\":\"m\",\"content\":\"a\x00b\x1b[31m\"}",
        b"{\"message_id\":\"m\",\"content\":\"Gr\xc3\xbc\xc3\x9fe \\\"\\\\\"}",
    ];
    let page = |at: usize, message: &[u8]| {
        let contact = format!(r#"{{"data":{{"data":{{"contact":{{"contact_id":"c{at}"}},"#);
        let mut body = [contact.as_bytes(), br#""conversations":[{"messages":["#].concat();
        body.extend(message);
        body.extend(b"]}]}}}");
        body
    };
    let sent: Vec<_> = messages.iter().enumerate().map(|(at, message)| page(at, message)).collect();
    let answers = sent.clone();
    let server = Raw::start(move |target| {
        let contact: usize = parameter(target, "contact_id").trim_start_matches('c').parse().unwrap_or(0);
        let is_first = parameter(target, "offset") == "0";
        Reply::json(if is_first { answers[contact].clone() } else { page(contact, b"") })
    });
    let outcome =
        server.export((0..4).map(|at| format!("c{at}"))).args("--format jsonl --keep-raw").expect(0);
    let lines = lines(&outcome.out, &outcome.manifest());
    for (at, sent) in sent.iter().enumerate() {
        let line = of_kind(&lines, "answer").find(|line| line["contact_id"] == format!("c{at}")).unwrap();
        let kept = match (&line["body"], &line["body_base64"]) {
            (Value::String(text), Value::Null) => text.as_bytes().to_vec(),
            (Value::Null, Value::String(text)) => {
                base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap()
            }
            other => panic!("one of both: {other:?}"),
        };
        assert_eq!(String::from_utf8_lossy(&kept), String::from_utf8_lossy(sent));
        assert_eq!(&kept, sent, "byte for byte");
        assert_eq!((&line["offset"], &line["purpose"]), (&0.into(), &"start".into()));
    }
    verify(&outcome);
}

#[test]
fn its_lines_follow_the_input_and_count_what_was_read() {
    let service = Service::start("--errors 0.1");
    let contacts = ["messages-90-b", "unknown-x", "empty-y", "messages-230-a", "poison-2-c", "messages-1-d"];
    let export = Export::run_of(service.url(), contacts).args("--keep-raw --format jsonl --page-size 20");
    let outcome = export.args("--retries 3 --target-file-size 8KB").expect(3);
    let manifest = outcome.manifest();
    let lines = lines(&outcome.out, &manifest);
    let of_raw = manifest["files"].as_array().unwrap().iter().filter(|file| file["table"] == "raw");
    assert!(of_raw.count() > 1, "closed at contacts after the target size");
    assert_eq!(manifest["options"]["keep_raw"], true);

    let ended: Vec<_> = of_kind(&lines, "contact").map(|line| line["contact_id"].as_str().unwrap()).collect();
    assert_eq!(ended, contacts);
    let answered: Vec<_> =
        of_kind(&lines, "answer").map(|line| line["contact_index"].as_u64().unwrap()).collect();
    assert!(answered.is_sorted(), "contacts in the order of the input: {answered:?}");
    let mut pages = BTreeMap::new();
    for line in of_kind(&lines, "answer") {
        *pages.entry(line["contact_id"].as_str().unwrap()).or_insert(0_u64) += 1;
        assert!(line["requested_at"].as_str() <= line["received_at"].as_str(), "{line}");
    }
    for (row, line) in outcome.rows("coverage").0.iter().zip(of_kind(&lines, "contact")) {
        assert_eq!(row["status"], line["outcome"]["status"]);
        assert_eq!(row["input_line"], line["input_line"]);
        let id = row["contact_id"].as_str().unwrap();
        assert_eq!(row["pages"], pages.get(id).copied().unwrap_or(0), "{id}");
    }
    let keys = |line: &Value| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert!(lines.iter().all(|line| keys(line) == keys(&lines[0])), "one table for its readers");
    verify(&outcome);
}

#[test]
fn without_it_nothing_is_kept_and_an_unfinished_run_with_it_is_another() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]);
    let outcome = export.clone().args("--format jsonl").expect(0);
    assert!(!outcome.out.join("raw").exists());
    assert_eq!(outcome.manifest()["options"]["keep_raw"], false);

    let export = export.out("unfinished");
    let killed = Fault { calls: " write ", path: "/spool/", at: 2, fate: Fate::KillAfter };
    assert_eq!(export.clone().args("--keep-raw").with_fault(killed).run().code, None);
    let outcome = export.expect(9);
    assert!(outcome.last_line().contains("--keep-raw was true and is now false"), "{}", outcome.stderr);
}

#[test]
fn damage_to_it_is_found() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-30-a"]).args("--keep-raw --format jsonl");
    let outcome = export.expect(0);
    let path = outcome.tree().into_iter().find(|path| path.starts_with("raw/")).unwrap();
    let mut bytes = std::fs::read(outcome.out.join(&path)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    crate::support::export::write(&outcome.out.join(&path), bytes);
    let found = Export::command("verify").arg(&outcome.out.to_string_lossy()).expect(8);
    assert!(found.stderr.contains(&path), "{}", found.stderr);
}

#[test]
fn stopped_at_any_call_it_is_all_there_or_nothing() {
    let (mut rng, seed) = random("raw answers, killed at random calls");
    let scene = Scene::new("--keep-raw");
    let whole = scene.fresh("calls").logging_calls();
    whole.expect(0);
    let calls = count(&whole.calls(), CHANGING);
    for turn in 0..setting("CRASH_KILLS", 50) / 10 {
        let fault = crate::crash::kill(rng.usize(1..=calls), Fate::KillAfter);
        scene.survives(&format!("raw-{turn}"), &[fault], &format!("{seed}: {fault:?}"));
    }
}
