//! Every message is exported once, with any order, grouping and paging of the API.

use std::collections::BTreeSet;

use crate::support::export::{Export, Outcome};
use crate::support::service::{Held, Service};

/// Lengths: multiples of the page sizes below, one more or less, several pages, one message, none.
const CONTACTS: [&str; 11] = [
    "messages-200-a",
    "messages-100-b",
    "messages-101-c",
    "messages-99-d",
    "messages-49-e",
    "messages-7-f",
    "messages-40-g",
    "messages-1-h",
    "messages-333-i",
    "empty-j",
    "unknown-k",
];

fn export(service: &Service) -> Export {
    Export::run_of(service.url(), CONTACTS).args("--format jsonl")
}

/// Asserts that every contact has exactly the messages that the API holds.
pub fn assert_complete<C: AsRef<str>>(service: &Service, outcome: &Outcome, contacts: &[C], told: &str) {
    let (messages, coverage) = (outcome.rows("messages"), outcome.rows("coverage"));
    for contact in contacts.iter().map(AsRef::as_ref) {
        let truth: BTreeSet<String> = service.truth(contact).into_keys().collect();
        let exported = messages.message_ids(contact);
        assert_eq!(exported, truth, "{contact} ({told})");
        let row = coverage.of_contact(contact);
        let status = match (contact.starts_with("unknown"), truth.is_empty()) {
            (true, _) => "not_found",
            (_, true) => "empty",
            _ => "exported",
        };
        assert_eq!(row["status"], status, "{contact} ({told})");
        assert_eq!(row["messages"], truth.len(), "{contact} ({told})");
    }
    assert_eq!(coverage.len(), contacts.len(), "one row for every requested contact ({told})");
    assert_eq!(outcome.manifest()["tables"]["messages"]["rows"], messages.len(), "{told}");
}

/// All ways to divide a history into pages, with one order and one page size.
fn every_cut(order: &str, page_size: u32) {
    for clamp in ["", " --clamp 40"] {
        for per_conversation in ["", " --per-conversation"] {
            for short_pages in ["", " --short-pages 0.3"] {
                let switches = format!("--order {order}{clamp}{per_conversation}{short_pages}");
                let service = Service::start(&switches);
                for flat in ["", "--flat"] {
                    let told = format!("{switches} {flat} with pages of {page_size}");
                    let name = format!("export{flat}");
                    let export =
                        export(&service).out(&name).args(flat).args(&format!("--page-size {page_size}"));
                    let outcome = export.run();
                    assert_eq!(outcome.code, Some(0), "{told}: {}", outcome.stderr);
                    assert_complete(&service, &outcome, &CONTACTS, &told);
                }
            }
        }
    }
}

#[test]
fn newest_first_in_full_pages() {
    every_cut("newest", 100);
}

#[test]
fn oldest_first_in_full_pages() {
    every_cut("oldest", 100);
}

#[test]
fn newest_first_in_small_pages() {
    every_cut("newest", 20);
}

#[test]
fn oldest_first_in_small_pages() {
    every_cut("oldest", 20);
}

#[test]
fn pages_of_one_and_two_messages() {
    let service = Service::start("");
    let contacts = ["messages-9-a", "messages-2-b", "messages-1-c", "empty-d"];
    for size in ["1", "2", "3"] {
        let export = Export::run_of(service.url(), contacts).args("--format jsonl --page-size").arg(size);
        assert_complete(&service, &export.expect(0), &contacts, &format!("pages of {size}"));
    }
}

#[test]
fn every_consistency_is_complete_on_a_quiet_service() {
    let service = Service::start("");
    for consistency in ["fast", "anchored", "strict"] {
        let outcome = export(&service).out(consistency).args("--consistency").arg(consistency).expect(0);
        assert_complete(&service, &outcome, &CONTACTS, consistency);
    }
}

#[test]
fn a_server_that_groups_as_it_likes() {
    for switches in ["--grouping always", "--grouping never", "--grouping never --flat-ids off"] {
        let service = Service::start(switches);
        for flat in ["", "--flat"] {
            let outcome = export(&service).out(&format!("export{flat}")).args(flat).expect(0);
            assert_complete(&service, &outcome, &CONTACTS, switches);
        }
    }
}

#[test]
fn a_server_that_ignores_the_limit() {
    for order in ["newest", "oldest"] {
        let service = Service::start(&format!("--ignore-limit --order {order}"));
        for size in ["10", "50", "100"] {
            let outcome = export(&service).out(size).args("--page-size").arg(size).expect(0);
            assert_complete(&service, &outcome, &CONTACTS, &format!("{order}, pages of {size}"));
        }
    }
}

#[test]
fn a_server_that_ignores_the_offset_cannot_be_read_from() {
    let service = Service::start("--ignore-offset");
    let outcome = Export::run_of(service.url(), ["messages-300-a"]).expect(2);
    insta::assert_snapshot!(outcome.last_line(), @"error: the API ignores `offset`: contact messages-300-a gets the same messages at every offset, so no history longer than a page can be read");
    assert!(!outcome.out.join("_runs").exists(), "nothing is published");
}

#[test]
fn pages_too_large_for_the_service_are_asked_for_in_parts() {
    let service = Service::start("--too-large 20000");
    let contacts = ["messages-300-a", "messages-150-b"];
    let outcome = Export::run_of(service.url(), contacts).args("--format jsonl").expect(0);
    assert_complete(&service, &outcome, &contacts, "too large");
}

