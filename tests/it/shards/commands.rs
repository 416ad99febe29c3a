//! The other commands on a run in shards, before and after its commit.

use serde_json::Value;

use super::sharded::{RUN, Sharded, assert_sound, on, rows};
use crate::support::export::{Export, json, tree};

#[test]
fn an_unfinished_run_is_listed_and_is_no_damage() {
    let sharded = Sharded::new("");
    sharded.plain.clone().args("--run-id before").out("some/export").expect(0);
    for index in [0, 2] {
        sharded.shard("some", index, 4).expect(0);
    }
    let out = sharded.plain.path("some/export");
    assert_sound(&out, "two of four shards");
    let listed = on(&out, "runs").expect(0);
    assert!(listed.stdout.contains("2 of 4 shards"), "{}", listed.stdout);
    assert!(
        listed.last_line().contains("is not committed, 2 of 4 shards have finished"),
        "{}",
        listed.last_line()
    );
    let json: Value = serde_json::from_str(&on(&out, "runs --json").expect(0).stdout).expect("JSON");
    assert_eq!(json["uncommitted"][0]["finished"], 2);
    assert_eq!(json["uncommitted"][0]["shards"], 4);
    // Another run is published meanwhile.
    sharded.plain.clone().args("--run-id between").out("some/export").expect(0);
    for index in [1, 3] {
        sharded.shard("some", index, 4).expect(0);
    }
    sharded.commit("some", 4).expect(0);
    sharded.assert_equal("some", 4, "runs before and between");
    let manifest = crate::support::export::json(&out.join(format!("_runs/{RUN}/manifest.json")));
    assert_eq!(manifest["previous"]["run_id"], "between");
}

#[test]
fn the_first_run_of_an_export_is_listed_before_its_commit() {
    let sharded = Sharded::new("");
    sharded.shard("first", 1, 2).expect(0);
    let out = sharded.plain.path("first/export");
    let listed = on(&out, "runs").expect(0);
    assert!(listed.stdout.contains("1 of 2 shards"), "{}", listed.stdout);
}

#[test]
fn prune_removes_a_run_that_nobody_finishes() {
    let sharded = Sharded::new("");
    sharded.plain.clone().args("--run-id before").out("old/export").expect(0);
    sharded.shard("old", 0, 2).expect(0);
    let out = sharded.plain.path("old/export");
    let prune = on(&out, "prune --keep-last 1");
    prune.expect(0);
    assert!(out.join("_shards").exists(), "it is new");
    let later = prune.hours_later(24 * 8);
    let dry = later.clone().args("--dry-run --json").expect(0);
    let dry: Value = serde_json::from_str(&dry.stdout).expect("JSON");
    assert!(!dry["abandoned"].as_array().expect("a list").is_empty());
    assert!(out.join("_shards").exists());
    later.expect(0);
    assert!(!out.join("_shards").exists() && !out.join("_runs").join(RUN).exists(), "{:?}", tree(&out));
    assert_sound(&out, "after prune");
}

#[test]
fn prune_removes_a_committed_run_with_all_of_its_files() {
    let sharded = Sharded::new("--keep-raw");
    sharded.all_shards("pruned", 3);
    sharded.commit("pruned", 3).expect(0);
    sharded.plain.clone().args("--run-id after").out("pruned/export").expect(0);
    let out = sharded.plain.path("pruned/export");
    on(&out, "prune --keep-last 1").expect(0);
    assert!(tree(&out).iter().all(|path| !path.contains(RUN)), "{:?}", tree(&out));
    assert_sound(&out, "after prune");
}

#[test]
fn a_rebuild_joins_the_archives_of_the_shards() {
    let sharded = Sharded::new("--keep-raw");
    sharded.all_shards("raw", 3);
    sharded.commit("raw", 3).expect(0);
    let out = sharded.plain.path("raw/export");
    let manifest = json(&out.join(format!("_runs/{RUN}/manifest.json")));
    let expected = rows(&out, &manifest);
    let mut from = out;
    for name in ["rebuilt", "again"] {
        let to = sharded.plain.path(name);
        on(&from, "rebuild --keep-raw --progress never --from")
            .args("--out")
            .arg(&to.to_string_lossy())
            .expect(0);
        let manifest = json(&to.join(format!("_runs/{RUN}/manifest.json")));
        assert_eq!(rows(&to, &manifest), expected, "{name}");
        assert_eq!(manifest["shards"], 3);
        assert!(
            tree(&to).iter().any(|path| path.ends_with(&format!("{RUN}-00000.jsonl"))),
            "{:?}",
            tree(&to)
        );
        assert_sound(&to, name);
        from = to;
    }
}

#[test]
fn readers_and_an_incremental_run_after_the_commit() {
    let sharded = Sharded::new("");
    sharded.all_shards("read", 3);
    sharded.commit("read", 3).expect(0);
    let out = sharded.plain.path("read/export");
    let messages = on(&out, "cat").args("messages").expect(0).stdout.lines().count();
    let manifest = json(&out.join(format!("_runs/{RUN}/manifest.json")));
    assert_eq!(manifest["tables"]["messages"]["rows"], messages);
    on(&out, "report").args("-o report.html").expect(0);
    let merge = on(&out, "schema --merge duckdb --from").expect(0);
    assert!(merge.stdout.contains("chatzy_runs"), "{}", merge.stdout);
    let snapshot = sharded.plain.path("latest");
    on(&out, "snapshot --progress never --format jsonl")
        .args("--out")
        .arg(&snapshot.to_string_lossy())
        .expect(0);
    assert_sound(&snapshot, "a snapshot");
    let incremental = sharded.plain.clone().out("read/export").args("--incremental --run-id night");
    incremental.expect(0);
    assert_sound(&out, "after an incremental run");
}

#[test]
fn erase_waits_for_the_commit() {
    let sharded = Sharded::new("");
    sharded.plain.clone().args("--run-id before").out("erased/export").expect(0);
    sharded.shard("erased", 0, 2).expect(0);
    let out = sharded.plain.path("erased/export");
    let erase = on(&out, "erase --contact messages-3-b --reference T-1");
    let refused = erase.run();
    assert_eq!(refused.code, Some(9), "{}", refused.stderr);
    assert!(refused.last_line().contains("are not committed"), "{}", refused.last_line());
    sharded.shard("erased", 1, 2).expect(0);
    sharded.commit("erased", 2).expect(0);
    erase.expect(0);
    assert_sound(&out, "after the erasure");
    // The contact is left out by later shards, too.
    for index in 0..2 {
        let again =
            sharded.shard("erased", index, 2).without("--run-id").args("--run-id 20261121T020000Z-next");
        again.expect(0);
    }
    let next = Export::command("commit --run-id 20261121T020000Z-next --shards 2 --progress never");
    next.arg(&out.to_string_lossy()).out_at(&out).expect(0);
    let manifest = json(&out.join("_runs/20261121T020000Z-next/manifest.json"));
    assert_eq!(manifest["input"]["suppressed"], 1);
    assert_eq!(manifest["contacts"]["requested"], 15);
    assert_sound(&out, "a run after the erasure");
}
