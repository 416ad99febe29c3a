//! Crafted exports: no command, and no database that runs its SQL, executes or follows a string of a manifest.

mod databases;
mod load;
mod scene;
mod texts;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chatzy_export::internals::digest::sha256;
use chatzy_export::internals::durable;

use crate::support::export::{Export, Outcome, json, read, tree, write};
use crate::support::faults::setting;
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
            // The long form has a script for each text, with CRAFTED_EVERY=1.
            Self::Few(number) => {
                let every = setting("CRAFTED_EVERY", 2).max(1);
                &SCRIPTS[number / every % 4..][..usize::from(number % every == 0)]
            }
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

/// Tries texts in the strings of one file.
struct Trial<'a> {
    export: &'a Export,
    databases: &'a mut Databases,
    file: &'static str,
    /// Folder of the victim.
    outside: PathBuf,
    /// Places that every command and database accepts as they are.
    inert: Group,
    /// The others, each with a number.
    refused: Vec<(usize, Group)>,
}

impl Trial<'_> {
    fn craft(&self, group: &Group, first: usize) {
        craft(self.export, self.file, group, |number| text(first + number, &self.outside));
    }

    /// True if `verify` accepts a text in these places.
    fn is_verified(&self, number: usize, group: &Group) -> bool {
        craft(self.export, self.file, group, |_| text(number, &self.outside));
        let verify = Export::command("verify --deep").arg(&self.export.out_path().to_string_lossy());
        verify.run().code == Some(0)
    }

    /// Tries groups together, and finds those that a command or a database refuses by halves.
    fn accept(&mut self, groups: &[(usize, Group)]) {
        let Some((number, one)) = groups.first() else { return };
        let all: Group = groups.iter().flat_map(|(_, group)| group.clone()).collect();
        self.craft(&all, *number);
        let told = format!("{} {all:?}", self.file);
        if assert_harmless(self.export, self.databases, Tried::InTurn(*number), &told) {
            self.inert.extend(all);
        } else if groups.len() == 1 {
            self.refused.push((*number, one.clone()));
        } else {
            let (low, high) = groups.split_at(groups.len() / 2);
            self.accept(low);
            self.accept(high);
        }
    }

    /// Tries every text in every place. Returns the number of places that are accepted, and of the others.
    fn run(mut self) -> [usize; 2] {
        let document = json(&self.export.path("whole").join(self.file));
        let groups = groups(&document, scene::is_read_of(self.file)).into_iter().enumerate();
        let (accepted, refused): (Vec<_>, Vec<_>) =
            groups.partition(|(number, group)| self.is_verified(*number, group));
        self.refused = refused;
        self.accept(&accepted);
        let refused = std::mem::take(&mut self.refused);
        for (number, group) in &refused {
            let number = *number;
            for text_number in number..number + TEXTS.len() {
                craft(self.export, self.file, group, |_| text(text_number, &self.outside));
                let told = format!("{} {group:?} {:?}", self.file, text(text_number, &self.outside));
                let tried =
                    if text_number == number { Tried::InTurn(number) } else { Tried::Few(text_number) };
                assert_harmless(self.export, self.databases, tried, &told);
            }
        }
        // No place hides another: all are tried at once, and each gets every text.
        for round in (1..TEXTS.len()).take_while(|_| !self.inert.is_empty()) {
            self.craft(&self.inert, round);
            let told = format!("{}, round {round}", self.file);
            assert_harmless(self.export, self.databases, Tried::InTurn(round), &told);
        }
        [self.inert.len(), refused.len()]
    }
}

#[test]
fn no_string_of_a_manifest_is_obeyed() {
    let service = Service::start("");
    let export = &scene(&service);
    let databases = &mut Databases::start("no_string_of_a_manifest_is_obeyed", &export.path(""));
    let outside = fs::canonicalize(export.path("outside")).unwrap();
    craft(export, scene::NEWEST, &Group::new(), |_| String::new());
    assert!(assert_harmless(export, databases, Tried::All, "as it is"), "a sound export");
    let mut counts = [0, 0];
    for file in FILES {
        let (inert, refused, outside) = (Group::new(), Vec::new(), outside.clone());
        let found = Trial { export, databases, file, outside, inert, refused }.run();
        counts = [counts[0] + found[0], counts[1] + found[1]];
    }
    databases.assert_none_obeyed();
    let [inert, others] = counts;
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
