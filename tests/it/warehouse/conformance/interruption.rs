//! Loads that fail or end early leave what was there, and the next one is complete.

use std::path::{Path, PathBuf};

use super::nights::RUNS;
use super::{Case, Warehouse};
use crate::support::export::{Export, json, write};
use crate::support::service::Service;
use crate::warehouse::{TABLES, statements};

/// The first file of a table in a run.
fn file(out: &Path, run: &str, table: &str) -> PathBuf {
    let manifest = json(&out.join(format!("_runs/{run}/manifest.json")));
    let mut files = manifest["files"].as_array().expect("files").iter();
    let file = files.find(|file| file["table"] == table).expect("a file");
    out.join(file["path"].as_str().expect("a path"))
}

/// A database with the first two nights.
fn two_nights(case: &Case) -> Warehouse<'_> {
    let warehouse = case.warehouse();
    warehouse.load("--run night1");
    warehouse.load("--run night2");
    warehouse
}

/// A script that was printed before a file went missing fails, and so does one that is printed after it.
pub fn a_file_is_missing(case: &Case) {
    let warehouse = two_nights(case);
    without_files(&warehouse, &RUNS[..2], "", &TABLES);
    warehouse.load("");
    warehouse.assert_has(&RUNS, "the files are there again");
}

/// A load with these options changes nothing if a file of the third night is missing, whichever table it is of.
fn without_files(warehouse: &Warehouse<'_>, loaded: &[&str], options: &str, tables: &[&str]) {
    let case = warehouse.case;
    let script = case.merge(&case.nights.export, options);
    for table in tables {
        let path = file(case.nights.export.out_path(), "night3", table);
        let content = std::fs::read(&path).expect("the file");
        std::fs::remove_file(&path).expect("removed");
        let told = format!("without a file of {table}");
        warehouse.try_script(&script).expect_err(&case.told(&told));
        warehouse.assert_has(loaded, &told);
        write(&path, content);
    }
}

/// A file with other rows than its manifest counts.
pub fn a_file_is_another(case: &Case) {
    let warehouse = two_nights(case);
    let out = case.nights.export.out_path();
    let (path, other) = (file(out, "night3", "messages"), file(out, "night1", "messages"));
    let content = std::fs::read(&path).expect("the file");
    write(&path, std::fs::read(other).expect("the other file"));
    warehouse.try_load("").expect_err(&case.told("another file"));
    warehouse.assert_has(&RUNS[..2], "another file");
    write(&path, content);
    warehouse.load("");
    warehouse.assert_has(&RUNS, "the file is there again");
}

/// A file with as many rows of the run as its manifest counts, but of another contact. Scripts of one transaction compare numbers
/// of rows only.
pub fn a_file_has_another_contact(case: &Case) {
    let warehouse = case.warehouse();
    if warehouse.prefix().is_empty() {
        return;
    }
    let service = Service::start("");
    let exports = ["messages-1-1", "messages-1-2"].map(|contact| {
        let export = Export::run_of(service.url(), [contact]).args(case.layout).args("--run-id night1");
        export.expect(0);
        export
    });
    let [path, other] = exports.each_ref().map(|export| file(export.out_path(), "night1", "messages"));
    let content = std::fs::read(&path).expect("the file");
    write(&path, std::fs::read(other).expect("the other file"));
    let script = case.merge(&exports[0], "");
    let error = warehouse.try_script(&script).expect_err(&case.told("another contact"));
    assert!(error.contains("contacts"), "{}", case.told(&error));
    assert!(!warehouse.has("night1"), "{}", case.told("another contact"));
    write(&path, content);
    warehouse.try_script(&script).unwrap_or_else(|error| panic!("{}", case.told(&error)));
    assert!(warehouse.has("night1"), "{}", case.told("the file is there again"));
}

/// The manifest has lost the names of files.
pub fn a_manifest_lacks_files(case: &Case) {
    let warehouse = two_nights(case);
    let path = case.nights.export.out_path().join("_runs/night3/manifest.json");
    let content = std::fs::read(&path).expect("the manifest");
    let mut changed = json(&path);
    changed["files"].as_array_mut().expect("files").retain(|file| file["table"] != "messages");
    write(&path, changed.to_string());
    let script = case.schema(&case.nights.export, &format!("--merge {}", case.database.dialect())).stdout;
    warehouse.try_script(&script).expect_err(&case.told("a manifest without files of messages"));
    warehouse.assert_has(&RUNS[..2], "a manifest without files of messages");
    write(&path, content);
}

/// The session ends after any number of statements. Then the whole script runs.
pub fn a_load_ends_anywhere(case: &Case) {
    if case.database.dialect() == "postgres" {
        return; // psql's own commands cannot be cut anywhere, and the server has real transactions.
    }
    let script = case.merge(&case.nights.export, "--run night3");
    let ends: Vec<_> = script.match_indices(";\n").map(|(at, end)| at + end.len()).collect();
    let one = two_nights(case);
    let mut last = 0;
    for (number, end) in ends.iter().enumerate() {
        let (begun, told) = (script.get(..*end).expect("text"), format!("ended after {number} statements"));
        one.try_script(begun).unwrap_or_else(|error| panic!("{}", case.told(&format!("{told}: {error}"))));
        let has_all = one.has("night3");
        one.assert_has(&RUNS[..if has_all { 3 } else { 2 }], &told);
        let statement = script.get(last..*end).expect("text");
        if statement.contains("INSERT INTO") && !has_all {
            let another = two_nights(case);
            another.try_script(begun).expect("as before");
            another.load("--run night3");
            another.assert_has(&RUNS, &told);
        }
        last = *end;
    }
    one.load("--run night3");
    one.assert_has(&RUNS, "after many interrupted loads");
}

/// The shortest of these checks, for engines that take long: the nights in another order, a file that is missing, and a load
/// that ends after most of its inserts.
pub fn late_and_interrupted(case: &Case) {
    let warehouse = case.warehouse();
    warehouse.load("--run night2");
    without_files(&warehouse, &["night2"], "--run night3", &["coverage"]);
    let script = case.merge(&case.nights.export, "--run night3");
    let mut begun = String::new();
    for statement in statements(&script) {
        begun.push_str(statement);
        if statement.contains("INSERT INTO channel_records") {
            let told = format!("ended after {}", statement.lines().next().unwrap_or_default());
            let done = warehouse.try_script(&begun);
            done.unwrap_or_else(|error| panic!("{}", case.told(&format!("{told}: {error}"))));
            warehouse.assert_has(&["night2"], &told);
        }
    }
    for (run, loaded) in [("night3", &RUNS[1..]), ("night1", &RUNS), ("night2", &RUNS)] {
        warehouse.load(&format!("--run {run}"));
        warehouse.assert_has(loaded, &format!("then {run}"));
    }
}
