//! Rows of a source that has changed are never copied.

use std::path::Path;

use super::{known_nights, snapshot};
use crate::incremental::account::Account;
use crate::support::export::{Export, read, tree, write};

const PEOPLE: [&str; 7] = super::PEOPLE;

/// Ends with exit code 8, names the path, and publishes nothing.
fn is_refused(source: &Export, path: &str, told: &str) {
    let outcome = snapshot(source, "refused", "").expect(8);
    let line = outcome.last_line();
    assert!(line.contains(path) && line.contains("is damaged"), "{told}: {line}");
    assert!(line.contains("nothing was published"), "{told}: {line}");
    assert!(!outcome.out.join("_runs").exists(), "{told}: nothing is published");
    drop(chatzy_export::internals::durable::remove_tree(&outcome.out));
}

#[test]
fn a_source_file_that_changed_or_is_missing_is_named() {
    for options in ["", "--partition-by month"] {
        let account = Account::of(&PEOPLE);
        let source = known_nights(&account);
        let out = source.out_path();
        let needed = |path: &String| {
            // The rows of the first two nights are all read again later, except for those of one contact.
            !path.starts_with("_runs") && (path.contains("night3") || path.contains("coverage/"))
        };
        let files: Vec<String> = tree(out).into_iter().filter(needed).collect();
        assert!(files.len() >= 7, "{files:?}");
        for path in &files {
            let file = out.join(path);
            let whole = std::fs::read(&file).unwrap();
            let mut changed = whole.clone();
            let at = changed.iter().position(u8::is_ascii_digit).unwrap();
            changed[at] ^= 1;
            write(&file, changed);
            is_refused(&source, path, "a changed byte");
            write(&file, &whole[..whole.len() - 1]);
            is_refused(&source, path, "one byte less");
            std::fs::remove_file(&file).unwrap();
            is_refused(&source, path, "missing");
            std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
            is_refused(&source, path, "a link");
            std::fs::remove_file(&file).unwrap();
            write(&file, whole);
        }
        snapshot(&source, "whole", options).expect(3);
    }
}

#[test]
fn damaged_manifests_of_the_source_are_named() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 5] = [
        ("_runs/latest.json", |out| std::fs::remove_file(out.join("_runs/latest.json")).unwrap()),
        ("_runs/latest.json", |out| write(&out.join("_runs/latest.json"), "{")),
        ("_runs/night2/manifest.json", |out| {
            std::fs::remove_file(out.join("_runs/night2/manifest.json")).unwrap();
        }),
        ("_runs/night2/manifest.json", |out| {
            let path = out.join("_runs/night2/manifest.json");
            write(&path, read(&path) + "\n");
        }),
        ("_runs/night4/manifest.json", |out| write(&out.join("_runs/night4/manifest.json"), "{}")),
    ];
    for (path, harm) in harms {
        let account = Account::of(&PEOPLE);
        let source = known_nights(&account);
        harm(source.out_path());
        is_refused(&source, path, "a manifest");
    }
}

#[test]
fn runs_of_a_later_version_are_refused() {
    let account = Account::of(&["a"]);
    let source = account.plain(&["a"]).args("--run-id r");
    source.expect(0);
    let path = source.out_path().join("_runs/r/manifest.json");
    let text = read(&path).replace("\"schema_version\": 1", "\"schema_version\": 99");
    write(&path, &text);
    let latest = source.out_path().join("_runs/latest.json");
    let mut named = crate::support::export::json(&latest);
    named["sha256"] = chatzy_export::internals::digest::sha256(&text).into();
    write(&latest, named.to_string());
    let outcome = snapshot(&source, "snapshot", "").expect(2);
    assert!(outcome.last_line().contains("use a newer version of chatzy-export"), "{}", outcome.last_line());
}
