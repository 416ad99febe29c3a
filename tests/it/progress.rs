//! The progress of a command: a bar on a terminal, lines elsewhere, events in a JSON log. The servers here hold answers
//! back until the test has seen what it waits for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::last_line::{assert_documented, objects};
use crate::support::export::{Export, Outcome, Running, read};
use crate::support::scripted::{Answer, Asked, Gate, Scripted};
use crate::support::service::{Service, wait_until};

const EVERY: &str = "--progress-every 1s";
const JSON: &str = "--log-format json --progress-every 1s";
const MINUTE: Duration = Duration::from_mins(1);

/// An API that holds back the pages of contacts `late…` until the gate opens.
fn held() -> (Scripted, Gate) {
    let gate = Gate::closed();
    let late = gate.clone();
    let server = Scripted::api(move |asked| {
        let page = Answer::page(asked, 3);
        if asked.contact().starts_with("late") { page.after(&late) } else { page }
    });
    (server, gate)
}

/// `run` with progress, of contacts without and with delay.
fn run(server: &Scripted, early: usize, late: usize) -> Export {
    let early = (0..early).map(|at| format!("early-{at}"));
    let contacts: Vec<_> = early.chain((0..late).map(|at| format!("late-{at}"))).collect();
    Export::run_of(server.url(), contacts).without("--progress")
}

/// The events `progress` in a JSON log.
fn events(log: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == "progress").collect()
}

/// Waits for an event `progress` that has what the test looks for.
fn wait_for(running: &Running, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let mut found = None;
    wait_until(what, || {
        found = events(&running.stderr()).into_iter().find(|event| is_it(event));
        found.is_some()
    });
    found.expect("an event")
}

#[test]
fn a_json_log_has_progress_with_all_fields() {
    let (server, gate) = held();
    let running = run(&server, 30, 2).args(JSON).start();
    let progress = wait_for(&running, "30 contacts", |event| event["contacts_done"] == 30);
    let expected = json!({
        "level": "info", "phase": "reading", "contacts": 32, "contacts_failed": 0, "messages": 90, "throttled": false,
        "outage": false, "outage_seconds": null,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&progress[field], value, "{field} in {progress}");
    }
    // Pages, a sign-in, and the requests behind the ends.
    assert!(progress["requests"].as_u64() > Some(30), "{progress}");
    assert!(progress["messages_per_second"].as_f64() > Some(0.0), "{progress}");
    assert!(progress["requests_per_second"].as_f64() > Some(0.0), "{progress}");
    let estimated = wait_for(&running, "an estimate", |event| event["eta_seconds"].is_u64());
    assert!(estimated["eta_seconds"].as_u64() < Some(100), "{estimated}");
    gate.open();
    let outcome = running.wait(MINUTE).expect(0);
    let lines = objects(&outcome);
    assert_documented(&lines);
    assert_eq!(lines.last().unwrap()["event"], "published", "no progress follows the last line");
}

#[test]
fn without_a_terminal_there_is_a_line_at_each_interval() {
    let (server, gate) = held();
    let running = run(&server, 5, 1).args(EVERY).start();
    let is_progress = |line: &str| line.starts_with("reading: 5 of 6 contacts, ");
    wait_until("two lines", || running.stderr().lines().filter(|line| is_progress(line)).count() > 1);
    gate.open();
    let outcome = running.wait(MINUTE).expect(0);
    let line = outcome.stderr.lines().find(|line| is_progress(line)).unwrap();
    assert!(line.contains(", 15 messages, ") && line.ends_with(" requests/s"), "{line}");
    assert!(outcome.last_line().ends_with("is complete: 18 messages of 6 contacts"), "{}", outcome.stderr);
}

