//! `check` tests each condition of a run independently of the others, and leaves nothing behind.

mod destination;
mod plan;

use std::time::{Duration, SystemTime};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::secret_leaks::{self, sweep};
use crate::support::export::{EMAIL, Export, Outcome, PASSWORD};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::service::Service;

/// The command, with a contacts file if there are contacts.
fn check<C: AsRef<str>>(url: &str, contacts: impl IntoIterator<Item = C>) -> Export {
    let mut lines = "contact_id\n".to_owned();
    for contact in contacts {
        lines.push_str(contact.as_ref());
        lines.push('\n');
    }
    let export = Export::command("check --progress never --json").base_url(url);
    let export = export.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD);
    if lines.lines().count() == 1 {
        return export;
    }
    export.write("given/contacts.csv", lines);
    export.args("--contacts given/contacts.csv")
}

/// The command for all contacts of the account.
fn check_all(url: &str) -> Export {
    check(url, [""; 0])
}

fn document(outcome: &Outcome) -> Value {
    let document: Value = serde_json::from_str(&outcome.stdout).expect("one JSON document");
    assert_eq!(document["exit_code"], json!(outcome.code), "{}", outcome.stdout);
    document
}

/// A finding by its name.
fn finding(outcome: &Outcome, name: &str) -> Value {
    let document = document(outcome);
    let checks = document["checks"].as_array().expect("a list");
    checks.iter().find(|finding| finding["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
}

/// The status and the text of a finding.
fn told(outcome: &Outcome, name: &str) -> (String, String) {
    let finding = finding(outcome, name);
    let text = |key: &str| finding[key].as_str().expect("a text").to_owned();
    (text("status"), text("detail"))
}

/// The names of the findings with this status.
fn with_status(outcome: &Outcome, status: &str) -> Vec<String> {
    let document = document(outcome);
    let checks = document["checks"].as_array().expect("a list").iter();
    let names = checks.filter(|finding| finding["status"] == status);
    names.map(|finding| finding["name"].as_str().expect("a name").to_owned()).collect()
}

/// The text without values that differ from run to run and from machine to machine.
fn steady(outcome: &Outcome) -> String {
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let steady = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let volatile = |at: usize| {
            let next = words.get(at + 1).copied().unwrap_or_default();
            is_number(words[at]) && ["GiB", "MiB", "KiB", "TiB", "ms"].contains(&next) || words[at] == "1s"
        };
        let words: Vec<_> = (0..words.len()).map(|at| if volatile(at) { "N" } else { words[at] }).collect();
        words.join(" ")
    };
    // A range of response times may have equal ends.
    let without_range = |line: String| {
        let words: Vec<&str> = line.split(' ').collect();
        match (0..words.len()).find(|at| words[*at] == "to" && words.get(at + 2) == Some(&"ms")) {
            Some(at) => [&words[..at - 1], &words[at + 1..]].concat().join(" "),
            None => line.replace(", response times vary", ""),
        }
    };
    let mut lines: Vec<String> = outcome.stderr.lines().map(steady).map(without_range).collect();
    lines.pop();
    lines.push(outcome.whole_last_line());
    lines.join("\n")
}

#[test]
fn a_good_day() {
    let service = Service::start("--account-contacts 60 --max-messages 40");
    let export = check_all(service.url()).args("--out export");
    let outcome = export.expect(0);
    assert_snapshot!(steady(&outcome), @r"
    signed in for 60 minutes
    ok       destination  export does not exist yet and can be created in .
    ok       space        N GiB free
    ok       sign in      the token is valid for 60 minutes and is renewed
    ok       contacts     60, all contacts of the account
    ok       contact      10 sampled: 10 with messages
    ok       limit        honored; it counts messages over all conversations
    ok       offset       honored; it counts messages over all conversations
    ok       order        newest first
    ok       rate limits  no header states a limit; a run learns it
    ok       compression  none: a page of N KiB is sent uncompressed
    ok       http         HTTP/1.1, response after N ms including the connection
    ok       clock        within 30 s of the API's clock
    plan     60 contacts with 520 to 1,600 messages, estimated from 10 contacts
    plan     63 to 97 requests of N ms
    plan     N with at most 32 requests in flight
    plan     N KiB to N MiB of disk space until publication
    plan     ranges, because 10 of 60 contacts were sampled, and texts compress differently
    a run would work; to start it, run: chatzy-export run --progress never --base-url API --out export --all-contacts
    ");
    let document = document(&outcome);
    assert_eq!(document["status"], "ok");
    let names: Vec<_> = document["checks"].as_array().unwrap().iter().map(|check| &check["name"]).collect();
    assert_eq!(
        names,
        [
            "destination",
            "space",
            "sign_in",
            "contacts",
            "contact",
            "limit",
            "offset",
            "order",
            "rate_limits",
            "compression",
            "http",
            "clock"
        ]
    );
    let life = finding(&outcome, "sign_in")["token_life_seconds"].as_u64().unwrap();
    assert!((3500..=3600).contains(&life), "{life}");
    assert!(finding(&outcome, "space")["free_bytes"].as_u64() > Some(0));
    assert_eq!(document["plan"]["contacts"], 60);
    // The last line has the command of a run, and that run works.
    let run = Export::command("run --progress never --all-contacts --format jsonl").base_url(service.url());
    run.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD).expect(0);
}

#[test]
fn words_are_for_people_and_the_document_for_machines() {
    let service = Service::start("--account-contacts 3 --max-messages 9");
    let quiet = check_all(service.url()).args("--quiet").expect(0);
    assert_eq!(quiet.stderr, "");
    assert_eq!(document(&quiet)["plan"]["contacts"], 3);
    let log =
        check_all(service.url()).args("--log-format json --out contacts.csv/x").also("contacts.csv", "");
    let log = log.expect(6);
    let lines: Vec<Value> =
        log.stderr.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let failed = lines.iter().find(|line| line["level"] == "error").expect("the failure");
    assert!(failed["message"].as_str().unwrap().starts_with("destination: "), "{failed}");
    let last = lines.last().unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&json!("failed"), &json!(6)));
    let good = check_all(service.url()).args("--log-format json").expect(0);
    let last: Value = serde_json::from_str(good.stderr.lines().next_back().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&json!("checked"), &json!(0)));
    let simulated = Export::command("check --simulated").expect(0);
    assert_eq!(simulated.stdout, "");
    assert!(
        simulated.whole_last_line().ends_with("chatzy-export run --simulated --all-contacts --out ./export")
    );
}

