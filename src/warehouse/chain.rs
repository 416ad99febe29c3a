//! The position of each run in its chain of manifests, for databases whose queries cannot follow links.
//!
//! A chain has the ID of its first known run, and each run has a position in it: the number of links from
//! there. Two runs with the same previous run, as in merged folders, have the same position.
//!
//! `prune` forgets the beginning of a chain. Later scripts therefore see another first run and other
//! positions. Scripts adopt the chain and the positions that the database has already; see
//! [`links`](super::links).

use std::collections::{BTreeMap, BTreeSet};

use super::source::Link;
use crate::id::RunId;

/// A run in its chain.
#[derive(Clone, Debug)]
pub(super) struct Position<'a> {
    /// First known run of the chain.
    pub(super) chain: &'a RunId,
    /// Number of known runs before it.
    pub(super) position: u64,
    pub(super) link: &'a Link,
}

/// Returns each run once, in the order of the chains and of the positions in them.
pub(super) fn positions(links: &[Link]) -> Vec<Position<'_>> {
    let mut by_id: BTreeMap<&RunId, &Link> = BTreeMap::new();
    for link in links {
        // A pruned run may be there again. Its manifest says more.
        let known = by_id.entry(&link.run_id).or_insert(link);
        if known.exported_at.is_none() {
            *known = link;
        }
    }
    let mut found: BTreeMap<&RunId, (&RunId, u64)> = BTreeMap::new();
    for first in by_id.keys() {
        let (mut path, mut seen) = (Vec::new(), BTreeSet::new());
        let mut next = Some(*first);
        let mut begin = None;
        while let Some(run_id) = next {
            begin = found.get(run_id).copied();
            // An edited record may form a circle.
            if begin.is_some() || !seen.insert(run_id) {
                break;
            }
            let Some(link) = by_id.get(run_id) else { break };
            path.push(run_id);
            next = link.previous.as_ref();
        }
        while let Some(run_id) = path.pop() {
            let here = begin.map_or((run_id, 0), |(chain, position)| (chain, position + 1));
            found.insert(run_id, here);
            begin = Some(here);
        }
    }
    let mut positions: Vec<_> = by_id
        .into_iter()
        .filter_map(|(run_id, link)| {
            let (chain, position) = found.get(run_id).copied()?;
            Some(Position { chain, position, link })
        })
        .collect();
    positions.sort_by_key(|run| (run.chain, run.position, &run.link.run_id));
    positions
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(run_id: &str, previous: Option<&str>, exported_at: Option<i64>) -> Link {
        let id = |text: &str| text.parse::<RunId>().unwrap();
        Link { run_id: id(run_id), previous: previous.map(id), exported_at, is_part: false }
    }

    fn shown(links: &[Link]) -> Vec<String> {
        let line = |run: &Position<'_>| format!("{} {}:{}", run.link.run_id, run.chain, run.position);
        positions(links).iter().map(line).collect()
    }

    #[test]
    fn a_chain_has_the_order_of_its_links_whatever_the_clock() {
        let links = [link("c", Some("a"), Some(1)), link("b", Some("c"), Some(0)), link("a", None, Some(9))];
        assert_eq!(shown(&links), ["a a:0", "c a:1", "b a:2"]);
    }

    #[test]
    fn pruned_runs_keep_their_positions() {
        let links = [link("d", Some("c"), Some(4)), link("c", Some("b"), None), link("b", None, None)];
        assert_eq!(shown(&links), ["b b:0", "c b:1", "d b:2"]);
        // The first run of the chain is not known any more.
        assert_eq!(shown(&links[..1]), ["d d:0"]);
    }

    #[test]
    fn branches_have_the_same_positions() {
        let links = [
            link("a", None, Some(0)),
            link("b", Some("a"), Some(1)),
            link("c", Some("a"), Some(2)),
            link("d", Some("b"), Some(3)),
            link("x", None, Some(4)),
        ];
        assert_eq!(shown(&links), ["a a:0", "b a:1", "c a:1", "d a:2", "x x:0"]);
    }

    #[test]
    fn a_circle_ends() {
        let links =
            [link("a", Some("c"), Some(0)), link("b", Some("a"), Some(1)), link("c", Some("b"), Some(2))];
        assert_eq!(shown(&links), ["b b:0", "c b:1", "a b:2"]);
    }

    #[test]
    fn a_run_that_is_there_counts_more_than_its_pruned_record() {
        let links = [link("a", None, None), link("a", Some("z"), Some(1))];
        assert_eq!(positions(&links)[0].link.exported_at, Some(1));
    }

    proptest! {
        /// A run is always after its previous run, in the same chain.
        #[test]
        fn every_run_is_after_its_previous(previous in prop::collection::vec(prop::option::of(0_usize..40), 1..40)) {
            // Links to earlier runs only, and to some that are not known.
            let name = |at: usize| format!("r{at}");
            let links: Vec<_> = previous.iter().enumerate().map(|(at, previous)| {
                let previous = previous.map(|of| if of < at { name(of) } else { name(of + 100) });
                link(&name(at), previous.as_deref(), Some(0))
            }).collect();
            let found = positions(&links);
            prop_assert_eq!(found.len(), links.len());
            let of = |id: &RunId| found.iter().find(|run| run.link.run_id == *id);
            for run in &found {
                if let Some(before) = run.link.previous.as_ref().and_then(of) {
                    prop_assert_eq!((run.chain, run.position), (before.chain, before.position + 1));
                } else {
                    prop_assert_eq!((run.chain, run.position), (&run.link.run_id, 0));
                }
            }
        }
    }
}
