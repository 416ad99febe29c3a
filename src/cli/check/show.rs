//! What `check` found, for people and for machines.

use std::time::Duration;

use bytesize::ByteSize;
use indicatif::HumanCount;
use serde::Serialize;

use crate::check::{Checked, Finding, Plan, Status};
use crate::cli::args::{CheckArgs, LogFormat};
use crate::cli::console::tell;
use crate::cli::exit::Exit;

/// The code of all findings together.
pub fn exit(findings: &[Finding]) -> Exit {
    let exits = findings.iter().filter_map(|finding| finding.cause.as_ref()).map(Exit::of_cause);
    exits.max_by_key(|exit| weight(*exit)).unwrap_or(Exit::Complete)
}

/// The rank of an exit code among those of several findings: highest for those that need manual action, lower for those
/// that a later attempt may resolve.
fn weight(exit: Exit) -> u8 {
    match exit {
        Exit::Bug => 11,
        Exit::Usage => 10,
        Exit::SignInRefused => 9,
        Exit::Storage => 8,
        Exit::Unavailable => 7,
        Exit::Locked => 6,
        // No finding of `check` has one of these as its cause.
        Exit::Damaged => 5,
        Exit::DoesNotFit => 4,
        Exit::Terminated => 3,
        Exit::Interrupted => 2,
        Exit::Partial => 1,
        Exit::Complete => 0,
    }
}

/// The document of `--json`.
pub fn json(checked: &Checked, exit: Exit) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        status: Status,
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

/// The gravest; what was not looked at is none.
fn status(findings: &[Finding]) -> Status {
    let looked_at = findings.iter().map(|finding| finding.status).filter(|status| *status != Status::Skipped);
    looked_at.max().unwrap_or(Status::Ok)
}

/// A line for each thing; one for all that was skipped for the same reason.
pub fn findings(args: &CheckArgs, findings: &[Finding]) {
    for (at, finding) in findings.iter().enumerate() {
        let Finding { name, status, detail, .. } = finding;
        let is_same = |other: &&Finding| {
            *status == Status::Skipped && other.status == Status::Skipped && other.detail == *detail
        };
        if args.log.quiet && !matches!(status, Status::Warn | Status::Fail)
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
            LogFormat::Text => tell(&format!("{:<8} {name:<12} {detail}", mark(*status))),
            // The level of a line follows from how it begins.
            LogFormat::Json => tell(&match status {
                Status::Ok | Status::Skipped => format!("{name}, {}: {detail}", mark(*status)),
                Status::Warn => format!("warning: {name}: {detail}"),
                Status::Fail => format!("error: {name}: {detail}"),
            }),
        }
    }
}

fn mark(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Skipped => "skipped",
        Status::Warn => "warning",
        Status::Fail => "failed",
    }
}

/// The plan, in which all but the contacts is an estimate.
pub fn plan(args: &CheckArgs, plan: &Plan) {
    let judged = match plan.known_lengths {
        0 => format!("judging by {}", plan.sampled),
        known if known >= plan.contacts => "judging by the last run".to_owned(),
        known => format!("judging by the last run's {} and {} more", HumanCount(known), plan.sampled),
    };
    let rate = args.requests.rate_limit.map_or_else(String::new, |rate| format!(" and {rate} a second"));
    let lines = [
        format!("{} with about {} messages, {judged}", contacts(plan.contacts), HumanCount(plan.messages)),
        format!("about {} requests of {} ms", HumanCount(plan.requests), plan.latency_ms),
        format!("about {} with at most {} requests in flight{rate}", time(plan.seconds), plan.concurrency),
        format!("about {} on the disk until it is published", ByteSize(plan.bytes)),
    ];
    for line in lines {
        tell(&match args.log.log_format {
            LogFormat::Text => format!("{:<8} {line}", "plan"),
            LogFormat::Json => format!("plan: {line}"),
        });
    }
}

fn contacts(count: u64) -> String {
    if count == 1 { "1 contact".to_owned() } else { format!("{} contacts", HumanCount(count)) }
}

/// A time in its two largest units: more would be more than is known.
fn time(seconds: u64) -> String {
    let rounded = match seconds {
        0..=59 => seconds.max(1),
        60..=3_599 => seconds / 10 * 10,
        3_600..=86_399 => seconds / 60 * 60,
        _ => seconds / 3_600 * 3_600,
    };
    humantime::format_duration(Duration::from_secs(rounded)).to_string()
}

/// In one sentence how it went. A command follows it.
pub fn sentence(checked: &Checked, exit: Exit) -> String {
    let count = |status| checked.findings.iter().filter(|finding| finding.status == status).count();
    let warnings = match count(Status::Warn) {
        0 => String::new(),
        1 => ", with 1 warning above".to_owned(),
        warnings => format!(", with {warnings} warnings above"),
    };
    if exit == Exit::Complete {
        return format!("a run would work{warnings}; to begin it");
    }
    // The one that the exit code tells.
    let first = checked
        .findings
        .iter()
        .find(|finding| finding.cause.as_ref().is_some_and(|cause| Exit::of_cause(cause) == exit));
    let what = first.map_or("", |finding| finding.detail.as_str());
    let more = match count(Status::Fail) {
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
    fn the_gravest_cause_gives_the_code() {
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

    #[test]
    fn times_are_not_told_more_exactly_than_they_are_known() {
        let told: Vec<_> = [0, 45, 61, 3_599, 3_700, 90_061].map(time).into();
        assert_eq!(told, ["1s", "45s", "1m", "59m 50s", "1h 1m", "1day 1h"]);
    }
}
