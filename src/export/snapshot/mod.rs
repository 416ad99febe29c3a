//! `snapshot`: publishes the newest version of each contact as an export of its own.
//!
//! The rows come from the tables of another export, not from the API ([`crate::snapshot`]). The rest is as in
//! a run: lock, work folder, publication. After an interruption the same command starts over, or completes
//! the publication.
//!
//! A folder of a snapshot has one run, so that readers of the whole folder see each contact once. A new
//! snapshot in the same folder is published first, and then the old one is removed. The next command completes
//! an interrupted removal.

mod error;
mod manifest;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::building::interruptible;
use super::lock::Extent;
use super::work_folder::{ResumeCommand, Run, WorkFolder};
use super::{ExportError, Identity, Interruption, lock, publishing};
use crate::catalog;
use crate::delta;
use crate::event::{Event, SharedObserver};
use crate::id::RunId;
use crate::layout::{LATEST, MANIFEST, run_file};
use crate::lock::Lock;
use crate::output::OutputSpec;
use crate::output::manifest::{Manifest, RunOptions};
use crate::prune;
use crate::publish::Published;
use crate::settings::{OutputSettings, UnfinishedPolicy};
use crate::snapshot::{self, Built, SnapshotError, SnapshotPlan, SourceExport};
use crate::store::{StagingFolder, Store};
use crate::table::Stamp;
use crate::table::schema::SCHEMA_VERSION;
use crate::verify::VerifyError;
use crate::verify::quick_check::{QuickCheck, quick_check};

pub use error::SnapshotJobError;

/// Maximum number of attempts, if runs of the source are pruned meanwhile.
const MAX_ATTEMPTS: usize = 5;

/// Input of a snapshot.
pub struct SnapshotJob {
    /// Folder of the source.
    pub from: Store,
    /// Folder of the snapshot.
    pub out: Store,
    /// Work folder of the snapshot.
    pub work: PathBuf,
    /// Resume or discard an unfinished snapshot.
    pub unfinished: UnfinishedPolicy,
    /// Replace or keep another snapshot in the folder.
    pub existing: ExistingPolicy,
    /// Maximum time to wait for another command on this folder.
    pub wait_lock: Duration,
    /// ID of the snapshot, if the user sets it.
    pub run_id: Option<RunId>,
    /// Format and layout of the files.
    pub output: OutputSettings,
    /// The same, as the manifest records it.
    pub options: RunOptions,
    /// Major version of this program.
    pub major_version: String,
    /// Command that resumes the snapshot.
    pub command: ResumeCommand,
}

/// Policy for another snapshot in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExistingPolicy {
    /// Keep it, and publish nothing.
    Keep,
    /// Remove it after the new one is published.
    Replace,
}

/// Makes a snapshot, or completes an unfinished one.
///
/// # Errors
/// The reason that ended the command. [`SnapshotJobError::remedy`] gives the next step.
pub async fn snapshot(
    job: SnapshotJob,
    observer: SharedObserver,
    interrupt: impl Future<Output = Interruption>,
) -> Result<Published, SnapshotJobError> {
    tokio::pin!(interrupt);
    // Before anything is created in the folder of the snapshot.
    if !SourceExport::exists(&job.from)? {
        return Err(SnapshotError::NoExport { path: job.from.root().to_owned() }.into());
    }
    let lock =
        lock::wait(&job.out, (&job.work, Extent::Export), job.wait_lock, &observer, interrupt.as_mut())
            .await?;
    let interrupt = lock::or_lost(&lock, interrupt);
    tokio::pin!(interrupt);
    for _ in 1..MAX_ATTEMPTS {
        let source = read_source(&job)?;
        match attempt(&job, &source, &lock, &observer, interrupt.as_mut()).await {
            // A file that is missing because its run was pruned meanwhile is not damage.
            Err(error) if error.is_of_source() && source.is_any_gone()? => {}
            ended => return ended,
        }
    }
    let source = read_source(&job)?;
    attempt(&job, &source, &lock, &observer, interrupt).await
}

