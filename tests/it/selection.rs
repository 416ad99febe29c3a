//! `run --contact` and `run --search`: some contacts, without a file.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::export::{EMAIL, Export, Outcome, PASSWORD, read, tree};
use crate::support::scripted::{Answer, Scripted};
use crate::support::service::Service;

/// `run` of the contacts that the arguments select.
fn run(url: &str) -> Export {
    let export = Export::command("run --progress never --format jsonl").base_url(url);
    export.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD)
}

/// The contacts that the service lists, by their JSON lines.
fn listed(url: &str, search: Option<&str>) -> Vec<Value> {
    let list = Export::command("contacts --progress never --format jsonl").base_url(url);
    let list = list.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD);
    let list = search.map_or_else(|| list.clone(), |text| list.clone().arg("--search").arg(text));
    list.expect(0).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn id_of(contact: &Value) -> String {
    contact["contact_id"].as_str().unwrap().to_owned()
}

fn email_of(contact: &Value) -> String {
    contact["email"].as_str().unwrap().to_owned()
}

fn covered(outcome: &Outcome) -> Vec<String> {
    outcome.rows("coverage").column("contact_id")
}

/// Whether a file about the run as a whole holds this text.
fn is_told(outcome: &Outcome, text: &str) -> bool {
    let files = tree(&outcome.out).into_iter().filter(|path| path.starts_with("_runs/"));
    files.filter(|path| !path.contains(".csv")).any(|path| read(&outcome.out.join(path)).contains(text))
}

#[test]
fn contacts_are_exported_by_their_ids() {
    let service = Service::start("");
    let export = run(service.url()).args("--run-id r --contact messages-3-b --contact");
    let outcome = export.arg("messages-2-a").args("--contact messages-3-b --contact=unknown-c").expect(0);
    assert_eq!(covered(&outcome), ["messages-3-b", "messages-2-a", "unknown-c"]);
    assert_eq!(outcome.rows("coverage").0[2]["input_line"], 4);
    let mut input = outcome.manifest()["input"].clone();
    input.as_object_mut().unwrap().remove("sha256");
    assert_eq!(input, json!({"path": "contact", "lines": 4, "contacts": 3, "duplicates": 1}));
    assert!(!is_told(&outcome, "messages-3-b"), "the manifest names no contact");
    Export::command("verify --deep").arg(&outcome.out.to_string_lossy()).expect(0);
    // The same rows as from a file.
    let by_file = Export::run_of(service.url(), ["messages-3-b", "messages-2-a", "unknown-c"]);
    let by_file = by_file.args("--format jsonl --run-id r").expect(0);
    assert_eq!(by_file.rows("messages").column("message_id"), outcome.rows("messages").column("message_id"));
    let blank = run(service.url()).arg("--contact").arg(" ").expect(2);
    assert!(blank.last_line().contains("the contact ID is empty"), "{}", blank.stderr);
    let control = run(service.url()).arg("--contact").arg("a\u{1b}[31m").expect(2);
    assert!(!control.stderr.contains('\u{1b}'), "{:?}", control.stderr);
}

#[test]
fn contacts_are_exported_as_the_service_finds_them() {
    let service = Service::start("--account-contacts 60 --max-messages 9");
    let all = listed(service.url(), None);
    let email = all[7]["email"].as_str().unwrap();
    let outcome = run(service.url()).arg("--search").arg(email).expect(0);
    assert_eq!(covered(&outcome), [id_of(&all[7])]);
    assert_eq!(outcome.manifest()["input"]["path"], "search");
    assert!(!is_told(&outcome, email), "the manifest does not have the text");
    // Many, in the order of their IDs, as the list has them.
    let expected: BTreeSet<String> = listed(service.url(), Some("1")).iter().map(id_of).collect();
    assert!((2..60).contains(&expected.len()), "a part of them: {}", expected.len());
    let outcome = run(service.url()).args("--search 1").expect(0);
    assert_eq!(covered(&outcome), expected.into_iter().collect::<Vec<_>>());
}

