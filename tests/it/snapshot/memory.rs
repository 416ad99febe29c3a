//! Memory stays under the promise, however many contacts and messages there are, and however they are partitioned.

use std::time::Duration;

use super::crafted::Crafted;
use super::{snapshot, verify};
use crate::memory::check;
use crate::support::export::{Export, Outcome};
use crate::support::faults::setting;
use crate::support::raw::Raw;

const LONGEST: Duration = Duration::from_mins(10);

fn run(export: &Export, told: &str) -> Outcome {
    let (outcome, most) = export.start().wait_watching_memory(LONGEST, || false);
    check(most, told);
    outcome
}

/// One contact has more text than fits in memory, over many files, and so have many contacts together.
///
/// `SNAPSHOT_MESSAGES=1000000 SNAPSHOT_CONTACTS=1000000` is the long form.
#[test]
fn a_long_history_in_many_files_and_many_contacts() {
    let messages = setting("SNAPSHOT_MESSAGES", 30_000) as u64;
    let contacts = setting("SNAPSHOT_CONTACTS", 100_000);
    // 600 MB of text, but not more bytes on the disk than needed.
    let content = "0123456789abcdef".repeat(600_000_000 / 16 / usize::try_from(messages).unwrap());
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
        let outcome = self::run(&snapshot(&export, &out, form), &format!("a long history, {form}")).expect(0);
        let manifest = outcome.manifest();
        assert_eq!(manifest["tables"]["messages"]["rows"], messages);
        assert_eq!(manifest["contacts"]["requested"], contacts + 1);
        verify(&outcome.out);
    }
}

/// Rows of many megabytes, in every format.
#[test]
fn very_long_texts() {
    let text = "\u{1}".repeat(50 << 20);
    let server = Raw::start(move |target| {
        crate::memory::only_page(format!(
            r#"{{"message_id":"m","created_at":"2026-01-01T00:00:00Z","wa_messages":[{{"from":"1","id":"w","type":"text","text":{{"body":"{text}"}}}}]}}"#
        ))(target)
    });
    for (of_source, of_snapshot) in
        [("--format jsonl --compression zstd", ""), ("", "--format jsonl --compression zstd")]
    {
        let source = server.export(["a", "b"]).args(of_source);
        source.expect(0);
        let outcome =
            run(&snapshot(&source, "snapshot", of_snapshot), &format!("long texts to {of_snapshot:?}"))
                .expect(0);
        assert_eq!(outcome.manifest()["tables"]["channel_records"]["rows"], 2);
    }
}
