//! Files, threads and memory run out on this machine, at the start of a command and in the middle of a run.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::support::export::{Export, Outcome};
use crate::support::faults::{Fate, Fault, count};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::service::wait_until;

/// Responses before the shortage.
const BEFORE: usize = 60;

fn contacts() -> Vec<String> {
    (0..150).map(|at| format!("c{at}")).collect()
}

/// A page after which the connection is closed, so the next request needs a new one.
fn page(asked: &Asked) -> Answer {
    let mut answer = Answer::page(asked, 3);
    answer.headers.push(("connection", "close".to_owned()));
    answer
}

/// Limits the number of files that the process may open.
fn limit_files(process: i32, files: u64) {
    let process = Pid::from_raw(process).expect("a process");
    let limit = Rlimit { current: Some(files), maximum: Some(4096) };
    prlimit(Some(process), Resource::Nofile, limit).expect("a process of ours");
}

/// A run in which no file can be opened after [`BEFORE`] responses, with its server. `meanwhile` is called
/// during the shortage.
fn short_of_files(meanwhile: impl FnOnce(i32, &dyn Fn() -> String)) -> (Scripted, Export, Outcome) {
    let process = Arc::new(AtomicI32::new(0));
    let of_run = Arc::clone(&process);
    let server = Scripted::api(move |asked| {
        if asked.before == BEFORE {
            let process = of_run.swap(0, Ordering::Relaxed);
            if process > 0 {
                limit_files(process, 3);
            }
        }
        page(asked)
    });
    let export = Export::run_of(server.url(), contacts()).args("--format jsonl --concurrency 4");
    let running = export.clone().shell("ulimit -n 4096; exec \"$@\"").start();
    let id = i32::try_from(running.id()).expect("a process ID");
    process.store(id, Ordering::Relaxed);
    meanwhile(id, &|| running.stderr());
    let outcome = running.wait(std::time::Duration::from_mins(2));
    assert!(!outcome.stderr.contains("not answer"), "{}", outcome.stderr);
    (server, export, outcome)
}

#[test]
fn a_shortage_of_files_in_mid_run_lowers_the_concurrency() {
    let (_server, _, outcome) = short_of_files(|process, stderr| {
        wait_until("a warning", || stderr().contains("too many open files"));
        limit_files(process, 4096);
    });
    let outcome = outcome.expect(0);
    assert_eq!(outcome.rows("messages").len(), 450);
    let warning = "warning: too many open files on this machine (ulimit -n): fewer requests run at once";
    assert_eq!(outcome.stderr.matches(warning).count(), 1, "{}", outcome.stderr);
}

#[test]
fn a_lasting_shortage_of_files_in_mid_run_ends_it_and_the_next_resumes() {
    let (server, export, outcome) = short_of_files(|_, _| {});
    let outcome = outcome.expect(6);
    assert!(outcome.last_line().contains("oo many open files"), "{}", outcome.last_line());
    assert!(!outcome.out.join("_runs").exists(), "nothing is published");
    let before = server.asked().len();
    let outcome = export.expect(0);
    assert_eq!(outcome.rows("messages").len(), 450);
    assert!(server.asked().len() - before < 450, "{} requests again", server.asked().len() - before);
}

#[test]
fn too_few_threads_in_mid_run_end_it_with_a_message() {
    let server = Scripted::api(|asked| Answer::page(asked, 3));
    let export = |name: &str| {
        let export = Export::run_of(server.url(), ["a", "b"]).args("--keep-raw").out(name);
        export
            .also("password", "secret")
            .env_remove("CHATZY_PASSWORD")
            .env("CHATZY_PASSWORD_FILE", "password")
    };
    let all = export("all").env("FAULTS_CALLS", " thread ").logging_calls();
    all.expect(0);
    let all = count(&all.calls(), " thread ");
    // The threads of the start are started twice, first as a trial. The threads for blocking work come next.
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let flattening = workers.min(8) - 1;
    let first = workers + 16 + flattening + workers + 8 + 1;
    assert!(
        (first + flattening + 7..first + flattening + 20).contains(&all),
        "{all} threads, {first} of them at the start"
    );
    let error = Fate::Error { number: Errno::AGAIN.raw_os_error(), ever: true };
    let mut refused = 0;
    for at in first..=all {
        let fault = Fault { calls: " thread ", path: "", at, fate: error };
        let outcome = export(&format!("thread-{at}")).with_fault(fault).run();
        assert!(!outcome.stderr.contains("a bug"), "thread {at}: {}", outcome.stderr);
        if outcome.code != Some(0) {
            refused += 1;
            assert_eq!(outcome.code, Some(6), "thread {at}: {}", outcome.stderr);
            assert!(outcome.last_line().contains("thread"), "thread {at}: {}", outcome.last_line());
        }
    }
    assert!(refused > 5, "{refused} of {all} threads are needed");
}

#[test]
fn too_little_memory_is_said_by_every_command_before_it_begins() {
    let server = Scripted::api(|asked| Answer::page(asked, 3));
    let outcome = Export::run_of(server.url(), ["a"]).args("--keep-raw").expect(0);
    let out = outcome.out.to_string_lossy().into_owned();
    for command in [
        "verify OUT",
        "verify OUT --deep",
        "report OUT -o report.html",
        "prune OUT --keep-last 1",
        "erase OUT --finish",
        "hold OUT --list",
        "schema --merge duckdb --from OUT",
        "rebuild --from OUT --out again",
        "check --simulated",
        "contacts --simulated",
        "simulate",
    ] {
        let short = Export::command(&command.replace("OUT", &out)).shell("ulimit -v 100000; exec \"$@\"");
        let outcome = short.expect(6);
        let expected = "error: the limit on address space (ulimit -v) is 97 MiB: raise it to 512 MiB";
        assert!(outcome.stderr.starts_with(expected), "{command}: {}", outcome.stderr);
    }
}