#[test]
fn a_message_that_cannot_be_read_fails_its_contact_and_no_other() {
    let service = Service::start("");
    let contacts = ["messages-30-a", "poison-60-b", "messages-20-c"];
    let outcome = Export::run_of(service.url(), contacts).args("--format jsonl --retries 2").expect(3);
    let coverage = outcome.rows("coverage");
    assert_eq!(coverage.column("status"), ["exported", "failed", "exported"]);
    assert!(
        outcome.rows("messages").message_ids("poison-60-b").is_empty(),
        "a contact is exported whole or not at all"
    );
    let error = coverage.of_contact("poison-60-b")["error"].as_str().unwrap().to_owned();
    assert!(error.contains("offset"), "the error names the place: {error}");
}

/// Conversations that continue while they are read. Each message that exists all the time is exported, or the
/// contact is unresolved.
fn assert_nothing_stable_is_lost(changes: &str, consistency: &str) {
    for seed in 1..=4 {
        for order in ["newest", "oldest"] {
            let switches = format!("{changes} --order {order} --seed {seed}");
            let service = Service::start(&switches);
            let contacts: Vec<String> = (0..12).map(|at| format!("messages-{}-{at}", 30 + 40 * at)).collect();
            let export = Export::run_of(service.url(), &contacts).args("--format jsonl --page-size 20");
            let outcome = export.args("--consistency").arg(consistency).run();
            let (messages, coverage) = (outcome.rows("messages"), outcome.rows("coverage"));
            let mut unresolved = 0;
            for contact in &contacts {
                let exported = messages.message_ids(contact);
                let truth = service.truth(contact).into_iter();
                let stable = truth.filter(|(_, held): &(_, Held)| held.is_stable).map(|(id, _)| id);
                let lost = stable.filter(|id| !exported.contains(id)).count();
                match coverage.of_contact(contact)["status"].as_str() {
                    Some("unresolved") => unresolved += 1,
                    Some("exported") => assert_eq!(lost, 0, "{contact} lost messages ({switches})"),
                    other => panic!("{contact} is {other:?} ({switches})"),
                }
            }
            assert_eq!(outcome.code, Some(if unresolved == 0 { 0 } else { 3 }), "{switches}");
            assert_eq!(outcome.contacts("unresolved"), unresolved, "{switches}");
            assert!(unresolved <= 6, "most contacts can still be read ({switches})");
        }
    }
}

#[test]
fn anchored_pages_lose_nothing_to_new_messages() {
    assert_nothing_stable_is_lost("--drift-insert 0.3", "anchored");
}

#[test]
fn anchored_pages_lose_nothing_to_deleted_messages() {
    assert_nothing_stable_is_lost("--drift-delete 0.2", "anchored");
}

#[test]
fn strict_loses_nothing_to_both() {
    assert_nothing_stable_is_lost("--drift-insert 0.2 --drift-delete 0.2", "strict");
}

/// Twenty contacts whose ends are proved, because assumptions about the others depend on them, and then
/// these.
fn after_the_proved(others: &[&str]) -> Vec<String> {
    let proved = (0..20).map(|number| format!("messages-5-proved{number}"));
    proved.chain(others.iter().map(|&other| other.to_owned())).collect()
}

#[test]
fn a_short_page_is_believed_where_the_api_has_shown_longer_ones() {
    let service = Service::start("");
    let contacts = after_the_proved(&["messages-300-long", "messages-30-short"]);
    let outcome = Export::run_of(service.url(), &contacts).args("--format jsonl").expect(0);
    assert_complete(&service, &outcome, &contacts, "believed");
    let coverage = outcome.rows("coverage");
    assert_eq!(coverage.of_contact("messages-5-proved7")["end"], "proved");
    assert_eq!(coverage.of_contact("messages-30-short")["end"], "short_page");
}

#[test]
fn what_was_believed_is_looked_at_again_when_it_may_have_been_cut() {
    // Nothing in the first contacts shows the clamp, so the first page of the others is taken for all of
    // them.
    let service = Service::start("--clamp 40");
    let contacts = after_the_proved(&["messages-70-cut", "messages-130-cut", "messages-30-whole"]);
    let outcome = Export::run_of(service.url(), &contacts).args("--format jsonl").expect(0);
    assert_complete(&service, &outcome, &contacts, "looked at again");
    let coverage = outcome.rows("coverage");
    assert_eq!(
        coverage.of_contact("messages-30-whole")["end"],
        "proved",
        "one belief was false, so none holds"
    );
}

#[test]
fn rows_that_were_built_on_a_false_belief_are_built_anew() {
    // The last contact is long and, like one in every hundred, proved. While it is read, the rows of all
    // contacts before it are built, including the cut ones.
    let service = Service::start("--clamp 40 --latency 5ms");
    let mut contacts = after_the_proved(&[]);
    // Several conversations: such a page is not accepted until it is known what offsets count.
    contacts.extend((0..20).map(|number| format!("messages-70-cut{number}")));
    contacts.extend((contacts.len()..100).map(|number| format!("messages-3-{number}")));
    contacts.push("messages-2000-long".to_owned());
    let outcome = Export::run_of(service.url(), &contacts).args("--format jsonl").expect(0);
    assert_complete(&service, &outcome, &contacts, "built anew");
}
