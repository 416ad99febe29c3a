//! Errors with their exit codes, and the one line that tells users how to proceed.

use insta::assert_snapshot;

use crate::support::export::{Export, Outcome, read};
use crate::support::scripted::{Answer, Scripted};
use crate::support::service::Service;

/// An export of one contact from an address that must get no request.
fn unasked() -> Export {
    Export::run_of("http://127.0.0.1:1", ["messages-1-a"])
}

/// The last line of a run with this contacts file, which is refused before the first request.
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

/// The error of the argument parser: one line with a hint at its end.
fn misused(arguments: &str) -> String {
    let outcome = unasked().args(arguments).expect(2);
    assert!(!outcome.out.exists(), "nothing is written");
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    let line = outcome.whole_last_line();
    line.strip_suffix("; see: chatzy-export run --help").expect("a hint").to_owned()
}

#[test]
fn contacts_files_that_cannot_be_used() {
    let export = unasked().without("--contacts").args("--contacts nowhere.csv");
    assert_snapshot!(refused(&export), @"error: contacts file nowhere.csv: cannot be read: No such file or directory (os error 2)");
    assert_snapshot!(with_contacts("id,name\n1,Ada\n"), @r#"error: contacts file contacts.csv, line 1: missing column "contact_id"; the columns are "id", "name"; choose a column with --contacts-column"#);
    assert_snapshot!(with_contacts("contact_id\na\nb\u{1b}[31m\n"), @"error: contacts file contacts.csv, line 3: the contact ID holds the control character U+001B (IDs are 1 to 200 bytes without control characters)");
    assert_snapshot!(with_contacts("contact_id\na\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()), @"error: contacts file contacts.csv, line 1: the text is UTF-16 (or contains NUL bytes); save the file as UTF-8");
    assert_snapshot!(with_contacts(b"\xff\xfec\0o\0\n\0"), @"error: contacts file contacts.csv, line 1: the text is UTF-16 (or contains NUL bytes); save the file as UTF-8");
    assert_snapshot!(with_contacts(b"contact_id\nM\xfcller\n"), @"error: contacts file contacts.csv, line 2: the text is not valid UTF-8; save the file as UTF-8");
    assert_snapshot!(with_contacts(""), @"error: contacts file contacts.csv: the file contains no contact ID");
    assert_snapshot!(with_contacts("contact_id\n\n  \n"), @"error: contacts file contacts.csv: the file contains no contact ID");
    assert_snapshot!(with_contacts(format!("contact_id\n{}\n", "x".repeat(201))), @"error: contacts file contacts.csv, line 2: the contact ID has 201 bytes, more than 200 (IDs are 1 to 200 bytes without control characters)");
    assert_snapshot!(with_contacts("contact_id,name\na,\"Ada\n"), @"error: contacts file contacts.csv, line 2: a quote opened on this line is never closed");
    let export = unasked().args("--contacts-column id");
    assert_snapshot!(refused(&export), @r#"error: contacts file contacts.csv, line 1: missing column "id"; the columns are "contact_id"; choose a column with --contacts-column"#);
}

#[test]
fn base_urls_that_are_refused() {
    let with_url = |url: &str| refused(&unasked().without("--base-url").base_url(url));
    assert_snapshot!(with_url("http://api.example.com/prod"), @"error: --base-url: plain http would send the token unencrypted to api.example.com: use https (http is accepted for loopback addresses only)");
    assert_snapshot!(with_url("https://me:secret@api.example.com/prod"), @"error: --base-url: the URL contains a user or password: use CHATZY_EMAIL and CHATZY_PASSWORD_FILE instead");
    assert_snapshot!(with_url("api.example.com/prod"), @"error: --base-url: invalid URL: relative URL without a base; use a URL such as https://host/stage");
    assert_snapshot!(with_url("ftp://api.example.com/prod"), @r#"error: --base-url: unsupported scheme "ftp": use https"#);
    assert_snapshot!(with_url("https://api.example.com/prod?stage=1"), @"error: --base-url: the URL contains a query or fragment: remove it");
}

#[test]
fn values_that_options_do_not_have() {
    assert_snapshot!(misused("--format csv"), @"error: invalid value 'csv' for '--format <FORMAT>' [possible values: parquet, jsonl]");
    assert_snapshot!(misused("--page-size 101"), @"error: invalid value '101' for '--page-size <N>': 101 is not in 1..=100");
    assert_snapshot!(misused("--concurrency 0"), @"error: invalid value '0' for '--concurrency <N>': must be 1 to 1024");
    assert_snapshot!(misused("--threads 0"), @"error: invalid value '0' for '--threads <N>': must be 1 to 64");
    assert_snapshot!(misused("--rate-limit 0"), @"error: invalid value '0' for '--rate-limit <N>': must be at least 0.001");
    assert_snapshot!(misused("--timeout soon"), @"error: invalid value 'soon' for '--timeout <D>': expected number at 0; write it like 30s, 5m or 2h");
    assert_snapshot!(misused("--timeout 99999999999y"), @"error: invalid value '99999999999y' for '--timeout <D>': must be at most 10 years");
    assert_snapshot!(misused("--max-duration 0s"), @"error: invalid value '0s' for '--max-duration <D>': must be longer than zero");
    assert_snapshot!(misused("--channel sms"), @"error: invalid value 'sms' for '--channel <NAME>' [possible values: whatsapp, instagram, messenger, website]");
    assert_snapshot!(misused("--partition-by week"), @"error: invalid value 'week' for '--partition-by <KEYS>' [possible values: export_date, run, channel, year, month, date]");
    assert_snapshot!(misused("--max-failed 101%"), @"error: invalid value '101%' for '--max-failed <N|P%>': a percentage must be between 0% and 100%");
    assert_snapshot!(misused("--run-id ../x"), @r#"error: invalid value '../x' for '--run-id <ID>': "../x" is not a run ID: 1 to 64 letters, digits, '_', '-' or '.' are allowed, a letter or digit first, like 20261120T020000Z-ab12cd"#);
    assert_snapshot!(misused("--tokens abc"), @"error: unexpected argument '--tokens' found");
    assert_snapshot!(misused("-q -v"), @"error: the argument '--quiet' cannot be used with '--verbose...'");
}

#[test]
fn values_that_do_not_go_together() {
    let with = |arguments: &str| refused(&unasked().args(arguments));
    assert_snapshot!(with("--compression gzip"), @r#"error: invalid --compression "gzip" for --format parquet: use zstd, zstd:1 to zstd:22, snappy or none"#);
    assert_snapshot!(with("--format jsonl --compression zstd:23"), @r#"error: invalid --compression "zstd:23" for --format jsonl: use none, gzip, zstd, or zstd:1 to zstd:22"#);
    assert_snapshot!(with("--since soon"), @r#"error: invalid time "soon" for --since: use 7d, 12h or 2w before now, yesterday, today, a month such as 2026-01, a day such as 2026-01-31, or RFC 3339 such as 2026-01-31T18:00:00Z; all times are UTC"#);
    assert_snapshot!(with("--until 2026-02-30"), @r#"error: invalid time "2026-02-30" for --until: use 7d, 12h or 2w before now, yesterday, today, a month such as 2026-01, a day such as 2026-01-31, or RFC 3339 such as 2026-01-31T18:00:00Z; all times are UTC"#);
    assert_snapshot!(with("--since 2026-02-01 --until 2025-12"), @"error: --until (2025-12-01T00:00:00Z) must be after --since (2026-02-01T00:00:00Z): no message would be exported");
    assert_snapshot!(with("--since 2026-01 --until 2026-01"), @"error: --until (2026-01-01T00:00:00Z) must be after --since (2026-01-01T00:00:00Z): no message would be exported; to include 2026-01, use --until 2026-02");
    assert_snapshot!(with("--channel website --channel website"), @"error: --channel contains website twice");
    assert_snapshot!(with("--target-file-size 0"), @"error: --target-file-size must be at least one byte");
}

#[test]
fn settings_files_with_mistakes() {
    let with = |content: &str| {
        let export = unasked();
        export.write("chatzy-export.toml", content);
        refused(&export)
    };
    assert_snapshot!(with("pagesize = 5\n"), @r#"error: chatzy-export.toml, line 1: unknown key "pagesize": use the long name of an option, such as page-size"#);
    assert_snapshot!(with("\npage-size = 500\n"), @"error: chatzy-export.toml, line 2: invalid value '500' for '--page-size <N>': 500 is not in 1..=100");
    assert_snapshot!(with("format = [\n"), @"error: chatzy-export.toml, line 1: unclosed array, expected `]`");
    assert_snapshot!(refused(&unasked().args("--config nowhere.toml")), @"error: cannot read the settings file nowhere.toml: No such file or directory (os error 2)");
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
    assert_snapshot!(export_from(&redirecting), @"error: API is not the Chatzy AI API (it redirects (302) to login.example.com, which is not followed): check --base-url");
    let html = Scripted::start(|_| Answer::html());
    assert_snapshot!(export_from(&html), @"error: API is not the Chatzy AI API (the answer is not what the API sends: a web page (HTML)): check --base-url");
    let text = Scripted::api(|_| Answer::new(200, "It works!"));
    assert_snapshot!(export_from(&text), @"error: API is not the Chatzy AI API (no JSON): check --base-url");
    let other_stage = Scripted::start(|_| Answer::message(403, "Missing Authentication Token"));
    assert_snapshot!(export_from(&other_stage), @"error: API is not the Chatzy AI API (403 Missing Authentication Token: no such path at this address): check --base-url");
    let half = Scripted::api(|_| Answer::message(403, "Missing Authentication Token"));
    assert_snapshot!(export_from(&half), @"error: API is not the Chatzy AI API (403 Missing Authentication Token: no such path at this address): check --base-url");
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Scripted::start(|asked| Answer::page(asked, 3));
    let target = elsewhere.url().to_owned();
    let server =
        Scripted::api(move |_| Answer::redirect(&format!("{target}/get_contact_conversation_messages")));
    let outcome = Export::run_of(server.url(), ["a"]).expect(2);
    assert_snapshot!(outcome.last_line(), @"error: API is not the Chatzy AI API (it redirects (302) to 127.0.0.1, which is not followed): check --base-url");
    assert!(elsewhere.asked().is_empty(), "the token stays at its origin");
}

#[test]
fn contacts_that_do_not_exist_are_no_error() {
    for unknown in ["404", "null", "empty"] {
        let service = Service::start(&format!("--unknown {unknown}"));
        let unknown_contacts = (0..30).map(|at| format!("unknown-{at}"));
        let contacts = unknown_contacts.chain(["messages-3-a".to_owned()]);
        let outcome = Export::run_of(service.url(), contacts).expect(0);
        assert_eq!(outcome.contacts("not_found"), 30, "{unknown}");
    }
}

#[test]
fn a_list_of_which_no_contact_exists_is_in_doubt() {
    let service = Service::start("");
    let run = |count| Export::run_of(service.url(), (0..count).map(|at| format!("unknown-{at}")));
    let outcome = run(20).args("--run-id r").expect(3);
    assert_snapshot!(outcome.last_line(), @"run r is published, but doubtful (none of the 20 contacts exists: check that the list belongs to this account), 20 not found (unknown-0, unknown-1, unknown-2 and 17 more: see DIR/export/_runs/r/not_found.csv): correct the list of contacts and export again");
    assert_eq!(outcome.manifest()["status"], "partial");
    assert_eq!(outcome.manifest()["input"]["doubts"].as_array().map(Vec::len), Some(1));
    assert_eq!(outcome.contacts("not_found"), 20);
    run(19).expect(0);
}

/// The outcome of a run in which these statuses refuse one contact after the other.
fn all_refused(statuses: &'static [u16], code: i32) -> Outcome {
    let server = Scripted::api(|asked| Answer::message(statuses[asked.before % statuses.len()], "no"));
    let outcome = Export::run_of(server.url(), (0..40).map(|at| format!("c{at}"))).expect(code);
    assert!(!outcome.out.join("_runs").exists(), "nothing is published");
    outcome
}

#[test]
fn the_first_twenty_contacts_refused_is_about_all_of_them() {
    assert_snapshot!(all_refused(&[403], 4).last_line(), @"error: the API refused the first 20 contacts, the last with 403: no: check the credentials and their permissions; to resume, run");
    assert_snapshot!(all_refused(&[400], 2).last_line(), @"error: the API refused the first 20 contacts, the last with 400: no: check --base-url and the contacts file");
    all_refused(&[403, 422], 2);
}

#[test]
fn one_refused_contact_fails_alone_and_can_be_run_again() {
    let server = Scripted::api(|asked| match asked.contact() {
        "forbidden, \"b\"" => Answer::message(403, "no access to this contact"),
        _ => Answer::page(asked, 3),
    });
    let export = Export::run_of(server.url(), ["a", r#""forbidden, ""b""""#, "c"]).args("--format jsonl");
    let outcome = export.expect(3);
    assert_eq!(outcome.contacts("failed"), 1);
    assert_eq!(outcome.manifest()["status"], "partial");
    let row = outcome.rows("coverage").of_contact("forbidden, \"b\"").clone();
    assert_eq!((row["status"].as_str(), row["input_line"].as_u64()), (Some("failed"), Some(3)));
    assert_snapshot!(row["error"].as_str().unwrap(), @"403: no access to this contact (at offset 0)");
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
    assert_snapshot!(outcome.last_line(), @"error: 2 contacts failed, more than --max-failed allows: nothing was published; to resume, run");
    assert_eq!(base.args("--max-failed 50%").expect(3).contacts("failed"), 2);
}

#[test]
fn a_second_run_into_one_folder_leaves_at_once() {
    let service = Service::start("--latency 200ms");
    let export =
        Export::run_of(service.url(), (0..40).map(|at| format!("messages-5-{at}"))).args("--concurrency 1");
    let first = export.start();
    service.wait_for_requests(2);
    let second = export.expect(7);
    assert_snapshot!(second.last_line(), @"error: another run works on DIR/export; to wait for it, run");
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
    assert_snapshot!(with("--format jsonl"), @"error: the unfinished run unfinished does not fit this command: --compression was zstd:1 and is now none, --format was parquet and is now jsonl; to keep it, use the options it had; to discard the unfinished run with --fresh, run");
    assert_snapshot!(with("--target-file-size 5MB"), @"error: the unfinished run unfinished does not fit this command: --target-file-size was 256000000 and is now 5000000; to keep it, use the options it had; to discard the unfinished run with --fresh, run");
    assert_snapshot!(with("--partition-by year,channel --flat"), @r#"error: the unfinished run unfinished does not fit this command: --flat was false and is now true, --partition-by was [] and is now ["year","channel"]; to keep it, use the options it had; to discard the unfinished run with --fresh, run"#);
    assert_snapshot!(with("--since 2026-01-01"), @"error: the unfinished run unfinished does not fit this command: --since was not set and is now 2026-01-01T00:00:00Z; to keep it, use the options it had; to discard the unfinished run with --fresh, run");
    assert_snapshot!(with("--channel website"), @r#"error: the unfinished run unfinished does not fit this command: --channel was [] and is now ["website"]; to keep it, use the options it had; to discard the unfinished run with --fresh, run"#);
    assert_snapshot!(with("--run-id other"), @"error: the unfinished run unfinished does not fit this command: --run-id was unfinished and is now other; to keep it, use the options it had; to discard the unfinished run with --fresh, run");
    let elsewhere = export.clone().without("--base-url").base_url("http://127.0.0.1:1/other").expect(9);
    assert_snapshot!(elsewhere.last_line(), @"error: the unfinished run unfinished does not fit this command: --base-url was API and is now API/other; to keep it, use the options it had; to discard the unfinished run with --fresh, run");
    export.write("contacts.csv", "a\nb\nc\n");
    assert_snapshot!(with(""), @"error: the unfinished run unfinished does not fit this command: the contacts file (SHA-256) was b04107cdd47a and is now 880553fca8fc; to keep it, use the options it had; to discard the unfinished run with --fresh, run");
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
        // Root is not refused, so a file is in the way instead.
        let blocked = export.out("readonly/kept/export").expect(6);
        assert_snapshot!(blocked.last_line(), @"error: cannot inspect DIR/readonly/kept/export: Not a directory (os error 20); to resume, run");
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
    assert_snapshot!(outcome.last_line(), @"error: cannot use as a folder DIR/export/messages: it is a symbolic link, which is not followed; to resume, run");
    assert_eq!(crate::support::export::tree(&export.path("elsewhere")), ["kept"]);
}

#[test]
fn nobody_at_the_address() {
    let export = Export::run_of("http://127.0.0.1:1", ["a"]);
    let running = export.start();
    crate::support::service::wait_until("it says that nobody answers", || {
        read(&export.path("stderr-0")).contains("cannot connect")
    });
    running.signal("TERM");
    let outcome = running.wait(std::time::Duration::from_secs(10)).expect(143);
    assert_snapshot!(outcome.last_line(), @"error: interrupted; fetched data is kept; to resume, run");
}

#[test]
fn a_file_whose_lines_are_no_ids_is_refused_with_the_way_out() {
    assert_snapshot!(with_contacts("Contact ID;Name\nmessages-1-a;Ada\n"), @r#"error: contacts file contacts.csv, line 1: the line looks like 2 columns separated by ';', and none has the name "contact_id"; choose one with --contacts-column, or add a header line; if the whole line is an ID, use a list with one ID per line and --delimiter none"#);
    assert_snapshot!(with_contacts("{\"contact_id\":\"messages-1-a\"}\n"), @"error: contacts file contacts.csv, line 1: the line looks like JSON; convert the file to CSV or to one ID per line, for example with `jq -r .contact_id`; if the whole line is an ID, use a list with one ID per line and --delimiter none");
    let misused = misused("--delimiter semicolon");
    assert!(misused.contains("must be one ASCII punctuation character, tab, or none"), "{misused}");
    let check = Export::command("check --simulated --delimiter ;").expect(2);
    assert!(check.last_line().contains("--contacts <FILE>"), "{}", check.stderr);
}
