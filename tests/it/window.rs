//! `--since` and `--until` as people type them. A resumed run keeps the times of its first start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chatzy_export::internals::time::parse_time;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::export::{Export, Outcome, json as read_json};
use crate::support::scripted::{Answer, Scripted};

const HOUR: i64 = 3600 * 1_000_000;

/// The time of the tests, in microseconds since 1970.
fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_micros()).unwrap()
}

/// The time of an option in a manifest or in the work folder.
fn time_of(options: &Value, name: &str) -> i64 {
    parse_time(options[name].as_str().expect("a time")).expect("a time")
}

/// An API with a message for each of the last 10 days, which refuses the contact `bad` until it is repaired.
struct Api {
    server: Scripted,
    is_repaired: Arc<AtomicBool>,
}

impl Api {
    fn new() -> Self {
        let is_repaired = Arc::new(AtomicBool::new(false));
        let (repaired, start) = (Arc::clone(&is_repaired), now());
        let server = Scripted::api(move |asked| match asked.contact() {
            "bad" if !repaired.load(Ordering::Relaxed) => Answer::message(403, "no"),
            contact if asked.query.get("offset").is_some_and(|offset| offset == "0") => {
                let message = |day: i64| {
                    let created_at = (start - (24 * day + 1) * HOUR) / 1000;
                    json!({"message_id": format!("{contact}-{day}"), "created_at": created_at})
                };
                let messages: Vec<Value> = (0..10).map(message).collect();
                let conversations = json!([{"conversation_id": "c", "messages": messages}]);
                let data = json!({"contact": {"contact_id": contact}, "conversations": conversations});
                Answer::new(200, json!({"data": {"data": data}}).to_string())
            }
            contact => {
                let data = json!({"contact": {"contact_id": contact}, "conversations": []});
                Answer::new(200, json!({"data": {"data": data}}).to_string())
            }
        });
        Self { server, is_repaired }
    }

    fn export(&self) -> Export {
        let export = Export::run_of(self.server.url(), ["good", "bad"]);
        export.args("--format jsonl --concurrency 1 --consistency fast")
    }

    fn repair(&self) {
        self.is_repaired.store(true, Ordering::Relaxed);
    }
}

/// The messages of one contact, as days before the start of the test.
fn days(outcome: &Outcome, contact: &str) -> Vec<String> {
    let rows = outcome.rows("messages").0;
    let ids = rows.iter().filter(|row| row["contact_id"] == contact).map(|row| row["message_id"].as_str());
    let mut days: Vec<String> =
        ids.map(|id| id.unwrap().trim_start_matches(|c: char| !c.is_ascii_digit()).to_owned()).collect();
    days.sort();
    days
}

#[test]
fn a_relative_time_is_resolved_and_reported() {
    let api = Api::new();
    api.repair();
    let before = now();
    let outcome = api.export().args("--since 3d --until today -v").expect(0);
    let options = outcome.manifest()["options"].clone();
    assert_eq!((&options["relative_since"], &options["relative_until"]), (&json!("3d"), &json!("today")));
    let (since, until) = (time_of(&options, "since"), time_of(&options, "until"));
    assert!((before - 72 * HOUR - since).abs() < HOUR, "{options}");
    assert_eq!(since % 1_000_000, 0, "whole seconds");
    assert_eq!((until % (24 * HOUR), before - until < 25 * HOUR), (0, true), "{options}");
    let short = |name: &str| options[name].as_str().unwrap().replace(".000000Z", "Z");
    let period = format!("messages created at or after {} and before {}", short("since"), short("until"));
    assert!(outcome.stderr.contains(&format!("\nexports {period}\n")), "{}", outcome.stderr);
    let shown = format!(
        "\nWindow:   messages created at or after {} (--since 3d) and before {} (--until today)\n",
        short("since"),
        short("until")
    );
    assert!(outcome.stderr.contains(&shown), "{}", outcome.stderr);
    for row in &outcome.rows("messages").0 {
        let created_at = parse_time(row["created_at"].as_str().unwrap()).unwrap();
        assert!((since..until).contains(&created_at), "{row}");
    }
    let log = api.export().args("--since 3d --log-format json").expect(0).stderr;
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let window = events.into_iter().find(|event| event["event"] == "window").expect("the event");
    assert!(window["since"].is_string() && window["until"].is_null(), "{window}");
}

#[test]
fn a_month_is_from_its_start_to_that_of_the_next() {
    let api = Api::new();
    api.repair();
    let options =
        api.export().args("--since 2026-01 --until 2026-02").expect(0).manifest()["options"].clone();
    assert_eq!(options["since"], "2026-01-01T00:00:00.000000Z");
    assert_eq!(options["until"], "2026-02-01T00:00:00.000000Z");
    assert!(options.get("relative_since").is_none(), "{options}");
}

