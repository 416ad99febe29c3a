//! Detects an outage or a changed API at the end of a run. It applies if no contact got a valid response, or
//! if the last contacts got none.

use super::FetchError;
use super::failure_budget::UnconfirmedError;
use super::shared::Shared;
use crate::api::{Counters, Failure, Fatal, PageQuery};
use crate::id::ContactId;

/// Returns a contact that this attempt does not read: an earlier attempt has read it, or it is not due.
pub fn other_contact(shared: &Shared) -> Option<u32> {
    let is_other =
        |contact: &u32| shared.ledger.is_done(*contact) || !shared.plan.due.holds(*contact as usize);
    (0..shared.contact_count()).find(is_other)
}

/// Ends the run if no contact got a valid response. If another contact gets one now, only the contacts of
/// this run fail.
pub async fn conclude(shared: &Shared, other: Option<u32>) -> Result<(), FetchError> {
    let Some(UnconfirmedError(error)) = shared.budget.conclude(shared.evidence())? else { return Ok(()) };
    let Some(other) = other else { return Err(error) };
    let contact = shared.plan.contacts.get(other as usize);
    if responds(shared, &contact).await? { Ok(()) } else { Err(error) }
}

/// Ends the run if it stopped getting responses: contacts failed without one, no response came after them,
/// and a contact that worked before fails now too.
pub async fn check_answering(shared: &Shared) -> Result<(), FetchError> {
    let Some(error) = shared.budget.unanswered() else { return Ok(()) };
    let Some(good) = shared.client.known_good_while_failing() else { return Ok(()) };
    if shared.client.still_answers(&good).await? { Ok(()) } else { Err(error) }
}

/// Requests the first message of a contact. True if the API responds, even with a refusal.
async fn responds(shared: &Shared, contact: &ContactId) -> Result<bool, FetchError> {
    let reading = &shared.plan.reading;
    let query = PageQuery {
        contact,
        channel: reading.channels.first().copied(),
        offset: 0,
        limit: 1,
        shape: reading.shape,
    };
    match shared.client.page(&query, &Counters::default(), |_| ()).await {
        Err(Failure::Unanswered { .. } | Failure::NotAnAnswer { .. }) => Ok(false),
        Err(Failure::Fatal(stop)) => Err(stop.into()),
        Err(Failure::Unwanted) => Err(Fatal::Cancelled.into()),
        Ok(_)
        | Err(Failure::NotFound | Failure::AskLess | Failure::Refused { .. } | Failure::Unreadable { .. }) => {
            Ok(true)
        }
    }
}
