//! Killed at any call, an erasure is finished by the same command, or by `--finish`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use chatzy_export::internals::durable::remove_tree;

use super::{command, contents, verified};
use crate::support::export::{Export, json, read, write};
use crate::support::faults::{CHANGING, Fate, Fault, count, setting};
use crate::support::power;
use crate::support::scene::random;
use crate::support::service::Service;

const ORDER: &str = "--contact messages-40-ada --contact poison-2-ada --reference DSAR-17";

/// Two runs with rows of every kind.
fn template() -> Export {
    let service = Service::start("");
    let contacts = ["messages-40-ada", "messages-90-b", "unknown-x", "poison-2-ada", "messages-17-e"];
    let export = Export::run_of(service.url(), contacts).args("--keep-raw --retries 0 --partition-by month");
    for (run, format) in [("r1", "parquet"), ("r2", "jsonl")] {
        export.clone().args("--allow-mixed --format").arg(format).args("--run-id").arg(run).expect(3);
    }
    export
}

/// A copy of the export under this name.
fn copy(export: &Export, name: &str) -> Export {
    write(&export.path(&format!("{name}/beside")), "");
    let copied =
        std::process::Command::new("cp").arg("-a").arg(export.out_path()).arg(export.path(name)).status();
    assert!(copied.unwrap().success());
    export.clone().out(&format!("{name}/export"))
}

/// All files but the record, and the record without its salt, hashes, ID and times.
fn end_state(export: &Export) -> (BTreeMap<String, Vec<u8>>, Value) {
    let mut files = contents(export.out_path());
    files.remove("_runs/erased.json");
    let mut record = json(&export.out_path().join("_runs/erased.json"));
    record["salt"].take();
    for erasure in record["erasures"].as_array_mut().unwrap() {
        assert!(erasure["finished_at"].is_string(), "{erasure}");
        for key in ["id", "erased_at", "finished_at", "contact_sha256"] {
            erasure[key].take();
        }
        for run in erasure["runs"].as_array_mut().unwrap() {
            let files = run["files"].as_array_mut().unwrap();
            files.sort_by_key(|file| file["path"].as_str().unwrap().to_owned());
        }
    }
    (files, record)
}

fn killed(turns: impl Iterator<Item = (String, Vec<Fault>)>, export: &Export) {
    let whole = copy(export, "whole");
    command(&whole, "erase", ORDER).expect(0);
    let reference = end_state(&whole);
    for (told, faults) in turns {
        let name = format!("killed-{}", fastrand::u64(..));
        let erased = copy(export, &name);
        for fault in &faults {
            command(&erased, "erase", ORDER).with_fault(*fault).run();
            let verified = command(&erased, "verify", "--deep").run();
            assert_eq!(verified.code, Some(0), "{told}: {}", verified.stderr);
            let warnings =
                verified.stderr.lines().filter(|line| line.starts_with("warning: the erasure DSAR-17"));
            for warning in warnings {
                assert!(
                    warning.ends_with(&format!("erase {} --finish", erased.out_path().display())),
                    "{warning}"
                );
            }
            for table in ["messages", "coverage"] {
                command(&erased, "cat", table).expect(0);
            }
        }
        // Either command finishes it. Until the record is written, only the order knows the contacts.
        let is_recorded = erased.out_path().join("_runs/erased.json").exists();
        if is_recorded && fastrand::bool() {
            command(&erased, "erase", "--finish").expect(0);
        } else {
            command(&erased, "erase", ORDER).expect(0);
        }
        assert!(end_state(&erased) == reference, "{told}");
        verified(&erased, &told);
        remove_tree(erased.out_path().parent().unwrap()).unwrap();
    }
}

#[test]
fn killed_at_random_calls_and_run_again_is_the_same() {
    let (mut rng, seed) = random("erase, killed at random calls");
    let export = template();
    let counted = copy(&export, "counted");
    let logging = command(&counted, "erase", ORDER).logging_calls();
    logging.expect(0);
    let calls = count(&logging.calls(), CHANGING);
    let turns: Vec<_> = (0..setting("CRASH_KILLS", 50) / 2)
        .map(|_| {
            let faults: Vec<Fault> =
                (0..rng.usize(1..=3)).map(|_| crate::crash::random_kill(&mut rng, calls)).collect();
            (format!("{seed}, {faults:?}"), faults)
        })
        .collect();
    killed(turns.into_iter(), &export);
}

