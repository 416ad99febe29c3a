//! A run that nobody watches: its time limit, another run in its way, and the bare environment of cron.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use insta::assert_snapshot;

use crate::support::export::{Export, PASSWORD, Running, read};
use crate::support::scripted::{Answer, Scripted};
use crate::support::service::{Service, wait_until};

fn pages(server: &Scripted) -> usize {
    server.asked().iter().filter(|asked| !asked.is_sign_in()).count()
}

/// An API that answers the first requests for pages, and the others only after the gate is opened.
pub fn gated(answered: u64) -> (Scripted, Arc<AtomicBool>) {
    let is_open = Arc::new(AtomicBool::new(false));
    let (open, count) = (Arc::clone(&is_open), AtomicU64::new(0));
    let server = Scripted::api(move |asked| {
        if open.load(Ordering::Relaxed) || count.fetch_add(1, Ordering::Relaxed) < answered {
            Answer::page(asked, 3)
        } else {
            Answer::message(503, "closed")
        }
    });
    (server, is_open)
}

const SEQUENTIAL: &str = "--format jsonl --concurrency 1 --consistency fast";

#[test]
fn a_run_whose_time_is_over_stops_and_the_next_goes_on() {
    let (server, is_open) = gated(5);
    let export = Export::run_of(server.url(), (0..10).map(|at| format!("c{at}"))).args(SEQUENTIAL);
    let outcome = export.clone().args("--max-duration 2s --metrics-file chatzy.prom").expect(5);
    assert_snapshot!(outcome.last_line(), @"error: --max-duration reached; fetched data is kept; to resume, run");
    assert!(!outcome.out.join("_runs").exists(), "nothing is published");
    assert!(read(&export.path("chatzy.prom")).contains("\nchatzy_export_exit_code 5\n"));
    is_open.store(true, Ordering::Relaxed);
    let before = pages(&server);
    // The time limit does not identify the run.
    let outcome = export.args("--max-duration 1h").expect(0);
    assert_eq!(outcome.rows("messages").len(), 30);
    assert_eq!(pages(&server) - before, 5, "what was answered before is not asked for again");
}

#[test]
fn a_run_with_too_many_failures_is_resumed() {
    let is_open = Arc::new(AtomicBool::new(false));
    let open = Arc::clone(&is_open);
    let server = Scripted::api(move |asked| match asked.contact() {
        "c4" | "c5" if !open.load(Ordering::Relaxed) => Answer::message(403, "no"),
        _ => Answer::page(asked, 3),
    });
    let base = Export::run_of(server.url(), (0..10).map(|at| format!("c{at}"))).args(SEQUENTIAL);
    for (most, code) in [("1", 5), ("2", 3), ("10%", 5), ("19.9%", 5), ("20%", 3)] {
        let export = base.clone().out(most).args("--max-failed").arg(most);
        let outcome = export.expect(code);
        assert_eq!(outcome.out.join("_runs").exists(), code == 3, "{most}: whether it is published");
    }
    is_open.store(true, Ordering::Relaxed);
    let before = pages(&server);
    let outcome = base.out("1").expect(0);
    assert_eq!(outcome.rows("messages").len(), 30);
    assert_eq!(pages(&server) - before, 6, "those that had failed, and those that were not reached");
}

/// A run that holds the lock and waits at the gate.
pub fn holding(export: &Export, server: &Scripted) -> Running {
    let running = export.start();
    wait_until("it holds the lock", || pages(server) > 0);
    running
}

#[test]
fn a_run_may_wait_for_another_to_end() {
    let (server, is_open) = gated(0);
    let export = Export::run_of(server.url(), ["a", "b"]).args("--format jsonl");
    let first = holding(&export, &server);
    let second = export.clone().args("--wait-lock 1m").start();
    wait_until("it says that it waits", || read(&export.path("stderr-1")).contains("waiting up to"));
    is_open.store(true, Ordering::Relaxed);
    first.wait(Duration::from_mins(1)).expect(0);
    let outcome = second.wait(Duration::from_mins(1)).expect(0);
    let lines: Vec<_> = outcome.stderr.lines().filter(|line| line.contains("waiting")).collect();
    assert_eq!(lines.len(), 1, "it says so once: {lines:?}");
    assert_snapshot!(outcome.first_line(), @"another run uses DIR/export: waiting up to 60 s for it");
    assert_eq!(std::fs::read_dir(outcome.out.join("_runs")).unwrap().count(), 3, "two runs and latest.json");
}

#[test]
fn waiting_ends_with_its_time_and_with_a_signal() {
    let (server, _) = gated(0);
    let export = Export::run_of(server.url(), ["a"]);
    let first = holding(&export, &server);
    let outcome = export.clone().args("--wait-lock 1s").expect(7);
    assert_snapshot!(outcome.whole_last_line(), @"error: another run works on DIR/export; to wait for it, run: chatzy-export run --contacts contacts.csv --progress never --base-url API --out DIR/export --wait-lock 1h");
    let waiting = export.clone().args("--wait-lock 1h").start();
    wait_until("it waits", || read(&export.path("stderr-2")).contains("waiting up to"));
    waiting.signal("TERM");
    waiting.wait(Duration::from_secs(10)).expect(143);
    export.clone().args("--wait-lock 1h --max-duration 1s").expect(5);
    first.signal("KILL");
}

