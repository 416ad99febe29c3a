//! Options that do not go together with `--shard`, and its errors.

use super::sharded::{RUN, Sharded};
use crate::support::export::Export;

fn refused(arguments: &str) -> String {
    let export = Export::command("run --base-url http://127.0.0.1:9 --progress never").args(arguments);
    let export = export.also("ids.csv", "contact_id\na\n").env("CHATZY_TOKEN", "token-1");
    let outcome = export.expect(2);
    assert!(!export.out_path().exists());
    outcome.stderr.lines().find(|line| line.contains("error")).unwrap_or_default().to_owned()
}

#[test]
fn a_shard_needs_a_file_an_id_and_a_number_from_zero() {
    let id = format!("--run-id {RUN}");
    insta::assert_snapshot!(refused(&format!("--contacts ids.csv {id} --shard 64/64")), @"error: invalid value '64/64' for '--shard <I/N>': shards count from 0: the last of 64 is 63/64; see: chatzy-export run --help");
    insta::assert_snapshot!(refused(&format!("--contacts ids.csv {id} --shard 3")), @"error: invalid value '3' for '--shard <I/N>': write it like 3/64: the number of the shard, from 0, and the number of all shards; see: chatzy-export run --help");
    insta::assert_snapshot!(refused("--contacts ids.csv --shard 3/64"), @"error: --shard requires --run-id, the same for all shards of the run");
    insta::assert_snapshot!(refused("--contacts ids.csv --run-id nightly --shard 3/64"), @"error: --run-id nightly does not begin with a time, which --shard needs for the rows of all shards: use an ID like 20261130T020000Z-nightly");
    insta::assert_snapshot!(refused(&format!("{id} --shard 3/64")), @"error: --shard requires --contacts, the same for all shards of the run");
    insta::assert_snapshot!(refused(&format!("--all-contacts {id} --shard 3/64")), @"error: --shard cannot be used with --all-contacts: write the list once with chatzy-export contacts --out FILE, and give the file to all shards");
    insta::assert_snapshot!(refused(&format!("--contact a {id} --shard 3/64")), @"error: --shard cannot be used with --contact, which selects few contacts");
    insta::assert_snapshot!(refused(&format!("--contacts ids.csv --incremental {id} --shard 3/64")), @"error: --shard cannot be used with --incremental: a run with shards reads all contacts of the file");
    insta::assert_snapshot!(refused(&format!("--contacts ids.csv --dry-run {id} --shard 3/64")), @"error: --shard cannot be used with --dry-run: use it without --shard");
}

#[test]
fn the_settings_file_counts_as_the_command_line() {
    let refused = |settings: &str, arguments: &str| {
        let export = Export::command("run --base-url http://127.0.0.1:9 --progress never").args(arguments);
        let export = export.also("ids.csv", "contact_id\na\n").also("chatzy-export.toml", settings);
        export.env("CHATZY_TOKEN", "token-1").expect(2).last_line()
    };
    let shard = format!("--run-id {RUN} --shard 0/2");
    let all = refused("all-contacts = true\n", &shard);
    assert!(all.contains("--shard cannot be used with --all-contacts"), "{all}");
    let incremental = refused("incremental = true\n", &format!("{shard} --contacts ids.csv"));
    assert!(incremental.contains("--shard cannot be used with --incremental"), "{incremental}");
}

#[test]
fn a_mistake_in_the_file_is_found_by_every_shard() {
    let sharded = Sharded::new("");
    for index in 0..3 {
        let shard = sharded.shard("bad", index, 3).also("contacts.csv", "contact_id\na\nb,c\n");
        let outcome = shard.expect(2);
        assert!(outcome.last_line().contains("line 3"), "{}", outcome.last_line());
    }
    let empty = sharded.shard("bad", 0, 3).also("contacts.csv", "contact_id\n").expect(2);
    assert!(empty.last_line().contains("contacts.csv"), "{}", empty.last_line());
}

#[test]
fn a_work_folder_belongs_to_one_shard() {
    let sharded = Sharded::new("");
    let work = sharded.plain.path("work");
    let with_work = |export: Export| export.args("--work-dir").arg(&work.to_string_lossy());
    let before = sharded.service.stats().requests;
    let running = with_work(sharded.shard("one", 0, 2)).args("--rate-limit 1").start();
    sharded.service.wait_for_requests(before + 2);
    let second = with_work(sharded.shard("one", 0, 2)).expect(7);
    assert!(second.last_line().contains("work"), "{}", second.last_line());
    running.signal("KILL");
    running.wait(std::time::Duration::from_mins(1));
    let other = with_work(sharded.shard("one", 1, 2)).expect(9);
    assert!(other.last_line().contains("--shard was 0/2 and is now 1/2"), "{}", other.last_line());
    let plain = with_work(sharded.plain.clone().out("one/export")).expect(9);
    assert!(plain.last_line().contains("--shard was 0/2 and is now not set"), "{}", plain.last_line());
    with_work(sharded.shard("one", 0, 2)).expect(0);
    sharded.shard("one", 1, 2).expect(0);
    sharded.commit("one", 2).expect(0);
    sharded.assert_equal("one", 2, "work folders");
}

#[test]
fn a_shard_does_not_touch_a_plain_run_in_its_work_folder() {
    let sharded = Sharded::new("");
    let work = sharded.plain.path("work");
    let with_work = |export: Export| export.args("--work-dir").arg(&work.to_string_lossy());
    let before = sharded.service.stats().requests;
    let running = with_work(sharded.plain.clone().out("one/export")).args("--rate-limit 1").start();
    sharded.service.wait_for_requests(before + 2);
    running.signal("KILL");
    running.wait(std::time::Duration::from_mins(1));
    for options in ["", "--fresh"] {
        let outcome = with_work(sharded.shard("one", 0, 1)).args(options).expect(9);
        assert!(outcome.last_line().contains("--shard was not set"), "{}", outcome.last_line());
    }
    with_work(sharded.plain.clone().out("one/export")).expect(0);
}
