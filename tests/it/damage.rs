//! Ten thousand damages: each is done to a small export, found by `verify`, and undone.
//!
//! Each damage has a seed of its own, which a failure names:
//!
//! ```text
//! DAMAGE_SEED=1234 DAMAGES=1 cargo test --test it damage
//! ```
//!
//! repeats it and keeps the damaged export. `DAMAGES` is the number of damages to each of the two exports.

mod harms;
mod lies;
mod scene;

use std::path::Path;

use chatzy_export::internals::store::Store;
use chatzy_export::internals::verify::{Depth, Report, VerifyOptions, verify};
use fastrand::Rng;

use scene::{FoundBy, Harm, Scene};

/// Number of damages to each of the two exports.
const DAMAGES: u64 = 5_000;
/// Number of damages between two checks of the undamaged export, which must be intact again.
const SOUND_EVERY: u64 = 500;

fn check(out: &Path, depth: Depth) -> Report {
    verify(&Store::local(out), &VerifyOptions { run: None, depth }).expect("an export that can be read")
}

/// True if a finding is about the file: its path names the file, or its text does.
fn names(report: &Report, path: &str) -> bool {
    report.damages.iter().any(|damage| damage.path == path || damage.detail.contains(path))
}

/// The finding that `verify` lacks, if it lacks one.
fn missed(scene: &Scene, harm: &Harm) -> Option<String> {
    let depth = if harm.found_by == FoundBy::Deep { Depth::Deep } else { Depth::Files };
    let report = check(&scene.out, depth);
    if harm.found_by == FoundBy::Warning {
        let is_named = |path: &String| report.warnings.iter().any(|warning| warning.path == *path);
        let is_told = harm.named.iter().all(is_named) && report.damages.is_empty();
        return (!is_told).then(|| format!("not warned of: {report:?}"));
    }
    if report.damages.is_empty() {
        return Some("not found".to_owned());
    }
    let unnamed: Vec<_> = harm.named.iter().filter(|path| !names(&report, path)).collect();
    (!unnamed.is_empty()).then(|| format!("{unnamed:?} not named in {:#?}", report.damages))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn do_damage(mut scene: Scene, first_seed: u64) {
    let first_seed = number("DAMAGE_SEED").unwrap_or(first_seed);
    let damages = number("DAMAGES").unwrap_or(DAMAGES);
    assert_eq!(check(&scene.out, Depth::Deep).damages, []);
    let (mut done, mut seed, mut kinds) = (0, first_seed, std::collections::BTreeMap::new());
    while done < damages {
        let mut rng = Rng::with_seed(seed);
        // A change of nothing is not damage.
        if let Some(harm) = harms::any(&mut scene, &mut rng) {
            if let Some(missed) = missed(&scene, &harm) {
                let (name, out) = (scene.name, scene.out.clone());
                std::mem::forget(scene); // the folder stays, to be looked at
                panic!("DAMAGE_SEED={seed}: {} in {name}: {missed}; see {}", harm.what, out.display());
            }
            *kinds.entry(harm.kind).or_insert(0) += 1;
            done += 1;
        }
        scene.undo();
        seed += 1;
        if done % SOUND_EVERY == 0 {
            assert_eq!(check(&scene.out, Depth::Deep).damages, [], "undone after DAMAGE_SEED={seed}");
        }
    }
    assert!(damages < DAMAGES || kinds.len() == harms::KINDS, "every kind of damage was done: {kinds:?}");
}

#[test]
fn no_damage_to_parquet_files_goes_unseen() {
    let formats = ["--partition-by month,channel", "--compression snappy", "--target-file-size 4KB"];
    do_damage(Scene::new("Parquet", formats), 1);
}

#[test]
fn no_damage_to_jsonl_files_goes_unseen() {
    let formats = [
        "--format jsonl --partition-by year,channel",
        "--format jsonl --compression gzip --target-file-size 4KB",
        "--format jsonl --compression zstd",
    ];
    do_damage(Scene::new("JSONL", formats), 1_000_000);
}
