//! Runs that `prune` removes keep their position in the order of runs.

use std::path::Path;

use super::Case;
use super::nights::{FULL, Nights, RUNS};
use crate::support::export::Export;
use crate::warehouse::state::State;

fn left(nights: &Nights) -> Vec<&'static str> {
    let runs = nights.export.out_path().join("_runs");
    let is_there = |run: &&str| runs.join(run).join("manifest.json").exists();
    RUNS.into_iter().chain([FULL]).filter(is_there).collect()
}

pub fn runs_are_removed_before_they_are_loaded(case: &Case) {
    let old = case.warehouse();
    old.load("--run night1");
    old.load("--run night2");
    let late = case.merge(&case.nights.export, "--run night1");

    let nights = case.nights.with_full_run();
    let out = nights.export.out_path().to_str().expect("UTF-8");
    Export::command("prune").arg(out).args("--keep-last 1").expect(0);
    let left = left(&nights);
    assert!(!left.contains(&"night1") && !left.contains(&"night3") && left.contains(&FULL), "{left:?}");

    let merge = case.merge(&nights.export, "");
    old.try_script(&merge).unwrap_or_else(|error| panic!("{}", case.told(&error)));
    let runs: Vec<_> = ["night1", "night2"].into_iter().chain([FULL]).collect();
    old.assert_has_of(&nights, &runs, "a run was removed before it was loaded");

    let new = case.warehouse();
    new.try_script(&merge).unwrap_or_else(|error| panic!("{}", case.told(&error)));
    new.assert_has_of(&nights, &left, "runs were removed before the first load");
    new.try_script(&late).unwrap_or_else(|error| panic!("{}", case.told(&error)));
    let runs: Vec<_> = ["night1"].into_iter().chain(left.iter().copied()).collect();
    new.assert_has_of(&nights, &runs, "a removed run, loaded late");

    let views =
        case.schema(&nights.export, &format!("--latest {}", case.database.dialect())).expect(0).stdout;
    let state = State::after(&case.database.another(), "latest_", &views, Path::new("/"), &nights.kinds);
    state.assert_is(&nights.latest(&left), &case.told("views after runs were removed"));
}
