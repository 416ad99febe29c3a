//! The unfinished run in the default work folder, and runs whose shards are not committed.

use std::num::NonZeroU32;

use serde::Serialize;

use super::super::work_folder::WorkFolder;
use crate::catalog::sharded_runs;
use crate::durable::StorageError;
use crate::id::RunId;
use crate::layout::WORK;
use crate::lock::{self, LockState, Owner};
use crate::store::Store;
use crate::time::format_time;

/// A run that is not published yet.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UnfinishedRun {
    /// ID of the run; `None` if the work folder cannot be read.
    pub run_id: Option<String>,
    /// Start of its first attempt.
    pub started_at: Option<String>,
    /// State of the lock on the export: a command may be at work.
    pub lock: LockName,
    /// The process that holds the lock, if it is known.
    pub owner: Option<String>,
    /// The command that resumes the run, quoted for a shell. Runs of earlier versions have none.
    pub command: Option<String>,
    /// Working directory of that command.
    pub directory: Option<String>,
    /// Reason why the work folder cannot be read.
    pub problem: Option<String>,
}

/// A run whose shards are not published yet.
#[derive(Clone, Debug, Serialize)]
pub struct UncommittedRun {
    /// ID of the run.
    pub run_id: RunId,
    /// Time in its ID, which is that of all rows.
    pub started_at: Option<String>,
    /// Number of shards that have finished.
    pub finished: usize,
    /// Number of all shards; `None` if no shard has finished and their work folders are elsewhere.
    pub shards: Option<NonZeroU32>,
}

/// State of a lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LockName {
    /// No process holds it: the run was interrupted.
    Free,
    /// A process holds it.
    Held,
    /// A process on another machine may hold it.
    #[default]
    Uncertain,
}

/// Reads the runs whose shards are not published yet.
pub(super) fn uncommitted(out: &Store) -> Result<Vec<UncommittedRun>, StorageError> {
    let runs = sharded_runs(out)?.into_iter().filter(|(_, run)| !run.is_published);
    let listed = runs.map(|(run_id, run)| UncommittedRun {
        started_at: run_id.time().map(|time| format_time(time.timestamp_micros()).into()),
        run_id,
        finished: run.finished.len(),
        shards: run.of.last().copied(),
    });
    Ok(listed.collect())
}

/// Reads the unfinished run, if there is one.
pub(super) fn read(out: &Store) -> Option<UnfinishedRun> {
    let (lock, owner) = match lock::probe(out) {
        Ok(LockState::Free) => (LockName::Free, None),
        Ok(LockState::Held(owner)) => (LockName::Held, owner),
        Ok(LockState::Uncertain(owner)) => (LockName::Uncertain, owner),
        // The folder may be readable only.
        Err(_) => (LockName::Uncertain, None),
    };
    let owner = owner.as_ref().map(Owner::to_string);
    let run = match WorkFolder::new(out, &out.join(WORK)).unfinished() {
        Ok(run) => run?,
        Err(error) => {
            let problem = Some(error.to_string());
            return Some(UnfinishedRun { lock, owner, problem, ..UnfinishedRun::default() });
        }
    };
    let (command, directory) = match run.command {
        Some(command) => (Some(command.line), Some(command.directory)),
        None => (None, None),
    };
    Some(UnfinishedRun {
        run_id: Some(run.run_id.to_string()),
        started_at: Some(format_time(run.started_at).into()),
        lock,
        owner,
        command,
        directory,
        problem: None,
    })
}
