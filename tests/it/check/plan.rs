//! The plan is near the run that follows.

use serde_json::Value;

use super::{check, check_all, document};
use crate::support::export::{EMAIL, Export, PASSWORD};
use crate::support::service::Service;

fn is_in_range(plan: &Value, name: &str, figure: u64) -> bool {
    let end = |end: &str| plan[end][name].as_u64().expect("a number");
    (end("low")..=end("high")).contains(&plan[name].as_u64().unwrap())
        && (end("low")..=end("high")).contains(&figure)
}

/// One range in ten does not hold; the unit tests count them. With these seeds all hold.
#[test]
fn the_run_is_in_the_ranges_of_the_plan() {
    for seed in [1, 2] {
        let service = Service::start(&format!("--account-contacts 120 --max-messages 400 --seed {seed}"));
        let plan = document(&check_all(service.url()).expect(0))["plan"].clone();
        let run =
            Export::command("run --progress never --all-contacts --concurrency 1").base_url(service.url());
        let outcome = run.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD).expect(0);
        let manifest = outcome.manifest();
        let messages = manifest["tables"]["messages"]["rows"].as_u64().unwrap();
        assert!(is_in_range(&plan, "messages", messages), "{seed}: {plan} for {messages} messages");
        let requests = manifest["requests"]["sent"].as_u64().unwrap();
        assert!(is_in_range(&plan, "requests", requests), "{seed}: {plan} for {requests} requests");
        for name in ["seconds", "latency_ms", "bytes"] {
            assert!(is_in_range(&plan, name, plan[name].as_u64().unwrap()), "{seed}: {name} of {plan}");
        }
        let width = plan["high"]["messages"].as_u64().unwrap() / plan["low"]["messages"].as_u64().unwrap();
        assert!(width < 8, "{seed}: a range says something: {plan}");
    }
    // Nothing is left to estimate where every contact is looked at, and short.
    let service = Service::start("");
    let outcome = check(service.url(), ["messages-3-a", "messages-5-b"]).expect(0);
    let plan = document(&outcome)["plan"].clone();
    assert_eq!([&plan["low"]["messages"], &plan["high"]["messages"]], [8, 8]);
    assert!(outcome.stderr.contains("plan     2 contacts with 8 messages, estimated from 2 contacts"));
}

#[test]
fn the_plan_is_near_the_run() {
    let service = Service::start("");
    let contacts: Vec<String> = (0..9).map(|at| format!("messages-{}-{at}", at * 130)).collect();
    // With one request at a time, no page is requested ahead of its turn.
    let run = Export::run_of(service.url(), &contacts).args("--format jsonl --concurrency 1");
    let checked = check(service.url(), &contacts).args("--rate-limit 1000");
    let before = service.stats().requests;
    let plan = document(&checked.expect(0))["plan"].clone();
    assert!(service.stats().requests - before < 9 * 13 + 12, "no more questions than it is worth");
    let number = |plan: &Value, name: &str| plan[name].as_u64().expect("a number");
    let manifest = run.expect(0).manifest();
    let messages = manifest["tables"]["messages"]["rows"].as_u64().unwrap();
    let requests = manifest["requests"]["sent"].as_u64().unwrap();
    assert!(number(&plan, "messages").abs_diff(messages) * 10 <= messages, "{plan} for {messages} messages");
    assert!(number(&plan, "requests").abs_diff(requests) * 10 <= requests, "{plan} for {requests} requests");
    assert_eq!(number(&plan, "known_lengths"), 0);
    assert!(is_in_range(&plan, "messages", messages), "{plan} for {messages} messages");
    // Now the lengths are known, also those of contacts outside the sample.
    let more: Vec<String> = (0..40).map(|at| format!("messages-{}-{at}", 150 + at)).collect();
    let run = Export::run_of(service.url(), &more);
    let rows = run.expect(0).manifest()["tables"]["messages"]["rows"].as_u64().unwrap();
    let again = check(service.url(), &more).args("--out").arg(&run.out_path().to_string_lossy());
    let plan = document(&again.expect(0))["plan"].clone();
    assert_eq!(number(&plan, "known_lengths"), 40);
    assert!(number(&plan, "messages").abs_diff(rows) * 20 <= rows, "{plan} for {rows} messages");
    assert!(is_in_range(&plan, "messages", rows), "{plan} for {rows} messages");
    // At a lower rate, a run takes longer.
    let slow = again.args("--rate-limit 5").expect(0);
    let plan = document(&slow)["plan"].clone();
    assert_eq!(number(&plan, "seconds"), number(&plan, "requests").div_ceil(5));
}
