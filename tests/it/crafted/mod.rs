//! Crafted exports: no command, and no database that runs its SQL, executes or follows a string of a manifest.

mod databases;
mod load;
mod scene;
mod texts;

use std::fs;
use std::path::Path;
use std::process::Command;

use chatzy_export::internals::digest::sha256;
use chatzy_export::internals::durable;

use crate::support::export::{Export, Outcome, json, read, tree, write};
use crate::support::service::Service;
use databases::Databases;
use scene::{FILES, craft, scene};
use texts::{Group, TEXTS, groups, text};

/// The scripts that `schema` prints, by option and database.
const SCRIPTS: [(&str, &str); 4] =
    [("--merge", "duckdb"), ("--latest", "postgres"), ("--latest", "duckdb"), ("--merge", "postgres")];

/// Exit codes of the commands that read an export, beside 0.
const CODES: [(&str, &[i32]); 6] = [
    ("verify", &[8]),
    ("report", &[2, 8]),
    ("rebuild", &[2, 3, 8, 9]),
    ("schema", &[2, 8]),
    ("prune", &[2, 8]),
    ("run", &[3, 8, 9]),
];

/// The commands to try.
#[derive(Clone, Copy)]
enum Tried {
    /// All of them.
    All,
    /// All of them, but the scripts of one database at a time.
    InTurn(usize),
    /// One at a time of those that describe the damage: a damaged manifest ends all of them in the same way.
    Few(usize),
}

impl Tried {
    fn has(self, command: &str) -> bool {
        match self {
            Self::All | Self::InTurn(_) => true,
            Self::Few(number) => command == ["verify", "report", "prune"][number % 3],
        }
    }

    fn scripts(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::All => &SCRIPTS,
            Self::InTurn(number) => &SCRIPTS[number % 2 * 2..][..2],
            Self::Few(number) => &SCRIPTS[number % 4..][..1],
        }
    }
}

/// The outcome of the commands that read an export. Those that change it come last.
fn outcomes(export: &Export, tried: Tried, mut each: impl FnMut(&'static str, &[&str], &Outcome)) {
    let at = export.out_path().to_string_lossy().into_owned();
    let (made, page) = (export.path("made"), export.path("page.html"));
    durable::remove_tree(&made).unwrap();
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let mut run = |command: &'static str, options: &[&str], prepared: Export| {
        if command == "schema" || tried.has(command) {
            each(command, options, &prepared.run());
        }
    };
    run("verify", &[], Export::command("verify --deep").arg(&at));
    run("report", &[], Export::command("report").arg(&at).args("-o").arg(&path(&page)));
    run("rebuild", &[], Export::command("rebuild --from").arg(&at).args("--out").arg(&path(&made)));
    for (option, dialect) in tried.scripts() {
        let schema = Export::command("schema").args(option).arg(dialect).args("--from").arg(&at);
        run("schema", &[option, dialect], schema);
    }
    run("prune", &[], Export::command("prune --keep-last 1").arg(&at));
    run("run", &[], export.clone());
}

/// The files beside the export, apart from those that the test itself writes.
fn outside(export: &Export) -> Vec<String> {
    let mut files = tree(&export.path(""));
    let own = ["export/", "made/", "whole/", "stdout-", "stderr-", "page.html"];
    files.retain(|file| !own.iter().any(|own| file.starts_with(own)) || file.ends_with("owned"));
    files
}

/// Fails if a command or a database touches anything outside the export. True if all of them succeed.
fn assert_harmless(export: &Export, databases: &mut Databases, tried: Tried, told: &str) -> bool {
    let victim = || fs::metadata(export.path("outside/victim")).unwrap().modified().unwrap();
    let (before, mut is_sound) = (victim(), true);
    outcomes(export, tried, |command, options, outcome| {
        let told = format!("{command} {options:?}, {told}: {:?} {}", outcome.code, outcome.stderr);
        let (_, expected) = CODES.iter().find(|(name, _)| *name == command).expect("a command");
        assert!(outcome.code.is_some_and(|code| code == 0 || expected.contains(&code)), "{told}");
        assert!(
            !outcome.stderr.contains("panicked") && !outcome.stderr.contains("a bug in chatzy-export"),
            "{told}"
        );
        assert!(outcome.code == Some(0) || !outcome.last_line().is_empty(), "{told}");
        is_sound &= outcome.code == Some(0);
        if let [option, dialect] = *options {
            let is_done = databases.run(dialect, option, &outcome.stdout, &export.path(""));
            assert!(
                is_done != Some(true) || outcome.code == Some(0),
                "a script of a failure succeeds: {told}"
            );
            is_sound &= is_done != Some(false);
        }
        assert_eq!(outside(export), ["contacts.csv", "outside/victim"], "{told}");
        assert_eq!((read(&export.path("outside/victim")).as_str(), victim()), ("kept", before), "{told}");
    });
    let page = export.path("page.html");
    assert!(!page.exists() || !read(&page).contains("<img src=x"), "{told}");
    durable::remove_file(&page).unwrap();
    is_sound
}

