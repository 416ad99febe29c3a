//! The job of `run`, step by step: open the work folder, list the contacts, fetch and transform at once,
//! publish.
//!
//! [`mod@rebuild`] is the same job with a raw archive as its source instead of the API, and [`mod@snapshot`] one with
//! the tables of another export. [`mod@shards`] divides a run among several processes.
//!
//! # Memory per contact
//!
//! A list may have millions of contacts. These structures grow with the number of contacts, in bytes per
//! contact:
//!
//! | structure | bytes | time |
//! |---|---|---|
//! | [`ContactList`] | 17 for a UUID, else the length of the ID and 1 | the whole run |
//! | [`ContactIndex`] | 5 to 10 | while the file is read, and while IDs are looked up |
//! | [`Ledger`] | 15, and 11 per page | the whole run |
//! | counts for `coverage` | 1 without messages, 12 to 18 with | the whole run |
//! | statuses | 1 | while `coverage` is written, and after |
//! | [`FirstPages`] | 8, if responses do not name their contact | while contacts are read |
//! | messages of each contact | 4 | while an unfinished run is recovered |
//! | lengths of histories | 4, after an earlier run | until the first contact is started |
//! | contacts read again | 4, if their ends are in doubt | after all contacts are read |
//! | [`Roster`] | 35, and 28 for known contacts while the list is read | before an incremental run |
//! | [`state`](crate::state) | 25 | while the due contacts are decided |
//! | [`Due`] | 1, in an incremental run | the whole run |
//!
//! [`ContactList`]: crate::contacts::ContactList
//! [`ContactIndex`]: crate::contacts::ContactIndex
//! [`Ledger`]: crate::spool::Ledger
//! [`FirstPages`]: crate::fetch::FirstPages
//! [`Roster`]: crate::fetch::listing::Roster
//!
//! Layer 4: connects the rooms. Each room passes only durable data to the next.

mod building;
mod contact_selection;
mod drift;
mod dry_run;
mod erase;
mod error;
mod hold;
mod identity;
mod incremental;
mod lock;
mod manifest_draft;
mod mixed;
mod not_found;
mod previous_state;
mod prune;
mod publishing;
mod rebuild;
mod remedy;
mod runs;
mod shards;
mod snapshot;
mod suppressed;
mod timeline;
mod work_folder;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::api::{Client, Requests};
use crate::event::{Event, SharedObserver};
use crate::fetch::{self, FetchPlan};
use crate::lock::try_conditions;
use crate::publish::Published;
use crate::settings::{RunSettings, Window};
use crate::spool::{Closing, Writer};
use crate::state::Due;
use crate::transform::Transformed;
use crate::verify::lengths;

pub use contact_selection::{AccountSelection, ContactSelection};
pub use dry_run::{DryRun, dry_run};
pub use erase::{EraseJob, EraseJobError, erase};
pub use error::{ExportError, Interruption, Signal};
pub use hold::{HoldChange, HoldError, HoldScope, holds, place_hold, release_hold};
pub use identity::Identity;
pub use not_found::doubt as not_found_doubt;
pub use prune::prune;
pub use rebuild::{Archive, RebuildError, RebuildJob, rebuild};
pub use remedy::Remedy;
pub use runs::{ListedRun, LockName, RunKind, RunList, UncommittedRun, UnfinishedRun, runs};
pub use shards::{CommitJob, ShardsError, commit};
pub use snapshot::{ExistingPolicy, SnapshotJob, SnapshotJobError, snapshot};
pub use work_folder::ResumeCommand;

use building::{Building, Form, RunContacts, interruptible};
use incremental::IncrementalRun;
use lock::Extent;
use previous_state::PreviousState;
use suppressed::{Kept, Suppressed};
use work_folder::{Run, WorkFolder};

/// Input of an export.
pub struct Job {
    pub settings: RunSettings,
    pub contacts: ContactSelection,
    /// Identity of the run. An unfinished run with another identity is not resumed.
    pub identity: Identity,
    /// The command that resumes the run.
    pub command: ResumeCommand,
}

