//! The end of a run whose responses have an undocumented form, or that gets no response at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::export::{EMAIL, Export, Outcome};
use crate::support::scripted::{Answer, Asked, Scripted};

/// The requested page of a history of `count` messages, after a change.
fn changed(asked: &Asked, count: usize, change: impl Fn(&mut Value)) -> Answer {
    let mut page: Value = serde_json::from_str(&Answer::page(asked, count).body).expect("JSON");
    change(&mut page);
    Answer::new(200, page.to_string())
}

fn contacts(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("c{at}")).collect()
}

/// A run of three contacts. The responses for one of them are changed. Returns the outcome of that contact.
fn one_changed(change: impl Fn(&mut Value) + Send + Sync + 'static) -> (Outcome, String) {
    let server = Scripted::api(move |asked| match asked.contact() {
        "c1" => changed(asked, 250, &change),
        _ => Answer::page(asked, 3),
    });
    let outcome = Export::run_of(server.url(), contacts(3)).args("--format jsonl").expect(3);
    assert_eq!((outcome.contacts("exported"), outcome.contacts("failed")), (2, 1));
    assert!(outcome.rows("messages").0.iter().all(|row| row["contact_id"] != "c1"));
    let coverage = outcome.rows("coverage");
    let error = coverage.of_contact("c1")["error"].as_str().expect("an error").to_owned();
    (outcome, error)
}

#[test]
fn an_answer_of_another_form_fails_its_contact_and_names_what_was_found() {
    let error = |change: fn(&mut Value)| one_changed(change).1;
    assert_snapshot!(error(|page| {
        let list = page["data"]["data"]["conversations"].take();
        page["data"]["data"] = json!({"contact": {"first_name": "Ada"}, "chats": list});
    }), @"the answer has no `conversations`; members found: contact, chats (at offset 0)");
    assert_snapshot!(error(|page| {
        page["data"]["data"]["conversations"] = json!({"0": page["data"]["data"]["conversations"][0]});
    }), @"the answer has `conversations` as an object where a list is expected (at offset 0)");
    assert_snapshot!(error(|page| {
        let messages = page["data"]["data"]["conversations"][0]["messages"].to_string();
        page["data"]["data"]["conversations"][0]["messages"] = messages.into();
    }), @"the answer has `messages` as a string where a list is expected (at offset 0)");
    assert_snapshot!(error(|page| page["data"]["data"] = json!({"message": "Internal failure"})), @"the answer has no `conversations`; members found: message (at offset 0)");
    assert_snapshot!(error(|page| *page = json!({"data": page["data"]["data"]})), @"the answer has no `data.data`; in `data`, members found: contact, conversations (at offset 0)");
    assert_snapshot!(error(|page| page["data"]["data"]["contact"]["contact_id"] = "c2".into()), @"the answer belongs to another contact (at offset 0)");
}

/// A run of `count` contacts whose responses are all changed.
fn all_changed(count: usize, change: fn(&mut Value)) -> (Outcome, usize) {
    let server = Scripted::api(move |asked| changed(asked, 250, change));
    let outcome = Export::run_of(server.url(), contacts(count)).expect(2);
    assert!(!outcome.out.join("_runs").exists(), "nothing is published");
    (outcome, server.asked().len())
}

#[test]
fn answers_of_another_form_for_all_contacts_end_the_run_at_once() {
    let (outcome, asked) = all_changed(100, |page| *page = json!({"data": page["data"]["data"]}));
    assert_snapshot!(outcome.last_line(), @"error: the API's answers have changed, for all 20 requested contacts (the answer has no `data.data`; in `data`, members found: contact, conversations): nothing was published, look for a newer version of chatzy-export");
    // Up to 32 contacts are read at a time, each with four requests.
    assert!(asked < 250, "{asked} requests");
    let (outcome, _) = all_changed(3, |page| page["data"]["data"] = json!({"message": "Internal failure"}));
    assert_snapshot!(outcome.last_line(), @"error: the API's answers have changed, for all 3 requested contacts (the answer has no `conversations`; members found: message): nothing was published, look for a newer version of chatzy-export");
    all_changed(100, |page| page["data"]["data"]["contact"]["contact_id"] = "another".into());
}

