//! A command that is killed at any call leaves logs that the next command repairs.

use std::path::Path;

use super::{delta, named, on, published, verified, versions};
use crate::crash::kill;
use crate::support::export::{Export, write};
use crate::support::faults::{CHANGING, Fate, count, setting};
use crate::support::service::Service;

/// A copy of a folder beside it.
fn copy(export: &Export, from: &str, to: &str) {
    write(&export.path(&format!("{to}/beside")), "");
    let copied =
        std::process::Command::new("cp").arg("-a").arg(export.path(from)).arg(export.path(to)).status();
    assert!(copied.expect("cp").success());
}

/// Kills copies of a command at some of its last calls, which write the logs. After each, the export is intact, and
/// `check` repairs it.
fn killed(export: &Export, command: &dyn Fn(&Path) -> Export, check: &dyn Fn(&Path, &str)) {
    copy(export, "export", "whole");
    let whole = command(&export.path("whole/export")).logging_calls();
    whole.expect(0);
    let all = count(&whole.calls(), CHANGING);
    let (kills, every) = (setting("DELTA_KILLS", 12), setting("DELTA_STEP", 5));
    for at in (1..=all).rev().step_by(every).take(kills) {
        let folder = format!("at-{at}");
        copy(export, "export", &folder);
        let out = export.path(&format!("{folder}/export"));
        let fate = if at % 2 == 0 { Fate::KillBefore } else { Fate::KillAfter };
        let told = format!("call {at} of {all}, {fate:?}");
        command(&out).with_fault(kill(at, fate)).run();
        verified(&out, &told);
        check(&out, &told);
    }
}

#[test]
fn a_run_killed_at_any_call_and_the_next_run_leave_right_logs() {
    let service = Service::start("");
    let export = delta(&service).args("--partition-by month");
    export.clone().args("--run-id r1").expect(0);
    let run = |out: &Path| export.clone().args("--run-id r2").out_at(out);
    killed(&export, &run, &|out, told| {
        // The work folder is lost: nothing can resume.
        chatzy_export::internals::durable::remove_tree(&out.join("_work")).unwrap();
        let was_published = out.join("_runs/r2/manifest.json").exists();
        if !was_published {
            return;
        }
        export.clone().args("--run-id r3").out_at(out).expect(0);
        verified(out, told);
        assert_eq!(named(out), published(out, &["r1", "r2", "r3"]), "{told}");
    });
}

#[test]
fn a_run_killed_at_any_call_and_run_again_leaves_right_logs() {
    let service = Service::start("");
    let export = delta(&service).args("--run-id r1");
    write(&export.path("export/beside"), "");
    std::fs::remove_file(export.path("export/beside")).unwrap();
    killed(&export, &|out| export.clone().out_at(out), &|out, told| {
        if out.join("_runs/r1/manifest.json").exists() && !out.join("_work/run.json").exists() {
            return assert_eq!(named(out), published(out, &["r1"]), "{told}");
        }
        export.clone().out_at(out).expect(0);
        verified(out, told);
        assert_eq!(named(out), published(out, &["r1"]), "{told}");
        assert_eq!(versions(out, "coverage").len(), 1, "{told}");
    });
}

#[test]
fn a_prune_killed_at_any_call_and_repeated_leaves_right_logs() {
    let service = Service::start("");
    let export = delta(&service);
    for run in ["r1", "r2", "r3"] {
        export.clone().args("--run-id").arg(run).expect(0);
    }
    killed(&export, &|out| super::at(out, "prune", "--keep-last 1"), &|out, told| {
        let gone = |path: &String| !out.join(path).exists();
        assert_eq!(named(out).into_keys().filter(gone).collect::<Vec<_>>(), Vec::<String>::new(), "{told}");
        super::at(out, "prune", "--keep-last 1").expect(0);
        verified(out, told);
        assert_eq!(named(out), published(out, &["r3"]), "{told}");
    });
}

#[test]
fn an_erasure_killed_at_any_call_and_finished_leaves_right_logs() {
    let service = Service::start("");
    let export = delta(&service);
    for run in ["r1", "r2"] {
        export.clone().args("--run-id").arg(run).expect(0);
    }
    let erase = |out: &Path| super::at(out, "erase", "--contact messages-9-b --reference R");
    killed(&export, &erase, &|out, told| {
        erase(out).expect(0);
        verified(out, told);
        for (path, (bytes, _)) in named(out) {
            assert_eq!(std::fs::metadata(out.join(&path)).unwrap().len(), bytes, "{told}: {path}");
        }
    });
    on(&export, "verify", "").expect(0);
}
