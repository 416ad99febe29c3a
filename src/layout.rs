//! Paths inside an export, relative to its folder. No other file spells them.
//!
//! ```text
//! messages/…/part-<run>-00000.parquet    data files, one folder per table: output::ExportPath
//! raw/part-<run>-00000.jsonl.zst         responses as received
//! _runs/<run>/manifest.json, …           files of a run
//! _runs/latest.json, _runs/pruned.json   the newest run, the removed runs
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
/// Names the newest run.
pub const LATEST: &str = "_runs/latest.json";
/// Records the runs that `prune` removed.
pub const PRUNED: &str = "_runs/pruned.json";
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

/// Splits the path of a file of a run into the run's ID and the rest; `None` for other paths.
pub fn split_run_file(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(RUNS)?.strip_prefix('/')?.split_once('/')
}
