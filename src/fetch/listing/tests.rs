//! Listing against a model of a changing list, on servers of several kinds.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::ListingError;
use super::model::{Change, DOCUMENTED, Model, Order, ServerModel};
use super::schedule::play;

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        3 => Just(Change::Rest),
        6 => (0..400_usize).prop_map(Change::Active),
        1 => (0..400_usize).prop_map(Change::Removed),
        1 => Just(Change::New),
    ];
    proptest::collection::vec(change, 0..600)
}

fn server() -> impl Strategy<Value = ServerModel> {
    let order = prop_oneof![4 => Just(Order::Activity), 1 => Just(Order::Reversed), 1 => Just(Order::Id)];
    let clamp = prop_oneof![3 => Just(100_u32), 1 => 1..30_u32];
    let max_limit = prop_oneof![3 => Just(100_u32), 1 => 1..30_u32];
    (order, clamp, max_limit).prop_map(|(order, clamp, max_limit)| ServerModel {
        order,
        clamp,
        max_limit,
        ignores_offset: false,
        short_parts: 0,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// In a list sorted by activity, every stable contact is listed, or the result is doubtful.
    #[test]
    fn no_stable_contact_is_missing(
        count in 0..300_u32,
        page_size in 1..=40_u32,
        server in server(),
        changes in changes(),
    ) {
        let model = Model::new(count, server, changes);
        let (doubt, listed) = model.list(page_size);
        let unique: BTreeSet<_> = listed.iter().collect();
        prop_assert_eq!(unique.len(), listed.len(), "none twice");
        if doubt.expect("the list is read").is_none() {
            prop_assert_eq!(model.missing(&listed), Vec::<String>::new());
        }
    }

    /// A list that does not change is never doubtful, and costs only a few requests more than its parts.
    #[test]
    fn an_unchanging_list_is_proved(count in 0..300_u32, page_size in 2..=100_u32, server in server()) {
        let model = Model::new(count, server, Vec::new());
        let (doubt, listed) = model.list(page_size);
        prop_assert_eq!(doubt.expect("the list is read"), None);
        prop_assert_eq!(listed.len(), count as usize);
        let part = page_size.min(server.clamp).min(server.max_limit);
        let passes = if server.order == Order::Activity { 1 } else { 2 };
        if part == page_size && part > 10 {
            let least = count / (part - 1) + 1;
            let requests = model.requests();
            prop_assert!(requests <= passes * (least + 5) + 1, "{requests} requests");
        }
    }
}

#[test]
fn an_always_active_contact_is_listed_once() {
    // The last contact moves to the front before its part is read, and others move in front of it.
    let mut changes = vec![Change::Rest; 3];
    changes.push(Change::Active(0));
    changes.extend((1..200).map(|at| Change::Active(at * 7)));
    let model = Model::new(300, DOCUMENTED, changes);
    let (doubt, listed) = model.list(20);
    assert_eq!(doubt.unwrap(), None);
    assert_eq!(listed.len(), 300);
    assert_eq!(model.missing(&listed), Vec::<String>::new());
}

#[test]
fn a_list_that_changes_too_fast_is_doubtful() {
    let changes = (0..60_000).map(|at| Change::Active(at * 7919)).collect();
    let (doubt, listed) = Model::new(50, DOCUMENTED, changes).list(2);
    assert!(doubt.unwrap().is_some_and(|why| why.contains("contacts may be missing")));
    assert!(listed.len() > 25);
}

#[test]
fn a_server_that_ignores_the_offset_is_detected() {
    let server = ServerModel { ignores_offset: true, ..DOCUMENTED };
    let (doubt, _) = Model::new(50, server, Vec::new()).list(20);
    assert!(matches!(doubt, Err(ListingError::OffsetIgnored)));
}

/// A pass reads a contact that arrived meanwhile, and known contacts behind it, but none in between.
#[test]
fn a_contact_behind_one_that_arrived_during_the_pass_is_listed() {
    let steps = [
        // Offset 0: contacts 5 and 4.
        [Change::Rest; 3],
        // Offset 1: nothing known.
        [Change::New; 3],
        // Offset 0: two that arrived. Contact 0 is behind them.
        [Change::Active(0), Change::New, Change::New],
        // Offset 1: the same two.
        [Change::New, Change::Removed(8), Change::Removed(7)],
        // Offset 2: contacts 5 and 4 again. Contact 0 is in front of them.
        [Change::Removed(6), Change::Removed(8), Change::Removed(7)],
        // The list: one that arrives now, one of the two, contact 0, 5, 4.
        [Change::New, Change::Rest, Change::Rest],
    ];
    let model = Model::new(6, DOCUMENTED, steps.concat());
    let (doubt, listed) = model.list(2);
    assert_eq!(doubt.unwrap(), None);
    assert_eq!(model.missing(&listed), Vec::<String>::new());
}

/// With parts of one contact, three contacts move to the front. When two of them are found there, the second
/// is removed, so that the third takes its place.
#[test]
fn a_removal_between_parts_of_one_contact_hides_none() {
    for quiet in 0..40 {
        let mut changes = vec![Change::Rest; 30];
        for at in 0..3 {
            changes.extend([Change::Active(at), Change::Removed(9 - at), Change::Rest]);
        }
        changes.extend(vec![Change::Rest; 3 * quiet]);
        changes.push(Change::Removed(1));
        let model = Model::new(10, DOCUMENTED, changes);
        let (doubt, listed) = model.list(1);
        assert_eq!(doubt.unwrap(), None);
        assert_eq!(model.missing(&listed), Vec::<String>::new(), "after {quiet} quiet requests");
    }
}

#[test]
fn a_contact_with_a_time_in_the_future_hides_none() {
    let mut changes = vec![Change::Future(19), Change::Rest, Change::Rest];
    changes.extend((0..9).map(Change::Active));
    let model = Model::new(20, DOCUMENTED, changes);
    let (doubt, listed) = model.list(4);
    assert_eq!(doubt.unwrap(), None);
    assert_eq!(model.missing(&listed), Vec::<String>::new());
}

#[test]
fn scheduled_lists_lose_nothing() {
    assert_eq!(play(500..800).lost, Vec::<String>::new());
}

/// Plays the lists of `SCHEDULES` seeds from `FROM` on two threads, and prints their cost.
#[test]
#[ignore = "takes minutes in a release build"]
#[expect(clippy::print_stdout, reason = "figures that were asked for")]
fn a_million_lists() {
    let number = |name, otherwise| {
        std::env::var(name).ok().map_or(otherwise, |text| text.parse::<u64>().expect("a number"))
    };
    let (from, count) = (number("FROM", 0), number("SCHEDULES", 1_000_000));
    let half = from + count / 2;
    let other = std::thread::spawn(move || play(half..from + count));
    let (mut tally, others) = (play(from..half), other.join().expect("the other half"));
    tally.lost.extend(others.lost);
    let (requests, doubtful) = (tally.requests + others.requests, tally.doubtful + others.doubtful);
    println!("{count} lists, {requests} requests, {doubtful} doubtful, {} lost", tally.lost.len());
    assert!(tally.lost.is_empty(), "{} lists lost contacts:\n{}", tally.lost.len(), tally.lost.join("\n"));
}
