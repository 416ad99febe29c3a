//! Replays every input with which the fuzzer once found a fault, and the seeds, through the checks of the
//! fuzz targets. So the faults stay repaired on machines without a fuzzer.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// Takes an input, and panics if a promise is broken.
type Check = fn(&[u8]);

/// The targets by the names of their folders.
const TARGETS: [(&str, Check); 7] = [
    ("contacts", targets::contacts::check),
    ("history", targets::history::check),
    ("json", targets::json::check),
    ("manifest", targets::manifest::check),
    ("page", targets::page::check),
    ("sign_in", targets::sign_in::check),
    ("spool", targets::spool::check),
];

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The contents of the folder in the order of the names; empty if there is no folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn replay(folder: &str) -> usize {
    let mut replayed = 0;
    let mut broken = Vec::new();
    for (target, check) in TARGETS {
        for path in entries(&fuzz_folder().join(folder).join(target)) {
            let input = fs::read(&path).unwrap();
            if catch_unwind(AssertUnwindSafe(|| check(&input))).is_err() {
                broken.push(path);
            }
            replayed += 1;
        }
    }
    assert!(broken.is_empty(), "these inputs break a promise again, as printed above: {broken:#?}");
    replayed
}

#[test]
fn what_was_once_found_stays_mended() {
    assert!(replay("regressions") > 0);
}

#[test]
fn the_seeds_hold_what_the_targets_check() {
    assert!(replay("seeds") >= TARGETS.len());
}

#[test]
fn every_target_has_a_file_and_seeds_and_is_replayed() {
    let names = TARGETS.map(|(target, _)| target.to_owned());
    let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    let files: Vec<_> = entries(&fuzz_folder().join("fuzz_targets")).into_iter().map(stem).collect();
    assert_eq!(files, names);
    let seeds: Vec<_> = entries(&fuzz_folder().join("seeds")).into_iter().map(stem).collect();
    assert_eq!(seeds, names);
    let regressions = entries(&fuzz_folder().join("regressions"));
    assert!(regressions.into_iter().map(stem).all(|folder| names.contains(&folder)));
}
