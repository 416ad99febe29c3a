//! Progress in words, for a line of the log and beside the bar.

use bytesize::ByteSize;
use indicatif::HumanCount;

use crate::cli::amounts::time;
use crate::event::{Phase, Progress};

/// Returns the progress as a line.
pub fn sentence(progress: &Progress) -> String {
    let facts = facts(progress);
    match facts.as_slice() {
        [] => name(progress.phase).to_owned(),
        facts => format!("{}: {}", name(progress.phase), facts.join(", ")),
    }
}

/// Returns the name of the phase.
pub fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Listing => "listing",
        Phase::Reading => "reading",
        Phase::Building => "building",
        Phase::Publishing => "publishing",
    }
}

/// Returns the facts of a phase, the most important first.
pub fn facts(progress: &Progress) -> Vec<String> {
    let done = HumanCount(progress.contacts_done);
    let mut facts = Vec::new();
    match (progress.phase, progress.contacts) {
        (Phase::Publishing, _) => {
            let left = progress.upload_bytes_left.filter(|left| *left > 0);
            facts.extend(left.map(|left| format!("{} to upload", ByteSize(left))));
            return facts;
        }
        (_, Some(of)) => facts.push(format!("{done} of {} contacts", HumanCount(of))),
        (_, None) => facts.push(format!("{done} contacts")),
    }
    if let Some(seconds) = progress.outage_seconds {
        facts.push(format!("no response for {}", time(seconds)));
    } else if progress.throttled {
        facts.push("rate limited by the API".to_owned());
    }
    if let Some(seconds) = progress.eta_seconds {
        facts.push(format!("about {} left", time(seconds)));
    }
    if progress.contacts_failed > 0 {
        facts.push(format!("{} failed", HumanCount(progress.contacts_failed)));
    }
    if progress.messages > 0 || progress.phase == Phase::Reading {
        facts.push(format!("{} messages", HumanCount(progress.messages)));
        facts.push(format!("{} messages/s", rate(progress.messages_per_second)));
    }
    if matches!(progress.phase, Phase::Listing | Phase::Reading) && progress.requests > 0 {
        facts.push(format!("{} requests/s", rate(progress.requests_per_second)));
    }
    facts
}

/// Formats a rate with two digits or more.
fn rate(per_second: f64) -> String {
    if per_second < 10.0 {
        return format!("{per_second:.1}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 10")]
    HumanCount(per_second.round() as u64).to_string()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Progress in the middle of a run.
    pub fn example() -> Progress {
        Progress {
            phase: Phase::Reading,
            contacts_done: 1234,
            contacts: Some(10_000),
            contacts_failed: 2,
            messages: 45_678,
            requests: 800,
            messages_per_second: 1204.4,
            requests_per_second: 8.04,
            eta_seconds: Some(754),
            upload_bytes_left: None,
            throttled: false,
            outage: false,
            outage_seconds: None,
        }
    }

    #[test]
    fn each_phase_has_its_words() {
        let said = |change: fn(&mut Progress)| {
            let mut progress = example();
            change(&mut progress);
            sentence(&progress)
        };
        insta::assert_snapshot!(said(|_| {}), @"reading: 1,234 of 10,000 contacts, about 12m 30s left, 2 failed, 45,678 messages, 1,204 messages/s, 8.0 requests/s");
        insta::assert_snapshot!(said(|p| p.throttled = true), @"reading: 1,234 of 10,000 contacts, rate limited by the API, about 12m 30s left, 2 failed, 45,678 messages, 1,204 messages/s, 8.0 requests/s");
        insta::assert_snapshot!(said(|p| (p.outage_seconds, p.eta_seconds) = (Some(75), None)), @"reading: 1,234 of 10,000 contacts, no response for 1m 10s, 2 failed, 45,678 messages, 1,204 messages/s, 8.0 requests/s");
        insta::assert_snapshot!(said(|p| p.phase = Phase::Building), @"building: 1,234 of 10,000 contacts, about 12m 30s left, 2 failed, 45,678 messages, 1,204 messages/s");
        insta::assert_snapshot!(said(|p| (p.phase, p.contacts, p.messages, p.contacts_failed, p.eta_seconds) = (Phase::Listing, None, 0, 0, None)), @"listing: 1,234 contacts, 8.0 requests/s");
        insta::assert_snapshot!(said(|p| p.phase = Phase::Publishing), @"publishing");
        insta::assert_snapshot!(said(|p| (p.phase, p.upload_bytes_left) = (Phase::Publishing, Some(3 << 20))), @"publishing: 3.0 MiB to upload");
    }
}
