//! Prints the findings and the plan of `check`, as text and as JSON.

use serde::Serialize;

use crate::check::{Checked, Finding, FindingStatus, Plan};
use crate::cli::args::{CheckArgs, LogFormat};
use crate::cli::console::eprint;
use crate::cli::exit::Exit;

/// Returns the exit code for all findings.
pub fn exit(findings: &[Finding]) -> Exit {
    let exits = findings.iter().filter_map(|finding| finding.cause.as_ref()).map(Exit::of_cause);
    exits.max_by_key(|exit| weight(*exit)).unwrap_or(Exit::Complete)
}

/// Returns the priority of an exit code among several findings. Failures that need manual action come first.
fn weight(exit: Exit) -> u8 {
    match exit {
        Exit::Bug => 11,
        Exit::Usage => 10,
        Exit::SignInRefused => 9,
        Exit::Storage => 8,
        Exit::Unavailable => 7,
        Exit::Locked => 6,
        // No finding leads to one of these.
        Exit::Damaged => 5,
        Exit::DoesNotFit | Exit::Held => 4,
        Exit::Terminated => 3,
        Exit::Interrupted => 2,
        Exit::Partial => 1,
        Exit::Complete => 0,
    }
}

/// Returns the document of `--json`.
pub fn json(checked: &Checked, exit: Exit) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        status: FindingStatus,
        exit_code: u8,
        checks: &'a [Finding],
        plan: &'a Option<Plan>,
    }
    let document = Document {
        status: status(&checked.findings),
        exit_code: exit.code(),
        checks: &checked.findings,
        plan: &checked.plan,
    };
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// Returns the worst status. Skipped checks do not count.
fn status(findings: &[Finding]) -> FindingStatus {
    let checked =
        findings.iter().map(|finding| finding.status).filter(|status| *status != FindingStatus::Skipped);
    checked.max().unwrap_or(FindingStatus::Ok)
}

/// Prints one line per finding. Checks skipped for the same reason share a line.
pub fn findings(args: &CheckArgs, findings: &[Finding]) {
    for (at, finding) in findings.iter().enumerate() {
        let Finding { name, status, detail, .. } = finding;
        let is_same = |other: &&Finding| {
            *status == FindingStatus::Skipped
                && other.status == FindingStatus::Skipped
                && other.detail == *detail
        };
        if args.log.quiet && !matches!(status, FindingStatus::Warn | FindingStatus::Fail)
            || findings[..at].iter().any(|before| is_same(&before))
        {
            continue;
        }
        let others = findings[at + 1..].iter().filter(is_same);
        let others: Vec<String> = others.map(|other| other.name.replace('_', " ")).collect();
        let detail =
            if others.is_empty() { detail.clone() } else { format!("and {}: {detail}", others.join(", ")) };
        let name = name.replace('_', " ");
        match args.log.log_format {
            LogFormat::Text => eprint(&format!("{:<8} {name:<12} {detail}", mark(*status))),
            // The start of a line sets its level in the JSON log.
            LogFormat::Json => eprint(&match status {
                FindingStatus::Ok | FindingStatus::Skipped => format!("{name}, {}: {detail}", mark(*status)),
                FindingStatus::Warn => format!("warning: {name}: {detail}"),
                FindingStatus::Fail => format!("error: {name}: {detail}"),
            }),
        }
    }
}

fn mark(status: FindingStatus) -> &'static str {
    match status {
        FindingStatus::Ok => "ok",
        FindingStatus::Skipped => "skipped",
        FindingStatus::Warn => "warning",
        FindingStatus::Fail => "failed",
    }
}

/// Returns the outcome in one sentence. The next command follows it.
pub fn sentence(checked: &Checked, exit: Exit) -> String {
    let count = |status| checked.findings.iter().filter(|finding| finding.status == status).count();
    let warnings = match count(FindingStatus::Warn) {
        0 => String::new(),
        1 => ", with 1 warning above".to_owned(),
        warnings => format!(", with {warnings} warnings above"),
    };
    if exit == Exit::Complete {
        return format!("a run would work{warnings}; to start it, run");
    }
    // The finding that determines the exit code.
    let first = checked
        .findings
        .iter()
        .find(|finding| finding.cause.as_ref().is_some_and(|cause| Exit::of_cause(cause) == exit));
    let what = first.map_or("", |finding| finding.detail.as_str());
    let more = match count(FindingStatus::Fail) {
        0 | 1 => String::new(),
        2 => " (1 more failure above)".to_owned(),
        failures => format!(" ({} more failures above)", failures - 1),
    };
    format!("error: {what}{more}; to check again, run")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Cause;

    #[test]
    fn the_worst_cause_determines_the_exit_code() {
        let fail = |cause| Finding::fail("destination", cause, "");
        let warning = Finding::warn("contacts", "");
        assert_eq!(exit(&[warning]), Exit::Complete);
        let causes = [Cause::Locked, Cause::Unreadable, Cause::Storage, Cause::NoContacts];
        let mut findings = Vec::new();
        for cause in causes {
            let own = Exit::of_cause(&cause);
            findings.insert(findings.len() / 2, fail(cause));
            assert_eq!(exit(&findings), own);
        }
    }
}
