//! `rebuild`: makes the tables of a run from its raw archive, without the API.
//!
//! The archive is read into a spool in the work folder. The rest is as in a run: the same transform and the
//! same publication. The options of the run come from its manifest, so the same options give the same bytes.
//!
//! After an interruption, the same command reads the archive again, or finishes the publication.

mod archive;
mod error;
mod fill;
mod gaps;
mod order;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::building::{Building, Form, RunContacts, interruptible};
use super::lock::Extent;
use super::work_folder::{Run, WorkFolder};
use super::{ExportError, Identity, Interruption, ResumeCommand, lock, manifest_draft, mixed, publishing};
use crate::api::{Requests, Timeline};
use crate::catalog;
use crate::durable;
use crate::event::{Event, SharedObserver};
use crate::publish::{self, Published};
use crate::settings::{Mixed, OutputSettings, RawAnswers, UnfinishedPolicy, Window};
use crate::store::Store;
use crate::time::parse_time;

pub use archive::Archive;
pub use error::RebuildError;

/// Input of a rebuild.
pub struct RebuildJob {
    /// Run to rebuild, with its raw archive.
    pub archive: Archive,
    /// Folder of the new export.
    pub out: Store,
    /// Work folder of the rebuild.
    pub work: PathBuf,
    /// Resume or discard an unfinished run.
    pub unfinished: UnfinishedPolicy,
    /// Allow or refuse a layout that differs from that of the newest run in the folder.
    pub mixed: Mixed,
    /// Maximum time to wait for another run on this export.
    pub wait_lock: Duration,
    /// Period of the exported messages.
    pub window: Window,
    /// Format and layout of the files.
    pub output: OutputSettings,
    /// Decides if the archive is published with the tables.
    pub raw: RawAnswers,
    /// Number of threads that flatten.
    pub threads: NonZeroUsize,
    /// Identity of the run.
    pub identity: Identity,
    /// The command that repeats the rebuild.
    pub command: ResumeCommand,
}

/// Makes the tables of a run from its archive.
///
/// # Errors
/// The reason that ended the rebuild. [`RebuildError::remedy`] gives the next step.
pub async fn rebuild(
    mut job: RebuildJob,
    observer: SharedObserver,
    interrupt: impl Future<Output = Interruption>,
) -> Result<Published, RebuildError> {
    tokio::pin!(interrupt);
    let lock =
        lock::wait(&job.out, (&job.work, Extent::Export), job.wait_lock, &observer, interrupt.as_mut())
            .await?;
    let interrupt = lock::or_lost(&lock, interrupt);
    tokio::pin!(interrupt);
    mixed::adopt_table_format(&job.out, job.mixed, &mut job.identity).map_err(RebuildError::from)?;
    let run = run_of(&job)?;
    let work = WorkFolder::new(&job.out, &job.work);
    if let Some(published) =
        work.finish_publishing(job.unfinished, Some(&run.run_id), &job.identity, &lock)?
    {
        return Ok(published);
    }
    if let Some(published) = rebuilt_before(&job, &run)? {
        observer.event(Event::Note { message: format!("run {} was already rebuilt", run.run_id) });
        return Ok(published);
    }
    mixed::check(&job.out, job.mixed, &job.identity)?;
    tokio::task::block_in_place(|| mixed::check_logs(&job.out, &job.identity))?;
    let run = work.open_as(job.unfinished, run)?;
    lock.set_run(&run.run_id).map_err(ExportError::from)?;
    // The spool of an earlier attempt is incomplete.
    durable::remove_tree(&work.spool())?;
    durable::create_dir_all(&work.spool())?;
    let contacts = job.archive.manifest().contacts.requested;
    observer.event(Event::Started {
        run_id: run.run_id.to_string(),
        contacts,
        already_read: 0,
        already_read_messages: 0,
    });
    let draft = draft(&job, &work, &run, &observer, interrupt).await?;
    observer.event(Event::Publishing { files: draft.manifest.files.len() as u64 });
    Ok(publishing::publish(&job.out, &work.folder, draft, &lock, &observer).map_err(ExportError::from)?)
}

/// The archived run, with the identity of this job.
fn run_of(job: &RebuildJob) -> Result<Run, RebuildError> {
    let manifest = job.archive.manifest();
    let started_at = parse_time(&manifest.started_at).ok_or_else(|| RebuildError::Damaged {
        path: PathBuf::from(catalog::manifest_path(&manifest.run_id)),
        what: format!("invalid time in started_at: {:?}", manifest.started_at),
    })?;
    Ok(Run {
        run_id: manifest.run_id.clone(),
        started_at,
        attempt: None,
        identity: job.identity.clone(),
        location: WorkFolder::new(&job.out, &job.work).location(),
        command: Some(job.command.clone()),
    })
}

/// The run, if it is already rebuilt with the same options. A repeated command then has nothing to do.
fn rebuilt_before(job: &RebuildJob, run: &Run) -> Result<Option<Published>, RebuildError> {
    let manifest_path = job.out.join(catalog::manifest_path(&run.run_id));
    let Some(catalog::Run { manifest, .. }) = catalog::run(&job.out, &run.run_id)? else { return Ok(None) };
    if manifest.rebuilt_from.as_ref() == Some(&job.archive.name()) && manifest.options == job.identity.options
    {
        Ok(Some(Published { manifest, manifest_path }))
    } else {
        Err(RebuildError::RunIdTaken { run_id: run.run_id.clone(), path: job.out.root().to_owned() })
    }
}

/// Reads the archive and builds the tables.
async fn draft(
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
    let form = Form { output: &job.output, window: job.window, raw: job.raw, threads: job.threads };
    let building =
        Building::start((run, work), &read, &form, &ledger, observer.clone()).map_err(ExportError::from)?;
    let built = building.finish(interrupt).await??;
    let asked = &job.archive.manifest().requests;
    let requests = Requests {
        sent: asked.sent,
        retries: asked.retries,
        by_status: asked.by_status.clone(),
        timeline: Timeline::new(0),
    };
    let mut draft = manifest_draft::draft(&job.identity, &read.contacts, run, built, &requests, None);
    // The timeline of the requests is that of the archived run.
    draft.manifest.requests.timeline.clone_from(&asked.timeline);
    // It is the same run, so its schema changes stay as they were reported.
    let archived = job.archive.manifest();
    if !archived.known_fields.is_empty() {
        draft.manifest.known_fields.clone_from(&archived.known_fields);
        draft.manifest.schema_changes.clone_from(&archived.schema_changes);
    }
    draft.manifest.shards = archived.shards;
    draft.manifest.rebuilt_from = Some(job.archive.name());
    Ok(draft)
}