fn read_source(job: &SnapshotJob) -> Result<SourceExport, SnapshotJobError> {
    Ok(tokio::task::block_in_place(|| SourceExport::read(&job.from))?)
}

async fn attempt(
    job: &SnapshotJob,
    source: &SourceExport,
    lock: &Lock,
    observer: &SharedObserver,
    interrupt: Pin<&mut impl Future<Output = Interruption>>,
) -> Result<Published, SnapshotJobError> {
    let identity = identity(job, source);
    let work = WorkFolder::new(&job.out, &job.work);
    let finished = work.finish_publishing(job.unfinished, job.run_id.as_ref(), &identity, lock)?;
    if let Some(published) = finished {
        remove_older(job, lock, observer)?;
        return Ok(published);
    }
    if let Some(published) = made_before(job, source)? {
        let run_id = &published.manifest.run_id;
        observer.event(Event::Note { message: format!("the snapshot {run_id} is up to date") });
        remove_older(job, lock, observer)?;
        return Ok(published);
    }
    if job.options.is_delta() {
        tokio::task::block_in_place(|| delta::check(&job.out)).map_err(ExportError::from)?;
    }
    discard_other(&work, &identity, lock)?;
    report_doubtful(source, observer);
    let run = work.open(job.unfinished, job.run_id.clone(), (&identity, Some(job.command.clone())))?;
    lock.set_run(&run.run_id).map_err(ExportError::from)?;
    let built = build(job, source, &work, &run, observer, interrupt).await?;
    observer.event(Event::Publishing { files: built.files.len() as u64 });
    let draft = manifest::draft(job, source, &run, built);
    let published =
        publishing::publish(&job.out, &work.folder, draft, lock, observer).map_err(ExportError::from)?;
    remove_older(job, lock, observer)?;
    Ok(published)
}

fn identity(job: &SnapshotJob, source: &SourceExport) -> Identity {
    Identity {
        major_version: job.major_version.clone(),
        schema_version: SCHEMA_VERSION,
        base_url: source.base_url.clone(),
        input_sha256: source.digest(),
        options: job.options.clone(),
        shard: None,
        rebuilt_from: None,
        snapshot_of: Some(source.digest()),
        suppressed: None,
    }
}

/// The newest run in the folder, if it is the snapshot that this command would make.
///
/// # Errors
/// When the folder has another snapshot that is to be kept, or runs that are no snapshots.
fn made_before(job: &SnapshotJob, source: &SourceExport) -> Result<Option<Published>, SnapshotJobError> {
    let Some(latest) = catalog::latest(&job.out)? else { return Ok(None) };
    let path = job.out.join(catalog::manifest_path(&latest.run_id));
    let Some(catalog::Run { manifest, .. }) = catalog::run(&job.out, &latest.run_id)? else {
        let what = format!("it is missing, but {LATEST} names it");
        return Err(SnapshotJobError::DamagedOut { path, what });
    };
    let (path, run_id) = (job.out.root().to_owned(), manifest.run_id.clone());
    if !manifest.is_snapshot() {
        return Err(SnapshotJobError::NotASnapshot { path, run_id });
    }
    if is_same(job, source, &manifest) {
        check_files(&job.out, &run_id)?;
        let manifest_path = job.out.join(run_file(&run_id, MANIFEST));
        return Ok(Some(Published { manifest, manifest_path }));
    }
    if manifest.options.is_delta() && !job.options.is_delta() {
        return Err(SnapshotJobError::DeltaTables { path, run_id });
    }
    match job.existing {
        ExistingPolicy::Replace => {
            prune::check_holds(&job.out).map_err(ExportError::from)?;
            Ok(None)
        }
        ExistingPolicy::Keep => Err(SnapshotJobError::Exists { path, run_id }),
    }
}

