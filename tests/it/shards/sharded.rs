//! A run in shards, and the plain run that it must equal.

use std::collections::BTreeMap;
use std::path::Path;

use chatzy_export::internals::durable::create_dir_all;
use serde_json::{Map, Value};

use crate::support::export::{Export, Outcome, json};
use crate::support::service::Service;

pub const RUN: &str = "20261120T020000Z-nightly";
/// The time in the ID of the run.
pub const TIME: &str = "2026-11-20T02:00:00.000000Z";

/// Contacts of every kind, two of them twice.
const CONTACTS: [&str; 18] = [
    "messages-35-a",
    "messages-3-b",
    "empty-c",
    "unknown-d",
    "messages-61-e",
    "messages-1-f",
    "messages-3-b",
    "messages-12-g",
    "unknown-h",
    "messages-7-i",
    "messages-2-j",
    "messages-19-k",
    "empty-l",
    "messages-4-m",
    "messages-35-a",
    "messages-8-n",
    "unknown-o",
    "messages-27-p",
];

/// Names of the counts that depend on how many processes read.
const COSTS: [&str; 3] = ["sent", "retries", "by_status"];

/// The API, the command, and the content of the plain run.
pub struct Sharded {
    pub service: Service,
    /// The plain run.
    pub plain: Export,
    reference: BTreeMap<String, Vec<String>>,
    manifest: Value,
}

impl Sharded {
    pub fn new(options: &str) -> Self {
        let service = Service::start("");
        let plain =
            Export::run_of(service.url(), CONTACTS).args("--format jsonl --page-size 9 --concurrency 3");
        let plain = plain.args(options);
        let whole = plain.clone().out("plain/export").expect(0);
        let reference = rows(&whole.out, &whole.manifest());
        Self { service, plain, reference, manifest: whole.manifest() }
    }

    /// The command of a shard into the export in this folder.
    pub fn shard(&self, folder: &str, index: u32, of: u32) -> Export {
        let shard = format!("{index}/{of}");
        self.plain
            .clone()
            .out(&format!("{folder}/export"))
            .args("--run-id")
            .arg(RUN)
            .args("--shard")
            .arg(&shard)
    }

    /// Exports all shards into this folder.
    pub fn all_shards(&self, folder: &str, of: u32) {
        for index in 0..of {
            self.shard(folder, index, of).expect(0);
        }
    }

    /// The command that publishes the export in this folder.
    pub fn commit(&self, folder: &str, of: u32) -> Export {
        commit(&self.plain.path(&format!("{folder}/export")), of)
    }

    /// A copy of a folder with shards, or with an export.
    pub fn copy(&self, from: &str, to: &str) {
        create_dir_all(&self.plain.path(to)).expect("a folder");
        let from = self.plain.path(&format!("{from}/export"));
        let copied = std::process::Command::new("cp").arg("-a").args([&from, &self.plain.path(to)]).status();
        assert!(copied.expect("cp").success());
    }

    /// The published run has the rows and counts of the plain one, and nothing else is left.
    pub fn assert_equal(&self, folder: &str, of: u32, told: &str) {
        let out = self.plain.path(&format!("{folder}/export"));
        let manifest = json(&out.join(format!("_runs/{RUN}/manifest.json")));
        let found = rows(&out, &manifest);
        for (table, expected) in &self.reference {
            assert_eq!(found[table], *expected, "{told}: {table}");
        }
        let counts = |manifest: &Value| {
            let names = ["status", "contacts", "unknown_fields", "tables", "source", "options", "input"];
            let mut counts: Map<String, Value> =
                names.into_iter().map(|name| (name.to_owned(), manifest[name].clone())).collect();
            // With an earlier run, they are the sums of both.
            if manifest["previous"].is_null() {
                counts.insert("known_fields".to_owned(), manifest["known_fields"].clone());
            }
            Value::Object(counts)
        };
        let mut expected = self.manifest.clone();
        expected["previous"].clone_from(&manifest["previous"]);
        assert_eq!(counts(&manifest), counts(&expected), "{told}");
        assert_eq!(manifest["shards"], of, "{told}");
        assert_eq!(manifest["started_at"], TIME, "{told}");
        assert!(COSTS.iter().all(|name| !manifest["requests"][name].is_null()), "{told}");
        assert!(!out.join("_shards").exists(), "{told}: the files of the shards are gone");
        assert!(!out.join(format!("_runs/{RUN}/shards")).exists(), "{told}: their manifests are gone");
        assert_sound(&out, told);
    }
}

/// The command that publishes an export.
pub fn commit(out: &Path, of: u32) -> Export {
    let export = Export::command("commit").arg(&out.to_string_lossy()).args("--run-id").arg(RUN);
    export.args("--shards").arg(&of.to_string()).args("--progress never").out_at(out)
}

/// A command on the export.
pub fn on(out: &Path, command: &str) -> Export {
    Export::command(command).arg(&out.to_string_lossy())
}

pub fn assert_sound(out: &Path, told: &str) -> Outcome {
    let verified = on(out, "verify --deep").run();
    assert_eq!(verified.code, Some(0), "{told}: {}{}", verified.stdout, verified.stderr);
    verified
}

/// The rows of each table, sorted, without what differs between two runs.
pub fn rows(out: &Path, manifest: &Value) -> BTreeMap<String, Vec<String>> {
    let tables = manifest["tables"].as_object().expect("tables").keys();
    let sorted = |table: &String| {
        let rows = crate::support::tables::Rows::of_jsonl(out, manifest, table).without_run();
        let mut lines: Vec<String> = rows.0.iter().map(Value::to_string).collect();
        lines.sort();
        (table.clone(), lines)
    };
    tables.map(sorted).collect()
}
