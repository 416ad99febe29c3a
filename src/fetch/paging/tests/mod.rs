//! Paging against models of the server: any order, clamp, offset unit, short pages, and chats that change
//! meanwhile.
//!
//! [`cases`] has single rules and shrinking properties. [`schedule`] makes whole runs from seeds, millions of
//! them on request.

mod cases;
mod chat;
mod documented;
mod nameless;
mod run;
mod schedule;
mod tally;

use std::ops::Range;
use std::panic::catch_unwind;

use tally::Tally;

/// Number of fixed schedules per test run. As many new ones are added.
const SCHEDULES: u64 = 4_000;

/// Runs the schedules of these seeds. No message that exists during the whole read may be missing silently.
fn play(seeds: Range<u64>) -> (Tally, Vec<String>) {
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    for seed in seeds {
        match catch_unwind(|| schedule::play(seed)) {
            Ok(Ok(one)) => tally.add(&one),
            Ok(Err(what)) => wrong.push(format!("seed {seed}: {what}")),
            Err(_) => wrong.push(format!("seed {seed}: a panic")),
        }
    }
    (tally, wrong)
}

fn assert_nothing_is_lost(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} schedules went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn schedules_lose_nothing() {
    let (tally, wrong) = play(0..SCHEDULES);
    assert_nothing_is_lost(&wrong);
    assert!(tally.drifting > tally.contacts / 2, "most chats change: {tally:?}");
    assert!(tally.unresolved * 8 < tally.contacts, "few are unresolved: {tally:?}");
    assert!(tally.deceived * 50 < tally.contacts, "belief is rarely false: {tally:?}");
}

/// Schedules that once lost messages.
///
/// - 7000019848: a prefetched page seems to join by messages without IDs. An insertion and a removal of as many
///   messages hide that it is older than the page before it.
/// - 2176068624804828869: a request for the end that goes further than the end meets messages without IDs that
///   equal known ones, and skips two messages.
#[test]
fn schedules_that_once_lost_messages_lose_nothing() {
    for seed in [7_000_019_848, 2_176_068_624_804_828_869] {
        let (_, wrong) = play(seed..seed + 1);
        assert_nothing_is_lost(&wrong);
    }
}

#[test]
fn new_schedules_lose_nothing() {
    let from = fastrand::u64(SCHEDULES..u64::MAX / 2);
    let (_, wrong) = play(from..from + SCHEDULES);
    assert_nothing_is_lost(&wrong);
}

/// Runs `SCHEDULES` schedules from seed `FROM` on two threads, and prints their cost.
#[test]
#[ignore = "takes minutes in a release build"]
fn a_million_schedules() {
    let number = |name, otherwise| {
        std::env::var(name).ok().map_or(otherwise, |text| text.parse::<u64>().expect("a number"))
    };
    let (from, count) = (number("FROM", 0), number("SCHEDULES", 1_000_000));
    let half = from + count / 2;
    let other = std::thread::spawn(move || play(half..from + count));
    let (mut tally, mut wrong) = play(from..half);
    let (others, wrong_there) = other.join().expect("the other half");
    tally.add(&others);
    tally.print_costs();
    wrong.extend(wrong_there);
    assert_nothing_is_lost(&wrong);
}
