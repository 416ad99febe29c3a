//! Runs that were pruned and contacts that were erased leave the tables.

use super::engine::{Engine, Format};
use super::{is_same_as_files, newest, third_night};
use crate::support::export::Export;
use crate::warehouse::nights::Nights;

fn command(nights: &Nights, name: &str, arguments: &str) {
    let path = nights.export.out_path().to_str().unwrap();
    Export::command(name).arg(path).args(arguments).expect(0);
}

#[test]
fn pruned_runs_leave_the_tables() {
    for format in Format::installed("pruned_runs_leave_the_tables") {
        let nights = Nights::with_a_third("parquet");
        let out = nights.export.out_path();
        let mut engine = Engine::start(format);
        let before = format.command(out).expect(0).stdout;
        engine.run(&before);
        // It keeps the newest complete run, which is the first.
        command(&nights, "prune", "--keep-last 1");
        engine.run(&before);
        if format == Format::DuckLake {
            // The files of all runs leave the lake and enter it again.
            let error = engine.register(out, "--run night3").unwrap_err();
            assert!(error.contains("the export no longer has files that are in the lake"), "{error}");
            assert!(error.contains("print this script again, for all runs"), "{error}");
        }
        let told = engine.register(out, "").unwrap();
        assert!(told.contains("night2: removed, since the export no longer has it"), "{told}");
        is_same_as_files(&mut engine, out);
        assert_eq!(newest(&mut engine), third_night(&nights), "{format:?}");
        let versions = engine.versions();
        engine.register(out, "").unwrap();
        assert_eq!(engine.versions(), versions, "{format:?}");
    }
}

#[test]
fn erased_contacts_leave_the_tables() {
    for format in Format::installed("erased_contacts_leave_the_tables") {
        let nights = Nights::of("parquet");
        let out = nights.export.out_path();
        let mut engine = Engine::start(format);
        let before = format.command(out).expect(0).stdout;
        engine.run(&before);
        command(&nights, "erase", "--contact changed --contact new --reference R");
        let told = engine.register(out, "").unwrap();
        let expected =
            if format == Format::Iceberg { "night1: registered again" } else { "night1: registered" };
        assert!(told.contains(expected), "{told}");
        is_same_as_files(&mut engine, out);
        let is_left = |row: &String| !row.starts_with("changed") && !row.starts_with("new");
        let rows: Vec<_> = nights.rows(1).into_iter().filter(is_left).collect();
        assert_eq!(newest(&mut engine), rows, "{format:?}");
        let error = engine.try_run(&before).unwrap_err();
        assert!(error.contains("print this script again"), "{format:?}: an older script: {error}");
        assert_eq!(newest(&mut engine), rows, "{format:?}");
    }
}
