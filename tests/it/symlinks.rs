//! The folders of an export are private: nobody else may read them, and planted links lead nowhere.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::export::{Export, read, tree};
use crate::support::scripted::{Answer, Scripted};
use crate::support::service::Service;

/// Every file below a folder with its content, and every link with its target.
fn content(folder: &Path) -> BTreeMap<String, String> {
    let files = tree(folder).into_iter().map(|file| {
        let path = folder.join(&file);
        let content = fs::read_link(&path).map_or_else(|_| read(&path), |to| format!("-> {}", to.display()));
        (file, content)
    });
    files.collect()
}

/// All paths of an export with an unfinished or published run: the folders, and the files.
const FOLDERS: [&str; 10] = [
    "",
    "contacts",
    "messages",
    "messages/month=2026-01",
    "coverage",
    "_runs",
    "_runs/r",
    "_work",
    "_work/spool",
    "_work/stage",
];
const FILES: [&str; 20] = [
    "contacts/part-r-00000.jsonl",
    "messages/month=2026-01/part-r-00000.jsonl",
    "messages/month=2026-01/.part-r-00000.jsonl.tmp",
    "_runs/latest.json",
    "_runs/latest.json.tmp",
    "_runs/r/manifest.json",
    "_runs/r/manifest.json.tmp",
    "_runs/r/checksums.sha256",
    "_runs/r/checksums.sha256.tmp",
    "_runs/r/failed.csv",
    "_runs/r/failed.csv.tmp",
    "_runs/r/not_found.csv",
    "_runs/r/.not_found.csv.tmp",
    "_work/run.json",
    "_work/run.json.tmp",
    "_work/publish.json",
    "_work/publish.json.tmp",
    "_work/spool/seg-00000.spool",
    "_work/stage/contacts/part-r-00000.jsonl",
    "_work/stage/_runs/r/not_found.csv",
];

/// An API that answers for one contact, refuses another, and does not know a third.
fn server() -> Scripted {
    Scripted::api(|asked| match asked.contact() {
        "refused" => Answer::message(403, "no"),
        "missing" => Answer::message(404, "no"),
        _ => Answer::page(asked, 3),
    })
}

fn export(server: &Scripted) -> Export {
    let export =
        Export::run_of(server.url(), ["a", "refused", "missing"]).args("--format jsonl --partition-by month");
    export.args("--run-id r")
}

/// Runs the command over planted links. It may succeed or fail, but nothing outside the export changes.
fn assert_nothing_outside_changes(export: &Export, told: &str) -> i32 {
    let before = content(&export.path("elsewhere"));
    let outcome = export.run();
    assert!(matches!(outcome.code, Some(2 | 3 | 6 | 8)), "{told}: {:?} {}", outcome.code, outcome.stderr);
    assert!(!outcome.stderr.contains("a bug"), "{told}: {}", outcome.stderr);
    assert_eq!(content(&export.path("elsewhere")), before, "{told}: {}", outcome.stderr);
    outcome.code.unwrap_or_default()
}

#[test]
fn a_link_in_any_place_leads_nowhere() {
    let server = server();
    let mut refused = 0;
    for place in FOLDERS.iter().chain(&FILES) {
        for is_dangling in [false, true] {
            let export = export(&server);
            export.write("elsewhere/theirs/kept", "kept");
            export.write("elsewhere/file", "kept");
            let link = export.path("export").join(place);
            fs::DirBuilder::new().recursive(true).create(link.parent().unwrap()).unwrap();
            let target = match (is_dangling, FOLDERS.contains(place)) {
                (true, _) => "elsewhere/missing",
                (false, true) => "elsewhere/theirs",
                (false, false) => "elsewhere/file",
            };
            let link = PathBuf::from(link.to_string_lossy().trim_end_matches('/'));
            symlink(export.path(target), &link).unwrap();
            let code = assert_nothing_outside_changes(&export, &format!("{place} to {target}"));
            refused += i32::from(code != 3);
            // If it succeeds, the published files belong to the export.
            let latest = export.path("export/_runs/latest.json");
            assert!(code != 3 || fs::symlink_metadata(latest).unwrap().is_file(), "{place}");
            assert_nothing_outside_changes(&export.args("--fresh"), &format!("{place} to {target}, afresh"));
        }
    }
    assert!(refused >= 24, "links in the place of folders and files of ours are refused: {refused}");
}

