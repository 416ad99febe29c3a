//! Due contacts over many runs, and the files of the state.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::contacts::{ContactIndex, ContactList};
use crate::store::Store;

/// Names of the two files.
const DECISION: &str = "decision.parquet";
const STATE: &str = "state.parquet";
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

fn below(folder: &Path, name: impl AsRef<Path>) -> FileBelow {
    FileBelow { base: Store::local(folder), relative: name.as_ref().to_owned() }
}

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

fn row(id: &str, time: Option<&str>, status: Status, at: i64) -> StateRow {
    let export = Some(LastExport { at, run_id: "r1".into() });
    StateRow { contact_id: id.into(), latest_message_time: time.map(Into::into), status, export }
}

fn rule(now: i64) -> DueRule {
    DueRule { now, sweep_every: days(30), full: false }
}

fn is_swept(id: &str, last: i64, now: i64, period: Duration) -> bool {
    let known = row(id, Some("t"), Status::Exported, last);
    let rule = DueRule { now, sweep_every: period, full: false };
    rule.reason(id, Some("t"), Some(&known), |_| true) == Some(Reason::Sweep)
}

#[test]
fn each_reason_has_its_case() {
    let now = 20_000 * DAY;
    let known = row("c", Some("t1"), Status::Exported, now);
    let reason = |known: Option<&StateRow>, listed| rule(now).reason("c", listed, known, |_| true);
    let same = Some("t1");
    assert_eq!(reason(Some(&known), same), None);
    assert_eq!(reason(None, same), Some(Reason::New));
    assert_eq!(reason(Some(&known), Some("t2")), Some(Reason::Changed));
    assert_eq!(reason(Some(&known), Some("t0")), Some(Reason::Changed), "an earlier one too");
    assert_eq!(reason(Some(&known), None), Some(Reason::NoTime));
    for (status, expected) in [
        (Status::Failed, Some(Reason::Unfinished)),
        (Status::Unresolved, Some(Reason::Unfinished)),
        (Status::Empty, None),
        (Status::NotFound, None),
    ] {
        assert_eq!(reason(Some(&StateRow { status, ..known.clone() }), same), expected, "{status:?}");
    }
    let never = StateRow { export: None, status: Status::Failed, ..known.clone() };
    assert_eq!(reason(Some(&never), same), Some(Reason::Unfinished));
    assert_eq!(rule(now).reason("c", same, Some(&known), |run| run != "r1"), Some(Reason::Gone));
    let full = DueRule { full: true, ..rule(now) };
    assert_eq!(full.reason("c", same, Some(&known), |_| true), Some(Reason::Full));
    assert_eq!(rule(now + 30 * DAY).reason("c", same, Some(&known), |_| true), Some(Reason::Sweep));
    assert_eq!(rule(now - 1).reason("c", same, Some(&known), |_| true), Some(Reason::Sweep), "a wrong clock");
}

#[test]
fn a_sweep_is_spread_evenly_over_the_nights() {
    let ids: Vec<String> = (0..30_000).map(|at| format!("contact-{at}")).collect();
    let mut last: HashMap<&str, i64> = ids.iter().map(|id| (id.as_str(), 20_000 * DAY)).collect();
    let mut counts = Vec::new();
    for night in 1..=60 {
        // Cron begins a little earlier or later each night.
        let now = (20_000 + night) * DAY + (night * 7919 % 60) * 1_000_000;
        let swept: Vec<&str> =
            ids.iter().map(String::as_str).filter(|id| is_swept(id, last[id], now, days(30))).collect();
        counts.push(swept.len());
        last.extend(swept.into_iter().map(|id| (id, now)));
    }
    assert!(counts.iter().all(|count| (850..1150).contains(count)), "a thirtieth each: {counts:?}");
}

