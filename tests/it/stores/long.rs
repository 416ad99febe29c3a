//! Kills and races whose number `make stores` raises.

use std::time::Duration;

use super::account::{Account, assert_sound, fetched};
use crate::support::compare::{assert_same, substance};
use crate::support::export::Export;
use crate::support::faults::setting;
use crate::support::scene::random;
use crate::support::scripted::Gate;
use crate::support::service::wait_until;
use crate::support::stores::Remote;
use crate::support::stores::proxy::{Fault, Rule};

const MINUTE: Duration = Duration::from_mins(1);

/// Kills the run at its n-th request to the store, before the store sees it or after. The same command then ends
/// it. False if the run ended before that request.
fn survives(account: &Account, remote: &Remote, nth: usize, is_seen: bool, told: &str) -> bool {
    let (proxied, proxy) = remote.behind_proxy();
    let gate = Gate::closed();
    let fault = if is_seen { Fault::Hold(gate) } else { Fault::Stall(gate) };
    proxy.add(Rule::nth(nth, "", "", fault));
    let export = account.run(&proxied);
    let mut running = export.start();
    wait_until(told, || proxy.waiting() > 0 || running.is_over());
    if proxy.waiting() == 0 {
        running.wait(MINUTE).expect(0);
        return false;
    }
    running.signal("KILL");
    running.wait(MINUTE);
    proxy.clear();
    let outcome = fetched(&proxied, &export, export.expect(0));
    assert_same(&substance(&outcome), &account.reference, told);
    assert_sound(remote, told);
    true
}

#[test]
fn killed_at_random_requests_and_run_again_is_the_same() {
    let test = "killed_at_random_requests_and_run_again_is_the_same";
    let Some(remote) = Remote::seaweedfs(test) else { return };
    let (mut rng, seed) = random(test);
    let account = Account::new();
    for _ in 0..setting("STORE_KILLS", 6) {
        let (nth, is_seen) = (rng.usize(1..=75), rng.bool());
        let told = format!("{seed}: request {nth}, seen by the store: {is_seen}");
        survives(&account, &remote.another(), nth, is_seen, &told);
    }
}

#[test]
#[ignore = "takes minutes: make stores"]
fn killed_at_every_request_and_run_again_is_the_same() {
    let test = "killed_at_every_request_and_run_again_is_the_same";
    for remote in Remote::all_with_conditions(test) {
        let account = Account::new();
        for is_seen in [false, true] {
            for nth in 1.. {
                let told = format!("{:?}: request {nth}, seen by the store: {is_seen}", remote.kind);
                if !survives(&account, &remote.another(), nth, is_seen, &told) {
                    assert!(nth > 30, "{told}: the run has more requests");
                    break;
                }
            }
        }
    }
}

/// Of two runs that start together, one at least is published, and the other leaves or follows.
#[test]
fn two_runs_at_once_leave_a_sound_export() {
    let test = "two_runs_at_once_leave_a_sound_export";
    let Some(remote) = Remote::seaweedfs(test) else { return };
    let account = Account::new();
    for turn in 0..setting("STORE_RACES", 6) {
        let remote = remote.another();
        let exports = [account.run(&remote), account.run(&remote)];
        let running: Vec<_> = exports.iter().map(Export::start).collect();
        let codes: Vec<_> = running.into_iter().map(|running| running.wait(MINUTE).code).collect();
        assert!(codes.contains(&Some(0)), "turn {turn}: {codes:?}");
        assert!(codes.iter().all(|code| [Some(0), Some(7)].contains(code)), "turn {turn}: {codes:?}");
        let published = remote.objects().keys().filter(|path| path.ends_with("/manifest.json")).count();
        let ended = codes.iter().filter(|code| **code == Some(0)).count();
        assert_eq!(published, ended, "turn {turn}");
        assert_sound(&remote, &format!("turn {turn}"));
    }
}
