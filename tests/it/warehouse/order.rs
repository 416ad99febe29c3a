//! The newest run is the last in the chain of manifests, with any clock. Runs with parts of contacts replace
//! nothing.

use std::path::Path;

use serde_json::json;

use super::databases::Database;
use super::nights::Nights;
use super::{rows, script, sql};
use crate::support::export::{Export, json, read, tree, write};

/// The second night, with the time of a clock that was set back by years.
fn set_back(export: &Export) {
    let out = export.out_path();
    let manifest = json(&out.join("_runs/night2/manifest.json"));
    let began = manifest["started_at"].as_str().unwrap();
    for path in tree(out).into_iter().filter(|path| path.contains("night2")) {
        let text = read(&out.join(&path));
        write(&out.join(&path), text.replace(began, "2020-01-01T00:00:00.000000Z"));
    }
}

fn databases(test: &str) -> Vec<Database> {
    let mut databases = vec![Database::duckdb()];
    databases.extend(Database::postgres(test));
    databases
}

#[test]
fn the_later_run_wins_after_the_clock_was_set_back() {
    let nights = Nights::of("jsonl");
    set_back(&nights.export);
    for first in databases("the_later_run_wins_after_the_clock_was_set_back") {
        let dialect = first.dialect();
        let tables = sql(&format!("--format {dialect}"));
        let load = |options: &str| script(&nights.export, &format!("--merge {dialect} {options}"));
        let orders = [
            vec![load("")],
            vec![load("--run night1"), load("--run night2"), load("--run night2")],
            vec![load("--run night2"), load("--run night1"), load("")],
        ];
        for scripts in orders {
            let database = first.another();
            database.run(&tables, Path::new("/"));
            for script in &scripts {
                database.run(script, Path::new("/"));
            }
            assert_eq!(rows(&database, "", ""), nights.rows(1), "{dialect}: {} scripts", scripts.len());
        }
        let views = script(&nights.export, &format!("--latest {dialect}"));
        assert_eq!(rows(&first, "latest_", &views), nights.rows(1), "{dialect}");

        // The tables of an earlier version, without the order of the runs.
        let database = first.another();
        database.run(&format!("{tables}\n{}\nDROP TABLE chatzy_runs;", load("--run night1")), Path::new("/"));
        assert_eq!(rows(&database, "", &load("--run night2")), nights.rows(1), "{dialect}: no order kept");
    }
}

#[test]
fn the_order_of_runs_holds_across_pruned_ones() {
    let nights = Nights::of("jsonl");
    set_back(&nights.export);
    let out = nights.export.out_path();
    let manifest = out.join("_runs/night2/manifest.json");
    let mut second = json(&manifest);
    let first = second["previous"].take();
    second["previous"] = json!({"run_id": "between", "sha256": "00"});
    write(&manifest, second.to_string());
    let between = json!({"run_id": "between", "sha256": "00", "previous": first, "pruned_at": "2026-11-20T02:00:00.000000Z"});
    write(&out.join("_runs/pruned.json"), json!({"pruned": [between]}).to_string());
    for database in databases("the_order_of_runs_holds_across_pruned_ones") {
        let dialect = database.dialect();
        let views = script(&nights.export, &format!("--latest {dialect}"));
        assert_eq!(rows(&database, "latest_", &views), nights.rows(1), "{dialect}");
        let load = [
            sql(&format!("--format {dialect}")),
            script(&nights.export, &format!("--merge {dialect} --run night2")),
            script(&nights.export, &format!("--merge {dialect} --run night1")),
        ];
        let database = database.another();
        assert_eq!(rows(&database, "", &load.join("\n")), nights.rows(1), "{dialect}");
    }
}

#[test]
fn a_part_of_contacts_replaces_nothing() {
    let nights = Nights::with_a_part("jsonl", "--since 2026-06-01");
    for database in databases("a_part_of_contacts_replaces_nothing") {
        let dialect = database.dialect();
        let tables = sql(&format!("--format {dialect}"));
        let load = script(&nights.export, &format!("--merge {dialect}"));
        assert!(
            load.contains("-- Left out, since it holds only parts of contacts: part (--since)"),
            "{load}"
        );
        assert_eq!(rows(&database, "", &format!("{tables}\n{load}")), nights.rows(1), "{dialect}");
        let views = script(&nights.export, &format!("--latest {dialect}"));
        assert!(
            views.contains("-- Left out, since it holds only parts of contacts: part (--since)"),
            "{views}"
        );
        assert_eq!(rows(&database, "latest_", &views), nights.rows(1), "{dialect}");

        let part = script(&nights.export, &format!("--merge {dialect} --run part --partial"));
        let failed = database.try_run(&part, Path::new("/"));
        let told = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert!(
            !failed.status.success() && told.contains("4 contacts in the tables hold only parts"),
            "{told}"
        );
        assert_eq!(rows(&database, "", ""), nights.rows(1), "{dialect}: as before");

        let own = database.another();
        let messages = "SELECT count(*) FROM messages UNION ALL SELECT count(*) FROM contacts ORDER BY 1;";
        assert_eq!(
            own.run(&format!("{tables}\n{part}\n{messages}"), Path::new("/")),
            ["0", "4"],
            "{dialect}"
        );
        let views = script(&nights.export, &format!("--latest {dialect} --run part --partial"));
        let messages = messages.replace("FROM ", "FROM latest_");
        assert_eq!(own.run(&format!("{views}\n{messages}"), Path::new("/")), ["0", "4"], "{dialect}");
    }
}

#[test]
fn a_part_is_loaded_only_if_that_is_meant() {
    let nights = Nights::with_a_part("parquet", "--channel whatsapp");
    let told = |options: &str| {
        let from = nights.export.out_path().to_str().unwrap();
        let outcome = Export::command("schema").args(options).args("--from").arg(from).expect(2);
        outcome.last_line().replace(from, "EXPORT")
    };
    insta::assert_snapshot!(told("--merge duckdb --run part"), @"error: the run part has only parts of contacts (--channel), which would replace whole ones: load it into separate tables with --partial");
    insta::assert_snapshot!(told("--latest duckdb --run part"), @"error: the run part has only parts of contacts (--channel), which would replace whole ones: load it into separate tables with --partial");
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
    let failed = database.try_run(&named, Path::new("/"));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("no run to load in"));
}
