//! `erase`: nothing of an erased contact is left in any file, and everything else is as it was.

mod interrupted;
mod later;
mod leftover;
mod record;

use std::collections::BTreeMap;
use std::path::Path;

use chatzy_export::internals::durable::remove_tree;
use serde_json::Value;

use crate::support::export::{Export, json, read, tree, write};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::service::Service;
use leftover::Leftover;

/// A command on the export of a test.
pub fn command(export: &Export, name: &str, arguments: &str) -> Export {
    let path = export.out_path().to_string_lossy().into_owned();
    Export::command(name).arg(&path).args(arguments).out_at(export.out_path())
}

pub fn verified(export: &Export, told: &str) -> String {
    let outcome = command(export, "verify", "--deep").run();
    assert_eq!(outcome.code, Some(0), "{told}: {}", outcome.stderr);
    outcome.stderr
}

/// The rows of a table of a run, as `cat` prints them.
pub fn rows(export: &Export, table: &str, run: &str) -> Vec<Value> {
    lines(export, table, run).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines of a table of a run, as `cat` prints them.
pub fn lines(export: &Export, table: &str, run: &str) -> Vec<String> {
    let printed = command(export, "cat", &format!("{table} --run {run}")).expect(0).stdout;
    printed.lines().map(str::to_owned).collect()
}

/// All lines of a run by table, without those of these contacts.
fn others(export: &Export, run: &str, contacts: &[&str]) -> BTreeMap<String, Vec<String>> {
    let is_other = |line: &String| {
        contacts.iter().all(|contact| !line.contains(&format!("\"contact_id\":\"{contact}\"")))
    };
    ["contacts", "conversations", "messages", "channel_records", "coverage"]
        .map(|table| (table.to_owned(), lines(export, table, run).into_iter().filter(is_other).collect()))
        .into()
}

/// The files that no command may change: the manifests and the name of the newest.
fn manifests(out: &Path) -> BTreeMap<String, String> {
    let is_one = |path: &String| path.ends_with("manifest.json") || path == "_runs/latest.json";
    tree(out).into_iter().filter(is_one).map(|path| (path.clone(), read(&out.join(path)))).collect()
}

/// All files with their content.
pub fn contents(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = tree(out).into_iter();
    files.map(|path| (path.clone(), std::fs::read(out.join(&path)).unwrap_or_default())).collect()
}

const CONTACTS: [&str; 7] = [
    "messages-40-ada",
    "messages-90-b",
    "unknown-ada-x",
    "empty-y",
    "poison-2-ada",
    "messages-1-d",
    "messages-17-e",
];
/// Contacts with rows of every kind.
const ERASED: [&str; 3] = ["messages-40-ada", "unknown-ada-x", "poison-2-ada"];

#[test]
fn no_byte_of_an_erased_contact_is_left_in_any_format() {
    for options in [
        "--format parquet",
        "--format parquet --compression snappy --partition-by month,channel --target-file-size 8KB",
        "--format jsonl --compression gzip --partition-by date",
        "--format jsonl --compression zstd:7 --target-file-size 4KB",
        "--format jsonl --partition-by run,export_date",
    ] {
        let service = Service::start("--wild 0.1 --wild-kind valid");
        let export = Export::run_of(service.url(), CONTACTS).args("--keep-raw --retries 0").args(options);
        for run in ["r1", "r2"] {
            export.clone().args("--run-id").arg(run).expect(3);
        }
        let out = export.out_path();
        let before = ["r1", "r2"].map(|run| others(&export, run, &ERASED));
        let leftover = Leftover::of(&export, &["r1", "r2"], &ERASED);
        assert!(leftover.count(out) > 20, "{options}: the search finds what is there");
        let untouched = manifests(out);
        let ids = ERASED.map(|contact| format!("--contact {contact}")).join(" ");
        let dry = command(&export, "erase", &format!("{ids} --reference DSAR-17 --dry-run --json")).expect(0);
        let all = contents(out);
        let outcome = command(&export, "erase", &format!("{ids} --reference DSAR-17 --json")).expect(0);
        let [dry, done]: [Value; 2] =
            [&dry.stdout, &outcome.stdout].map(|text| serde_json::from_str(text).unwrap());
        for key in ["contacts", "erased", "runs", "mentions", "unknown"] {
            assert_eq!(dry[key], done[key], "{options}: the dry run says what is done ({key})");
        }
        assert_ne!(contents(out), all);
        assert_eq!(leftover.found(out), Vec::<String>::new(), "{options}");
        assert_eq!(manifests(out), untouched, "{options}");
        assert_eq!(["r1", "r2"].map(|run| others(&export, run, &[])), before, "{options}: others stay");
        let told = verified(&export, options);
        assert!(told.contains("as it was written but for 3 contacts erased on "), "{told}");
        let sums = std::process::Command::new("sha256sum")
            .args(["-c", "--quiet", "_runs/r1/checksums.sha256"])
            .current_dir(out)
            .output()
            .unwrap();
        assert!(sums.status.success(), "{options}: {}", String::from_utf8_lossy(&sums.stderr));
        let all = contents(out);
        command(&export, "erase", &format!("{ids} --reference AGAIN")).expect(0);
        assert_eq!(contents(out), all, "{options}: a second time changes nothing");
    }
}

#[test]
fn the_record_names_no_contact_and_what_replaced_what() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), CONTACTS).args("--retries 0 --run-id r1");
    export.expect(3);
    let order = "--contact messages-40-ada --reference DSAR-9 --by Office";
    command(&export, "erase", order).arg("--reason").arg("Art. 17").expect(0);
    let text = read(&export.out_path().join("_runs/erased.json"));
    assert!(!text.contains("messages-40-ada"), "{text}");
    let record: Value = serde_json::from_str(&text).unwrap();
    let erasure = &record["erasures"][0];
    assert_eq!((&erasure["reference"], &erasure["by"]), (&"DSAR-9".into(), &"Office".into()));
    assert_eq!((&erasure["reason"], &erasure["after_run"]["run_id"]), (&"Art. 17".into(), &"r1".into()));
    assert!(erasure["finished_at"].is_string(), "{erasure}");
    let run = &erasure["runs"][0];
    assert_eq!((&run["contacts"]["requested"], &run["contacts"]["exported"]), (&1.into(), &1.into()));
    let manifest = json(&export.out_path().join("_runs/r1/manifest.json"));
    for file in run["files"].as_array().unwrap() {
        let mut named = manifest["files"].as_array().unwrap().iter();
        let named = named.find(|named| named["path"] == file["path"]).expect("a file of the manifest");
        assert_eq!(named["sha256"], file["before"]["sha256"], "{file}");
    }
}

