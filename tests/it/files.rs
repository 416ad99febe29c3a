//! The files of an export, and the statements of the program about them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::export::{Export, Outcome, json, tree};
use crate::support::service::Service;
use crate::support::tables::{self, Reader, Rows};

pub const CONTACTS: [&str; 5] = ["messages-250-a", "messages-7-b", "empty-c", "unknown-d", "messages-120-e"];

pub fn export(service: &Service) -> Export {
    Export::run_of(service.url(), CONTACTS)
}

/// The files of a table.
pub fn paths(manifest: &Value, table: &str) -> Vec<String> {
    let files = manifest["files"].as_array().expect("files").iter();
    files
        .filter(|file| file["table"] == table)
        .map(|file| file["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn files_are_for_their_owner_only_whatever_the_umask() {
    let service = Service::start("");
    let outcome = export(&service).shell(r#"umask 000; exec "$@""#).args("--partition-by month").expect(0);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut folders = BTreeSet::from([outcome.out.clone()]);
    for file in outcome.tree() {
        let path = outcome.out.join(&file);
        assert_eq!(mode(&path), 0o600, "{file}");
        folders.extend(path.ancestors().skip(1).take_while(|at| **at != outcome.out).map(Path::to_owned));
    }
    for folder in folders {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
}

#[test]
fn sha256sum_agrees() {
    let service = Service::start("");
    let outcome = export(&service).expect(0);
    let list = format!("_runs/{}/checksums.sha256", outcome.manifest()["run_id"].as_str().unwrap());
    let mut check = Command::new("sha256sum");
    let output = check.args(["--check", "--strict", &list]).current_dir(&outcome.out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).lines().count(),
        outcome.manifest()["files"].as_array().unwrap().len() + 1,
        "every file is checked, and the list of contacts that do not exist"
    );
}

/// Asserts that the manifest names all files on the disk and no others, and that its counts are those of
/// other readers.
pub fn assert_consistent(outcome: &Outcome) {
    let manifest = outcome.manifest();
    let run_id = manifest["run_id"].as_str().unwrap();
    let mut expected: BTreeSet<String> =
        ["manifest.json", "checksums.sha256"].map(|name| format!("_runs/{run_id}/{name}")).into();
    expected.insert("_runs/latest.json".to_owned());
    if manifest["contacts"]["not_found"] != 0 {
        expected.insert(format!("_runs/{run_id}/not_found.csv"));
    }
    for file in manifest["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        expected.insert(path.to_owned());
        let bytes = std::fs::metadata(outcome.out.join(path)).unwrap().len();
        assert_eq!(file["bytes"], bytes, "{path}");
        assert_ne!(file["rows"], 0, "{path}: no empty files");
        assert!(path.contains(run_id), "{path}");
    }
    assert_eq!(outcome.tree(), expected.into_iter().collect::<Vec<_>>());
}

#[test]
fn the_manifest_names_what_is_there_and_nothing_else() {
    let service = Service::start("");
    let outcome = export(&service).args("--run-id my-run.1").expect(0);
    assert_consistent(&outcome);
    let latest = json(&outcome.out.join("_runs/latest.json"));
    assert_eq!(latest["run_id"], "my-run.1");
    assert_eq!(latest["manifest"], "_runs/my-run.1/manifest.json");
    let manifest = outcome.manifest();
    assert_eq!(manifest["status"], "complete");
    assert_eq!(manifest["source"]["base_url"], service.url());
    assert_eq!(manifest["input"]["contacts"], 5);
    assert_eq!(
        manifest["contacts"],
        serde_json::json!({
            "requested": 5, "exported": 3, "empty": 1, "not_found": 1, "unresolved": 0, "unchanged": 0, "failed": 0
        })
    );
    let read = tables::all(&outcome.out, Reader::Pyarrow);
    for (table, entry) in manifest["tables"].as_object().unwrap() {
        assert_eq!(entry["rows"], read.get(table).map_or(0, Rows::len), "{table}");
    }
    assert_eq!(manifest["tables"]["messages"]["rows"], 377);
    assert_eq!(
        manifest["requests"]["sent"],
        service.stats().requests,
        "requests are counted as the API counts them"
    );
}

#[test]
fn a_table_without_rows_has_no_file() {
    let service = Service::start("");
    let outcome = Export::run_of(service.url(), ["empty-a", "unknown-b"]).expect(0);
    assert_consistent(&outcome);
    let tables: BTreeSet<String> =
        outcome.tree().iter().map(|path| path.split('/').next().unwrap().to_owned()).collect();
    assert_eq!(tables, ["_runs", "contacts", "coverage"].map(str::to_owned).into());
}

#[test]
fn every_format_and_compression_reads_back_the_same() {
    let service = Service::start("--wild 0.2 --wild-kind valid");
    let mut first: Option<BTreeMap<String, Rows>> = None;
    let formats = [
        ("parquet", "zstd", "parquet"),
        ("parquet", "zstd:9", "parquet"),
        ("parquet", "snappy", "parquet"),
        ("parquet", "none", "parquet"),
        ("jsonl", "none", "jsonl"),
        ("jsonl", "gzip", "jsonl.gz"),
        ("jsonl", "zstd", "jsonl.zst"),
    ];
    let base = export(&service);
    for (format, compression, ending) in formats {
        let name = format!("{format}-{compression}");
        let outcome =
            base.clone().out(&name).args(&format!("--format {format} --compression {compression}")).expect(0);
        for path in paths(&outcome.manifest(), "messages") {
            assert!(path.ends_with(&format!(".{ending}")), "{path}");
        }
        let read = tables::all(&outcome.out, Reader::Pyarrow);
        let read: BTreeMap<_, _> =
            read.into_iter().map(|(table, rows)| (table, rows.without_run())).collect();
        assert_eq!(read.len(), 5);
        match &first {
            None => first = Some(read),
            Some(first) => {
                for (table, rows) in first {
                    assert_eq!(rows.len(), read[table].len(), "{table} of {name}");
                    for (expected, row) in rows.0.iter().zip(&read[table].0) {
                        assert_eq!(expected, row, "{table} of {name}");
                    }
                }
            }
        }
    }
}

#[test]
fn duckdb_reads_the_same_as_pyarrow() {
    let service = Service::start("");
    let outcome = export(&service).expect(0);
    let (ours, theirs) =
        (tables::all(&outcome.out, Reader::Pyarrow), tables::all(&outcome.out, Reader::DuckDb));
    assert!(ours == theirs, "the two readers differ");
    assert_eq!(ours["messages"].len(), 377);
}

#[test]
fn runs_into_one_folder_are_chained() {
    let service = Service::start("");
    let export = export(&service);
    let first = export.clone().args("--run-id first").expect(0).manifest();
    let outcome = export.args("--run-id second").expect(0);
    let latest = outcome.manifest();
    assert_eq!(first["previous"], Value::Null);
    assert_eq!(latest["previous"]["run_id"], "first");
    let sum = Command::new("sha256sum").arg(outcome.out.join("_runs/first/manifest.json")).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert_eq!(latest["previous"]["sha256"], sum.split(' ').next().unwrap());
    assert!(outcome.tree().iter().any(|path| path.starts_with("messages/part-first-")), "both are there");
}

#[test]
fn a_run_id_is_used_once() {
    let service = Service::start("");
    let export = export(&service).args("--run-id once");
    export.expect(0);
    let before = tree(&export.path("export"));
    let outcome = export.expect(2);
    insta::assert_snapshot!(outcome.last_line(), @"error: a run once exists already in this export: choose another --run-id");
    assert_eq!(outcome.tree(), before);
}

#[test]
fn json_prints_the_manifest_and_nothing_else() {
    let service = Service::start("");
    let outcome = export(&service).args("--json").expect(0);
    let printed: Value = serde_json::from_str(&outcome.stdout).expect("one JSON document on stdout");
    assert_eq!(printed, outcome.manifest());
}

#[test]
fn a_quiet_run_that_went_well_says_nothing() {
    let service = Service::start("");
    let outcome = export(&service).args("-q").expect(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

#[test]
fn a_json_log_is_json_line_by_line() {
    let service = Service::start("");
    let outcome = export(&service).args("--log-format json -vv").expect(0);
    let events = outcome.stderr.lines().filter(|line| line.starts_with('{'));
    let events: Vec<Value> = events.map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(events.iter().any(|event| event["event"] == "page_read" && event["contact"] == "messages-7-b"));
}

#[test]
fn a_dry_run_writes_nothing() {
    let service = Service::start("");
    let export = export(&service).args("--dry-run");
    let outcome = export.expect(0);
    assert!(!outcome.out.exists(), "not even the folder");
    insta::assert_snapshot!(outcome.last_line(), @"dry run: nothing was written");
    let stats = service.stats();
    assert_eq!((stats.sign_ins, stats.requests), (1, 2), "one sign-in, one contact");
}

#[test]
fn closed_and_full_streams_change_nothing() {
    let service = Service::start("");
    let lines = [
        (r#"exec "$@" >&-"#, 0),
        (r#"exec "$@" 2>&-"#, 0),
        (r#"exec "$@" >&- 2>&-"#, 0),
        (r#"exec "$@" 2>/dev/full"#, 0),
        // The run is published, but its summary could not be delivered.
        (r#"exec "$@" >/dev/full 2>/dev/full"#, 6),
    ];
    for (at, (line, code)) in lines.into_iter().enumerate() {
        let outcome = export(&service).args("--json -vv").out(&at.to_string()).shell(line).expect(code);
        assert_consistent(&outcome);
    }
}

#[test]
fn data_that_cannot_be_written_to_stdout_is_an_error() {
    let service = Service::start("");
    let run = export(&service).args("--format jsonl");
    let out = run.expect(0).out.to_string_lossy().into_owned();
    let commands = [
        format!("verify --json {out}"),
        format!("report {out} -o -"),
        format!("prune --json --keep-last 1 {out}"),
        format!("schema --latest duckdb --from {out}"),
        "schema --format arrow".to_owned(),
        "schema --merge postgres".to_owned(),
        "contacts --simulated --out -".to_owned(),
        "man".to_owned(),
        "completions bash".to_owned(),
        "check --simulated --json".to_owned(),
        "simulate --port 0".to_owned(),
    ];
    for command in commands {
        let outcome = Export::command(&command).shell(r#"exec "$@" >/dev/full"#).expect(6);
        assert!(outcome.stderr.contains("stdout: No space left on device"), "{command}: {}", outcome.stderr);
    }
    let outcome = run.args("--json").shell(r#"exec "$@" >/dev/full"#).expect(6);
    assert!(outcome.last_line().contains("is published, but its summary"), "{}", outcome.last_line());
}

#[test]
fn other_files_are_not_written_into_an_export() {
    let service = Service::start("");
    let run = export(&service);
    let out = run.path("export");
    for there in [false, true] {
        for name in ["chatzy.prom", "messages/chatzy.prom", "_runs/../chatzy.prom"] {
            let file = out.join(name);
            let refused = run.clone().args("--metrics-file").arg(&file.to_string_lossy()).expect(2);
            let line = refused.last_line();
            let names_both =
                line.contains("DIR/export/") && line.contains("is inside the export DIR/export;");
            assert!(names_both && line.contains("--metrics-file"), "{line}");
            assert!(!file.exists() && out.exists() == there, "{name}");
        }
        run.expect(0);
    }
    // This also holds through a symbolic link, and for a command that does not know this export.
    std::os::unix::fs::symlink(&out, run.path("link")).unwrap();
    for folder in ["link", "link/messages", "missing/../export", "missing/../link/_runs"] {
        let file = format!("{folder}/new");
        let refused = run.clone().args("--metrics-file").arg(&file).expect(2);
        assert!(refused.last_line().contains("is inside the export "), "{}", refused.last_line());
        for command in ["report link --output", "report export -o", "contacts --simulated --out"] {
            let line = format!("exec {} {command} {file}", crate::support::export::PROGRAM);
            let refused = run.clone().shell(&line).expect(2);
            assert!(refused.last_line().contains("is inside the export "), "{}", refused.last_line());
        }
        assert!(!run.path("missing").exists() && !run.path(&file).exists(), "{file}");
    }
    // A link in the place of the file is not followed.
    std::os::unix::fs::symlink(out.join("messages/page.html"), run.path("page.html")).unwrap();
    run.clone()
        .shell(&format!("exec {} report link -o page.html", crate::support::export::PROGRAM))
        .expect(6);
    for folder in [out.join("messages"), run.path("link"), run.path("link/_runs")] {
        let file = folder.join("contacts.csv").to_string_lossy().into_owned();
        let refused = Export::command("contacts --simulated --out").arg(&file).expect(2);
        let line = refused.last_line();
        assert!(line.contains(&file) && line.contains("is inside the export "), "{line}");
        assert!(!Path::new(&file).exists());
    }
    Export::command("verify --deep").arg(&out.to_string_lossy()).expect(0);
}

#[test]
fn contacts_come_from_stdin() {
    let service = Service::start("");
    let export = export(&service).without("--contacts").args("--contacts - --format jsonl");
    export.write("ids", "\u{feff}messages-3-x\r\n  messages-4-y \r\n\r\nmessages-3-x\r\n");
    let outcome = export.stdin("ids").expect(0);
    assert_eq!(outcome.rows("coverage").column("contact_id"), ["messages-3-x", "messages-4-y"]);
    assert_eq!(outcome.manifest()["input"]["path"], "-");
    assert_eq!(outcome.manifest()["input"]["duplicates"], 1);
}

#[test]
fn since_and_until_cut_a_window() {
    let service = Service::start("");
    let base = export(&service).args("--format jsonl");
    let all = base.clone().out("all").expect(0).rows("messages");
    let mut times = all.column("created_at");
    times.sort();
    let (since, until) = (&times[times.len() / 4], &times[times.len() / 2]);
    let outcome = base.args("--since").arg(since).args("--until").arg(until).expect(0);
    let inside = |time: &String| since <= time && time < until;
    let expected: Vec<String> = all
        .column("message_id")
        .into_iter()
        .zip(all.column("created_at"))
        .filter(|(_, at)| inside(at))
        .map(|(id, _)| id)
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(outcome.rows("messages").column("message_id"), expected);
    assert_eq!(outcome.rows("contacts").len(), 4, "contacts keep their rows");
    let counted: u64 =
        outcome.rows("contacts").0.iter().map(|row| row["message_count"].as_u64().unwrap()).sum();
    assert_eq!(counted, expected.len() as u64, "counts are of the exported messages");
}

#[test]
fn two_channels_are_two_passes_united() {
    let service = Service::start("");
    let base =
        Export::run_of(service.url(), (0..8).map(|at| format!("messages-60-{at}"))).args("--format jsonl");
    let all = base.clone().out("all").expect(0).rows("messages");
    let outcome = base.args("--channel whatsapp --channel instagram").expect(0);
    let rows = outcome.rows("messages");
    let channels: BTreeSet<String> = rows.column("channel").into_iter().collect();
    assert_eq!(channels, ["instagram", "whatsapp"].map(str::to_owned).into());
    let kinds = all.column("message_id").into_iter().zip(all.column("conversation_type"));
    let wanted: BTreeSet<String> = kinds
        .filter(|(_, kind)| kind.starts_with("whatsapp") || kind.starts_with("instagram"))
        .map(|(id, _)| id)
        .collect();
    assert!(wanted.len() < all.len(), "there are others");
    assert_eq!(rows.column("message_id").into_iter().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(rows.len(), wanted.len());
}

#[test]
fn the_built_in_api_needs_no_credentials() {
    let export = Export::command("run --simulated --contacts contacts.csv --format jsonl");
    export.write("contacts.csv", "contact_id\nmessages-12-a\n");
    assert_eq!(export.env_remove("HOME").expect(0).rows("messages").len(), 12);
}