#[test]
#[ignore = "takes minutes: make crash"]
fn killed_at_every_call_and_run_again_is_the_same() {
    let export = template();
    let counted = copy(&export, "counted");
    let logging = command(&counted, "erase", ORDER).logging_calls();
    logging.expect(0);
    let calls = count(&logging.calls(), CHANGING);
    let turns = (1..=calls).flat_map(|at| {
        [Fate::KillBefore, Fate::KillAfter]
            .map(|fate| (format!("call {at}, {fate:?}"), vec![crate::crash::kill(at, fate)]))
    });
    killed(turns, &export);
}

#[test]
fn a_hold_waits_for_the_end_of_an_interrupted_erasure() {
    let export = template();
    let out = export.out_path();
    command(&export, "erase", ORDER).expect(0);
    let record = out.join("_runs/erased.json");
    let text = read(&record);
    let finished_at = json(&record)["erasures"][0]["finished_at"].to_string();
    write(&record, text.replace(&format!("\"finished_at\": {finished_at}"), "\"finished_at\": null"));
    let told = command(&export, "hold", "--reference C --all").expect(9).stderr;
    assert!(told.contains("run chatzy-export erase with --finish"), "{told}");
    command(&export, "erase", "--finish").expect(0);
    command(&export, "hold", "--reference C --all").expect(0);
    verified(&export, "held");
}

#[test]
fn files_on_another_file_system_are_replaced_by_copies() {
    let export = template();
    let [whole, copied] = ["whole", "copied"].map(|name| copy(&export, name));
    command(&whole, "erase", ORDER).expect(0);
    let other_file_system = Fault {
        calls: " rename ",
        path: "/_work/erase/",
        at: 1,
        fate: crate::support::faults::Fate::Error { number: 18, ever: true },
    };
    let outcome = command(&copied, "erase", ORDER).with_fault(other_file_system).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(end_state(&copied) == end_state(&whole));
    verified(&copied, "copied");
}

#[test]
fn what_a_step_relies_on_is_on_the_disk() {
    let export = template();
    let erased = copy(&export, "durable");
    let logging = command(&erased, "erase", ORDER).logging_calls();
    logging.expect(0);
    let calls = logging.calls();
    let records: Vec<usize> = (0..calls.len())
        .filter(|at| calls[*at].name == "rename" && calls[*at].with.ends_with("_runs/erased.json"))
        .collect();
    let [first, last] = records.as_slice() else { panic!("the record is written twice: {records:?}") };
    let is_of = |path: &std::path::PathBuf, folder: &str| path.starts_with(erased.out_path().join(folder));
    let not_durable = |until: usize| power::not_durable(&calls[..until]).into_iter();
    let staged: Vec<_> = not_durable(*first).filter(|path| is_of(path, "_work/erase")).collect();
    assert_eq!(staged, Vec::<std::path::PathBuf>::new(), "the record relies on what is staged");
    let is_replaced = |path: &std::path::PathBuf| {
        !is_of(path, "_work") && !path.ends_with("erased.json.tmp") && !path.ends_with("erased.json")
    };
    let replaced: Vec<_> = not_durable(*last).filter(is_replaced).collect();
    assert_eq!(replaced, Vec::<std::path::PathBuf>::new(), "the end relies on all files");
    // The record itself is durable before the first file is replaced.
    let swap = calls.iter().position(|call| call.name == "rename" && call.path.contains("/_work/erase/"));
    let record: Vec<_> = not_durable(swap.unwrap()).filter(|path| path.ends_with("erased.json")).collect();
    assert_eq!(record, Vec::<std::path::PathBuf>::new(), "a replaced file relies on the record");
}

#[test]
fn the_power_fails_at_random_calls() {
    let (mut rng, seed) = random("erase, the power fails");
    let export = template();
    let whole = copy(&export, "whole");
    let logging = command(&whole, "erase", ORDER).logging_calls();
    logging.expect(0);
    let (calls, reference) = (count(&logging.calls(), CHANGING), end_state(&whole));
    for turn in 0..setting("CRASH_KILLS", 50) / 5 {
        let erased = copy(&export, &format!("power-{turn}"));
        // A call before which the command is killed is logged, too, and would count as done.
        let fault = crate::crash::kill(rng.usize(1..=calls), Fate::KillAfter);
        let logging = command(&erased, "erase", ORDER).logging_calls();
        if logging.with_fault(fault).run().code.is_some() {
            continue; // it ended before the call came
        }
        let before = |path: &Path| {
            let old = export.out_path().join(path.strip_prefix(erased.out_path()).ok()?);
            old.exists().then_some(old)
        };
        let lost = power::cut_over(&logging.calls(), &mut rng, &before);
        let told = format!("{seed}: {fault:?}, lost {lost:?}");
        verified(&erased, &told);
        command(&erased, "erase", ORDER).expect(0);
        assert!(end_state(&erased) == reference, "{told}");
        verified(&erased, &told);
    }
}
