//! Checks believed ends again, after all contacts are read.
//!
//! A short page was believed to be the end of a history. The end is doubtful if a short page of this run was
//! followed by more messages. It is also doubtful if the page held as many messages as the server's largest
//! page, which may be a limit of the server. An end that relies on offsets over all conversations is wrong if
//! offsets turn out to count inside each conversation.

use std::sync::{Arc, Mutex, PoisonError};

use super::contact::{self, end_holds, reopen};
use super::paging::{EndVerdict, ShortPagePolicy, check_end};
use super::shared::Shared;
use super::{FetchError, workers};
use crate::api::Counters;
use crate::contact_read::{End, Outcome};
use crate::event::Event;
use crate::settings::Consistency;
use crate::spool::{Entry, Reader, SpoolError};

/// Maximum number of rounds. Each round proves what it checks, so another round finds more only if the
/// previous one has learned something new about the server.
const MAX_ROUNDS: u32 = 4;

/// Checks doubtful ends until none is left.
pub async fn recheck(shared: &Arc<Shared>) -> Result<(), FetchError> {
    if shared.plan.reading.consistency == Consistency::Fast {
        return Ok(()); // the documents are trusted
    }
    for _ in 0..MAX_ROUNDS {
        let doubtful = tokio::task::block_in_place(|| doubtful(shared))?;
        if doubtful.is_empty() {
            return Ok(());
        }
        let shared = Arc::clone(shared);
        let reader = Arc::new(Mutex::new(Reader::new(shared.plan.spool_folder.clone())));
        workers(&shared.slots.clone(), doubtful.into_iter(), move |contact| {
            let (shared, reader) = (Arc::clone(&shared), Arc::clone(&reader));
            async move {
                let outcome = tokio::task::block_in_place(|| {
                    outcome(&shared, &mut reader.lock().unwrap_or_else(PoisonError::into_inner), contact)
                });
                match outcome? {
                    Some(ended) => check(&shared, contact, ended).await,
                    None => Ok(()),
                }
            }
        })
        .await?;
    }
    Ok(())
}

/// Returns the contacts with doubtful ends. These may be all contacts, so their outcomes stay in the spool.
fn doubtful(shared: &Shared) -> Result<Vec<u32>, SpoolError> {
    let facts = shared.with_facts(|facts| *facts);
    let mut reader = Reader::new(shared.plan.spool_folder.clone());
    let mut doubtful = Vec::new();
    for contact in 0..shared.contact_count() {
        let Some((outcome, _)) = outcome(shared, &mut reader, contact)? else { continue };
        if outcome.endings.iter().any(|(_, ending)| check_end(ending, &facts) != EndVerdict::Holds) {
            doubtful.push(contact);
        }
    }
    Ok(doubtful)
}

/// Reads the contact's outcome and number of messages from the spool.
fn outcome(shared: &Shared, reader: &mut Reader, contact: u32) -> Result<Option<(Outcome, u64)>, SpoolError> {
    let Some(place) = shared.ledger.done(contact) else { return Ok(None) };
    match reader.entry(place)? {
        Entry::Done { outcome, messages, .. } => Ok(Some((outcome, messages))),
        Entry::Page { .. } | Entry::Reopened { .. } => Ok(None),
    }
}

async fn check(
    shared: &Shared,
    contact: u32,
    (mut outcome, messages): (Outcome, u64),
) -> Result<(), FetchError> {
    let facts = shared.with_facts(|facts| *facts);
    for (pass, ending) in &mut outcome.endings {
        let verdict = check_end(ending, &facts);
        let holds = match verdict {
            EndVerdict::Holds => true,
            EndVerdict::Check => {
                let counters = Arc::new(Counters::default());
                let holds = end_holds(shared, contact, *pass, ending, &counters).await?;
                outcome.requests += counters.requests();
                outcome.retries += counters.retries();
                holds
            }
            EndVerdict::Reread => false,
        };
        if !holds {
            if ending.end == End::ShortPage {
                shared.with_facts(|facts| facts.short_pages_lie = true);
            }
            reopen(shared, contact).await?;
            let id = shared.plan.contacts.get(contact as usize);
            shared.observer.event(Event::ContactReopened { contact: id.to_string(), messages });
            return contact::read(shared, contact, ShortPagePolicy::Prove).await;
        }
        if verdict == EndVerdict::Check {
            ending.end = End::Proved;
        }
    }
    shared.finish(contact, outcome, messages).await
}
