//! The list once, from its start to its proved end.

use super::Asker;
use super::error::ListingError;
use super::roll::Roll;
use crate::api::Failure;
use crate::fetch::paging::{Claims, Paging, Rules, Step};
use crate::history::{Facts, Reading};
use crate::settings::Consistency;

/// How a pass ended.
#[derive(Debug, PartialEq, Eq)]
pub enum PassEnd {
    /// All that rested meanwhile is read.
    Read,
    /// It kept changing or contradicting itself.
    Unresolved(String),
}

/// What is known of the server's ways with the list.
#[derive(Debug)]
pub struct Ways {
    /// What is asked for at once: less where the server could not answer as much.
    pub limit: u32,
    facts: Facts,
}

impl Ways {
    /// Nothing yet. There are no conversations in a list that could count for themselves.
    pub fn new(page_size: u32) -> Self {
        Self { limit: page_size, facts: Facts { reading: Reading::Total, ..Facts::default() } }
    }
}

/// Reads the list.
pub async fn read(asker: &impl Asker, ways: &mut Ways, roll: &mut Roll) -> Result<PassEnd, ListingError> {
    let rules = Rules { consistency: Consistency::Anchored, page_size: ways.limit, claims: Claims::Prove };
    let mut paging = Paging::new(rules);
    loop {
        let ask = match paging.next() {
            Step::Ask(ask) => *ask,
            Step::End(_) => {
                roll.end_pass(paging.into_known());
                return Ok(PassEnd::Read);
            }
            Step::Unresolved(why) => return Ok(PassEnd::Unresolved(why.replace("messages", "contacts"))),
            Step::OffsetIgnored => return Err(ListingError::OffsetIgnored),
        };
        match asker.ask(ask.offset, ask.limit, roll.len()).await {
            Ok(page) => {
                let sight = roll.take_in(page)?;
                paging.absorb(&ask, &sight, &mut ways.facts);
            }
            Err(Failure::AskLess) if paging.halve(&ask) => ways.limit = ways.limit.min(ask.limit / 2).max(1),
            Err(failure) => return Err(failure.into()),
        }
    }
}
