//! One run at a time, also if the file system refuses locks or does not pass them to other machines.

use std::time::Duration;

use serde_json::Value;

use crate::nightly::{gated, holding};
use crate::support::export::{Export, json, read, write};
use crate::support::faults::{Fate, Fault};
use crate::support::scripted::Scripted;
use crate::support::service::Service;

const EOPNOTSUPP: i32 = 95;
const ENOLCK: i32 = 37;
const EPERM: i32 = 1;

fn run(server: &Scripted) -> Export {
    Export::run_of(server.url(), ["a", "b"]).args("--format jsonl")
}

fn check_of(service: &Service) -> Export {
    let check = Export::command("check --progress never --json").base_url(service.url());
    let check = check
        .env("CHATZY_EMAIL", crate::support::export::EMAIL)
        .env("CHATZY_PASSWORD", crate::support::export::PASSWORD);
    let out = check.out_path().to_string_lossy().into_owned();
    check.args("--out").arg(&out)
}

fn sound(export: &Export) {
    Export::command("verify --deep").arg(&export.out_path().to_string_lossy()).expect(0);
}

#[test]
fn the_second_run_leaves_where_locks_are_not_seen_or_refused() {
    for gives in [0, EOPNOTSUPP, ENOLCK] {
        let (server, is_open) = gated(0);
        let export = run(&server).with_locks(gives);
        let first = holding(&export, &server);
        let second = export.expect(7);
        let last = second.whole_last_line();
        assert!(last.contains("another run works on DIR/export; to wait for it"), "{last}");
        assert!(second.stderr.contains(" (process "), "it names the other run: {}", second.stderr);
        Export::command("prune --keep-last 1").arg(&export.out_path().to_string_lossy()).expect(7);
        is_open.store(true, std::sync::atomic::Ordering::Relaxed);
        first.wait(Duration::from_mins(1)).expect(0);
        sound(&export);
        assert!(!export.out_path().join("_work").exists(), "nothing is left");
        export.expect(0);
        sound(&export);
    }
}

/// A file system that refuses an operation, put under a command.
type Refuse<'a> = &'a dyn Fn(Export) -> Export;

#[test]
fn check_and_run_agree_on_what_the_file_system_refuses() {
    let service = Service::start("--account-contacts 3 --max-messages 9");
    let chmod = Fault { calls: " chmod ", path: "", at: 1, fate: Fate::Error { number: EPERM, ever: true } };
    let full = Fault { calls: " write ", fate: Fate::Error { number: 28, ever: true }, ..chmod };
    let cases: [(&str, Refuse<'_>, i32, &str); 5] = [
        ("no locks", &|export| export.with_locks(EOPNOTSUPP), 0, "refuses locks"),
        ("no lock server", &|export| export.with_locks(ENOLCK), 0, "refuses locks"),
        ("no modes, and the right one", &|export| export.with_fault(chmod), 0, ""),
        (
            "no modes, and another one",
            &|export| export.with_fault(chmod).shell(r#"umask 0200; exec "$@""#),
            6,
            "set the permissions of",
        ),
        (
            "a full disk",
            &|export| export.with_fault(Fault { calls: " mkdir ", ..full }),
            6,
            "No space left on device",
        ),
    ];
    for (name, refuse, code, told) in cases {
        let checked = refuse(check_of(&service)).expect(code);
        assert!(checked.stderr.contains(told), "{name}: {}", checked.stderr);
        assert!(!checked.out.exists(), "{name}: check leaves nothing");
        let ran = refuse(Export::run_of(service.url(), ["messages-3-a"])).expect(code);
        assert!(ran.stderr.contains(told), "{name}: {}", ran.stderr);
    }
}

/// An owner file of another machine, whose process cannot be found here.
fn of_another_machine(owner: &str) -> String {
    let mut owner: Value = serde_json::from_str(owner).expect("an owner");
    owner["token"] = "another".into();
    owner["host"] = "db2".into();
    owner["process"]["boot_id"] = "another".into();
    owner.to_string()
}

#[test]
fn a_run_that_was_taken_over_publishes_nothing() {
    let (server, is_open) = gated(0);
    let export = run(&server);
    let first = holding(&export, &server);
    let owner = export.out_path().join("_work/owner.json");
    let taken = of_another_machine(&read(&owner));
    chatzy_export::internals::durable::replace(&owner, taken.as_bytes()).unwrap();
    is_open.store(true, std::sync::atomic::Ordering::Relaxed);
    let outcome = first.wait(Duration::from_mins(1)).expect(7);
    assert!(outcome.last_line().contains("another run has taken over"), "{}", outcome.last_line());
    assert!(!outcome.out.join("_runs").exists(), "nothing is published");
    assert_eq!(read(&owner), taken, "the files of the other run are left alone");
}

#[test]
fn what_a_dead_run_left_blocks_nobody() {
    let (server, is_open) = gated(0);
    let export = run(&server);
    let first = holding(&export, &server);
    first.signal("KILL");
    first.wait(Duration::from_mins(1));
    let owner = export.out_path().join("_work/owner.json");
    assert_eq!(json(&owner)["pid"].as_u64().map(|pid| pid > 0), Some(true));
    is_open.store(true, std::sync::atomic::Ordering::Relaxed);
    // The same without locks: the process is known to be gone.
    export.with_locks(EOPNOTSUPP).expect(0);
    sound(&export);
    // Of another machine, or torn by a power failure: here the free lock of a local disk is proof.
    for content in [
        of_another_machine(
            "{\"pid\":1,\"started_at\":\"\",\"process\":{\"namespace\":\"\",\"started\":\"\"}}",
        ),
        String::new(),
    ] {
        write(&owner, content);
        export.expect(0);
        assert!(!export.out_path().join("_work").exists(), "nothing is left");
    }
}
