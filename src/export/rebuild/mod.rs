//! `rebuild`: the tables made again from a run's raw archive, without the API.
//!
//! The archive is read into a spool in the work folder, and from there on all is as in a run: the same build, the same
//! publishing. What shaped the run comes from its manifest, so the same options give the same bytes. Stopped at any
//! instant, the same command begins anew with the archive, or finishes what was being published.

mod archive;
mod error;
mod fill;
mod order;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::building::{Building, Form, RunContacts, interruptible};
use super::work_folder::{Run, WorkFolder};
use super::{Identity, Interruption, lock, manifest_draft, mixed};
use crate::api::{Requests, Timeline};
use crate::catalog;
use crate::durable;
use crate::event::{Event, SharedObserver};
use crate::publish::{self, Published};
use crate::settings::{Mixed, OutputSettings, RawAnswers, Unfinished, Window};
use crate::table::parse_time;

pub use archive::Archive;
pub use error::RebuildError;

/// What is to be made again, and how.
pub struct RebuildJob {
    /// What it is made from.
    pub archive: Archive,
    /// The folder of the export.
    pub out: PathBuf,
    /// Where an unfinished run lives.
    pub work: PathBuf,
    /// What to do with one.
    pub unfinished: Unfinished,
    /// A layout other than that of the newest run in the folder.
    pub mixed: Mixed,
    /// How long to wait for another run on this export to end.
    pub wait_lock: Duration,
    /// Which messages were exported.
    pub window: Window,
    /// The form of the files.
    pub output: OutputSettings,
    /// Whether the archive is published with the tables again.
    pub raw: RawAnswers,
    /// What makes it this job.
    pub identity: Identity,
}

/// Makes a run again.
///
/// # Errors
/// What ended it; the same job may be done again.
pub async fn rebuild(
    job: RebuildJob,
    observer: SharedObserver,
    interrupt: impl Future<Output = Interruption>,
) -> Result<Published, RebuildError> {
    tokio::pin!(interrupt);
    let lock = lock::wait(&job.out, &job.work, job.wait_lock, &observer, interrupt.as_mut()).await?;
    let interrupt = lock::or_lost(&lock, interrupt);
    tokio::pin!(interrupt);
    let run = run_of(&job)?;
    let work = WorkFolder::new(&job.out, &job.work);
    if let Some(published) =
        work.finish_publishing(job.unfinished, Some(&run.run_id), &job.identity, &lock)?
    {
        return Ok(published);
    }
    if let Some(published) = made_before(&job, &run)? {
        observer.event(Event::Note { message: format!("run {} is there already", run.run_id) });
        return Ok(published);
    }
    mixed::check(&job.out, job.mixed, &job.identity)?;
    let run = work.open_as(job.unfinished, run)?;
    // What an earlier attempt has read is not proved.
    durable::remove_tree(&work.spool())?;
    durable::create_dir_all(&work.spool())?;
    let contacts = job.archive.manifest().contacts.requested;
    observer.event(Event::Started { run_id: run.run_id.to_string(), contacts, already_read: 0 });
    let draft = make(&job, &work, &run, &observer, interrupt).await?;
    observer.event(Event::Publishing { files: draft.manifest.files.len() as u64 });
    let mut check = |_: &str| Ok(lock.check()?);
    let published =
        tokio::task::block_in_place(|| publish::publish(&job.out, &work.folder, draft, &mut check))?;
    Ok(published)
}

/// The run as it was, with what now makes it this job.
fn run_of(job: &RebuildJob) -> Result<Run, RebuildError> {
    let manifest = job.archive.manifest();
    let started_at = parse_time(&manifest.started_at).ok_or_else(|| RebuildError::Damaged {
        path: PathBuf::from(catalog::manifest_path(&manifest.run_id)),
        what: format!("started_at is no time: {:?}", manifest.started_at),
    })?;
    Ok(Run { run_id: manifest.run_id.clone(), started_at, identity: job.identity.clone() })
}

/// The run where it has been made again in the same form: a command that is typed twice has nothing to do.
fn made_before(job: &RebuildJob, run: &Run) -> Result<Option<Published>, RebuildError> {
    let manifest_path = job.out.join(catalog::manifest_path(&run.run_id));
    let Some(catalog::Run { manifest, .. }) = catalog::run(&job.out, &run.run_id)? else { return Ok(None) };
    if manifest.rebuilt_from.as_ref() == Some(&job.archive.name()) && manifest.options == job.identity.options
    {
        Ok(Some(Published { manifest, manifest_path }))
    } else {
        Err(RebuildError::RunIdTaken { run_id: run.run_id.clone(), path: job.out.clone() })
    }
}

/// Reads the archive and builds the tables.
async fn make(
    job: &RebuildJob,
    work: &WorkFolder,
    run: &Run,
    observer: &SharedObserver,
    mut interrupt: Pin<&mut impl Future<Output = Interruption>>,
) -> Result<publish::Draft, RebuildError> {
    let spool = work.spool();
    let filling = fill::fill(&job.archive, &spool, observer.clone());
    let filled = interruptible(filling, interrupt.as_mut()).await??;
    observer.event(Event::Fetched);
    let ledger = Arc::new(filled.ledger);
    let read = RunContacts { contacts: Arc::new(filled.contacts), due: Arc::new(filled.due) };
    let form = Form { output: &job.output, window: job.window, raw: job.raw };
    let building = Building::start((run, work), &read, &form, &ledger, observer.clone());
    let built = building.finish(interrupt).await??;
    let asked = &job.archive.manifest().requests;
    let requests = Requests {
        sent: asked.sent,
        retries: asked.retries,
        by_status: asked.by_status.clone(),
        timeline: Timeline::new(0),
    };
    let mut draft = manifest_draft::draft(&job.identity, &read.contacts, run, built, &requests, None);
    // What the API was asked over time is no more to be told than the archive's manifest tells.
    draft.manifest.requests.timeline.clone_from(&asked.timeline);
    // It is the same run: what changed since the runs before it stays as it was reported.
    let archived = job.archive.manifest();
    if !archived.known_fields.is_empty() {
        draft.manifest.known_fields.clone_from(&archived.known_fields);
        draft.manifest.schema_changes.clone_from(&archived.schema_changes);
    }
    draft.manifest.rebuilt_from = Some(job.archive.name());
    Ok(draft)
}
