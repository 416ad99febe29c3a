//! Finds the contacts that moved to the front while the list was read.
//!
//! A *check* reads from the start until it meets a version that was known before. All contacts that became
//! active after that version was read are listed before it. If the first part already holds a known version,
//! the check is one snapshot and nothing is missing. If it took several parts, more contacts may have moved
//! meanwhile. Then a further, much shorter check follows.

use std::collections::HashSet;

use super::ListSource;
use super::error::ListingError;
use super::pass::ListBehavior;
use super::seen_contacts::SeenContacts;
use crate::api::Failure;
use crate::fetch::paging::{Fingerprint, PageView};

/// Maximum number of checks. Each reads the contacts that became active during the previous one.
const MAX_CHECKS: u32 = 20;

/// Result of a check.
enum FrontCheck {
    /// One response was enough.
    Snapshot,
    /// Several responses were needed, and each joined the one before.
    Joined,
    /// A part did not join the one before it.
    Gap,
}

/// Repeats the check until nothing is missing. Otherwise returns the reason why contacts may be missing.
pub async fn read(
    source: &impl ListSource,
    behavior: &mut ListBehavior,
    seen: &mut SeenContacts,
) -> Result<Option<String>, ListingError> {
    for _ in 0..MAX_CHECKS {
        if let FrontCheck::Snapshot = check_front(source, behavior, seen).await? {
            return Ok(None);
        }
    }
    Ok(Some("contacts became active faster than they could be listed".to_owned()))
}

async fn check_front(
    source: &impl ListSource,
    behavior: &mut ListBehavior,
    seen: &mut SeenContacts,
) -> Result<FrontCheck, ListingError> {
    let mut met: HashSet<Fingerprint> = HashSet::new();
    let (mut offset, mut overlap) = (0, 0);
    let mut first = None;
    let mut all_join = true;
    loop {
        let view = request(source, offset, behavior, seen).await?;
        let marks = || view.messages();
        let received = view.received();
        if received == 0 {
            // Only an empty list may end here. Otherwise the check ran past a known version.
            return Ok(if offset == 0 { FrontCheck::Snapshot } else { FrontCheck::Gap });
        }
        if overlap > 0 && !marks().any(|mark| met.contains(&mark)) {
            return Ok(FrontCheck::Gap);
        }
        all_join &= overlap > 0 || offset == 0;
        let meets_known = marks().any(|mark| seen.is_trusted(mark));
        met.extend(marks());
        if meets_known && offset == 0 {
            seen.trust(met);
            return Ok(FrontCheck::Snapshot);
        }
        if meets_known {
            // A page of one contact has no room for a known one. So the front must not have moved meanwhile.
            if !all_join && request(source, 0, behavior, seen).await?.messages().next() != first {
                return Ok(FrontCheck::Gap);
            }
            seen.trust(met);
            return Ok(FrontCheck::Joined);
        }
        first = first.or_else(|| marks().next());
        overlap = u64::from(received > 1);
        offset += received - overlap;
    }
}

/// Requests one part, halving the limit while the server cannot handle it.
async fn request(
    source: &impl ListSource,
    offset: u64,
    behavior: &mut ListBehavior,
    seen: &mut SeenContacts,
) -> Result<PageView, ListingError> {
    loop {
        match source.request(offset, behavior.limit, seen.len()).await {
            Ok(page) => return seen.add(page),
            Err(Failure::AskLess) if behavior.limit > 1 => behavior.limit /= 2,
            Err(failure) => return Err(failure.into()),
        }
    }
}
