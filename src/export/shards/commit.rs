//! `commit`: publishes the shards of a run as one run.
//!
//! Until the manifest of the run exists, all that counts is in the manifests of the shards, so the steps can be repeated
//! after an interruption, also on another machine. After it, only their files are removed.

use std::collections::BTreeSet;
use std::fs::File;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ShardsError;
use super::finished::FinishedShard;
use super::hand_over::{attempt_folder, list_path, move_files, staged};
use super::merge::merge;
use crate::catalog::{self, finished_shards, shard_manifest_path};
use crate::durable::{self, Opened};
use crate::event::{Event, SharedObserver};
use crate::export::identity::Identity;
use crate::export::lock::Extent;
use crate::export::suppressed::Suppressed;
use crate::export::{ExportError, Interruption, drift, lock, publishing};
use crate::id::{RunId, Shard};
use crate::layout::{FAILED, NOT_FOUND, SHARDS, WORK, commit_folder, shard_files, shard_manifests};
use crate::lock::Lock;
use crate::output::manifest::{FileEntry, Manifest};
use crate::output::{ContactLists, ListPart};
use crate::publish::{self, Draft, JOURNAL, PublishError, Published, STAGE};
use crate::store::{CompletionError, StagingFolder, Store, UPLOADS};

/// Input of a commit.
pub struct CommitJob {
    /// The export.
    pub out: Store,
    /// Local folder for the journal; needed if the export is in an object store.
    pub work: Option<PathBuf>,
    /// ID of the run.
    pub run_id: RunId,
    /// Number of its shards.
    pub shards: NonZeroU32,
    /// Maximum time to wait for another command on this export.
    pub wait_lock: Duration,
}

impl CommitJob {
    /// Folder of the journal and the staged files.
    fn work(&self) -> PathBuf {
        match (self.out.folder(), &self.work) {
            (Some(out), _) => out.join(commit_folder(&self.run_id)),
            (None, work) => work.clone().unwrap_or_default().join(format!("commit-{}", self.run_id)),
        }
    }
}

/// Publishes the shards. Does nothing if the run is published already.
///
/// # Errors
/// If shards are missing or do not fit together, or the run cannot be published.
pub async fn commit(
    job: CommitJob,
    observer: SharedObserver,
    interrupt: impl Future<Output = Interruption>,
) -> Result<Published, ExportError> {
    tokio::pin!(interrupt);
    let work = job.work();
    // The lock of a folder is in its work folder, which is not that of the commit.
    let locked = job.out.folder().map_or_else(|| work.clone(), |out| out.join(WORK));
    let extent = (&*locked, Extent::Export);
    let lock = lock::wait(&job.out, extent, job.wait_lock, &observer, interrupt.as_mut()).await?;
    lock.set_run(&job.run_id)?;
    tokio::task::block_in_place(|| publish_shards(&job, &work, &lock, &observer))
}

fn publish_shards(
    job: &CommitJob,
    work: &Path,
    lock: &Lock,
    observer: &SharedObserver,
) -> Result<Published, ExportError> {
    let CommitJob { out, run_id, .. } = job;
    out.prepare(commit_folder(run_id))?;
    if let Some(published) = published(job)? {
        // The steps after the manifest may be missing.
        publish::resume(out, work, &mut |_| Ok(lock.check()?))?;
        observer.event(Event::Note { message: format!("run {run_id} was published before") });
        remove_shards(job, lock)?;
        return Ok(published);
    }
    let finished = read_all(job)?;
    check_erased(job, &finished)?;
    let Some(mut manifest) = merge(&finished) else { return Err(ExportError::Bug("a run without shards")) };
    withdraw_replaced(job, work, &manifest)?;
    let resumed = publish::resume(out, work, &mut |_| Ok(lock.check()?));
    if let Some(published) = resumed.map_err(|error| missing(job, &finished, error.into()))? {
        remove_shards(job, lock)?;
        return Ok(published);
    }
    let lists = stage(job, work, &finished, lock)?;
    drift::compare(out, &mut manifest, observer);
    observer.event(Event::Publishing { files: manifest.files.len() as u64 });
    let draft = Draft { manifest, lists, failed_csv: None };
    let published = publishing::publish(out, work, draft, lock, observer);
    let published = published.map_err(|error| missing(job, &finished, error.into()))?;
    remove_shards(job, lock)?;
    Ok(published)
}

