//! An API with arbitrary responses: any status with any body and any header, cut and delayed.
//!
//! Every run ends with a documented exit code other than that for bugs. If it publishes, each contact has its
//! row.

use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

use fastrand::Rng;

use crate::support::export::Export;
use crate::support::scripted::{Answer, Asked};
use crate::support::wire::{Server, Then, Wire};

/// Contacts of a run. They are so few that they do not exhaust the retry budget of the run, which would take
/// long.
const CONTACTS: usize = 16;
/// Maximum number of requests of a run. More would mean a retry without a limit.
const MOST: usize = 2000;

/// The range of responses besides valid pages.
#[derive(Clone, Copy, Debug)]
enum Mood {
    /// Statuses that do not end a run.
    Sick,
    /// All kinds of responses.
    Mad,
}

const SICK: [u16; 14] = [200, 201, 204, 206, 400, 404, 408, 410, 413, 422, 429, 500, 502, 503];
const MAD: [u16; 12] = [200, 301, 302, 304, 401, 402, 403, 418, 429, 504, 599, 999];

fn status(rng: &mut Rng, mood: Mood) -> u16 {
    match mood {
        Mood::Mad if rng.bool() => rng.choice(MAD).unwrap(),
        _ => rng.choice(SICK).unwrap(),
    }
}

fn body(rng: &mut Rng, asked: &Asked) -> Vec<u8> {
    let mut page = Answer::page(asked, rng.usize(..300)).body.into_bytes();
    match rng.u32(..16) {
        0..4 => page,
        4 => Vec::new(),
        5 => page[..rng.usize(..page.len())].to_vec(),
        6 => {
            // Some bytes of it are changed.
            for _ in 0..rng.usize(1..8) {
                let at = rng.usize(..page.len());
                page[at] = rng.u8(..);
            }
            page
        }
        7 => (0..rng.usize(..5000)).map(|_| rng.u8(..)).collect(),
        8 => b"<!DOCTYPE html><html>Sorry</html>".to_vec(),
        9 => br#"{"message":"Missing Authentication Token"}"#.to_vec(),
        10 => br#"{"message":["no",{"text":1}],"error":null}"#.to_vec(),
        11 => br#"{"data":{"message":"Something went wrong"}}"#.to_vec(),
        12 => br#"{"data":{"data":{"contact":[],"conversations":{"messages":7}}}}"#.to_vec(),
        13 => "[".repeat(100_000).into_bytes(),
        14 => br#"{"data":{"data":{"contact":{"contact_id":null},"conversations":[null,1,[],{"messages":[null,"x",{}]}]}}}"#.to_vec(),
        _ => format!("{} {}", String::from_utf8_lossy(&page), "trailing").into_bytes(),
    }
}

fn header(rng: &mut Rng) -> String {
    let all = [
        "retry-after: 0",
        "retry-after: soon",
        "retry-after: Thu, 01 Jan 1970 00:00:00 GMT",
        "content-encoding: gzip",
        "content-encoding: zstd",
        "content-encoding: identity",
        "content-type: image/png",
        "location: http://127.0.0.1:1/elsewhere",
        "location: \u{7f}",
        "content-length: 5",
        "transfer-encoding: chunked",
        "connection: close",
        "www-authenticate: Basic",
        "set-cookie: a=b",
        "x-empty:",
    ];
    all[rng.usize(..all.len())].to_owned()
}

fn anything(rng: &mut Rng, mood: Mood, asked: &Asked) -> Wire {
    if rng.u32(..100) < 60 {
        return Wire::of(&Answer::page(asked, asked.contact().len() * 7));
    }
    let body = body(rng, asked);
    let mut head = format!("HTTP/1.1 {} Whatever\r\n", status(rng, mood));
    for _ in 0..rng.usize(..3) {
        head.push_str(&header(rng));
        head.push_str("\r\n");
    }
    let is_framed = head.contains("content-length") || head.contains("transfer-encoding");
    if !is_framed {
        write!(head, "content-length: {}\r\n", body.len()).unwrap();
    }
    let mut bytes = [head.as_bytes(), b"\r\n", &body].concat();
    let then = match rng.u32(..40) {
        0 => Then::Close,
        1 => Then::Reset,
        2 => Then::Stall,
        3 => Then::Repeat(b"\r\n0\r\n".to_vec(), Duration::from_millis(20)),
        4 => {
            bytes.truncate(rng.usize(..bytes.len()));
            Then::Close
        }
        5 => {
            bytes.truncate(rng.usize(..bytes.len()));
            Then::Stall
        }
        _ if is_framed => Then::Close,
        _ => Then::Stay,
    };
    Wire { bytes, then }
}

fn survives(seed: u64, mood: Mood) -> usize {
    let rng = Mutex::new(Rng::with_seed(seed));
    let server = Server::api(move |asked, _| anything(&mut rng.lock().unwrap(), mood, asked));
    let contacts: Vec<String> = (0..CONTACTS).map(|at| format!("{}{at}", "c".repeat(at))).collect();
    let limits = "--format jsonl --retries 4 --timeout 300ms --concurrency 8";
    let outcome = Export::run_of(server.url(), &contacts).args(limits).run();
    let told = format!("seed {seed}, {mood:?}: {:?}\n{}", outcome.code, outcome.stderr);
    assert!(!outcome.stderr.contains("panicked"), "{told}");
    match outcome.code {
        Some(0 | 3) => {
            let coverage = outcome.rows("coverage");
            assert_eq!(coverage.len(), contacts.len(), "{told}");
            for contact in &contacts {
                assert!(coverage.of_contact(contact)["status"].is_string(), "{told}");
            }
            let counted: u64 = ["exported", "empty", "not_found", "unresolved", "failed"]
                .map(|status| outcome.contacts(status))
                .iter()
                .sum();
            assert_eq!(counted, CONTACTS as u64, "{told}");
        }
        Some(2 | 4 | 5) => assert!(!outcome.out.join("_runs").exists(), "{told}"),
        _ => panic!("{told}"),
    }
    let asked = server.asked().len();
    assert!(asked < MOST, "{asked} requests: {told}");
    asked
}

/// Runs these seeds, four at a time, since they mostly wait. Returns the number of responses.
fn all_survive(seeds: std::ops::Range<u64>, mood: Mood) -> usize {
    let seeds = Mutex::new(seeds);
    let next = || seeds.lock().unwrap().next();
    std::thread::scope(|scope| {
        let work = || std::iter::from_fn(next).map(|seed| survives(seed, mood)).sum::<usize>();
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    })
}

#[test]
fn whatever_the_api_answers_the_run_ends_well() {
    let answers = all_survive(0..32, Mood::Sick);
    assert!(answers > 1500, "only {answers} answers were met");
}

#[test]
fn whatever_else_the_api_answers_the_run_ends_well() {
    let answers = all_survive(100..148, Mood::Mad);
    assert!(answers > 500, "only {answers} answers were met");
}
