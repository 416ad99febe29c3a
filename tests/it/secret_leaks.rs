//! Secrets and personal data are only where they belong. The tests use distinctive values and search
//! everything that a run prints and writes.

use std::fs;

use crate::support::export::{Export, read, tree};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::service::{Service, wait_until};

pub const PASSWORD: &str = "pa55-canary \"quoted\"/7x";
pub const GRANTED: &str = "eyJhbGciOiJub25lIn0.Z3JhbnRlZC1jYW5hcnk.c2lnbmF0dXJl";
pub const GIVEN: &str = "eyJhbGciOiJub25lIn0.Z2l2ZW4tY2FuYXJ5.c2lnbmF0dXJl";
pub const EMAIL: &str = "Owner.Canary@Shop.example";
/// Secrets that only the API may receive.
pub const SECRETS: [&str; 4] = [PASSWORD, GRANTED, GIVEN, EMAIL];

pub const NAME: &str = "Ximena-Canary";
pub const PHONE: &str = "+4915700990177";
pub const TEXT: &str = "the surprise canary party is on Friday";
/// Personal data of the account. It may be in the tables and in the pages of the work folder only.
pub const PERSONAL: [&str; 3] = [NAME, PHONE, TEXT];

/// Beginnings of all contact IDs here. They may be in no file name, and in no file about the run as a whole.
pub const ID: &str = "id-canary-";

/// All characters in which a secret may be quoted.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap();
    let in_url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut forms = vec![secret.to_owned(), json.trim_matches('"').to_owned(), in_url.clone()];
    forms.push(in_url.replace('+', "%20"));
    forms.iter().map(|form| form.to_ascii_lowercase()).collect()
}

/// Searches all files in the folder of the test, except those that the test itself has put into `given/`.
pub fn sweep(export: &Export, told: &str) {
    for file in tree(&export.path("")) {
        assert!(!file.contains(ID), "{told}: a contact's ID in the name {file}");
        for canary in SECRETS.iter().chain(&PERSONAL) {
            assert!(!file.contains(canary), "{told}: {canary} in the name {file}");
        }
        if file.starts_with("given/") || file == "contacts.csv" || file == "chatzy-export.toml" {
            continue;
        }
        let bytes = fs::read(export.path(&file)).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lower = text.to_ascii_lowercase();
        for form in SECRETS.iter().flat_map(|secret| forms(secret)) {
            assert!(!lower.contains(&form), "{told}: the secret {form} in {file}:\n{text}");
        }
        // The beginning of a secret is a secret, too.
        for part in ["eyJhbGci", "pa55-canary"] {
            assert!(!text.contains(part), "{told}: a part of a secret in {file}:\n{text}");
        }
        let is_of_contacts = ["contacts/", "conversations/", "messages/", "channel_records/", "coverage/"]
            .iter()
            .any(|table| file.contains(table));
        if !is_of_contacts && !file.contains("_work/spool/") {
            for canary in PERSONAL {
                assert!(!text.contains(canary), "{told}: {canary} in {file}:\n{text}");
            }
        }
        if ["manifest.json", "latest.json", "run.json", "publish.json", "checksums.sha256"]
            .iter()
            .any(|name| file.ends_with(name))
        {
            assert!(!text.contains(ID), "{told}: a contact's ID in {file}:\n{text}");
        }
    }
}

/// A page with a person's name, number and message.
pub fn page(asked: &Asked) -> Answer {
    let contact = asked.contact();
    let message = serde_json::json!({
        "message_id": format!("m-{contact}"), "content": TEXT, "created_at": "2026-01-01T00:00:00Z",
        "wa_messages": [{"data": {"from": PHONE, "text": {"body": TEXT}, "type": "text"}}],
    });
    let messages = if asked.query["offset"] == "0" { vec![message] } else { Vec::new() };
    let body = serde_json::json!({"data": {"data": {
        "contact": {"contact_id": contact, "first_name": NAME, "phone_number": PHONE, "user_email_id": "x@y.z"},
        "conversations": [{"conversation_id": "c", "conversation_type": "whatsapp", "messages": messages}],
    }}});
    Answer::new(200, body.to_string())
}

