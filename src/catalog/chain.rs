//! The chain of manifests. `latest.json` names the newest manifest by its hash, and each manifest names the
//! one before it.
//!
//! Pruned runs stay links of the chain: `_runs/pruned.json` records them.

use std::collections::BTreeSet;

use super::{CatalogError, Run, RunReader, latest, manifest_path, pruned_runs};
use crate::output::manifest::Previous;
use crate::output::pruned::{PrunedRun, PrunedRuns};
use crate::store::Store;

/// One link of the chain.
#[derive(Clone, Debug)]
pub enum Link {
    /// A run whose manifest has the hash by which it is named.
    Run(Box<Run>),
    /// A run that was pruned.
    Pruned(PrunedRun),
    /// The chain breaks here: this manifest is missing or damaged.
    Broken {
        /// The manifest, relative to the output folder.
        path: String,
        /// Description of the damage.
        what: String,
        /// True if the manifest is missing.
        is_missing: bool,
    },
}

/// Iterator over the links, the newest first. Each is read on demand.
pub struct Walk {
    runs: RunReader,
    pruned: PrunedRuns,
    next: Option<Previous>,
    seen: BTreeSet<String>,
}

impl Walk {
    /// Starts at the run that `latest.json` names. Returns `None` if there is no such file.
    ///
    /// # Errors
    /// When `latest.json`, `pruned.json` or `erased.json` is damaged or cannot be read.
    pub fn begin(out: &Store) -> Result<Option<Self>, CatalogError> {
        let Some(latest) = latest(out)? else { return Ok(None) };
        let next = Some(Previous { run_id: latest.run_id, sha256: latest.sha256 });
        let pruned = pruned_runs(out)?;
        Ok(Some(Self { runs: RunReader::new(out)?, pruned, next, seen: BTreeSet::new() }))
    }

    fn link(&mut self, Previous { run_id, sha256 }: Previous) -> Result<Link, CatalogError> {
        let (what, is_missing) = match self.runs.run(&run_id) {
            Ok(Some(run)) if run.sha256 == sha256 => {
                self.next.clone_from(&run.manifest.previous);
                return Ok(Link::Run(Box::new(run)));
            }
            Ok(Some(_)) => ("its SHA-256 is not the one by which it is named".to_owned(), false),
            Ok(None) => ("it is missing".to_owned(), true),
            Err(CatalogError::Damaged { what, .. }) => (what, false),
            Err(error) => return Err(error),
        };
        let Some(pruned) = self.pruned.find(run_id.as_str(), &sha256) else {
            return Ok(Link::Broken { path: manifest_path(&run_id), what, is_missing });
        };
        self.next.clone_from(&pruned.previous);
        Ok(Link::Pruned(pruned.clone()))
    }
}

impl Iterator for Walk {
    type Item = Result<Link, CatalogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next.take()?;
        // An edited record may form a cycle.
        self.seen.insert(next.sha256.clone()).then(|| self.link(next))
    }
}

/// All runs of the chain.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The existing runs, the newest first.
    pub runs: Vec<Run>,
    /// The manifest at which the chain breaks, relative to the output folder. The runs before it are not
    /// known.
    pub broken_at: Option<String>,
    /// The record of pruned runs.
    pub pruned: PrunedRuns,
    /// The hashes of all manifests of the chain, also of pruned runs, the newest first.
    pub order: Vec<String>,
}

impl Chain {
    /// Reads all runs of the chain. Returns `None` if there is no `latest.json`.
    ///
    /// # Errors
    /// When the newest run or the record of pruned runs is damaged, or a file cannot be read.
    pub fn read(out: &Store) -> Result<Option<Self>, CatalogError> {
        let Some(mut walk) = Walk::begin(out)? else { return Ok(None) };
        let mut chain = Self { pruned: walk.pruned.clone(), ..Self::default() };
        while let Some(link) = walk.next().transpose()? {
            match link {
                Link::Run(run) => {
                    chain.order.push(run.sha256.clone());
                    chain.runs.push(*run);
                }
                Link::Broken { path, what, .. } if chain.order.is_empty() => {
                    return Err(CatalogError::damaged(&out.join(path), what));
                }
                Link::Pruned(run) if chain.order.is_empty() => {
                    let path = out.join(manifest_path(&run.run_id));
                    return Err(CatalogError::damaged(&path, "it is missing"));
                }
                Link::Pruned(run) => chain.order.push(run.sha256),
                Link::Broken { path, .. } => chain.broken_at = Some(path),
            }
        }
        Ok(Some(chain))
    }
}
