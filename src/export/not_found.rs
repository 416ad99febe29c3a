//! The doubt about a run with many contacts that do not exist.

use crate::output::manifest::{ContactCounts, RunOptions};

/// Number of contacts from which on a run raises the doubt if none of them exists, whatever the limit.
const MIN_CONTACTS: u64 = 20;

/// The doubt, if more contacts do not exist than `--max-not-found` allows, or if none of many exists.
pub fn doubt(counts: &ContactCounts, options: &RunOptions) -> Option<String> {
    let ContactCounts { requested, not_found, .. } = *counts;
    if requested >= MIN_CONTACTS && not_found == requested {
        return Some(format!(
            "none of the {requested} contacts exists: check that the list belongs to this account"
        ));
    }
    let limit = options.not_found_limit().filter(|limit| limit.is_exceeded(not_found, requested))?;
    let contacts = if not_found == 1 { "contact does" } else { "contacts do" };
    Some(format!("{not_found} of {requested} {contacts} not exist, more than --max-not-found {limit} allows"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_needs_more_than_the_limit_or_all_of_twenty() {
        let doubts = |requested, not_found, limit: Option<&str>| {
            let counts = ContactCounts { requested, not_found, ..ContactCounts::default() };
            let options = RunOptions { max_not_found: limit.map(str::to_owned), ..RunOptions::default() };
            doubt(&counts, &options).is_some()
        };
        assert!(doubts(20, 20, None) && doubts(20, 20, Some("100%")));
        assert!(!doubts(19, 19, Some("100%")) && !doubts(20, 19, None));
        assert!(doubts(40, 5, Some("4")) && !doubts(40, 4, Some("4")));
        assert!(doubts(40, 5, Some("10%")) && !doubts(40, 4, Some("10%")));
        assert!(doubts(1, 1, Some("0")) && !doubts(1, 0, Some("0")));
    }
}