/// Exports all contacts, or resumes the unfinished run in the work folder.
///
/// # Errors
/// The reason that ended the run. [`ExportError::remedy`] gives the next step.
pub async fn export(
    job: Job,
    observer: SharedObserver,
    interrupt: impl Future<Output = Interruption>,
) -> Result<Published, ExportError> {
    let (out, work) = (job.settings.out.clone(), job.settings.work.clone());
    let published = Box::pin(export_locked(job, observer, interrupt)).await;
    // The lock is released, so the folder of a shard may be empty.
    shards::remove_empty_folders(&out, &work);
    published
}

async fn export_locked(
    job: Job,
    observer: SharedObserver,
    interrupt: impl Future<Output = Interruption>,
) -> Result<Published, ExportError> {
    let Job { mut settings, contacts, mut identity, command } = job;
    tokio::pin!(interrupt);
    let extent = if settings.shard.is_some() { Extent::WorkFolder } else { Extent::Export };
    let locked = (&*settings.work, extent);
    let lock = lock::wait(&settings.out, locked, settings.wait_lock, &observer, interrupt.as_mut()).await?;
    mixed::adopt_table_format(&settings.out, settings.mixed, &mut identity)?;
    mixed::check(&settings.out, settings.mixed, &identity)?;
    let interrupt = lock::or_lost(&lock, interrupt);
    tokio::pin!(interrupt);
    let work = WorkFolder::new(&settings.out, &settings.work);
    if let Some(shard) = settings.shard {
        shards::check_work(&work, shard)?;
    }
    for reference in &settings.unsuppressed {
        suppressed::unsuppress(&settings.out, reference, &observer)?;
    }
    let mut suppressed = Suppressed::read(&settings.out, &[])?;
    identity.suppressed.clone_from(&suppressed.digest);
    if let (Some(shard), Some(run_id)) = (settings.shard, &settings.run_id)
        && let Some(finished) = shards::already_finished(&work, run_id, (&identity, shard))?
    {
        // Also with `--fresh`: its uploads or files are those that `commit` publishes.
        observer.event(Event::Note { message: format!("shard {shard} has finished before") });
        return Ok(finished);
    }
    if let Some(published) =
        work.finish_publishing(settings.unfinished, settings.run_id.as_ref(), &identity, &lock)?
    {
        observer.event(Event::Note { message: "finished publishing an earlier run".to_owned() });
        return Ok(published);
    }
    // The run whose publication was just finished may be the newest now.
    mixed::check(&settings.out, settings.mixed, &identity)?;
    tokio::task::block_in_place(|| mixed::check_logs(&settings.out, &identity))?;
    if settings.shard.is_some() && settings.out.folder().is_none() {
        // Other runs find this out when they lock the export.
        try_conditions(&settings.out)?;
    }
    let run = work.open(settings.unfinished, settings.run_id.clone(), (&identity, Some(command)))?;
    lock.set_run(&run.run_id)?;
    settings.window = work.keep_window(&run, &mut identity)?;
    let client = Arc::new(Client::new(Arc::clone(&settings.connection), observer.clone())?);
    let listing = contacts.list(&work, &client, &observer);
    let listed = interruptible(listing, interrupt.as_mut()).await?;
    let listed = listed.and_then(|(contacts, times)| {
        suppressed.leave_out(contacts, times, settings.shard.is_some(), &observer)
    });
    if let Err(ExportError::NoContacts | ExportError::NothingFound | ExportError::AllErased { .. }) = &listed
    {
        work.abandon()?;
    }
    let Kept { contacts, times, suppressed } = listed?;
    let contacts = Arc::new(contacts);
    let incremental = settings.incremental.map(|incremental| IncrementalRun {
        previous: PreviousState { settings: incremental, identity: &identity, out: &settings.out },
        work: &work,
        run: &run,
    });
    let due = match &incremental {
        None => Due::all(contacts.len()),
        Some(incremental) => {
            let deciding = incremental.due(&contacts, times, &client, &observer);
            interruptible(deciding, interrupt.as_mut()).await??
        }
    };
    let read = RunContacts { contacts: Arc::clone(&contacts), due: Arc::new(due) };
    let (built, requests) =
        fetch_and_transform(&settings, &read, client, (&run, &work), observer.clone(), interrupt).await?;
    let state = match &incremental {
        None => None,
        Some(incremental) => Some(tokio::task::block_in_place(|| incremental.stage_state(&built.statuses))?),
    };
    observer.event(Event::Publishing { files: (built.files.len() + built.raw.len()) as u64 });
    let mut draft = manifest_draft::draft(&identity, &contacts, &run, built, &requests, state);
    draft.manifest.input.suppressed = suppressed;
    if settings.shard.is_some() {
        return tokio::task::block_in_place(|| shards::hand_over(&work, &run, draft, &lock, &observer));
    }
    tokio::task::block_in_place(|| drift::compare(&settings.out, &mut draft.manifest, &observer));
    Ok(publishing::publish(&settings.out, &work.folder, draft, &lock, &observer)?)
}