#[test]
fn a_refused_sign_in_hides_no_bad_destination_and_the_other_way_round() {
    let service = Service::start("--email owner@shop.example --sim-password another --token good");
    let export = check_all(service.url()).args("--out file/export").also("file", "");
    let outcome = export.expect(4);
    assert_eq!(with_status(&outcome, "fail"), ["destination", "sign_in"]);
    assert_eq!(document(&outcome)["plan"], Value::Null);
    assert_snapshot!(outcome.last_line(), @"error: sign-in refused (401 Unauthorized: Incorrect username or password.): check the credentials (1 more failure above); to check again, run: chatzy-export check --progress never --json --base-url API --out file/export");
    let refused = check_all(service.url()).args("--out export").expect(4);
    assert_eq!(with_status(&refused, "fail"), ["sign_in"]);
    assert_eq!(told(&refused, "destination").0, "ok");
    // The first response shows that a given token is invalid.
    for contacts in [vec!["messages-3-a"], vec![]] {
        let token = check(service.url(), contacts).env_remove("CHATZY_PASSWORD").env("CHATZY_TOKEN", "bad");
        assert_eq!(with_status(&token.expect(4), "fail"), ["sign_in"]);
    }
    let token = check_all(service.url()).env_remove("CHATZY_PASSWORD").env("CHATZY_TOKEN", "good");
    let token = token.expect(0);
    assert_eq!(with_status(&token, "warn"), ["sign_in"]);
    assert!(
        token
            .whole_last_line()
            .starts_with("a run would work, with 1 warning above; to start it, run: chatzy-export run ")
    );
}

