//! Exports of released versions in `tests/fixtures`: every later version reads them and adds runs to them.
//!
//! A change that breaks one of these tests breaks the exports of users. Repair the change, never the fixture.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::export::{Export, json, read, tree, write};
use crate::warehouse::databases::Database;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// A copy of a frozen export, with the modes and times of a checkout.
struct Thawed {
    name: String,
    /// A run into the export.
    export: Export,
}

impl Thawed {
    fn of(folder: &Path) -> Self {
        let export = Export::command("run --simulated --progress never --contacts contacts.csv");
        write(&export.path("beside"), "");
        let copied = Command::new("cp").arg("-R").arg(folder).arg(export.out_path()).status();
        assert!(copied.expect("cp").success());
        let name = folder.strip_prefix(FIXTURES).unwrap().to_string_lossy().into_owned();
        Self { name, export }
    }

    fn out(&self) -> &Path {
        self.export.out_path()
    }

    /// Another command on the export.
    fn command(&self, command: &str, rest: &str) -> Export {
        Export::command(command).arg(&self.out().to_string_lossy()).args(rest).out_at(self.out())
    }

    fn newest(&self) -> Value {
        let latest = json(&self.out().join("_runs/latest.json"));
        json(&self.out().join(latest["manifest"].as_str().unwrap()))
    }

    fn runs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.out().join("_runs")).unwrap().map(Result::unwrap);
        let runs = entries.filter(|entry| entry.path().join("manifest.json").exists());
        runs.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }

    fn is_sound(&self, told: &str) {
        let outcome = self.command("verify --deep --json", "").run();
        assert_eq!(outcome.code, Some(0), "{} {told}: {}", self.name, outcome.stderr);
    }

    /// The output of `schema` for the export.
    fn script(&self, arguments: &str) -> String {
        let from = self.out().to_string_lossy().into_owned();
        let outcome = Export::command("schema").args(arguments).args("--from").arg(&from).run();
        assert_eq!(outcome.code, Some(0), "{} {arguments}: {}", self.name, outcome.stderr);
        outcome.stdout
    }

    /// The rows of a query after DuckDB has loaded all runs.
    fn loaded(&self, query: &str) -> Vec<String> {
        let tables = Export::command("schema --format duckdb").expect(0).stdout;
        let merge = self.script("--merge duckdb");
        Database::duckdb().run(&format!("{tables}\n{merge}\n{query}"), self.out())
    }

    /// The options of the next run that fits the existing runs.
    fn options(&self) -> String {
        options_of(&self.newest()["options"])
    }

    /// The record of the run in the work folder.
    fn record(&self) -> Value {
        json(&self.out().join("_work/run.json"))
    }

    /// The record of the run with this change.
    fn change_record(&self, change: impl Fn(&mut Value)) {
        let mut record = self.record();
        change(&mut record);
        write(&self.out().join("_work/run.json"), record.to_string());
    }

    /// The command that continues the unfinished run.
    fn continuing(&self) -> Export {
        let contacts = read(&self.out().join("contacts.csv"));
        self.export.write("contacts.csv", contacts);
        let options = options_of(&self.record()["identity"]["options"]);
        self.export.clone().args("--retries 0").args(&options)
    }
}

/// The options as a command has them.
fn options_of(options: &Value) -> String {
    let text = |name: &str| options[name].as_str().unwrap().to_owned();
    let mut arguments =
        vec!["--format".to_owned(), text("format"), "--compression".to_owned(), text("compression")];
    let keys = options["partition_by"].as_array().unwrap().iter();
    let keys: Vec<_> = keys.map(|key| key.as_str().unwrap()).collect();
    if !keys.is_empty() {
        arguments.extend(["--partition-by".to_owned(), keys.join(",")]);
    }
    let flags = [("flat", "--flat"), ("keep_raw", "--keep-raw"), ("incremental", "--incremental")];
    let given = flags.into_iter().filter(|(option, _)| options[option] == true);
    arguments.extend(given.map(|(_, flag)| flag.to_owned()));
    arguments.join(" ")
}

/// All fixtures of all versions that have such a folder.
fn folders_with(name: &str) -> Vec<PathBuf> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect()
    };
    let all = folders(FIXTURES.as_ref()).into_iter().flat_map(|version| folders(&version));
    let mut with: Vec<_> = all.filter(|folder| folder.join(name).exists()).collect();
    with.sort();
    with
}

