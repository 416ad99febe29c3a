//! What is listed of a run: a summary of its manifest.

use std::time::Duration;

use serde::Serialize;

use crate::id::RunId;
use crate::output::manifest::{ContactCounts, Manifest, Status};
use crate::table::Table;
use crate::time::parse_time;

/// A published run.
#[derive(Clone, Debug, Serialize)]
pub struct ListedRun {
    /// ID of the run.
    pub run_id: RunId,
    /// Status in its manifest.
    pub status: Status,
    /// Part of the contacts and messages that the run exported.
    pub kind: RunKind,
    /// Options that limit the run to parts of contacts, such as `--since`.
    pub limits: Vec<&'static str>,
    /// Run whose raw archive the run was made from. Runs of `rebuild` only.
    pub rebuilt_from: Option<RunId>,
    /// Start of the run, as in the manifest.
    pub started_at: String,
    /// End of the run, as in the manifest.
    pub finished_at: String,
    /// Time from start to end; `None` if one of them is not a time.
    pub duration_seconds: Option<f64>,
    /// Source of the contacts, as in the manifest.
    pub input: String,
    /// Contacts by status.
    pub contacts: ContactCounts,
    /// Rows of the table `messages`.
    pub messages: u64,
    /// Number of data files.
    pub files: u64,
    /// Size of the data files in bytes.
    pub bytes: u64,
    /// Name of the reason for which `prune` would keep the run; `None` if it may remove the run.
    pub kept: Option<&'static str>,
    /// The newest kept run whose contacts the run holds, if this is the reason.
    pub held_by: Option<RunId>,
}

/// Part of the contacts and messages that a run exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// All messages of all contacts in its list.
    Full,
    /// Only contacts that were due.
    Incremental,
    /// Only a part of each contact: see [`ListedRun::limits`].
    Window,
    /// The newest version of each contact of another export.
    Snapshot,
}

impl From<&Manifest> for ListedRun {
    fn from(manifest: &Manifest) -> Self {
        let limits = manifest.options.limits();
        let times = parse_time(&manifest.started_at).zip(parse_time(&manifest.finished_at));
        let micros = times.and_then(|(start, end)| u64::try_from(end.saturating_sub(start)).ok());
        Self {
            run_id: manifest.run_id.clone(),
            status: manifest.status,
            kind: if manifest.is_snapshot() {
                RunKind::Snapshot
            } else if manifest.options.is_incremental() {
                RunKind::Incremental
            } else if limits.is_empty() {
                RunKind::Full
            } else {
                RunKind::Window
            },
            limits,
            rebuilt_from: manifest.rebuilt_from.as_ref().map(|from| from.run_id.clone()),
            started_at: manifest.started_at.clone(),
            finished_at: manifest.finished_at.clone(),
            duration_seconds: micros.map(|micros| Duration::from_micros(micros).as_secs_f64()),
            input: manifest.input.path.clone(),
            contacts: manifest.contacts,
            messages: manifest.tables.get(Table::Messages.name()).map_or(0, |table| table.rows),
            files: manifest.files.len() as u64,
            bytes: manifest.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes)),
            kept: None,
            held_by: None,
        }
    }
}
