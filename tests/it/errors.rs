//! What goes wrong, which exit code it gets, and the one line that tells the user what to do.

use insta::assert_snapshot;

use crate::export::{Export, Outcome, read};
use crate::scripted::{Answer, Scripted};
use crate::service::Service;

/// An export of one contact from an address that must never be asked.
fn unasked() -> Export {
    Export::run_of("http://127.0.0.1:1", ["messages-1-a"])
}

/// The last line of a run with this contacts file: refused before the first request.
fn with_contacts(content: impl AsRef<[u8]>) -> String {
    let export = unasked();
    export.write("contacts.csv", content);
    refused(&export)
}

fn refused(export: &Export) -> String {
    let outcome = export.expect(2);
    assert!(!outcome.out.exists(), "nothing is written");
    outcome.last_line()
}

/// What clap says: its first line, the last one being a hint at --help.
fn misused(arguments: &str) -> String {
    let outcome = unasked().args(arguments).expect(2);
    assert!(!outcome.out.exists(), "nothing is written");
    outcome.first_line()
}

#[test]
fn contacts_files_that_cannot_be_used() {
    let export = unasked().without("--contacts").args("--contacts nowhere.csv");
    assert_snapshot!(refused(&export), @"");
    assert_snapshot!(with_contacts("id,name\n1,Ada\n"), @"");
    assert_snapshot!(with_contacts("contact_id\na\nb\u{1b}[31m\n"), @"");
    assert_snapshot!(with_contacts("contact_id\na\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()), @"");
    assert_snapshot!(with_contacts(b"\xff\xfec\0o\0\n\0"), @"");
    assert_snapshot!(with_contacts(b"contact_id\nM\xfcller\n"), @"");
    assert_snapshot!(with_contacts(""), @"");
    assert_snapshot!(with_contacts("contact_id\n\n  \n"), @"");
    assert_snapshot!(with_contacts(format!("contact_id\n{}\n", "x".repeat(201))), @"");
    assert_snapshot!(with_contacts("contact_id,name\na,\"Ada\n"), @"");
    let export = unasked().args("--contacts-column id");
    assert_snapshot!(refused(&export), @"");
}

#[test]
fn base_urls_that_are_refused() {
    let with_url = |url: &str| refused(&unasked().without("--base-url").base_url(url));
    assert_snapshot!(with_url("http://api.example.com/prod"), @"");
    assert_snapshot!(with_url("https://me:secret@api.example.com/prod"), @"");
    assert_snapshot!(with_url("api.example.com/prod"), @"");
    assert_snapshot!(with_url("ftp://api.example.com/prod"), @"");
    assert_snapshot!(with_url("https://api.example.com/prod?stage=1"), @"");
}

#[test]
fn values_that_options_do_not_have() {
    assert_snapshot!(misused("--format csv"), @"");
    assert_snapshot!(misused("--page-size 101"), @"");
    assert_snapshot!(misused("--concurrency 0"), @"");
    assert_snapshot!(misused("--rate-limit 0"), @"");
    assert_snapshot!(misused("--timeout soon"), @"");
    assert_snapshot!(misused("--channel sms"), @"");
    assert_snapshot!(misused("--partition-by week"), @"");
    assert_snapshot!(misused("--max-failed 101%"), @"");
    assert_snapshot!(misused("--run-id ../x"), @"");
    assert_snapshot!(misused("--tokens abc"), @"");
    assert_snapshot!(misused("-q -v"), @"");
}

#[test]
fn values_that_do_not_go_together() {
    let with = |arguments: &str| refused(&unasked().args(arguments));
    assert_snapshot!(with("--compression gzip"), @"");
    assert_snapshot!(with("--format jsonl --compression zstd:23"), @"");
    assert_snapshot!(with("--since yesterday"), @"");
    assert_snapshot!(with("--since 2026-02-01 --until 2026-01-01"), @"");
    assert_snapshot!(with("--channel website --channel website"), @"");
    assert_snapshot!(with("--target-file-size 0"), @"");
}

#[test]
fn settings_files_with_mistakes() {
    let with = |content: &str| {
        let export = unasked();
        export.write("chatzy-export.toml", content);
        refused(&export)
    };
    assert_snapshot!(with("pagesize = 5\n"), @"");
    assert_snapshot!(with("\npage-size = 500\n"), @"");
    assert_snapshot!(with("format = [\n"), @"");
    assert_snapshot!(refused(&unasked().args("--config nowhere.toml")), @"");
}

#[test]
fn a_settings_file_in_the_working_directory_is_used() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-30-a"]);
    export.write("chatzy-export.toml", "format = 'jsonl'\npage-size = 7\n");
    let outcome = export.expect(0);
    assert_eq!(outcome.rows("messages").len(), 30);
    assert_eq!(outcome.manifest()["options"]["page_size"], 7);
    let outcome = export.args("--page-size 9").out("other").expect(0);
    assert_eq!(outcome.manifest()["options"]["page_size"], 9, "a flag wins");
}

#[test]
fn another_server_is_not_the_api() {
    let export_from = |server: &Scripted| {
        let outcome = Export::run_of(server.url(), ["a", "b"]).expect(2);
        assert!(!outcome.out.join("_runs").exists(), "nothing is published");
        outcome.last_line()
    };
    let redirecting = Scripted::start(|_| Answer::redirect("https://login.example.com/"));
    assert_snapshot!(export_from(&redirecting), @"");
    let html = Scripted::start(|_| Answer::html());
    assert_snapshot!(export_from(&html), @"");
    let other_stage = Scripted::start(|_| Answer::message(403, "Missing Authentication Token"));
    assert_snapshot!(export_from(&other_stage), @"");
    let half = Scripted::api(|_| Answer::message(403, "Missing Authentication Token"));
    assert_snapshot!(export_from(&half), @"");
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Scripted::start(|asked| Answer::page(asked, 3));
    let target = elsewhere.url().to_owned();
    let server = Scripted::api(move |_| Answer::redirect(&format!("{target}/get_contact_conversation_messages")));
    let outcome = Export::run_of(server.url(), ["a"]).expect(2);
    assert_snapshot!(outcome.last_line(), @"");
    assert!(elsewhere.asked().is_empty(), "the token stays at its origin");
}

#[test]
fn contacts_that_do_not_exist_are_no_error() {
    for unknown in ["404", "null", "empty"] {
        let service = Service::start(&format!("--unknown {unknown}"));
        let outcome = Export::run_of(service.url(), (0..30).map(|at| format!("unknown-{at}"))).expect(0);
        assert_eq!(outcome.contacts("not_found"), 30, "{unknown}");
    }
}

/// Refused with these statuses, one contact after the other.
fn all_refused(statuses: &'static [u16], code: i32) -> Outcome {
    let server = Scripted::api(|asked| Answer::message(statuses[asked.before % statuses.len()], "no"));
    let outcome = Export::run_of(server.url(), (0..40).map(|at| format!("c{at}"))).expect(code);
    assert!(!outcome.out.join("_runs").exists(), "nothing is published");
    outcome
}

#[test]
fn the_first_twenty_contacts_refused_is_about_all_of_them() {
    assert_snapshot!(all_refused(&[403], 4).last_line(), @"");
    assert_snapshot!(all_refused(&[400], 2).last_line(), @"");
    all_refused(&[403, 422], 2);
}

#[test]
fn one_refused_contact_fails_alone_and_can_be_run_again() {
    let server = Scripted::api(|asked| match asked.contact() {
        "forbidden, \"b\"" if asked.before < 3 => Answer::message(403, "no access to this contact"),
        _ => Answer::page(asked, 3),
    });
    let export = Export::run_of(server.url(), ["a", r#""forbidden, ""b""""#, "c"]).args("--format jsonl");
    let outcome = export.args("--concurrency 1").expect(3);
    assert_eq!(outcome.contacts("failed"), 1);
    assert_eq!(outcome.manifest()["status"], "partial");
    let row = outcome.rows("coverage").of_contact("forbidden, \"b\"").clone();
    assert_eq!((row["status"].as_str(), row["input_line"].as_u64()), (Some("failed"), Some(3)));
    assert_snapshot!(row["error"].as_str().unwrap(), @"");
    assert_eq!(outcome.rows("contacts").len(), 2, "a contact is exported whole or not at all");
    let failed = format!("_runs/{}/failed.csv", outcome.manifest()["run_id"].as_str().unwrap());
    let server = Scripted::api(|asked| Answer::page(asked, 3));
    let again = Export::run_of(server.url(), ["unused"]).args("--format jsonl");
    again.write("contacts.csv", read(&outcome.out.join(failed)));
    let outcome = again.expect(0);
    assert_eq!(outcome.rows("coverage").column("contact_id"), ["forbidden, \"b\""]);
}

#[test]
fn more_failures_than_allowed_are_not_published() {
    let server = Scripted::api(|asked| match asked.contact() {
        "b" | "c" => Answer::message(403, "no"),
        _ => Answer::page(asked, 3),
    });
    let base = Export::run_of(server.url(), ["a", "b", "c", "d"]);
    for limit in ["1", "0", "25%", "0%"] {
        let outcome = base.clone().args("--fresh --max-failed").arg(limit).expect(5);
        assert!(!outcome.out.join("_runs").exists(), "nothing is published");
    }
    let outcome = base.clone().args("--fresh --max-failed 1").expect(5);
    assert_snapshot!(outcome.last_line(), @"");
    assert_eq!(base.args("--max-failed 50%").expect(3).contacts("failed"), 2);
}

#[test]
fn a_second_run_into_one_folder_leaves_at_once() {
    let service = Service::start("--latency 200ms");
    let export = Export::run_of(service.url(), (0..40).map(|at| format!("messages-5-{at}"))).args("--concurrency 1");
    let first = export.start();
    service.wait_for_requests(2);
    let second = export.expect(7);
    assert_snapshot!(second.last_line(), @"");
    first.signal("KILL");
}

#[test]
fn an_unfinished_run_that_does_not_fit_is_left_alone() {
    let server = Scripted::api(|asked| match asked.contact() {
        "b" => Answer::message(403, "no"),
        _ => Answer::page(asked, 3),
    });
    let export = Export::run_of(server.url(), ["a", "b"]);
    let run_id = "--run-id unfinished";
    export.clone().args(run_id).args("--max-failed 0").expect(5);
    let with = |arguments: &str| export.clone().args(arguments).expect(9).last_line();
    assert_snapshot!(with("--format jsonl"), @"");
    assert_snapshot!(with("--target-file-size 5MB"), @"");
    assert_snapshot!(with("--partition-by year,channel --flat"), @"");
    assert_snapshot!(with("--since 2026-01-01"), @"");
    assert_snapshot!(with("--channel website"), @"");
    assert_snapshot!(with("--run-id other"), @"");
    let elsewhere = export.clone().without("--base-url").base_url("http://127.0.0.1:1/other").expect(9);
    assert_snapshot!(elsewhere.last_line().replace(&server.url()["http://127.0.0.1".len()..], ""), @"");
    export.write("contacts.csv", "a\nb\nc\n");
    assert_snapshot!(with(""), @"");
    assert!(export.path("export/_work").exists(), "the unfinished run is still there");
    let fresh = export.args("--fresh").expect(3);
    assert_ne!(fresh.manifest()["run_id"], "unfinished");
}

#[test]
fn a_folder_that_cannot_be_written() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).out("readonly/export");
    export.write("readonly/kept", "");
    let outcome = export.clone().shell(r#"chmod 500 readonly; exec "$@""#).run();
    if outcome.code == Some(0) {
        // Root is not refused: then there is something in the way instead.
        let blocked = export.out("readonly/kept/export").expect(6);
        assert_snapshot!(blocked.last_line(), @"");
    } else {
        let outcome = outcome.expect(6);
        assert!(outcome.last_line().contains("DIR/readonly"), "{}", outcome.last_line());
    }
}

#[test]
fn other_peoples_files_are_left_alone() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]);
    let theirs = ["export/notes.txt", "export/messages/mine.parquet", "export/_work.txt"];
    for file in theirs {
        export.write(file, file);
    }
    export.expect(0);
    for file in theirs {
        assert_eq!(read(&export.path(file)), file);
    }
}

#[test]
fn a_folder_that_is_a_link_is_not_followed() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]);
    export.write("elsewhere/kept", "");
    export.write("export/notes", "");
    std::os::unix::fs::symlink(export.path("elsewhere"), export.path("export/messages")).unwrap();
    let outcome = export.expect(6);
    assert_snapshot!(outcome.last_line(), @"");
    assert_eq!(crate::export::tree(&export.path("elsewhere")), ["kept"]);
}

#[test]
fn nobody_at_the_address() {
    let export = Export::run_of("http://127.0.0.1:1", ["a"]);
    let running = export.start();
    crate::service::wait_until("it says that nobody answers", || {
        read(&export.path("stderr-0")).contains("cannot connect")
    });
    running.signal("TERM");
    let outcome = running.wait(std::time::Duration::from_secs(10)).expect(143);
    assert_snapshot!(outcome.first_line(), @"");
}