/// Fetches the histories and transforms them at the same time.
async fn fetch_and_transform(
    settings: &RunSettings,
    read: &RunContacts,
    client: Arc<Client>,
    (run, work): (&Run, &WorkFolder),
    observer: SharedObserver,
    mut interrupt: Pin<&mut impl Future<Output = Interruption>>,
) -> Result<(Transformed, Requests), ExportError> {
    let recovered = tokio::task::block_in_place(|| work.recover(read.contacts.len()))?;
    observer.event(Event::Started {
        run_id: run.run_id.to_string(),
        contacts: read.due.count() as u64,
        already_read: recovered.already_read,
        already_read_messages: recovered.already_read_messages,
    });
    if settings.window != Window::default() {
        observer.event(Event::window(settings.window));
    }
    let ledger = Arc::new(recovered.ledger);
    let (writer, appender) = Writer::start(&work.spool(), recovered.next_segment, observer.clone())?;
    let plan = FetchPlan {
        contacts: Arc::clone(&read.contacts),
        due: Arc::clone(&read.due),
        reading: settings.reading.clone(),
        concurrency: settings.connection.concurrency.get(),
        max_failed: settings.max_failed,
        spool_folder: work.spool(),
        learned: recovered.learned,
        first_pages: recovered.first_pages,
        lengths: tokio::task::block_in_place(|| {
            let earlier = lengths::newest(&settings.out);
            earlier.map_or_else(Vec::new, |run| lengths::known(&settings.out, &run, &read.contacts))
        }),
    };
    let (window, raw, threads) = (settings.window, settings.raw, settings.threads);
    let form = Form { output: &settings.output, window, raw, threads };
    let mut building = Building::start((run, work), read, &form, &ledger, observer.clone())?;
    let fetching = async {
        let fetch = fetch::fetch(plan, Arc::clone(&client), appender, Arc::clone(&ledger), observer.clone());
        Ok(interruptible(fetch, interrupt.as_mut()).await??)
    };
    let fetched = tokio::select! {
        fetched = fetching => fetched,
        error = building.failed() => Err(error),
    };
    ledger.close(if fetched.is_ok() { Closing::Complete } else { Closing::Stopped });
    // The writer ends when the last task drops its sender. The runtime must keep running until then.
    let spooled = tokio::task::spawn_blocking(|| writer.finish()).await;
    observer.event(totals(client.requests()));
    spooled.map_err(|_| ExportError::Bug("the spool thread panicked"))??;
    let doubts = fetched?;
    let mut built = building.finish(interrupt).await??;
    built.doubts.extend(doubts);
    Ok((built, recovered.requests.and(client.requests())))
}

/// The requests of this attempt, as an event.
fn totals(Requests { sent, retries, by_status, .. }: Requests) -> Event {
    Event::Totals { requests: sent, retries, by_status }
}
