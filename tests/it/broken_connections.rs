//! Connections and bodies that break in every possible way. A temporary fault is retried, and a permanent one
//! fails only its contact.

use std::io::Write;
use std::time::Duration;

use async_compression::Level;
use async_compression::tokio::bufread::BrotliEncoder;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use futures::FutureExt;
use insta::assert_snapshot;
use tokio::io::AsyncReadExt;

use crate::support::export::{Export, Outcome};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::wire::{Server, Then, Wire};

const SHORT: &str = "--format jsonl --timeout 1s --concurrency 4";

/// A valid response: a page of three messages.
fn good(asked: &Asked) -> Answer {
    Answer::page(asked, 3)
}

/// The first request for each contact gets this fault, and all others get a response. The fault leaves no
/// trace.
fn passes(retries: u32, fault: impl Fn(&Asked) -> Wire + Send + Sync + 'static) -> Server {
    let met = std::sync::Mutex::new(std::collections::HashSet::new());
    let server = Server::api(move |asked, _| {
        let is_first = met.lock().unwrap().insert(asked.contact().to_owned());
        if is_first { fault(asked) } else { Wire::of(&good(asked)) }
    });
    let contacts = ["a", "b", "c", "d", "e"];
    let export = Export::run_of(server.url(), contacts).args(SHORT).args(&format!("--retries {retries}"));
    let outcome = export.expect(0);
    assert_eq!(outcome.rows("messages").len(), 3 * contacts.len());
    assert_eq!(outcome.contacts("exported"), 5);
    server
}

