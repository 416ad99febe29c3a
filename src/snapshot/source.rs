//! The export that a snapshot is made from: its runs in their order, with checked manifests.
//!
//! A manifest may have many megabytes, so it is read again when its run is copied.

use std::collections::{BTreeMap, BTreeSet};

use super::SnapshotError;
use super::order::{Link, ranks};
use crate::catalog::{self, Run, RunReader, Walk};
use crate::digest::sha256;
use crate::durable::StorageError;
use crate::id::RunId;
use crate::layout::{LATEST, RUNS};
use crate::output::manifest::{Manifest, Previous};
use crate::store::Store;
use crate::table::schema::SCHEMA_VERSION;
use crate::time::parse_time;

/// The source of a snapshot.
#[derive(Clone, Debug)]
pub struct SourceExport {
    /// Folder of the export.
    pub path: Store,
    /// Address of the API of the newest run.
    pub base_url: String,
    /// Runs with whole contacts, the oldest first, by their IDs and the hashes of their manifests.
    pub runs: Vec<Previous>,
    /// Number of contacts that were erased from these runs.
    erased: u64,
    /// Runs that are left out, and the options that limit them to parts of contacts.
    pub left_out: Vec<(RunId, Vec<&'static str>)>,
    /// Runs that are not in the chain of manifests. They are ordered by time.
    pub outside_chain: Vec<RunId>,
}

/// The part of a manifest that is needed to select and order the runs.
struct Head {
    sha256: String,
    erased: u64,
    link: Link,
    base_url: String,
    limits: Vec<&'static str>,
    is_in_chain: bool,
}

impl SourceExport {
    /// True if the path is a folder with runs.
    ///
    /// # Errors
    /// When the folder of the runs is something else.
    pub fn exists(path: &Store) -> Result<bool, StorageError> {
        path.is_folder(RUNS)
    }

    /// Reads the manifests of the export, and checks the chain that they form.
    ///
    /// # Errors
    /// When there is no export, all of its runs are left out, or a manifest is missing or damaged.
    pub fn read(path: &Store) -> Result<Self, SnapshotError> {
        let no_export = || SnapshotError::NoExport { path: path.root().to_owned() };
        if !Self::exists(path)? {
            return Err(no_export());
        }
        let heads = read_heads(path)?;
        if heads.is_empty() {
            return Err(no_export());
        }
        let mut links: Vec<Link> = heads.values().map(|head| head.link.clone()).collect();
        links.extend(catalog::pruned_runs(path)?.pruned.into_iter().map(|run| Link {
            run_id: run.run_id,
            previous: run.previous.map(|previous| previous.run_id),
            started_at: None,
        }));
        let mut ranks = ranks(&links);
        ranks.sort_unstable();
        let ordered: Vec<&Head> = ranks.iter().filter_map(|rank| heads.get(rank.3)).collect();
        let (whole, parts): (Vec<&Head>, Vec<&Head>) =
            ordered.into_iter().partition(|head| head.limits.is_empty());
        let Some(newest) = whole.last() else {
            return Err(SnapshotError::OnlyParts { path: path.root().to_owned() });
        };
        let run_id = |head: &&Head| head.link.run_id.clone();
        Ok(Self {
            path: path.clone(),
            base_url: newest.base_url.clone(),
            outside_chain: whole.iter().filter(|head| !head.is_in_chain).map(run_id).collect(),
            left_out: parts.iter().map(|head| (run_id(head), head.limits.clone())).collect(),
            erased: whole.iter().map(|head| head.erased).sum(),
            runs: whole
                .iter()
                .map(|head| Previous { run_id: run_id(head), sha256: head.sha256.clone() })
                .collect(),
        })
    }

    /// The export with this run alone, which may have only parts of contacts.
    pub fn of_run(path: &Store, manifest: &Manifest, run: Previous) -> Self {
        Self {
            path: path.clone(),
            base_url: manifest.source.base_url.clone(),
            runs: vec![run],
            erased: 0, // only the digest of a whole export counts them
            left_out: Vec::new(),
            outside_chain: Vec::new(),
        }
    }