/// The secrets in the request.
fn quoted(asked: &Asked) -> String {
    format!("you sent {} {}", asked.authorization.as_deref().unwrap_or_default(), asked.body)
}

/// A response with all secrets, in one of many shapes.
fn indiscreet(asked: &Asked, shape: &str) -> String {
    let secrets = format!("{} {PASSWORD} {EMAIL}", quoted(asked));
    match shape {
        "message" => serde_json::json!({ "message": secrets }).to_string(),
        // The text is cut in the middle of the token, wherever it is shortened.
        "long" => serde_json::json!({ "message": format!("{}{GRANTED}", "x".repeat(100)) }).to_string(),
        "error" => serde_json::json!({ "error": secrets, "text": TEXT }).to_string(),
        "nested" => {
            serde_json::json!({"data": {"message": format!("{}{GRANTED}", "y".repeat(188))}}).to_string()
        }
        "other" => {
            serde_json::json!({"data": {"first_name": NAME, "phone": PHONE, "text": TEXT, "s": secrets}})
                .to_string()
        }
        "list" => serde_json::json!([{"first_name": NAME, "text": TEXT, "s": secrets}]).to_string(),
        "string" => serde_json::json!(format!("{TEXT} {secrets}")).to_string(),
        "html" => format!("<html><title>{NAME}</title>{TEXT} {PHONE} {secrets}</html>"),
        "plain" => secrets,
        "long plain" => format!("{}{}", "z".repeat(470), secrets),
        "cut" => page(asked).body.chars().take(300).collect(),
        "trailing" => format!("{} {TEXT}", page(asked).body),
        other => panic!("{other}"),
    }
}

const SHAPES: [&str; 12] = [
    "message",
    "long",
    "error",
    "nested",
    "other",
    "list",
    "string",
    "html",
    "plain",
    "long plain",
    "cut",
    "trailing",
];
/// Statuses whose responses are read, and statuses that are enough by themselves.
const TOLD: [u16; 5] = [200, 400, 401, 403, 422];
const UNTOLD: [u16; 7] = [404, 408, 410, 413, 500, 502, 504];

/// Signs in with the secrets.
pub fn export_from<C: AsRef<str>>(url: &str, contacts: impl IntoIterator<Item = C>) -> Export {
    let export = Export::run_of(url, contacts).env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD);
    export.args("-vv --format jsonl --json")
}

#[test]
fn no_answer_makes_it_tell() {
    let server = Scripted::start(|asked| {
        if asked.is_sign_in() {
            return Answer::token(GRANTED);
        }
        let id = asked.contact().trim_start_matches(ID);
        match id.split_once('-') {
            Some((status, shape)) => {
                Answer::new(status.parse().unwrap(), indiscreet(asked, &shape.replace('_', " ")))
            }
            None => page(asked),
        }
    });
    let mut contacts = Vec::new();
    let told = TOLD.iter().flat_map(|status| SHAPES.iter().map(move |shape| (status, shape)));
    for (at, (status, shape)) in told.chain(UNTOLD.iter().map(|status| (status, &"message"))).enumerate() {
        // A valid response in between, so that a failure belongs to a contact and is not an outage.
        contacts.push(format!("{ID}good{at}"));
        contacts.push(format!("{ID}{status}-{}", shape.replace(' ', "_")));
    }
    for log in ["text", "json"] {
        let export = export_from(server.url(), &contacts)
            .args("--retries 1 --page-size 1 --partition-by month,channel --log-format");
        let outcome = export.clone().arg(log).env("CHATZY_TOKEN", GIVEN).expect(3);
        assert!(outcome.contacts("failed") > 50, "most of them failed");
        assert!(outcome.stderr.contains("***"), "secrets were quoted, and masked");
        sweep(&export, log);
    }
    let headers: Vec<_> = server.asked().into_iter().filter_map(|asked| asked.authorization).collect();
    for token in [GIVEN, GRANTED] {
        assert!(headers.contains(&format!("Bearer {token}")), "each was in use");
    }
}

