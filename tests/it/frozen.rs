//! Exports of released versions, as `tests/fixtures` keeps them: every later version reads them and adds runs to them.
//!
//! A change that breaks one of these tests breaks the exports that users have. Mend the change, never the fixture.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::export::{Export, json, read, write};
use crate::warehouse::databases::Database;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// A copy of a frozen export. It has the modes and times of a checkout, not those that the exporter set.
struct Thawed {
    name: String,
    /// A run into it.
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

    /// Another command on it.
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

    /// What `schema` prints for it.
    fn script(&self, arguments: &str) -> String {
        let from = self.out().to_string_lossy().into_owned();
        let outcome = Export::command("schema").args(arguments).args("--from").arg(&from).run();
        assert_eq!(outcome.code, Some(0), "{} {arguments}: {}", self.name, outcome.stderr);
        outcome.stdout
    }

    /// The rows of a query after all runs are loaded into DuckDB.
    fn loaded(&self, query: &str) -> Vec<String> {
        let tables = Export::command("schema --format duckdb").expect(0).stdout;
        let merge = self.script("--merge duckdb");
        Database::duckdb().run(&format!("{tables}\n{merge}\n{query}"), self.out())
    }

    /// The options that the next run needs so that it fits the runs there.
    fn options(&self) -> String {
        let options = self.newest()["options"].clone();
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
}

/// All frozen exports of all versions.
fn fixtures() -> Vec<Thawed> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect()
    };
    let mut exports: Vec<_> =
        folders(FIXTURES.as_ref()).iter().flat_map(|version| folders(version)).collect();
    exports.sort();
    assert!(exports.len() >= 7, "the exports of 0.1.0 at least: {exports:?}");
    exports.iter().map(|folder| Thawed::of(folder)).collect()
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
