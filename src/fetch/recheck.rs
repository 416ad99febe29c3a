//! Looking once more at what was only believed, when all contacts are read.
//!
//! A short page was believed to be the end of a history. That does not hold if one such page has proved false in this
//! run, or if it held as many messages as the server ever sent (which may be a limit of its own). An ending that rests on
//! offsets counting all conversations does not hold if they turned out to count inside each.

use std::sync::Arc;

use super::contact::{self, holds, reopen};
use super::paging::{Claims, Doubt, doubt};
use super::shared::Shared;
use super::{FetchError, workers};
use crate::api::Counters;
use crate::history::{End, Outcome};
use crate::settings::Consistency;
use crate::spool::{Entry, Reader, SpoolError};

/// Rounds after which it is left at what was found. Each round proves what it looks at, so that a second finds more
/// only if the first has learned something new of the server.
const MAX_ROUNDS: u32 = 4;

/// Checks what needs it until nothing does.
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
        workers(&shared.slots.clone(), doubtful.into_iter(), move |(contact, outcome)| {
            let shared = Arc::clone(&shared);
            async move { check(&shared, contact, outcome).await }
        })
        .await?;
    }
    Ok(())
}

/// The contacts whose endings do not hold by what is known now.
fn doubtful(shared: &Shared) -> Result<Vec<(u32, Outcome)>, SpoolError> {
    let facts = shared.with_facts(|facts| *facts);
    let mut reader = Reader::new(shared.plan.spool_folder.clone());
    let mut doubtful = Vec::new();
    for contact in 0..shared.contact_count() {
        let Some(place) = shared.ledger.done(contact) else { continue };
        let Entry::Done { outcome, .. } = reader.entry(place)? else { continue };
        if outcome.endings.iter().any(|(_, ending)| doubt(ending, &facts) != Doubt::None) {
            doubtful.push((contact, outcome));
        }
    }
    Ok(doubtful)
}

async fn check(shared: &Shared, contact: u32, mut outcome: Outcome) -> Result<(), FetchError> {
    let facts = shared.with_facts(|facts| *facts);
    for (pass, ending) in &mut outcome.endings {
        let doubt = doubt(ending, &facts);
        let holds = match doubt {
            Doubt::None => true,
            Doubt::Look => {
                let counters = Arc::new(Counters::default());
                let holds = holds(shared, contact, *pass, ending, &counters).await?;
                outcome.requests += counters.requests();
                outcome.retries += counters.retries();
                holds
            }
            Doubt::ReadAnew => false,
        };
        if !holds {
            if ending.end == End::ShortPage {
                shared.with_facts(|facts| facts.short_pages_lie = true);
            }
            reopen(shared, contact).await?;
            return contact::read(shared, contact, Claims::Prove).await;
        }
        if doubt == Doubt::Look {
            ending.end = End::Proved;
        }
    }
    shared.settle(contact, outcome).await
}