#[test]
fn a_resumed_run_starts_at_what_was_read_and_its_rates_at_zero() {
    let (server, gate) = held();
    let export = run(&server, 12, 1).args(JSON);
    let running = export.start();
    wait_for(&running, "12 contacts", |event| event["contacts_done"] == 12);
    running.signal("TERM");
    running.wait(MINUTE).expect(143);
    let running = export.start();
    let resumed = wait_for(&running, "progress", |_| true);
    assert_eq!(
        [&resumed["contacts_done"], &resumed["contacts"], &resumed["messages"]],
        [&json!(12), &json!(13), &json!(36)],
        "{resumed}"
    );
    assert_eq!(resumed["messages_per_second"], json!(0.0), "{resumed}");
    assert!(resumed["requests"].as_u64() < Some(5), "{resumed}");
    assert_eq!(resumed["eta_seconds"], Value::Null, "this attempt has read no contact: {resumed}");
    gate.open();
    let outcome = running.wait(MINUTE).expect(0);
    let started = objects(&outcome).into_iter().find(|line| line["event"] == "started").unwrap();
    assert_eq!([&started["already_read"], &started["already_read_messages"]], [&json!(12), &json!(36)]);
}

/// An API that answers the first request for contact `early-0`, and the others with `trouble` until it is mended.
fn troubled(trouble: Answer) -> (Scripted, Arc<AtomicBool>) {
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let server = Scripted::api(move |asked: &Asked| {
        let is_first = asked.contact() == "early-0" && asked.before == 0;
        if is_first || mended.load(Ordering::Relaxed) { Answer::page(asked, 3) } else { trouble.clone() }
    });
    (server, is_mended)
}

#[test]
fn throttling_is_in_the_progress_while_it_lasts() {
    let mut trouble = Answer::message(429, "Too Many Requests");
    trouble.headers.push(("retry-after", "2".to_owned()));
    let (server, is_mended) = troubled(trouble);
    let running = run(&server, 3, 0).args(JSON).start();
    let throttled = wait_for(&running, "throttling", |event| event["throttled"] == true);
    assert_eq!(throttled["outage"], false, "{throttled}");
    is_mended.store(true, Ordering::Relaxed);
    running.wait(MINUTE).expect(0);
}

#[test]
fn an_outage_is_in_the_progress_while_it_lasts() {
    let (server, is_mended) = troubled(Answer::message(500, "Internal Server Error"));
    let running = run(&server, 20, 0).args(JSON).start();
    let outage = wait_for(&running, "an outage", |event| event["outage"] == true);
    assert!(outage["outage_seconds"].is_u64(), "{outage}");
    assert_eq!(outage["eta_seconds"], Value::Null, "{outage}");
    is_mended.store(true, Ordering::Relaxed);
    let outcome = running.wait(MINUTE).expect(0);
    assert!(outcome.stderr.contains("\"event\":\"outage_ended\""), "{}", outcome.stderr);
}

#[test]
fn a_list_of_contacts_has_progress() {
    let gate = Gate::closed();
    let late = gate.clone();
    let server = Scripted::start(move |asked| {
        if asked.is_sign_in() {
            return Answer::token("token-1");
        }
        let number = |name: &str| asked.query[name].parse::<usize>().expect("a number");
        let (from, limit) = (number("offset"), number("limit"));
        let contact = |at: usize| json!({"contact_id": format!("c{at}"), "latest_message_time": null});
        let contacts: Vec<_> = (from.min(150)..150.min(from + limit)).map(contact).collect();
        let list = Answer::new(200, json!({"data": {"data": {"contacts": contacts}}}).to_string());
        if asked.before == 0 { list } else { list.after(&late) }
    });
    let export = Export::command("contacts --out list.csv").base_url(server.url()).args(JSON);
    let running = export.env("CHATZY_EMAIL", "a@b.example").env("CHATZY_PASSWORD", "secret").start();
    let listing = wait_for(&running, "a part of the list", |event| event["contacts_done"] == 100);
    assert_eq!((&listing["phase"], &listing["contacts"]), (&json!("listing"), &Value::Null), "{listing}");
    gate.open();
    assert_documented(&objects(&running.wait(MINUTE).expect(0)));
}

