//! Facts about the runs of a damaged export, from which the advice follows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::catalog::{self, Chain, Run, RunReader};
use crate::output::RAW;
use crate::store::Store;
use crate::verify::{Damage, DamageKind, Report, Subject};

/// The export and its readable runs.
pub(super) struct Facts<'a> {
    pub(super) out: &'a Store,
    report: &'a Report,
    /// The runs with a readable manifest, by ID.
    runs: BTreeMap<String, Run>,
    /// IDs of the runs in the chain, the newest first.
    order: Vec<String>,
}

impl<'a> Facts<'a> {
    /// Reads the manifests that can be read.
    pub(super) fn read(out: &'a Store, report: &'a Report) -> Self {
        let ids = catalog::run_ids(out).unwrap_or_default();
        let reader = RunReader::new(out).ok();
        let readable = ids.iter().filter_map(|id| Some((id.to_string(), reader.as_ref()?.run(id).ok()??)));
        let runs = readable.collect();
        let chain = Chain::read(out).ok().flatten().unwrap_or_default();
        let order = chain.runs.iter().map(|run| run.manifest.run_id.to_string()).collect();
        Self { out, report, runs, order }
    }

    /// The run with this ID, if nothing is wrong with its manifest.
    pub(super) fn sound(&self, run_id: &str) -> Option<&Run> {
        let is_damaged = self.report.damages.iter().any(|damage| {
            Subject::of(damage) == Subject::Manifest && damage.run_id.as_deref() == Some(run_id)
        });
        self.runs.get(run_id).filter(|_| !is_damaged)
    }

    /// The number of runs, at least one.
    pub(super) fn runs(&self) -> usize {
        self.runs.len().max(1)
    }

    /// True if contacts were erased from the run, so that its manifest does not list its files as they are.
    pub(super) fn is_erased(&self, run_id: &str) -> bool {
        self.runs.get(run_id).is_some_and(|run| run.erased > 0)
    }

    /// True if the run is a snapshot of another export.
    pub(super) fn is_snapshot(&self, run_id: &str) -> bool {
        self.runs.get(run_id).is_some_and(|run| run.manifest.is_snapshot())
    }

    /// True if the chain of manifests is whole, but begins at another run than latest.json says.
    ///
    /// Later manifests hold the hashes of all but the newest. If only the hash of the newest differs, that manifest
    /// may be the one that changed.
    pub(super) fn is_latest_wrong(&self, damage: &Damage) -> bool {
        let Some(newest) = self.newest() else { return false };
        match damage.kind {
            DamageKind::Chain => true,
            DamageKind::Changed => damage.run_id.as_deref() != Some(newest.manifest.run_id.as_str()),
            _ => false,
        }
    }

    /// True if the path is below something that is in the place of a file.
    pub(super) fn is_in_obstacle(&self, damage: &Damage) -> bool {
        self.report.damages.iter().any(|other| {
            Subject::of(other) == Subject::NotRegular && Path::new(&damage.path).starts_with(&other.path)
        })
    }

    /// True if a manifest is missing or unreadable, so that the files of its run are not known.
    pub(super) fn has_lost_manifest(&self) -> bool {
        let is_lost = |damage: &Damage| {
            Subject::of(damage) == Subject::Manifest
                && matches!(damage.kind, DamageKind::Missing | DamageKind::Unreadable)
        };
        self.report.damages.iter().any(is_lost)
    }

    /// The only run that no later run names, if all manifests can be read.
    pub(super) fn newest(&self) -> Option<&Run> {
        if catalog::run_ids(self.out).ok()?.len() != self.runs.len() {
            return None;
        }
        let named: BTreeSet<&str> = self
            .runs
            .values()
            .filter_map(|run| Some(run.manifest.previous.as_ref()?.sha256.as_str()))
            .collect();
        let mut heads = self.runs.values().filter(|run| !named.contains(run.sha256.as_str()));
        heads.next().filter(|_| heads.next().is_none())
    }

    /// True if the run can be made again from its raw archive with the same bytes.
    pub(super) fn can_rebuild(&self, run_id: &str) -> bool {
        let Some(run) = self.sound(run_id) else { return false };
        let mut raw = run.manifest.files.iter().filter(|file| file.table == RAW).peekable();
        let is_damaged = |path: &str| self.report.damages.iter().any(|damage| damage.path == path);
        // A rebuilt run would hold other bytes than one without erased contacts.
        run.erased == 0
            && run.manifest.tool.version == env!("CARGO_PKG_VERSION")
            && raw.peek().is_some()
            && raw.all(|file| !is_damaged(file.path.as_str()))
    }

    /// The run whose contacts should be exported again: that of the most contacts among these, or the newest run if
    /// none of them can be read.
    pub(super) fn largest(&self, run_ids: &BTreeSet<String>) -> Option<&Run> {
        let damaged = run_ids.iter().filter_map(|id| self.runs.get(id));
        let newest = || self.runs.values().max_by(|one, other| started(one).cmp(started(other)));
        damaged.max_by_key(|run| (run.manifest.contacts.requested, started(run))).or_else(newest)
    }

    /// The number of runs to keep after another export, so that none of these runs is kept.
    ///
    /// Kept incremental runs would keep the runs that hold their contacts, so only the new run may stay.
    pub(super) fn keep_last(&self, run_ids: &BTreeSet<String>) -> usize {
        let newer = self.order.iter().take_while(|id| !run_ids.contains(*id));
        let needs_older = |id: &String| {
            self.runs
                .get(id)
                .is_some_and(|run| run.manifest.state.is_some() || run.manifest.contacts.unchanged > 0)
        };
        if newer.clone().any(needs_older) { 1 } else { newer.count() + 1 }
    }

    /// A folder beside the export.
    pub(super) fn beside(&self, extension: &str) -> PathBuf {
        let root = self.out.root();
        // `.` and `..` have no name to extend.
        let named = if root.file_name().is_some() { None } else { root.canonicalize().ok() };
        named.as_deref().unwrap_or(root).with_added_extension(extension)
    }
}

fn started(run: &Run) -> &str {
    &run.manifest.started_at
}
