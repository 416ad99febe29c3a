//! One writer at a time, in stores that can keep writers apart.

use std::path::Path;
use std::time::Duration;

use super::account::{Account, assert_sound, fetched, on};
use crate::support::compare::{assert_same, substance};
use crate::support::scripted::Gate;
use crate::support::service::wait_until;
use crate::support::stores::Remote;
use crate::support::stores::proxy::{Fault, FaultProxy, Rule};

const MINUTE: Duration = Duration::from_mins(1);

/// Lets the run wait at its manifest.
fn stalled_at_manifest(proxy: &FaultProxy) -> Gate {
    let gate = Gate::closed();
    proxy.add(Rule::first("PUT", "manifest.json", Fault::Stall(gate.clone())));
    gate
}

#[test]
fn a_second_writer_leaves() {
    let account = Account::new();
    for remote in Remote::one_of_each("a_second_writer_leaves") {
        let told = format!("{:?}", remote.kind);
        let (proxied, proxy) = remote.behind_proxy();
        let gate = stalled_at_manifest(&proxy);
        let export = account.run(&proxied);
        let first = export.start();
        wait_until(&told, || proxy.waiting() > 0);
        let second = account.run(&remote).expect(7);
        assert!(second.stderr.contains(" (process "), "{told}: {}", second.stderr);
        assert!(second.whole_last_line().contains(&remote.url()), "{told}: {}", second.stderr);
        on(&remote, "prune --keep-last 1").expect(7);
        gate.open();
        let outcome = fetched(&remote, &export, first.wait(MINUTE).expect(0));
        assert_same(&substance(&outcome), &account.reference, &told);
        account.run(&remote).expect(0);
        assert_sound(&remote, &told);
    }
}

#[test]
fn the_lock_of_a_dead_run_is_taken_after_ten_minutes_of_the_store() {
    let account = Account::new();
    let remote = Remote::gcs();
    let (proxied, proxy) = remote.behind_proxy();
    stalled_at_manifest(&proxy);
    let dead = account.run(&proxied);
    let first = dead.start();
    wait_until("the first run publishes", || proxy.waiting() > 0);
    first.signal("KILL");
    first.wait(MINUTE);
    let second = account.run(&remote);
    remote.as_gcs().advance(Duration::from_mins(9));
    second.expect(7);
    remote.as_gcs().advance(Duration::from_mins(2));
    let taken = fetched(&remote, &second, second.expect(0));
    // The files of the dead run have no manifest.
    let run = taken.manifest()["run_id"].as_str().unwrap().to_owned();
    on(&remote, "verify --deep").args("--run").arg(&run).expect(0);
    // The work folder of the dead run can still be resumed.
    let outcome = fetched(&remote, &dead, dead.expect(0));
    assert_same(&substance(&outcome), &account.reference, "resumed at last");
    assert_sound(&remote, "resumed at last");
    assert_eq!(remote.as_gcs().unfinished_uploads(), 0);
}

#[test]
fn a_killed_run_takes_its_own_lock_at_once() {
    let account = Account::new();
    for remote in Remote::one_of_each("a_killed_run_takes_its_own_lock_at_once") {
        let (proxied, proxy) = remote.behind_proxy();
        stalled_at_manifest(&proxy);
        let export = account.run(&proxied);
        let first = export.start();
        wait_until("the run publishes", || proxy.waiting() > 0);
        first.signal("KILL");
        first.wait(MINUTE);
        account.run(&remote).expect(7);
        export.expect(0);
        account.run(&remote).expect(0);
        assert_sound(&remote, &format!("{:?}", remote.kind));
    }
}

#[test]
fn a_store_without_conditions_is_refused_before_the_first_request() {
    let test = "a_store_without_conditions_is_refused_before_the_first_request";
    let Some(remote) = Remote::rclone(test) else { return };
    let account = Account::new();
    let before = account.service.stats().requests;
    let refused = account.run(&remote).expect(2);
    let last = refused.whole_last_line();
    assert!(last.contains("--unconditional") && last.contains(&remote.url()), "{last}");
    assert_eq!(account.service.stats().requests, before);
    assert!(remote.objects().is_empty(), "{:?}", remote.objects().keys());

    let export = account.run(&remote).args("--unconditional");
    let outcome = fetched(&remote, &export, export.expect(0));
    assert_same(&substance(&outcome), &account.reference, "by the word of the user");
    assert_sound(&remote, "by the word of the user");
}

#[test]
fn a_store_needs_a_work_folder() {
    let account = Account::new();
    let remote = Remote::gcs();
    let refused = account.run(&remote).without("--work-dir").expect(2);
    assert!(refused.stderr.contains("--work-dir"), "{}", refused.stderr);
}
#[test]
fn a_work_folder_belongs_to_one_store() {
    let account = Account::new();
    let (one, other) = (Remote::gcs(), Remote::gcs());
    let (proxied, proxy) = one.behind_proxy();
    proxy.add(Rule::first("PUT", "manifest.json", Fault::Refuse(403)));
    let export = account.run(&proxied);
    export.expect(6);
    let refused = other.reach(export.clone()).out_at(Path::new(&other.url())).expect(9);
    assert!(refused.stderr.contains(&one.url()), "{}", refused.stderr);
    export.expect(0);
    assert_sound(&one, "resumed");
}

#[test]
fn a_run_that_died_before_it_was_named_newest_is_in_the_chain_of_the_next() {
    let account = Account::new();
    let remote = Remote::gcs();
    let (proxied, proxy) = remote.behind_proxy();
    proxy.add(Rule::first("PUT", "latest.json", Fault::Stall(Gate::closed())));
    let dead = account.run(&proxied);
    let first = dead.start();
    wait_until("the first run publishes", || proxy.waiting() > 0);
    first.signal("KILL");
    first.wait(MINUTE);
    remote.as_gcs().advance(Duration::from_mins(11));
    account.run(&remote).expect(0);
    assert_sound(&remote, "taken over");
    dead.expect(0);
    assert_sound(&remote, "resumed at last");
}

#[test]
fn a_run_that_wakes_after_another_is_no_obstacle_for_the_next_ones() {
    let account = Account::new();
    // If its manifest is there, the other run names it. Otherwise it reports that the other run has displaced it.
    for (part, code) in [("manifest.json", 6), ("latest.json", 0)] {
        let remote = Remote::gcs();
        let (proxied, proxy) = remote.behind_proxy();
        let gate = Gate::closed();
        proxy.add(Rule::first("PUT", part, Fault::Stall(gate.clone())));
        let export = account.run(&proxied);
        let first = export.start();
        wait_until("the first run publishes", || proxy.waiting() > 0);
        remote.as_gcs().advance(Duration::from_mins(11));
        account.run(&remote).expect(0);
        gate.open();
        first.wait(MINUTE).expect(code);
        let again = export.run();
        assert_eq!(again.code, Some(0), "{part}: {}", again.stderr);
    }
}
