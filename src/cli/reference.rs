//! The sections of `docs/reference.md` that the program's own definitions determine.
//!
//! A section is the text between `<!-- begin NAME -->` and `<!-- end -->`. The test fails if a section
//! differs. `make reference` writes the sections instead.

mod columns;
mod events;
mod exits;
mod manifest;
mod metrics;
mod options;
mod source;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::schema::markdown::table;
use crate::durable;

const DOCUMENT: &str = "docs/reference.md";
const BEGIN: &str = "\n<!-- begin ";
const END: &str = "<!-- end -->";

/// Returns all sections by name.
fn sections() -> BTreeMap<String, String> {
    let mut sections = BTreeMap::new();
    sections.extend(options::sections());
    sections.extend(columns::sections());
    sections.insert("manifest".to_owned(), manifest::section());
    sections.insert("exit codes".to_owned(), exits::section());
    sections.insert("events".to_owned(), events::section());
    sections.insert("event fields".to_owned(), events::fields_section());
    sections.insert("metrics".to_owned(), metrics::section());
    sections
}

/// Returns the document with these sections, and the lines that differ by section.
fn fill(document: &str, sections: &BTreeMap<String, String>) -> (String, String) {
    let (mut filled, mut differences) = (String::new(), String::new());
    let mut missing: Vec<_> = sections.keys().collect();
    let mut rest = document;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(" -->\n").expect("a marker with a name on a line of its own");
        let (old, after) = after.split_once(END).unwrap_or_else(|| panic!("{name} has no end marker"));
        let new = sections.get(name).unwrap_or_else(|| panic!("there is no section {name}"));
        let new = format!("\n{}\n\n", new.trim_end());
        if old != new {
            differences.push_str(&difference(name, old, &new));
        }
        missing.retain(|missing| *missing != name);
        filled.push_str(&[before, BEGIN, name, " -->\n", &new, END].concat());
        rest = after;
    }
    filled.push_str(rest);
    assert!(missing.is_empty(), "{DOCUMENT} has no place for {missing:?}");
    (filled, differences)
}

/// Returns the lines between the first and the last difference.
fn difference(name: &str, old: &str, new: &str) -> String {
    let [old, new] = [old, new].map(|text| text.lines().collect::<Vec<_>>());
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| pairs.take_while(|(a, b)| a == b).count();
    let start = same(&mut old.iter().zip(&new));
    let end = same(&mut old[start..].iter().rev().zip(new[start..].iter().rev()));
    let mut text = format!("{name}:\n");
    for (mark, lines) in [("-", &old[start..old.len() - end]), ("+", &new[start..new.len() - end])] {
        for line in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{mark} {line}");
        }
    }
    text
}

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    let document = std::fs::read_to_string(&path).expect("the reference");
    let (filled, differences) = fill(&document, &sections());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return durable::replace_readable(&path, filled.as_bytes()).expect("the reference is written");
    }
    assert!(differences.is_empty(), "{DOCUMENT} is out of date: run `make reference`\n\n{differences}");
}

#[test]
fn sections_are_filled_and_differences_shown() {
    let sections = BTreeMap::from([("a".to_owned(), "1\n2\n3\n".to_owned())]);
    let (filled, differences) = fill("x\n<!-- begin a -->\n\n1\nold\n3\n\n<!-- end -->\ny\n", &sections);
    assert_eq!(filled, "x\n<!-- begin a -->\n\n1\n2\n3\n\n<!-- end -->\ny\n");
    assert_eq!(differences, "a:\n- old\n+ 2\n");
    assert_eq!(fill(&filled, &sections), (filled.clone(), String::new()));
}

#[test]
#[should_panic(expected = "has no place for [\"a\"]")]
fn a_section_without_a_place_is_noticed() {
    fill("x\n", &BTreeMap::from([("a".to_owned(), String::new())]));
}
