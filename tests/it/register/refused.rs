//! What cannot be registered is refused, with what helps.

use super::engine::{Engine, Format};
use super::newest;
use crate::support::export::{Export, json, write};
use crate::support::service::Service;
use crate::warehouse::nights::Nights;

#[test]
fn what_cannot_be_registered_is_told() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--run-id");
    export.clone().arg("lines").args("--format jsonl").out("lines").expect(0);
    export.clone().arg("c").args("--partition-by channel").out("by-channel").expect(0);
    export.clone().arg("q").out("a?b").expect(0);
    let of = |name: &str, format: Format| {
        let from = export.path(name);
        let outcome = format.command(&from).expect(2);
        outcome.last_line().replace(from.to_str().unwrap(), "EXPORT")
    };
    insta::assert_snapshot!(of("lines", Format::Iceberg), @"error: the run lines is JSONL, but a load into Iceberg reads Parquet: make Parquet of it with chatzy-export snapshot --format parquet, export with --format parquet, or select another run with --run");
    assert!(of("lines", Format::DuckLake).contains("a load into DuckLake reads Parquet"));
    insta::assert_snapshot!(of("by-channel", Format::Iceberg), @"error: the run c is partitioned by channel, so its files do not contain the channel, and Iceberg does not read it from paths: make files that contain it with chatzy-export snapshot, export without this partition key, or select another run with --run");
    insta::assert_snapshot!(of("a?b", Format::Iceberg), @"error: Iceberg does not take the characters ? and # in paths literally: rename or copy the export, and give its new path");
    insta::assert_snapshot!(of("none", Format::DuckLake), @"error: EXPORT has no published run: give the folder that --out of the run named");
    let told = |arguments: &str| Export::command("schema").args(arguments).expect(2).last_line();
    insta::assert_snapshot!(told("--register iceberg"), @"error: the following required arguments were not provided: --from <PATH>; see: chatzy-export schema --help");
    insta::assert_snapshot!(told("--register iceberg --merge duckdb --from none"), @"error: the argument '--register <FORMAT>' cannot be used with '--merge <DIALECT>'; see: chatzy-export schema --help");
    assert!(told("--register delta --from none").contains("iceberg, ducklake"));
}

#[test]
fn a_failing_schema_fails_its_reader() {
    let arguments: [&[&str]; 4] = [
        &["--from", "none"],
        &["--from"],
        &["--bogus"],
        &["--from", "it's $$ \\\"; % \"\"\" --\n# exit()\n'); CREATE TABLE stolen (x int); --"],
    ];
    for format in Format::installed("a_failing_schema_fails_its_reader") {
        let mut engine = Engine::start(format);
        for arguments in arguments {
            let command = Export::command("schema --register").arg(format.name());
            let outcome = arguments.iter().fold(command, |command, argument| command.arg(argument)).expect(2);
            let message = outcome.stderr.trim_end().strip_prefix("error: ").expect("an error").to_owned();
            let error = engine.try_run(&outcome.stdout).unwrap_err();
            assert!(error.contains(&message), "{message}\n{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}

#[test]
fn a_crafted_manifest_is_no_code() {
    let nights = Nights::of("parquet");
    let manifest = nights.export.out_path().join("_runs/night2/manifest.json");
    let mut crafted = json(&manifest);
    crafted["files"][0]["path"] = "messages/part-night2-00000.parquet\"); import os; ('".into();
    write(&manifest, crafted.to_string());
    for format in [Format::Iceberg, Format::DuckLake] {
        let outcome = format.command(nights.export.out_path()).expect(8);
        assert!(!outcome.stdout.contains("night1"), "{}", outcome.stdout);
        let is_failing =
            outcome.stdout.contains("raise SystemExit(") || outcome.stdout.contains("SELECT error(");
        assert!(is_failing, "{}", outcome.stdout);
    }
}

#[test]
fn parts_of_contacts_have_tables_of_their_own() {
    for format in Format::installed("parts_of_contacts_have_tables_of_their_own") {
        let nights = Nights::with_a_part("parquet", "--since 2026-01-01");
        let out = nights.export.out_path();
        let mut engine = Engine::start(format);
        let script = format.command(out).expect(0).stdout;
        assert!(
            script.contains(" Left out, since it holds only parts of contacts: part (--since)"),
            "{script}"
        );
        engine.run(&script);
        assert_eq!(newest(&mut engine), nights.rows(1), "{format:?}");
        format.command(out).args("--run part").expect(2);
        let error = engine.register(out, "--run part --partial").unwrap_err();
        let whole = "whole contacts, and this script registers parts of contacts";
        assert!(error.contains(whole), "{format:?}: {error}");
        assert_eq!(newest(&mut engine), nights.rows(1), "{format:?}");
        let mut parts = Engine::start(format);
        parts.register(out, "--run part --partial").unwrap();
        assert!(newest(&mut parts).contains(&"changed|part".to_owned()), "{format:?}");
        let error = parts.register(out, "").unwrap_err();
        assert!(error.contains("parts of contacts, and this script registers whole contacts"), "{error}");
    }
}

#[test]
fn another_export_does_not_mix_with_the_lake() {
    if !Format::DuckLake.is_installed("another_export_does_not_mix_with_the_lake") {
        return;
    }
    let (one, other) = (Nights::of("parquet"), Nights::of("parquet"));
    let mut engine = Engine::start(Format::DuckLake);
    engine.register(one.export.out_path(), "").unwrap();
    let error = engine.register(other.export.out_path(), "").unwrap_err();
    assert!(error.contains("the lake has files that are not of this export, such as "), "{error}");
    assert_eq!(newest(&mut engine), one.rows(1));
    engine.python("connection.execute('DETACH lake')");
    let error = engine.register(one.export.out_path(), "").unwrap_err();
    assert!(error.contains("no DuckLake is attached as lake"), "{error}");
}