/// Checks that the files of a snapshot exist with the recorded sizes.
fn check_files(out: &Store, run_id: &RunId) -> Result<(), SnapshotJobError> {
    let damaged = |path: &str, what| SnapshotJobError::DamagedOut { path: out.join(path), what };
    match quick_check(out, Some(run_id)) {
        Ok(QuickCheck::Sound(_)) => Ok(()),
        Ok(QuickCheck::Damaged(report)) => {
            let first = report.damages.into_iter().next();
            Err(first.map_or_else(
                || damaged("", "unknown damage".to_owned()),
                |damage| damaged(&damage.path, damage.detail),
            ))
        }
        Err(VerifyError::Storage(error)) => Err(error.into()),
        Err(error) => Err(damaged("", error.to_string())),
    }
}

fn is_same(job: &SnapshotJob, source: &SourceExport, manifest: &Manifest) -> bool {
    manifest.snapshot_of == source.names()
        // Contacts may have been erased from the source since.
        && manifest.input.sha256 == source.digest()
        && manifest.options == job.options
        && manifest.schema_version == SCHEMA_VERSION
        && job.run_id.as_ref().is_none_or(|run_id| *run_id == manifest.run_id)
}

/// Discards an unfinished snapshot of another state of the source, or with other options. It holds nothing that
/// is worth keeping. An unfinished run is not discarded.
fn discard_other(work: &WorkFolder, identity: &Identity, lock: &Lock) -> Result<(), ExportError> {
    let unfinished = work.unfinished()?.map(|run| run.identity);
    if unfinished.is_some_and(|other| other.snapshot_of.is_some() && !identity.differences(&other).is_empty())
    {
        work.finish_publishing(UnfinishedPolicy::Discard, None, identity, lock)?;
    }
    Ok(())
}

fn report_doubtful(source: &SourceExport, observer: &SharedObserver) {
    for (run_id, options) in &source.left_out {
        let reason = format!("is left out: it has only parts of contacts ({})", options.join(", "));
        observer.event(Event::RunDoubtful { run_id: run_id.to_string(), reason });
    }
    for run_id in &source.outside_chain {
        let reason = "is not in the chain of manifests, and is ordered by its time".to_owned();
        observer.event(Event::RunDoubtful { run_id: run_id.to_string(), reason });
    }
}

/// Builds the staged files on a thread of their own. An interruption stops it.
async fn build(
    job: &SnapshotJob,
    source: &SourceExport,
    work: &WorkFolder,
    run: &Run,
    observer: &SharedObserver,
    interrupt: Pin<&mut impl Future<Output = Interruption>>,
) -> Result<Built, SnapshotJobError> {
    let plan = SnapshotPlan {
        stage: work.stage(),
        temporary: work.folder.clone(),
        stamp: Stamp { run_id: run.run_id.clone(), exported_at: run.started_at },
        output: OutputSpec {
            settings: job.output.clone(),
            run_id: run.run_id.clone(),
            export_date: run.day(),
            shard: None,
            uploads: job.out.early_uploads(StagingFolder { stage: &work.stage(), work: &work.folder })?,
        },
    };
    let stop = Arc::new(AtomicBool::new(false));
    let (source, observer, stopped) = (source.clone(), observer.clone(), Arc::clone(&stop));
    let mut thread =
        tokio::task::spawn_blocking(move || snapshot::build(&source, &plan, &stopped, &observer));
    let ended = interruptible(&mut thread, interrupt).await;
    if ended.is_err() {
        stop.store(true, Ordering::Relaxed);
        drop(thread.await);
    }
    let built = ended?.map_err(|_| ExportError::Bug("the thread of the snapshot panicked"))?;
    Ok(built?)
}

/// Removes older snapshots in the folder. They are there if one is replaced, or if an earlier removal was
/// interrupted.
fn remove_older(job: &SnapshotJob, lock: &Lock, observer: &SharedObserver) -> Result<(), ExportError> {
    let left = tokio::task::block_in_place(|| prune::older_snapshots(&job.out, &|| lock.check()))?;
    for left in left {
        let message = format!("{} was not removed: {}", left.path, left.reason);
        observer.event(Event::Note { message });
    }
    Ok(())
}
