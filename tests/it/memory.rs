//! Memory stays below the limit with default options, whatever the API sends and in whatever amount.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::support::export::{Export, Outcome};
use crate::support::faults::setting;
use crate::support::raw::{Raw, Reply, parameter};
use crate::support::service::Service;

/// The limit in MiB.
const MOST: u64 = 512;
const LONGEST: Duration = Duration::from_mins(10);

/// Memory in MiB that shorter texts do not make less: that of the program, and of rows that wait together.
pub const FIXED: u64 = 56;

/// The texts are the longest of an answer, divided by this number. `make memory` takes the longest.
pub fn divisor() -> usize {
    setting("MEMORY_DIVISOR", 8).max(1)
}

/// Runs to the end, and reports the memory.
fn run(export: &Export, told: &str) -> Outcome {
    run_below(MOST, export, told)
}

/// The same with texts that are shortened by [`divisor`]. The limit shrinks with them, so that one more copy of a text
/// exceeds it, as does a whole line in memory.
fn run_of_texts(export: &Export, told: &str) -> Outcome {
    run_below(below(FIXED), export, told)
}

/// The limit for shortened texts, with this much memory that they do not make less.
pub fn below(fixed: u64) -> u64 {
    fixed + (MOST - fixed) / divisor() as u64
}

pub fn run_below(limit: u64, export: &Export, told: &str) -> Outcome {
    let (outcome, most) = export.start().wait_watching_memory(LONGEST, || false);
    check_below(limit, most, told);
    outcome
}

fn check(most: u64, told: &str) {
    check_below(MOST, most, told);
}

#[expect(clippy::print_stderr, reason = "figures for --nocapture")]
fn check_below(limit: u64, most: u64, told: &str) {
    eprintln!("{told}: {most} MiB of {limit}");
    assert!((10..limit).contains(&most), "{told}: {most} MiB, and the limit is {limit}");
}

/// The only page of a history with these messages. The page after it is empty.
pub fn only_page(messages: String) -> impl Fn(&str) -> Reply {
    move |target| {
        let contact = parameter(target, "contact_id");
        let messages = if parameter(target, "offset") == "0" { &*messages } else { "" };
        Reply::json(format!(
            r#"{{"data":{{"data":{{"contact":{{"contact_id":"{contact}"}},"conversations":[{{"conversation_id":"v","messages":[{messages}]}}]}}}}}}"#
        ))
    }
}

fn contacts(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("c{at}")).collect()
}

