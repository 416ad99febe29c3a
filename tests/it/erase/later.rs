//! An export lives on after an erasure: every command reads it, and later runs leave the contacts out.

use super::{command, rows, verified};
use crate::support::export::{Export, json};
use crate::support::service::Service;

fn rebuild(from: &Export, to: &str, options: &str) -> Export {
    let source = from.out_path().to_string_lossy().into_owned();
    let target = from.path(to).join("export");
    let command = Export::command("rebuild --progress never --from").arg(&source).args("--out");
    let command = command.arg(&target.to_string_lossy()).args(options);
    command.run();
    from.clone().out_at(&target)
}

const TABLES: [&str; 5] = ["contacts", "conversations", "messages", "channel_records", "coverage"];
const CONTACTS: [&str; 6] =
    ["messages-40-ada", "messages-90-b", "unknown-x", "poison-2-ada", "empty-y", "messages-17-e"];
const ORDER: &str = "--contact messages-40-ada --contact unknown-x --contact poison-2-ada --reference R";

#[test]
fn to_erase_and_rebuild_is_to_rebuild_and_erase() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), CONTACTS).args("--keep-raw --retries 0 --run-id r1");
    let export = export.args("--target-file-size 4KB");
    export.expect(3);
    let rebuilt_first = rebuild(&export, "rebuilt", "");
    command(&rebuilt_first, "erase", ORDER).expect(0);
    command(&export, "erase", ORDER).expect(0);
    let erased_first = rebuild(&export, "erased", "--keep-raw");
    for table in TABLES {
        assert_eq!(rows(&erased_first, table, "r1"), rows(&rebuilt_first, table, "r1"), "{table}");
    }
    verified(&erased_first, "rebuilt after the erasure");
    verified(&rebuilt_first, "erased after the rebuild");
    // The archive of the rebuilt run has no gaps any more.
    let again = rebuild(&erased_first, "again", "");
    for table in TABLES {
        assert_eq!(rows(&again, table, "r1"), rows(&erased_first, table, "r1"), "{table}");
    }
}

#[test]
fn every_command_works_on_an_erased_export() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), CONTACTS).args("--retries 0 --partition-by month,channel");
    for run in ["r1", "r2", "r3"] {
        export.clone().args("--run-id").arg(run).expect(3);
    }
    command(&export, "erase", ORDER).expect(0);
    let report = export.path("report.html").to_string_lossy().into_owned();
    for (name, options) in
        [("runs", "--json"), ("cat", "messages"), ("report", &format!("-o {report}")), ("verify", "--run r1")]
    {
        command(&export, name, options).expect(0);
    }
    let from = export.out_path().to_string_lossy().into_owned();
    for options in ["--merge duckdb", "--latest duckdb"] {
        Export::command("schema").args(options).arg("--from").arg(&from).expect(0);
    }
    let to = export.path("latest").to_string_lossy().into_owned();
    Export::command("snapshot --progress never").arg(&from).args("--out").arg(&to).expect(0);
    let snapshot = export.clone().out("latest");
    verified(&snapshot, "the snapshot");
    let run = json(&snapshot.out_path().join("_runs/latest.json"));
    let copied = rows(&snapshot, "coverage", run["run_id"].as_str().unwrap());
    assert_eq!(copied.len(), 3, "{copied:?}");
    command(&export, "prune", "--keep-last 1").expect(0);
    verified(&export, "pruned");
    command(&export, "erase", "--contact messages-17-e --reference S").expect(0);
    verified(&export, "erased again");
}

