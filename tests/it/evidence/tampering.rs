//! Packages that somebody changed: the commands of `VERIFY.txt` complain.

use std::fs;
use std::path::Path;

use super::{complaints, evidence_of, made, ordinary};
use crate::support::export::write;

/// The complaints after a change, which is undone afterwards.
fn after(package: &Path, change: impl FnOnce(&Path), undo: impl FnOnce(&Path)) -> Vec<String> {
    change(package);
    let complaints = complaints(package);
    undo(package);
    complaints
}

/// Fails unless each of these programs complains, and no other one does. A program that is missing here is no matter.
fn complain(found: &[String], expected: &[&str], told: &str) {
    let unexpected: Vec<_> = found.iter().filter(|name| !expected.contains(&name.as_str())).collect();
    assert!(unexpected.is_empty(), "{told}: {unexpected:?} of {found:?}");
    for name in expected {
        // The tools that are not part of every machine.
        let is_optional = ["bagit.py", "shasum"].contains(name);
        assert!(
            is_optional || found.iter().any(|complaint| complaint == name),
            "{told}: {name} of {found:?}"
        );
    }
}

#[test]
fn every_change_is_found_by_the_commands_of_verify() {
    let (_service, export) = ordinary("");
    let package = made(&evidence_of(&export, ""), 0);
    assert_eq!(complaints(&package), [""; 0], "a whole package");

    for path in ["data/csv/messages.csv", "data/transcripts/00001/page-001.html", "data/custody/custody.json"]
    {
        let file = package.join(path);
        let content = fs::read(&file).unwrap();
        let mut changed = content.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        let found = after(&package, |_| write(&file, &changed), |_| write(&file, &content));
        complain(&found, &["sha256sum", "shasum", "bagit.py"], path);

        let found = after(&package, |_| fs::remove_file(&file).unwrap(), |_| write(&file, &content));
        complain(&found, &["sha256sum", "shasum", "bagit.py", "diff"], path);
    }

    let added = package.join("data/transcripts/00001/page-999.html");
    let found = after(&package, |_| write(&added, "<p>added"), |_| fs::remove_file(&added).unwrap());
    complain(&found, &["bagit.py", "diff"], "an added page");

    // Whoever changes a file and the list must also change the list of lists, whose hash is signed.
    let list = package.join("manifest-sha256.txt");
    let content = fs::read(&list).unwrap();
    let mut changed = content.clone();
    changed[0] = if changed[0] == b'0' { b'1' } else { b'0' };
    let found = after(&package, |_| write(&list, &changed), |_| write(&list, &content));
    complain(&found, &["sha256sum", "shasum", "bagit.py"], "the list");

    let part = fs::read_dir(package.join("data/run/messages")).unwrap().next().unwrap().unwrap().path();
    let content = fs::read(&part).unwrap();
    let mut changed = content.clone();
    changed[100] ^= 1;
    let found = after(&package, |_| write(&part, &changed), |_| write(&part, &content));
    complain(&found, &["sha256sum", "shasum", "bagit.py", "chatzy-export", "cd"], "a file of the run");

    assert_eq!(complaints(&package), [""; 0], "all is undone");
}
