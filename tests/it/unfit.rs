//! Other objects in the place of a manifest or a list: a torn file, a huge one, a pipe, a link. No command
//! waits for it, follows it or reads it completely.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chatzy_export::internals::durable;
use serde_json::Value;

use crate::support::export::{Export, json, read, write};
use crate::support::service::Service;

/// Memory limit of a command in megabytes.
const MOST: u64 = 512;
const LONGEST: Duration = Duration::from_secs(30);

/// Damages to a file, by name.
type Harm = (&'static str, fn(&Path));

const HARMS: [Harm; 5] = [
    ("torn", |path| write(path, "{")),
    ("huge", |path| {
        fs::remove_file(path).unwrap();
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
        file.set_len(64 << 30).unwrap();
    }),
    ("a pipe", |path| {
        fs::remove_file(path).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }),
    ("a link", |path| {
        let elsewhere = path.parent().unwrap().parent().unwrap().parent().unwrap().join("elsewhere");
        durable::rename(path, &elsewhere).unwrap();
        symlink(elsewhere, path).unwrap();
    }),
    ("behind a link", |path| {
        let folder = path.parent().unwrap();
        let elsewhere = folder.parent().unwrap().with_file_name("elsewhere");
        durable::rename(folder, &elsewhere).unwrap();
        symlink(elsewhere, folder).unwrap();
    }),
];

/// An incremental run with an archive, a failed contact and a record of pruned runs. Also the arguments of
/// each command that reads a manifest.
fn scene(service: &Service) -> (Export, [String; 6]) {
    let export = Export::run_of(service.url(), ["messages-3-a", "poison-2-c", "unknown-d"])
        .args("--incremental --keep-raw --format jsonl --run-id night --retries 0");
    export.expect(3);
    let out = export.out_path().to_string_lossy().into_owned();
    let commands = [
        format!("verify {out}"),
        format!("report {out} -o {out}.html"),
        format!("prune {out} --keep-last 1"),
        format!("schema --merge duckdb --from {out}"),
        format!("rebuild --from {out} --out {out}-again"),
        format!("rebuild --from {out} --out {out}-again --run night"),
    ];
    (export, commands)
}

/// Runs a command, which must end soon, with little memory and with this exit code.
fn ends(command: &Export, code: i32, what: &str) {
    let (outcome, most) = command.start().wait_watching_memory(LONGEST, || false);
    assert_eq!(outcome.code, Some(code), "{what}: {}", outcome.stderr);
    assert!(most < MOST, "{what}: {most} MiB");
}

#[test]
fn every_command_that_needs_a_damaged_manifest_ends_with_8() {
    let service = Service::start("");
    for (name, harm) in HARMS {
        let (export, commands) = scene(&service);
        harm(&export.out_path().join("_runs/night/manifest.json"));
        for command in commands {
            ends(&Export::command(&command), 8, &format!("{name}: {command}"));
        }
        let next = export.without("--run-id");
        ends(&next, 8, &format!("{name}: run --incremental"));
    }
}

#[test]
fn every_command_that_needs_a_damaged_latest_json_ends_with_8() {
    let service = Service::start("");
    for (name, harm) in &HARMS[..4] {
        let (export, commands) = scene(&service);
        let latest = export.out_path().join("_runs/latest.json");
        // `elsewhere` is beside `_runs`.
        harm(&latest);
        for command in &commands[..5] {
            // A script names the runs by their folders.
            if !command.starts_with("schema") {
                ends(&Export::command(command), 8, &format!("{name}: {command}"));
            }
        }
        ends(&export.without("--run-id"), 8, &format!("{name}: run --incremental"));
    }
}

#[test]
fn lists_and_files_that_are_not_what_was_written_are_damage() {
    let service = Service::start("");
    let lists = ["checksums.sha256", "failed.csv", "not_found.csv", "state.parquet"];
    for (name, harm) in HARMS {
        for list in lists {
            let (export, _) = scene(&service);
            let out = export.out_path();
            harm(&out.join("_runs/night").join(list));
            // The hash of 64 GiB would take longer than a test may.
            if name == "huge" && list != "checksums.sha256" {
                continue;
            }
            let verify = Export::command("verify --deep").arg(&out.to_string_lossy());
            ends(&verify, 8, &format!("{name}: {list}"));
        }
        let (export, commands) = scene(&service);
        write(&export.out_path().join("_runs/pruned.json"), "{\"pruned\": []}\n");
        if name != "behind a link" {
            harm(&export.out_path().join("_runs/pruned.json"));
            for at in [0, 2] {
                ends(&Export::command(&commands[at]), 8, &format!("{name}: pruned.json, {}", commands[at]));
            }
        }
    }
}

#[test]
fn a_state_behind_a_linked_run_is_not_read() {
    let service = Service::start("");
    let (export, commands) = scene(&service);
    let out = export.out_path();
    // The manifest is intact, but the folder of its run leads out of the export.
    let outside = export.path("outside");
    durable::rename(&out.join("_runs/night"), &outside).unwrap();
    symlink(&outside, out.join("_runs/night")).unwrap();
    ends(&export.clone().without("--run-id"), 8, "run --incremental");
    ends(&Export::command(&commands[2]), 8, "prune");
    ends(&Export::command(&commands[0]), 8, "verify");
}

#[test]
fn long_texts_of_damaged_files_are_cut_in_findings() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--format jsonl --run-id r");
    let out = export.expect(0).out;
    let long = "i".repeat(100_000);
    let manifest = out.join("_runs/r/manifest.json");
    let coverage = out.join("coverage/part-r-00000.jsonl");
    let text = read(&coverage).replace("\"messages-3-a\"", &format!("\"{long}\""));
    let mut described: Value = json(&manifest);
    for file in described["files"].as_array_mut().unwrap() {
        if file["table"] == "coverage" {
            file["bytes"] = text.len().into();
            file["sha256"] = chatzy_export::internals::digest::sha256(&text).into();
        }
    }
    described["started_at"] = long.clone().into();
    write(&coverage, &text);
    write(&manifest, described.to_string());
    let outcome = Export::command("verify --deep").arg(&out.to_string_lossy()).expect(8);
    assert!(outcome.stderr.contains("(100000 characters)"), "{}", outcome.stderr);
    let longest = outcome.stderr.lines().map(|line| line.chars().count()).max();
    assert!(longest < Some(1200), "{longest:?}");
    let json = Export::command("verify --deep --json").arg(&out.to_string_lossy()).expect(8).stdout;
    assert!(json.lines().all(|line| line.chars().count() < 1200));
}
