//! Shards and `commit` give the rows of one run: in any order, killed anywhere, and twice at once.
//!
//! The long form of the property is `SHARD_CASES=200`.

use std::collections::BTreeMap;

use super::sharded::{RUN, Sharded, TIME};
use crate::crash::random_kill;
use crate::support::export::{Export, json, read};
use crate::support::faults::setting;
use crate::support::scene::random;
use crate::support::tables::Rows;

/// Upper limit of the call at which a process is killed. A shard makes about as many.
const CALLS: usize = 150;

#[test]
fn shards_in_reverse_order_give_the_rows_of_one_run() {
    let sharded = Sharded::new("--partition-by month --keep-raw");
    for index in (0..5).rev() {
        sharded.shard("five", index, 5).expect(0);
    }
    let outcome = sharded.commit("five", 5).expect(0);
    insta::assert_snapshot!(outcome.last_line(), @"run 20261120T020000Z-nightly is complete: 179 messages of 13 contacts, 3 not found (unknown-o, unknown-h, unknown-d)");
    sharded.assert_equal("five", 5, "five shards");
    let requests = outcome.manifest()["requests"].clone();
    let buckets = requests["timeline"]["buckets"].as_array().expect("buckets").clone();
    let counted: u64 = buckets.iter().filter_map(|bucket| bucket["requests"].as_u64()).sum();
    // The sign-ins are not among the requests of the timeline.
    assert!(counted > 0 && Some(counted) <= requests["sent"].as_u64(), "{requests}");
}

#[test]
fn more_shards_than_contacts_give_the_rows_of_one_run() {
    let sharded = Sharded::new("");
    sharded.all_shards("many", 40);
    sharded.commit("many", 40).expect(0);
    sharded.assert_equal("many", 40, "forty shards");
}

#[test]
fn one_shard_is_a_plain_run_byte_for_byte() {
    let sharded = Sharded::new("--partition-by year --target-file-size 4KB");
    let plain = sharded.plain.clone().out("same/export").args("--run-id").arg(RUN).expect(0);
    sharded.shard("one", 0, 1).expect(0);
    sharded.commit("one", 1).expect(0);
    let out = sharded.plain.path("one/export");
    let manifest = json(&out.join(format!("_runs/{RUN}/manifest.json")));
    let names = |manifest: &serde_json::Value| -> Vec<String> {
        let files = manifest["files"].as_array().expect("files").iter();
        files.map(|file| file["path"].as_str().expect("a path").to_owned()).collect()
    };
    let started = plain.manifest()["started_at"].as_str().expect("a time").to_owned();
    let (expected, found) = (names(&plain.manifest()), names(&manifest));
    assert_eq!(expected.len(), found.len());
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(&found.replace(&format!("{RUN}-00000-"), &format!("{RUN}-")), expected);
        if !expected.starts_with("coverage/") {
            assert_eq!(
                read(&out.join(found)),
                read(&plain.out.join(expected)).replace(&started, TIME),
                "{found}"
            );
        }
    }
    // Requests and their times differ.
    let coverage = |out: &std::path::Path, manifest: &serde_json::Value| {
        Rows::of_jsonl(out, manifest, "coverage").without_run()
    };
    assert_eq!(coverage(&out, &manifest), coverage(&plain.out, &plain.manifest()));
    for list in ["failed.csv", "not_found.csv"] {
        let text = |out: &std::path::Path| {
            let path = out.join(format!("_runs/{RUN}/{list}"));
            path.exists().then(|| read(&path))
        };
        assert_eq!(text(&out), text(&plain.out), "{list}");
    }
}

/// A shard that may be killed, with a work folder of its own.
fn attempt(sharded: &Sharded, folder: &str, (index, of): (u32, u32), twin: bool) -> Export {
    let shard = sharded.shard(folder, index, of);
    if twin {
        let work = sharded.plain.path(&format!("{folder}/twin-{index}"));
        shard.args("--work-dir").arg(&work.to_string_lossy())
    } else {
        shard
    }
}