#[test]
fn no_refused_sign_in_makes_it_tell() {
    for (status, code) in [(200, 4), (400, 4), (401, 4), (403, 4), (404, 2), (302, 2), (308, 2)] {
        for shape in ["message", "long", "error", "nested", "html", "plain", "long plain"] {
            if (status, shape) == (200, "html") || (status, shape.contains("plain")) == (200, true) {
                continue; // asked again for a while, since a proxy's page may pass: see below
            }
            let server = Scripted::start(move |asked| {
                let mut answer = Answer::new(status, indiscreet(asked, shape));
                let target = format!("https://{}.example/{GRANTED}?password={}", "host", "pa55-canary");
                answer.headers.push(("location", target));
                answer
            });
            let export = export_from(server.url(), [format!("{ID}a")]);
            export.expect(code);
            export.clone().args("--dry-run --log-format json").expect(code);
            sweep(&export, &format!("{status} {shape}"));
        }
    }
}

#[test]
fn no_endless_trouble_makes_it_tell() {
    for (status, shape) in [(200, "plain"), (500, "message"), (503, "html"), (504, "other")] {
        for is_sign_in in [true, false] {
            let server = Scripted::start(move |asked| match (asked.is_sign_in(), is_sign_in) {
                (true, false) => Answer::token(GRANTED),
                _ => Answer::new(status, indiscreet(asked, shape)),
            });
            let export = export_from(server.url(), [format!("{ID}a"), format!("{ID}b")]);
            let mut running = export.start();
            wait_until("the server has refused it", || server.asked().len() > 2 || running.is_over());
            if !running.is_over() {
                running.signal("KILL");
            }
            running.wait(std::time::Duration::from_mins(1));
            sweep(&export, &format!("{status} {shape} {is_sign_in}"));
        }
    }
}

#[test]
fn a_redirect_with_a_token_in_it_is_not_told() {
    let target = format!("https://{GRANTED}.example/?password={PASSWORD}&text={TEXT}");
    let server =
        Scripted::start(
            move |asked| {
                if asked.is_sign_in() { Answer::token(GRANTED) } else { Answer::redirect(&target) }
            },
        );
    let export = export_from(server.url(), [format!("{ID}a")]);
    export.expect(2);
    sweep(&export, "redirect");
}

#[test]
fn an_unfinished_run_holds_no_secret() {
    let service = Service::start("--latency 20ms");
    let contacts: Vec<String> = (0..60).map(|at| format!("messages-9-{ID}{at}")).collect();
    let export = export_from(service.url(), &contacts).args("--concurrency 2");
    let running = export.start();
    service.wait_for_requests(20);
    running.signal("KILL");
    running.wait(std::time::Duration::from_mins(1));
    assert!(export.path("export/_work/run.json").exists(), "it was killed on its way");
    sweep(&export, "killed");
    export.expect(0);
    sweep(&export, "resumed");
}

#[test]
fn a_run_that_cannot_be_published_holds_no_secret() {
    let server = Scripted::start(|asked| match asked.contact() {
        _ if asked.is_sign_in() => Answer::token(GRANTED),
        contact if contact.ends_with('b') => Answer::new(403, indiscreet(asked, "message")),
        _ => page(asked),
    });
    let export = export_from(server.url(), [format!("{ID}a"), format!("{ID}b")]);
    export.write("export/_runs/latest.json/in-the-way", "");
    export.expect(6);
    let journal = read(&export.path("export/_work/publish.json"));
    assert!(journal.contains("failed.csv"), "the journal is there, and names the list of those that failed");
    sweep(&export, "not published");
}