/// The program as cron starts it, or worse: no terminal, no home, only credentials in the environment, a
/// working directory that cannot be written, and a shell line for the rest.
fn under_cron(export: Export, contacts: &str, line: &str) -> Export {
    let folder = export.path("contacts.csv");
    let contacts = folder.with_file_name(contacts).to_string_lossy().into_owned();
    let credentials = format!("CHATZY_EMAIL=cron@shop.example CHATZY_PASSWORD={PASSWORD}");
    let start = format!("umask 000; cd /proc; {line} exec setsid env -i {credentials} \"$@\"");
    export.without("--contacts").args("--contacts").arg(&contacts).shell(&start)
}

#[test]
fn cron_gives_it_little_and_that_is_enough() {
    let service = Service::start("--errors 0.1");
    for (at, line) in [
        "",
        "exec >&-;",
        "exec 2>&-;",
        "exec >&- 2>&-;",
        "exec <&- >&- 2>&-;",
        "exec >/dev/full 2>&1;",
        "ulimit -c 0;",
    ]
    .into_iter()
    .enumerate()
    {
        let export = Export::run_of(service.url(), ["messages-30-a", "messages-3-b"]);
        let export = under_cron(export.args("--format jsonl --json -v"), "contacts.csv", line);
        let metrics = export.path("chatzy.prom").to_string_lossy().into_owned();
        // A full stdout does not accept the summary.
        let code = if line.contains("/dev/full") { 6 } else { 0 };
        let outcome = export.out(&at.to_string()).args("--metrics-file").arg(&metrics).expect(code);
        assert_eq!(outcome.rows("messages").len(), 33, "{line}");
        let told = format!("\nchatzy_export_exit_code {code}\n");
        assert!(read(metrics.as_ref()).contains(&told), "{line}");
        assert!(!outcome.stderr.contains("a bug in"), "{}", outcome.stderr);
    }
}

#[test]
fn who_reads_its_output_may_go_away() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), (0..20).map(|at| format!("messages-30-{at}")));
    // The readers end at once, so every write finds a broken pipe. The exit code of the exporter itself
    // counts.
    let line = r#"exec 3>code; { { "$@" 2>&1 >&4; echo $? >&3; } | true; } 4>&1 | true"#;
    let outcome = export
        .without("--progress")
        .args("--format jsonl --json -vv --progress always")
        .shell(line)
        .expect(0);
    assert_eq!(read(&outcome.out.with_file_name("code")).trim(), "0");
    assert_eq!(outcome.rows("messages").len(), 600);
}

#[test]
fn failures_under_cron_have_their_codes_too() {
    let server = Scripted::start(|_| Answer::message(401, "Incorrect username or password."));
    for line in ["", "exec >&- 2>&-;"] {
        let refused = under_cron(Export::run_of(server.url(), ["a"]), "contacts.csv", line);
        refused.expect(4);
        under_cron(Export::run_of(server.url(), ["a"]), "nowhere.csv", line).expect(2);
        under_cron(Export::run_of(server.url(), ["a"]), "contacts.csv", line).args("--page-size 0").expect(2);
        let onto_a_file = under_cron(Export::run_of(server.url(), ["a"]), "contacts.csv", line);
        onto_a_file.out("contacts.csv").expect(6);
    }
}

#[test]
fn a_password_may_come_as_a_credential_of_systemd() {
    let service = Service::start(&format!("--email cron@shop.example --sim-password {PASSWORD}"));
    let export = Export::run_of(service.url(), ["messages-3-a"]).env_remove("CHATZY_PASSWORD");
    export.write("credentials/chatzy-password", format!("{PASSWORD}\n"));
    let folder = export.path("credentials").to_string_lossy().into_owned();
    // The same as `Environment=CHATZY_PASSWORD_FILE=%d/chatzy-password` in the unit.
    let line = r#"CHATZY_PASSWORD_FILE=$CREDENTIALS_DIRECTORY/chatzy-password exec "$@""#;
    let export = export.env("CREDENTIALS_DIRECTORY", &folder).env("CHATZY_EMAIL", "cron@shop.example");
    export.shell(line).expect(0);
}

#[test]
fn quiet_means_nothing_at_all() {
    let service = Service::start("--errors 0.2");
    let export = Export::run_of(service.url(), ["messages-30-a", "unknown-b"]).without("--progress");
    for arguments in ["-q", "-q --log-format json", "-q --progress always"] {
        let outcome = export.clone().args(arguments).expect(0);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{arguments}");
    }
    let outcome = Export::command(&format!("verify -q {}", export.out_path().display())).expect(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}
