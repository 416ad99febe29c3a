//! The same command again: equal bytes, and kills at any moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use chatzy_export::internals::durable::remove_tree;

use super::{evidence_of, is_valid, made, ordinary};
use crate::support::export::{Export, tree, write};
use crate::support::service::wait_until;

/// The content of all files.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    tree(folder).into_iter().map(|path| (path.clone(), fs::read(folder.join(&path)).unwrap())).collect()
}

fn are_equal(left: &Path, right: &Path) {
    let (left, right) = (files(left), files(right));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (path, content) in &left {
        assert!(content == &right[path], "{path}");
    }
}

#[test]
fn two_packages_of_one_export_are_equal() {
    let (_service, export) = ordinary("");
    let options = "--reference R-1 --prefix C- --time-zone Europe/Berlin";
    let first = made(&evidence_of(&export, options), 0);
    let second = made(&evidence_of(&export, options).env("TZ", "Asia/Tokyo").env("USER", "other"), 0);
    are_equal(&first, &second);

    let zips = ["first", "second"].map(|_| {
        let command = evidence_of(&export, options).without("--out").args("--zip --out case.zip");
        command.expect(0);
        fs::read(command.path("case.zip")).unwrap()
    });
    assert!(zips[0] == zips[1], "two ZIP files");
}

#[test]
fn a_finished_package_is_left_alone() {
    let (_service, export) = ordinary("");
    let command = evidence_of(&export, "");
    let package = made(&command, 0);
    let times = || {
        tree(&package).iter().map(|path| fs::metadata(package.join(path)).unwrap().modified().unwrap()).max()
    };
    let before = times();
    command.expect(0);
    assert_eq!(times(), before, "nothing is written");
    // Another command does not replace it.
    command.clone().args("--reference other").expect(9);
    assert_eq!(times(), before, "nothing is written");
}

/// Kills the command at this moment, or as soon after it as this machine lets the test.
fn kill(command: &Export, moment: &str, has_come: impl Fn() -> bool) {
    let mut running = command.start();
    wait_until(moment, || has_come() || running.is_over());
    if !running.is_over() {
        running.signal("KILL");
    }
    running.wait(Duration::from_mins(1));
}

/// Kills the command while it works, at moments that depend on what it has written.
#[test]
fn a_killed_command_leaves_no_package_and_starts_over() {
    let (_service, export) = ordinary("");
    let whole = made(&evidence_of(&export, ""), 0);
    let count = tree(&whole).len();
    let command = evidence_of(&export, "");
    let package = command.path("package");
    let partial = command.path("package.partial");
    let mut kills = 0;
    for files in [1, 2, count / 3, count / 2, count - 3] {
        kill(&command, "some files are written", || tree(&partial).len() >= files);
        if package.exists() {
            // The kill came too late. At most the mark of a command at work is left.
            command.expect(0);
            are_equal(&whole, &package);
            remove_tree(&package).unwrap();
        } else {
            kills += 1;
        }
    }
    assert!(kills > 0, "one of the kills came before the end");
    command.expect(0);
    assert!(!partial.exists());
    are_equal(&whole, &package);
    is_valid(&package, "after kills");
}

/// Kills the command while it packs, which it does after all files are written.
#[test]
fn a_kill_while_packing_leaves_no_zip_file() {
    let (_service, export) = ordinary("");
    let command = evidence_of(&export, "").without("--out").args("--zip --out case.zip");
    let zip = command.path("case.zip");
    command.expect(0);
    let whole = fs::read(&zip).unwrap();
    fs::remove_file(&zip).unwrap();

    let packed = command.path("case.zip.partial.zip");
    kill(&command, "it packs", || packed.exists());
    assert!(!zip.exists() || fs::read(&zip).unwrap() == whole, "no half file");
    command.expect(0);
    assert!(fs::read(&zip).unwrap() == whole, "the same file as without a kill");
    let left = ["case.zip.partial", "case.zip.partial.zip"];
    assert!(left.iter().all(|name| !command.path(name).exists()));
}

#[test]
fn a_foreign_folder_is_not_touched() {
    let (_service, export) = ordinary("");
    for name in ["package/notes.txt", "package.partial/notes.txt"] {
        let command: Export = evidence_of(&export, "");
        let notes = command.path(name);
        write(&notes, "mine");
        command.expect(9);
        assert_eq!(fs::read(&notes).unwrap(), b"mine");
    }
}