#[test]
fn after_answers_of_another_form_the_same_command_reads_on() {
    let is_broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&is_broken);
    let server = Scripted::api(move |asked| {
        if switch.load(Ordering::Relaxed) {
            Answer::new(200, r#"{"data":{"contact":{},"conversations":[]}}"#)
        } else {
            Answer::page(asked, 3)
        }
    });
    let export = Export::run_of(server.url(), contacts(3));
    export.expect(2);
    is_broken.store(false, Ordering::Relaxed);
    assert_eq!(export.expect(0).contacts("exported"), 3);
}

#[test]
fn one_answer_for_everybody_is_exported_for_nobody_else() {
    let server = Scripted::api(|asked| {
        let mut first = asked.clone();
        first.query.insert("contact_id".to_owned(), "c0".to_owned());
        Answer::page(&first, 3)
    });
    let outcome = Export::run_of(server.url(), contacts(30)).expect(3);
    assert_eq!((outcome.contacts("exported"), outcome.contacts("failed")), (1, 29));
}

/// The same page for each contact, without its ID.
fn nameless(asked: &Asked) -> Answer {
    let mut same = asked.clone();
    same.query.insert("contact_id".to_owned(), "same".to_owned());
    changed(&same, 3, |page| page["data"]["data"]["contact"] = json!({"first_name": "Ada"}))
}

#[test]
fn the_same_messages_for_several_contacts_are_a_doubt() {
    let server = Scripted::api(nameless);
    let outcome = Export::run_of(server.url(), contacts(5)).args("--run-id r").expect(3);
    assert_snapshot!(outcome.last_line(), @"run r is published, but doubtful (5 contacts have the same messages on their first page as others: a cache or proxy may ignore the query): export again");
    let doubts = outcome.manifest()["input"]["doubts"].clone();
    assert_eq!(doubts.as_array().map(Vec::len), Some(1), "{doubts}");
    Export::run_of(server.url(), contacts(2)).expect(0);
}