/// The run, if it is published already.
fn published(job: &CommitJob) -> Result<Option<Published>, ExportError> {
    let CommitJob { out, run_id, shards, .. } = job;
    let Some(run) = catalog::run(out, run_id).map_err(ShardsError::from)? else { return Ok(None) };
    let Some(found) = run.manifest.shards.and_then(NonZeroU32::new) else {
        return Err(ExportError::RunIdTaken { run_id: run_id.to_string() });
    };
    if found != *shards {
        return Err(ShardsError::OtherCount { run_id: run_id.clone(), found, asked: *shards }.into());
    }
    let manifest_path = out.join(catalog::manifest_path(run_id));
    Ok(Some(Published { manifest: run.manifest, manifest_path }))
}

/// Reads the manifests of all shards, in their order. They must be complete and fit together.
fn read_all(job: &CommitJob) -> Result<Vec<FinishedShard>, ShardsError> {
    let CommitJob { out, run_id, shards, .. } = job;
    let found = finished_shards(out, run_id)?;
    if let Some(other) = found.iter().find(|shard| shard.of() != *shards) {
        return Err(ShardsError::OtherCount { run_id: run_id.clone(), found: other.of(), asked: *shards });
    }
    let mut finished: Vec<(Shard, FinishedShard)> = Vec::new();
    let mut missing = Vec::new();
    for shard in Shard::all(*shards) {
        match FinishedShard::read(out, run_id, shard)? {
            None => missing.push(shard),
            Some(one) => finished.push((shard, one)),
        }
    }
    if !missing.is_empty() {
        return Err(ShardsError::Missing { run_id: run_id.clone(), of: *shards, missing });
    }
    for pair in finished.windows(2) {
        let [(shard, before), (other, after)] = pair else { continue };
        let differences = before.differences(&after.identity, &after.draft.manifest.tool.version);
        if !differences.is_empty() {
            let run_id = run_id.clone();
            return Err(ShardsError::Differ { run_id, shard: *shard, other: Some(*other), differences });
        }
    }
    Ok(finished.into_iter().map(|(_, shard)| shard).collect())
}

/// Takes back the files of shards that were exported again since an interrupted commit, and removes its journal. That
/// happens if an object store has removed uploads; files of a folder do not vanish.
fn withdraw_replaced(job: &CommitJob, work: &Path, manifest: &Manifest) -> Result<(), ExportError> {
    let Some(before) = publish::unfinished(work)?.filter(|_| job.out.folder().is_none()) else {
        return Ok(());
    };
    let replaced = |file: &&FileEntry| !manifest.files.contains(*file);
    let files: Vec<_> = before.manifest.files.iter().filter(replaced).collect();
    if files.is_empty() {
        return Ok(());
    }
    let files: Vec<_> = files.into_iter().chain(&before.lists).map(staged).collect();
    // A folder without the log of uploads: those of the other shards are needed.
    let (stage, none) = (work.join(STAGE), work.join("replaced"));
    job.out.withdraw(StagingFolder { stage: &stage, work: &none }, &files)?;
    Ok(durable::remove_file(&work.join(JOURNAL))?)
}

/// Refuses shards that may hold contacts that were erased since.
fn check_erased(job: &CommitJob, finished: &[FinishedShard]) -> Result<(), ExportError> {
    let Some(FinishedShard { identity, .. }) = finished.first() else { return Ok(()) };
    let now = Identity { suppressed: Suppressed::read(&job.out, &[])?.digest, ..identity.clone() };
    match (now.other_erasures(identity), identity.shard) {
        (Some(difference), Some(shard)) => {
            let (run_id, differences) = (job.run_id.clone(), vec![difference]);
            Err(ShardsError::Differ { run_id, shard, other: None, differences }.into())
        }
        _ => Ok(()),
    }
}

