//! A state or a decision of an incremental run that is lost or damaged: the run reports it with the command that helps.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::account::Account;
use super::verified;
use crate::support::export::{Export, json, read, write};
use crate::support::service::wait_until;

/// Asserts that the command ends with this exit code, and that the command it suggests works.
fn is_lost_and_told(export: &Export, what: &str, code: i32) {
    let outcome = export.expect(code);
    assert!(outcome.last_line().contains("--full"), "{what}: {}", outcome.last_line());
    assert!(outcome.whole_last_line().ends_with(" --full"), "{what}: {}", outcome.whole_last_line());
    let full = export.clone().args("--full").expect(0);
    assert_eq!(full.contacts("exported"), 2, "{what}");
    assert_eq!(export.expect(0).contacts("unchanged"), 2, "{what}: and all is well again");
}

/// Damage to an export.
type Damage = fn(&Path);

#[test]
fn a_state_that_is_lost_or_damaged_is_told_with_the_way_out() {
    let account = Account::of(&["a", "b"]);
    let base = account.nightly(&["a", "b"]).args("--run-id night");
    let damages: [(&str, i32, Damage); 10] = [
        ("no-state", 9, |out| std::fs::remove_file(out.join("_runs/night/state.parquet")).unwrap()),
        ("changed", 9, |out| {
            let path = out.join("_runs/night/state.parquet");
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[20] ^= 1;
            write(&path, bytes);
        }),
        ("no-latest", 9, |out| std::fs::remove_file(out.join("_runs/latest.json")).unwrap()),
        ("torn-latest", 8, |out| write(&out.join("_runs/latest.json"), "{")),
        ("no-manifest", 9, |out| std::fs::remove_file(out.join("_runs/night/manifest.json")).unwrap()),
        ("names-none", 9, |out| {
            let path = out.join("_runs/night/manifest.json");
            let mut manifest = json(&path);
            manifest.as_object_mut().unwrap().remove("state");
            let text = manifest.to_string();
            write(&path, &text);
            let mut latest = json(&out.join("_runs/latest.json"));
            latest["sha256"] = chatzy_export::internals::digest::sha256(&text).into();
            write(&out.join("_runs/latest.json"), latest.to_string());
        }),
        ("torn-manifest", 8, |out| {
            write(&out.join("_runs/night/manifest.json"), "{");
        }),
        ("other-manifest", 8, |out| {
            let path = out.join("_runs/night/manifest.json");
            write(&path, read(&path) + "\n");
        }),
        ("linked-run", 8, |out| {
            chatzy_export::internals::durable::rename(&out.join("_runs/night"), &out.join("night")).unwrap();
            std::os::unix::fs::symlink("../night", out.join("_runs/night")).unwrap();
        }),
        ("linked-state", 9, |out| {
            let state = out.join("_runs/night/state.parquet");
            chatzy_export::internals::durable::rename(&state, &out.join("state")).unwrap();
            std::os::unix::fs::symlink("../../state", state).unwrap();
        }),
    ];
    for (what, code, damage) in damages {
        let export = base.clone().out(what);
        export.expect(0);
        damage(export.out_path());
        is_lost_and_told(&export.without("--run-id"), what, code);
    }
}

#[test]
fn verify_finds_damage_to_the_state() {
    let account = Account::of(&["a"]);
    let export = account.nightly(&["a"]).args("--run-id night");
    let out = export.expect(0).out;
    let path = out.join("_runs/night/state.parquet");
    let whole = std::fs::read(&path).unwrap();
    let findings = |options: &str| {
        let outcome = Export::command("verify --json").args(options).arg(&out.to_string_lossy()).expect(8);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let damages = report["damages"].as_array().unwrap().clone();
        let text = |damage: &Value| {
            format!("{} {}", damage["kind"].as_str().unwrap(), damage["path"].as_str().unwrap())
        };
        damages.iter().map(text).collect::<Vec<_>>()
    };
    let listed = "_runs/night/state.parquet";
    for at in [0, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        write(&path, changed);
        assert_eq!(findings("--deep"), [format!("changed {listed}")]);
    }
    write(&path, &whole[..whole.len() - 1]);
    assert_eq!(findings(""), [format!("cut {listed}")]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(findings(""), [format!("missing {listed}")]);
}

#[test]
fn a_decision_that_is_damaged_or_lost_is_said() {
    let account = Account::of(&["a", "b"]);
    for (name, damage) in [("decision.parquet", "changed"), ("decision.json", "{"), ("decision.parquet", "")]
    {
        let export = account.nightly(&["a", "b"]);
        account.is_open.store(false, Ordering::Relaxed);
        account.asked_for();
        let running = export.start();
        wait_until("it has decided and asks", || !account.asked_for().is_empty());
        running.signal("KILL");
        running.wait(Duration::from_secs(5));
        account.is_open.store(true, Ordering::Relaxed);
        export.write(&format!("export/_work/{name}"), damage);
        let outcome = export.expect(9);
        assert!(outcome.last_line().contains("--fresh"), "{}", outcome.last_line());
        verified(&export.args("--fresh").expect(0));
    }
}
