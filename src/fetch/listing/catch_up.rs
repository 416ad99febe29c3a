//! Finds the contacts that moved to the front while the list was read.
//!
//! A *check* reads from the start until it meets a contact whose latest activity is older than the pass. No
//! contact behind that one is missing. All contacts that became active since are in front of it. If the first
//! part already meets one, the check is one snapshot and nothing is missing. If it took several parts, more
//! contacts may have moved meanwhile. Then a further, much shorter check follows.
//!
//! A contact that the pass has merely read is not enough. It may itself have become active during the pass,
//! and another one behind it may have done so too, at a position that the pass skipped.

use std::collections::HashSet;

use super::ListSource;
use super::error::ListingError;
use super::pass::ListBehavior;
use super::seen_contacts::{Part, SeenContacts};
use crate::api::Failure;
use crate::fetch::paging::Fingerprint;

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
    let mut before = Vec::new();
    for _ in 0..MAX_CHECKS {
        if let FrontCheck::Snapshot = check_front(source, behavior, seen, &mut before).await? {
            return Ok(None);
        }
    }
    Ok(Some("contacts became active faster than they could be listed".to_owned()))
}

/// Reads the front once. `previous` holds the versions that the previous check met in order, and afterwards
/// those of this one. It is empty if a check did not get as far as it should.
async fn check_front(
    source: &impl ListSource,
    behavior: &mut ListBehavior,
    seen: &mut SeenContacts,
    previous: &mut Vec<Fingerprint>,
) -> Result<FrontCheck, ListingError> {
    let before = std::mem::take(previous);
    let mut met: HashSet<Fingerprint> = HashSet::new();
    let mut in_order = Vec::new();
    let (mut offset, mut overlap) = (0, 0);
    let mut middle = None;
    let mut all_join = true;
    loop {
        let part = request(source, offset, behavior, seen).await?;
        let marks = || part.view.messages();
        let received = part.view.received();
        if received == 0 {
            // Only an empty list may end here. Otherwise the check ran past every contact that did not move.
            return Ok(if offset == 0 { FrontCheck::Snapshot } else { FrontCheck::Gap });
        }
        if overlap > 0 && !marks().any(|mark| met.contains(&mark)) {
            return Ok(FrontCheck::Gap);
        }
        all_join &= overlap > 0 || offset == 0;
        in_order.extend(marks().filter(|mark| met.insert(*mark)));
        if offset == 0 {
            middle = part.middle_time();
        }
        if seen.is_met_by(&part) {
            if offset == 0 {
                return Ok(FrontCheck::Snapshot);
            }
            // A part of one contact has no room for a known one, and a removal may have hidden another. So two
            // checks in a row must meet the same, as far as the shorter one reaches.
            let is_confirmed =
                !before.is_empty() && before.iter().zip(&in_order).all(|(one, two)| one == two);
            *previous = in_order;
            if !all_join && !is_confirmed {
                return Ok(FrontCheck::Gap);
            }
            if middle.is_some() {
                seen.set_complete_until(middle);
            }
            return Ok(FrontCheck::Joined);
        }
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
) -> Result<Part, ListingError> {
    loop {
        match source.request(offset, behavior.limit, seen.len()).await {
            Ok(page) => return seen.add(page),
            Err(Failure::AskLess) if behavior.limit > 1 => behavior.limit /= 2,
            Err(failure) => return Err(failure.into()),
        }
    }
}
