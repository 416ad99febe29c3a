//! Fetch: asks the API for every page of every contact and puts the answers into the spool.
//!
//! Contacts are admitted in the order of the input, but for those that are known to take longest ([`order`]), a few more at
//! a time than requests may be in flight ([`worker_slots`]); how many really are is the governor's to say. Within a contact pages follow each
//! other, as [`paging`] says; when slots are idle because no contact waits, pages of those still read are asked for
//! [`prefetch`] of their turn. When all are read, what was only believed is looked at once more ([`recheck`]). The contacts of an
//! account are listed by [`listing`].
//!
//! Layer 3: uses `api` and `spool`; knows nothing of files, and of tables only how a time is written.

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

use crate::api::{Client, Stop};
use crate::contact_read::ServerBehavior;
use crate::contacts::ContactList;
use crate::event::{Event, SharedObserver};
use crate::settings::{MaxFailed, ReadingSettings};
use crate::spool::{Appender, Ledger, SpoolError};
use crate::state::Due;
pub use first_pages::FirstPages;
use paging::Claims;
use shared::Shared;
use worker_slots::Slots;

/// What fetch works on.
pub struct FetchPlan {
    /// Contacts to read.
    pub contacts: Arc<ContactList>,
    /// Which of them.
    pub due: Arc<Due>,
    /// What to read of each.
    pub reading: ReadingSettings,
    /// Contacts read at a time.
    pub concurrency: u32,
    /// How many may fail.
    pub max_failed: MaxFailed,
    /// Where an earlier attempt has left the spool's segments.
    pub spool_folder: std::path::PathBuf,
    /// What an earlier attempt has learned of the server.
    pub learned: ServerBehavior,
    /// Fingerprints of first pages that an earlier attempt has left.
    pub first_pages: FirstPages,
    /// Messages that each contact had in an earlier run, 0 where that is not known; empty where nothing is known.
    pub lengths: Vec<u32>,
}

/// Why fetch ended before all contacts had their last word.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The API ends the run.
    #[error(transparent)]
    Api(#[from] Stop),
    /// The spool cannot be written or read.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The server answers the same messages at every offset.
    #[error(
        "the API ignores `offset` (contact {contact} gets the same messages at every offset): no history longer than a page can be read from it"
    )]
    OffsetIgnored {
        /// The contact that showed it.
        contact: String,
    },
    /// The first contacts were all refused.
    #[error("the API refused the first {contacts} contacts, the last with {what}: {}", hint(*unauthorized))]
    AllRefused {
        /// How many.
        contacts: u64,
        /// Whether all with 401 or 403.
        unauthorized: bool,
        /// What the last refusal said.
        what: String,
    },
    /// The answers for the first contacts, or for all, were not pages of these contacts.
    #[error(
        "the API's answers have changed, for all {contacts} contacts asked for ({what}): nothing was published, look for a newer version of chatzy-export"
    )]
    AnswersChanged {
        /// Number of contacts.
        contacts: u64,
        /// Description of the last answer.
        what: String,
    },
    /// No contact at all was answered.
    #[error("the API answered for none of {contacts} contacts ({what}): nothing was published")]
    NothingAnswered {
        /// Number of contacts.
        contacts: u64,
        /// The last failure.
        what: String,
    },
    /// The API answered at first, and not at the end.
    #[error("the API stopped answering, {failed} contacts failed ({what}): nothing was published")]
    StoppedAnswering {
        /// Number of contacts without an answer.
        failed: u64,
        /// The last failure.
        what: String,
    },
    /// More contacts failed than `--max-failed` allows.
    #[error("{failed} contacts failed, more than --max-failed allows: nothing was published")]
    TooManyFailed {
        /// How many.
        failed: u64,
    },
}

fn hint(unauthorized: bool) -> &'static str {
    if unauthorized {
        "check the credentials and what they may read"
    } else {
        "check --base-url and the contacts file"
    }
}

/// Reads all contacts without a result. Returns the reasons to doubt their answers.
///
/// # Errors
/// What ends the run; what was spooled before stays, and the next attempt goes on from it.
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

/// Reads the contacts that have no last word yet.
async fn read_all(shared: &Arc<Shared>, lengths: Vec<u32>) -> Result<(), FetchError> {
    let open = open_contacts(shared, &lengths);
    drop(lengths);
    let shared = Arc::clone(shared);
    workers(&shared.slots.clone(), open, move |(place, contact)| {
        let shared = Arc::clone(&shared);
        async move {
            shared.ledger.recent().room().await;
            contact::read(&shared, contact, claims(place)).await
        }
    })
    .await
}

/// The contacts without a result, in the order in which they are begun, each with its position among those that are due.
fn open_contacts(shared: &Arc<Shared>, lengths: &[u32]) -> impl Iterator<Item = (u32, u32)> + Send + use<> {
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
        lengths => order::longest_in_time(&open, lengths, &plan.reading, plan.concurrency),
    };
    let is_first: HashSet<u32> = first.iter().map(|(_, contact)| *contact).collect();
    first.into_iter().chain(open().filter(move |(_, contact)| !is_first.contains(contact)))
}

/// Works on the jobs, as many at a time as there are slots, each worker taking the next. The first error ends all.
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
            Err(_) => return Err(Stop::Cancelled.into()),
        }
    }
    slots.settle().await;
    Ok(())
}

/// Contacts at the start of those that are read whose ends are always proved: what is believed of the others rests on them.
const PROVED_CONTACTS: u32 = 20;
/// Of the others, one in so many is proved all the same. Chosen by its place among them, not by chance, so that the
/// same input gives the same coverage.
const SAMPLED_CONTACTS: u32 = 100;

/// Whether the short last page of the contact at this place may be believed.
fn claims(place: u32) -> Claims {
    if place < PROVED_CONTACTS || place.is_multiple_of(SAMPLED_CONTACTS) {
        Claims::Prove
    } else {
        Claims::Believe
    }
}