#[test]
fn the_doubt_survives_a_run_in_two_attempts() {
    let is_first = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&is_first);
    let server = Scripted::api(move |asked| match asked.contact() {
        "c2" if switch.load(Ordering::Relaxed) => Answer::message(403, "no"),
        _ => nameless(asked),
    });
    // The first attempt reads two contacts, the second a third one.
    let export = Export::run_of(server.url(), contacts(3)).args("--concurrency 1 --max-failed 0");
    export.expect(5);
    is_first.store(false, Ordering::Relaxed);
    assert_eq!(export.expect(3).manifest()["input"]["doubts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_server_that_clamps_the_offset_leaves_the_long_history_unresolved() {
    let server = Scripted::api(|asked| {
        let mut clamped = asked.clone();
        let offset = asked.query["offset"].parse::<u64>().expect("a number").min(1000);
        clamped.query.insert("offset".to_owned(), offset.to_string());
        Answer::page(&clamped, if asked.contact() == "c0" { 1250 } else { 3 })
    });
    for count in [1, 10] {
        let outcome = Export::run_of(server.url(), contacts(count)).args("--format jsonl").expect(3);
        let coverage = outcome.rows("coverage");
        let row = coverage.of_contact("c0");
        assert_eq!((row["status"].as_str(), row["messages"].as_u64()), (Some("unresolved"), Some(1100)));
        let error = row["error"].as_str().unwrap_or_default();
        assert!(error.contains("higher offsets") && error.contains("first 1100"), "{error}");
    }
}

#[test]
fn an_api_that_answers_nobody_is_down_however_few_are_asked_for() {
    for (count, options) in [(1, "--retries 2"), (2, "--retries 1"), (5, "--retries 0"), (40, "--retries 0")]
    {
        let server = Scripted::api(|_| Answer::message(503, "Service Unavailable"));
        let outcome = Export::run_of(server.url(), contacts(count)).args(options).expect(5);
        assert!(!outcome.out.join("_runs").exists(), "nothing is published");
        let line = outcome.last_line();
        let expected = if count < 8 { "responded for none of" } else { "the API does not answer" };
        assert!(line.contains(expected) && line.contains("503 Service Unavailable"), "{line}");
    }
}

/// An API that fails from its `answers`-th response on, until the test opens it again.
fn fails_after(answers: usize) -> (Scripted, Arc<AtomicBool>) {
    let is_open = Arc::new(AtomicBool::new(false));
    let open = Arc::clone(&is_open);
    let server = Scripted::api(move |asked| {
        if asked.before < answers || open.load(Ordering::Relaxed) {
            Answer::page(asked, 3)
        } else {
            Answer::message(503, "Service Unavailable")
        }
    });
    (server, is_open)
}

#[test]
fn an_api_that_stops_answering_before_the_end_is_down_however_few_are_left() {
    for options in ["--retries 0", "--retries 1", "--retries 2"] {
        let (server, is_open) = fails_after(4);
        let export = Export::run_of(server.url(), contacts(3)).args("--format jsonl --concurrency 1");
        let outcome = export.clone().args(options).expect(5);
        assert!(!outcome.out.join("_runs").exists(), "nothing is published");
        let line = outcome.last_line();
        assert!(
            line.contains("the API stopped responding") && line.contains("nothing was published"),
            "{line}"
        );
        is_open.store(true, Ordering::Relaxed);
        assert_eq!(export.expect(0).rows("messages").len(), 9);
    }
}

#[test]
fn without_repeats_an_api_that_stops_answering_is_not_asked_for_all() {
    let (server, is_open) = fails_after(40);
    let export = Export::run_of(server.url(), contacts(300)).args("--format jsonl --concurrency 4");
    let outcome = export.clone().args("--retries 0").expect(5);
    assert_snapshot!(outcome.last_line(), @"error: the API does not answer (503 Service Unavailable); to resume, run");
    let asked = server.asked().len();
    assert!(asked < 70, "{asked} requests");
    is_open.store(true, Ordering::Relaxed);
    assert_eq!(export.expect(0).rows("messages").len(), 900);
}

#[test]
fn contacts_that_fail_after_others_were_read_are_published_as_failed() {
    let server = Scripted::api(|asked| match asked.contact() {
        "c2" => Answer::message(500, "no"),
        _ => Answer::page(asked, 3),
    });
    let export = Export::run_of(server.url(), contacts(3)).args("--retries 0 --run-id r");
    export.clone().args("--max-failed 0").expect(5);
    // Only the failing contact is left: another contact shows that the API is up.
    assert_eq!(export.expect(3).contacts("failed"), 1);
}

/// The outcome of `contacts` for this list.
fn listing(body: &'static str) -> Outcome {
    let server = Scripted::api(move |_| Answer::new(200, body));
    Export::command("contacts --progress never")
        .base_url(server.url())
        .env("CHATZY_EMAIL", EMAIL)
        .env("CHATZY_TOKEN", "a")
        .expect(2)
}

#[test]
fn a_list_of_contacts_in_another_form_is_no_empty_account() {
    assert_snapshot!(listing(r#"{"data":{"data":{"people":[{"contact_id":"a"}]}}}"#).last_line(), @"error: the API's answers have changed (the list of contacts has no `contacts`; members found: people): the account's contacts cannot be listed, look for a newer version of chatzy-export");
    assert_snapshot!(listing(r#"{"data":{"data":{"contacts":{"0":{"contact_id":"a"}}}}}"#).last_line(), @"error: the API's answers have changed (the list of contacts has `contacts` as an object where a list is expected): the account's contacts cannot be listed, look for a newer version of chatzy-export");
    assert_snapshot!(listing(r#"{"data":{"data":{"contacts":[{"id":"a","contact_name":"Ada"}]}}}"#).last_line(), @"error: the API's answers have changed (no listed contact has a `contact_id`; members found: id, contact_name): the account's contacts cannot be listed, look for a newer version of chatzy-export");
}
