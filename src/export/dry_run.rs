//! `--dry-run`: finds out what a run would do, and writes nothing.

use chrono::Utc;

use super::contact_selection::ContactSelection;
use super::previous_state::{PreviousState, known, summary, times_or_ask};
use super::suppressed::{Kept, Suppressed};
use super::work_folder::WorkFolder;
use super::{ExportError, Job, mixed};
use crate::api::{Client, Counters, Failure, Fatal, PageQuery};
use crate::contacts::ContactList;
use crate::event::SharedObserver;
use crate::output::manifest::{Input, RunOptions};
use crate::settings::{Incremental, UnfinishedPolicy};
use crate::state::Times;

/// Result of a dry run.
#[derive(Debug)]
pub struct DryRun {
    /// Summary of the contacts.
    pub input: Input,
    /// The contact whose first page was requested.
    pub contact: String,
    /// Number of messages on its first page, or the reason for its failure.
    pub first_page: Result<usize, String>,
    /// ID of the unfinished run, if there is one.
    pub unfinished: Option<String>,
    /// Options of the run. A resumed run keeps the window of its first start.
    pub options: RunOptions,
    /// Number of due contacts, and the reasons, if an incremental run would start. A resumed run has decided
    /// before.
    pub due: Option<String>,
}

/// Signs in and requests one contact. For an incremental run, also lists the account's contacts.
///
/// # Errors
/// When signing in fails, the server is not the API, or the due contacts cannot be determined.
pub async fn dry_run(job: &Job, observer: SharedObserver) -> Result<DryRun, ExportError> {
    let settings = &job.settings;
    let mut identity = job.identity.clone();
    mixed::adopt_table_format(&settings.out, settings.mixed, &mut identity)?;
    mixed::check(&settings.out, settings.mixed, &identity)?;
    tokio::task::block_in_place(|| mixed::check_logs(&settings.out, &identity))?;
    let client = Client::new(settings.connection.clone(), observer.clone())?;
    let (contacts, times) = match &job.contacts {
        ContactSelection::Listed(contacts) => (contacts.clone(), None),
        ContactSelection::Account(selection) => {
            let (list, times) = selection.read(&client, &observer).await?;
            (list, Some(times))
        }
    };
    let mut suppressed = Suppressed::read(&settings.out, &settings.unsuppressed)?;
    let Kept { contacts, times, suppressed } = suppressed.leave_out(contacts, times, false, &observer)?;
    let contacts = &contacts;
    let unfinished = WorkFolder::new(&settings.out, &settings.work).unfinished()?;
    let resumed = unfinished.as_ref().filter(|_| settings.unfinished == UnfinishedPolicy::Resume);
    let begins = resumed.is_none();
    let mut options = job.identity.options.clone();
    if let Some(run) = resumed.filter(|run| options.window_fits(&run.identity.options)) {
        options.keep_window_of(&run.identity.options);
    }
    let first_page = first_page(job, &client, contacts).await?;
    let due = match settings.incremental {
        Some(incremental) if begins => {
            Some(due(job, incremental, contacts, times, &client, &observer).await?)
        }
        _ => None,
    };
    Ok(DryRun {
        input: Input { suppressed, ..Input::from(contacts) },
        contact: contacts.get(0).to_string(),
        first_page,
        unfinished: unfinished.map(|run| run.run_id.to_string()),
        options,
        due,
    })
}

/// Number of messages on the first contact's first page, or the reason for its failure.
async fn first_page(
    job: &Job,
    client: &Client,
    contacts: &ContactList,
) -> Result<Result<usize, String>, ExportError> {
    let reading = &job.settings.reading;
    let query = PageQuery {
        contact: &contacts.get(0),
        channel: reading.channels.first().copied(),
        offset: 0,
        limit: reading.page_size,
        shape: reading.shape,
    };
    match client.page(&query, &Counters::default(), |answer| answer.page().message_count()).await {
        Ok((_, messages)) => Ok(Ok(messages)),
        Err(Failure::Fatal(stop)) => Err(stop.into()),
        Err(Failure::NotFound) => Ok(Err("the API does not know this contact".to_owned())),
        Err(Failure::AskLess) => {
            Ok(Err("the page is too large; the run will request smaller pages".to_owned()))
        }
        Err(
            Failure::Refused { what, .. }
            | Failure::Unanswered { what }
            | Failure::NotAnAnswer { what }
            | Failure::Unreadable { what },
        ) => Ok(Err(what)),
        Err(Failure::Unwanted) => Err(Fatal::Cancelled.into()),
    }
}

async fn due(
    job: &Job,
    settings: Incremental,
    contacts: &ContactList,
    times: Option<Times>,
    client: &Client,
    observer: &SharedObserver,
) -> Result<String, ExportError> {
    let previous = PreviousState { settings, identity: &job.identity, out: &job.settings.out };
    let state = previous.state(observer)?;
    let times = times_or_ask(times, contacts, client, observer).await?;
    tokio::task::block_in_place(|| {
        let known = known(state.as_ref(), contacts)?;
        let decision = previous.decision(Utc::now().timestamp_micros(), contacts, &known, &times)?;
        Ok(summary(&decision.reasons()))
    })
}
