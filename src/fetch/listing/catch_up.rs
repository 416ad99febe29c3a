//! Finds the contacts that moved to the front while the list was read.
//!
//! A *check* reads from the start until it meets a version that was known before. All contacts that became
//! active after that version was read are listed before it. If the first part already holds a known version,
//! the check is one snapshot and nothing is missing. If it took several parts, more contacts may have moved
//! meanwhile. Then a further, much shorter check follows.

use std::collections::HashSet;

use super::Asker;
use super::error::ListingError;
use super::pass::Ways;
use super::seen_contacts::SeenContacts;
use crate::api::Failure;
use crate::fetch::paging::{Fingerprint, PageView};

/// Maximum number of checks. Each reads the contacts that became active during the previous one.
const MOST_LOOKS: u32 = 20;

/// Result of a check.
enum Look {
    /// One response was enough.
    AtOnce,
    /// Several responses were needed, and each joined the one before.
    Long,
    /// A part did not join the one before it.
    Torn,
}

/// Repeats the check until nothing is missing. Otherwise returns the reason why contacts may be missing.
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
            // Only an empty list may end here. Otherwise the check ran past a known version.
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
            // A page of one contact has no room for a known one. So the front must not have moved meanwhile.
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

/// Requests one part, halving the limit while the server cannot handle it.
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
