//! The order of the runs of an export, by the chain of manifests.
//!
//! It is the order of the views of `schema --latest` ([`crate::warehouse`]): a run's rank is its moment, then
//! its position in the chain. The moment is the latest start of the run and of all earlier runs in the chain.
//! Runs of one chain keep its order, even if the clock was set back. Runs that are not linked, such as those
//! of merged folders, are ordered by time.

use std::collections::HashMap;

use crate::id::RunId;

/// A run and its predecessor.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) run_id: RunId,
    pub(super) previous: Option<RunId>,
    /// Start of the run, in microseconds since 1970; unknown for pruned runs.
    pub(super) started_at: Option<i64>,
}

/// Rank of a run. A newer run has a higher rank.
pub(super) type Rank<'a> = (i64, usize, i64, &'a str);

/// Returns the rank of each run, in the order of `links`.
pub(super) fn ranks(links: &[Link]) -> Vec<Rank<'_>> {
    let places: HashMap<&str, usize> =
        links.iter().enumerate().map(|(at, link)| (link.run_id.as_str(), at)).collect();
    let previous = |at: usize| places.get(links[at].previous.as_ref()?.as_str()).copied();
    let mut found: Vec<Option<(Option<i64>, usize)>> = vec![None; links.len()];
    for at in 0..links.len() {
        // Goes back to the beginning of the chain, or to a run whose rank is known. An edited chain may be a
        // cycle.
        let (mut path, mut next) = (Vec::new(), Some(at));
        while let Some(run) = next.filter(|run| found[*run].is_none() && path.len() < links.len()) {
            path.push(run);
            next = previous(run);
        }
        let mut before = next.and_then(|run| found[run]);
        for run in path.into_iter().rev() {
            let started_at = links[run].started_at;
            before = Some(
                before.map_or((started_at, 0), |(moment, position)| (moment.max(started_at), position + 1)),
            );
            found[run] = before;
        }
    }
    let rank = |(link, found): (&'_ Link, Option<(Option<i64>, usize)>)| {
        let (moment, position) = found.unwrap_or_default();
        let started_at = link.started_at.unwrap_or(i64::MIN);
        (moment.unwrap_or(started_at), position, started_at)
    };
    let ranked = links.iter().zip(found).map(|(link, found)| (link, rank((link, found))));
    ranked
        .map(|(link, (moment, position, started_at))| (moment, position, started_at, link.run_id.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The runs from the oldest to the newest. Each is given as `run previous start`.
    fn order(runs: &[&str]) -> String {
        let link = |text: &&str| {
            let parts: Vec<_> = text.split(' ').collect();
            Link {
                run_id: parts[0].parse().unwrap(),
                previous: (parts[1] != "-").then(|| parts[1].parse().unwrap()),
                started_at: parts[2].parse().ok(),
            }
        };
        let links: Vec<_> = runs.iter().map(link).collect();
        let mut ranks = ranks(&links);
        ranks.sort_unstable();
        ranks.iter().map(|rank| rank.3).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_chain_is_the_order_whatever_the_clock_says() {
        assert_eq!(order(&["a - 1", "b a 2", "c b 3"]), "a b c");
        assert_eq!(order(&["c b 1", "a - 3", "b a 2"]), "a b c", "a clock that steps back");
        assert_eq!(order(&["a p 5", "p - pruned", "b a 4"]), "p a b", "across a pruned run");
        assert_eq!(order(&["b a 4", "a gone 5"]), "a b", "the beginning of the chain is gone");
    }

    #[test]
    fn runs_without_a_link_are_ordered_by_time() {
        assert_eq!(order(&["a - 1", "x - 2", "b a 3"]), "a x b");
        assert_eq!(order(&["a - 1", "x - 2", "b a 0"]), "a b x", "the moment of b is that of a");
        assert_eq!(order(&["a b 1", "b a 2"]).len(), 3, "a cycle ends");
    }
}
