//! HTTP/2 over TLS: histories of many pages, reset streams, closed connections, and certificates that are
//! refused.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use h2::Reason;
use insta::assert_snapshot;

use crate::support::export::Outcome;
use crate::support::scripted::Answer;
use crate::support::secure::{Act, Script, SecureServer};
use crate::support::service::wait_until;

const CONTACTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Asserts that all contacts have all of their 25 messages.
fn assert_whole(outcome: &Outcome) {
    assert_eq!(outcome.contacts("exported"), CONTACTS.len() as u64);
    assert_eq!(outcome.rows("messages").len(), 25 * CONTACTS.len());
}

#[test]
fn histories_are_read_over_one_connection_of_http_2() {
    let server = SecureServer::start(Script::new(|asked, _| Act::Answer(Answer::page(asked, 25))));
    let outcome = server.run_of(CONTACTS).args("--format jsonl --page-size 7").expect(0);
    assert_whole(&outcome);
    assert_eq!(server.connections(), 1);
}

#[test]
fn few_streams_at_once_are_enough() {
    let script = Script { streams: 1, ..Script::new(|asked, _| Act::Answer(Answer::page(asked, 25))) };
    let server = SecureServer::start(script);
    assert_whole(&server.run_of(CONTACTS).args("--format jsonl --page-size 7").expect(0));
}

#[test]
fn a_stream_that_is_reset_is_asked_for_again() {
    for reason in [Reason::REFUSED_STREAM, Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::ENHANCE_YOUR_CALM]
    {
        let met = Mutex::new(std::collections::HashSet::new());
        let server = SecureServer::start(Script::new(move |asked, _| {
            let is_first =
                met.lock().unwrap().insert((asked.contact().to_owned(), asked.query["offset"].clone()));
            if is_first { Act::Reset(reason) } else { Act::Answer(Answer::page(asked, 25)) }
        }));
        assert_whole(&server.run_of(CONTACTS).args("--format jsonl --page-size 7").expect(0));
    }
}

#[test]
fn a_stream_that_is_always_reset_fails_its_contact_alone() {
    let server = SecureServer::start(Script::new(|asked, _| match asked.contact() {
        "b" => Act::Reset(Reason::INTERNAL_ERROR),
        _ => Act::Answer(Answer::page(asked, 25)),
    }));
    let outcome = server.run_of(CONTACTS).args("--format jsonl --retries 2").expect(3);
    let error = outcome.rows("coverage").of_contact("b")["error"].as_str().unwrap().to_owned();
    assert_snapshot!(error, @"the connection broke: client error (SendRequest): http2 error: stream error received: unexpected internal error encountered (at offset 0)");
    assert_eq!(outcome.contacts("exported"), 5);
}

#[test]
fn a_connection_that_goes_away_is_replaced() {
    let server = SecureServer::start(Script::new(|asked, on_connection| match on_connection {
        3 => Act::LastAnswer(Answer::page(asked, 25)),
        _ => Act::Answer(Answer::page(asked, 25)),
    }));
    assert_whole(&server.run_of(CONTACTS).args("--format jsonl --page-size 7").expect(0));
    assert!(server.connections() > 4, "{} connections", server.connections());
}

#[test]
fn a_connection_that_is_given_up_costs_no_more_than_a_repeat() {
    for reason in [Reason::NO_ERROR, Reason::INTERNAL_ERROR, Reason::ENHANCE_YOUR_CALM] {
        let given_up = AtomicUsize::new(0);
        let server = SecureServer::start(Script::new(move |asked, on_connection| match on_connection {
            4 if given_up.fetch_add(1, Ordering::Relaxed) < 5 => Act::GoAway(reason),
            _ => Act::Answer(Answer::page(asked, 25)),
        }));
        assert_whole(&server.run_of(CONTACTS).args("--format jsonl --page-size 7").expect(0));
        assert!(server.connections() > 5, "{} connections", server.connections());
    }
}

#[test]
fn a_server_that_grants_no_stream_is_reported_as_unresponsive() {
    let script = Script { streams: 0, ..Script::new(|asked, _| Act::Answer(Answer::page(asked, 25))) };
    let server = SecureServer::start(script);
    let running = server.run_of(["a"]).args("--timeout 1s").start();
    wait_until("the outage is reported", || running.stderr().contains("stopped responding"));
    running.signal("TERM");
    let outcome = running.wait(std::time::Duration::from_mins(1)).expect(143);
    assert!(outcome.stderr.contains("no response from localhost:"), "{}", outcome.stderr);
    assert!(server.asked().is_empty());
}

