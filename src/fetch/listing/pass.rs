//! Reads the list once, from its start to its proved end.

use super::ListSource;
use super::error::ListingError;
use super::seen_contacts::SeenContacts;
use crate::api::Failure;
use crate::contact_read::{OffsetUnit, ServerBehavior};
use crate::fetch::paging::{Paging, Rules, ShortPagePolicy, Step};
use crate::settings::Consistency;

/// Result of a pass.
#[derive(Debug, PartialEq, Eq)]
pub enum PassEnd {
    /// Every contact without activity during the pass is listed.
    Read,
    /// The list kept changing or contradicting itself.
    Unresolved(String),
}

/// Server behavior for the list.
#[derive(Debug)]
pub struct ListBehavior {
    /// Contacts per request, reduced if the server cannot handle as many.
    pub limit: u32,
    facts: ServerBehavior,
}

impl ListBehavior {
    /// The initial state. A list has no conversations, so offsets count all entries.
    pub fn new(page_size: u32) -> Self {
        Self {
            limit: page_size,
            facts: ServerBehavior { reading: OffsetUnit::Total, ..ServerBehavior::default() },
        }
    }
}

/// Reads the list from start to end.
pub async fn read(
    source: &impl ListSource,
    behavior: &mut ListBehavior,
    seen: &mut SeenContacts,
) -> Result<PassEnd, ListingError> {
    let rules = Rules {
        consistency: Consistency::Anchored,
        page_size: behavior.limit,
        short_page_policy: ShortPagePolicy::Prove,
    };
    let mut paging = Paging::new(rules);
    let mut began = None;
    loop {
        let request = match paging.next() {
            Step::Request(request) => *request,
            Step::End(_) => {
                // Paging promises nothing about versions that arrived later: it may have read some of them, and
                // skipped others behind them.
                seen.set_complete_until(began.flatten());
                return Ok(PassEnd::Read);
            }
            Step::Unresolved(why) => return Ok(PassEnd::Unresolved(why.replace("messages", "contacts"))),
            Step::OffsetIgnored => return Err(ListingError::OffsetIgnored),
        };
        match source.request(request.offset, request.limit, seen.len()).await {
            Ok(page) => {
                let part = seen.add(page)?;
                began.get_or_insert(part.middle_time());
                paging.absorb(&request, &part.view, &mut behavior.facts);
            }
            Err(Failure::AskLess) if paging.halve(&request) => {
                behavior.limit = behavior.limit.min(request.limit / 2).max(1);
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}
