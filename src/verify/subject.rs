//! The part of an export that a finding is about. Each part is repaired in its own way.

use std::path::{Component, Path};

use serde::Serialize;

use super::{Damage, DamageKind};
use crate::layout::{self, CHECKSUMS, ERASED, FAILED, HOLDS, LATEST, MANIFEST, NOT_FOUND, PRUNED, STATE};

/// A part of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A symbolic link, a folder or another object in the place of a file.
    NotRegular,
    /// `_runs/latest.json`.
    Latest,
    /// `_runs/pruned.json`.
    PrunedRuns,
    /// `_runs/erased.json`.
    Erasures,
    /// `_runs/holds.json`.
    Holds,
    /// The manifest of a run, or its place in the chain.
    Manifest,
    /// The list of checksums of a run.
    Checksums,
    /// The list of failed contacts of a run.
    FailedContacts,
    /// The list of contacts of a run that do not exist.
    NotFoundContacts,
    /// The state that an incremental run left.
    State,
    /// A data file that is not as it was written.
    DataFile,
    /// Rows that contradict each other in files that are as they were written.
    Rows,
    /// A Delta log that does not name the files of the manifests.
    OutdatedDeltaLog,
    /// The Delta logs of all tables, which are missing. This is a warning.
    MissingDeltaLogs,
    /// A Delta log that is damaged, or to which another program has written.
    DeltaLog,
    /// A file that belongs to no run.
    StrayFile,
    /// A file that a desktop or a file system made. This is a warning.
    SystemFile,
    /// Access of other users. This is a warning.
    Permissions,
    /// An erasure that is not finished. This is a warning.
    UnfinishedErasure,
    /// The signature of the record of erasures. This is a warning.
    Signature,
}

impl Subject {
    /// The part that a damage is about.
    pub fn of(damage: &Damage) -> Self {
        let is_safe = Path::new(&damage.path).components().all(|part| matches!(part, Component::Normal(_)));
        let is_whole_log = damage.path.ends_with(layout::DELTA_LOG);
        match damage.kind {
            DamageKind::Disagreement | DamageKind::Missing if is_whole_log => return Self::OutdatedDeltaLog,
            DamageKind::Permissions => return Self::Permissions,
            DamageKind::Unfinished => return Self::UnfinishedErasure,
            DamageKind::Signature => return Self::Signature,
            _ if layout::is_in_delta_log(&damage.path) => return Self::DeltaLog,
            DamageKind::Added => return Self::StrayFile,
            // Only a list of checksums may hold such a path.
            DamageKind::UnsafePath if !is_safe => return Self::Checksums,
            DamageKind::UnsafePath => return Self::NotRegular,
            _ => {}
        }
        match (damage.path.as_str(), layout::split_run_file(&damage.path)) {
            (LATEST, _) => Self::Latest,
            (PRUNED, _) => Self::PrunedRuns,
            (ERASED, _) => Self::Erasures,
            (HOLDS, _) => Self::Holds,
            (_, Some((_, MANIFEST))) => Self::Manifest,
            (_, Some((_, CHECKSUMS))) => Self::Checksums,
            (_, Some((_, FAILED))) => Self::FailedContacts,
            (_, Some((_, NOT_FOUND))) => Self::NotFoundContacts,
            (_, Some((_, STATE))) => Self::State,
            _ if matches!(damage.kind, DamageKind::Cut | DamageKind::Changed | DamageKind::Missing) => {
                Self::DataFile
            }
            _ => Self::Rows,
        }
    }

    /// The part that a warning is about.
    pub fn of_warning(warning: &Damage) -> Self {
        match warning.kind {
            DamageKind::Added => Self::SystemFile,
            DamageKind::Missing => Self::MissingDeltaLogs,
            _ => Self::of(warning),
        }
    }

    /// The name of the part in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotRegular => "objects that are not files",
            Self::Latest => "latest.json",
            Self::PrunedRuns => "pruned.json",
            Self::Erasures => "erased.json",
            Self::Holds => "holds.json",
            Self::Manifest => "manifests",
            Self::Checksums => "checksums.sha256",
            Self::FailedContacts => "failed.csv",
            Self::NotFoundContacts => "not_found.csv",
            Self::State => "states",
            Self::DataFile => "data files",
            Self::Rows => "rows",
            Self::OutdatedDeltaLog => "outdated Delta logs",
            Self::MissingDeltaLogs => "missing Delta logs",
            Self::DeltaLog => "Delta logs",
            Self::StrayFile => "added files",
            Self::SystemFile => "files of other programs",
            Self::Permissions => "permissions",
            Self::UnfinishedErasure => "unfinished erasure",
            Self::Signature => "erased.json.sig",
        }
    }
}
