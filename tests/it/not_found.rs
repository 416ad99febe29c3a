//! Contacts that do not exist: listed in a file of their own, named at the end, and counted against a limit.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chatzy_export::internals::digest::sha256;
use serde_json::Value;

use crate::support::export::{Export, Outcome, json as read_json, read, tree, write};
use crate::support::scripted::{Answer, Scripted};
use crate::support::service::Service;

fn list_of(outcome: &Outcome) -> PathBuf {
    outcome.out.join(format!("_runs/{}/not_found.csv", outcome.manifest()["run_id"].as_str().unwrap()))
}

fn verify(out: &Path) -> Outcome {
    Export::command("verify --deep").arg(&out.to_string_lossy()).run()
}

/// An API that has good contacts, refuses bad ones and knows no others.
fn mixed() -> Scripted {
    Scripted::api(|asked| match asked.contact() {
        "good" => Answer::page(asked, 3),
        "bad" => Answer::message(403, "no"),
        _ => Answer::message(404, "no such contact"),
    })
}

/// A run of this many contacts. The first ones do not exist.
fn run(service: &Service, missing: usize, contacts: usize) -> Export {
    let name = |at| if at < missing { format!("unknown-{at}") } else { format!("messages-1-{at}") };
    Export::run_of(service.url(), (0..contacts).map(name)).args("--format jsonl --run-id r")
}