#[test]
fn a_file_without_rows_left_is_removed() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-40-ada"]).args("--keep-raw --run-id r1");
    export.expect(0);
    let outcome = command(&export, "erase", "--contact messages-40-ada --reference R").expect(0);
    assert!(outcome.stdout.starts_with("r1\t1\t"), "{}", outcome.stdout);
    assert_eq!(
        tree(export.out_path()),
        ["_runs/erased.json", "_runs/latest.json", "_runs/r1/checksums.sha256", "_runs/r1/manifest.json"]
    );
    verified(&export, "empty");
    for command_line in ["runs", "report"] {
        let report = export.path("report.html").to_string_lossy().into_owned();
        let options = if command_line == "report" { format!("-o {report}") } else { String::new() };
        command(&export, command_line, &options).expect(0);
    }
    assert_eq!(rows(&export, "messages", "r1"), Vec::<Value>::new());
}

#[test]
fn what_cannot_be_erased_is_said() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-9-a", "messages-2-b"]).args("--format jsonl");
    export.clone().args("--run-id r1").expect(0);
    let out = export.out_path();
    let erase = |options: &str| command(&export, "erase", options);
    for wrong in ["", "--contact x", "--reference R", "--finish --reference R", "--finish --contact x"] {
        erase(wrong).expect(2);
    }
    let nowhere = export.clone().out("nowhere");
    command(&nowhere, "erase", "--contact x --reference R").expect(2);
    assert!(erase("--finish").expect(0).stderr.contains("no erasure of"));
    let unknown = erase("--contact nobody --contact messages-2-b --reference R").expect(3);
    assert!(unknown.stderr.contains("no run holds the contact nobody"), "{}", unknown.stderr);
    assert!(
        unknown
            .stderr
            .contains("DELETE FROM channel_records WHERE contact_id IN ('nobody', 'messages-2-b');")
    );
    command(&export, "hold", "--reference CASE-7 --contact messages-9-a").expect(0);
    let before = contents(out);
    for options in ["", "--dry-run"] {
        let held = erase(&format!("--contact messages-9-a --reference R {options}")).expect(10);
        assert!(held.stderr.contains("hold CASE-7 on this export"), "{}", held.stderr);
    }
    assert_eq!(contents(out), before);
    command(&export, "hold", "--release CASE-7").expect(0);
    let part = tree(out).into_iter().find(|path| path.starts_with("messages/")).unwrap();
    let whole = std::fs::read(out.join(&part)).unwrap();
    write(&out.join(&part), [whole.as_slice(), b" "].concat());
    let damaged = erase("--contact messages-9-a --reference R").expect(8);
    assert!(damaged.stderr.contains(&part), "{}", damaged.stderr);
    write(&out.join(&part), whole);
    write(&out.join("_work/run.json"), "{}");
    erase("--contact messages-9-a --reference R").expect(8);
    remove_tree(&out.join("_work")).unwrap();
    erase("--contact messages-9-a --reference R").expect(0);
    verified(&export, "erased");
}