/// Stages the files of all shards, and their joined lists of contacts. May be repeated.
fn stage(
    job: &CommitJob,
    work: &Path,
    finished: &[FinishedShard],
    lock: &Lock,
) -> Result<Vec<FileEntry>, ExportError> {
    let (out, run_id) = (&job.out, &job.run_id);
    let stage = work.join(STAGE);
    durable::create_dir_all(&stage)?;
    let mut uploads = String::new();
    for shard in finished {
        match attempt_folder(out, run_id, &shard.attempt) {
            Some(folder) => {
                let data: Vec<_> = shard.draft.manifest.files.iter().map(staged).collect();
                let moved = move_files(StagingFolder { stage: &folder, work }, &stage, &data, lock);
                moved.map_err(|error| missing(job, finished, error))?;
            }
            None => uploads.push_str(&shard.uploads),
        }
    }
    if out.folder().is_none() {
        durable::replace(&work.join(UPLOADS), uploads.as_bytes())?;
    }
    let mut lists = Vec::new();
    for name in [FAILED, NOT_FOUND] {
        let mut parts = Vec::new();
        for shard in finished {
            for list in shard.draft.lists.iter().filter(|list| list.path.split().1 == name) {
                let path = list_path(run_id, &shard.attempt, list.path.as_path());
                let file = open_list(out, &path)?;
                parts.push(ListPart {
                    file,
                    path: out.join(path),
                    rows: list.rows,
                    sha256: list.sha256.clone(),
                });
            }
        }
        lists.extend(ContactLists::join(&stage, run_id, name, parts)?);
    }
    Ok(lists)
}

/// Names the shard whose file, or its upload, is missing.
fn missing(job: &CommitJob, finished: &[FinishedShard], error: ExportError) -> ExportError {
    let ExportError::Publish(PublishError::File(CompletionError::Missing { path })) = &error else {
        return error;
    };
    let has_file = |shard: &&FinishedShard| {
        let mut files = shard.draft.manifest.files.iter();
        files.any(|file| path.ends_with(file.path.as_path()))
    };
    let Some(shard) = finished.iter().find(has_file).and_then(|finished| finished.identity.shard) else {
        return error;
    };
    let what = match job.out.folder() {
        Some(_) => format!("its file {} is missing or truncated", path.display()),
        None => {
            format!("the store has removed its upload of {}", path.file_name().unwrap_or_default().display())
        }
    };
    ShardsError::Damaged { path: job.out.join(shard_manifest_path(&job.run_id, shard)), what }.into()
}

fn open_list(out: &Store, path: &Path) -> Result<File, ShardsError> {
    let damaged = |what: &str| ShardsError::Damaged { path: out.join(path), what: what.to_owned() };
    match out.open(path)? {
        Opened::File(file, _) => Ok(file),
        Opened::Missing => Err(damaged("it is missing")),
        Opened::NotRegular => Err(damaged(durable::NOT_REGULAR)),
    }
}

/// Removes the manifests and files of the shards, including those of attempts that do not count.
fn remove_shards(job: &CommitJob, lock: &Lock) -> Result<(), ExportError> {
    lock.check()?;
    let (out, run_id) = (&job.out, &job.run_id);
    let (manifests, files) = (shard_manifests(run_id), shard_files(run_id));
    let mut listed = out.list(&manifests)?;
    if let Some(root) = out.folder() {
        if out.is_folder(&files)? {
            durable::remove_tree(&root.join(&files))?;
        }
        durable::remove_dir_if_empty(&root.join(SHARDS));
    } else {
        listed.extend(out.list(&files)?);
    }
    let paths: Vec<_> = listed.iter().map(|found| Path::new(&found.path)).collect();
    out.remove(&paths)?;
    Ok(out.remove_empty_folders(&BTreeSet::from([Path::new(&manifests)]))?)
}