#[test]
fn a_rebuild_reports_what_it_reads_and_writes() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), (0..70).map(|at| format!("messages-2-{at}")));
    let outcome = export.args("--keep-raw").expect(0);
    let rebuild = Export::command("rebuild -vv --log-format json --out again --from")
        .arg(&outcome.out.to_string_lossy());
    let lines = objects(&rebuild.expect(0));
    assert_documented(&lines);
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).cloned().collect::<Vec<_>>();
    let read: Vec<_> = of("archive_read").iter().map(|line| line["contacts"].as_u64()).collect();
    assert_eq!(read, [Some(32), Some(64)]);
    let built: Vec<_> =
        of("built").iter().map(|line| (line["contacts"].as_u64(), line["of"].as_u64())).collect();
    assert_eq!(built, [32, 64, 70].map(|contacts| (Some(contacts), Some(70))));
}

#[test]
fn no_progress_where_none_is_wanted() {
    // One after the other, the answers take over a second.
    let service = Service::start("--latency 250ms");
    let export =
        || Export::run_of(service.url(), (0..2).map(|at| format!("messages-2-{at}"))).args("--concurrency 1");
    let shown = export().without("--progress").args(EVERY).expect(0);
    assert!(shown.stderr.contains("reading: "), "{}", shown.stderr);
    for arguments in ["--progress never", "-q", "-q --log-format json", "--progress never --log-format json"]
    {
        let outcome = export().without("--progress").args(EVERY).args(arguments).expect(0);
        for word in ["reading: ", "progress"] {
            assert!(!outcome.stderr.contains(word), "{arguments}: {}", outcome.stderr);
        }
    }
}

#[test]
fn the_interval_is_at_least_a_second_and_may_come_from_the_settings_file() {
    let (server, gate) = held();
    let export = run(&server, 1, 1);
    for (interval, said) in
        [("999ms", "must be at least 1s"), ("0s", "must be longer than zero"), ("ten", "10s")]
    {
        let outcome = export.clone().args("--progress-every").arg(interval).expect(2);
        assert!(outcome.stderr.contains("--progress-every"), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(said) || interval == "ten", "{}", outcome.stderr);
    }
    export.write("chatzy-export.toml", "progress-every = \"500ms\"\n");
    let outcome = export.expect(2);
    assert_snapshot!(outcome.last_line(), @"error: chatzy-export.toml, line 1: invalid value '500ms' for '--progress-every <D>': must be at least 1s");
    export.write("chatzy-export.toml", "progress-every = \"1s\"\n");
    let running = export.start();
    wait_until("a line", || running.stderr().contains("reading: 1 of 2 contacts"));
    running.signal("TERM");
    running.wait(MINUTE).expect(143);
    // Another interval does not keep the run from resuming.
    export.write("chatzy-export.toml", "progress-every = \"3h\"\n");
    gate.open();
    let outcome = export.expect(0);
    assert!(outcome.stderr.contains("resumes: 2 contacts, 1 of them already read"), "{}", outcome.stderr);
}

/// A command in a terminal whose width the test sets.
struct Terminal {
    export: Export,
}

impl Terminal {
    fn new(export: Export, columns: usize) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/progress/terminal.py");
        let line = format!(r#"exec python3 '{}' "$@""#, script.display());
        let terminal = Self { export: export.env("TERM", "xterm").shell(&line) };
        terminal.resize(columns);
        terminal
    }

    fn resize(&self, columns: usize) {
        self.export.write("columns", columns.to_string());
    }

    fn screen(&self) -> PathBuf {
        self.export.path("screen")
    }

    /// Everything that was written to the terminal.
    fn output(&self) -> String {
        if self.screen().exists() { read(&self.screen()) } else { String::new() }
    }

    /// The drawings so far: what follows each erased line, without escape sequences.
    fn drawings(&self) -> Vec<String> {
        let output = self.output();
        let drawings = output.split("\r\u{1b}[2K").skip(1);
        drawings
            .map(|drawing| drawing.replace("\u{1b}[K", ""))
            .filter(|drawing| !drawing.is_empty())
            .collect()
    }