/// A page of a contact with a telephone number and an address, and one message with this text.
fn page(asked: &Asked, text: &str) -> Answer {
    let id = asked.contact();
    let contact = serde_json::json!({
        "contact_id": id, "phone_number": "+49 151 2345678", "user_email_id": "owner@shop.example", "mail": "ada@example.org",
    });
    let message = serde_json::json!({
        "message_id": format!("{id}-0"), "content": text, "role": "user", "created_at": "2026-01-01T00:00:00Z",
    });
    let messages = if asked.number("offset") == 0 { vec![message] } else { Vec::new() };
    let conversation =
        serde_json::json!({"conversation_id": format!("conversation-{id}"), "messages": messages});
    let data = serde_json::json!({"contact": contact, "conversations": [conversation]});
    Answer::new(200, serde_json::json!({"data": {"data": data}}).to_string())
}

#[test]
fn texts_of_others_that_name_the_contact_stay_and_are_counted() {
    let server = Scripted::api(|asked| {
        page(
            asked,
            match asked.contact() {
                "c0" => "I am Ada, 0049 151 2345678",
                "c1" => "call Ada: (49) 151-23456.78, or ADA@example.org",
                "c2" => "write to ada@example.org",
                _ => "owner@shop.example, 49 151 234567",
            },
        )
    });
    let export = Export::run_of(server.url(), ["c0", "c1", "c2", "c3"]);
    for run in ["r1", "r2"] {
        export.clone().args("--run-id").arg(run).expect(0);
    }
    for options in ["--dry-run --json", "--json"] {
        let outcome = command(&export, "erase", "--contact c0 --reference R").args(options).expect(0);
        let result: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let expected = serde_json::json!({"messages": 4, "channel_records": 0, "errors": 0});
        assert_eq!(result["mentions"], expected, "two of each run");
        assert!(outcome.stderr.contains("stays: 4 messages and 0 channel records of other contacts"));
    }
    assert_eq!(rows(&export, "messages", "r1").len(), 3);
}

