//! Other programs read the Delta tables as pyarrow reads the files that the manifests name.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{TABLES, delta, on, verified};
use crate::promises::root;
use crate::stores::account::{fetched, on as on_store};
use crate::support::export::Export;
use crate::support::service::Service;
use crate::support::stores::Remote;
use crate::system::skip;

/// The programs of `scripts/warehouse-tools.sh`.
const READERS: [&str; 3] = ["deltalake", "duckdb", "polars"];

/// Exports at a moment, to be read at the end: Python starts once.
#[derive(Default)]
struct Moments {
    told: Vec<String>,
    exports: Vec<Value>,
    /// The folders, which exist as long as their tests.
    folders: Vec<Export>,
}

fn python() -> PathBuf {
    root().join(".tools/warehouse/venv/bin/python")
}

impl Moments {
    /// Keeps a copy of the export as it is now.
    fn keep(&mut self, export: &Export, told: &str) {
        self.keep_with(export, None, told);
    }

    /// The same, with a snapshot that has the newest versions.
    fn keep_with(&mut self, export: &Export, newest: Option<&Path>, told: &str) {
        verified(export.out_path(), told);
        let copy = export.path(&format!("moment-{}", self.told.len()));
        let copied = Command::new("cp").arg("-a").arg(export.out_path()).arg(&copy).status();
        assert!(copied.expect("cp").success());
        self.add(&copy, None, told);
        if let (Some(newest), Some(kept)) = (newest, self.exports.last_mut()) {
            kept["newest"] = json!(newest);
        }
        self.folders.push(export.clone());
    }

    fn add(&mut self, path: &Path, remote: Option<&Remote>, told: &str) {
        let environment: Option<serde_json::Map<_, _>> = remote.map(|remote| {
            remote.environment().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
        });
        self.told.push(told.to_owned());
        self.exports.push(json!({"path": path, "url": remote.map(Remote::url), "environment": environment}));
    }

    /// Compares all of them, and returns the number of rows of each table.
    fn compare(self, test: &str) -> Vec<[u64; 5]> {
        let mut child = Command::new(python())
            .arg(root().join("tests/it/delta/read_delta.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python");
        child.stdin.take().unwrap().write_all(json!(self.exports).to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{:?}", self.told);
        let results: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
        let mut rows = Vec::new();
        for (told, result) in self.told.iter().zip(results) {
            let readers = result.as_object().unwrap();
            let mut counts = BTreeSet::new();
            for (reader, tables) in readers {
                let count = |table: &str| {
                    tables[table]
                        .as_u64()
                        .unwrap_or_else(|| panic!("{told}: {reader}: {table}: {}", tables[table]))
                };
                counts.insert(TABLES.map(count));
            }
            for reader in READERS.iter().filter(|reader| !readers.contains_key(**reader)) {
                skip(test, &format!("needs {reader} (scripts/warehouse-tools.sh)"));
            }
            rows.extend(counts);
        }
        rows
    }
}

/// Incremental nights of an account, in which contacts write, edit and delete.
fn nights(options: &str) -> (Service, Export) {
    let service =
        Service::start("--seed 5 --account-contacts 12 --max-messages 60 --wild 0.1 --wild-kind valid");
    let export = Export::run_of(service.url(), [""; 0]).without("--contacts");
    let export = export.args("--all-contacts --incremental --table-format delta").args(options);
    (service, export)
}

#[test]
fn delta_tables_have_the_rows_of_the_files() {
    let test = "delta_tables_have_the_rows_of_the_files";
    if !python().is_file() {
        return skip(test, "needs deltalake, Polars or DuckDB (scripts/warehouse-tools.sh)");
    }
    let mut moments = Moments::default();
    // Three nights, then a removal of old runs, then an erasure.
    for options in [
        "",
        "--partition-by month,channel --target-file-size 8KB",
        "--partition-by channel,year,date,run,export_date",
    ] {
        let (service, export) = nights(options);
        for night in 1..=3 {
            export.clone().args("--full-sweep-every 1ms --run-id").arg(&format!("night{night}")).expect(0);
            service.night();
        }
        moments.keep(&export, &format!("{options:?}, three nights"));
        export.clone().args("--full --run-id whole").expect(0);
        on(&export, "prune", "--keep-last 1").expect(0);
        moments.keep(&export, &format!("{options:?}, pruned"));
        let coverage = on(&export, "cat", "coverage").expect(0).stdout;
        let first: Value = serde_json::from_str(coverage.lines().next().unwrap()).unwrap();
        let contact = first["contact_id"].as_str().unwrap();
        on(&export, "erase", "--reference R --contact").arg(contact).expect(0);
        moments.keep(&export, &format!("{options:?}, one contact erased"));
        let snapshot = export.path("snapshot");
        let snap = on(&export, "snapshot", "--table-format delta --partition-by month --replace --out");
        let snap = snap.arg(&snapshot.to_string_lossy()).out_at(&snapshot);
        snap.expect(0);
        service.night();
        export.clone().args("--full-sweep-every 1ms --run-id later").expect(0);
        snap.expect(0);
        moments.add(&snapshot, None, &format!("{options:?}, a second snapshot"));
        moments.keep_with(&export, Some(&snapshot), &format!("{options:?}, a later night"));
    }
    let rows = moments.compare(test);
    for rows in rows.chunks(5) {
        let [nights, pruned, erased, snapshot, _] = rows else { panic!("{rows:?}") };
        assert!(nights[2] > pruned[2] && pruned[2] > 0, "fewer messages after a removal of runs: {rows:?}");
        assert_eq!(erased[4], pruned[4] - 1, "coverage: {rows:?}");
        assert!(snapshot[4] >= erased[4] && snapshot[4] < nights[4], "coverage: {rows:?}");
    }
}

#[test]
fn delta_tables_in_a_store_have_the_rows_of_the_files() {
    let test = "delta_tables_in_a_store_have_the_rows_of_the_files";
    if !python().is_file() {
        return skip(test, "needs deltalake, Polars or DuckDB (scripts/warehouse-tools.sh)");
    }
    let Some(remote) = Remote::seaweedfs(test).or_else(|| Remote::moto(test)) else { return };
    let service = Service::start("");
    let export = remote.reach(delta(&service)).args("--partition-by month,channel --work-dir work");
    let export = export.out_at(Path::new(&remote.url()));
    for run in ["r1", "r2", "r3"] {
        export.clone().args("--run-id").arg(run).expect(0);
    }
    on_store(&remote, "prune --keep-last 2").expect(0);
    on_store(&remote, "erase --reference R --contact messages-9-b").expect(0);
    on_store(&remote, "verify --deep").expect(0);
    let copied = fetched(&remote, &export, on_store(&remote, "runs").expect(0));
    let mut moments = Moments::default();
    moments.add(&copied.out, Some(&remote), "S3");
    let rows = moments.compare(test);
    assert_eq!(rows.iter().map(|rows| (rows[2], rows[4])).collect::<Vec<_>>(), [(80, 6)]);
}