/// Contact `b` gets this fault for every request, and the others get a response. Returns the error in its
/// coverage.
fn stays(fault: impl Fn(&Asked) -> Wire + Send + Sync + 'static) -> (String, Outcome) {
    let server = Server::api(move |asked, _| match asked.contact() {
        "b" => fault(asked),
        _ => Wire::of(&good(asked)),
    });
    let export = Export::run_of(server.url(), ["a", "b", "c"]).args(SHORT).args("--retries 1 -vv");
    let outcome = export.expect(3);
    assert_eq!((outcome.contacts("exported"), outcome.contacts("failed")), (2, 1));
    assert!(server.count("b") <= 20, "asked {} times", server.count("b"));
    let error = outcome.rows("coverage").of_contact("b")["error"].as_str().expect("an error").to_owned();
    (error, outcome)
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_repeated_once_for_free() {
    for then in [Then::Close, Then::Reset] {
        passes(0, move |_| Wire::bytes("", then.clone()));
    }
}

#[test]
fn a_kept_connection_that_closes_under_a_request_is_repeated_for_free() {
    let server = Server::api(|asked, on_connection| match on_connection {
        0 | 1 => Wire::of(&good(asked)),
        _ => Wire::bytes("", Then::Close),
    });
    let contacts: Vec<String> = (0..30).map(|at| format!("c{at}")).collect();
    let outcome =
        Export::run_of(server.url(), &contacts).args("--format jsonl --concurrency 1 --retries 0").expect(0);
    assert_eq!(outcome.rows("messages").len(), 90);
    assert_eq!(outcome.contacts("exported"), 30);
}

#[test]
fn a_connection_that_breaks_in_the_body_is_repeated_once_for_free() {
    for then in [Then::Close, Then::Reset] {
        passes(0, move |asked| Wire::part(&good(asked), 20, then.clone()));
    }
}

#[test]
fn a_body_that_stalls_is_given_up_and_asked_for_again() {
    passes(1, |asked| Wire::part(&good(asked), 20, Then::Stall));
    passes(1, |asked| Wire::part(&good(asked), 0, Then::Stall));
}

#[test]
fn a_peer_that_says_nothing_is_given_up_and_asked_again() {
    passes(1, |_| Wire::bytes("", Then::Stall));
    passes(1, |_| Wire::bytes("HTTP/1.1 200 OK\r\ncontent-le", Then::Stall));
}

#[test]
fn a_slow_drip_ends_with_the_time_for_a_request() {
    let drip = || Then::Repeat(b" ".to_vec(), Duration::from_millis(50));
    passes(1, move |asked| Wire::part(&good(asked), 0, drip()));
    let (error, _) = stays(move |asked| Wire::part(&good(asked), 0, drip()));
    assert_snapshot!(error, @"the answer stalled (at offset 0)");
}

#[test]
fn what_is_no_http_is_repeated_and_fails_its_contact_alone() {
    passes(1, |_| Wire::bytes("SSH-2.0-OpenSSH_9.9\r\n\r\n", Then::Close));
    let (error, _) = stays(|_| Wire::bytes("HTTP/1.1 banana\r\n\r\n", Then::Close));
    assert_snapshot!(error, @"the connection broke: client error (SendRequest): invalid HTTP status-code parsed (at offset 0)");
    let (error, _) = stays(|_| Wire::bytes("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}", Then::Close));
    assert_snapshot!(error, @"the connection broke: client error (SendRequest): invalid content-length parsed (at offset 0)");
    let (error, _) =
        stays(|_| Wire::bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}", Then::Close));
    assert_snapshot!(error, @"the connection broke: error reading a body from connection: Invalid chunk size line: missing size digit (at offset 0)");
}

#[test]
fn headers_without_an_end_are_not_read_for_ever() {
    let line = format!("x-more: {}\r\n", "y".repeat(1000)).into_bytes();
    let (error, _) =
        stays(move |_| Wire::bytes("HTTP/1.1 200 OK\r\n", Then::Repeat(line.clone(), Duration::ZERO)));
    assert_snapshot!(error, @"the connection broke: client error (SendRequest): message head is too large (at offset 0)");
}

#[test]
fn a_body_without_an_end_stops_at_the_cap() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"100000\r\n".to_vec(), vec![b' '; 1 << 20], b"\r\n".to_vec()].concat();
    let server = Server::api(move |asked, _| match asked.contact() {
        "b" => Wire::bytes(head, Then::Repeat(chunk.clone(), Duration::ZERO)),
        _ => Wire::of(&good(asked)),
    });
    let export = Export::run_of(server.url(), ["a", "b", "c"]).args("--format jsonl --page-size 1");
    let outcome = export.expect(3);
    let error = outcome.rows("coverage").of_contact("b")["error"].as_str().unwrap().to_owned();
    assert_snapshot!(error, @"too_large: an answer of over 64 MiB (at offset 0)");
    assert_eq!(server.count("b"), 1);
}

#[test]
fn a_body_announced_too_large_is_not_even_read() {
    let (error, _) =
        stays(|_| Wire::bytes("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{", Then::Stall));
    assert_snapshot!(error, @"too_large: an answer of over 64 MiB (at offset 0)");
}

/// A body in each encoding that servers use, with its name in the header.
fn packed(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let gzip = |body: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    };
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(body).unwrap();
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(body).unwrap();
    let mut brotli = Vec::new();
    let mut encoder = BrotliEncoder::with_quality(body, Level::Fastest);
    // It never waits: all of the input is available.
    encoder.read_to_end(&mut brotli).now_or_never().unwrap().unwrap();
    let (first, second) = body.split_at(body.len() / 2);
    let zstd = |body: &[u8]| zstd::encode_all(body, 1).unwrap();
    vec![
        ("GZIP", gzip(body)),
        ("x-gzip", gzip(body)),
        ("Identity, Gzip", gzip(body)),
        ("gzip", [gzip(first), gzip(second)].concat()),
        ("zstd", [zstd(first), zstd(second)].concat()),
        ("zstd, gzip", gzip(&zstd(body))),
        ("BR", brotli),
        ("deflate", zlib.finish().unwrap()),
        ("Deflate", deflate.finish().unwrap()),
    ]
}