#[test]
fn any_number_of_shards_killed_anywhere_and_twice_at_once_is_one_run() {
    let (mut rng, seed) = random("shards killed anywhere");
    let options = ["", "--partition-by month", "--target-file-size 4KB --keep-raw"];
    let scenes = options.map(Sharded::new);
    for case in 0..setting("SHARD_CASES", 4) {
        let sharded = &scenes[case % scenes.len()];
        let (folder, of) = (format!("case-{case}"), rng.u32(1..=6));
        let told = format!("{seed}, case {case}, {of} shards");
        let mut order: Vec<u32> = (0..of).collect();
        rng.shuffle(&mut order);
        for index in order {
            let shard = (index, of);
            for _ in 0..rng.usize(0..=2) {
                let killed = attempt(sharded, &folder, shard, rng.bool());
                killed.with_fault(random_kill(&mut rng, CALLS)).run();
            }
            if rng.bool() {
                let twins = [false, true].map(|twin| attempt(sharded, &folder, shard, twin).start());
                for twin in twins {
                    twin.wait(std::time::Duration::from_mins(1)).expect(0);
                }
            } else {
                attempt(sharded, &folder, shard, rng.bool()).expect(0);
            }
        }
        for _ in 0..rng.usize(0..=2) {
            sharded.commit(&folder, of).with_fault(random_kill(&mut rng, CALLS)).run();
        }
        sharded.commit(&folder, of).expect(0);
        sharded.assert_equal(&folder, of, &told);
    }
}

#[test]
fn the_sums_of_failed_contacts_and_their_lists_are_those_of_one_run() {
    use crate::support::scripted::{Answer, Scripted};
    let service = Scripted::api(|asked| match asked.contact() {
        contact if contact.starts_with("bad") => Answer::message(500, "broken"),
        contact if contact.starts_with("lost") => Answer::message(404, "Contact not found"),
        _ => Answer::page(asked, 7),
    });
    let contacts: Vec<String> = (0..30)
        .map(|number| match number % 5 {
            0 => format!("bad-{number}"),
            1 => format!("lost-{number}"),
            _ => format!("good-{number}"),
        })
        .collect();
    let export = Export::run_of(service.url(), &contacts).args("--format jsonl --retries 0");
    let plain = export.clone().out("plain/export").expect(3);
    let shard =
        |index: u32| export.clone().args("--run-id").arg(RUN).arg("--shard").arg(&format!("{index}/3"));
    let codes: Vec<_> = (0..3).map(|index| shard(index).run().code).collect();
    assert!(codes.iter().all(|code| [Some(0), Some(3)].contains(code)), "{codes:?}");
    assert!(codes.contains(&Some(3)));
    let committed = super::sharded::commit(export.out_path(), 3).expect(3);
    let out = export.out_path();
    let manifest = json(&out.join(format!("_runs/{RUN}/manifest.json")));
    assert_eq!(manifest["contacts"], plain.manifest()["contacts"]);
    assert_eq!(manifest["status"], "partial");
    assert_eq!(committed.contacts("failed"), 6);
    let run_id = plain.manifest()["run_id"].as_str().expect("an ID").to_owned();
    let lines = |path: std::path::PathBuf| -> BTreeMap<String, usize> {
        let mut lines = BTreeMap::new();
        read(&path).lines().for_each(|line| *lines.entry(line.to_owned()).or_default() += 1);
        lines
    };
    for list in ["failed.csv", "not_found.csv"] {
        let joined = out.join(format!("_runs/{RUN}/{list}"));
        assert_eq!(lines(joined), lines(plain.out.join(format!("_runs/{run_id}/{list}"))), "{list}");
    }
    super::sharded::assert_sound(out, "failed contacts");
}

#[test]
fn a_relative_time_counts_from_the_id_of_the_run() {
    let sharded = Sharded::new("");
    let shard = |index| sharded.shard("window", index, 2).args("--since 900d");
    shard(0).expect(0);
    shard(1).hours_later(50).expect(0);
    let outcome = sharded.commit("window", 2).expect(0);
    let options = outcome.manifest()["options"].clone();
    // 900 days before the time in the ID.
    assert_eq!(options["since"], "2024-06-03T02:00:00.000000Z");
    assert_eq!(options["relative_since"], "900d");
}
