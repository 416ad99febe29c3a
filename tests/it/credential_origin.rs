//! Passwords and tokens are sent to the base URL and nowhere else.

use crate::support::export::Export;
use crate::support::scripted::{Answer, Scripted};

/// An address that would receive a password in plain text, or that is not the host that it seems to be.
#[test]
fn plain_http_is_for_this_machine_only() {
    for url in [
        "http://api.example.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1:80@evil.example",
        "http://localhost@evil.example/prod",
        "http://evil.example#@127.0.0.1",
        "http://evil.example?@127.0.0.1",
        "http://evil.example\\@127.0.0.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://[::ffff:127.0.0.1]",
        "http://[fe80::1]",
        "http://2130706434.evil.example",
        "http://3232235777",
        "http://0300.0250.1.1",
        "http://128.0.0.1",
        "http://localhost.",
        "http://lоcalhost",
        "http:///evil.example",
        "//127.0.0.1",
        "file:///etc/passwd",
        "ws://127.0.0.1",
        "javascript:alert(1)",
    ] {
        let outcome = Export::run_of(url, ["a"]).expect(2);
        assert!(outcome.stderr.starts_with("error: --base-url: "), "{url}: {}", outcome.stderr);
        assert!(!outcome.out.exists(), "{url}");
    }
}

/// Another server, and one that redirects every client to it with this status, either at sign-in or for
/// pages.
fn redirected(status: u16, sign_in: bool, to: impl Fn(&str) -> String) -> (Scripted, Scripted, String) {
    let elsewhere = Scripted::api(|asked| Answer::page(asked, 3));
    let target = to(elsewhere.url());
    let server = Scripted::start(move |asked| {
        if asked.is_sign_in() && !sign_in {
            return Answer::token("token-1");
        }
        Answer { status, ..Answer::redirect(&target) }
    });
    let outcome = Export::run_of(server.url(), ["a", "b"]).args("--concurrency 1").expect(2);
    (server, elsewhere, outcome.last_line())
}

#[test]
fn no_redirect_is_followed_by_a_password_or_a_token() {
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for sign_in in [true, false] {
            let (server, elsewhere, line) = redirected(status, sign_in, |url| format!("{url}/get_id_token"));
            assert!(elsewhere.asked().is_empty(), "{status}: nothing leaves its origin");
            assert!(line.contains("127.0.0.1, which is not followed"), "{line}");
            let requests = server.asked().len();
            assert_eq!(requests, if sign_in { 1 } else { 2 }, "{status}: nothing is sent twice");
        }
    }
}

#[test]
fn odd_redirects_are_not_followed_either() {
    for target in
        ["/get_id_token", "//evil.example", "", "https://me:pass@evil.example", "\u{e9}\u{80}", "data:,x"]
    {
        let (server, _, line) = redirected(307, true, |_| target.to_owned());
        assert_eq!(server.asked().len(), 1, "{target}");
        assert!(line.contains("which is not followed") && !line.contains("pass@"), "{target}: {line}");
    }
}
