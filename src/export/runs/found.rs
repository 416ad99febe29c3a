//! Reads the manifests: first those of the chain, then those outside of it.

use std::collections::{HashMap, HashSet};

use super::summary::ListedRun;
use super::{damage, relative};
use crate::catalog::{self, CatalogError, Link, Run, RunReader, Walk, manifest_path};
use crate::durable::StorageError;
use crate::layout::LATEST;
use crate::store::Store;
use crate::verify::{Damage, DamageKind};

/// All runs with a manifest.
#[derive(Default)]
pub(super) struct Found {
    /// The runs of the chain, the newest first. The lists of their manifests are removed: a thousand runs may
    /// name a million files.
    pub(super) chain: Vec<Run>,
    /// Their summaries, in the same order.
    pub(super) summaries: Vec<ListedRun>,
    /// The run whose manifest is written, but not named by `latest.json` yet.
    pub(super) committed: Option<ListedRun>,
    /// The other runs, the newest first.
    pub(super) outside: Vec<ListedRun>,
    pub(super) damages: Vec<Damage>,
}

/// End of the chain of manifests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ChainEnd {
    /// The first run of the export.
    First,
    /// A manifest or record that is missing or damaged.
    Damage,
    /// There is no `latest.json`.
    NoLatest,
}

/// A run that the chain does not have.
struct OutsideRun {
    listed: ListedRun,
    sha256: String,
    previous: Option<String>,
}

/// Reads all manifests. `unfinished` are the IDs of runs in work folders.
pub(super) fn read(out: &Store, unfinished: &[String]) -> Result<Found, StorageError> {
    let mut found = Found::default();
    let end = found.follow_chain(out)?;
    let known: HashSet<String> = found.chain.iter().map(|run| run.manifest.run_id.to_string()).collect();
    let mut outside = Vec::new();
    let reader = match RunReader::new(out) {
        Ok(reader) => reader,
        // The chain cannot be followed either, and the damage is reported there.
        Err(error) => return found.add(out, error).map(|()| found),
    };
    for run_id in catalog::run_ids_with_links(out)? {
        if known.contains(run_id.as_str()) {
            continue;
        }
        match reader.run(&run_id) {
            Ok(Some(run)) if unfinished.iter().any(|id| *id == run_id.as_str()) && found.is_next(&run) => {
                found.committed = Some(ListedRun::from(&run.manifest));
            }
            Ok(Some(run)) => outside.push(OutsideRun::from(&run)),
            Ok(None) => {} // it was pruned meanwhile
            Err(error) => found.add(out, error)?,
        }
    }
    let path = |run: &OutsideRun| manifest_path(&run.listed.run_id);
    match end {
        ChainEnd::First => found.damages.extend(outside.iter().map(|run| {
            let detail = "neither latest.json nor a later run names this run".to_owned();
            damage(&path(run), DamageKind::Chain, detail)
        })),
        ChainEnd::NoLatest if !outside.is_empty() => {
            let detail = "without it, the newest run is unknown".to_owned();
            found.damages.push(damage(LATEST, DamageKind::Missing, detail));
        }
        ChainEnd::Damage | ChainEnd::NoLatest => {}
    }
    found.outside = by_links(outside);
    Ok(found)
}

impl Found {
    /// True if neither a run nor damage was found.
    pub(super) fn is_empty(&self) -> bool {
        self.chain.is_empty()
            && self.committed.is_none()
            && self.outside.is_empty()
            && self.damages.is_empty()
    }

    fn follow_chain(&mut self, out: &Store) -> Result<ChainEnd, StorageError> {
        let walk = match Walk::begin(out) {
            Ok(Some(walk)) => walk,
            Ok(None) => return Ok(ChainEnd::NoLatest),
            Err(error) => return self.add(out, error).map(|()| ChainEnd::Damage),
        };
        let mut is_newest = true;
        for link in walk {
            match link {
                Ok(Link::Run(run)) => self.push(*run),
                // `prune` always keeps the newest run.
                Ok(Link::Pruned(run)) if is_newest => {
                    let detail = "it is missing, but latest.json names it".to_owned();
                    self.damages.push(damage(&manifest_path(&run.run_id), DamageKind::Missing, detail));
                    return Ok(ChainEnd::Damage);
                }
                Ok(Link::Pruned(_)) => {}
                Ok(Link::Broken { path, what, is_missing }) => {
                    let kind = if is_missing { DamageKind::Missing } else { DamageKind::Unreadable };
                    self.damages.push(damage(&path, kind, what));
                    return Ok(ChainEnd::Damage);
                }
                Err(error) => return self.add(out, error).map(|()| ChainEnd::Damage),
            }
            is_newest = false;
        }
        Ok(ChainEnd::First)
    }

    fn push(&mut self, mut run: Run) {
        let manifest = &mut run.manifest;
        self.summaries.push(ListedRun::from(&*manifest));
        manifest.files = Vec::new();
        manifest.schema_changes = Vec::new();
        manifest.known_fields.clear();
        manifest.unknown_fields.clear();
        manifest.tables.clear();
        manifest.requests.timeline = None;
        self.chain.push(run);
    }

    /// True if the run follows the newest run of the chain.
    fn is_next(&self, run: &Run) -> bool {
        let newest = self.chain.first().map(|run| (&run.manifest.run_id, &run.sha256));
        newest == run.manifest.previous.as_ref().map(|previous| (&previous.run_id, &previous.sha256))
    }

    /// Adds the damage, once per file. Other errors end the listing.
    fn add(&mut self, out: &Store, error: CatalogError) -> Result<(), StorageError> {
        let (path, what) = match error {
            CatalogError::Damaged { path, what } => (path, what),
            CatalogError::Newer { path, error } => (path, error.to_string()),
            CatalogError::Storage(error) => return Err(error),
        };
        let path = relative(out, &path);
        if self.damages.iter().all(|damage| damage.path != path) {
            self.damages.push(damage(&path, DamageKind::Unreadable, what));
        }
        Ok(())
    }
}

impl From<&Run> for OutsideRun {
    fn from(run: &Run) -> Self {
        Self {
            listed: ListedRun::from(&run.manifest),
            sha256: run.sha256.clone(),
            previous: run.manifest.previous.as_ref().map(|previous| previous.sha256.clone()),
        }
    }
}

/// Orders runs by the links between them, the newest first. A run that no other names starts a part of the
/// order; the part that ended last comes first.
fn by_links(mut runs: Vec<OutsideRun>) -> Vec<ListedRun> {
    runs.sort_by(|left, right| {
        let key = |run: &OutsideRun| (run.listed.finished_at.clone(), run.listed.run_id.clone());
        key(right).cmp(&key(left))
    });
    let named: HashSet<String> = runs.iter().filter_map(|run| run.previous.clone()).collect();
    let heads: Vec<String> =
        runs.iter().map(|run| run.sha256.clone()).filter(|sha256| !named.contains(sha256)).collect();
    let mut rest: HashMap<String, OutsideRun> =
        runs.into_iter().map(|run| (run.sha256.clone(), run)).collect();
    let mut ordered = Vec::with_capacity(rest.len());
    for head in heads {
        let mut next = Some(head);
        while let Some(run) = next.take().and_then(|sha256| rest.remove(&sha256)) {
            next = run.previous;
            ordered.push(run.listed);
        }
    }
    ordered
}