#[test]
fn they_are_listed_in_a_contacts_file_beside_the_manifest() {
    let service = mixed();
    let export = Export::run_of(service.url(), ["good", r#""unknown,""b""""#, "bad", "unknown-d"]);
    let export = export.args("--format jsonl --retries 0 --keep-raw --run-id r");
    let outcome = export.expect(3);
    insta::assert_snapshot!(read(&list_of(&outcome)), @r#"
    contact_id,input_line
    "unknown,""b""",3
    unknown-d,5
    "#);
    let checksums = read(&outcome.out.join("_runs/r/checksums.sha256"));
    let lists: Vec<_> = checksums.lines().filter(|line| line.contains(".csv")).collect();
    assert!(lists[0].ends_with("_runs/r/failed.csv") && lists[1].ends_with("_runs/r/not_found.csv"));
    assert!(lists[1].starts_with(&sha256(read(&list_of(&outcome)))));
    assert_eq!(verify(&outcome.out).code, Some(0), "{}", verify(&outcome.out).stderr);
    // It is a contacts file.
    let next = Export::run_of(service.url(), ["x"]).args("--format jsonl");
    next.write("contacts.csv", read(&list_of(&outcome)));
    let second = next.expect(0);
    assert_eq!(second.rows("coverage").column("contact_id"), ["unknown,\"b\"", "unknown-d"]);
    // A rebuilt run has the same list.
    let again = export.path("rebuilt");
    let rebuild = Export::command("rebuild --progress never --from").arg(&outcome.out.to_string_lossy());
    let told = rebuild.args("--out").arg(&again.to_string_lossy()).expect(3);
    assert!(told.stderr.contains("2 not found ('unknown,\"b\"', unknown-d)"), "{}", told.stderr);
    assert_eq!(read(&again.join("_runs/r/not_found.csv")), read(&list_of(&outcome)));
    assert_eq!(verify(&again).code, Some(0));
    // If all contacts exist, there is no list. `prune` removes it with the other files.
    let whole = export
        .clone()
        .without("--run-id")
        .args("--run-id all")
        .without("--contacts")
        .args("--contacts all.csv");
    whole.write("all.csv", "good\n");
    assert!(!list_of(&whole.expect(0)).exists());
    let prune = Export::command("prune --keep-last 1").arg(&outcome.out.to_string_lossy());
    prune.expect(0);
    assert!(!tree(&outcome.out).iter().any(|path| path.contains("_runs/r")), "{:?}", tree(&outcome.out));
}

#[test]
fn more_than_the_limit_end_with_exit_code_3_and_are_published() {
    let service = Service::start("");
    for (limit, missing, code) in [
        ("100%", 9, 0),
        ("0", 0, 0),
        ("0", 1, 3),
        ("4", 4, 0),
        ("4", 5, 3),
        ("10%", 1, 0),
        ("10%", 2, 3),
        ("9.9%", 1, 3),
    ] {
        let export = run(&service, missing, 10).args("--max-not-found").arg(limit);
        let outcome = export.expect(code);
        let manifest = outcome.manifest();
        assert_eq!(outcome.contacts("not_found"), missing as u64, "{limit}");
        assert_eq!(manifest["options"]["max_not_found"], limit);
        assert_eq!(manifest["status"], if code == 0 { "complete" } else { "partial" }, "{limit}");
        let doubts = manifest["input"]["doubts"].as_array().map_or(0, Vec::len);
        assert_eq!(doubts, usize::from(code == 3), "{limit}: {manifest}");
        assert_eq!(verify(&outcome.out).code, Some(0), "{limit}");
    }
    // All of 20 or more contacts exceed any limit, and the run reports it once.
    let outcome = run(&service, 20, 20).args("--max-not-found 5").expect(3);
    assert_eq!(outcome.manifest()["input"]["doubts"].as_array().unwrap().len(), 1);
    for wrong in ["-1", "101%", "x", ""] {
        let refused = run(&service, 1, 2).args(&format!("--max-not-found={wrong}")).expect(2);
        assert!(refused.last_line().contains("--max-not-found"), "{}", refused.stderr);
    }
}

#[test]
fn the_limit_may_change_when_a_run_is_resumed_and_a_rebuilt_run_keeps_its_doubt() {
    let server = mixed();
    let export = Export::run_of(server.url(), ["good", "unknown", "bad"]).args("--format jsonl --keep-raw");
    let export = export.args("--run-id r");
    export.clone().args("--max-failed 0").expect(5);
    let outcome = export.clone().args("--max-not-found 0").expect(3);
    assert_eq!(outcome.manifest()["options"]["max_not_found"], "0");
    let again = export.path("rebuilt");
    let rebuild = Export::command("rebuild --progress never --from").arg(&outcome.out.to_string_lossy());
    rebuild.args("--out").arg(&again.to_string_lossy()).expect(3);
    let manifest = read_json(&again.join("_runs/r/manifest.json"));
    assert_eq!(manifest["input"]["doubts"], outcome.manifest()["input"]["doubts"]);
    assert_eq!(manifest["input"]["doubts"].as_array().unwrap().len(), 1);
}

#[test]
fn the_last_line_names_the_first_of_them() {
    let service = Service::start("");
    let mut table = String::new();
    let mut row = |outcome: &Outcome| {
        writeln!(table, "{}: {}", outcome.code.unwrap(), outcome.last_line()).unwrap();
    };
    row(&run(&service, 0, 2).expect(0));
    row(&run(&service, 1, 2).expect(0));
    row(&run(&service, 3, 5).expect(0));
    row(&run(&service, 12, 13).expect(0));
    row(&run(&service, 12, 13).args("--max-not-found 10%").expect(3));
    row(&run(&service, 1, 2).args("--max-not-found 0").expect(3));
    row(&run(&service, 20, 20).expect(3));
    let failing = run(&service, 2, 3).args("--retries 0");
    failing.write("contacts.csv", "poison-1-a\nunknown-b\nunknown-c\nmessages-1-d\n");
    row(&failing.expect(3));
    insta::assert_snapshot!(table, @r"
    0: run r is complete: 2 messages of 2 contacts
    0: run r is complete: 1 messages of 1 contacts, 1 not found (unknown-0)
    0: run r is complete: 2 messages of 2 contacts, 3 not found (unknown-0, unknown-1, unknown-2)
    0: run r is complete: 1 messages of 1 contacts, 12 not found (unknown-0, unknown-1, unknown-2 and 9 more: see DIR/export/_runs/r/not_found.csv)
    3: run r is published, but doubtful (12 of 13 contacts do not exist, more than --max-not-found 10% allows), 12 not found (unknown-0, unknown-1, unknown-2 and 9 more: see DIR/export/_runs/r/not_found.csv): correct the list of contacts and export again
    3: run r is published, but doubtful (1 of 2 contact does not exist, more than --max-not-found 0 allows), 1 not found (unknown-0): correct the list of contacts and export again
    3: run r is published, but doubtful (none of the 20 contacts exists: check that the list belongs to this account), 20 not found (unknown-0, unknown-1, unknown-2 and 17 more: see DIR/export/_runs/r/not_found.csv): correct the list of contacts and export again
    3: run r is published, but 1 of 4 contacts failed, 2 not found (unknown-b, unknown-c): export the failed contacts again
    ");
    let log = run(&service, 4, 5).args("--log-format json").expect(0);
    let last: Value = serde_json::from_str(log.stderr.lines().last().unwrap()).unwrap();
    assert!(
        last["message"].as_str().unwrap().contains("4 not found (unknown-0, unknown-1, unknown-2 and 1 more")
    );
    assert_eq!(run(&service, 4, 5).args("--quiet").expect(0).stderr, "");
}

#[test]
fn ids_on_the_terminal_are_harmless() {
    let server = Scripted::api(|asked| match asked.contact() {
        "good" => Answer::page(asked, 1),
        _ => Answer::message(404, "no"),
    });
    let export = Export::run_of(server.url(), ["good"]).args("--format jsonl --delimiter none");
    export.write("contacts.csv", "good\nx), run: rm -rf ~ (\n\u{202e}evil\u{2066}\nit's\n");
    let outcome = export.expect(0);
    assert!(!outcome.stderr.contains(['\u{202e}', '\u{2066}', '\u{1b}']), "{:?}", outcome.stderr);
    let told = r"3 not found ('x), run: rm -rf ~ (', $'\342\200\256evil\342\201\246', 'it'\''s')";
    assert!(outcome.last_line().ends_with(told), "{}", outcome.last_line());
}

/// The text of the report, without its tags.
fn page(out: &Path) -> String {
    let export = Export::command("report -o -").arg(&out.to_string_lossy());
    let html = export.expect(0).stdout;
    let (_, body) = html.split_once("<body>").unwrap();
    body.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect::<Vec<_>>().join("")
}

#[test]
fn the_report_says_it_and_never_that_all_is_well() {
    let service = Service::start("");
    let all_is_well = ["none failed", "None: every contact was read completely"];
    let outcome = run(&service, 2, 5).args("--max-not-found 1").expect(3);
    let text = page(&outcome.out);
    for said in [
        "Of 5 contacts, 2 do not exist.",
        "2 of 5 contacts do not exist, more than --max-not-found 1 allows",
        "2 contacts do not exist. _runs/r/not_found.csv in the export lists them all.",
        "None: every contact that exists was read completely.",
        "unknown-0",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(all_is_well.iter().all(|said| !text.contains(said)), "{text}");
    let one = page(&run(&service, 1, 5).expect(0).out);
    assert!(one.contains("Of 5 contacts, 1 does not exist.") && !one.contains("Doubts"), "{one}");
    let many = page(&run(&service, 130, 131).expect(0).out);
    assert!(many.contains("The first 100 are shown.") && many.contains("lists 30 more"), "{many}");
    let none = page(&run(&service, 0, 2).expect(0).out);
    assert!(all_is_well.iter().all(|said| none.contains(said)), "{none}");
}

/// Damages the list at a path.
type Harm = fn(&Path);

#[test]
fn a_list_that_is_not_what_was_written_is_damage() {
    let service = Service::start("");
    let harms: [(&str, Harm, &str); 6] = [
        ("changed", |path| write(path, read(path).replace("unknown-0", "unknown-9")), "changed: "),
        (
            "cut",
            |path| write(path, "contact_id,input_line\n"),
            "it has 0 contacts, but the manifest counts 2",
        ),
        ("missing", |path| std::fs::remove_file(path).unwrap(), "missing: "),
        (
            "missing and unlisted",
            |path| {
                std::fs::remove_file(path).unwrap();
                unlist(path);
            },
            "it is missing, but the manifest counts contacts as not found",
        ),
        ("unlisted", unlist, "it does not list _runs/r/not_found.csv"),
        (
            "rewritten",
            |path| {
                let (before, after) = (read(path), read(path).replace("unknown-0,2", "unknown-0,3"));
                let sums = path.with_file_name("checksums.sha256");
                write(&sums, read(&sums).replace(&sha256(&before), &sha256(&after)));
                write(path, after);
            },
            "its contacts and lines differ from those that are not found in coverage",
        ),
    ];
    for (name, harm, told) in harms {
        let outcome = run(&service, 2, 3).expect(0);
        harm(&list_of(&outcome));
        let found = verify(&outcome.out);
        assert_eq!(found.code, Some(8), "{name}: {}", found.stderr);
        assert!(found.stderr.contains(told), "{name}: {}", found.stderr);
    }
    let outcome = run(&service, 0, 1).expect(0);
    write(&list_of(&outcome), "contact_id,input_line\nx,1\n");
    assert!(verify(&outcome.out).expect(8).stderr.contains("the manifest counts no contacts as not found"));
}

/// Removes the list from the checksums.
fn unlist(path: &Path) {
    let sums = path.with_file_name("checksums.sha256");
    let text = read(&sums);
    let kept: Vec<_> = text.split_inclusive('\n').filter(|line| !line.contains("not_found")).collect();
    write(&sums, kept.concat());
}

/// An export of the first version has no list and no such option.
#[test]
fn exports_without_the_list_stay_valid() {
    let service = Service::start("");
    let outcome = run(&service, 2, 3).expect(0);
    let list = list_of(&outcome);
    std::fs::remove_file(&list).unwrap();
    unlist(&list);
    let path = outcome.out.join("_runs/r/manifest.json");
    let before = sha256(read(&path));
    let mut manifest = read_json(&path);
    manifest["options"].as_object_mut().unwrap().remove("max_not_found");
    let text = serde_json::to_string_pretty(&manifest).unwrap() + "\n";
    write(&path, &text);
    let path = outcome.out.join("_runs/latest.json");
    write(&path, read(&path).replace(&before, &sha256(&text)));
    assert_eq!(verify(&outcome.out).code, Some(0), "{}", verify(&outcome.out).stderr);
    assert!(page(&outcome.out).contains("2 contacts do not exist. Check that"));
}

/// Rebuilds an archive of this many failed contacts, each with an error of one mebibyte. Returns the highest
/// memory use in MiB.
fn rebuilt_with_long_errors(contacts: usize) -> u64 {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-1-b", "poison-1-a"]);
    let export = export.args("--format jsonl --retries 0 --keep-raw");
    let outcome = export.args("--run-id r").expect(3);
    let out = &outcome.out;
    let path = out.join("raw").join(&tree(&out.join("raw"))[0]);
    let text = zstd::decode_all(&std::fs::read(&path).unwrap()[..]).unwrap();
    let line = String::from_utf8(text).unwrap().lines().last().unwrap().to_owned();
    let mut contact: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(contact["outcome"]["status"], "failed", "{contact}");
    contact["outcome"]["error"] = "x".repeat(1 << 20).into();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for at in 0..contacts {
        contact["contact_index"] = at.into();
        contact["contact_id"] = format!("c{at}").into();
        contact["input_line"] = (at + 1).into();
        std::io::Write::write_all(&mut encoder, format!("{contact}\n").as_bytes()).unwrap();
    }
    let bytes = encoder.finish().unwrap();
    let manifest_path = out.join("_runs/r/manifest.json");
    let mut manifest = read_json(&manifest_path);
    let mut files = manifest["files"].as_array_mut().unwrap().iter_mut();
    let file = files.find(|file| file["table"] == "raw").unwrap();
    (file["rows"], file["bytes"]) = (contacts.into(), bytes.len().into());
    file["sha256"] = sha256(&bytes).into();
    (manifest["contacts"]["requested"], manifest["contacts"]["failed"]) = (contacts.into(), contacts.into());
    write(&path, bytes);
    write(&manifest_path, manifest.to_string());
    let to = out.with_file_name("again");
    let rebuild = Export::command("rebuild --progress never --run r --from").arg(&out.to_string_lossy());
    let rebuild = rebuild.args("--out").arg(&to.to_string_lossy());
    let (outcome, most) = rebuild.start().wait_watching_memory(Duration::from_mins(5), || false);
    outcome.expect(3);
    let list = std::fs::metadata(to.join("_runs/r/failed.csv")).unwrap();
    assert!(list.len() > (contacts << 20) as u64, "the list has all errors");
    most
}

#[test]
fn a_list_of_any_length_takes_no_memory() {
    let (few, many) = (4, 64);
    let (before, after) = (rebuilt_with_long_errors(few), rebuilt_with_long_errors(many));
    let growth = after.saturating_sub(before);
    assert!(
        growth < (many - few) as u64 / 2,
        "{before} MiB with {few} MiB of errors, {after} MiB with {many}"
    );
}
