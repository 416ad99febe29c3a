//! `runs`: each run of an export once, in the order of the chain, with the reason why `prune` keeps it.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chatzy_export::internals::digest::sha256;
use chatzy_export::internals::lock::Lock;
use serde_json::{Value, json};

use crate::nightly::{gated, holding};
use crate::support::export::{EMAIL, Export, Outcome, PASSWORD, json as read_json, read, tree, write};
use crate::support::service::{Service, wait_until};
use chatzy_export::internals::store::Store;

fn runs(out: &Path) -> Export {
    Export::command("runs").arg(&out.to_string_lossy())
}

fn listed(out: &Path, code: i32) -> Value {
    serde_json::from_str(&runs(out).args("--json").expect(code).stdout).expect("one JSON document")
}

fn ids(list: &Value) -> Vec<&str> {
    list["runs"].as_array().unwrap().iter().map(|run| run["run_id"].as_str().unwrap()).collect()
}

/// A text of each run in a list.
fn each(list: &Value, text: impl Fn(&Value) -> String) -> Vec<String> {
    list["runs"].as_array().unwrap().iter().map(text).collect()
}

/// The cells of a line, which two blanks or more separate.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// An export with a run of each kind, the oldest first.
fn one_of_each() -> (Service, Export) {
    let service = Service::start("--account-contacts 30 --max-messages 20");
    let export = Export::run_of(service.url(), ["a"]).without("--contacts").args("--format jsonl");
    export.clone().args("--all-contacts --keep-raw --run-id full").expect(0);
    let incremental = export.clone().args("--all-contacts --incremental --run-id");
    incremental.clone().args("first").expect(0);
    service.night();
    incremental.clone().args("second").expect(0);
    export.clone().args("--all-contacts --channel whatsapp --since 2020-01-01 --run-id window").expect(0);
    export.write("some.csv", "contact_id\nmessages-3-a\npoison-1-b\n");
    export.clone().args("--contacts some.csv --retries 0 --run-id partial").expect(3);
    (service, export)
}