#[test]
fn answers_are_read_in_whatever_way_they_are_packed() {
    for at in 0..packed(b"").len() {
        let server = Server::api(move |asked, _| {
            let (name, body) = packed(good(asked).body.as_bytes()).swap_remove(at);
            Wire::body(&format!("content-encoding: {name}\r\n"), &body)
        });
        let outcome = Export::run_of(server.url(), ["a", "b"]).args(SHORT).args("--retries 0").expect(0);
        assert_eq!(outcome.rows("messages").len(), 6, "{}", packed(b"")[at].0);
    }
}

#[test]
fn a_packed_answer_that_was_cut_is_repeated_and_fails_its_contact_alone() {
    for at in 0..packed(b"").len() {
        let (error, _) = stays(move |asked| {
            let (name, body) = packed(good(asked).body.as_bytes()).swap_remove(at);
            Wire::body(&format!("content-encoding: {name}\r\n"), &body[..body.len() - 5])
        });
        assert_eq!(
            error,
            "the answer is not what the API sends: its compression is broken (at offset 0)",
            "{}",
            packed(b"")[at].0
        );
    }
}

#[test]
fn a_bomb_stops_at_the_cap() {
    let bombs = packed(&vec![b' '; 100 << 20]);
    for (name, bomb) in bombs {
        let (error, _) = stays(move |_| Wire::body(&format!("content-encoding: {name}\r\n"), &bomb));
        insta::allow_duplicates! {
            assert_snapshot!(error, @"too_large: an answer of over 64 MiB (at offset 0)");
        }
    }
}

#[test]
fn a_window_larger_than_the_standard_allows_is_refused() {
    let (error, _) = stays(|asked| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(good(asked).body.as_bytes()).unwrap();
        encoder.flush().unwrap();
        Wire::body("content-encoding: zstd\r\n", &encoder.finish().unwrap())
    });
    assert_snapshot!(error, @"the answer is not what the API sends: its compression is broken (at offset 0)");
}

#[test]
fn invalid_compression_is_retried_and_fails_its_contact_alone() {
    for encoding in ["gzip", "zstd", "br"] {
        let headers = format!("content-encoding: {encoding}\r\n");
        passes(1, move |asked| Wire::body(&headers, good(asked).body.as_bytes()));
    }
    let (error, _) = stays(|asked| Wire::body("content-encoding: gzip\r\n", good(asked).body.as_bytes()));
    assert_snapshot!(error, @"the answer is not what the API sends: its compression is broken (at offset 0)");
    let (error, _) = stays(|asked| Wire::body("content-encoding: rot13\r\n", &rot13(&good(asked).body)));
    assert_snapshot!(error, @r#"the answer is not what the API sends: its content encoding "rot13" is not supported (at offset 0)"#);
    let (error, _) =
        stays(|asked| Wire::body("content-encoding: gzip, \x1b[31m\r\n", good(asked).body.as_bytes()));
    assert_snapshot!(error, @"the connection broke: client error (SendRequest): invalid HTTP header parsed (at offset 0)");
}

#[test]
fn an_error_is_told_by_its_status_however_it_is_packed() {
    let (error, _) = stays(|_| {
        Wire::bytes("HTTP/1.1 500 no\r\ncontent-encoding: rot13\r\ncontent-length: 2\r\n\r\nab", Then::Stay)
    });
    assert_snapshot!(error, @"500 Internal Server Error (at offset 0)");
}

fn rot13(text: &str) -> Vec<u8> {
    let turned = |byte: u8, first: u8| (byte - first + 13) % 26 + first;
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' => turned(byte, b'a'),
            b'A'..=b'Z' => turned(byte, b'A'),
            _ => byte,
        })
        .collect()
}

/// The error of a contact whose response always has this body.
fn failing(body: &'static [u8]) -> (String, Outcome) {
    stays(move |_| Wire::body("content-type: application/json\r\n", body))
}

