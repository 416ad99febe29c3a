//! Paths inside an export, relative to its folder. No other file spells them.
//!
//! ```text
//! messages/…/part-<run>-00000.parquet    data files, one folder per table: output::ExportPath
//! raw/part-<run>-00000.jsonl.zst         responses as received
//! messages/_delta_log/000…0.json, …     versions of a table's Delta log
//! _runs/<run>/manifest.json, …           files of a run
//! _runs/latest.json, _runs/pruned.json   the newest run, the removed runs
//! _runs/erased.json, _runs/holds.json    the erased contacts, holds against removal
//! _runs/lock.json                        lock, in object stores
//! _runs/<run>/shards/00003-of-00064.json what a finished shard hands over to `commit`
//! _shards/<run>/                         files of shards, until `commit` publishes them
//! _work/                                 lock, and everything an interrupted run needs to resume
//! ```
//!
//! Layer 1.

use std::fmt::Display;

/// Folder of the files of runs. It also names them where a manifest or a finding asks for a table.
pub const RUNS: &str = "_runs";
/// Folder of raw archives.
pub const RAW: &str = "raw";
/// Work folder, unless `--work-dir` names another.
pub const WORK: &str = "_work";
/// Folder of the files of shards.
pub const SHARDS: &str = "_shards";
/// Names the newest run.
pub const LATEST: &str = "_runs/latest.json";
/// Records the runs that `prune` removed.
pub const PRUNED: &str = "_runs/pruned.json";
/// Records the contacts that `erase` removed.
pub const ERASED: &str = "_runs/erased.json";
/// SSH signature of the record of erased contacts.
pub const ERASED_SIGNATURE: &str = "_runs/erased.json.sig";
/// Records the holds, which forbid to remove anything.
pub const HOLDS: &str = "_runs/holds.json";
/// Folder of a table's Delta log, in the folder of the table.
pub const DELTA_LOG: &str = "_delta_log";
/// Lock of an export in an object store.
pub const LOCK: &str = "_runs/lock.json";
/// Journal of a publish in the default work folder.
pub const JOURNAL: &str = "_work/publish.json";

/// Commits a run: the run exists if this file does.
pub const MANIFEST: &str = "manifest.json";
/// The manifest of a run while `prune` removes the run.
pub const PRUNED_MANIFEST: &str = "manifest.pruned.json";
/// Lists the SHA-256 of each file of a run, for `sha256sum -c`.
pub const CHECKSUMS: &str = "checksums.sha256";
/// Contacts file of the contacts that failed.
pub const FAILED: &str = "failed.csv";
/// Contacts file of the contacts that do not exist.
pub const NOT_FOUND: &str = "not_found.csv";
/// State that an incremental run leaves.
pub const STATE: &str = "state.parquet";

/// Folder of the files of a run.
pub fn run_folder(run_id: impl Display) -> String {
    format!("{RUNS}/{run_id}")
}

/// File of a run, by its name.
pub fn run_file(run_id: impl Display, name: &str) -> String {
    format!("{RUNS}/{run_id}/{name}")
}

/// Folder of the manifests of a run's shards.
pub fn shard_manifests(run_id: impl Display) -> String {
    format!("{RUNS}/{run_id}/shards")
}

/// Folder of the files of a run's shards.
pub fn shard_files(run_id: impl Display) -> String {
    format!("{SHARDS}/{run_id}")
}

/// Work folder of the commit of a sharded run.
pub fn commit_folder(run_id: impl Display) -> String {
    format!("{SHARDS}/{run_id}/commit")
}

/// Journal of the publication in that folder.
pub fn commit_journal(run_id: impl Display) -> String {
    format!("{SHARDS}/{run_id}/commit/publish.json")
}

/// Folder of the Delta log of a table.
pub fn delta_log(table: &str) -> String {
    format!("{table}/{DELTA_LOG}")
}

/// True for the Delta log of a table, and for each path in it.
pub fn is_in_delta_log(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next().is_some_and(|top| ![RUNS, RAW].contains(&top)) && parts.next() == Some(DELTA_LOG)
}

/// Splits the path of a file of a run into the run's ID and the rest; `None` for other paths.
pub fn split_run_file(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(RUNS)?.strip_prefix('/')?.split_once('/')
}
