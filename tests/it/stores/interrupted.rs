//! Runs into a store that are killed at any request and resumed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::account::{Account, Step, assert_sound, fetched, on};
use crate::support::compare::{assert_same, substance};
use crate::support::export::{json, read, tree};
use crate::support::scripted::Gate;
use crate::support::service::{RUNTIME, wait_until};
use crate::support::stores::proxy::{Fault, Rule};
use crate::support::stores::{Kind, Remote};

/// A request at which a run is killed.
#[derive(Clone, Copy, Debug)]
struct Moment {
    method: &'static str,
    /// Part of the URL.
    part: &'static str,
    /// The n-th such request.
    nth: usize,
    phase: Phase,
}

/// The phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// It takes the lock and reads contacts.
    Read,
    /// It transfers files.
    Upload,
    /// It makes the files visible.
    Publish,
}

fn moments(kind: Kind) -> Vec<Moment> {
    let early = |part, nth| Moment { method: "PUT", part, nth, phase: Phase::Read };
    let late = |part| Moment { method: "PUT", part, nth: 1, phase: Phase::Publish };
    let step = |step: Step, nth| {
        let (method, part) = step.request(kind);
        let phase = if matches!(step, Step::Complete) { Phase::Publish } else { Phase::Upload };
        Moment { method, part, nth, phase }
    };
    vec![
        early(".probe-", 1),
        early("lock.json", 1),
        early("lock.json", 2),
        step(Step::Begin, 1),
        step(Step::Part, 1),
        step(Step::Part, 4),
        step(Step::Complete, 1),
        step(Step::Complete, 3),
        late("checksums.sha256"),
        late("manifest.json"),
        late("latest.json"),
    ]
}

/// Kills the run at a request, before the store sees it or after. The same command then ends the run.
fn survives(account: &Account, remote: &Remote, moment: Moment, is_seen: bool) {
    let told = format!("{:?}, {moment:?}, seen by the store: {is_seen}", remote.kind);
    let (proxied, proxy) = remote.behind_proxy();
    let gate = Gate::closed();
    let fault = if is_seen { Fault::Hold(gate) } else { Fault::Stall(gate) };
    proxy.add(Rule::nth(moment.nth, moment.method, moment.part, fault));
    let export = account.run(&proxied);
    let running = export.start();
    wait_until(&told, || proxy.waiting() > 0);
    running.signal("KILL");
    assert_eq!(running.wait(Duration::from_mins(1)).code, None, "{told}");
    readers_see_whole_runs(remote, &told);

    let run = export.path("work/run.json");
    let killed = run.exists().then(|| json(&run)["run_id"].clone());
    let before = account.service.stats().requests;
    let outcome = fetched(&proxied, &export, export.expect(0));
    assert_same(&substance(&outcome), &account.reference, &told);
    if killed.as_ref() == Some(&outcome.manifest()["run_id"]) && moment.phase > Phase::Read {
        let requests = account.service.stats().requests - before;
        assert!(requests <= 1, "{told}: {requests} requests");
    }
    assert_eq!(tree(&export.path("work")), [""; 0], "{told}");
    assert_sound(remote, &told);
    // A run that is killed before it knows the ID of an upload cannot remove it.
    if remote.kind == Kind::Gcs && moment.phase != Phase::Upload {
        assert_eq!(remote.as_gcs().unfinished_uploads(), 0, "{told}");
    }
}

/// The files that a manifest names are there.
fn readers_see_whole_runs(remote: &Remote, told: &str) {
    let objects = remote.objects();
    for (name, content) in objects.iter().filter(|(name, _)| name.ends_with("/manifest.json")) {
        let manifest: Value = serde_json::from_slice(content).expect("JSON");
        for file in manifest["files"].as_array().expect("files") {
            let path = file["path"].as_str().expect("a path");
            let length = objects.get(path).map(|content| content.len() as u64);
            assert_eq!(length, file["bytes"].as_u64(), "{told}: {path} of {name}");
        }
    }
}

#[test]
fn killed_at_any_request_and_run_again_is_the_same() {
    let account = Account::new();
    for moment in moments(Kind::Gcs) {
        for is_seen in [false, true] {
            survives(&account, &Remote::gcs(), moment, is_seen);
        }
    }
}

