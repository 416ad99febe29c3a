//! The file system refuses each call, once and permanently, for each reason. The error names the path, the
//! exit code is 6, and the same command resumes.
//!
//! The long form is `make crash`: every call in turn.

use std::time::Duration;

use crate::support::compare::{assert_same, substance};
use crate::support::export::read;
use crate::support::faults::{Call, Fate, Fault, count, setting};
use crate::support::scene::{Scene, random};
use crate::support::service::wait_until;

/// The calls to refuse, each between blanks.
const CALLS: [&str; 10] = [
    " openat ",
    " write ",
    " fsync ",
    " fdatasync ",
    " rename ",
    " mkdir ",
    " unlink ",
    " close ",
    " ftruncate ",
    " chmod ",
];
const REASONS: [(&str, i32); 5] =
    [("EIO", 5), ("EACCES", 13), ("ENOSPC", 28), ("EROFS", 30), ("EDQUOT", 122)];

/// Runs with the fault, and then without it.
fn refused(scene: &Scene, name: &str, fault: Fault, told: &str) {
    let export = scene.fresh(name);
    let outcome = export.with_fault(fault).run();
    let last = outcome.last_line();
    match outcome.code {
        Some(0) => {}
        Some(6) => assert!(last.contains("DIR/"), "{told}: the path is named: {last}"),
        code => panic!("{told}: {code:?}, {}", outcome.stderr),
    }
    assert!(!outcome.stderr.contains("panicked"), "{told}: {}", outcome.stderr);
    scene.readers_see_a_whole_run(&export, told);
    scene.ends_well(&export, told);
}

fn every_call(scene: &Scene) -> Vec<Call> {
    let export = scene.fresh("calls").logging_calls();
    export.expect(0);
    export.calls()
}

#[test]
fn any_call_may_be_refused() {
    let (mut rng, seed) = random("refused at random calls");
    let scene = Scene::new("--partition-by year");
    let calls = every_call(&scene);
    for turn in 0..setting("CRASH_FAULTS", 40) {
        let names = CALLS[turn % CALLS.len()];
        let (reason, number) = REASONS[rng.usize(..REASONS.len())];
        let at = rng.usize(1..=count(&calls, names).max(1));
        let fault = Fault { calls: names, path: "", at, fate: Fate::Error { number, ever: rng.bool() } };
        refused(&scene, &format!("refused-{turn}"), fault, &format!("{seed}: {reason}, {fault:?}"));
    }
}

#[test]
#[ignore = "takes minutes: make crash"]
fn every_call_may_be_refused() {
    let scene = Scene::new("--partition-by year");
    let calls = every_call(&scene);
    for names in CALLS {
        // If a name has few calls, each gets every reason. Many calls share the reasons.
        let calls = count(&calls, names);
        for turn in 0..calls.max(REASONS.len()) {
            let (reason, number) = REASONS[turn % REASONS.len()];
            for ever in [false, true] {
                let at = 1 + turn % calls.max(1);
                let fault = Fault { calls: names, path: "", at, fate: Fate::Error { number, ever } };
                refused(&scene, "refused", fault, &format!("{reason}, {fault:?}"));
            }
        }
    }
}

#[test]
fn what_cannot_be_synced_is_written_anew_once() {
    let scene = Scene::new("--partition-by year");
    for (what, path) in [
        ("a segment", "/spool/seg-"),
        ("a data file", "/stage/messages/year="),
        ("a folder of staged files", "/stage/contacts"),
        ("the journal", "publish.json.tmp"),
        ("the manifest", "manifest.json.tmp"),
    ] {
        let export = scene.fresh(what);
        let once = Fault { calls: " fsync ", path, at: 1, fate: Fate::Error { number: 5, ever: false } };
        let outcome = export.with_fault(once).expect(0);
        assert!(!outcome.stderr.contains("panicked"), "{what}: {}", outcome.stderr);
        let is_told = outcome.stderr.contains("the file is discarded and written again");
        assert_eq!(is_told, !what.starts_with("the "), "{what}: {}", outcome.stderr);
        assert_same(&substance(&outcome), &scene.reference, what);

        let ever = Fault { fate: Fate::Error { number: 5, ever: true }, ..once };
        let export = scene.fresh(&format!("{what} for ever"));
        let outcome = export.with_fault(ever).expect(6);
        assert!(outcome.last_line().contains("cannot sync"), "{what}: {}", outcome.last_line());
        scene.ends_well(&export, what);
    }
}

#[test]
fn a_disk_that_hangs_does_not_hold_up_a_signal() {
    let scene = Scene::new("");
    for (name, calls, path) in
        [("spooled", " write ", "/spool/seg-"), ("published", " rename ", "/export/messages/")]
    {
        let fault = Fault { calls, path, at: 1, fate: Fate::Hang };
        // After one signal it still ends. After two it ends without waiting for anything.
        for signals in [1, 2] {
            let name = format!("{name} {signals}");
            let metrics = scene.export.path(&format!("{name}.prom"));
            let export =
                scene.fresh(&name).args("--metrics-file").arg(&metrics.to_string_lossy()).logging_calls();
            let mut running = export.with_fault(fault).start();
            wait_until("the call", || running.is_over() || !export.calls().is_empty());
            for _ in 0..signals {
                running.signal("TERM");
                // Two simultaneous signals count as one.
                std::thread::sleep(Duration::from_millis(50));
            }
            let outcome = running.wait(Duration::from_secs(10)).expect(143);
            let last = outcome.last_line();
            assert_eq!(last, "error: interrupted; fetched data is kept; to resume, run", "{name}");
            assert!(
                read(&metrics).contains("\nchatzy_export_exit_code 143\n"),
                "{name}: the metrics file is written"
            );
            scene.ends_well(&export, &name);
        }
    }
}

#[test]
fn a_file_larger_than_allowed_is_like_a_full_disk() {
    let scene = Scene::new("");
    let export = scene.fresh("limited");
    let outcome = export.clone().shell("ulimit -f 8; exec \"$@\"").expect(6);
    assert!(outcome.last_line().contains("File too large"), "{}", outcome.last_line());
    scene.ends_well(&export, "limited");
}
