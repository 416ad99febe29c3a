//! Shards of a run into a store, and their commit.

use std::collections::BTreeMap;
use std::time::Duration;

use object_store::ObjectStoreExt as _;
use serde_json::Value;

use super::account::{Account, Step, assert_sound, fetched, on};
use crate::support::compare::{Substance, substance};
use crate::support::export::{Export, Outcome};
use crate::support::scripted::Gate;
use crate::support::service::{RUNTIME, wait_until};
use crate::support::stores::Remote;
use crate::support::stores::proxy::{Fault, Rule};

const RUN: &str = "20261120T020000Z-nightly";
const MINUTE: Duration = Duration::from_mins(1);

/// The command of a shard, with a work folder of this name.
fn shard(account: &Account, remote: &Remote, shard: &str, work: &str) -> Export {
    let export = account.run(remote).without("--work-dir").args("--work-dir").arg(work);
    export.args("--run-id").arg(RUN).args("--shard").arg(shard)
}

fn commit(remote: &Remote, of: u32, export: &Export) -> Export {
    let work = export.path("commit");
    let commit = on(remote, "commit --progress never").args("--run-id").arg(RUN);
    commit.args("--shards").arg(&of.to_string()).args("--work-dir").arg(&work.to_string_lossy())
}

/// The rows of each table, sorted.
fn sorted(substance: &Substance) -> BTreeMap<String, Vec<String>> {
    let lines = |rows: &crate::support::tables::Rows| {
        let mut lines: Vec<String> = rows.0.iter().map(Value::to_string).collect();
        lines.sort();
        lines
    };
    substance.tables.iter().map(|(table, rows)| (table.clone(), lines(rows))).collect()
}

fn assert_equal(account: &Account, remote: &Remote, export: &Export, committed: Outcome, told: &str) {
    let outcome = fetched(remote, export, committed);
    assert_eq!(sorted(&substance(&outcome)), sorted(&account.reference), "{told}");
    let left: Vec<String> = remote.objects().into_keys().filter(|name| name.contains("shards")).collect();
    assert_eq!(left, [""; 0], "{told}");
    assert_sound(remote, told);
}

#[test]
fn shards_into_a_store_are_one_run() {
    let account = Account::new();
    for remote in Remote::all_with_conditions("shards_into_a_store_are_one_run") {
        let told = format!("{:?}", remote.kind);
        let mut last = None;
        for index in [2, 0, 1] {
            let export = shard(&account, &remote, &format!("{index}/3"), &format!("work-{index}"));
            export.expect(0);
            let visible: Vec<String> = remote.objects().into_keys().collect();
            assert!(visible.iter().all(|name| name.starts_with('_')), "{told}: {visible:?}");
            last = Some(export);
        }
        let export = last.expect("a shard");
        let committed = commit(&remote, 3, &export).expect(0);
        assert_equal(&account, &remote, &export, committed, &told);
        let again = commit(&remote, 3, &export).expect(0);
        assert!(again.stderr.contains("was published before"), "{told}: {}", again.stderr);
    }
}

#[test]
fn an_attempt_that_loses_removes_its_uploads() {
    let account = Account::new();
    for remote in Remote::one_of_each("an_attempt_that_loses_removes_its_uploads") {
        let told = format!("{:?}", remote.kind);
        let (proxied, proxy) = remote.behind_proxy();
        let gate = Gate::closed();
        proxy.add(Rule::first("PUT", "00000-of-00001.json", Fault::Stall(gate.clone())));
        let slow = shard(&account, &proxied, "0/1", "slow");
        let running = slow.start();
        wait_until(&told, || proxy.waiting() > 0);
        let export = shard(&account, &remote, "0/1", "fast");
        export.expect(0);
        gate.open();
        let lost = running.wait(MINUTE).expect(0);
        assert!(lost.stderr.contains("another attempt of shard 0/1 was first"), "{told}: {}", lost.stderr);
        let committed = commit(&remote, 1, &export).expect(0);
        assert_equal(&account, &remote, &export, committed, &told);
    }
}

#[test]
fn a_commit_killed_at_requests_and_run_again_is_one_run() {
    let account = Account::new();
    for remote in Remote::one_of_each("a_commit_killed_at_requests_and_run_again_is_one_run") {
        let (method, part) = Step::Complete.request(remote.kind);
        let moments = [
            (method, part, 1),
            (method, part, 3),
            ("PUT", "checksums.sha256", 1),
            ("PUT", "manifest.json", 1),
            ("PUT", "latest.json", 1),
        ];
        for (method, part, nth) in moments {
            let remote = remote.another();
            let told = format!("{:?}, {method} {part} {nth}", remote.kind);
            let export = shard(&account, &remote, "0/2", "work-0");
            export.expect(0);
            shard(&account, &remote, "1/2", "work-1").expect(0);
            let (proxied, proxy) = remote.behind_proxy();
            let gate = Gate::closed();
            proxy.add(Rule::nth(nth, method, part, Fault::Stall(gate.clone())));
            let running = commit(&proxied, 2, &export).start();
            wait_until(&told, || proxy.waiting() > 0);
            running.signal("KILL");
            running.wait(MINUTE);
            gate.open();
            let committed = commit(&remote, 2, &export).expect(0);
            assert_equal(&account, &remote, &export, committed, &told);
        }
    }
}

#[test]
fn a_shard_whose_upload_the_store_has_removed_is_named() {
    let account = Account::new();

    for remote in Remote::one_of_each("a_shard_whose_upload_the_store_has_removed_is_named") {
        let told = format!("{:?}", remote.kind);
        let export = shard(&account, &remote, "0/1", "work");
        export.expect(0);
        let name = format!("_runs/{RUN}/shards/00000-of-00001.json");
        let text = String::from_utf8(remote.objects()[&name].to_vec()).expect("UTF-8");
        let mut finished: Value = serde_json::from_str(&text).expect("JSON");
        assert_ne!(finished["uploads"], "", "{told}");
        // Without a log, no upload is known, as after the store has aborted it.
        finished["uploads"] = "".into();
        let (client, path) = (remote.client(1), remote.path(&name));
        RUNTIME.block_on(client.put(&path, finished.to_string().into())).expect("written");
        let outcome = commit(&remote, 1, &export).expect(8);
        let sentence = outcome.whole_last_line();
        assert!(sentence.contains("the store has removed its upload of part-"), "{told}: {sentence}");
        // Its manifest is removed, and the shard exported again.
        RUNTIME.block_on(client.delete(&path)).expect("removed");
        shard(&account, &remote, "0/1", "again").expect(0);
        let committed = commit(&remote, 1, &export).expect(0);
        assert_equal(&account, &remote, &export, committed, &told);
    }
}
