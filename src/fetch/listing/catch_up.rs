//! Who jumped to the front while the list was read.
//!
//! A *look* reads from the start until it meets a version that was known before: whatever became active after that one was
//! read stands before it. If the very first part holds one, all of that was seen at one moment, and nothing is missing. If it
//! took several parts, others may have jumped meanwhile, and one more look is due, which is much shorter than the one before.

use std::collections::HashSet;

use super::Asker;
use super::error::ListingError;
use super::pass::Ways;
use super::seen_contacts::SeenContacts;
use crate::api::Failure;
use crate::fetch::paging::{Fingerprint, PageView};

/// Looks before it is given up: each reads what became active during the one before it.
const MOST_LOOKS: u32 = 20;

/// How a look ended.
enum Look {
    /// It took one answer.
    AtOnce,
    /// It took several, each joined to the one before.
    Long,
    /// A part did not join the one before it.
    Torn,
}

/// Looks until nothing is missing; else says why something may be.
pub async fn read(
    asker: &impl Asker,
    ways: &mut Ways,
    seen: &mut SeenContacts,
) -> Result<Option<String>, ListingError> {
    for _ in 0..MOST_LOOKS {
        if let Look::AtOnce = look(asker, ways, seen).await? {
            return Ok(None);
        }
    }
    Ok(Some("contacts became active faster than they could be listed".to_owned()))
}

async fn look(asker: &impl Asker, ways: &mut Ways, seen: &mut SeenContacts) -> Result<Look, ListingError> {
    let mut met: HashSet<Fingerprint> = HashSet::new();
    let (mut offset, mut overlap) = (0, 0);
    let mut first = None;
    let mut all_join = true;
    loop {
        let sight = ask(asker, offset, ways, seen).await?;
        let marks = || sight.messages();
        let received = sight.received();
        if received == 0 {
            // The end of the list is the end of the look only where there is no list.
            return Ok(if offset == 0 { Look::AtOnce } else { Look::Torn });
        }
        if overlap > 0 && !marks().any(|mark| met.contains(&mark)) {
            return Ok(Look::Torn);
        }
        all_join &= overlap > 0 || offset == 0;
        let is_home = marks().any(|mark| seen.was_read(mark));
        met.extend(marks());
        if is_home && offset == 0 {
            seen.trust(met);
            return Ok(Look::AtOnce);
        }
        if is_home {
            // Single contacts have no room for a known one beside a new one: the front must not have moved meanwhile.
            if !all_join && ask(asker, 0, ways, seen).await?.messages().next() != first {
                return Ok(Look::Torn);
            }
            seen.trust(met);
            return Ok(Look::Long);
        }
        first = first.or_else(|| marks().next());
        overlap = u64::from(received > 1);
        offset += received - overlap;
    }
}

/// One part, with half the limit where the server cannot answer so much.
async fn ask(
    asker: &impl Asker,
    offset: u64,
    ways: &mut Ways,
    seen: &mut SeenContacts,
) -> Result<PageView, ListingError> {
    loop {
        match asker.ask(offset, ways.limit, seen.len()).await {
            Ok(page) => return seen.take_in(page),
            Err(Failure::AskLess) if ways.limit > 1 => ways.limit /= 2,
            Err(failure) => return Err(failure.into()),
        }
    }
}
