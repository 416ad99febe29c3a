//! The job as a table of contents: open the work folder, list the contacts, fetch and build side by side, publish.
//! [`mod@rebuild`] is the same with an archive in the place of the API.
//!
//! # Memory for each contact
//!
//! A list may hold millions of contacts. These structures grow with their number, by so many bytes for each:
//!
//! | structure | bytes | time |
//! |---|---|---|
//! | [`ContactList`] | 17 for a UUID, for another ID its text and one | the whole run |
//! | [`ContactIndex`](crate::contacts::ContactIndex) | 5 to 10 | while the file is read, and while IDs are looked up |
//! | [`Ledger`](crate::spool::Ledger) | 15, and 11 for each page | the whole run |
//! | counts for `coverage` | 1 without messages, 12 to 18 with | the whole run |
//! | last words | 1 | while `coverage` is written, and after |
//! | [`FirstPages`](crate::fetch::FirstPages) | 8, where answers do not name their contact | while contacts are read |
//! | lengths of histories | 4, where an earlier run is there | until the first contact is begun |
//! | contacts read again | 4, where their ends are in doubt | after all are read |
//! | [`Roster`](crate::fetch::listing::Roster) | 35, and 28 for what is known while the list is read | before an incremental run |
//! | [`state`](crate::state) | 25 | while it is decided who is due |
//! | [`Due`] | 1, in an incremental run | the whole run |
//!
//! Of a contact that fails its line of `failed.csv` is kept too, as text.
//!
//! Layer 4: knows the rooms, and that each hands over to the next only what is durable.

mod building;
mod contact_selection;
mod drift;
mod dry_run;
mod error;
mod incremental;
mod lock;
mod manifest_draft;
mod mixed;
mod previous_state;
mod prune;
mod rebuild;
mod remedy;
mod timeline;
mod work_folder;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::api::{Client, Requests};
use crate::event::{Event, SharedObserver};
use crate::fetch::{self, FetchPlan};
use crate::publish::{self, Published};
use crate::settings::RunSettings;
use crate::spool::{Closing, Writer};
use crate::state::Due;
use crate::transform::Transformed;
use crate::verify::lengths;

pub use contact_selection::ContactSelection;
pub use dry_run::{DryRun, dry_run};
pub use error::{ExportError, Interruption, Signal};
pub use prune::prune;
pub use rebuild::{Archive, RebuildError, RebuildJob, rebuild};
pub use remedy::Remedy;
pub use work_folder::Identity;

use building::{Building, Form, RunContacts, interruptible};
use incremental::Nightly;
use previous_state::PreviousState;
use work_folder::{Run, WorkFolder};

/// What a run is to export, and how.
pub struct Job {
    /// The settings.
    pub settings: RunSettings,
    /// Contacts to export.
    pub contacts: ContactSelection,
    /// What makes this run this run: an unfinished one with another identity is not gone on with.
    pub identity: Identity,
}

/// Exports all contacts, or goes on with the unfinished run in the work folder.
///
/// # Errors
/// What ended the run. Unless it says otherwise, the same job goes on where this one stopped.
pub async fn export(
    job: Job,
    observer: SharedObserver,
    interrupt: impl Future<Output = Interruption>,
) -> Result<Published, ExportError> {
    let Job { settings, contacts, identity } = job;
    tokio::pin!(interrupt);
    let lock =
        lock::wait(&settings.out, &settings.work, settings.wait_lock, &observer, interrupt.as_mut()).await?;
    mixed::check(&settings.out, settings.mixed, &identity)?;
    let interrupt = lock::or_lost(&lock, interrupt);
    tokio::pin!(interrupt);
    let work = WorkFolder::new(&settings.out, &settings.work);
    if let Some(published) =
        work.finish_publishing(settings.unfinished, settings.run_id.as_ref(), &identity, &lock)?
    {
        observer.event(Event::Note { message: "an earlier run was all but published; it is now".to_owned() });
        return Ok(published);
    }
    // The run that was all but published may be the newest now.
    mixed::check(&settings.out, settings.mixed, &identity)?;
    let run = work.open(settings.unfinished, settings.run_id.clone(), &identity)?;
    let client = Arc::new(Client::new(Arc::clone(&settings.connection), observer.clone())?);
    let listing = contacts.list(&work, &client, &observer);
    let (contacts, times) = interruptible(listing, interrupt.as_mut()).await??;
    let contacts = Arc::new(contacts);
    let nightly = settings.incremental.map(|incremental| Nightly {
        past: PreviousState { settings: incremental, identity: &identity, out: &settings.out },
        work: &work,
        run: &run,
    });
    let due = match &nightly {
        None => Due::all(contacts.len()),
        Some(nightly) => {
            let deciding = nightly.due(&contacts, times, &client, &observer);
            interruptible(deciding, interrupt.as_mut()).await??
        }
    };
    let read = RunContacts { contacts: Arc::clone(&contacts), due: Arc::new(due) };
    let (built, requests) =
        fetch_and_transform(&settings, &read, client, (&run, &work), observer.clone(), interrupt).await?;
    let left = match &nightly {
        None => None,
        Some(nightly) => Some(tokio::task::block_in_place(|| nightly.leave_state(&built.statuses))?),
    };
    observer.event(Event::Publishing { files: (built.files.len() + built.raw.len()) as u64 });
    let mut draft = manifest_draft::draft(&identity, &contacts, &run, built, &requests, left);
    tokio::task::block_in_place(|| drift::compare(&settings.out, &mut draft.manifest, &observer));
    let mut check = |_: &str| Ok(lock.check()?);
    let published =
        tokio::task::block_in_place(|| publish::publish(&settings.out, &work.folder, draft, &mut check))?;
    Ok(published)
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
    });
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
    let form = Form { output: &settings.output, window: settings.window, raw: settings.raw };
    let mut building = Building::start((run, work), read, &form, &ledger, observer.clone());
    let fetching = async {
        let fetch = fetch::fetch(plan, Arc::clone(&client), appender, Arc::clone(&ledger), observer.clone());
        Ok(interruptible(fetch, interrupt.as_mut()).await??)
    };
    let fetched = tokio::select! {
        fetched = fetching => fetched,
        error = building.failed() => Err(error),
    };
    ledger.close(if fetched.is_ok() { Closing::Complete } else { Closing::Stopped });
    // Ends when the last task has let go of its end of the queue; until then the runtime must go on.
    let spooled = tokio::task::spawn_blocking(|| writer.finish()).await;
    observer.event(totals(client.requests()));
    spooled.map_err(|_| ExportError::Bug("the spool thread panicked"))??;
    let doubts = fetched?;
    let mut built = building.finish(interrupt).await??;
    built.doubts.extend(doubts);
    Ok((built, recovered.requests.and(client.requests())))
}

/// What this attempt has asked, for those who watch.
fn totals(Requests { sent, retries, by_status, .. }: Requests) -> Event {
    Event::Totals { requests: sent, retries, by_status }
}
