//! The documents stay correct: each test that they name exists, and each guarantee has one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::export::read;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder with this end of their names, except in hidden and build folders.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with('.') && name != "target"
    };
    let found = entries
        .filter(is_ours)
        .flat_map(|path| if path.is_dir() { files(&path, extension) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

/// The names of the tests in a source.
fn tests_in(text: &str) -> BTreeSet<String> {
    // Tests with a runtime of their own are `#[tokio::test(…)]`.
    let text = text.replace("#[tokio::test", "#[test]");
    let functions = text.split("#[test]").skip(1).filter_map(|after| after.split_once("fn "));
    let is_end = |c: char| !c.is_alphanumeric() && c != '_';
    functions.map(|(_, after)| after.split(is_end).next().unwrap().to_owned()).collect()
}

/// The names in backticks after "eld by" in a text, up to the end of the paragraph.
fn held_by(text: &str) -> Vec<String> {
    let lists = text.split("eld by ").skip(1).filter_map(|after| after.split("\n\n").next());
    let names = lists.flat_map(|list| list.split('`').skip(1).step_by(2));
    names.map(|name| name.rsplit("::").next().unwrap_or(name).to_owned()).collect()
}

#[test]
fn every_test_that_security_names_exists() {
    let sources = ["src", "tests", "crates"].iter().flat_map(|folder| files(&root().join(folder), "rs"));
    let tests: BTreeSet<String> = sources.flat_map(|file| tests_in(&read(&file))).collect();
    let named = held_by(&read(&root().join("SECURITY.md")));
    let missing: Vec<_> = named.iter().filter(|name| !tests.contains(*name)).collect();
    assert!(missing.is_empty(), "SECURITY.md names tests that are not there: {missing:#?}");
    assert!(named.len() >= 30, "SECURITY.md names tests: {named:#?}");
}

/// The tests that a text names as `file.rs::function` in backticks.
fn named_tests(text: &str) -> Vec<(&str, &str)> {
    text.split('`').skip(1).step_by(2).filter_map(|name| name.split_once(".rs::")).collect()
}

/// Statements of a document that need a test: each promise, and each row of a table.
fn statements(text: &str) -> Vec<&str> {
    let (promises, faults) = text.split_once("\n### Not promised").expect("the end of the promises");
    let promises = promises.split("\n### ").skip(1);
    let is_head = |row: &str| row.starts_with("|---") || row.ends_with("| tests |");
    let rows = faults.lines().filter(|line| line.starts_with('|')).filter(move |row| !is_head(row));
    promises.chain(rows).collect()
}

#[test]
fn every_test_that_the_documents_name_is_in_its_file() {
    let mut wrong = Vec::new();
    for document in files(&root().join("docs"), "md") {
        for (file, function) in named_tests(&read(&document)) {
            let path = root().join(format!("{file}.rs"));
            if !path.is_file() || !tests_in(&read(&path)).contains(function) {
                wrong.push(format!("{}: there is no {file}.rs::{function}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_guarantee_has_a_test() {
    let text = read(&root().join("docs/guarantees.md"));
    let statements = statements(&text);
    let without: Vec<_> = statements.iter().filter(|statement| named_tests(statement).is_empty()).collect();
    assert!(without.is_empty(), "{without:#?}");
    assert!(statements.len() > 60, "{} statements are found", statements.len());
}

#[test]
fn names_are_found_in_a_document() {
    let text = "**A** is so.\nHeld by `it::one`,\n`two`.\n\n`not this`; b (held by `three`).";
    assert_eq!(held_by(text), ["one", "two", "three"]);
    assert_eq!(named_tests("- `a/b.rs::c`: d `e` `f.rs::g`"), [("a/b", "c"), ("f", "g")]);
    let text = "## A\n\n### B\n\n- `x`\n\n### Not promised\n\n| fault | tests |\n|---|---|\n| c | `y` |\n";
    assert_eq!(statements(text), ["B\n\n- `x`\n", "| c | `y` |"]);
    assert_eq!(
        tests_in("#[test]\n#[ignore]\nfn a() {}\n#[tokio::test(flavor)]\nasync fn b() {}\nfn c() {}").len(),
        2
    );
}
