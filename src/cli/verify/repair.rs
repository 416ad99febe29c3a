//! Chooses the way to repair each damaged part of an export.

use std::collections::BTreeMap;

use super::facts::Facts;
use crate::verify::{Damage, Report, Subject};

/// The ways to repair damage, in the order in which to follow them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Repair {
    /// Remove what is in the place of a file.
    RemoveObstacles,
    /// Write `latest.json` for the newest run.
    WriteLatest,
    /// Restore the record of erasures.
    RestoreRecord,
    /// Restore a copy, or export into a new folder.
    Restore,
    /// Make a list of checksums from its manifest.
    ListChecksums,
    /// Make the files of a run again from its raw archive.
    Rebuild { run_id: String },
    /// Export the contacts again and remove the damaged runs.
    ExportAgain,
    /// Move Delta logs away, and write new ones.
    ReplaceLogs,
    /// Make the Delta logs name the files of the manifests.
    UpdateLogs,
    /// Leave missing Delta logs to the next run.
    AwaitLogs,
    /// Remove files that belong to no run.
    RemoveFiles,
    /// Remove files of desktops and file systems.
    RemoveSystemFiles,
    /// Deny access to other users.
    Restrict,
    /// Finish an interrupted erasure.
    FinishErasure,
    /// Sign the record of erasures again.
    SignErasures,
}

/// Returns the findings of a report by the way to repair them.
pub(super) fn repairs<'a>(
    report: &'a Report,
    facts: &Facts<'_>,
) -> BTreeMap<Repair, Vec<(Subject, &'a Damage)>> {
    let mut findings: BTreeMap<Repair, Vec<(Subject, &Damage)>> = BTreeMap::new();
    for damage in &report.damages {
        let subject = Subject::of(damage);
        findings.entry(repair(subject, damage, facts)).or_default().push((subject, damage));
    }
    for warning in &report.warnings {
        let subject = Subject::of_warning(warning);
        findings.entry(repair(subject, warning, facts)).or_default().push((subject, warning));
    }
    // A new export makes everything that only a new export repairs.
    if findings.contains_key(&Repair::Restore)
        && let Some(others) = findings.remove(&Repair::ExportAgain)
    {
        findings.entry(Repair::Restore).or_default().extend(others);
    }
    findings
}

fn repair(subject: Subject, damage: &Damage, facts: &Facts<'_>) -> Repair {
    let run_id = damage.run_id.as_deref().unwrap_or_default();
    match subject {
        Subject::NotRegular => Repair::RemoveObstacles,
        Subject::Latest if facts.newest().is_some() => Repair::WriteLatest,
        Subject::Manifest if facts.is_latest_wrong(damage) => Repair::WriteLatest,
        Subject::Latest | Subject::PrunedRuns | Subject::Manifest => Repair::Restore,
        Subject::Erasures => Repair::RestoreRecord,
        Subject::Holds => Repair::Restore,
        Subject::Checksums if facts.sound(run_id).is_some() && !facts.is_erased(run_id) => {
            Repair::ListChecksums
        }
        Subject::Checksums => Repair::Restore,
        Subject::DataFile | Subject::FailedContacts | Subject::NotFoundContacts
            if facts.can_rebuild(run_id) =>
        {
            Repair::Rebuild { run_id: run_id.to_owned() }
        }
        Subject::DataFile | Subject::FailedContacts | Subject::NotFoundContacts | Subject::Rows
            if facts.is_snapshot(run_id) =>
        {
            Repair::Restore
        }
        Subject::DataFile | Subject::FailedContacts | Subject::NotFoundContacts => Repair::ExportAgain,
        Subject::State | Subject::Rows => Repair::ExportAgain,
        Subject::DeltaLog => Repair::ReplaceLogs,
        Subject::MissingDeltaLogs => Repair::AwaitLogs,
        Subject::OutdatedDeltaLog => Repair::UpdateLogs,
        Subject::StrayFile if facts.is_in_obstacle(damage) => Repair::RemoveObstacles,
        Subject::StrayFile => Repair::RemoveFiles,
        Subject::SystemFile => Repair::RemoveSystemFiles,
        Subject::Permissions => Repair::Restrict,
        Subject::UnfinishedErasure => Repair::FinishErasure,
        Subject::Signature => Repair::SignErasures,
    }
}
