//! What a run would do, found out without writing anything: `--dry-run`.

use chrono::Utc;

use super::contact_selection::{self, ContactSelection};
use super::previous_state::{PreviousState, known, times_or_ask, told};
use super::work_folder::WorkFolder;
use super::{ExportError, Job, mixed};
use crate::api::{Client, Counters, Failure, PageQuery, Stop};
use crate::contacts::ContactList;
use crate::event::SharedObserver;
use crate::output::manifest::Input;
use crate::settings::{Incremental, Unfinished};
use crate::state::Times;

/// What was found out.
#[derive(Debug)]
pub struct DryRun {
    /// What is known of the contacts.
    pub input: Input,
    /// The contact that was asked for.
    pub contact: String,
    /// What came: messages on its first page, or why there is none.
    pub first_page: Result<usize, String>,
    /// The unfinished run that is there.
    pub unfinished: Option<String>,
    /// Of an incremental run that would begin: how many contacts are due, and why. One that goes on has decided that.
    pub due: Option<String>,
}

/// Signs in, asks for one contact, and of an incremental run for the account's list; writes nothing.
///
/// # Errors
/// When signing in fails, what answers is not the API, or it cannot be told who is due.
pub async fn dry_run(job: &Job, observer: SharedObserver) -> Result<DryRun, ExportError> {
    let settings = &job.settings;
    mixed::check(&settings.out, settings.mixed, &job.identity)?;
    let client = Client::new(settings.connection.clone(), observer.clone())?;
    let all;
    let (contacts, times) = match &job.contacts {
        ContactSelection::Listed(contacts) => (contacts, None),
        ContactSelection::All => {
            let (list, times) = contact_selection::all(&client, &observer).await?;
            all = list;
            (&all, Some(times))
        }
    };
    let unfinished =
        WorkFolder::new(&settings.out, &settings.work).unfinished()?.map(|run| run.run_id.to_string());
    let begins = unfinished.is_none() || settings.unfinished == Unfinished::ThrowAway;
    let first_page = first_page(job, &client, contacts).await?;
    let due = match settings.incremental {
        Some(incremental) if begins => {
            Some(due(job, incremental, contacts, times, &client, &observer).await?)
        }
        _ => None,
    };
    Ok(DryRun {
        input: Input::from(contacts),
        contact: contacts.get(0).to_string(),
        first_page,
        unfinished,
        due,
    })
}

/// Messages on the first contact's first page, or why there is none.
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
        Err(Failure::Stop(stop)) => Err(stop.into()),
        Err(Failure::NotFound) => Ok(Err("the API knows no such contact".to_owned())),
        Err(Failure::AskLess) => Ok(Err("the page is too large; smaller ones will be asked for".to_owned())),
        Err(
            Failure::Refused { what, .. }
            | Failure::Unanswered { what }
            | Failure::NotAnAnswer { what }
            | Failure::Unreadable { what },
        ) => Ok(Err(what)),
        Err(Failure::Unwanted) => Err(Stop::Cancelled.into()),
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
    let past = PreviousState { settings, identity: &job.identity, out: &job.settings.out };
    let state = past.state(observer)?;
    let times = times_or_ask(times, contacts, client, observer).await?;
    tokio::task::block_in_place(|| {
        let known = known(state.as_ref(), contacts)?;
        let decision = past.decision(Utc::now().timestamp_micros(), contacts, &known, &times)?;
        Ok(told(&decision.reasons()))
    })
}
