//! The account's contacts: listed completely while the list changes, into a file that other programs read,
//! and exported by one command.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use chatzy_simulator::Endpoint;
use serde_json::{Value, json};

use crate::support::compare::{assert_same, substance};
use crate::support::export::{EMAIL, Export, Outcome, PASSWORD, json as json_of, read};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::service::Service;
use crate::support::tables::python;

fn command(url: &str, arguments: &str) -> Export {
    let export = Export::command(arguments).base_url(url).args("--progress never");
    export.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD)
}

/// The contacts that a command lists, by their JSON lines.
fn listed(url: &str, options: &str) -> Vec<Value> {
    lines(&command(url, "contacts --format jsonl").args(options).expect(0))
}

fn lines(outcome: &Outcome) -> Vec<Value> {
    outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn ids(contacts: &[Value]) -> BTreeSet<String> {
    contacts.iter().map(|contact| contact["contact_id"].as_str().expect("an ID").to_owned()).collect()
}

/// The requested part of a list.
fn part(asked: &Asked, contacts: &[Value]) -> Answer {
    let number = |name: &str| asked.query[name].parse::<usize>().expect("a number");
    let part: Vec<_> = contacts.iter().skip(number("offset")).take(number("limit")).collect();
    Answer::new(200, json!({"data": {"data": {"contacts": part}}}).to_string())
}

#[test]
fn all_are_listed_once_however_the_list_changes() {
    let quiet = Service::start("--account-contacts 230");
    let expected = ids(&listed(quiet.url(), ""));
    assert_eq!(expected.len(), 230);
    for switches in [
        "--list-drift 0.9",
        "--list-drift 0.9 --clamp 17",
        "--list-drift 0.9 --ignore-limit",
        "--list-drift 0.5 --short-pages 0.3",
        "--list-drift 0.5 --too-large 6000",
        "--list-drift 0.5 --errors 0.1 --resets 0.1 --cut 0.05 --empty-body 0.05 --error-answers 0.05",
    ] {
        let service = Service::start(&format!("--account-contacts 230 {switches}"));
        for page_size in [7, 40, 100] {
            let outcome = command(service.url(), "contacts --out contacts.csv --retries 20")
                .args(&format!("--page-size {page_size}"));
            outcome.expect(0);
            let text = read(&outcome.path("contacts.csv"));
            let found: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
            let unique: BTreeSet<String> = found.iter().map(|id| (*id).to_owned()).collect();
            assert_eq!(found.len(), unique.len(), "{switches}, {page_size} at once: none twice");
            assert_eq!(unique, expected, "{switches}, {page_size} at once");
        }
    }
}

#[test]
fn the_contact_that_was_active_last_is_first_with_the_time_of_its_last_message() {
    let service = Service::start("--account-contacts 60 --list-drift 1");
    let contacts = listed(service.url(), "--page-size 20");
    let times: Vec<_> =
        contacts.iter().map(|contact| contact["latest_message_time"].as_str().unwrap()).collect();
    assert!(times.iter().rev().is_sorted());
    assert!(times[0].starts_with("2026-09-01T00:00:"), "somebody wrote meanwhile: {}", times[0]);
    assert!(contacts.iter().all(|contact| contact["unread_message_count"].is_i64()));
}

#[test]
fn a_part_of_them_is_listed() {
    let service = Service::start("--account-contacts 120");
    let all = listed(service.url(), "");
    let live = listed(service.url(), "--filter live");
    let is_live = |contact: &&Value| contact["conversation_status"] == "live";
    assert_eq!(ids(&live), ids(&all.iter().filter(is_live).cloned().collect::<Vec<_>>()));
    assert!(!live.is_empty() && live.len() < 120);
    let unread = listed(service.url(), "--filter unread --page-size 5");
    assert!(unread.iter().all(|contact| contact["unread_message_count"].as_i64() > Some(0)));
    assert_eq!(
        unread.len(),
        all.iter().filter(|contact| contact["unread_message_count"].as_i64() > Some(0)).count()
    );
    let address = all[5]["email"].as_str().unwrap();
    let found = command(service.url(), "contacts --format jsonl").args("--search").arg(address);
    assert_eq!(lines(&found.expect(0)), [all[5].clone()]);
    let since = all[40]["latest_message_time"].as_str().unwrap();
    assert_eq!(listed(service.url(), &format!("--active-since {since}")), all[..=40]);
    assert_eq!(listed(service.url(), "--active-since 2023-01-01").len(), 120);
    let nonsense = command(service.url(), "contacts --active-since someday").expect(2);
    assert!(
        nonsense.last_line().contains("invalid time \"someday\" for --active-since"),
        "{}",
        nonsense.stderr
    );
}

#[test]
fn the_list_is_a_contacts_file() {
    let service = Service::start("--account-contacts 12 --max-messages 40");
    let list = command(service.url(), "contacts --out contacts.csv");
    let told = list.expect(0);
    assert_eq!(
        (told.stdout.as_str(), told.last_line().as_str()),
        ("", "12 contacts are listed in contacts.csv")
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(list.path("contacts.csv")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let run = Export::run_of(service.url(), [""; 0]).args("--format jsonl");
    run.write("contacts.csv", read(&list.path("contacts.csv")));
    let outcome = run.expect(0);
    assert_eq!((outcome.contacts("requested"), outcome.contacts("exported")), (12, 12));
}

/// Names that another service might use for contacts.
fn hostile() -> Vec<Value> {
    let names = [
        json!("Ada, \"the\" first"),
        json!("two\r\nlines"),
        json!("=cmd()"),
        json!("\u{1b}[31mred\u{202e}"),
        json!("nul\u{0}"),
        json!(" padded "),
        json!(null),
        json!({"first": "Zoë"}),
        json!(7),
        json!("a;b\tc"),
    ];
    let contact = |(at, name): (usize, &Value)| {
        json!({
            "contact_id": format!("id-{at},\"x\""), "contact_name": name, "unread_message_count": "1",
            "latest_message_time": format!("2026-11-{:02}T10:00:00+05:30", 28 - at), "channels": ["whatsapp", "website"],
        })
    };
    names.iter().enumerate().map(contact).collect()
}

const READ_BACK: &str = r#"
import csv, json, sys, duckdb
path, jsonl = sys.argv[1:]
with open(path, encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file, strict=True))
query = "SELECT contact_id, contact_name, channels, latest_message_time FROM read_csv(?, all_varchar=true, header=true, strict_mode=true)"
duck = duckdb.execute(query, [path]).fetchall()
names = duckdb.execute("SELECT contact_name FROM read_json(?, columns={contact_name: 'VARCHAR'})", [jsonl]).fetchall()
typed = duckdb.execute("SELECT typeof(latest_message_time), typeof(unread_message_count), typeof(channels) FROM read_json_auto(?) LIMIT 1", [jsonl]).fetchone()
print(json.dumps({"csv": [[r["contact_id"], r["contact_name"]] for r in rows], "duck": duck, "jsonl": names, "typed": typed}))
"#;

#[test]
fn other_programs_read_it_whatever_the_names() {
    let server = Scripted::api(|asked| part(asked, &hostile()));
    let csv = command(server.url(), "contacts --out list.csv");
    csv.expect(0);
    let jsonl = command(server.url(), "contacts --out list.ndjson");
    jsonl.expect(0);
    let output = Command::new(python())
        .args(["-c", READ_BACK])
        .args([csv.path("list.csv"), jsonl.path("list.ndjson")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (at, contact) in hostile().iter().enumerate() {
        let name = match &contact["contact_name"] {
            Value::String(name) => name.replace('\0', "\u{fffd}"),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        assert_eq!(read["csv"][at], json!([contact["contact_id"], name]));
        assert_eq!(read["duck"][at][0], contact["contact_id"]);
        assert_eq!(read["duck"][at][1].as_str().unwrap_or_default(), name);
        assert_eq!(read["duck"][at][2], "whatsapp;website");
        assert_eq!(read["duck"][at][3], format!("2026-11-{:02}T04:30:00.000000Z", 28 - at));
        let exact = contact["contact_name"].as_str().map_or(name, str::to_owned);
        assert_eq!(read["jsonl"][at][0].as_str().unwrap_or_default(), exact);
    }
    assert_eq!(read["typed"], json!(["TIMESTAMP WITH TIME ZONE", "BIGINT", "VARCHAR[]"]));
    // So does this program.
    let run = command(server.url(), "run --contacts list.csv --dry-run");
    run.write("list.csv", crate::support::export::read(&csv.path("list.csv")));
    assert!(run.expect(0).stderr.contains("contacts:    10 in list.csv"));
}

#[test]
fn data_goes_to_stdout_and_words_to_stderr() {
    let service = Service::start("--account-contacts 3");
    let quiet = command(service.url(), "contacts --quiet").expect(0);
    assert_eq!((quiet.stdout.lines().count(), quiet.stderr.as_str()), (4, ""));
    let told = command(service.url(), "contacts").expect(0);
    assert_eq!(
        (told.stdout.as_str(), told.last_line()),
        (quiet.stdout.as_str(), "3 contacts are listed".to_owned())
    );
    let json = command(service.url(), "contacts --json --out list.jsonl --log-format json").expect(0);
    let summary: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (&summary["contacts"], &summary["format"], &summary["doubts"]),
        (&json!(3), &json!("jsonl"), &json!([]))
    );
    let last: Value = serde_json::from_str(json.stderr.lines().next_back().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&json!("listed"), &json!(0)));
    let both = command(service.url(), "contacts --json").expect(2);
    assert_eq!(both.last_line(), "error: --json requires --out FILE: the list itself goes to stdout");
    let simulated = Export::command("contacts --simulated").expect(0);
    assert_eq!(simulated.stdout.lines().count(), 51);
}

#[test]
fn a_token_names_the_account_or_somebody_must() {
    let payload = "eyJlbWFpbCI6Im1lQHNob3AuZXhhbXBsZSJ9"; // {"email":"me@shop.example"}
    let server = Scripted::start(|asked| part(asked, &[json!({"contact_id": "a"})]));
    let by_token = |token: &str| {
        let command = Export::command("contacts --progress never").base_url(server.url());
        command.env("CHATZY_TOKEN", token)
    };
    by_token(&format!("eyJh.{payload}.c2ln")).expect(0);
    assert_eq!(server.asked().last().unwrap().query["user_email_id"], "me@shop.example");
    let nameless = by_token("any").expect(2);
    insta::assert_snapshot!(nameless.last_line(), @"error: the token does not name the account, whose e-mail address is needed to list its contacts: set CHATZY_EMAIL");
    by_token("any").env("CHATZY_EMAIL", "you@shop.example").expect(0);
    assert_eq!(server.asked().last().unwrap().query["user_email_id"], "you@shop.example");
}

#[test]
fn what_keeps_a_list_from_being_read_is_told() {
    let ignores = Service::start("--account-contacts 60 --ignore-offset");
    let outcome = command(ignores.url(), "contacts --page-size 20 --out list.csv");
    let told = outcome.expect(2);
    insta::assert_snapshot!(told.last_line(), @"error: the API ignores the offset of the list of contacts: only its first part can be read");
    assert!(!outcome.path("list.csv").exists());
    let refuses = Scripted::api(|_| Answer::message(403, "no"));
    let told = command(refuses.url(), "contacts").expect(4);
    assert!(
        told.last_line().starts_with("error: the API refuses the list of contacts (403: no)"),
        "{}",
        told.stderr
    );
    let missing = Scripted::api(|_| Answer::message(404, "no"));
    command(missing.url(), "contacts").expect(2);
    let broken = Scripted::api(|_| Answer::new(200, r#"{"error":"no database"}"#));
    let told = command(broken.url(), "contacts --retries 1").expect(5);
    assert!(told.last_line().contains("no database"), "{}", told.stderr);
    let service = Service::start("--account-contacts 3");
    let no_place = command(service.url(), "contacts --out nowhere/list.csv").expect(6);
    assert!(no_place.last_line().contains("nowhere/list.csv"), "{}", no_place.stderr);
}

/// A list in which all contacts write all the time. No two responses share a contact that did not write in
/// between.
fn restless(asked: &Asked) -> Answer {
    let turn = |at: usize| (at * 7 + asked.before * 13) % 40;
    let contact = |at: usize| {
        let minute = 59 - at;
        json!({"contact_id": format!("c{}", turn(at)), "latest_message_time": format!("2026-11-20T{:02}:{minute:02}:00Z", asked.before % 24)})
    };
    part(asked, &(0..40).map(contact).collect::<Vec<_>>())
}

#[test]
fn a_list_that_cannot_be_proved_is_doubted() {
    let server = Scripted::api(restless);
    let command = command(server.url(), "contacts --page-size 5 --quiet --out list.csv");
    let outcome = command.expect(3);
    assert!(
        outcome.first_line().starts_with("warning: the list of contacts kept changing while it was read")
    );
    let told = "but some may be missing (see above): list them again: chatzy-export contacts --page-size 5";
    assert!(outcome.whole_last_line().contains(told), "{}", outcome.stderr);
    assert!(command.path("list.csv").exists(), "what was listed is written");
}

#[test]
fn an_entry_without_an_id_is_told() {
    let server = Scripted::api(|asked| {
        part(asked, &[json!({"contact_id": "a"}), json!({"contact_name": "x"}), json!(7)])
    });
    let outcome = command(server.url(), "contacts").expect(3);
    assert_eq!(outcome.stdout.lines().count(), 2);
    assert!(outcome.stderr.contains("2 listed contacts have no valid ID"), "{}", outcome.stderr);
}

fn all(service: &Service) -> Export {
    command(service.url(), "run --all-contacts --format jsonl --page-size 20 --concurrency 4")
}

#[test]
fn all_contacts_are_exported_in_one_go() {
    let service = Service::start("--account-contacts 25 --max-messages 60");
    let outcome = all(&service).expect(0);
    let input = &outcome.manifest()["input"];
    assert_eq!(
        (&input["path"], &input["contacts"], &input["lines"]),
        (&json!("all-contacts"), &json!(25), &json!(25))
    );
    let exported = outcome.rows("coverage").column("contact_id");
    assert!(exported.is_sorted(), "by ID, not by activity");
    assert_eq!(exported.len(), 25);
    assert!(!outcome.out.join("_work").exists());
    let verified = Export::command("verify --deep").arg(&outcome.out.to_string_lossy()).run();
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    // A file with the same contacts gives the same rows.
    let by_file = Export::run_of(service.url(), &exported).args("--format jsonl --page-size 20").expect(0);
    let mut rows = substance(&by_file);
    let mut reference = substance(&outcome);
    for rows in [&mut rows, &mut reference] {
        for row in &mut rows.tables.get_mut("coverage").unwrap().0 {
            row["input_line"] = Value::Null; // there is a header in the file
        }
    }
    assert_same(&rows, &reference, "by file");
}

#[test]
fn a_run_that_goes_on_has_the_same_contacts() {
    let service = Service::start("--account-contacts 40 --max-messages 60 --latency 4ms --list-drift 1");
    let reference = Service::start("--account-contacts 40 --max-messages 60");
    let expected = all(&reference).expect(0).rows("coverage").column("contact_id");
    for after in [2, 6, 9, 15, 40, 90] {
        let run = all(&service).out(&format!("after-{after}"));
        let before = service.stats().requests;
        let running = run.start();
        service.wait_for_requests(before + after);
        running.signal("KILL");
        running.wait(Duration::from_secs(5));
        let list = run.out_path().join("_work/all-contacts.json");
        let kept = list.exists().then(|| read(&list));
        let listings = service.stats().by_endpoint[&Endpoint::Contacts];
        let outcome = run.expect(0);
        if kept.is_some() {
            let now = service.stats().by_endpoint[&Endpoint::Contacts];
            assert_eq!(now, listings, "killed after {after} requests: the list is not asked for again");
        }
        assert_eq!(outcome.rows("coverage").column("contact_id"), expected, "killed after {after} requests");
        assert!(!outcome.out.join("_work").exists());
    }
}

/// A run that was killed after it had read some of its contacts.
fn unfinished(service: &Service) -> Export {
    let run = all(service);
    let before = service.stats().requests;
    let running = run.start();
    service.wait_for_requests(before + 40);
    running.signal("KILL");
    running.wait(Duration::from_secs(5));
    assert!(run.out_path().join("_work/all-contacts.json").exists());
    run
}

#[test]
fn another_list_is_not_taken_for_the_unfinished_runs() {
    let service = Service::start("--account-contacts 40 --max-messages 60 --latency 4ms");
    let run = unfinished(&service);
    let by_file = Export::run_of(service.url(), ["a"]).args("--format jsonl");
    let by_file = by_file.out(&run.out_path().to_string_lossy()).expect(9);
    assert!(by_file.last_line().contains("was all-contacts and is now"), "{}", by_file.stderr);
    let list = run.out_path().join("_work/all-contacts.json");
    let text = read(&list);
    let first = json_of(&list)["contacts"][0].as_str().unwrap().to_owned();
    crate::support::export::write(&list, text.replace(&first, "somebody-else"));
    let damaged = run.expect(9);
    assert!(damaged.last_line().contains("its list of contacts is damaged"), "{}", damaged.stderr);
    std::fs::remove_file(&list).unwrap();
    let missing = run.expect(9);
    assert!(missing.last_line().contains("its list of contacts is missing"), "{}", missing.stderr);
    assert_eq!(run.args("--fresh").expect(0).contacts("exported"), 40);
}

#[test]
fn whom_to_export_is_said_once() {
    let both = Export::command("run --all-contacts --contacts x.csv").expect(2);
    assert!(
        both.last_line().contains("'--all-contacts' cannot be used with '--contacts <FILE>'"),
        "{}",
        both.stderr
    );
    let none = Export::command("run --simulated").expect(2);
    insta::assert_snapshot!(none.last_line(), @"error: missing --contacts FILE, --all-contacts, --contact ID or --search TEXT");
    let service = Service::start("--account-contacts 7");
    let plan = command(service.url(), "run --all-contacts --dry-run").expect(0);
    assert!(plan.stderr.contains("contacts:    7, all contacts of the account"), "{}", plan.stderr);
    assert!(!plan.out.exists());
    Export::command("run --all-contacts --simulated --progress never").expect(0);
    let nobody = Service::start("--account-contacts 0");
    let nobody = command(nobody.url(), "run --all-contacts").expect(2);
    assert_eq!(nobody.last_line(), "error: the account has no contacts: there is nothing to export");
}

#[test]
fn a_doubtful_list_of_all_contacts_is_exported_and_said() {
    // Parts of five contacts, since a part of one hundred would hold all of them.
    let server = Scripted::api(|asked| {
        let mut asked = asked.clone();
        asked.query.insert("limit".to_owned(), "5".to_owned());
        if asked.endpoint == "get_contact_conversations" { restless(&asked) } else { Answer::page(&asked, 2) }
    });
    let outcome = command(server.url(), "run --all-contacts").expect(3);
    let manifest = outcome.manifest();
    assert_eq!(manifest["status"], "partial");
    assert!(manifest["input"]["doubts"][0].as_str().unwrap().contains("contacts may be missing"));
    assert!(
        outcome.last_line().contains("is published, but doubtful (the list of contacts kept changing"),
        "{}",
        outcome.stderr
    );
    let verified = Export::command("verify --deep").arg(&outcome.out.to_string_lossy()).run();
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
}