/// The contacts in `coverage` of the newest run.
fn covered(export: &Export) -> Vec<String> {
    let latest = json(&export.out_path().join("_runs/latest.json"));
    let rows = rows(export, "coverage", latest["run_id"].as_str().unwrap());
    rows.iter().map(|row| row["contact_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn later_runs_leave_erased_contacts_out_until_they_come_back() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), CONTACTS).args("--retries 0 --format jsonl");
    export.clone().args("--run-id r1").expect(3);
    command(&export, "erase", ORDER).expect(0);
    let outcome = export.clone().args("--run-id r2").expect(0);
    assert!(outcome.stderr.contains("3 contacts are left out: they were erased"), "{}", outcome.stderr);
    assert_eq!(covered(&export), ["messages-90-b", "empty-y", "messages-17-e"]);
    let manifest = outcome.manifest();
    assert_eq!((&manifest["input"]["suppressed"], &manifest["input"]["contacts"]), (&3.into(), &3.into()));
    let dry = export.clone().args("--dry-run").expect(0).stderr;
    assert!(dry.contains("contacts:    3 in") && dry.contains("3 left out"), "{dry}");
    let check = Export::run_of(service.url(), CONTACTS).into_check();
    let checked = check.args("--out").arg(&export.out_path().to_string_lossy()).run();
    assert!(checked.stderr.contains("3 of them were erased"), "{}{}", checked.stdout, checked.stderr);
    let one =
        Export::run_of(service.url(), ["messages-40-ada"]).out_at(export.out_path()).args("--format jsonl");
    let refused = one.clone().expect(2).stderr;
    assert!(refused.contains("the contact was erased from this export"), "{refused}");
    let unknown = one.clone().args("--unsuppress OTHER").expect(2).stderr;
    assert!(unknown.contains("no erasure of"), "{unknown}");
    assert!(one.clone().args("--unsuppress R --dry-run").expect(0).stderr.contains("contacts:    1 in"));
    one.clone().expect(2);
    one.clone().args("--unsuppress R").expect(0);
    assert_eq!(covered(&export), ["messages-40-ada"]);
    verified(&export, "the contact came back");
    // The old runs stay without it, and it can be erased once more.
    command(&export, "erase", "--contact messages-40-ada --reference S").expect(0);
    one.expect(2);
    verified(&export, "erased again");
}

#[test]
fn incremental_runs_go_on_without_the_erased_contacts() {
    let service = Service::start("--seed 3");
    let export = Export::run_of(service.url(), ["unused"]).without("--contacts");
    let export = export.args("--all-contacts --incremental --keep-raw");
    export.expect(0);
    service.night();
    export.expect(0);
    let erased = covered(&export)[..5].join(" --contact ");
    command(&export, "erase", &format!("--contact {erased} --reference R")).expect(0);
    verified(&export, "two incremental runs");
    service.night();
    let outcome = export.expect(0);
    assert_eq!(outcome.manifest()["input"]["suppressed"], 5);
    assert!(outcome.contacts("unchanged") > 0, "the state is still in use: {}", outcome.stderr);
    verified(&export, "a third one");
    let rebuilt = rebuild(&export, "rebuilt", "");
    verified(&rebuilt, "the third one, rebuilt");
    command(&export, "prune", "--keep-last 1").expect(0);
    verified(&export, "pruned");
    let to = export.path("latest").to_string_lossy().into_owned();
    let snapshot = Export::command("snapshot --progress never").arg(&export.out_path().to_string_lossy());
    let snapshot = snapshot.args("--out").arg(&to);
    snapshot.expect(0);
    // The snapshot of an export from which contacts were erased is another one.
    let one = covered(&export)[0].clone();
    command(&export, "erase", &format!("--contact {one} --reference S")).expect(0);
    snapshot.expect(9);
    snapshot.args("--replace").expect(0);
    assert!(!covered(&export.clone().out("latest")).contains(&one));
}

#[test]
fn an_unfinished_run_that_may_hold_the_contacts_does_not_resume() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), CONTACTS).args("--retries 0 --format jsonl");
    export.clone().args("--run-id r1").expect(3);
    let work = export.path("work").to_string_lossy().into_owned();
    let elsewhere = export.clone().args("--run-id r2 --work-dir").arg(&work);
    // Interrupted before its publication, in a work folder that `erase` does not know.
    let fault = crate::support::faults::Fault {
        calls: " rename ",
        path: "publish.json",
        at: 1,
        fate: crate::support::faults::Fate::KillAfter,
    };
    assert_eq!(elsewhere.with_fault(fault).run().code, None);
    command(&export, "erase", ORDER).expect(0);
    let refused = elsewhere.expect(9).stderr;
    assert!(refused.contains("the set of erased contacts was empty"), "{refused}");
    elsewhere.args("--fresh").expect(0);
    assert_eq!(covered(&export), ["messages-90-b", "empty-y", "messages-17-e"]);
    verified(&export, "r2");
}

#[test]
fn a_database_loads_an_export_of_which_files_were_removed() {
    let service = Service::start("");
    for format in ["parquet", "jsonl"] {
        let export =
            Export::run_of(service.url(), CONTACTS).args("--retries 0 --target-file-size 1KB --format");
        let export = export.arg(format).args("--run-id r1");
        export.expect(3);
        let outcome = command(&export, "erase", ORDER).expect(0);
        assert!(!outcome.stdout.trim_end().ends_with("\t0"), "files are removed: {}", outcome.stdout);
        let from = export.out_path().to_string_lossy().into_owned();
        let sql = |options: &str| Export::command("schema").args(options).expect(0).stdout;
        let tables = sql("--format duckdb");
        let load = sql(&format!("--merge duckdb --from {from}"));
        let database = crate::warehouse::databases::Database::duckdb();
        let count = "SELECT count(*) || ' ' || count(DISTINCT contact_id) FROM coverage;";
        let loaded = database.run(&format!("{tables}\n{load}\n{load}\n{count}"), export.out_path());
        assert_eq!(loaded, ["3 3"], "{format}");
        let messages = database.run("SELECT count(*) FROM messages;", export.out_path());
        assert_eq!(messages, [rows(&export, "messages", "r1").len().to_string()], "{format}");
    }
}
