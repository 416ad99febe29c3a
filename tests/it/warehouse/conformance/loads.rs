//! Loads of whole exports and of single runs.

use std::path::Path;

use super::super::statements;
use super::Case;
use super::nights::{PART, RUNS};
use crate::support::export::write;
use crate::warehouse::state::State;

/// Loads each run after its night, and again.
pub fn night_by_night(case: &Case) {
    let warehouse = case.warehouse();
    for (night, run) in RUNS.into_iter().enumerate() {
        for told in ["once", "again"] {
            warehouse.load(&format!("--run {run}"));
            warehouse.assert_has(&RUNS[..=night], &format!("{run}, {told}"));
        }
    }
    warehouse.load("");
    warehouse.assert_has(&RUNS, "nothing is left to load");
}

pub fn all_at_once(case: &Case) {
    let warehouse = case.warehouse();
    for told in ["once", "again"] {
        // Tables that are there already stay.
        warehouse.database.run(&case.tables, Path::new("/"));
        warehouse.load("");
        warehouse.assert_has(&RUNS, &format!("all at once, {told}"));
    }
    if !warehouse.prefix().is_empty() {
        let rows = State::within(&warehouse.database, "", &case.nights.kinds);
        rows.assert_is(&case.nights.all(&RUNS), &case.told("the tables have the rows of all runs once"));
    }
}

/// Loads runs late, and some again.
pub fn in_any_order(case: &Case) {
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let warehouse = case.warehouse();
        let mut loaded = Vec::new();
        for night in order {
            warehouse.load(&format!("--run {}", RUNS[night]));
            loaded.push(night);
            loaded.sort_unstable();
            let runs: Vec<_> = loaded.iter().map(|night| RUNS[*night]).collect();
            warehouse.assert_has(&runs, &format!("in the order {order:?}, after {}", RUNS[night]));
        }
        warehouse.load(&format!("--run {}", RUNS[order[0]]));
        warehouse.assert_has(&RUNS, &format!("in the order {order:?}, the first again"));
    }
}

/// Tables of a version that did not keep the order of the runs.
pub fn tables_of_an_earlier_version(case: &Case) {
    if !["duckdb", "postgres"].contains(&case.database.dialect()) {
        return;
    }
    let warehouse = case.warehouse();
    warehouse.load("--run night1");
    warehouse.database.run("DROP TABLE chatzy_runs;", Path::new("/"));
    warehouse.load("--run night3");
    warehouse.assert_has(&["night1", "night3"], "without the order of the runs");
}

/// Leaves out the runs that a file names, as a query for `run_id` prints them.
pub fn without_loaded_runs(case: &Case) {
    if ["duckdb", "postgres"].contains(&case.database.dialect()) {
        return; // Their scripts find out themselves, and refuse the option.
    }
    let warehouse = case.warehouse();
    warehouse.load("--run night1");
    let query = "SELECT DISTINCT run_id FROM coverage;";
    let loaded = |told: &str| {
        let runs = warehouse.database.run(query, Path::new("/"));
        let list = case.nights.export.path("loaded.txt");
        write(&list, runs.join("\n"));
        let script = case.merge(&case.nights.export, &format!("--loaded {}", list.display()));
        warehouse
            .try_script(&script)
            .unwrap_or_else(|error| panic!("{}", case.told(&format!("{told}: {error}"))));
        warehouse.assert_has(&RUNS, told);
        script
    };
    let script = loaded("a list with the first night");
    assert!(
        !script.contains("part-night1-") && !script.contains("-- Every run is loaded"),
        "{}",
        case.told(&script)
    );
    let script = loaded("a list with all nights");
    assert!(statements(&script).next().is_none(), "{}", case.told(&script));
}

/// The views of `--latest`, over all runs and over some.
pub fn views_over_all_runs(case: &Case) {
    let database = case.database.another();
    let views =
        case.schema(&case.nights.export, &format!("--latest {}", database.dialect())).expect(0).stdout;
    for told in ["once", "again"] {
        let state = State::after(&database, "latest_", &views, Path::new("/"), &case.nights.kinds);
        state.assert_is(&case.nights.latest(&RUNS), &case.told(&format!("views, {told}")));
    }
}

/// A run with `--since` is left out, and does no harm where it is named.
pub fn parts_into_tables_of_their_own(case: &Case) {
    let merge = case.merge(&case.nights.export, "");
    let left_out = "-- Left out, since it holds only parts of contacts: part (--since)";
    assert!(merge.contains(left_out), "{}", case.told(&merge));

    let warehouse = case.warehouse();
    warehouse.load("");
    let partial = format!("--run {PART} --partial");
    let error = warehouse.try_load(&partial).expect_err(&case.told("a part among whole contacts"));
    assert!(error.contains("parts"), "{}", case.told(&error));
    warehouse.assert_has(&RUNS, "after a part was refused");

    let own = case.warehouse();
    own.load(&partial);
    let state = State::within(&own.database, own.prefix(), &case.nights.kinds);
    state.assert_is(&case.nights.part(own.prefix().is_empty()), &case.told("a part in tables of its own"));
}
