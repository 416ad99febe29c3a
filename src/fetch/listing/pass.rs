//! Reads the list once, from its start to its proved end.

use super::Asker;
use super::error::ListingError;
use super::seen_contacts::SeenContacts;
use crate::api::Failure;
use crate::contact_read::{OffsetUnit, ServerBehavior};
use crate::fetch::paging::{Claims, Paging, Rules, Step};
use crate::settings::Consistency;

/// Result of a pass.
#[derive(Debug, PartialEq, Eq)]
pub enum PassEnd {
    /// Every contact without activity during the pass is read.
    Read,
    /// The list kept changing or contradicting itself.
    Unresolved(String),
}

/// Server behavior for the list.
#[derive(Debug)]
pub struct Ways {
    /// Contacts per request, reduced if the server cannot handle as many.
    pub limit: u32,
    facts: ServerBehavior,
}

impl Ways {
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
    asker: &impl Asker,
    ways: &mut Ways,
    seen: &mut SeenContacts,
) -> Result<PassEnd, ListingError> {
    let rules = Rules { consistency: Consistency::Anchored, page_size: ways.limit, claims: Claims::Prove };
    let mut paging = Paging::new(rules);
    loop {
        let ask = match paging.next() {
            Step::Request(ask) => *ask,
            Step::End(_) => {
                seen.end_pass(paging.into_known());
                return Ok(PassEnd::Read);
            }
            Step::Unresolved(why) => return Ok(PassEnd::Unresolved(why.replace("messages", "contacts"))),
            Step::OffsetIgnored => return Err(ListingError::OffsetIgnored),
        };
        match asker.ask(ask.offset, ask.limit, seen.len()).await {
            Ok(page) => {
                let sight = seen.take_in(page)?;
                paging.absorb(&ask, &sight, &mut ways.facts);
            }
            Err(Failure::AskLess) if paging.halve(&ask) => ways.limit = ways.limit.min(ask.limit / 2).max(1),
            Err(failure) => return Err(failure.into()),
        }
    }
}