#[test]
fn uploads_that_the_store_has_removed_are_sent_again() {
    let account = Account::new();
    let s3 = Remote::seaweedfs("uploads_that_the_store_has_removed_are_sent_again");
    for remote in s3.into_iter().chain([Remote::gcs()]) {
        let (proxied, proxy) = remote.behind_proxy();
        let (method, part) = Step::Complete.request(remote.kind);
        proxy.add(Rule::nth(2, method, part, Fault::Stall(Gate::closed())));
        let export = account.run(&proxied);
        let running = export.start();
        wait_until("the run publishes", || proxy.waiting() > 0);
        running.signal("KILL");
        running.wait(Duration::from_mins(1));
        let client = remote.client(0);
        let log = read(&export.path("work/uploads.jsonl"));
        for entry in log.lines().filter(|line| !line.is_empty()) {
            let entry: Value = serde_json::from_str(entry).expect("JSON");
            let (path, id) = (entry["path"].as_str().unwrap(), entry["id"].as_str().unwrap().to_owned());
            // It is gone if the run has completed it.
            drop(RUNTIME.block_on(client.abort_multipart(&remote.path(path), &id)));
        }
        let outcome = fetched(&remote, &export, export.expect(0));
        assert_same(&substance(&outcome), &account.reference, &format!("{:?}", remote.kind));
        assert_sound(&remote, &format!("{:?}", remote.kind));
    }
}

#[test]
fn killed_while_it_publishes_to_other_stores_and_run_again_is_the_same() {
    let test = "killed_while_it_publishes_to_other_stores_and_run_again_is_the_same";
    let account = Account::new();
    for kind in [Kind::SeaweedFs, Kind::Azurite] {
        // In the middle of the uploads and of their completion, and at the commit.
        let moments = moments(kind).into_iter();
        for moment in moments.filter(|moment| moment.nth > 2 || moment.part == "manifest.json") {
            let Some(remote) = Remote::of(kind, test) else { break };
            survives(&account, &remote, moment, true);
        }
    }
}

#[test]
fn an_interrupted_run_ends_although_the_store_hangs() {
    let account = Account::new();
    for step in [Step::Part, Step::Complete] {
        let remote = Remote::gcs();
        let (proxied, proxy) = remote.behind_proxy();
        let (method, part) = step.request(remote.kind);
        proxy.add(Rule::every(1, method, part, Fault::Stall(Gate::closed())));
        let export = account.run(&proxied);
        let running = export.start();
        wait_until("the run publishes", || proxy.waiting() > 0);
        running.signal("TERM");
        running.wait(Duration::from_mins(1)).expect(143);
        proxy.clear();
        let outcome = fetched(&remote, &export, export.expect(0));
        assert_same(&substance(&outcome), &account.reference, &format!("{step:?}"));
        assert_sound(&remote, &format!("{step:?}"));
    }
}
#[test]
fn a_prune_that_is_killed_at_any_removal_is_finished_by_the_next_one() {
    let account = Account::new();
    for nth in 2.. {
        let remote = Remote::gcs();
        let (proxied, proxy) = remote.behind_proxy();
        for _ in 0..2 {
            account.run(&remote).expect(0);
        }
        proxy.add(Rule::nth(nth, "DELETE", "", Fault::Stall(Gate::closed())));
        let mut prune = on(&proxied, "prune --keep-last 1").start();
        wait_until("the prune comes to the removal or ends", || proxy.waiting() > 0 || prune.is_over());
        let is_over = prune.is_over();
        if !is_over {
            prune.signal("KILL");
        }
        assert_eq!(prune.wait(Duration::from_mins(1)).code, is_over.then_some(0));
        assert_sound(&remote, &format!("killed at removal {nth}"));
        // A prune has no work folder, so its lock expires.
        remote.as_gcs().advance(Duration::from_mins(11));
        on(&remote, "prune --keep-last 1").expect(0);
        assert_sound(&remote, &format!("finished after removal {nth}"));
        let names = remote.objects().into_keys();
        let runs: BTreeSet<String> = names.filter_map(|name| Some(run_of(&name)?.to_owned())).collect();
        assert_eq!(runs.len(), 1, "killed at removal {nth}: {runs:?}");
        if is_over {
            break;
        }
    }
}

/// The run to which an object belongs: it has the form `20261129T173001Z-iwbmue`.
fn run_of(name: &str) -> Option<&str> {
    let rest = name.split_once("part-").map_or(name.strip_prefix("_runs/"), |(_, rest)| Some(rest))?;
    rest.get(..23).filter(|run| run.starts_with("20"))
}