#[test]
fn a_resumed_run_keeps_its_window() {
    let api = Api::new();
    let export = api.export().args("--since 3d --max-failed 0");
    export.expect(5);
    let unfinished = read_json(&export.path("export/_work/run.json"));
    let since = unfinished["identity"]["options"]["since"].clone();
    let later = export.hours_later(30);
    let plan = later.clone().args("--dry-run").expect(0).stderr;
    let short = since.as_str().unwrap().replace(".000000Z", "Z");
    let window = format!("window:      messages created at or after {short} (--since 3d)\n");
    assert!(plan.contains(&window), "{plan}");
    api.repair();
    let outcome = later.expect(0);
    let manifest = outcome.manifest();
    assert_eq!((&manifest["run_id"], &manifest["options"]["since"]), (&unfinished["run_id"], &since));
    assert!(outcome.stderr.contains(&format!("\nexports messages created at or after {short}\n")));
    // The second attempt read "bad" a day later, for the same window.
    assert_eq!(days(&outcome, "good"), ["0", "1", "2"]);
    assert_eq!(days(&outcome, "bad"), ["0", "1", "2"]);
    // The next run is a new one, with a window of its own.
    let next = later.expect(0).manifest()["options"].clone();
    assert!(time_of(&next, "since") - time_of(&manifest["options"], "since") >= 29 * HOUR, "{next}");
}

#[test]
fn a_window_fits_by_its_text_or_its_time() {
    let api = Api::new();
    let export = api.export().args("--max-failed 0 --run-id first");
    export.clone().args("--since 7d").expect(5);
    let unfinished = read_json(&export.path("export/_work/run.json"));
    let since = unfinished["identity"]["options"]["since"].as_str().unwrap().to_owned();
    let later = export.hours_later(30);
    let short = since.replace(".000000Z", "Z");
    let refused = |export: &Export| {
        let line = export.expect(9).last_line();
        let pieces: Vec<&str> = line.split(&short).collect();
        // The time of the new command is not known.
        let text = pieces.join("FIRST");
        match text.split_once("and is now 14d (") {
            Some((before, after)) => format!("{before}and is now 14d (LATER{}", after.split_at(20).1),
            None => text,
        }
    };
    assert_snapshot!(refused(&later.clone().args("--since 14d")), @"error: the unfinished run first does not fit this command: --since was 7d (FIRST) and is now 14d (LATER); to keep it, use the options it had; to discard the unfinished run with --fresh, run");
    assert_snapshot!(refused(&later), @"error: the unfinished run first does not fit this command: --since was 7d (FIRST) and is now not set; to keep it, use the options it had; to discard the unfinished run with --fresh, run");
    assert_snapshot!(refused(&later.clone().args("--since 2026-01")), @"error: the unfinished run first does not fit this command: --since was 7d (FIRST) and is now 2026-01-01T00:00:00Z; to keep it, use the options it had; to discard the unfinished run with --fresh, run");
    assert_snapshot!(refused(&later.clone().args("--since 7d --until 9999-01")), @"error: the unfinished run first does not fit this command: --until was not set and is now 9999-01-01T00:00:00Z; to keep it, use the options it had; to discard the unfinished run with --fresh, run");
    api.repair();
    let outcome = later.args("--since").arg(&since).expect(0);
    assert_eq!(outcome.manifest()["run_id"], "first", "the same time is the same window");
    assert_eq!(outcome.manifest()["options"]["since"], since);
}

#[test]
fn failed_contacts_are_exported_again_for_the_same_window() {
    let api = Api::new();
    let outcome = api.export().args("--since 3d").expect(3);
    let since = outcome.manifest()["options"]["since"].as_str().unwrap().replace(".000000Z", "Z");
    let command = outcome.whole_last_line();
    assert!(command.contains(&format!("--since {since} ")) || command.ends_with(&since), "{command}");
    assert!(!command.contains("3d"), "{command}");
}

#[test]
fn an_incremental_run_with_a_relative_start_reads_what_changed() {
    use crate::incremental::account::Account;

    let account = Account::of(&["a", "b"]);
    let export = account.nightly(&["a", "b"]).args("--since 9999d");
    export.expect(0);
    account.asked_for();
    account.write("a", "3");
    let second = export.hours_later(24).expect(0);
    assert_eq!(account.asked_for(), ["a"], "the start moved, and only a changed");
    assert_eq!(second.contacts("unchanged"), 1);
    // A later end adds messages to contacts that did not change.
    let export = export.args("--until today");
    export.hours_later(24).expect(0);
    account.asked_for();
    let fourth = export.hours_later(48).expect(0);
    assert_eq!(account.asked_for(), ["a", "b"]);
    assert!(fourth.stderr.contains("earlier runs exported another part"), "{}", fourth.stderr);
}