#[test]
fn every_kind_of_run_has_one_line_and_the_newest_is_last() {
    let (_service, export) = one_of_each();
    let out = export.out_path();
    let list = listed(out, 0);
    assert_eq!(ids(&list), ["full", "first", "second", "window", "partial"]);
    let kinds = each(&list, |run| format!("{} {} {}", run["kind"], run["limits"], run["status"]));
    let expected = [
        r#""full" [] "complete""#,
        r#""incremental" [] "complete""#,
        r#""incremental" [] "complete""#,
        r#""window" ["--since","--channel"] "complete""#,
        r#""full" [] "partial""#,
    ];
    assert_eq!(kinds, expected);
    let kept = each(&list, |run| format!("{} {}", run["kept"], run["held_by"]));
    let expected = [
        "null null",
        r#""held" "second""#,
        r#""state" null"#,
        r#""newest_complete" null"#,
        r#""newest" null"#,
    ];
    assert_eq!(kept, expected);
    for run in list["runs"].as_array().unwrap() {
        let manifest =
            read_json(&out.join(format!("_runs/{}/manifest.json", run["run_id"].as_str().unwrap())));
        assert_eq!(run["contacts"], manifest["contacts"]);
        assert_eq!(run["messages"], manifest["tables"]["messages"]["rows"]);
        assert_eq!(run["input"], manifest["input"]["path"]);
        let files = manifest["files"].as_array().unwrap();
        let bytes: u64 = files.iter().map(|file| file["bytes"].as_u64().unwrap()).sum();
        assert_eq!((run["files"].as_u64(), run["bytes"].as_u64()), (Some(files.len() as u64), Some(bytes)));
        assert!(run["duration_seconds"].as_f64().is_some_and(|seconds| (0.0..120.0).contains(&seconds)));
    }
    assert_eq!((&list["unfinished"], &list["damages"]), (&Value::Null, &json!([])));

    let outcome = runs(out).expect(0);
    assert_eq!(outcome.last_line(), format!("5 runs in {}", out.display()));
    let lines: Vec<_> = outcome.stdout.lines().collect();
    let head = cells(lines[0]);
    assert_eq!(head, ["run", "status", "start", "duration", "contacts", "messages", "size", "kind", "kept"]);
    let shown = lines[1..].iter().map(|line| {
        let cells = cells(line);
        format!("{} {} {} | {}", cells[0], cells[1], cells[4], cells[7..].join(" | "))
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r"
    full complete 30 | full
    first complete 30 | incremental | held by second
    second complete 32 | incremental | state
    window complete 32 | window: --since --channel | newest complete
    partial partial 2 | full | newest
    ");
    // Each column ends or starts at the same place in every line.
    for (column, name) in head.iter().enumerate().skip(1) {
        let at = lines[0].find(name).unwrap();
        let gap = if (3..7).contains(&column) { at + name.len()..at + name.len() + 2 } else { at - 2..at };
        for line in &lines {
            assert_eq!(format!("{line:<200}").get(gap.clone()), Some("  "), "{name} in {line:?}");
        }
    }
    let quiet = runs(out).args("--quiet").expect(0);
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (outcome.stdout, ""));
}

#[test]
fn rebuilt_runs_name_their_archive_and_pruned_ones_are_not_listed() {
    let (_service, export) = one_of_each();
    let again = export.path("again");
    let rebuild = Export::command("rebuild --progress never --run full --from");
    let rebuild = rebuild.arg(&export.out_path().to_string_lossy()).args("--out");
    rebuild.arg(&again.to_string_lossy()).expect(0);
    let list = listed(&again, 0);
    assert_eq!((ids(&list), &list["runs"][0]["rebuilt_from"]), (vec!["full"], &json!("full")));
    assert!(runs(&again).expect(0).stdout.contains("rebuilt, full"));
    let out = export.out_path().to_string_lossy().into_owned();
    Export::command("prune --keep-last 1").arg(&out).expect(0);
    assert_eq!(ids(&listed(export.out_path(), 0)), ["first", "second", "window", "partial"]);
}

/// `prune` removes exactly the runs for which `runs` has no reason.
#[test]
fn prune_removes_the_runs_that_nothing_keeps() {
    let (_service, export) = one_of_each();
    for turn in 0..4 {
        let list = listed(export.out_path(), 0);
        let free: BTreeSet<&str> = ids(&list)
            .into_iter()
            .zip(list["runs"].as_array().unwrap())
            .filter_map(|(run_id, run)| run["kept"].is_null().then_some(run_id))
            .collect();
        let prune = Export::command("prune --keep-last 1 --dry-run --json");
        let pruning = prune.arg(&export.out_path().to_string_lossy()).expect(0);
        let pruning: Value = serde_json::from_str(&pruning.stdout).unwrap();
        let removed = pruning["removed"].as_array().unwrap();
        let removed: BTreeSet<&str> = removed.iter().map(|run| run["run_id"].as_str().unwrap()).collect();
        assert_eq!(free, removed, "after {turn} more runs");
        let held = pruning["kept"].as_array().unwrap().iter().find(|run| run["run_id"] == "first");
        assert_eq!(held.map(|run| &run["held_by"]), Some(&json!("second")), "{pruning}");
        export.clone().args("--contacts some.csv --retries 0").expect(3);
    }
}

/// Runs the command at the end of the last line in a shell, in this folder.
fn typed(outcome: &Outcome, folder: &Path) -> i32 {
    let line = outcome.stderr.trim_end().lines().next_back().expect("a last line");
    let (_, command) = line.split_once(", run: ").expect("a command");
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder);
    shell.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD);
    shell.output().expect("a shell").status.code().expect("an exit code")
}