#[test]
fn a_search_that_finds_nobody_leaves_nothing_in_the_way() {
    let service = Service::start("--account-contacts 5 --max-messages 9");
    let export = run(service.url());
    let outcome = export.clone().args("--search nobody-is-called-so").expect(2);
    insta::assert_snapshot!(outcome.last_line(), @"error: the service finds no contact for the text of --search: there is nothing to export; look for another text with chatzy-export contacts --search TEXT");
    assert!(!outcome.out.join("_work").exists(), "{:?}", tree(&outcome.out));
    let email = email_of(&listed(service.url(), None)[0]);
    export.clone().args("--search").arg(&email).expect(0);
    let empty = export.arg("--search= ").expect(2);
    insta::assert_snapshot!(empty.last_line(), @"error: --search needs a text: to export all contacts, use --all-contacts");
}

#[test]
fn each_way_to_select_contacts_excludes_the_others() {
    let ways = ["--contacts ids.csv", "--all-contacts", "--contact a", "--search a"];
    for (at, one) in ways.iter().enumerate() {
        for other in ways.iter().skip(at + 1) {
            let refused = run("http://127.0.0.1:1").args(&format!("{one} {other}")).expect(2);
            assert!(refused.last_line().contains("cannot be used with"), "{one} {other}: {}", refused.stderr);
        }
    }
    for form in ["--contacts-column c", "--delimiter ;"] {
        for way in &ways[2..] {
            run("http://127.0.0.1:1").args(&format!("{way} {form}")).expect(2);
        }
    }
    let none = run("http://127.0.0.1:1").expect(2);
    insta::assert_snapshot!(none.last_line(), @"error: missing --contacts FILE, --all-contacts, --contact ID or --search TEXT");
    let full = run("http://127.0.0.1:1").args("--contact a --incremental --full").expect(2);
    insta::assert_snapshot!(full.last_line(), @"error: --full cannot be used with --contact: it starts a new state, without the other contacts of the export; use --full with the whole list of contacts");
    // In the settings file, too; the command line replaces what it excludes.
    let service = Service::start("");
    let export = run(service.url()).args("--contact messages-1-a");
    export.write("chatzy-export.toml", "all-contacts = true\n");
    assert_eq!(covered(&export.expect(0)), ["messages-1-a"]);
    let listed = run(service.url());
    listed.write("chatzy-export.toml", "contact = [\"messages-1-a\", \"messages-1-b\"]\n");
    assert_eq!(covered(&listed.expect(0)), ["messages-1-a", "messages-1-b"]);
}

/// Refuses contacts that begin with `bad`.
fn refusing() -> Scripted {
    Scripted::api(|asked| match asked.contact() {
        contact if contact.starts_with("bad") => Answer::message(403, "no"),
        _ => Answer::page(asked, 3),
    })
}

#[test]
fn a_run_of_other_contacts_does_not_resume() {
    let server = refusing();
    let base = run(server.url()).args("--run-id r --concurrency 1");
    let export = base.clone().args("--max-failed 0");
    export.clone().args("--contact a --contact bad").expect(5);
    for (other, told) in [
        ("--contact a", "the selection of contacts (SHA-256) was --contact "),
        ("--contact bad --contact a", " and is now --contact "),
        ("--search bad", " and is now --search "),
        ("--all-contacts", " and is now all-contacts"),
    ] {
        let outcome = export.clone().args(other).expect(9);
        assert!(outcome.last_line().contains(told), "{other}: {}", outcome.stderr);
        assert!(!outcome.last_line().contains("bad"), "no ID: {}", outcome.last_line());
    }
    export.write("same.csv", "a\nbad\n");
    export.clone().args("--contacts same.csv").expect(9);
    let before = server.asked().len();
    let resumed = base.args("--contact a --contact bad").expect(3);
    assert!(server.asked()[before..].iter().all(|asked| asked.contact() != "a"), "a was read before");
    // The next command is a run of the failed ones only.
    let last = resumed.whole_last_line();
    assert!(last.contains("failed.csv") && !last.contains("--contact a"), "{last}");
}