/// The last line of `run` and of `check` on a server with this certificate, each after one connection.
fn refused(certificate: fn(usize) -> &'static str) -> String {
    let server = SecureServer::start(Script {
        certificate,
        ..Script::new(|asked, _| Act::Answer(Answer::page(asked, 25)))
    });
    let outcome = server.run_of(CONTACTS).args("--concurrency 1").expect(2);
    assert!(!outcome.out.join("_runs").exists(), "nothing is published");
    assert_eq!(server.connections(), 1, "it is no outage that passes");
    let line = outcome.last_line().replace(server.url(), "API");
    let check = server.run_of(CONTACTS).into_check().expect(2);
    let what = line.trim_start_matches("error: ").trim_end_matches("; to resume, run");
    assert!(check.stderr.replace(server.url(), "API").contains(what), "{what} is not in:\n{}", check.stderr);
    line
}

#[test]
fn a_certificate_that_is_not_accepted_ends_at_once() {
    assert_snapshot!(refused(|_| "expired"), @"error: the certificate of API expired on 2021-01-01 00:00 UTC: it must be renewed, or the clock of this machine is wrong; to resume, run");
    assert_snapshot!(refused(|_| "early"), @"error: the certificate of API is not valid before 2098-01-01 00:00 UTC: check the clock of this machine; to resume, run");
    assert_snapshot!(refused(|_| "elsewhere"), @"error: the certificate of API is for another host (elsewhere.example): check the URL; to resume, run");
}

#[test]
fn an_authority_that_is_not_known_ends_at_once() {
    let server = SecureServer::start(Script::new(|asked, _| Act::Answer(Answer::page(asked, 25))));
    let export = server.run_of(CONTACTS);
    export.write("other.pem", include_bytes!("certificates/valid.pem"));
    let outcome = export.env("SSL_CERT_FILE", "other.pem").expect(2);
    assert_snapshot!(outcome.last_line().replace(server.url(), "API"), @"error: the certificate of API is from an authority that this machine does not know: if you trust it, name a file with its certificate in SSL_CERT_FILE; to resume, run");
}

#[test]
fn a_run_whose_certificate_expires_meanwhile_resumes_later() {
    let script = Script::new(|asked, on_connection| match on_connection {
        9 => Act::LastAnswer(Answer::page(asked, 25)),
        _ => Act::Answer(Answer::page(asked, 25)),
    });
    let server = SecureServer::start(Script {
        certificate: |connection| if connection == 1 { "expired" } else { "valid" },
        ..script
    });
    let export = server.run_of(CONTACTS).args("--format jsonl --page-size 7 --concurrency 1");
    let outcome = export.expect(2);
    assert_snapshot!(outcome.last_line().replace(server.url(), "API"), @"error: the certificate of API expired on 2021-01-01 00:00 UTC: it must be renewed, or the clock of this machine is wrong; to resume, run");
    let before = server.asked().iter().filter(|asked| !asked.is_sign_in()).count();
    assert_whole(&export.expect(0));
    let all = server.asked().iter().filter(|asked| !asked.is_sign_in()).count();
    assert!(all - before < 40, "what was read is not asked for again: {before} and {all} requests");
}

#[test]
fn without_root_certificates_the_variable_is_named() {
    let server = SecureServer::start(Script::new(|asked, _| Act::Answer(Answer::page(asked, 25))));
    let export = server.run_of(CONTACTS);
    export.write("empty.pem", "");
    let line = |name: &str, value: &str| export.clone().env(name, value).expect(2).last_line();
    assert_snapshot!(line("SSL_CERT_FILE", "nowhere.pem"), @r#"error: no root certificates found: SSL_CERT_FILE names "nowhere.pem" (No such file or directory (os error 2)); to resume, run"#);
    assert_snapshot!(line("SSL_CERT_FILE", "empty.pem"), @r#"error: no root certificates found: SSL_CERT_FILE names "empty.pem" (it holds no certificate in PEM form); to resume, run"#);
    assert_snapshot!(line("SSL_CERT_FILE", ""), @"error: no root certificates found: SSL_CERT_FILE is set but empty: unset it to use those of the system; to resume, run");
    let folder = export.clone().env_remove("SSL_CERT_FILE").env("SSL_CERT_DIR", "nowhere").expect(2);
    assert_snapshot!(folder.last_line(), @r#"error: no root certificates found: SSL_CERT_DIR names "nowhere" (No such file or directory (os error 2)); to resume, run"#);
}

#[test]
fn plain_http_on_this_machine_needs_no_root_certificates() {
    let export =
        crate::support::export::Export::command("run --simulated --contacts contacts.csv --progress never");
    export.write("contacts.csv", "messages-5-a\n");
    export.env("SSL_CERT_FILE", "nowhere.pem").expect(0);
}