/// Tries all texts in the strings of all files, for one of two halves of the strings. Returns the number of
/// strings that are accepted as they are, and of the others.
fn try_all(export: &Export, databases: &mut Databases, half: usize) -> [usize; 2] {
    let outside = fs::canonicalize(export.path("outside")).unwrap();
    craft(export, scene::NEWEST, &Group::new(), |_| String::new());
    assert!(assert_harmless(export, databases, Tried::All, "as it is"), "a sound export");
    let mut counts = [0, 0];
    for file in FILES {
        let groups = groups(&json(&export.path("whole").join(file)), scene::is_read_of(file));
        let mut inert = Group::new();
        for (number, group) in groups.into_iter().enumerate().skip(half).step_by(2) {
            let told = format!("{file} {group:?}");
            craft(export, file, &group, |_| text(number, &outside));
            if assert_harmless(export, databases, Tried::InTurn(number / 2), &told) {
                inert.extend(group);
                continue;
            }
            counts[1] += 1;
            for number in (number..number + TEXTS.len()).skip(1) {
                craft(export, file, &group, |_| text(number, &outside));
                let told = format!("{told} {:?}", text(number, &outside));
                assert_harmless(export, databases, Tried::Few(number), &told);
            }
        }
        counts[0] += inert.len();
        // No place hides another: all are tried at once, and each gets every text.
        for round in (1..TEXTS.len()).take_while(|_| !inert.is_empty()) {
            craft(export, file, &inert, |number| text(number + round, &outside));
            assert_harmless(export, databases, Tried::InTurn(round), &format!("{file}, round {round}"));
        }
    }
    counts
}

#[test]
fn no_string_of_a_manifest_is_obeyed() {
    let service = Service::start("");
    let halves = [0, 1].map(|half| {
        let service = &service;
        move || {
            let export = scene(service);
            let mut databases = Databases::start("no_string_of_a_manifest_is_obeyed", &export.path(""));
            let counts = try_all(&export, &mut databases, half);
            databases.assert_none_obeyed();
            counts
        }
    });
    let counts = std::thread::scope(|scope| {
        halves.map(|half| scope.spawn(half)).map(|half| half.join().expect("a half"))
    });
    let [inert, others] = [0, 1].map(|kind| counts.iter().map(|counts| counts[kind]).sum::<usize>());
    assert!(inert > 25 && others > 40, "{inert} strings are taken as they are, {others} are not");
}

#[test]
fn a_manifest_of_another_run_is_damage_for_every_command() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a", "messages-2-b"])
        .args("--format jsonl --keep-raw --partition-by month --incremental");
    export.clone().args("--run-id r1").expect(0);
    export.clone().args("--run-id r2").expect(0);
    let out = export.out_path();
    fs::copy(out.join("_runs/r1/manifest.json"), out.join("_runs/r2/manifest.json")).unwrap();
    let mut latest = json(&out.join("_runs/latest.json"));
    latest["sha256"] = sha256(read(&out.join("_runs/r2/manifest.json"))).into();
    write(&out.join("_runs/latest.json"), latest.to_string());
    let before = tree(out);
    outcomes(&export, Tried::All, |command, _, outcome| {
        assert_eq!(outcome.code, Some(8), "{command}: {}", outcome.stderr);
    });
    let mut after = tree(out);
    after.retain(|path| before.contains(path));
    assert_eq!(after, before, "nothing was removed");
}

/// Runs a command line in a folder of its own. True if it creates a file `owned`.
fn is_obeyed(run: impl FnOnce(&Path)) -> bool {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path());
    folder.path().join("owned").exists()
}

#[test]
fn the_texts_do_harm_where_they_are_obeyed() {
    let at = Path::new("/outside");
    assert!(is_obeyed(|folder| {
        let line = format!("echo 'part-{}'", text(4, at));
        Command::new("sh").args(["-c", &line]).current_dir(folder).output().unwrap();
    }));
    if let Some(shell) = databases::shell() {
        for (begin, number) in [("SELECT '", 5), ("-- Left out: ", 6)] {
            let script = format!("BEGIN;\n{begin}{}\n", text(number, at));
            assert!(is_obeyed(|folder| databases::run_shell(&shell, &script, folder)), "{script}");
        }
    }
    if let Some(postgres) = crate::warehouse::Database::postgres("the_texts_do_harm_where_they_are_obeyed") {
        assert!(is_obeyed(|folder| drop(postgres.try_run(&format!("-- Left out: {}", text(0, at)), folder))));
        drop(postgres.try_run(&format!("BEGIN;\nSELECT '{}", text(5, at)), Path::new("/")));
        let count = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'owned';";
        assert_eq!(postgres.run(count, Path::new("/")), ["1"]);
    }
}