#[test]
fn an_unfinished_run_that_was_moved_away_is_not_followed() {
    let server = server();
    for place in ["_work", "_work/spool", "_work/stage", "_work/run.json", "_work/spool/seg-00000.spool"] {
        for again in ["", "--fresh"] {
            let export = export(&server);
            export.clone().args("--max-failed 0").expect(5);
            export.write("export/_work/stage/contacts/left", "");
            export.write("elsewhere/file", "kept");
            let (inside, outside) = (export.path("export").join(place), export.path("elsewhere/moved"));
            assert!(Command::new("mv").args([&inside, &outside]).status().unwrap().success());
            symlink(&outside, &inside).unwrap();
            assert_nothing_outside_changes(&export.args(again), &format!("{place} {again}"));
        }
    }
}

#[test]
fn a_publishing_that_was_moved_away_is_not_followed() {
    let server = server();
    for place in
        ["_work", "_work/publish.json", "_work/stage", "_work/stage/contacts", "_runs", "contacts", "_runs/r"]
    {
        for again in ["", "--fresh"] {
            let export = export(&server);
            // An object in the place of the second table stops it half-way.
            export.write("export/coverage", "in the way");
            export.expect(6);
            export.write("export/_runs/r/kept", "");
            export.write("elsewhere/file", "kept");
            let (inside, outside) = (export.path("export").join(place), export.path("elsewhere/moved"));
            if inside.exists() {
                assert!(Command::new("mv").args([&inside, &outside]).status().unwrap().success());
            } else {
                export.write("elsewhere/moved/kept", "");
            }
            symlink(&outside, &inside).unwrap();
            assert!(Command::new("rm").arg(export.path("export/coverage")).status().unwrap().success());
            assert_nothing_outside_changes(&export.args(again), &format!("{place} {again}"));
        }
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn an_unfinished_run_is_for_its_owner_only() {
    let service = Service::start("--latency 20ms");
    let contacts: Vec<String> = (0..60).map(|at| format!("messages-9-{at}")).collect();
    let export = Export::run_of(service.url(), &contacts).args("--concurrency 2 --target-file-size 1KB");
    let running = export.shell(r#"umask 000; exec "$@""#).out("new/deep/export").start();
    service.wait_for_requests(40);
    running.signal("KILL");
    let outcome = running.wait(Duration::from_mins(1));
    let root = outcome.out.ancestors().nth(2).unwrap();
    let files = tree(root);
    assert!(files.iter().any(|file| file.contains("/seg-")), "{files:?}");
    for file in files {
        assert_eq!(mode(&root.join(&file)), 0o600, "{file}");
        for folder in root.join(&file).ancestors().skip(1).take_while(|folder| folder.starts_with(root)) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }
}

/// The modes with which a traced program creates files and folders, and the modes it sets, by call.
fn modes_in(trace: &str) -> Vec<(String, u32)> {
    let mut modes = Vec::new();
    for line in trace.lines().filter(|line| !line.contains("resumed>")) {
        let Some((call, rest)) = line.split_once('(') else { continue };
        let call = call.rsplit(' ').next().unwrap_or_default();
        let makes = rest.contains("O_CREAT") || call.starts_with("mkdir") || call.contains("chmod");
        if !makes || rest.contains("\"/dev/") || rest.contains("EEXIST") {
            continue;
        }
        let arguments = rest.split([')', '<']).next().unwrap_or_default().trim_end();
        let mode = arguments.rsplit(", ").next().and_then(|mode| u32::from_str_radix(mode, 8).ok());
        modes.push((line.to_owned(), mode.unwrap_or_else(|| panic!("no mode in {line}"))));
    }
    modes
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn no_file_is_anybodys_for_a_moment() {
    if !Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success())
    {
        eprintln!("SKIPPED no_file_is_anybodys_for_a_moment: strace cannot run here");
        return;
    }
    let server = server();
    for format in ["parquet", "jsonl --compression gzip"] {
        let export =
            Export::run_of(server.url(), ["a", "refused", "b", "c"]).args("--partition-by run --format");
        let calls = "openat,open,creat,mkdir,mkdirat,chmod,fchmod,fchmodat";
        let trace = format!("umask 000; exec strace -f -qq -o trace -e trace={calls} \"$@\"");
        let outcome = export.args(format).args("--target-file-size 1B").shell(&trace).expect(3);
        let modes = modes_in(&read(&outcome.out.with_file_name("trace")));
        assert!(modes.len() > 20, "{modes:#?}");
        for (line, mode) in modes {
            let is_folder = mode & 0o100 != 0;
            assert_eq!(mode, if is_folder { 0o700 } else { 0o600 }, "{line}");
        }
    }
}
