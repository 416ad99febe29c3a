//! Time stamps from an authority that OpenSSL plays, and responses that are wrong in each way.

use std::sync::Mutex;

use bytes::Bytes;
use chatzy_export::internals::timestamp::{Stamp, TimestampError, fetch};
use hyper::Request;
use insta::assert_snapshot;

use crate::support::authority::{AUTHORITY, Authority, timestamp};
use crate::support::byte_server::{ByteServer, Reply, reply};
use crate::support::export::write;
use crate::support::service::RUNTIME;
use crate::system::skip;

const CONTENT: &[u8] = b"0123  bagit.txt\n";

fn authority(test: &str) -> Option<&'static Authority> {
    let authority = AUTHORITY.as_ref();
    if authority.is_none() {
        skip(test, "needs openssl");
    }
    authority
}

fn ask(url: &str) -> Result<Stamp, TimestampError> {
    RUNTIME.block_on(fetch(&url.parse().expect("a URL"), CONTENT))
}

/// The URL of a server, with a key that no message may contain.
fn url(server: &ByteServer) -> String {
    format!("{}/tsr?key=secret", server.url())
}

/// The error of a server with this response.
fn error_of(response: impl Fn(&Request<Bytes>) -> Reply + Send + Sync + 'static) -> TimestampError {
    let server = ByteServer::start(move |request| Some(response(request)));
    let error = ask(&url(&server)).expect_err("no time stamp");
    let text = error.to_string();
    assert!(text.starts_with("no time stamp from http://127.0.0.1:"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    error
}

/// The error without the address of the server.
fn problem(body: impl Into<Bytes>) -> String {
    let body = body.into();
    error_of(move |_| timestamp(body.clone())).problem.to_string()
}

#[test]
fn openssl_accepts_the_request_and_verifies_the_response() {
    let Some(authority) = authority("openssl_accepts_the_request_and_verifies_the_response") else { return };
    let server = ByteServer::start(|request| {
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "/tsr?key=secret");
        assert_eq!(request.headers()["content-type"], "application/timestamp-query");
        Some(timestamp(AUTHORITY.as_ref()?.grant(request.body())))
    });
    let stamp = ask(&url(&server)).unwrap();
    assert_eq!(stamp.time.len(), "2026-11-30T03:15:00Z".len(), "{}", stamp.time);
    let folder = tempfile::tempdir().unwrap();
    let [file, other, response] = ["file", "other", "response"].map(|name| folder.path().join(name));
    write(&file, CONTENT);
    write(&other, [CONTENT, b"x"].concat());
    write(&response, &stamp.response);
    assert!(authority.verifies(&file, &response));
    assert!(!authority.verifies(&other, &response), "a changed file");
}

#[test]
fn another_request_or_another_file_is_noticed() {
    let Some(authority) = authority("another_request_or_another_file_is_noticed") else { return };
    // The response to the first request answers the second one, too.
    let first = Mutex::new(None);
    let server = ByteServer::start(move |request| {
        let mut first = first.lock().unwrap();
        Some(timestamp(first.get_or_insert_with(|| authority.grant(request.body())).clone()))
    });
    ask(&url(&server)).unwrap();
    let error = ask(&url(&server)).unwrap_err();
    assert_snapshot!(error.problem, @"the time stamp answers another request: its nonce differs");

    let error = error_of(|request| {
        let mut request = request.body().to_vec();
        request[30] ^= 1; // a byte of the hash
        timestamp(authority.grant(&request))
    });
    assert_snapshot!(error.problem, @"the time stamp is of another hash than the requested one");
}

#[test]
fn a_refusal_is_reported() {
    let Some(authority) = authority("a_refusal_is_reported") else { return };
    let error = error_of(|request| timestamp(authority.refusal(request.body())));
    assert_snapshot!(error.problem, @"the authority refused the request: Message digest algorithm is not supported., unknown hash algorithm, status 2");
}

#[test]
fn responses_that_are_no_time_stamps_are_refused() {
    assert_snapshot!(problem("garbage"), @"the response is not a time stamp");
    assert_snapshot!(problem(""), @"the response is not a time stamp");
    assert_snapshot!(problem(vec![b'0'; 300 << 10]), @"the response has more than 256 KiB, too large for a time stamp");
    let page = error_of(|_| reply(200, "text/html; charset=utf-8", "<html>Welcome</html>"));
    assert_snapshot!(page.problem, @"the response is not a time stamp but text/html: check the URL");
    let broken = error_of(|_| reply(500, "text/plain", "oops"));
    assert_snapshot!(broken.problem, @"it answers with the status 500 Internal Server Error");
    let moved = error_of(|_| reply(301, "text/plain", ""));
    assert_snapshot!(moved.problem, @"it redirects (301), which is not followed: use the address that it redirects to");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let error = ask("http://127.0.0.1:1/tsr?key=secret").unwrap_err();
    assert_snapshot!(error, @"no time stamp from http://127.0.0.1:1/tsr: cannot connect to 127.0.0.1:1: connection refused");
}

#[test]
fn a_silent_server_has_half_a_minute() {
    let server = ByteServer::start(|_| None);
    // The clock of this runtime jumps to the next deadline when nothing else happens.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    let error = runtime.block_on(fetch(&url(&server).parse().unwrap(), CONTENT)).unwrap_err();
    assert_snapshot!(error.problem, @"no complete response within 30 s");
}
