//! `snapshot`: the newest version of each contact over all runs, in a folder that any reader can read.

mod crafted;
mod damage;
mod memory;
mod replaced;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::incremental::account::Account;
use crate::support::export::{Export, Outcome, json as read_json, read, tree, write};
use crate::support::service::Service;
use crate::support::tables::{Rows, python};

/// A snapshot of an export, into a folder of this name beside it.
fn snapshot(source: &Export, to: &str, arguments: &str) -> Export {
    let (from, to) = (source.out_path().to_string_lossy().into_owned(), source.path(to));
    let command = Export::command("snapshot --progress never").arg(&from).args("--out");
    command.arg(&to.to_string_lossy()).args(arguments).out_at(&to)
}

fn verify(out: &Path) {
    let outcome = Export::command("verify --deep").arg(&out.to_string_lossy()).run();
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
}

/// What a plain reader of the snapshot finds other than the views of `schema --latest` over the source.
fn differences(source: &Path, snapshot: &Path) -> String {
    let sql =
        Export::command("schema --latest duckdb --from").arg(&source.to_string_lossy()).expect(0).stdout;
    let mut child = Command::new(python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshot/compare.py"))
        .arg(snapshot)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    child.stdin.take().unwrap().write_all(sql.as_bytes()).expect("SQL");
    let output = child.wait_with_output().expect("python");
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn is_as_the_views_show(source: &Path, snapshot: &Path, told: &str) {
    let differences = differences(source, snapshot);
    assert!(differences.is_empty(), "{told}:\n{}", differences.chars().take(3000).collect::<String>());
}

/// Nights of an account in which contacts come, write, edit and delete; and in between a plain run with odd contacts.
fn nights(options: &str, seed: u32) -> (Service, Export) {
    nights_of("--wild 0.2 --wild-kind valid", options, seed)
}

/// The same with other switches of the simulator.
fn nights_of(switches: &str, options: &str, seed: u32) -> (Service, Export) {
    let switches = format!("--seed {seed} --account-contacts 18 --max-messages 70 {switches}");
    let service = Service::start(&switches);
    let odd = ["unknown-x", "empty-y", "poison-2-c", "messages-25-a", "messages-1-b"];
    let plain = Export::run_of(service.url(), odd).args("--retries 0").args(options);
    let all = plain.clone().without("--contacts").args("--all-contacts --incremental");
    all.expect(0);
    service.night();
    all.expect(0);
    plain.run().expect(3);
    service.night();
    service.night();
    // A third of the contacts are swept, so edits and deletions are found too.
    all.clone().args("--full-sweep-every 1ms").expect(0);
    service.night();
    all.expect(0);
    (service, all)
}

#[test]
fn a_plain_reader_sees_what_the_views_show() {
    let cases = [
        ("", &["", "--partition-by month,channel --target-file-size 8KB"][..]),
        (
            "--partition-by month,channel --target-file-size 8KB",
            &["", "--format jsonl --partition-by channel,year", "--partition-by date --compression snappy"],
        ),
        (
            "--format jsonl --compression zstd --partition-by date,channel",
            &["--partition-by month", "--format jsonl --compression gzip"],
        ),
        ("--format jsonl --partition-by run", &["--partition-by export_date,channel"]),
    ];
    for (seed, (of_source, forms)) in (0..).zip(cases) {
        let (_service, source) = nights(of_source, seed);
        for (number, form) in forms.iter().enumerate() {
            let told = format!("{of_source:?} to {form:?}");
            let export = snapshot(&source, &format!("snapshot-{number}"), form);
            let outcome = export.expect(3);
            assert_eq!(outcome.manifest()["contacts"]["failed"], 1, "{told}");
            verify(&outcome.out);
            is_as_the_views_show(source.out_path(), &outcome.out, &told);
        }
    }
}

/// Rows of a contact that come from many folders have the order that one run gives them.
#[test]
fn rows_have_the_order_of_a_run_however_the_source_is_partitioned() {
    let rows = |options: &str| {
        let (_service, source) = nights_of("", options, 7);
        let outcome = snapshot(&source, "snapshot", "--format jsonl").expect(3);
        ["contacts", "conversations", "messages", "channel_records", "coverage"]
            .map(|table| outcome.rows(table).without_run())
    };
    let whole = rows("");
    assert!(whole[3].len() > 500, "{}", whole[3].len());
    for options in
        ["--partition-by date,channel --target-file-size 4KB", "--partition-by channel --format jsonl"]
    {
        assert!(rows(options) == whole, "{options}");
    }
}

#[test]
fn the_same_source_and_options_give_the_same_snapshot() {
    let (_service, source) = nights("--partition-by month", 3);
    let form = "--run-id same --partition-by channel --target-file-size 4KB --format jsonl";
    let [first, second] = ["first", "second"].map(|name| snapshot(&source, name, form).expect(3));
    assert_eq!(first.tree(), second.tree());
    let time = |outcome: &Outcome| outcome.manifest()["started_at"].as_str().unwrap().to_owned();
    let (before, after) = (time(&first), time(&second));
    for path in first.tree().iter().filter(|path| !path.starts_with("_runs")) {
        let [one, other] = [&first, &second].map(|outcome| read(&outcome.out.join(path)));
        assert!(one.replace(&before, &after) == other, "{path}");
    }
    let ids = |outcome: &Outcome| outcome.rows("coverage").column("run_id");
    assert!(ids(&first).iter().all(|id| id == "same"), "rows are stamped by the snapshot");
}

/// Contact and text of each message.
fn texts(rows: &Rows) -> Vec<String> {
    let mut texts: Vec<String> = rows
        .0
        .iter()
        .map(|row| format!("{}: {}", row["message_id"].as_str().unwrap(), row["content"].as_str().unwrap()))
        .collect();
    texts.sort();
    texts
}

const PEOPLE: [&str; 7] = ["rested", "writes", "edited", "deletes", "fails", "gone", "never"];

/// Four nights of an account that is known to the last message.
fn known_nights(account: &Account) -> Export {
    let export = account.nightly(&PEOPLE);
    account.change("never", |person| person.is_refused = true);
    export.clone().args("--run-id night1").expect(3);
    account.write("writes", "3");
    account.write("fails", "3");
    export.clone().args("--run-id night2").expect(3);
    account.change("edited", |person| *person.messages.get_mut("edited-1").unwrap() = "other".to_owned());
    account.change("deletes", |person| drop(person.messages.remove("deletes-2")));
    account.change("fails", |person| {
        person.messages.clear();
        person.is_refused = true;
    });
    export.clone().args("--run-id night3 --full-sweep-every 1ms").expect(3);
    account.remove("gone");
    account.write("writes", "4");
    export.clone().args("--run-id night4").expect(3);
    export
}

#[test]
fn each_contact_is_as_it_was_when_it_was_last_read() {
    let account = Account::of(&PEOPLE);
    let source = known_nights(&account);
    let outcome = snapshot(&source, "snapshot", "--format jsonl --run-id snap").expect(3);
    verify(&outcome.out);
    is_as_the_views_show(source.out_path(), &outcome.out, "known nights");
    assert_eq!(
        texts(&outcome.rows("messages")),
        [
            "deletes-1: hello",
            "edited-1: other",
            "edited-2: hello",
            "fails-1: hello",
            "fails-2: hello",
            "fails-3: news",
            "rested-1: hello",
            "rested-2: hello",
            "writes-1: hello",
            "writes-2: hello",
            "writes-3: news",
            "writes-4: news",
        ],
        "the account's last state; the contact that fails now has the messages of its last read"
    );
    let coverage = outcome.rows("coverage");
    let statuses: Vec<String> = coverage
        .0
        .iter()
        .map(|row| format!("{} {}", row["contact_id"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        statuses,
        [
            "fails exported",
            "rested exported",
            "edited exported",
            "deletes exported",
            "writes exported",
            "gone not_found",
            "never failed",
        ],
        "by run, and within a run by input"
    );
    let failed = read(&outcome.out.join("_runs/snap/failed.csv"));
    assert!(failed.starts_with("contact_id,error\nnever,"), "{failed}");
    let manifest = outcome.manifest();
    let runs: Vec<&str> = manifest["snapshot_of"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["run_id"].as_str().unwrap())
        .collect();
    assert_eq!(runs, ["night4", "night3", "night2", "night1"]);
    let newest = read_json(&source.out_path().join("_runs/latest.json"));
    assert_eq!(manifest["snapshot_of"][0]["sha256"], newest["sha256"]);
    assert_eq!((&manifest["previous"], &manifest["input"]["contacts"]), (&Value::Null, &json!(7)));
    assert!(outcome.last_line().ends_with("from 4 runs"), "{}", outcome.last_line());
    assert!(outcome.last_line().contains("no run has read 1 contacts"), "{}", outcome.last_line());
}

#[test]
fn other_commands_work_on_a_snapshot() {
    let account = Account::of(&PEOPLE);
    let source = known_nights(&account);
    let export = snapshot(&source, "snapshot", "--json --partition-by year");
    let outcome = export.expect(3);
    assert_eq!(serde_json::from_str::<Value>(&outcome.stdout).unwrap(), outcome.manifest());
    let out = outcome.out.to_string_lossy().into_owned();
    Export::command("verify --deep --json").arg(&out).expect(0);
    let report = Export::command("report -o -").args("").arg(&out).expect(0);
    assert!(report.stdout.contains("Snapshot of"), "it names its source");
    Export::command("prune --keep-last 1").arg(&out).expect(0);
    Export::command("runs").arg(&out).expect(0);
    // The views over the snapshot show what those over the source show.
    is_as_the_views_show(&outcome.out, &outcome.out, "the views over a snapshot");
    // A snapshot of a snapshot is the same.
    let again = snapshot(&export, "again", "--partition-by month");
    is_as_the_views_show(source.out_path(), &again.out_at(&export.path("again")).expect(3).out, "twice");
    verify(&export.path("again"));
}

#[test]
fn a_clock_that_steps_back_changes_nothing() {
    let account = Account::of(&PEOPLE);
    let source = known_nights(&account);
    let expected = texts(&snapshot(&source, "before", "--format jsonl").expect(3).rows("messages"));
    // The newest run, as a clock that was set back by years would have dated it.
    let path = source.out_path().join("_runs/night4/manifest.json");
    let mut manifest = read_json(&path);
    manifest["started_at"] = json!("2020-01-01T00:00:00.000000Z");
    manifest["finished_at"] = json!("2020-01-01T00:00:01.000000Z");
    let text = manifest.to_string();
    write(&path, &text);
    let latest = source.out_path().join("_runs/latest.json");
    let mut named = read_json(&latest);
    named["sha256"] = json!(chatzy_export::internals::digest::sha256(&text));
    write(&latest, named.to_string());
    let outcome = snapshot(&source, "after", "--format jsonl").expect(3);
    assert_eq!(texts(&outcome.rows("messages")), expected);
    is_as_the_views_show(source.out_path(), &outcome.out, "a clock that steps back");
}

#[test]
fn runs_with_parts_of_contacts_are_left_out() {
    let account = Account::of(&["a", "b"]);
    let source = account.plain(&["a", "b"]);
    source.clone().args("--run-id part --since 2026-06-01").expect(0);
    let only_parts = snapshot(&source, "none", "").expect(2);
    let said = only_parts.last_line().replace(&*source.path("").to_string_lossy(), "SOURCE/");
    insta::assert_snapshot!(said, @"error: all runs in SOURCE/export have only parts of contacts (--since, --until or --channel): export whole contacts first; nothing was published");
    source.clone().args("--run-id whole").expect(0);
    source.clone().args("--run-id late --channel whatsapp").expect(0);
    let outcome = snapshot(&source, "snapshot", "--format jsonl").expect(0);
    assert_eq!(outcome.rows("messages").len(), 4);
    let warnings: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("warning")).collect();
    insta::assert_snapshot!(warnings.join("\n"), @r"
    warning: run part is left out: it has only parts of contacts (--since)
    warning: run late is left out: it has only parts of contacts (--channel)
    ");
    verify(&outcome.out);
}

/// Such a run has no rows of its own, and no earlier run has them.
#[test]
fn a_contact_whose_rows_are_in_no_run_is_told() {
    let service = Service::start("--seed 3");
    let export = Export::run_of(service.url(), ["unused"]).without("--contacts");
    let export = export.args("--all-contacts --incremental --keep-raw --format jsonl");
    export.expect(0);
    service.night();
    let second = export.expect(0);
    let rebuilt = export.path("rebuilt");
    Export::command("rebuild --progress never --from")
        .arg(&second.out.to_string_lossy())
        .arg("--out")
        .arg(&rebuilt.to_string_lossy())
        .expect(0);
    let source = export.out_at(&rebuilt);
    let outcome = snapshot(&source, "snapshot", "--format jsonl").expect(3);
    let failed = outcome.contacts("failed");
    assert_eq!(failed, second.contacts("unchanged"));
    assert_eq!(outcome.contacts("exported"), second.contacts("exported"));
    let coverage = outcome.rows("coverage");
    let row = coverage.0.iter().find(|row| row["status"] == "failed").unwrap();
    let run_id = second.manifest()["run_id"].as_str().unwrap().to_owned();
    insta::assert_snapshot!(row["error"].as_str().unwrap().replace(&run_id, "RUN"), @"no run of the export has its rows; the run RUN found it unchanged");
    verify(&outcome.out);
}

#[test]
fn exports_of_older_versions_have_snapshots() {
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/0.1.0"));
    for name in ["plain", "flat", "incremental", "partitioned", "pruned"] {
        let export = Export::command("run");
        let copied = Command::new("cp").arg("-R").arg(fixtures.join(name)).arg(export.out_path()).status();
        assert!(copied.expect("cp").success());
        let outcome = snapshot(&export, "snapshot", "").run();
        assert!(matches!(outcome.code, Some(0 | 3)), "{name}: {}", outcome.stderr);
        verify(&outcome.out);
        is_as_the_views_show(export.out_path(), &outcome.out, name);
    }
}

#[test]
fn runs_of_merged_folders_are_ordered_by_time_and_named() {
    let account = Account::of(&["a", "b"]);
    let source = account.plain(&["a"]);
    source.clone().args("--run-id first").expect(0);
    let other = account.plain(&["a", "b"]).args("--run-id second").out("other");
    account.write("a", "3");
    let other = other.expect(0);
    for path in tree(&other.out).iter().filter(|path| !path.ends_with("latest.json")) {
        let bytes = std::fs::read(other.out.join(path)).unwrap();
        write(&source.out_path().join(path), bytes);
    }
    let outcome = snapshot(&source, "snapshot", "--format jsonl").expect(0);
    assert_eq!(texts(&outcome.rows("messages")).len(), 5);
    is_as_the_views_show(source.out_path(), &outcome.out, "merged folders");
    let warning = outcome.stderr.lines().find(|line| line.starts_with("warning")).unwrap();
    insta::assert_snapshot!(warning, @"warning: run second is not in the chain of manifests, and is ordered by its time");
}
