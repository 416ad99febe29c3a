//! Several attempts of one shard: the first to finish counts.

use std::path::Path;
use std::time::Duration;

use super::sharded::{RUN, Sharded};
use crate::crash::kill;
use crate::support::export::{read, tree};
use crate::support::faults::{CHANGING, Fate, count};

/// Folders of attempts.
fn attempts(out: &Path) -> usize {
    let folder = out.join("_shards").join(RUN);
    let entries = std::fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>());
    let is_attempt = |name: &str| !name.contains("-of-") && name != "commit";
    entries
        .unwrap_or_default()
        .iter()
        .filter(|entry| is_attempt(&entry.file_name().to_string_lossy()))
        .count()
}

#[test]
fn the_first_attempt_counts_and_the_other_cleans_up() {
    let sharded = Sharded::new("");
    let out = sharded.plain.path("two/export");
    let before = sharded.service.stats().requests;
    // One request a second: the attempt stops in its middle.
    let slow = sharded
        .shard("two", 0, 2)
        .args("--rate-limit 1 --work-dir")
        .arg(&sharded.plain.path("slow").to_string_lossy());
    let slow = slow.start();
    sharded.service.wait_for_requests(before + 2);
    slow.signal("STOP");
    sharded.shard("two", 0, 2).expect(0);
    let manifest = read(&out.join(format!("_runs/{RUN}/shards/00000-of-00002.json")));
    slow.signal("TERM");
    slow.signal("CONT");
    slow.wait(Duration::from_mins(1)).expect(143);
    // It goes on where it was, and finds that it is not needed.
    let again =
        sharded.shard("two", 0, 2).args("--work-dir").arg(&sharded.plain.path("slow").to_string_lossy());
    let again = again.expect(0);
    assert!(again.stderr.contains("shard 0/2 has finished before"), "{}", again.stderr);
    assert_eq!(attempts(&out), 1);
    assert_eq!(tree(&sharded.plain.path("slow")), [""; 0], "its work folder is empty");
    assert_eq!(read(&out.join(format!("_runs/{RUN}/shards/00000-of-00002.json"))), manifest);
    sharded.shard("two", 1, 2).expect(0);
    sharded.commit("two", 2).expect(0);
    sharded.assert_equal("two", 2, "two attempts");
}

#[test]
fn an_attempt_that_loses_at_its_last_step_removes_its_files() {
    let sharded = Sharded::new("");
    let out = sharded.plain.path("race/export");
    // The process hangs before it names its manifest, and ends after the other attempt.
    let work = sharded.plain.path("race/work");
    let twin = sharded.shard("race", 0, 1).args("--work-dir").arg(&work.to_string_lossy());
    let logging = twin.logging_calls();
    let hanging = logging.with_fault(crate::support::faults::Fault {
        calls: CHANGING,
        path: "shard.json",
        at: 1,
        fate: Fate::KillBefore,
    });
    assert_eq!(hanging.run().code, None);
    assert_eq!(attempts(&out), 1, "its files are there, its manifest is not");
    sharded.shard("race", 0, 1).expect(0);
    assert_eq!(attempts(&out), 2);
    twin.expect(0);
    assert_eq!(attempts(&out), 1);
    sharded.commit("race", 1).expect(0);
    sharded.assert_equal("race", 1, "a lost race");
}

#[test]
fn a_shard_killed_at_every_call_of_its_end_is_whole() {
    let sharded = Sharded::new("");
    let whole = sharded.shard("whole", 0, 1).logging_calls();
    whole.expect(0);
    let calls = count(&whole.calls(), CHANGING);
    // The last calls move the files and name the manifest.
    for at in (calls.saturating_sub(45)..=calls).step_by(3) {
        let folder = format!("end-{at}");
        let shard = sharded.shard(&folder, 0, 1);
        shard.with_fault(kill(at, Fate::KillBefore)).run();
        shard.expect(0);
        sharded.commit(&folder, 1).expect(0);
        sharded.assert_equal(&folder, 1, &format!("call {at}"));
    }
}

#[test]
fn a_shard_after_the_commit_finds_the_run_published() {
    let sharded = Sharded::new("");
    sharded.all_shards("late", 2);
    sharded.commit("late", 2).expect(0);
    let before = sharded.service.stats().requests;
    let late = sharded.shard("late", 1, 2).expect(0);
    insta::assert_snapshot!(late.last_line(), @"shard 1/2: run 20261120T020000Z-nightly is published already");
    assert_eq!(sharded.service.stats().requests, before);
    sharded.assert_equal("late", 2, "a late attempt");
}

#[test]
fn a_shard_resumes_in_its_work_folder() {
    let sharded = Sharded::new("");
    let shard = sharded.shard("resumed", 0, 1);
    let before = sharded.service.stats().requests;
    let running = shard.clone().args("--rate-limit 20").start();
    sharded.service.wait_for_requests(before + 15);
    running.signal("KILL");
    running.wait(Duration::from_mins(1));
    let again = shard.expect(0);
    assert!(again.stderr.contains("already read"), "{}", again.stderr);
    sharded.commit("resumed", 1).expect(0);
    sharded.assert_equal("resumed", 1, "a resumed shard");
}