/// All frozen exports of all versions.
fn fixtures() -> Vec<Thawed> {
    let exports = folders_with("_runs");
    assert!(exports.len() >= 7, "the exports of 0.1.0 at least: {exports:?}");
    exports.iter().map(|folder| Thawed::of(folder)).collect()
}

/// All frozen unfinished runs of all versions.
fn unfinished() -> Vec<Thawed> {
    let runs = folders_with("_work");
    assert!(!runs.is_empty(), "that of 0.1.0 at least");
    runs.iter().map(|folder| Thawed::of(folder)).collect()
}

#[test]
fn every_frozen_export_is_sound() {
    for frozen in fixtures() {
        frozen.is_sound("as it was frozen");
    }
}

#[test]
fn every_frozen_run_has_a_report() {
    for frozen in fixtures() {
        for run in frozen.runs() {
            let page = frozen.command("report", "--output report.html --run").arg(&run);
            let outcome = page.run();
            assert_eq!(outcome.code, Some(0), "{} {run}: {}", frozen.name, outcome.stderr);
            assert!(read(&page.path("report.html")).contains(&run), "{} {run}", frozen.name);
        }
    }
}

#[test]
fn every_frozen_export_is_loaded() {
    for frozen in fixtures() {
        let merged = frozen.loaded("SELECT count(*) FROM messages;");
        let views = frozen.script("--latest duckdb");
        let latest = format!("{views}\nSELECT count(*) FROM latest_messages;");
        let latest = Database::duckdb().run(&latest, frozen.out());
        assert!(merged == latest && merged != ["0"], "{}: {merged:?} and {latest:?}", frozen.name);
        if frozen.newest()["options"]["format"] == "jsonl" {
            assert!(frozen.script("--merge postgres").contains("\\copy"), "{}", frozen.name);
        }
    }
}

#[test]
fn the_tables_are_made_again_from_every_frozen_archive() {
    let archives: Vec<_> =
        fixtures().into_iter().filter(|frozen| frozen.out().join("raw").exists()).collect();
    assert!(!archives.is_empty());
    for frozen in archives {
        let again = frozen.export.path("again");
        let rebuild = Export::command("rebuild --from").arg(&frozen.out().to_string_lossy());
        let outcome = rebuild.args("--out").arg(&again.to_string_lossy()).run();
        assert_eq!(outcome.code, Some(0), "{}: {}", frozen.name, outcome.stderr);
        Export::command("verify --deep").arg(&again.to_string_lossy()).expect(0);
        let latest = json(&again.join("_runs/latest.json"));
        let made = json(&again.join(latest["manifest"].as_str().unwrap()));
        let was = frozen.newest();
        assert_eq!(made["contacts"], was["contacts"], "{}", frozen.name);
        for (table, entry) in was["tables"].as_object().unwrap() {
            assert_eq!(made["tables"][table]["rows"], entry["rows"], "{} {table}", frozen.name);
        }
    }
}

#[test]
fn runs_are_added_to_every_frozen_export_and_removed_from_it() {
    for frozen in fixtures() {
        let before = frozen.newest()["run_id"].clone();
        let contacts = frozen.loaded("SELECT DISTINCT contact_id FROM coverage ORDER BY ALL;");
        let contacts: Vec<_> =
            contacts.into_iter().filter(|contact| !contact.starts_with("poison-")).collect();
        frozen.export.write("contacts.csv", contacts.join("\n"));
        let next = frozen.export.clone().args(&frozen.options()).args("--run-id next");
        if frozen.options().contains("--incremental") {
            let plan = next.clone().args("--dry-run").expect(0).stderr;
            let due = plan.lines().find(|line| line.starts_with("due:")).unwrap_or(&plan);
            assert!(!due.contains(" new"), "{}: the contacts are known: {due}", frozen.name);
        }
        let outcome = next.run();
        assert_eq!(outcome.code, Some(0), "{}: {}", frozen.name, outcome.stderr);
        assert_eq!(outcome.manifest()["previous"]["run_id"], before, "{}", frozen.name);
        frozen.is_sound("with a run more");

        let pruned = frozen.command("prune", "--keep-last 1").run();
        assert_eq!(pruned.code, Some(0), "{}: {}", frozen.name, pruned.stderr);
        assert!(frozen.runs().contains(&"next".to_owned()), "{}: {:?}", frozen.name, frozen.runs());
        let is_incremental = frozen.options().contains("--incremental");
        assert!(is_incremental || frozen.runs().len() == 1, "{}: {:?}", frozen.name, frozen.runs());
        frozen.is_sound("with runs removed");
    }
}

