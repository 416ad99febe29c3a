//! The load on the API is limited, and faults of the API cost only time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use insta::assert_snapshot;

use crate::paging::assert_complete;
use crate::support::export::{Export, Outcome};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::service::{Service, wait_until};

fn contacts(count: u32) -> Vec<String> {
    (0..count).map(|at| format!("messages-{}-{at}", 5 + at * 7 % 90)).collect()
}

#[test]
fn never_more_in_flight_than_allowed() {
    let service_of = || Service::start("--latency 10ms --jitter 10ms");
    for concurrency in [1, 3, 32] {
        let service = service_of();
        let contacts = contacts(80);
        let export = Export::run_of(service.url(), &contacts).args("--format jsonl --page-size 40");
        let outcome = export.args(&format!("--concurrency {concurrency}")).expect(0);
        assert_complete(&service, &outcome, &contacts, "slow answers");
        let most = service.stats().max_in_flight;
        assert!(most <= concurrency, "{most} in flight");
        assert!(most > 1 || concurrency == 1, "contacts are read side by side");
    }
}

#[test]
fn a_long_history_is_read_ahead_in_slots_that_nobody_needs() {
    let service = Service::start("--latency 20ms");
    let contacts = ["messages-1500-a".to_owned()];
    let export = Export::run_of(service.url(), &contacts).args("--format jsonl --page-size 20");
    let outcome = export.clone().args("--concurrency 8").expect(0);
    assert_complete(&service, &outcome, &contacts, "pages asked for ahead");
    let stats = service.stats();
    let one_by_one = export.args("--concurrency 1").out("one-by-one").expect(0);
    for table in ["contacts", "conversations", "messages", "channel_records"] {
        let rows = |outcome: &Outcome| outcome.rows(table).without_run();
        assert_eq!(rows(&outcome), rows(&one_by_one), "{table}");
    }
    assert!((4..=8).contains(&stats.max_in_flight), "{} in flight", stats.max_in_flight);
    // The pages of 19 new messages, the sign-in, the requests that find the reading and the end, and pages
    // behind the end. Some of these are answered before the last page, and their slots serve once more.
    assert!(stats.requests <= 1500 / 19 + 1 + 6 + 2 * 8, "{} requests", stats.requests);
    assert_eq!(outcome.manifest()["requests"]["sent"], stats.requests);
    assert_eq!(
        outcome.rows("coverage").column("requests"),
        [(stats.requests - 1).to_string()],
        "all but the sign-in"
    );
}

#[test]
fn while_one_page_is_late_those_behind_it_are_asked_for() {
    const LATE: usize = 2000;
    let furthest = Arc::new(AtomicUsize::new(0));
    let asked_for = Arc::clone(&furthest);
    let server = Scripted::api(move |asked| {
        let offset = asked.query["offset"].parse().expect("a number");
        asked_for.fetch_max(offset, Ordering::Relaxed);
        if (LATE..LATE + 19).contains(&offset) {
            // Three times the number of slots: slots of finished requests serve again.
            let enough = || asked_for.load(Ordering::Relaxed) > LATE + 19 * 28;
            tokio::task::block_in_place(|| wait_until("pages behind the one that is late", enough));
        }
        Answer::page(asked, 3600)
    });
    let export = Export::run_of(server.url(), ["a"]).args("--format jsonl --page-size 20 --concurrency 8");
    assert_eq!(export.expect(0).rows("messages").len(), 3600);
    assert!(furthest.load(Ordering::Relaxed) >= 3600);
}

#[test]
fn a_history_that_was_long_the_last_time_is_begun_first() {
    let server = Scripted::api(|asked| Answer::page(asked, if asked.contact() == "long" { 900 } else { 1 }));
    let mut contacts: Vec<String> = (0..40).map(|at| format!("c{at}")).collect();
    contacts.push("long".to_owned());
    let export = Export::run_of(server.url(), &contacts).args("--format jsonl --concurrency 2");
    export.expect(0);
    let before = server.asked().len();
    export.expect(0);
    let place = |asked: &[Asked]| asked.iter().position(|asked| asked.contact() == "long");
    let asked = server.asked();
    assert!(place(&asked[..before]) > Some(40), "it was read in its turn");
    assert!(place(&asked[before..]) < Some(4), "it is begun first");
}