#[test]
fn many_answers_of_fifty_megabytes_at_once() {
    let content = "x\\n\u{e9}0123456789".repeat((55 << 20) / 14);
    let server =
        Raw::start(only_page(format!(r#"{{"message_id":"m","content":"{content}","role":"user"}}"#)));
    for format in ["parquet", "jsonl"] {
        let export = server.export(contacts(6)).args("--threads 16 --format").arg(format);
        let outcome = run(&export, &format!("answers of 55 MB, {format}, 16 threads")).expect(0);
        assert_eq!(outcome.contacts("exported"), 6);
    }
}

/// Each byte needs two in a line of the archive.
#[test]
fn the_largest_answers_are_archived_checked_and_made_again() {
    let text = "\\".repeat((32 << 20) / divisor() - 200);
    let page = only_page(format!(r#"{{"message_id":"m","content":"{text}"}}"#));
    let server = Raw::start(page);
    let export = server.export(contacts(2)).args("--format jsonl --keep-raw");
    let outcome = run_of_texts(&export, "the largest answers, archived").expect(0);
    assert_eq!(outcome.contacts("exported"), 2);
    let raw: Vec<Value> = outcome.manifest()["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| file["table"] == "raw")
        .cloned()
        .collect();
    assert!(!raw.is_empty());
    let (from, to) = (outcome.out.to_string_lossy().into_owned(), export.path("again"));
    run_of_texts(&Export::command("verify --deep").arg(&from), "checked").expect(0);
    for format in ["jsonl", "parquet"] {
        let out = to.join(format);
        let rebuild = Export::command("rebuild --progress never --keep-raw --from").arg(&from).args("--out");
        run_of_texts(&rebuild.arg(&out.to_string_lossy()).args("--format").arg(format), "made again")
            .expect(0);
        run_of_texts(&Export::command("verify --deep").arg(&out.to_string_lossy()), "checked again")
            .expect(0);
    }
}

/// Each byte needs six in a line, and a record has the text twice.
#[test]
fn texts_of_control_characters_are_checked() {
    let text = "\u{1}".repeat((55 << 20) / divisor());
    for told in ["a message", "a record"] {
        let message = match told {
            "a message" => format!(r#"{{"message_id":"m","content":"{text}"}}"#),
            _ => format!(
                r#"{{"message_id":"m","wa_messages":[{{"from":"1","id":"w","type":"text","text":{{"body":"{text}"}}}}]}}"#
            ),
        };
        let server = Raw::start(only_page(message));
        let export = server.export(contacts(1)).args("--format jsonl --compression zstd");
        let outcome = run_of_texts(&export, &format!("control characters in {told}")).expect(0);
        assert_eq!(outcome.contacts("exported"), 1);
        let out = outcome.out.to_string_lossy().into_owned();
        run_of_texts(&Export::command("verify --deep").arg(&out), &format!("{told}, checked")).expect(0);
    }
}

/// Pages that are small as text and large as objects.
#[test]
fn dense_pages() {
    const BYTES: usize = 16 << 20;
    let list = |member: &str| member.repeat(BYTES / member.len()).trim_end_matches(',').to_owned();
    let numbered = |form: &dyn Fn(usize) -> String| {
        let mut all = String::with_capacity(BYTES);
        for at in 0.. {
            all.push_str(&form(at));
            if all.len() > BYTES {
                break;
            }
            all.push(',');
        }
        all
    };
    let shapes: [(&str, String); 6] = [
        ("empty messages", list("{},")),
        ("messages with an ID", numbered(&|at| format!(r#"{{"message_id":"{at}"}}"#))),
        ("records", format!(r#"{{"message_id":"m","wa_messages":[{}]}}"#, list("1,"))),
        ("unknown fields", format!(r#"{{"message_id":"m",{}}}"#, numbered(&|at| format!(r#""k{at}":1"#)))),
        ("deep", format!(r#"{{"message_id":"m","x":{}{}}}"#, "[".repeat(BYTES / 2), "]".repeat(BYTES / 2))),
        ("doubled keys", format!(r#"{{"message_id":"m",{}}}"#, list(r#""x":1,"#))),
    ];
    for (told, messages) in shapes {
        let server = Raw::start(only_page(messages));
        let outcome = run(&server.export(["a"]).args("--format jsonl --retries 0 --page-size 1"), told);
        let row = outcome.rows("coverage").of_contact("a").clone();
        let is_refused = row["error"].as_str().is_some_and(|error| error.starts_with("too_large"));
        assert!(is_refused || (told == "deep" && row["status"] == "exported"), "{told}: {row}");
    }
}

#[test]
fn bombs() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    std::io::copy(&mut std::io::repeat(b' ').take(1 << 30), &mut encoder).unwrap();
    let bomb = Bytes::from(encoder.finish().unwrap());
    let once = bomb.len();
    // A bomb in a bomb. It unpacks to the first one, which is not unpacked again.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&bomb).unwrap();
    let nested = Bytes::from(encoder.finish().unwrap());
    let zipped = |body: Bytes| Reply { head: "content-encoding: gzip\r\n", ..Reply::json(body) };
    let server = Raw::start(move |_| zipped(bomb.clone()));
    let export = server.export(contacts(8)).args("--format jsonl --retries 0 --page-size 2");
    let outcome = run(&export, &format!("8 bombs of 1 GiB in {once} bytes")).expect(3);
    let errors = outcome.rows("coverage").column("error");
    assert!(errors.iter().all(|error| error.starts_with("too_large")), "{errors:?}");
    let server = Raw::start(move |_| zipped(nested.clone()));
    let export = server.export(contacts(8)).args("--format jsonl --retries 0 --page-size 2");
    run(&export, "bombs in bombs, which are no JSON").expect(2);
}

#[test]
fn answers_that_never_end() {
    let blanks = Bytes::from(vec![b' '; 1 << 20]);
    let server = Raw::start(move |_| Reply { is_endless: true, ..Reply::json(blanks.clone()) });
    let export = server.export(contacts(8)).args("--format jsonl --retries 0 --page-size 1");
    let outcome = run(&export, "endless answers").expect(3);
    assert!(outcome.rows("coverage").column("error").iter().all(|error| error.starts_with("too_large")));
}

#[test]
fn a_very_long_history() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-60000-a"]);
    let outcome = run(&export, "60,000 messages of one contact").expect(0);
    assert_eq!(outcome.manifest()["tables"]["messages"]["rows"], 60_000);
}

/// Each thread has a history that is long, so all of them would hold an index, pages and rows at once.
#[test]
fn many_threads_share_a_bounded_memory() {
    let service = Service::start("");
    let contacts = (0..16).map(|at| format!("messages-9000-{at}"));
    let export = Export::run_of(service.url(), contacts).args("--keep-raw --threads 1");
    let outcome = run(&export, "16 histories of 9,000 messages, 1 thread").expect(0);
    let (from, to) = (outcome.out.to_string_lossy().into_owned(), export.path("again"));
    let rebuild = Export::command("rebuild --progress never --threads 16 --from").arg(&from).args("--out");
    let rebuild = rebuild.arg(&to.to_string_lossy()).out_at(&to);
    let again = run(&rebuild, "16 histories of 9,000 messages, 16 threads").expect(0);
    assert_eq!(again.manifest()["tables"], outcome.manifest()["tables"]);
}

/// Memory stays flat over hours because of build settings of the allocator. Its defaults need as much as the
/// C library's heap.
#[test]
fn the_allocator_gives_back_what_is_free() {
    let outcome = Export::command("--version").env("MALLOC_CONF", "stats_print:true").expect(0);
    for setting in [
        "opt.narenas: 4",
        "opt.background_thread: true",
        "max_background_threads:1",
        "opt.dirty_decay_ms: 2000",
    ] {
        assert!(outcome.stderr.contains(setting), "{setting}: {}", outcome.stderr);
    }
}

/// Reserved address space counts, too, if a job has a limit: `ulimit -v`, as some batch systems set it.
#[test]
fn address_space_of_as_much_is_enough() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-60000-a", "messages-300-b", "messages-300-c"]);
    let limit = format!("ulimit -v {}; exec \"$@\"", MOST << 10);
    let outcome = export.shell(&limit).start().wait(LONGEST).expect(0);
    assert_eq!(outcome.manifest()["tables"]["messages"]["rows"], 60_600);
}

#[test]
fn a_million_contacts() {
    let mut list = String::from("contact_id\n");
    for at in 0..1_000_000 {
        writeln!(list, "096662f6-5acc-4699-923c-{at:012}").unwrap();
    }
    let server =
        crate::support::scripted::Scripted::api(|asked| crate::support::scripted::Answer::page(asked, 3));
    let export = Export::run_of(server.url(), ["a"]).args("--format jsonl");
    export.write("contacts.csv", list);
    // Contacts that are read, in the ledger, and in progress: everything that grows with their number exists.
    let (outcome, most) = export.start().wait_watching_memory(LONGEST, || server.asked().len() > 2_000);
    assert!(outcome.stderr.contains("1000000 contacts") || outcome.stderr.contains("1,000,000 contacts"));
    check(most, "a million contacts");
}

/// A UUID needs 16 bytes in memory, and at most 35 with its index. As text it needs more than 70.
#[test]
fn a_contact_of_a_long_list_takes_few_bytes() {
    let server =
        crate::support::scripted::Scripted::api(|asked| crate::support::scripted::Answer::page(asked, 1));
    let most = |count: u64| {
        let mut list = String::from("contact_id\n");
        for at in 0..count {
            // Spread over all digits, like random UUIDs.
            let [high, low] = [at, at + 1].map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            writeln!(list, "{:08x}-5acc-4699-923c-{:012x}", high >> 32, low >> 16).unwrap();
        }
        let export = Export::run_of(server.url(), ["a"]).args("--dry-run");
        export.write("contacts.csv", list);
        let (outcome, most) = export.start().wait_watching_memory(LONGEST, || false);
        outcome.expect(0);
        most
    };
    let (few, many) = (100_000, 700_000);
    let (before, after) = (most(few), most(many));
    let each = (after - before) * (1 << 20) / (many - few);
    check(after, &format!("{each} bytes for each of {many} contacts"));
    // Peaks of the allocator add up to 10 bytes a contact.
    assert!(each < 55, "{each} bytes for each contact: {before} MiB with {few}, {after} MiB with {many}");
}

/// The lengths of histories from an earlier run are a hint: the next run works with any content in their
/// place.
#[test]
fn a_hint_that_was_replaced_holds_nothing_up() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--format jsonl --compression zstd");
    let mut bomb = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let spaces = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        bomb.write_all(&spaces).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    for kind in ["bomb", "pipe", "link"] {
        let export = export.clone().out(kind);
        let first = export.expect(0);
        let mut manifest = first.manifest();
        let files = manifest["files"].as_array_mut().unwrap();
        let file = files.iter_mut().find(|file| file["table"] == "coverage").unwrap();
        let path = first.out.join(file["path"].as_str().unwrap());
        std::fs::remove_file(&path).unwrap();
        match kind {
            "bomb" => {
                crate::support::export::write(&path, &bomb);
                file["bytes"] = bomb.len().into();
            }
            "pipe" => assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success()),
            _ => std::os::unix::fs::symlink("/dev/zero", &path).unwrap(),
        }
        let id = manifest["run_id"].as_str().unwrap();
        crate::support::export::write(
            &first.out.join(format!("_runs/{id}/manifest.json")),
            manifest.to_string(),
        );
        run(&export, kind).expect(0);
    }
}

#[test]
fn a_table_is_printed() {
    let content = "x\\n\u{e9}0123456789".repeat((60 << 20) / 15 / divisor());
    let server =
        Raw::start(only_page(format!(r#"{{"message_id":"m","content":"{content}","role":"user"}}"#)));
    for format in ["parquet", "jsonl"] {
        let outcome = run(&server.export(contacts(3)).args("--format").arg(format), format).expect(0);
        let out = outcome.out.to_string_lossy().into_owned();
        for form in ["jsonl", "arrow"] {
            let cat = Export::command("cat").arg(&out).args("messages --format").arg(form);
            run_of_texts(&cat.shell(r#"exec "$@" > /dev/null"#), &format!("{format}, printed as {form}"))
                .expect(0);
        }
    }
}