#[test]
fn a_search_that_resumes_keeps_the_list_that_it_found() {
    let is_later = Arc::new(AtomicBool::new(false));
    let later = Arc::clone(&is_later);
    let server = Scripted::api(move |asked| match asked.contact() {
        _ if asked.endpoint == "get_contact_conversations" => {
            assert_eq!(asked.query["search"], "x");
            let names: &[&str] = if later.load(Ordering::Relaxed) { &["new"] } else { &["b", "bad", "a"] };
            let number = |name: &str| asked.query[name].parse::<usize>().unwrap();
            let part = names.iter().skip(number("offset")).take(number("limit"));
            let contacts: Vec<_> = part.map(|id| json!({"contact_id": id})).collect();
            Answer::new(200, json!({"data": {"data": {"contacts": contacts}}}).to_string())
        }
        "bad" if !later.load(Ordering::Relaxed) => Answer::message(403, "no"),
        _ => Answer::page(asked, 3),
    });
    let export = run(server.url()).args("--search x");
    export.clone().args("--max-failed 0").expect(5);
    is_later.store(true, Ordering::Relaxed);
    export.clone().args("--contact new --max-failed 0").without("--search").expect(9);
    assert_eq!(covered(&export.expect(0)), ["a", "b", "bad"]);
}

/// One contact between two nights: the state of the others stays, and so do their rows.
#[test]
fn an_incremental_run_of_one_contact_keeps_the_state_of_the_others() {
    let service = Service::start("--account-contacts 12 --max-messages 9");
    let export = run(service.url()).args("--incremental --run-id");
    let night = |name: &str| export.clone().arg(name).args("--all-contacts").expect(0);
    night("first");
    let contact = &listed(service.url(), None)[0];
    let one = export.clone().args("one --contact").arg(&id_of(contact)).expect(0);
    assert_eq!((one.contacts("requested"), one.contacts("unchanged")), (1, 1));
    assert_eq!(one.manifest()["state"]["rows"], 12);
    let found = export.clone().args("found --search").arg(&email_of(contact)).expect(0);
    assert_eq!((found.contacts("unchanged"), found.manifest()["state"]["rows"].as_u64()), (1, Some(12)));
    let second = night("second");
    assert_eq!(second.contacts("unchanged"), 12, "nobody is new: {}", second.stderr);
    let out = second.out.to_string_lossy().into_owned();
    Export::command("prune --keep-last 1").arg(&out).expect(0);
    assert!(second.out.join("_runs/first/manifest.json").exists(), "it holds all rows");
    Export::command("verify --deep").arg(&out).expect(0);
}

#[test]
fn a_dry_run_tells_the_contacts_and_writes_nothing() {
    let service = Service::start("--account-contacts 20");
    let email = email_of(&listed(service.url(), None)[3]);
    let planned = |arguments: &str| {
        let outcome = run(service.url()).args("--dry-run").args(arguments).expect(0);
        assert!(!outcome.out.exists());
        outcome.stderr.lines().find(|line| line.starts_with("contacts:")).unwrap().to_owned()
    };
    assert_eq!(
        planned("--contact messages-1-a --contact messages-1-a"),
        "contacts:    1 of --contact (1 duplicates)"
    );
    assert_eq!(
        planned(&format!("--search {email}")),
        "contacts:    1, as the service finds them for --search"
    );
}

#[test]
fn a_contact_in_place_of_a_file_is_pointed_at_its_options() {
    for value in ["+4915700990177", "ada@example.com", "096662f6-5acc-4699-923c-0123456789ab", "Ada Lovelace"]
    {
        let outcome = run("http://127.0.0.1:1").arg("--contacts").arg(value).expect(2);
        let last = outcome.last_line();
        assert!(last.contains("use --contact ID, or --search TEXT"), "{last}");
        assert!(last.contains("chatzy-export contacts --search TEXT"), "{last}");
        assert!(last.contains("No such file or directory"), "{last}");
    }
    let outcome = run("http://127.0.0.1:1").args("--contacts ids").expect(2);
    insta::assert_snapshot!(outcome.last_line(), @"error: contacts file ids: cannot be read: No such file or directory (os error 2); if ids is no file but a contact, use --contact ID, or --search TEXT for a name, telephone number or e-mail address (chatzy-export contacts --search TEXT lists what it finds)");
    for value in ["ids.csv", "lists/ids", "./ids", "IDS.TXT"] {
        let outcome = run("http://127.0.0.1:1").arg("--contacts").arg(value).expect(2);
        assert!(!outcome.last_line().contains("--contact "), "{}", outcome.last_line());
    }
}