/// The signature of another text with the key of the test.
fn sign(export: &Export, text: &str) -> String {
    export.write("other", text);
    let other = export.path("other");
    let signed = std::process::Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "chatzy-export", "-f"])
        .arg(export.path("key"))
        .arg(&other)
        .output();
    assert!(signed.unwrap().status.success());
    read(&export.path("other.sig"))
}

#[test]
fn the_record_can_be_signed_and_ssh_keygen_verifies_it() {
    if std::process::Command::new("ssh-keygen").arg("-?").output().is_err() {
        return crate::system::skip(
            "the_record_can_be_signed_and_ssh_keygen_verifies_it",
            "needs ssh-keygen",
        );
    }
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-9-a", "messages-2-b"]).args("--format jsonl");
    export.expect(0);
    let key = export.path("key").to_string_lossy().into_owned();
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "erase", "-f", &key])
        .output();
    assert!(made.unwrap().status.success());
    let public = read(&export.path("key.pub"));
    export.write("signers", format!("Office {public}"));
    let is_signed = || {
        let record = std::fs::File::open(export.out_path().join("_runs/erased.json")).unwrap();
        let verified = std::process::Command::new("ssh-keygen")
            .args(["-Y", "verify", "-I", "Office", "-n", "chatzy-export", "-f"])
            .arg(export.path("signers"))
            .arg("-s")
            .arg(export.out_path().join("_runs/erased.json.sig"))
            .stdin(record)
            .output();
        verified.unwrap().status.success()
    };
    let order = |id: &str| format!("--contact {id} --reference R");
    command(&export, "erase", &order("messages-9-a")).args("--sign").arg(&key).expect(0);
    assert!(is_signed());
    assert!(!verified(&export, "signed").contains("warning"));
    let signature = export.out_path().join("_runs/erased.json.sig");
    let right = read(&signature);
    for (wrong, what) in [
        ("junk".to_owned(), "it is not a signature of OpenSSH"),
        (right.replacen("AAAA", "AAAB", 1), "it is not "),
        (sign(&export, "another record"), "it is not the signature of _runs/erased.json"),
    ] {
        write(&signature, wrong);
        let told = verified(&export, what);
        assert!(told.contains(&format!("warning: _runs/erased.json.sig: {what}")), "{told}");
        assert!(told.contains("--finish --sign KEY"), "{told}");
    }
    write(&signature, right);
    // A record that changes without the key has no signature, until it is signed again.
    command(&export, "erase", &order("messages-2-b")).expect(0);
    assert!(!export.out_path().join("_runs/erased.json.sig").exists());
    command(&export, "erase", "--finish --sign").arg(&key).expect(0);
    assert!(is_signed());
    let refused = command(&export, "erase", "--finish --sign").arg(&format!("{key}.pub")).expect(2).stderr;
    assert!(refused.contains("ssh-keygen -Y sign -n chatzy-export"), "{refused}");
}

#[test]
fn a_changed_file_is_damage_also_after_an_erasure() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), CONTACTS).args("--retries 0 --format jsonl --run-id r1");
    export.expect(3);
    let out = export.out_path();
    let before = contents(out);
    command(&export, "erase", "--contact messages-40-ada --reference R").expect(0);
    let after = contents(out);
    for (path, content) in &after {
        if !path.starts_with("_runs/") {
            write(&out.join(path), [content.as_slice(), b"\n"].concat());
            command(&export, "verify", "").expect(8);
            // The file that was erased is not accepted any more.
            if before[path] != *content {
                write(&out.join(path), &before[path]);
                command(&export, "verify", "").expect(8);
            }
            write(&out.join(path), content);
        }
    }
    verified(&export, "restored");
    let record = out.join("_runs/erased.json");
    let text = read(&record);
    std::fs::remove_file(&record).unwrap();
    command(&export, "verify", "").expect(8);
    write(&record, text.replace(']', ""));
    for (name, options) in [("verify", ""), ("cat", "messages"), ("prune", "--keep-last 1")] {
        command(&export, name, options).expect(8);
    }
    write(&record, &text);
    verified(&export, "restored");
}