    /// Waits for a drawing after the first `known` ones. Returns its number and text.
    fn wait_for(&self, known: usize, what: &str, is_it: impl Fn(&str) -> bool) -> (usize, String) {
        let mut found = None;
        wait_until(what, || {
            let drawings = self.drawings();
            // The last one may be incomplete.
            let whole = drawings.len().saturating_sub(1);
            found =
                drawings.into_iter().enumerate().take(whole).skip(known).find(|(_, drawing)| is_it(drawing));
            found.is_some()
        });
        found.expect("a drawing")
    }
}

#[test]
fn a_terminal_has_a_bar_that_fits_after_each_change_of_its_width() {
    let (server, gate) = held();
    let terminal = Terminal::new(run(&server, 3, 1), 120);
    let running = terminal.export.start();
    let (_, wide) = terminal.wait_for(0, "the bar", |drawing| drawing.contains("3 of 4 contacts"));
    assert!(wide.contains("reading 3 of 4 contacts, ") && wide.contains(" requests/s"), "{wide}");
    assert!(wide.starts_with('█'), "three quarters of a bar: {wide}");
    for columns in [40, 20, 100] {
        let known = terminal.drawings().len();
        terminal.resize(columns);
        let (first, _) = match columns {
            100 => terminal.wait_for(known, "a wider bar", |drawing| drawing.contains('█')),
            _ => terminal.wait_for(known, "a narrower bar", |drawing| drawing.chars().count() < columns),
        };
        let (last, _) = terminal.wait_for(first + 3, "more drawings", |_| true);
        for drawing in &terminal.drawings()[first..=last] {
            assert!(drawing.chars().count() < columns, "{columns}: {drawing:?}");
            assert!(drawing.contains("3 of 4") || drawing.contains("3/4"), "{columns}: {drawing:?}");
        }
    }
    gate.open();
    running.wait(MINUTE).expect(0);
    let output = terminal.output();
    let (_, rest) = output.rsplit_once('█').expect("a bar");
    assert!(rest.contains("\r\u{1b}[2K"), "the bar is erased at the end: {rest:?}");
    assert!(rest.contains("is complete: 12 messages of 4 contacts\r\n"), "{rest:?}");
}

#[test]
fn warnings_stand_above_the_bar_on_lines_of_their_own() {
    let gate = Gate::closed();
    let late = gate.clone();
    let server = Scripted::api(move |asked| match asked.contact() {
        "late-0" => Answer::message(403, "no").after(&late),
        "late-1" => Answer::page(asked, 3).after(&late),
        _ => Answer::page(asked, 3),
    });
    let terminal = Terminal::new(run(&server, 3, 2), 100);
    let running = terminal.export.start();
    terminal.wait_for(0, "the bar", |drawing| drawing.contains("3 of 5 contacts"));
    gate.open();
    running.wait(MINUTE).expect(3);
    let output = terminal.output();
    let lines = output.split("\r\n").filter_map(|line| line.rsplit("\r\u{1b}[2K").next());
    let warnings: Vec<_> = lines.filter(|line| line.contains("warning: ")).collect();
    assert_eq!(warnings, ["warning: contact late-0 is failed: 403: no (at offset 0)"]);
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_lines() {
    let (server, gate) = held();
    let terminal = Terminal::new(run(&server, 3, 1).args(EVERY), 100);
    let terminal = Terminal { export: terminal.export.env("TERM", "dumb") };
    let running = terminal.export.start();
    wait_until("a line", || terminal.output().contains("reading: 3 of 4 contacts, "));
    gate.open();
    running.wait(MINUTE).expect(0);
    assert!(!terminal.output().contains('\u{1b}'), "{}", terminal.output());
}

#[test]
fn always_means_a_bar_in_a_file_too_but_not_among_json() {
    let (server, gate) = held();
    let export = run(&server, 3, 1).args("--progress always");
    let running = export.clone().env("COLUMNS", "90").start();
    wait_until("a bar", || {
        running.stderr().contains("█ reading 3 of 4 contacts")
            || running.stderr().contains("░ reading 3 of 4")
    });
    gate.open();
    running.wait(MINUTE).expect(0);
    let outcome: Outcome = export.args(JSON).expect(0);
    assert_documented(&objects(&outcome));
}