#[test]
fn an_unfinished_run_is_last_with_the_command_that_resumes_it() {
    let (server, is_open) = gated(0);
    let export = Export::run_of(server.url(), ["a", "b"]).args("--format jsonl --run-id halfway");
    let export = export.args("--wait-lock 1s --fresh");
    let out = export.out_path();
    let running = holding(&export, &server);
    let list = listed(out, 0);
    assert_eq!(
        (&list["unfinished"]["run_id"], &list["unfinished"]["lock"]),
        (&json!("halfway"), &json!("held"))
    );
    let owner = format!("process {} on ", running.id());
    assert!(list["unfinished"]["owner"].as_str().unwrap().starts_with(&owner), "{list}");
    let outcome = runs(out).expect(0);
    let told = "run halfway is unfinished, and a command is at work (process ";
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    assert_eq!(cells(outcome.stdout.lines().last().unwrap())[..2], ["halfway", "unfinished"]);
    running.signal("KILL");
    running.wait(Duration::from_mins(1));

    let unfinished = listed(out, 0)["unfinished"].clone();
    assert_eq!(unfinished["lock"], "free", "its process has ended");
    assert_eq!(unfinished["directory"], export.path("").to_string_lossy().trim_end_matches('/'));
    let command = unfinished["command"].as_str().unwrap();
    assert!(command.contains("--run-id halfway") && !command.contains("--fresh"), "{command}");
    let outcome = runs(out).expect(0);
    let told = format!("run halfway is unfinished; to resume it in {}", export.path("").display());
    assert!(outcome.stderr.contains(told.trim_end_matches('/')), "{}", outcome.stderr);
    is_open.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(typed(&outcome, &export.path("")), 0);
    let list = listed(out, 0);
    assert_eq!((ids(&list), &list["unfinished"]), (vec!["halfway"], &Value::Null));

    // A run of an earlier version, and a work folder of something else.
    let (server, _) = gated(0);
    let another = export.clone().without("--base-url").base_url(server.url()).without("--run-id");
    let running = holding(&another, &server);
    running.signal("KILL");
    running.wait(Duration::from_mins(1));
    let path = out.join("_work/run.json");
    let mut run = read_json(&path);
    run.as_object_mut().unwrap().remove("command");
    write(&path, run.to_string());
    let outcome = runs(out).expect(0);
    assert!(outcome.last_line().contains("repeat the command that started it"), "{}", outcome.stderr);
    write(&path, "{");
    let outcome = runs(out).expect(0);
    assert!(outcome.last_line().contains("cannot be read"), "{}", outcome.stderr);
    assert_eq!(cells(outcome.stdout.lines().nth(1).unwrap())[0], "halfway");
}

/// Damages the export in a folder.
type Harm<'a> = &'a dyn Fn(&Path);

#[test]
fn the_other_runs_are_listed_whatever_is_damaged() {
    let (_service, export) = one_of_each();
    let damage: [(&str, Harm<'_>, &[&str], &str); 6] = [
        (
            "cut",
            &|out| write(&out.join("_runs/second/manifest.json"), "{\"manifest_version\":1"),
            &["full", "first", "window", "partial"],
            "unreadable: _runs/second/manifest.json",
        ),
        (
            "lost",
            &|out| std::fs::remove_file(out.join("_runs/second/manifest.json")).unwrap(),
            &["full", "first", "window", "partial"],
            "missing: _runs/second/manifest.json",
        ),
        (
            "changed",
            &|out| {
                let path = out.join("_runs/second/manifest.json");
                write(
                    &path,
                    read(&path).replace("\"started_at\": \"2", "\"started_at\": \"\\u001b[31m\\u202e2"),
                );
            },
            &["full", "first", "second", "window", "partial"],
            "unreadable: _runs/second/manifest.json: its SHA-256 is not the one by which it is named",
        ),
        (
            "no latest",
            &|out| std::fs::remove_file(out.join("_runs/latest.json")).unwrap(),
            &["full", "first", "second", "window", "partial"],
            "missing: _runs/latest.json: without it, the newest run is unknown",
        ),
        (
            "no state",
            &|out| std::fs::remove_file(out.join("_runs/second/state.parquet")).unwrap(),
            &["full", "first", "second", "window", "partial"],
            "unreadable: _runs/second/state.parquet: it is missing",
        ),
        (
            "not in the chain",
            &|out| {
                let text = read(&out.join("_runs/full/manifest.json"));
                let text = text.replace("\"run_id\": \"full\"", "\"run_id\": \"copy\"");
                write(&out.join("_runs/copy/manifest.json"), text.replace("part-full-", "part-copy-"));
                symlink("nowhere", out.join("_runs/link")).unwrap();
            },
            &["copy", "full", "first", "second", "window", "partial"],
            "chain: _runs/copy/manifest.json: neither latest.json nor a later run names this run",
        ),
    ];
    for (name, harm, expected, told) in damage {
        let out = export.path(name);
        let copied = Command::new("cp").arg("-a").arg(export.out_path()).arg(&out).status();
        assert!(copied.unwrap().success());
        harm(&out);
        let list = listed(&out, 8);
        assert_eq!(ids(&list), expected, "{name}");
        assert!(!list["damages"].as_array().unwrap().is_empty(), "{name}");
        let outcome = runs(&out).expect(8);
        assert!(outcome.stderr.contains(told), "{name}: {}", outcome.stderr);
        assert!(outcome.last_line().contains("is damaged: 1 finding above"), "{name}: {}", outcome.stderr);
        assert!(!outcome.stdout.contains(['\u{1b}', '\u{202e}']), "{name}: {:?}", outcome.stdout);
        assert_eq!(outcome.stdout.lines().count(), expected.len() + 1, "{name}");
        let verify = Export::command("verify").arg(&out.to_string_lossy()).run();
        assert_eq!(verify.code, Some(8), "{name}: {}", verify.stderr);
    }
}

#[test]
fn where_there_is_no_export_it_says_what_verify_says() {
    let export = Export::command("");
    write(&export.path("empty/notes.txt"), "");
    write(&export.path("file"), "");
    for name in ["empty", "nowhere", "file"] {
        let path = export.path(name);
        let told = runs(&path).expect(2).whole_last_line();
        assert_eq!(
            told,
            format!(
                "error: there is no export at {}: it has no _runs/latest.json and no tables",
                path.display()
            )
        );
    }
    let said = Export::command("verify").arg(&export.path("empty").to_string_lossy()).expect(2);
    assert_eq!(said.whole_last_line(), runs(&export.path("empty")).expect(2).whole_last_line());
    write(&export.path("tables/messages/part-r-00000.jsonl"), "");
    let told = runs(&export.path("tables")).expect(8);
    assert!(told.stderr.contains("missing: _runs/latest.json"), "{}", told.stderr);
    let log = runs(&export.path("empty")).args("--log-format json").expect(2);
    let last: Value = serde_json::from_str(log.stderr.trim_end()).unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&json!("failed"), &json!(2)));
}