proptest! {
    /// After a run, no contact was last read longer ago than the period, even with skipped runs and with
    /// reads for other reasons. Without skipped runs, each contact is read within the period.
    #[test]
    fn no_contact_waits_longer_than_the_period(
        id in "[a-z0-9-]{1,20}",
        hours in 2_u64..1000,
        steps in proptest::collection::vec((1_i64..200, any::<bool>()), 1..60),
        start in 0..2_000_000_000_000_000_i64,
    ) {
        let period = Duration::from_hours(hours);
        let (mut now, mut last) = (start, start);
        for (step, read_anyway) in steps {
            now += step * HOUR / 3;
            if read_anyway || is_swept(&id, last, now, period) {
                last = now;
            }
            prop_assert!(now - last < i64::try_from(period.as_micros()).unwrap());
        }
    }

    #[test]
    fn nightly_runs_read_each_contact_within_the_period(id in "[a-z0-9-]{1,20}", start in 0_i64..DAY, jitter in 0_i64..HOUR) {
        let (mut last, mut longest) = (start, 0);
        for night in 1..100 {
            let now = start + night * DAY - if night % 2 == 0 { jitter } else { 0 };
            if is_swept(&id, last, now, days(7)) {
                longest = longest.max(now - last);
                last = now;
            }
        }
        prop_assert!(longest > 0 && longest <= 7 * DAY + jitter);
    }

    #[test]
    fn a_contact_is_swept_once_per_period(id in "[a-z0-9-]{1,20}", start in 0_i64..DAY) {
        let (mut last, mut swept) = (start, 0);
        for night in 1..=140 {
            let now = start + night * DAY;
            if is_swept(&id, last, now, days(7)) {
                (last, swept) = (now, swept + 1);
            }
        }
        prop_assert!((20..=21).contains(&swept), "{}", swept);
    }

    /// The order of the input does not change the decision on a contact, and the file has each decision.
    #[test]
    fn the_order_of_the_input_does_not_change_decisions(
        seed in 0_u64..1000,
        order in Just((0..40_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let decide = |order: &[usize]| decided(folder.path(), seed, order);
        let (in_order, shuffled) = (decide(&(0..40).collect::<Vec<_>>()), decide(&order));
        for (place, at) in order.iter().enumerate() {
            prop_assert_eq!(shuffled[place], in_order[*at]);
        }
    }
}

fn list<I: AsRef<str>>(ids: impl IntoIterator<Item = I>) -> ContactList {
    let mut list = ContactList::new("-".to_owned());
    for (line, id) in (1..).zip(ids) {
        list.push(&id.as_ref().parse().unwrap(), line);
    }
    list
}

/// The known contacts of a state that is written with these rows.
fn known(path: &Path, rows: &[StateRow], contacts: &ContactList) -> Known {
    file::write(path, "s", || Ok(rows.iter().cloned().map(Ok))).unwrap();
    let state = below(path.parent().unwrap(), path.file_name().unwrap());
    Known::read(&state, contacts, &ContactIndex::of(contacts)).unwrap()
}

/// Decides on 40 listed contacts, 30 of them with a previous state. All are random.
fn decided(folder: &Path, seed: u64, order: &[usize]) -> Vec<Option<Reason>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let now = 20_000 * DAY;
    let rows: Vec<StateRow> = (0..30)
        .map(|at| {
            let status = Status::ALL[random.usize(..5)];
            let time = random.bool().then_some("t1");
            row(&format!("c{at}"), time, status, now - random.i64(0..31) * DAY)
        })
        .collect();
    let listed: Vec<Option<&str>> = (0..40).map(|_| random.bool().then_some("t1")).collect();
    let contacts = list(order.iter().map(|at| format!("c{at}")));
    let mut times = Times::default();
    for (place, at) in order.iter().enumerate() {
        times.set(place, listed[*at]);
    }
    let decision = Decision {
        rule: rule(now),
        contacts: &contacts,
        known: &known(&folder.join("state.parquet"), &rows, &contacts),
        listed: &times,
        is_there: Box::new(|_: &str| true),
        scope: "s".to_owned(),
    };
    let path = folder.join("decision.parquet");
    let (reasons, written) = decision.make(&path).unwrap();
    assert_eq!(written.rows, 40);
    let due = read_due(&Store::local(folder), DECISION.as_ref(), 40).unwrap();
    assert_eq!(due.count(), reasons.iter().flatten().count());
    assert!(reasons.iter().enumerate().all(|(at, reason)| due.holds(at) == reason.is_some()));
    assert!(read_due(&Store::local(folder), DECISION.as_ref(), 41).is_err(), "it has 40 contacts");
    reasons
}

#[test]
fn the_new_state_follows_from_the_decision_and_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let (decision_path, path) = (folder.path().join(DECISION), folder.path().join(STATE));
    let now = 20_000 * DAY;
    let rows =
        ["rested", "changed", "fails", "not-asked-for"].map(|id| row(id, Some("t1"), Status::Exported, now));
    let contacts = list(["new", "rested", "changed", "fails", "new-fails", "goes-on"]);
    let mut times = Times::default();
    for (place, time) in
        [Some("t2"), Some("t1"), Some("t2"), Some("t2"), None, Some("t2")].into_iter().enumerate()
    {
        times.set(place, time);
    }
    let decision = Decision {
        rule: rule(now),
        contacts: &contacts,
        known: &known(&path, &rows, &contacts),
        listed: &times,
        is_there: Box::new(|_: &str| true),
        scope: "s".to_owned(),
    };
    let (reasons, _) = decision.make(&decision_path).unwrap();
    assert_eq!(reasons.iter().filter(|reason| reason.is_none()).count(), 1);
    let statuses = [
        Status::Exported,
        Status::Unchanged,
        Status::Empty,
        Status::Failed,
        Status::Failed,
        Status::Unresolved,
    ];
    let reading = RunResult { statuses: &statuses, at: now + DAY, run_id: "r2", scope: "s" };
    let written = next((&Store::local(folder.path()), DECISION.as_ref()), &path, &reading).unwrap();
    let text = |row: &StateRow| {
        let export =
            row.export.as_ref().map_or("-".to_owned(), |last| format!("{}@{}", last.run_id, last.at / DAY));
        format!(
            "{} {} {} {export}",
            row.contact_id,
            row.latest_message_time.as_deref().unwrap_or("-"),
            row.status.as_str()
        )
    };
    let rows: Vec<String> =
        read(&Store::local(folder.path()), STATE.as_ref()).unwrap().map(|row| text(&row.unwrap())).collect();
    assert_eq!(
        rows,
        [
            "new t2 exported r2@20001",
            "rested t1 exported r1@20000",
            "changed t2 empty r2@20001",
            "fails t1 failed r1@20000",
            "new-fails - failed -",
            "goes-on t2 unresolved r2@20001",
            "not-asked-for t1 exported r1@20000",
        ]
    );
    assert_eq!(written.rows, 7);
    let is_of = |scope: &str| Known::is_of(&below(folder.path(), STATE), scope).unwrap();
    assert!(is_of("s"));
    assert!(!is_of("other"), "a state of other options is not valid");
}

