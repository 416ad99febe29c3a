//! Fetch: requests every page of every contact and appends the responses to the spool.
//!
//! - [`order`]: contacts are read in input order, except that the longest known histories start first.
//! - [`worker_slots`]: slightly more contacts are read at a time than the limiter allows requests in flight.
//! - [`paging`]: the pages of a contact are read one after another, until the end is proved or believed.
//! - [`prefetch`]: idle slots request pages of long histories ahead of their turn.
//! - [`recheck`]: after the last contact, ends that the run no longer believes are checked again.
//! - [`listing`]: lists the contacts of an account.
//!
//! Layer 3: uses `api` and `spool`, and from `table` only the format of times. It does not write files.

mod conclusion;
mod contact;
mod failure_budget;
mod first_pages;
pub mod listing;
#[cfg(test)]
mod mutation_tests;
mod order;
pub mod paging;
mod prefetch;
mod recheck;
mod request;
mod restore;
mod shared;
mod worker_slots;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use crate::api::{Client, Fatal};
use crate::contact_read::ServerBehavior;
use crate::contacts::ContactList;
use crate::event::{Event, SharedObserver};
use crate::settings::{ContactLimit, ReadingSettings};
use crate::spool::{Appender, Ledger, SpoolError};
use crate::state::Due;
pub use first_pages::FirstPages;
use paging::ShortPagePolicy;
use shared::Shared;
use worker_slots::Slots;

/// Contacts to read, and how to read them.
pub struct FetchPlan {
    /// All contacts of the input.
    pub contacts: Arc<ContactList>,
    /// Selects the contacts to read.
    pub due: Arc<Due>,
    /// Scope and page size of each read.
    pub reading: ReadingSettings,
    /// Maximum number of contacts read at a time.
    pub concurrency: u32,
    /// Limit for failed contacts.
    pub max_failed: ContactLimit,
    /// Folder with the spool segments of earlier attempts.
    pub spool_folder: std::path::PathBuf,
    /// Server behavior that an earlier attempt has learned.
    pub learned: ServerBehavior,
    /// Fingerprints of first pages from an earlier attempt.
    pub first_pages: FirstPages,
    /// Number of messages of each contact in an earlier run, 0 if it is unknown. Empty without an earlier
    /// run.
    pub lengths: Vec<u32>,
}

/// Reason why fetch ended before all contacts had an outcome.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The API client ended the run.
    #[error(transparent)]
    Api(#[from] Fatal),
    /// The spool cannot be written or read.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The server returns the same messages at every offset.
    #[error(
        "the API ignores `offset`: contact {contact} gets the same messages at every offset, so no history longer than a page can be read"
    )]
    OffsetIgnored {
        /// ID of a contact that showed it.
        contact: String,
    },
    /// The API refused each of the first contacts.
    #[error("the API refused the first {contacts} contacts, the last with {what}: {}", hint(*unauthorized))]
    AllRefused {
        /// Number of refused contacts.
        contacts: u64,
        /// True if every status was 401 or 403.
        unauthorized: bool,
        /// Text of the last refusal.
        what: String,
    },
    /// The responses for the first contacts, or for all contacts, were not pages of these contacts.
    #[error(
        "the API's answers have changed, for all {contacts} requested contacts ({what}): nothing was published, look for a newer version of chatzy-export"
    )]
    AnswersChanged {
        /// Number of contacts without a valid response.
        contacts: u64,
        /// Description of the last answer.
        what: String,
    },
    /// The API responded to no contact.
    #[error("the API responded for none of the {contacts} contacts ({what}): nothing was published")]
    NothingAnswered {
        /// Number of contacts without a valid response.
        contacts: u64,
        /// Description of the last failure.
        what: String,
    },
    /// The API responded at first, but not at the end.
    #[error("the API stopped responding, {failed} contacts failed ({what}): nothing was published")]
    StoppedAnswering {
        /// Number of contacts without an answer.
        failed: u64,
        /// Description of the last failure.
        what: String,
    },
    /// More contacts failed than `--max-failed` allows.
    #[error("{failed} contacts failed, more than --max-failed allows: nothing was published")]
    TooManyFailed {
        /// Number of failed contacts.
        failed: u64,
    },
}

fn hint(unauthorized: bool) -> &'static str {
    if unauthorized {
        "check the credentials and their permissions"
    } else {
        "check --base-url and the contacts file"
    }
}

