//! `commit`: killed, repeated, and with shards that do not fit.

use serde_json::Value;

use super::sharded::{RUN, Sharded, assert_sound};
use crate::crash::kill;
use crate::support::export::{json, read, tree, write};
use crate::support::faults::{CHANGING, Fate, count, setting};

#[test]
fn killed_at_calls_and_run_again_is_the_same() {
    let sharded = Sharded::new("");
    // A reader after a death finds the export before or after.
    sharded.plain.clone().args("--run-id before").out("template/export").expect(0);
    sharded.all_shards("template", 3);
    sharded.copy("template", "whole");
    let whole = sharded.commit("whole", 3).logging_calls();
    whole.expect(0);
    let calls = count(&whole.calls(), CHANGING);
    assert!(calls > 20, "{calls} calls");
    let every = setting("COMMIT_STEP", 9);
    for at in (1..=calls).step_by(every) {
        for fate in [Fate::KillBefore, Fate::KillAfter] {
            let (folder, told) = (format!("at-{at}-{fate:?}"), format!("call {at} of {calls}, {fate:?}"));
            sharded.copy("template", &folder);
            let outcome = sharded.commit(&folder, 3).with_fault(kill(at, fate)).run();
            assert_eq!(outcome.code, None, "{told}");
            let out = sharded.plain.path(&format!("{folder}/export"));
            assert_sound(&out, &told);
            let listed = super::sharded::on(&out, "runs --json").expect(0);
            let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
            let published = listed["runs"].as_array().expect("runs").len();
            let uncommitted = listed["uncommitted"].as_array().expect("runs").len();
            assert_eq!(published + uncommitted, 2, "{told}: {listed}");
            sharded.commit(&folder, 3).expect(0);
            sharded.assert_equal(&folder, 3, &told);
        }
    }
}

#[test]
fn a_second_commit_changes_nothing() {
    let sharded = Sharded::new("");
    sharded.all_shards("twice", 2);
    sharded.commit("twice", 2).expect(0);
    let out = sharded.plain.path("twice/export");
    let before = (tree(&out), read(&out.join(format!("_runs/{RUN}/manifest.json"))));
    let again = sharded.commit("twice", 2).expect(0);
    assert!(again.stderr.contains("was published before"), "{}", again.stderr);
    assert_eq!((tree(&out), read(&out.join(format!("_runs/{RUN}/manifest.json")))), before);
    let other = sharded.commit("twice", 3).expect(9);
    insta::assert_snapshot!(other.last_line(), @"error: run 20261120T020000Z-nightly has 2 shards, but this command says 3: use the same number, or another --run-id");
}

#[test]
fn missing_shards_are_named() {
    let sharded = Sharded::new("");
    for index in [1, 6] {
        sharded.shard("some", index, 8).expect(0);
    }
    let out = sharded.plain.path("some/export");
    let before = tree(&out);
    let outcome = sharded.commit("some", 8).expect(5);
    let lacks = "error: run 20261120T020000Z-nightly lacks 6 of its 8 shards: 0, 2-5, 7; to try again, run: ";
    assert!(outcome.last_line().starts_with(lacks), "{}", outcome.last_line());
    assert_eq!(tree(&out), before, "nothing is changed");
}

#[test]
fn shards_of_other_options_files_or_counts_are_refused() {
    let sharded = Sharded::new("");
    sharded.shard("mixed", 0, 2).expect(0);
    // A shard refuses to begin beside another that it does not fit.
    let before = sharded.service.stats().requests;
    let other = sharded.shard("mixed", 1, 2).args("--flat").expect(9);
    insta::assert_snapshot!(other.last_line(), @"error: this command does not fit shard 0/2 of run 20261120T020000Z-nightly: --flat was false and is now true; export all shards with the same options and version, or use another --run-id");
    let count = sharded.shard("mixed", 1, 3).expect(9);
    insta::assert_snapshot!(count.last_line(), @"error: run 20261120T020000Z-nightly has 2 shards, but this command says 3: use the same number, or another --run-id");
    let list = sharded.shard("mixed", 1, 2).without("--contacts").args("--contacts other.csv");
    let list = list.also("other.csv", "contact_id\nmessages-1-z\n").expect(9);
    assert!(list.last_line().contains("the contacts file (SHA-256)"), "{}", list.last_line());
    assert_eq!(sharded.service.stats().requests, before);
    // Two that began at the same time do not see each other.
    sharded.shard("apart", 1, 2).args("--flat").expect(0);
    sharded.copy("apart", "apart-copy");
    let name = "00001-of-00002.json";
    let from = sharded.plain.path(&format!("apart/export/_runs/{RUN}/shards/{name}"));
    let to = sharded.plain.path(&format!("mixed/export/_runs/{RUN}/shards/{name}"));
    write(&to, read(&from));
    let differ = sharded.commit("mixed", 2).expect(9);
    insta::assert_snapshot!(differ.last_line(), @"error: shard 1/2 does not fit shard 0/2 of run 20261120T020000Z-nightly: --flat was false and is now true; export all shards with the same options and version, or use another --run-id");
}

#[test]
fn shards_of_another_version_are_refused() {
    let sharded = Sharded::new("");
    sharded.all_shards("versions", 2);
    let path = sharded.plain.path(&format!("versions/export/_runs/{RUN}/shards/00001-of-00002.json"));
    let mut finished: Value = json(&path);
    finished["draft"]["manifest"]["tool"]["version"] = "0.0.1".into();
    write(&path, finished.to_string());
    let outcome = sharded.commit("versions", 2).expect(9);
    insta::assert_snapshot!(outcome.last_line(), @"error: shard 1/2 does not fit shard 0/2 of run 20261120T020000Z-nightly: the version of chatzy-export was 0.1.0 and is now 0.0.1; export all shards with the same options and version, or use another --run-id");
}

#[test]
fn a_damaged_shard_is_named_and_nothing_is_published() {
    let sharded = Sharded::new("");
    sharded.all_shards("damaged", 2);
    let export = sharded.plain.path("damaged/export");
    let path = export.join(format!("_runs/{RUN}/shards/00000-of-00002.json"));
    let whole = read(&path);
    for harm in ["{", "", whole.split_at(whole.len() / 2).0] {
        write(&path, harm);
        let outcome = sharded.commit("damaged", 2).expect(8);
        assert!(outcome.last_line().contains("00000-of-00002.json is damaged"), "{}", outcome.last_line());
    }
    // Its paths lead nowhere else.
    for (from, to) in
        [("\"attempt\": \"00000-", "\"attempt\": \"../../"), ("contacts/part-", "../contacts/part-")]
    {
        assert!(whole.contains(from), "{from}");
        write(&path, whole.replace(from, to));
        sharded.commit("damaged", 2).expect(8);
    }
    write(&path, &whole);
    let attempt = json(&path)["attempt"].as_str().expect("a name").to_owned();
    let file = json(&path)["draft"]["manifest"]["files"][0]["path"].as_str().expect("a path").to_owned();
    let file = export.join(format!("_shards/{RUN}/{attempt}/{file}"));
    let content = std::fs::read(&file).expect("a file");
    write(&file, "x");
    let outcome = sharded.commit("damaged", 2).expect(8);
    assert!(outcome.last_line().contains("is missing or truncated"), "{}", outcome.last_line());
    assert!(!export.join(format!("_runs/{RUN}/manifest.json")).exists());
    write(&file, content);
    sharded.commit("damaged", 2).expect(0);
    sharded.assert_equal("damaged", 2, "a damaged shard");
}