/// The clock of the machine was set back again and again: only the chain shows the order.
#[test]
fn a_thousand_runs_are_listed_in_the_order_of_the_chain() {
    const RUNS: usize = 1_000;
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--format jsonl --run-id first");
    let outcome = export.expect(0);
    let out = outcome.out;
    let mut manifest = read_json(&out.join("_runs/first/manifest.json"));
    let mut previous = ("first".to_owned(), sha256(read(&out.join("_runs/first/manifest.json"))));
    let mut expected = vec![previous.0.clone()];
    for at in 1..RUNS {
        let run_id = format!("r{:04}", at * 7919 % RUNS);
        manifest["run_id"] = run_id.clone().into();
        manifest["previous"] = json!({"run_id": previous.0, "sha256": previous.1});
        for file in manifest["files"].as_array_mut().unwrap() {
            let path = file["path"]
                .as_str()
                .unwrap()
                .replace(&format!("part-{}-", previous.0), &format!("part-{run_id}-"));
            file["path"] = path.into();
        }
        for time in ["started_at", "finished_at"] {
            manifest[time] = format!("2026-11-{:02}T02:00:00.000000Z", 28 - at % 28).into();
        }
        let text = manifest.to_string();
        write(&out.join(format!("_runs/{run_id}/manifest.json")), &text);
        previous = (run_id.clone(), sha256(text));
        expected.push(run_id);
    }
    let (run_id, hash) = previous;
    let latest =
        json!({"run_id": run_id, "manifest": format!("_runs/{run_id}/manifest.json"), "sha256": hash});
    write(&out.join("_runs/latest.json"), latest.to_string());
    let list = listed(&out, 0);
    assert_eq!(ids(&list), expected);
    assert_eq!(runs(&out).expect(0).stdout.lines().count(), RUNS + 1);
}

#[test]
fn commands_in_the_way_of_a_run_name_it_and_can_wait() {
    let service = Service::start("");
    let base = Export::run_of(service.url(), ["messages-3-a"]);
    let export = base.clone().args("--format jsonl --keep-raw");
    export.clone().args("--run-id r1").expect(0);
    let out = export.out_path();
    let path = out.to_string_lossy().into_owned();
    let held = Lock::acquire(&Store::local(out), None, None).unwrap();
    let owner = format!(" (process {} on ", std::process::id());
    let rebuild = Export::command("rebuild --progress never --from").arg(&path).args("--out").arg(&path);
    let check = base.into_check().args("--out").arg(&path);
    let prune = Export::command("prune --keep-last 1").arg(&path);
    for command in [&export, &rebuild, &check, &prune] {
        let outcome = command.expect(7);
        assert!(outcome.stderr.lines().last().unwrap().contains(&owner), "{}", outcome.stderr);
    }
    let told = prune.expect(7).stderr;
    assert!(told.trim_end().ends_with(&format!("prune --keep-last 1 {path} --wait-lock 1h")), "{told}");
    let before = tree(out);
    let waiting = prune.clone().args("--wait-lock 1m").start();
    wait_until("it waits", || waiting.stderr().contains("waiting up to 60 s"));
    assert!(waiting.stderr().contains(&owner), "{}", waiting.stderr());
    assert_eq!(tree(out), before);
    drop(held);
    waiting.wait(Duration::from_mins(1)).expect(0);
}