#[test]
fn contacts_are_erased_from_every_frozen_export() {
    for frozen in fixtures() {
        let ids = |told: &str| {
            let printed = frozen.command("cat", "coverage").run();
            assert_eq!(printed.code, Some(0), "{} {told}: {}", frozen.name, printed.stderr);
            let rows = printed.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            rows.map(|row| row["contact_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (before, reference) = (ids("before"), frozen.newest());
        let erased = frozen.command("erase", "--reference R --contact").arg(&before[0]).run();
        assert_eq!(erased.code, Some(0), "{}: {}", frozen.name, erased.stderr);
        frozen.is_sound("without a contact");
        assert_eq!(ids("after"), before[1..], "{}", frozen.name);
        assert_eq!(frozen.newest(), reference, "{}", frozen.name);
        let left = tree(frozen.out()).into_iter().filter(|path| {
            let text = std::fs::read(frozen.out().join(path)).unwrap();
            text.windows(before[0].len()).any(|window| window == before[0].as_bytes())
        });
        assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new(), "{}", frozen.name);
    }
}

#[test]
fn every_frozen_unfinished_run_is_resumed_or_refused() {
    let major = env!("CARGO_PKG_VERSION").split('.').next().unwrap();
    let schema: Value =
        serde_json::from_str(&Export::command("schema --format arrow").expect(0).stdout).unwrap();
    for frozen in unfinished() {
        let record = frozen.record();
        let began = &record["identity"];
        let outcome = frozen.continuing().run();
        if began["major_version"] != major || began["schema_version"] != schema["schema_version"] {
            assert_eq!(outcome.code, Some(9), "{}: {}", frozen.name, outcome.stderr);
            assert!(outcome.last_line().contains("--fresh"), "{}: {}", frozen.name, outcome.last_line());
            continue;
        }
        // One contact always fails.
        assert_eq!(outcome.code, Some(3), "{}: {}", frozen.name, outcome.stderr);
        let first = outcome.stderr.lines().next().unwrap_or_default();
        assert_eq!(first, "run first resumes: 4 contacts, 2 of them already read", "{}", frozen.name);
        assert_eq!(outcome.manifest()["run_id"], record["run_id"], "{}", frozen.name);
        let coverage = outcome.rows("coverage");
        let of = |contact: &str| coverage.of_contact(contact).clone();
        assert_eq!(of("messages-3-a")["messages"], 3, "{}", frozen.name);
        assert_eq!(of("messages-2-b")["messages"], 2, "{}", frozen.name);
        // The responses of the first attempt count: nothing of these contacts is requested again.
        let time = |text: &Value| chrono::DateTime::parse_from_rfc3339(text.as_str().unwrap()).unwrap();
        let end_of_first = record["started_at"].as_i64().unwrap() + 60_000_000;
        for contact in ["messages-3-a", "messages-2-b"] {
            let read = time(&of(contact)["fetch_finished_at"]).timestamp_micros();
            assert!(read < end_of_first, "{}: {contact} was read at {read}", frozen.name);
        }
        let read_now = time(&of("messages-2-d")["fetch_started_at"]).timestamp_micros();
        assert!(read_now > end_of_first, "{}", frozen.name);
        frozen.is_sound("after its unfinished run is resumed");
    }
}

/// A change of the record in a work folder.
type Change = fn(&mut Value);

#[test]
fn a_run_that_another_version_began_is_refused_and_kept() {
    let versions: [(Change, &str); 2] = [
        (|run| run["identity"]["major_version"] = "99".into(), "the major version of chatzy-export was 99"),
        (|run| run["identity"]["schema_version"] = 0.into(), "the schema version was 0"),
    ];
    for (change, told) in versions {
        let frozen = unfinished().remove(0);
        frozen.change_record(change);
        let before = tree(&frozen.out().join("_work"));
        let line = frozen.continuing().expect(9).last_line();
        assert!(line.contains(told), "{line}");
        assert!(line.contains("to keep it, finish it with the version that began it; to discard"), "{line}");
        assert!(line.ends_with("the unfinished run with --fresh, run"), "{line}");
        assert_eq!(tree(&frozen.out().join("_work")), before, "the unfinished run stays");
        let fresh = frozen.continuing().args("--fresh").expect(3);
        assert!(!fresh.stderr.contains("already read"), "{}", fresh.stderr);
        frozen.is_sound("after its unfinished run is discarded");
    }
}