#[test]
fn never_more_in_a_second_than_allowed() {
    for (limit, count) in [(5, 6), (50, 60)] {
        let service = Service::start("");
        let contacts = contacts(count);
        let export = Export::run_of(service.url(), &contacts).args("--format jsonl");
        let outcome = export.args(&format!("--rate-limit {limit}")).expect(0);
        assert_complete(&service, &outcome, &contacts, "a rate limit");
        let stats = service.stats();
        assert!(stats.requests > limit, "more than a second's worth");
        // The server counts requests at their arrival, including sign-ins. A busy machine may delay one until
        // the next one comes. `api::limiter` tests the limit of starts per second with a paused clock.
        assert!(stats.max_per_second <= limit + 1, "{} in a second", stats.max_per_second);
    }
}

#[test]
fn throttling_costs_time_and_nothing_else() {
    for retry_after in ["none", "1", "date", "garbage"] {
        let service = Service::start(&format!("--rate-limit 30 --retry-after {retry_after}"));
        let contacts = contacts(40);
        // No retries are allowed, and a 429 does not count as a retry of the request.
        let export = Export::run_of(service.url(), &contacts).args("--format jsonl --retries 0");
        let outcome = export.expect(0);
        assert_complete(&service, &outcome, &contacts, retry_after);
        let by_status = service.stats().by_status;
        assert!(by_status["429"] > 0, "{retry_after}: it was throttled");
        assert!(by_status["429"] < by_status["200"], "{retry_after}: {by_status:?}");
        assert_eq!(outcome.manifest()["requests"]["by_status"]["429"], by_status["429"], "{retry_after}");
    }
}

#[test]
fn a_quota_that_is_spent_ends_the_run_which_then_goes_on() {
    let is_renewed = Arc::new(AtomicBool::new(false));
    let renewed = Arc::clone(&is_renewed);
    let server = Scripted::api(move |asked| match asked.before {
        20.. if !renewed.load(Ordering::Relaxed) => Answer::message(429, "Limit Exceeded"),
        _ => Answer::page(asked, 3),
    });
    let contacts: Vec<String> = (0..40).map(|at| format!("c{at}")).collect();
    let export =
        Export::run_of(server.url(), &contacts).args("--format jsonl --concurrency 4 --consistency fast");
    let outcome = export.expect(5);
    assert_snapshot!(outcome.last_line(), @"error: the API quota of the account is used up (429 Limit Exceeded): wait until it is renewed; to resume, run");
    let pages = |server: &Scripted| server.asked().iter().filter(|asked| !asked.is_sign_in()).count();
    // Four are in flight. Answers that arrive with the first refusal may start four more.
    assert!(pages(&server) <= 20 + 4 + 4 + 2, "{} requests: those in flight, and two more", pages(&server));
    is_renewed.store(true, Ordering::Relaxed);
    let before = pages(&server);
    let outcome = export.expect(0);
    assert_eq!(outcome.rows("messages").len(), 120);
    assert_eq!(pages(&server) - before, 20, "what was answered before is not asked for again");
}

#[test]
fn a_mix_of_faults_ends_with_exactly_the_truth() {
    let faults = "--errors 0.05 --resets 0.05 --cut 0.05 --html 0.05 --empty-body 0.05 --error-answers 0.05";
    for order in ["newest", "oldest"] {
        let service = Service::start(&format!("{faults} --order {order}"));
        let contacts = contacts(40);
        let export = Export::run_of(service.url(), &contacts).args("--format jsonl --page-size 20");
        let outcome = export.expect(0);
        assert_complete(&service, &outcome, &contacts, faults);
        assert!(outcome.manifest()["requests"]["retries"].as_u64() > Some(0), "there were faults");
        assert_eq!(outcome.manifest()["requests"]["sent"], service.stats().requests);
    }
}

#[test]
fn an_outage_is_waited_out() {
    let service = Service::start("--outage 30..60");
    let contacts = contacts(60);
    let outcome = Export::run_of(service.url(), &contacts).args("--format jsonl --retries 1").expect(0);
    assert_complete(&service, &outcome, &contacts, "an outage");
}

#[test]
fn a_client_that_takes_compressed_answers_gets_the_same() {
    let service = Service::start("--compress");
    let contacts = contacts(20);
    let outcome = Export::run_of(service.url(), &contacts).args("--format jsonl").expect(0);
    assert_complete(&service, &outcome, &contacts, "compressed answers");
}
