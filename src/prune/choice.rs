//! Selects the runs to keep, with the reasons.

use chrono::TimeDelta;

use super::{Keep, KeepReason};
use crate::catalog::Run;
use crate::output::manifest::Status;
use crate::time::parse_time;

/// The reason to keep each run, the newest first. `None` for runs that only another kept run may keep.
pub(super) fn reasons(runs: &[Run], keep: Keep) -> Vec<Option<KeepReason>> {
    let mut reasons = vec![None; runs.len()];
    let mut mark = |at: usize, reason| {
        if let Some(of_run) = reasons.get_mut(at) {
            of_run.get_or_insert(reason);
        }
    };
    for at in 0..keep.last.map_or(0, usize::from).min(runs.len()) {
        mark(at, KeepReason::KeepLast);
    }
    for at in (0..runs.len()).filter(|at| is_within(&runs[0], &runs[*at], keep)) {
        mark(at, KeepReason::KeepWithin);
    }
    mark(0, KeepReason::Newest);
    if let Some(at) = runs.iter().position(|run| run.manifest.status == Status::Complete) {
        mark(at, KeepReason::NewestComplete);
    }
    if let Some(at) = runs.iter().position(|run| run.manifest.state.is_some()) {
        mark(at, KeepReason::State);
    }
    reasons
}

/// True if `--keep-within` keeps the run. A run with an invalid time is kept.
fn is_within(newest: &Run, run: &Run, keep: Keep) -> bool {
    let Some(within) = keep.within.and_then(|within| TimeDelta::from_std(within).ok()) else { return false };
    let ended = |run: &Run| parse_time(&run.manifest.finished_at);
    match (ended(newest), ended(run)) {
        (Some(newest), Some(ended)) => {
            newest.saturating_sub(ended) <= within.num_microseconds().unwrap_or(i64::MAX)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use super::*;
    use crate::output::ExportPath;
    use crate::output::manifest::{Manifest, StateEntry};

    const DAY: u64 = 24 * 60 * 60;

    /// One run per letter, the newest first, a day apart: `c` is complete, `p` partial, and `i` incremental.
    /// A capital letter means that the run has a state.
    fn runs(kinds: &str) -> Vec<Run> {
        let run = |(at, kind): (usize, char)| {
            let text = format!(
                r#"{{"manifest_version":1,"schema_version":1,"run_id":"r{at}","status":"{}","tool":{{"name":"x","version":"1"}},"started_at":"","finished_at":"2026-11-{:02}T02:00:00.000000Z","source":{{"base_url":""}},"options":{{}},"input":{{"path":"","sha256":"","lines":0,"contacts":0,"duplicates":0}},"contacts":{{"requested":9,"exported":0,"empty":0,"not_found":0,"unresolved":0,"failed":0}},"requests":{{"sent":0,"retries":0,"by_status":{{}}}},"unknown_fields":{{}},"tables":{{}},"files":[],"previous":null}}"#,
                if kind == 'p' { "partial" } else { "complete" },
                28 - at
            );
            let mut manifest = Manifest::parse(text.as_bytes()).unwrap();
            manifest.contacts.unchanged = u64::from(kind.eq_ignore_ascii_case(&'i'));
            manifest.state = kind.is_uppercase().then(|| StateEntry {
                path: ExportPath::state(&manifest.run_id),
                rows: 0,
                bytes: 0,
                sha256: String::new(),
            });
            Run { manifest, sha256: at.to_string(), erased: 0 }
        };
        kinds.chars().enumerate().map(run).collect()
    }

    /// `+` for each run that is kept, and `-` for others.
    fn kept(kinds: &str, last: usize, days: u64) -> String {
        let within = (days > 0).then(|| Duration::from_secs(days * DAY));
        let keep = Keep { last: NonZeroUsize::new(last), within };
        reasons(&runs(kinds), keep).iter().map(|reason| if reason.is_some() { '+' } else { '-' }).collect()
    }

    #[test]
    fn requested_runs_are_kept() {
        assert_eq!(kept("ccccc", 2, 0), "++---");
        assert_eq!(kept("ccccc", 0, 3), "++++-");
        assert_eq!(kept("ccccc", 1, 1), "++---");
        assert_eq!(kept("cc", 9, 0), "++");
    }

    #[test]
    fn the_newest_and_the_newest_complete_run_are_always_kept() {
        assert_eq!(kept("ppcpc", 1, 0), "+-+--");
        assert_eq!(kept("ppp", 1, 0), "+--");
        assert_eq!(kept("c", 1, 0), "+");
    }

    #[test]
    fn the_newest_state_is_kept() {
        assert_eq!(kept("IIIcc", 1, 0), "+----");
        assert_eq!(kept("ccII", 1, 0), "+-+-");
    }
}