#[test]
fn what_is_not_the_api_or_does_not_answer() {
    let web = Scripted::start(|asked| if asked.is_sign_in() { Answer::token("t") } else { Answer::html() });
    let outcome = check(web.url(), ["a"]).args("--retries 1 --out export").expect(2);
    assert_eq!(with_status(&outcome, "fail"), ["contact"]);
    let moved = Scripted::start(|_| Answer::redirect("https://other.example/"));
    let outcome = check(moved.url(), ["a"]).expect(2);
    assert_eq!(with_status(&outcome, "fail"), ["sign_in"]);
    let token = |export: Export| export.env_remove("CHATZY_PASSWORD").env("CHATZY_TOKEN", "any");
    let outcome = token(check_all("http://127.0.0.1:1")).args("--retries 1 --out export").expect(5);
    assert_eq!(with_status(&outcome, "fail"), ["contacts"]);
    assert_eq!(told(&outcome, "destination").0, "ok");
    let refuses = Scripted::api(|_| Answer::message(403, "no"));
    let outcome = check(refuses.url(), ["a", "b"]).expect(4);
    assert_eq!(
        told(&outcome, "contact"),
        ("fail".into(), "all 2 sampled contacts failed, the first with 403: no".into())
    );
    let odd = Scripted::api(|_| Answer::message(400, "odd"));
    check(odd.url(), ["a", "b"]).expect(2);
    let broken = Scripted::api(|_| Answer::message(500, "crashed"));
    let outcome = check(broken.url(), ["a"]).args("--retries 1").expect(5);
    assert_eq!(with_status(&outcome, "fail"), ["contact"]);
}

