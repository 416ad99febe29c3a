//! Runs with parts of contacts are loaded only where that is meant.

use super::databases::Database;
use super::nights::Nights;
use super::sql;
use crate::support::export::Export;
use std::path::Path;

#[test]
fn a_part_is_loaded_only_if_that_is_meant() {
    let nights = Nights::with_a_part("parquet", "--since 2026-02-01");
    let told = |options: &str| {
        let from = nights.export.out_path().to_str().unwrap();
        let outcome = Export::command("schema").args(options).args("--from").arg(from).expect(2);
        outcome.last_line().replace(from, "EXPORT")
    };
    insta::assert_snapshot!(told("--merge duckdb --run part"), @"error: the run part has only parts of contacts (--since), which would replace whole ones: load it into separate tables with --partial");
    insta::assert_snapshot!(told("--latest duckdb --run part"), @"error: the run part has only parts of contacts (--since), which would replace whole ones: load it into separate tables with --partial");
    insta::assert_snapshot!(told("--merge duckdb --partial"), @"error: the following required arguments were not provided: --run <ID>; see: chatzy-export schema --help");
    for run in ["night1", "night2"] {
        chatzy_export::internals::durable::remove_tree(&nights.export.out_path().join("_runs").join(run))
            .unwrap();
    }
    insta::assert_snapshot!(told("--merge duckdb"), @"error: all runs in EXPORT have only parts of contacts (--since, --until or --channel): load one of them into separate tables with --run ID --partial, or export whole contacts");
    insta::assert_snapshot!(told("--latest duckdb"), @"error: all runs in EXPORT have only parts of contacts (--since, --until or --channel): load one of them into separate tables with --run ID --partial, or export whole contacts");
    // A script that was written before has nothing to load, and reports it.
    let database = Database::duckdb();
    let named = format!(
        "{}SET VARIABLE chatzy_export = '{}';\n{}",
        sql("--format duckdb"),
        nights.export.out_path().display(),
        sql("--merge duckdb")
    );
    let failed = database.try_run(&named, Path::new("/")).expect_err("no run to load");
    assert!(failed.contains("no run to load in"), "{failed}");
}
