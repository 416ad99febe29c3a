//! Fields that appear in or vanish from the API's responses between runs are reported, and nothing else is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::export::{Export, Outcome, read};
use crate::support::scripted::{Answer, Scripted};

/// A server whose responses change from night to night, and the number of the night.
fn server() -> (Scripted, Arc<AtomicUsize>) {
    let night = Arc::new(AtomicUsize::new(0));
    let today = Arc::clone(&night);
    let server = Scripted::api(move |asked| {
        let mut answer = Answer::page(asked, 3);
        let mut body: Value = serde_json::from_str(&answer.body).expect("JSON");
        if let Some(conversation) = body["data"]["data"]["conversations"].get_mut(0) {
            for message in conversation["messages"].as_array_mut().expect("messages") {
                let message = message.as_object_mut().expect("an object");
                change(message, today.load(Ordering::Relaxed));
            }
        }
        answer.body = body.to_string();
        answer
    });
    (server, night)
}

/// The message of a night: as documented, with a new field, or with a renamed field.
fn change(message: &mut serde_json::Map<String, Value>, night: usize) {
    if night >= 1 {
        message.insert("whatsapp_message_id".to_owned(), json!("wamid.1"));
    }
    if night >= 2 {
        let role = message.remove("role").expect("a role");
        message.insert("sender".to_owned(), role);
    }
}

fn changes(outcome: &Outcome) -> Vec<[String; 3]> {
    let manifest = outcome.manifest();
    let text = |change: &Value, key: &str| change[key].as_str().expect("text").to_owned();
    let changes = manifest["schema_changes"].as_array().into_iter().flatten();
    changes.map(|change| ["table", "field", "change"].map(|key| text(change, key))).collect()
}

fn metric(export: &Export) -> String {
    let text = read(&export.path("chatzy.prom"));
    assert!(
        text.contains("Changes of any kind in the fields of the API's responses"),
        "every kind of change counts"
    );
    let value = text.lines().find_map(|line| line.strip_prefix("chatzy_export_schema_changes "));
    value.expect("the metric").to_owned()
}

fn contacts(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("contact-{at}")).collect()
}

#[test]
fn new_renamed_and_returning_fields_are_reported_once() {
    let (server, night) = server();
    let export = Export::run_of(server.url(), contacts(12)).args("--metrics-file chatzy.prom --keep-raw");
    let on = |number: usize, expected: &[[&str; 3]]| {
        night.store(number, Ordering::Relaxed);
        let outcome = export.expect(0);
        assert_eq!(changes(&outcome), expected, "night {number}");
        assert_eq!(metric(&export), expected.len().to_string());
        let warnings = outcome.stderr.matches("warning: the API's responses have changed").count();
        assert_eq!(warnings, expected.len(), "{}", outcome.stderr);
        outcome
    };
    on(0, &[]);
    on(0, &[]);
    let outcome = on(1, &[["messages", "whatsapp_message_id", "appeared"]]);
    let warning = "warning: the API's responses have changed: new field whatsapp_message_id in messages, kept in the column extra";
    assert!(outcome.stderr.contains(warning), "{}", outcome.stderr);
    on(1, &[]);
    on(2, &[["messages", "role", "became_null"], ["messages", "sender", "appeared"]]);
    let outcome = Export::command("report").arg(&export.out_path().to_string_lossy()).args("-o -").expect(0);
    assert!(outcome.stdout.contains("column no longer has values"), "the report names it");
    let again = export.path("again").to_string_lossy().into_owned();
    let rebuild =
        Export::command("rebuild --progress never --from").arg(&export.out_path().to_string_lossy());
    rebuild.args("--out").arg(&again).expect(0);
    Export::command("verify --deep").arg(&again).expect(0);
    on(2, &[]);
    on(
        0,
        &[
            ["messages", "role", "has_values"],
            ["messages", "sender", "vanished"],
            ["messages", "whatsapp_message_id", "vanished"],
        ],
    );
    Export::command("verify --deep").arg(&export.out_path().to_string_lossy()).expect(0);
}

#[test]
fn a_run_of_few_contacts_or_of_another_window_lacks_nothing() {
    let (server, night) = server();
    night.store(1, Ordering::Relaxed);
    let whole = Export::run_of(server.url(), contacts(12));
    whole.expect(0);
    night.store(0, Ordering::Relaxed);
    whole.write("few.csv", "contact_id\ncontact-1\ncontact-2\ncontact-3\ncontact-4\n");
    let few = whole.clone().without("--contacts").args("--contacts few.csv");
    assert_eq!(changes(&few.expect(0)), [[""; 3]; 0], "four contacts may lack a field by chance");
    night.store(2, Ordering::Relaxed);
    let window = whole.clone().args("--since 2026-01-01");
    assert_eq!(changes(&window.expect(0)), [[""; 3]; 0], "nothing to compare with");
    night.store(0, Ordering::Relaxed);
    let outcome = whole.args("--log-format json").expect(0);
    assert_eq!(changes(&outcome), [["messages", "whatsapp_message_id", "vanished"]]);
    let event = outcome.stderr.lines().find(|line| line.contains("schema_changed")).expect("an event");
    let event: Value = serde_json::from_str(event).expect("JSON");
    assert_eq!(
        [&event["level"], &event["table"], &event["field"], &event["change"]],
        ["warn", "messages", "whatsapp_message_id", "vanished"]
    );
}

#[test]
fn without_a_readable_earlier_run_nothing_is_compared() {
    let (server, night) = server();
    let export = Export::run_of(server.url(), contacts(12));
    export.expect(0);
    let latest = export.out_path().join("_runs/latest.json");
    crate::support::export::write(&latest, "{");
    night.store(2, Ordering::Relaxed);
    let outcome = export.expect(0);
    assert_eq!(changes(&outcome), [[""; 3]; 0]);
}