/// Reads all contacts that have no outcome. Returns the reasons to doubt the responses.
///
/// # Errors
/// If the run must end. The spool keeps all pages read so far, and the next attempt resumes from it.
pub async fn fetch(
    mut plan: FetchPlan,
    client: Arc<Client>,
    appender: Appender,
    ledger: Arc<Ledger>,
    observer: SharedObserver,
) -> Result<Vec<String>, FetchError> {
    let lengths = std::mem::take(&mut plan.lengths);
    let shared = Arc::new(Shared::new(plan, client, appender, ledger, observer));
    let other = conclusion::other_contact(&shared);
    read_all(&shared, lengths).await?;
    conclusion::conclude(&shared, other).await?;
    recheck::recheck(&shared).await?;
    conclusion::check_answering(&shared).await?;
    shared.observer.event(Event::Fetched);
    let doubts: Vec<String> = shared.first_pages.doubt().into_iter().collect();
    for reason in &doubts {
        shared.observer.event(Event::AnswersDoubtful { reason: reason.clone() });
    }
    Ok(doubts)
}

/// Reads the contacts that have no outcome yet.
async fn read_all(shared: &Arc<Shared>, lengths: Vec<u32>) -> Result<(), FetchError> {
    let open = unfinished_contacts(shared, &lengths);
    drop(lengths);
    let shared = Arc::clone(shared);
    workers(&shared.slots.clone(), open, move |(place, contact)| {
        let shared = Arc::clone(&shared);
        async move {
            shared.ledger.recent().room().await;
            contact::read(&shared, contact, short_page_policy(place)).await
        }
    })
    .await
}

/// Returns the contacts without an outcome in reading order, each with its position among the due contacts.
fn unfinished_contacts(
    shared: &Arc<Shared>,
    lengths: &[u32],
) -> impl Iterator<Item = (u32, u32)> + Send + use<> {
    let plan = &shared.plan;
    // A list of pairs would take 40 MB for five million contacts.
    let (contacts, due, ledger) = (plan.contacts.len(), Arc::clone(&plan.due), Arc::clone(&shared.ledger));
    let open = move || {
        let (due, ledger) = (Arc::clone(&due), Arc::clone(&ledger));
        let due = (0..contacts).filter(move |place| due.holds(*place));
        let due = (0..).zip(due.filter_map(|place| u32::try_from(place).ok()));
        due.filter(move |(_, contact)| !ledger.is_done(*contact))
    };
    let first = match lengths {
        [] => Vec::new(),
        lengths => order::longest_first(&open, lengths, &plan.reading, plan.concurrency),
    };
    let is_first: HashSet<u32> = first.iter().map(|(_, contact)| *contact).collect();
    first.into_iter().chain(open().filter(move |(_, contact)| !is_first.contains(contact)))
}

/// Runs the jobs with one worker per slot. Each worker takes the next job. The first error ends all workers.
async fn workers<J, W>(
    slots: &Slots,
    jobs: impl Iterator<Item = J> + Send + 'static,
    work: impl Fn(J) -> W + Clone + Send + 'static,
) -> Result<(), FetchError>
where
    J: Send + 'static,
    W: Future<Output = Result<(), FetchError>> + Send + 'static,
{
    let jobs = Arc::new(Mutex::new(jobs));
    let mut tasks: JoinSet<Result<(), FetchError>> = JoinSet::new();
    slots.begin();
    for _ in 0..slots.count {
        let (jobs, work, slots) = (Arc::clone(&jobs), work.clone(), slots.clone());
        tasks.spawn(async move {
            loop {
                let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(job) = next else {
                    slots.leave();
                    return Ok(());
                };
                work(job).await?;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(result) => result?,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Err(Fatal::Cancelled.into()),
        }
    }
    slots.drain().await;
    Ok(())
}

/// Number of contacts at the start whose ends are always proved. Belief in short pages of other contacts
/// rests on them.
const PROVED_CONTACTS: u32 = 20;
/// One in this many of the other contacts is proved too. The position selects it, not chance, so that the
/// same input gives the same coverage.
const PROVED_SAMPLE: u32 = 100;

/// Returns the policy for short last pages of the contact at this position.
fn short_page_policy(position: u32) -> ShortPagePolicy {
    if position < PROVED_CONTACTS || position.is_multiple_of(PROVED_SAMPLE) {
        ShortPagePolicy::Prove
    } else {
        ShortPagePolicy::Believe
    }
}