#[test]
fn a_body_that_is_no_page_fails_its_contact_with_what_it_is() {
    assert_snapshot!(failing(b"").0, @"the answer is not what the API sends: an empty body (at offset 0)");
    assert_snapshot!(failing(b"{\"data\":{\"data\":{\"contact\":{\"contact_id\":\"b\"},\"conv").0, @"the answer is not what the API sends: no whole JSON document in 51 bytes: malformed JSON at byte 46: a string without an end (at offset 0)");
    assert_snapshot!(failing(b"{\"data\":{\"data\":{\"contact\":null,\"conversations\":[]}}} and more").0, @"the answer is not what the API sends: no whole JSON document in 62 bytes: malformed JSON at byte 54: more bytes after the value (at offset 0)");
    assert_snapshot!(failing(b"<html>Welcome</html>").0, @"the answer is not what the API sends: a web page (HTML) (at offset 0)");
    assert_snapshot!(failing(b"[1, 2]").0, @"the answer is a list where an object is expected (at offset 0)");
    assert_snapshot!(failing(b"42").0, @"the answer is a number where an object is expected (at offset 0)");
    assert_snapshot!(failing(b"\"text\"").0, @"the answer is a string where an object is expected (at offset 0)");
    assert_snapshot!(failing(b"null").0, @"the answer is null where an object is expected (at offset 0)");
    assert_snapshot!(failing(b"{\"data\":{\"data\":7}}").0, @"the answer has `data.data` as a number where an object is expected (at offset 0)");
    assert_snapshot!(failing(b"{\"data\":[]}").0, @"the answer has `data` as a list where an object is expected (at offset 0)");
    let (error, outcome) = failing(b"\x1b[31mred\x1b[0m \xff\xfe\x00");
    assert_snapshot!(error, @"the answer is not what the API sends: no JSON (at offset 0)");
    assert!(
        outcome.stderr.contains("\\u{1b}[31mred"),
        "the debug log has its first bytes: {}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("retry in"), "each repeat is logged: {}", outcome.stderr);
    assert!(!outcome.stderr.contains('\u{1b}'), "nothing reaches the terminal unescaped");
}

#[test]
fn a_response_with_an_error_is_not_an_empty_history() {
    assert_snapshot!(failing(br#"{"errorMessage":"Task timed out","errorType":"Timeout"}"#).0, @"the API reports an error: Task timed out (at offset 0)");
    assert_snapshot!(failing(br#"{"error":"no database"}"#).0, @"the API reports an error: no database (at offset 0)");
    assert_snapshot!(failing(br#"{"data":{"message":"Something went wrong"}}"#).0, @"the API reports an error: Something went wrong (at offset 0)");
    assert_snapshot!(failing(br#"{"data":{"data":{}, "error":"half"}}"#).0, @"the API reports an error: half (at offset 0)");
}

#[test]
fn failures_of_the_server_are_repeated_as_often_as_allowed() {
    for status in [408, 500, 501, 502, 503, 504, 599] {
        let server = Scripted::api(move |asked| match asked.contact() {
            "b" => Answer::message(status, "no"),
            _ => Answer::page(asked, 3),
        });
        let contacts = ["a", "b", "c"];
        let outcome = Export::run_of(server.url(), contacts)
            .args("--format jsonl --retries 3 --page-size 1 --consistency fast")
            .expect(3);
        let count = server.asked().iter().filter(|asked| asked.contact() == "b").count();
        assert_eq!(count, 4, "{status}: once and three repeats");
        let row = outcome.rows("coverage").of_contact("b").clone();
        assert_eq!((row["status"].as_str(), row["retries"].as_u64()), (Some("failed"), Some(3)), "{status}");
    }
}

#[test]
fn refusals_of_one_contact_are_not_repeated() {
    for status in [400, 403, 405, 410, 422, 451, 100 + 399] {
        let server = Scripted::api(move |asked| match asked.contact() {
            "b" => Answer::message(status, "no"),
            _ => Answer::page(asked, 3),
        });
        let outcome = Export::run_of(server.url(), ["a", "b", "c"]).args("--format jsonl").expect(3);
        assert_eq!(outcome.contacts("failed"), 1, "{status}");
        let count = server.asked().iter().filter(|asked| asked.contact() == "b").count();
        assert_eq!(count, 1, "{status}");
    }
}
