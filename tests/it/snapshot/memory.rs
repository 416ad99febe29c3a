//! Memory stays under the promise, however many contacts and messages there are, and however they are partitioned.

use super::crafted::Crafted;
use super::{snapshot, verify};
use crate::memory::{FIXED, below, divisor, run_below};
use crate::support::export::Export;
use crate::support::faults::setting;
use crate::support::raw::Raw;

/// One contact has more text than fits in memory, over many files, and so have many contacts together.
///
/// `make memory` has more of both. `SNAPSHOT_MESSAGES=1000000 SNAPSHOT_CONTACTS=1000000` takes hours.
#[test]
fn a_long_history_in_many_files_and_many_contacts() {
    let messages = setting("SNAPSHOT_MESSAGES", 30_000) as u64;
    let contacts = setting("SNAPSHOT_CONTACTS", 40_000);
    // Of text there is more than the limit allows, but it takes few bytes on the disk.
    let megabytes = setting("SNAPSHOT_MEGABYTES", 300);
    let content = "0123456789abcdef".repeat((megabytes << 20) / 16 / usize::try_from(messages).unwrap());
    let export = Export::command("");
    let mut crafted = Crafted::new(export.out_path());
    let id = |at: usize| format!("096662f6-5acc-4699-923c-{at:012}");
    for night in 0..3 {
        let mut run = crafted.run(&format!("night{night}"));
        for at in 0..contacts {
            let status = if at % 3 >= night { "empty" } else { "not_found" };
            run.contact(&id(at), status, (0, "", ""));
        }
        if night == 1 {
            let time = |at: u64| format!("2026-01-{:02}T00:00:00.{:06}Z", at % 9 + 1, at / 9);
            let last = (0..messages).rev().take(9).max_by_key(|at| time(*at)).unwrap();
            run.contact("long", "exported", (messages, &time(0), &time(last)));
            // Each day is a folder, and so a file.
            for day in 0..9 {
                for at in (day..messages).step_by(9) {
                    let folder = format!("date=2026-01-{:02}", day + 1);
                    run.message("long", &format!("m{at}"), &folder, &time(at), &content);
                }
            }
        }
        run.publish(&["date"]);
    }
    for form in ["", "--partition-by month --format jsonl --compression zstd"] {
        let out = format!("snapshot{}", form.len());
        let told = format!("a long history, {form}");
        let outcome = run_below(megabytes.min(512) as u64, &snapshot(&export, &out, form), &told).expect(0);
        let manifest = outcome.manifest();
        assert_eq!(manifest["tables"]["messages"]["rows"], messages);
        assert_eq!(manifest["contacts"]["requested"], contacts + 1);
        verify(&outcome.out);
    }
}

/// Rows of many megabytes, in every format.
#[test]
fn very_long_texts() {
    let text = "\u{1}".repeat((50 << 20) / divisor());
    let server = Raw::start(move |target| {
        crate::memory::only_page(format!(
            r#"{{"message_id":"m","created_at":"2026-01-01T00:00:00Z","wa_messages":[{{"from":"1","id":"w","type":"text","text":{{"body":"{text}"}}}}]}}"#
        ))(target)
    });
    // Several rows are in a row group of Parquet, however long they are.
    for (of_source, of_snapshot, fixed) in
        [("--format jsonl --compression zstd", "", 150), ("", "--format jsonl --compression zstd", FIXED)]
    {
        let source = server.export(["a", "b"]).args(of_source);
        source.expect(0);
        let told = format!("long texts to {of_snapshot:?}");
        let outcome = run_below(below(fixed), &snapshot(&source, "snapshot", of_snapshot), &told).expect(0);
        assert_eq!(outcome.manifest()["tables"]["channel_records"]["rows"], 2);
    }
}