#[test]
fn a_file_that_is_not_a_state_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decision.parquet");
    let decision = Decision {
        rule: rule(0),
        contacts: &list::<&str>([]),
        known: &Known::default(),
        listed: &Times::default(),
        is_there: Box::new(|_: &str| true),
        scope: String::new(),
    };
    decision.make(&path).unwrap();
    let error = |name: &str| Known::is_of(&below(folder.path(), name), "").unwrap_err();
    let message = error(DECISION).to_string().replace(&*folder.path().to_string_lossy(), "DIR");
    insta::assert_snapshot!(message, @"cannot read DIR/decision.parquet: it is not a state");
    let torn = folder.path().join("torn.parquet");
    crate::durable::replace(&torn, b"PAR1").unwrap();
    assert!(matches!(error("torn.parquet"), StateError::Unreadable { .. }));
    assert!(matches!(error("none"), StateError::Storage(_)));
}

#[test]
fn a_pipe_or_a_link_is_an_error_without_a_wait() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    std::os::unix::fs::symlink(".", folder.path().join("linked")).unwrap();
    crate::durable::replace(&folder.path().join("file"), b"PAR1").unwrap();
    for name in ["pipe", "link", "linked/file"] {
        let error = Known::is_of(&below(folder.path(), name), "").unwrap_err();
        assert!(error.to_string().contains("it is not a regular file"), "{name}: {error}");
    }
}
