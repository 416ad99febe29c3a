//! The end of a run in which no contact was answered: an outage, changed answers, or only these contacts.

use super::FetchError;
use super::shared::Shared;
use super::verdicts::Suspicion;
use crate::api::{Counters, Failure, PageQuery, Stop};

/// A contact that this attempt does not read: an earlier attempt has read it, or it is not due.
pub fn other_contact(shared: &Shared) -> Option<u32> {
    let is_other =
        |contact: &u32| shared.ledger.is_done(*contact) || !shared.plan.due.holds(*contact as usize);
    (0..shared.contact_count()).find(is_other)
}

/// Ends the run if no contact was answered, unless another contact is answered now: then only these contacts fail.
pub async fn conclude(shared: &Shared, other: Option<u32>) -> Result<(), FetchError> {
    let Some(Suspicion(error)) = shared.verdicts.conclude(shared.known())? else { return Ok(()) };
    let Some(other) = other else { return Err(error) };
    let contact = shared.plan.contacts.get(other as usize);
    let reading = &shared.plan.reading;
    let query = PageQuery {
        contact: &contact,
        channel: reading.channels.first().copied(),
        offset: 0,
        limit: reading.page_size,
        shape: reading.shape,
    };
    match shared.client.page(&query, &Counters::default(), |_| ()).await {
        Err(Failure::Unanswered { .. } | Failure::NotAnAnswer { .. }) => Err(error),
        Err(Failure::Stop(stop)) => Err(stop.into()),
        Err(Failure::Unwanted) => Err(Stop::Cancelled.into()),
        Ok(_)
        | Err(Failure::NotFound | Failure::AskLess | Failure::Refused { .. } | Failure::Unreadable { .. }) => {
            Ok(())
        }
    }
}
