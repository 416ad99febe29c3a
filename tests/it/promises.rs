//! The documents stay true: each test that they name is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::export::read;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The names of all tests, also of those that a macro makes of a function's name.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "tests", "crates"].iter().flat_map(|folder| sources(&root.join(folder)));
    let mut names = BTreeSet::new();
    for text in files.map(|file| read(&file)) {
        // Tests of a runtime of their own are `#[tokio::test(…)]`.
        let text = text.replace("#[tokio::test", "#[test]");
        for after in text.split("#[test]").skip(1) {
            let Some((_, after)) = after.split_once("fn ") else { continue };
            names.insert(after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned());
        }
    }
    assert!(names.len() > 100 && names.contains("every_test_that_a_document_names_exists"));
    names
}

/// What a text names in backticks after "eld by", up to the end of the paragraph.
fn named(text: &str) -> Vec<String> {
    let lists = text.split("eld by ").skip(1).filter_map(|after| after.split("\n\n").next());
    let names = lists.flat_map(|list| list.split('`').skip(1).step_by(2));
    names.map(|name| name.rsplit("::").next().unwrap_or(name).to_owned()).collect()
}

#[test]
fn every_test_that_a_document_names_exists() {
    let tests = tests();
    for (document, least) in [("SECURITY.md", 30), ("README.md", 20)] {
        let named = named(&read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(document)));
        let missing: Vec<_> = named.iter().filter(|name| !tests.contains(*name)).collect();
        assert!(missing.is_empty(), "{document} names tests that are not there: {missing:#?}");
        assert!(named.len() >= least, "{document} names tests: {named:#?}");
    }
}

#[test]
fn names_are_found_in_a_document() {
    let text = "**A** is so.\nHeld by `it::one`,\n`two`.\n\n`not this`; b (held by `three`).";
    assert_eq!(named(text), ["one", "two", "three"]);
}