    /// Leaves out the runs after this one. A run with parts of contacts remains alone. Returns false if the export
    /// does not have the run.
    pub fn end_with(&mut self, run: &Previous) -> bool {
        if let Some(at) = self.runs.iter().position(|known| known == run) {
            self.runs.truncate(at + 1);
            return true;
        }
        let is_known = self.left_out.iter().any(|(run_id, _)| *run_id == run.run_id);
        if is_known {
            self.runs = vec![run.clone()];
        }
        is_known
    }

    /// Returns the references to the runs, the newest first.
    pub fn names(&self) -> Vec<Previous> {
        self.runs.iter().rev().cloned().collect()
    }

    /// Returns a digest of the runs. It is the SHA-256 of their IDs, of the hashes of their manifests, and of the number of
    /// erased contacts, if there are any.
    pub fn digest(&self) -> String {
        let lines = self.runs.iter().map(|run| format!("{} {}\n", run.run_id, run.sha256));
        let erased = (self.erased > 0).then(|| format!("{} erased\n", self.erased));
        sha256(lines.chain(erased).collect::<String>())
    }

    /// Reads the manifest of a run again.
    ///
    /// # Errors
    /// When it is missing or has changed.
    pub fn manifest(&self, run: &Previous) -> Result<Manifest, SnapshotError> {
        let path = self.path.join(catalog::manifest_path(&run.run_id));
        let missing = || SnapshotError::damaged(&path, "it is missing");
        let found = catalog::run(&self.path, &run.run_id)?.ok_or_else(missing)?;
        if found.sha256 != run.sha256 {
            return Err(SnapshotError::damaged(&path, "its content has changed since it was first read"));
        }
        Ok(found.manifest)
    }

    /// True if a run is gone by now, because it was pruned meanwhile.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn is_any_gone(&self) -> Result<bool, SnapshotError> {
        let ids = catalog::run_ids_with_links(&self.path)?;
        Ok(self.runs.iter().any(|run| !ids.contains(&run.run_id)))
    }
}

/// Reads all manifests: those of the chain, and others. Without `latest.json` there is no chain.
fn read_heads(path: &Store) -> Result<BTreeMap<String, Head>, SnapshotError> {
    let mut heads = BTreeMap::new();
    let ids = catalog::run_ids_with_links(path)?;
    let Some(walk) = Walk::begin(path)? else {
        return if ids.is_empty() {
            Ok(heads)
        } else {
            Err(SnapshotError::damaged(&path.join(LATEST), "it is missing"))
        };
    };
    let mut newest = None;
    for link in walk {
        match link? {
            catalog::Link::Run(run) => {
                newest.get_or_insert_with(|| run.manifest.run_id.clone());
                heads.insert(run.manifest.run_id.to_string(), head(path, *run, true)?);
            }
            catalog::Link::Pruned(_) => {}
            catalog::Link::Broken { path: manifest, what, .. } => {
                return Err(SnapshotError::damaged(&path.join(manifest), what));
            }
        }
    }
    let others: BTreeSet<RunId> =
        ids.into_iter().filter(|run_id| !heads.contains_key(run_id.as_str())).collect();
    let reader = RunReader::new(path)?;
    for run_id in others {
        // A run that is pruned meanwhile is gone.
        let Some(run) = reader.run(&run_id)? else { continue };
        // A run that was just committed is not in `latest.json` yet.
        let is_next = run.manifest.previous.as_ref().map(|previous| &previous.run_id) == newest.as_ref();
        heads.insert(run_id.to_string(), head(path, run, is_next && newest.is_some())?);
    }
    Ok(heads)
}

fn head(out: &Store, run: Run, is_in_chain: bool) -> Result<Head, SnapshotError> {
    let Run { manifest, sha256, erased } = run;
    if manifest.schema_version > SCHEMA_VERSION {
        let path = out.join(catalog::manifest_path(&manifest.run_id));
        let (found, known) = (manifest.schema_version, SCHEMA_VERSION);
        return Err(SnapshotError::NewerSchema { path, found, known });
    }
    Ok(Head {
        sha256,
        erased,
        limits: manifest.options.limits(),
        base_url: manifest.source.base_url,
        is_in_chain,
        link: Link {
            run_id: manifest.run_id,
            previous: manifest.previous.map(|previous| previous.run_id),
            started_at: parse_time(&manifest.started_at),
        },
    })
}