#[test]
fn invalid_missing_and_empty_contacts() {
    let service = Service::start("--account-contacts 5");
    let bad = check(service.url(), ["a\u{1}b"]).args("--out export").expect(2);
    assert_eq!(with_status(&bad, "fail"), ["contacts"]);
    let (_, detail) = told(&bad, "contacts");
    assert!(detail.contains("given/contacts.csv") && detail.contains("line 2"), "{detail}");
    assert_eq!((told(&bad, "sign_in").0, told(&bad, "destination").0), ("ok".into(), "ok".into()));
    let empty = Scripted::api(|_| Answer::new(200, r#"{"data":{"data":{"contacts":[]}}}"#));
    let none = check_all(empty.url()).expect(2);
    assert_eq!(with_status(&none, "fail"), ["contacts"]);
    let unknown = check(service.url(), ["unknown-a", "unknown-b"]).expect(0);
    assert_eq!(with_status(&unknown, "warn"), ["contact"]);
    let mixed = check(service.url(), ["unknown-a", "empty-b", "messages-7-c"]).expect(0);
    assert_eq!(told(&mixed, "contact").1, "3 sampled: 1 with messages, 1 empty, 1 not found");
    let no_credentials = Export::command("check").base_url(service.url()).expect(2);
    assert!(no_credentials.last_line().starts_with("error: no credentials"), "{}", no_credentials.stderr);
    let single = check(service.url(), ["messages-1-a"]).expect(0);
    assert_eq!(with_status(&single, "skipped"), ["destination", "space", "limit", "offset", "order"]);
}

#[test]
fn an_offset_that_is_ignored() {
    let service = Service::start("--ignore-offset");
    let outcome = check(service.url(), ["messages-300-a", "messages-3-b"]).args("--out export").expect(2);
    assert_eq!(with_status(&outcome, "fail"), ["offset"]);
    assert_eq!(document(&outcome)["plan"], Value::Null);
    assert_snapshot!(outcome.whole_last_line(), @"error: the API ignores `offset`: histories longer than a page cannot be read; to check again, run: chatzy-export check --progress never --json --base-url API --contacts given/contacts.csv --out export");
    // A short history shows it, too.
    check(service.url(), ["messages-2-b"]).expect(2);
}

#[test]
fn how_pages_are_cut() {
    let contacts = ["messages-700-a", "messages-30-b", "messages-3-c"];
    let of = |switches: &str| {
        let service = Service::start(switches);
        let outcome = check(service.url(), contacts).expect(0);
        let [limit, offset, order] = ["limit", "offset", "order"].map(|name| finding(&outcome, name));
        let told =
            [&limit["status"], &limit["counts"], &limit["clamped"], &offset["counts"], &order["order"]];
        let told = told.map(|value| value.as_str().map_or(value.to_string(), str::to_owned)).join(" ");
        (told, limit["page_size"].as_u64().unwrap())
    };
    for (switches, expected, page) in [
        ("", "ok messages false messages newest_first", 100),
        ("--order oldest", "ok messages false messages oldest_first", 100),
        ("--clamp 40", "warn messages true messages newest_first", 40),
        ("--clamp 3", "warn unknown true messages newest_first", 3),
        ("--ignore-limit", "warn ignored true messages newest_first", 50),
        ("--per-conversation", "ok per_conversation false per_conversation newest_first", 100),
        ("--per-conversation --order oldest", "ok per_conversation false per_conversation oldest_first", 100),
        ("--grouping never", "ok messages false messages newest_first", 100),
        ("--grouping never --flat-ids off", "ok messages false messages newest_first", 100),
        ("--too-large 9000", "warn messages true messages newest_first", 12),
    ] {
        let (told, told_page) = of(switches);
        assert_eq!(told, expected, "{switches}");
        assert!(told_page <= page && told_page * 4 > page, "{switches}: {told_page}");
    }
}

#[test]
fn a_chat_that_changes_is_no_server_that_ignores_offsets() {
    let service = Service::start("--drift-insert 1 --drift-delete 0.5");
    let outcome = check(service.url(), ["messages-400-a", "messages-90-b"]).expect(0);
    assert_eq!(told(&outcome, "offset").0, "warn");
    assert!(document(&outcome)["plan"]["requests"].as_u64() > Some(2));
}

/// A page of thirty messages, with these headers.
fn with_headers(asked: &Asked, headers: &[(&'static str, String)]) -> Answer {
    let mut answer = Answer::page(asked, 30);
    answer.headers.extend_from_slice(headers);
    answer
}

#[test]
fn the_manner_of_the_answers() {
    let service = Service::start("--compress");
    let outcome = check(service.url(), ["messages-300-a"]).expect(0);
    let compression = finding(&outcome, "compression");
    assert_eq!(compression["encoding"], "zstd");
    assert!(compression["wire_bytes"].as_u64() < compression["bytes"].as_u64(), "{compression}");
    assert!(compression["wire_bytes"].as_u64() > Some(0));
    assert_eq!(finding(&outcome, "http")["version"], "HTTP/1.1");
    let limited = Scripted::api(|asked| {
        let headers = [
            ("x-ratelimit-limit", "100".to_owned()),
            ("x-amzn-requestid", "no rate".to_owned()),
            ("x-ratelimit-note", format!("for token-1 of {EMAIL}\u{9b}31m")),
        ];
        with_headers(asked, &headers)
    });
    let outcome = check(limited.url(), ["a"]).expect(0);
    let headers = finding(&outcome, "rate_limits")["headers"].clone();
    assert_eq!(headers["x-ratelimit-limit"], "100");
    assert_eq!(headers.as_object().unwrap().len(), 2, "{headers}");
    let note = headers["x-ratelimit-note"].as_str().unwrap();
    assert!(note.starts_with("for *** of ***") && !note.contains('\u{9b}'), "{note}");
}

#[test]
fn a_clock_that_differs_is_told() {
    for (offset, is_behind, expected) in [(3600, true, "warn"), (86_400, false, "warn"), (0, false, "ok")] {
        let server = Scripted::api(move |asked| {
            let offset = Duration::from_secs(offset);
            let now = SystemTime::now();
            let date = if is_behind { now + offset } else { now - offset };
            with_headers(asked, &[("date", httpdate::fmt_http_date(date))])
        });
        let outcome = check(server.url(), ["a"]).expect(0);
        let clock = finding(&outcome, "clock");
        assert_eq!(clock["status"], expected, "{clock}");
        let skew = clock["skew_seconds"].as_i64().unwrap();
        let offset = i64::try_from(offset).unwrap();
        assert!((skew - if is_behind { -offset } else { offset }).abs() < 30, "{clock}");
    }
}

#[test]
fn an_answer_that_cannot_be_looked_at_is_a_warning() {
    // The page of the sample, two pages for the limit and one for the offset come before.
    let server =
        Scripted::api(
            |asked| {
                if asked.before >= 4 { Answer::message(500, "no") } else { Answer::page(asked, 30) }
            },
        );
    let outcome = check(server.url(), ["a"]).expect(0);
    assert_eq!(told(&outcome, "http").0, "warn");
    assert_eq!(told(&outcome, "clock").0, "skipped");
}

#[test]
fn faults_that_pass_are_waited_out() {
    for seed in 1..4 {
        let faults =
            "--errors 0.03 --resets 0.02 --cut 0.02 --html 0.01 --empty-body 0.02 --error-answers 0.02";
        let service = Service::start(&format!("--account-contacts 40 --seed {seed} {faults}"));
        let outcome = check_all(service.url()).args("--out export --retries 20").expect(0);
        assert_eq!(with_status(&outcome, "fail"), [""; 0], "{seed}");
        assert_eq!(told(&outcome, "offset").0, "ok", "{seed}");
    }
}

#[test]
fn nothing_secret_and_nothing_personal_is_told() {
    let server = Scripted::start(|asked| match asked.is_sign_in() {
        true => Answer::token(secret_leaks::GRANTED),
        false if asked.endpoint == "get_contact_conversations" => {
            let contact = json!({"contact_id": format!("{}a", secret_leaks::ID), "contact_name": secret_leaks::NAME,
                "phone_number": secret_leaks::PHONE});
            let contacts = if asked.query["offset"] == "0" { vec![contact] } else { Vec::new() };
            Answer::new(200, json!({"data": {"data": {"contacts": contacts}}}).to_string())
        }
        false => {
            let mut page = secret_leaks::page(asked);
            page.headers
                .push(("x-ratelimit-for", format!("{} {}", secret_leaks::GRANTED, secret_leaks::EMAIL)));
            page
        }
    });
    for contacts in [vec![], vec![format!("{}a", secret_leaks::ID)]] {
        for log in ["text", "json"] {
            let export = check(server.url(), &contacts)
                .env("CHATZY_EMAIL", secret_leaks::EMAIL)
                .env("CHATZY_PASSWORD", secret_leaks::PASSWORD)
                .args("-vv --out export --log-format")
                .arg(log);
            let outcome = export.expect(0);
            assert!(outcome.stdout.contains("***"), "the secrets were quoted, and masked");
            sweep(&export, log);
        }
    }
}

#[test]
fn a_signal_ends_it_at_once() {
    let service = Service::start("--latency 1m");
    let export = check(service.url(), ["a", "b", "c"]).args("--out export");
    let running = export.start();
    service.wait_for_requests(1);
    running.signal("INT");
    let outcome = running.wait(Duration::from_mins(1)).expect(130);
    assert_eq!(outcome.stdout, "");
    assert!(
        outcome.last_line().starts_with("error: interrupted: nothing was written: "),
        "{}",
        outcome.stderr
    );
    assert!(!export.path("export").exists());
}
