//! Programs register the runs of an export in Iceberg tables and in a DuckLake, and read them there.

mod dbt;
mod engine;
mod refused;
mod removed;
mod stores;

use std::path::Path;

use crate::support::export::{Export, json, read, tree, write};
use crate::support::service::Service;
use crate::warehouse::nights::Nights;
use engine::{Engine, Format};

/// The query of the newest versions, as the docs have it, for Iceberg.
fn newest_in_docs() -> String {
    let docs = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/warehouse.md"));
    let (_, after) = docs.split_once("```sql\nWITH runs AS").expect("the query in the docs");
    let (query, _) = after.split_once("SELECT messages.*").expect("its end");
    format!("WITH runs AS{query}")
}

/// The newest messages and contacts, in the form of [`Nights::rows`].
fn newest(engine: &mut Engine) -> Vec<String> {
    let (with, messages, contacts) = match engine.format {
        Format::DuckLake => (String::new(), "lake.latest_messages", "lake.latest_contacts"),
        Format::Iceberg => (
            newest_in_docs(),
            "messages JOIN newest USING (contact_id, run_id)",
            "contacts JOIN newest USING (contact_id, run_id)",
        ),
    };
    engine.query(&format!(
        "{with} SELECT contact_id || '|' || message_id || '|' || content || '|' || run_id FROM {messages}
        UNION ALL SELECT contact_id || '|' || run_id FROM {contacts}"
    ))
}

/// The expected rows after the second night, if a third one reads the same.
fn third_night(nights: &Nights) -> Vec<String> {
    let mut rows: Vec<_> = nights.rows(1).iter().map(|row| row.replace("night2", "night3")).collect();
    rows.sort();
    rows
}

/// Compares all rows and columns of the tables with those of the files.
fn is_same_as_files(engine: &mut Engine, out: &Path) {
    let lake = if engine.format == Format::DuckLake { "lake." } else { "" };
    for table in ["contacts", "conversations", "messages", "channel_records", "coverage"] {
        let files = format!("read_parquet('{}/{table}/**/*.parquet')", out.display());
        let difference = engine.query(&format!(
            "SELECT count(*) FROM ((FROM {files} EXCEPT ALL FROM {lake}{table}) UNION ALL (FROM {lake}{table} EXCEPT ALL FROM {files}))"
        ));
        assert_eq!(difference, ["0"], "{table}");
    }
}

#[test]
fn runs_are_registered_once_and_late() {
    for format in Format::installed("runs_are_registered_once_and_late") {
        let nights = Nights::with_a_third("parquet");
        let out = nights.export.out_path();
        // The third night comes later.
        let third = out.join("_runs/night3/manifest.json");
        let manifest = read(&third);
        std::fs::remove_file(&third).unwrap();
        let mut engine = Engine::start(format);
        let registered = engine.register(out, "--run night2").unwrap();
        assert!(registered.contains("night2: registered"), "{registered}");
        let registered = engine.register(out, "").unwrap();
        assert!(registered.contains("night1: registered"), "{registered}");
        assert_eq!(newest(&mut engine), nights.rows(1), "{format:?}");

        let before = (engine.versions(), engine.files());
        let two_nights = format.command(out).expect(0).stdout;
        assert!(!engine.run(&two_nights).contains("registered:"));
        engine.register(out, "--run night1").unwrap();
        let list = engine.path("loaded");
        write(&list, "night1\nnight2\n");
        engine.register(out, &format!("--loaded {}", list.display())).unwrap();
        assert_eq!((engine.versions(), engine.files()), before, "{format:?}: nothing has changed");

        write(&third, manifest);
        let registered = engine.register(out, "").unwrap();
        assert!(registered.contains("night3: registered") && !registered.contains("night1:"), "{registered}");
        assert_eq!(newest(&mut engine), third_night(&nights), "{format:?}");
        is_same_as_files(&mut engine, out);
        let files = engine.files();
        engine.run(&two_nights);
        assert_eq!(engine.files(), files, "{format:?}: an older script removes no newer run");
    }
}

#[test]
fn the_newest_run_is_the_last_of_the_chain() {
    for format in Format::installed("the_newest_run_is_the_last_of_the_chain") {
        let nights = Nights::of("parquet");
        let manifest = nights.export.out_path().join("_runs/night2/manifest.json");
        let mut second = json(&manifest);
        second["started_at"] = "2020-01-01T00:00:00.000000Z".into();
        write(&manifest, second.to_string());
        let mut engine = Engine::start(format);
        engine.register(nights.export.out_path(), "").unwrap();
        assert_eq!(newest(&mut engine), nights.rows(1), "{format:?}: the clock was set back by years");
    }
}

#[test]
fn a_file_that_is_not_as_its_manifest_says_registers_nothing() {
    for format in Format::installed("a_file_that_is_not_as_its_manifest_says_registers_nothing") {
        let nights = Nights::of("parquet");
        let out = nights.export.out_path();
        let mut engine = Engine::start(format);
        let complete = format.command(out).expect(0).stdout;
        let file = out.join("coverage/part-night2-00000.parquet");
        let away = nights.export.path("away");
        std::fs::copy(&file, &away).unwrap();
        std::fs::remove_file(&file).unwrap();
        let error = engine.try_run(&complete).unwrap_err();
        assert!(error.contains("coverage/part-night2-00000.parquet is missing"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert_eq!(engine.files(), Vec::<serde_json::Value>::new(), "{format:?}");
        // Another file of the same table.
        std::fs::copy(out.join("coverage/part-night1-00000.parquet"), &file).unwrap();
        let error = engine.try_run(&complete).unwrap_err();
        assert!(error.contains("run chatzy-export verify"), "{error}");
        assert_eq!(engine.files(), Vec::<serde_json::Value>::new(), "{format:?}");
        std::fs::copy(&away, &file).unwrap();
        engine.run(&complete);
        assert_eq!(newest(&mut engine), nights.rows(1), "{format:?}");
    }
}

/// A table of an earlier version has fewer columns.
#[test]
fn columns_are_added_to_a_table() {
    if !Format::Iceberg.is_installed("columns_are_added_to_a_table") {
        return;
    }
    let nights = Nights::of("parquet");
    let mut engine = Engine::start(Format::Iceberg);
    engine.python(
        "from pyiceberg.schema import Schema\nfrom pyiceberg.types import NestedField, StringType\n\
        catalog.create_namespace('chatzy')\n\
        catalog.create_table('chatzy.contacts', Schema(NestedField(1, 'contact_id', StringType())))",
    );
    engine.register(nights.export.out_path(), "").unwrap();
    is_same_as_files(&mut engine, nights.export.out_path());
}

/// An interrupted script leaves tables without `coverage`. The next one completes them.
#[test]
fn an_interrupted_registration_is_completed() {
    if !Format::Iceberg.is_installed("an_interrupted_registration_is_completed") {
        return;
    }
    let nights = Nights::of("parquet");
    let out = nights.export.out_path();
    let mut engine = Engine::start(Format::Iceberg);
    engine.register(out, "--run night1").unwrap();
    for step in 1..=4 {
        // One more table succeeds each time, until coverage is left.
        let code = "import pyiceberg.table as tables\nadd, left = tables.Transaction.add_files, [1]\n\
            def fail(self, *args, **more):\n    left[0] -= 1\n    if left[0] >= 0:\n        return add(self, *args, **more)\n\
            \x20   tables.Transaction.add_files = add\n    raise OSError('the disk is full')\n\
            tables.Transaction.add_files = fail";
        engine.python(code);
        let error = engine.register(out, "").unwrap_err();
        assert_eq!(error, "error: OSError: the disk is full", "{step}");
        assert_eq!(newest(&mut engine), nights.rows(0), "{step}: queries see no part of a run");
    }
    engine.register(out, "").unwrap();
    assert_eq!(newest(&mut engine), nights.rows(1));
    is_same_as_files(&mut engine, out);
}

/// Services compact tables by themselves.
#[test]
fn rows_in_files_of_other_programs_are_not_registered_again() {
    if !Format::Iceberg.is_installed("rows_in_files_of_other_programs_are_not_registered_again") {
        return;
    }
    let nights = Nights::of("parquet");
    let mut engine = Engine::start(Format::Iceberg);
    engine.register(nights.export.out_path(), "").unwrap();
    engine.python("messages = table('messages')\nmessages.overwrite(messages.scan().to_arrow())");
    let files = engine.files();
    let registered = engine.register(nights.export.out_path(), "").unwrap();
    assert!(registered.contains("night1: left as it is in messages"), "{registered}");
    assert_eq!(engine.files(), files);
    assert_eq!(newest(&mut engine), nights.rows(1));
}

/// Two programs register the same run at the same time: only one of them succeeds.
#[test]
fn a_run_is_registered_once_by_two_programs() {
    for format in Format::installed("a_run_is_registered_once_by_two_programs") {
        let nights = Nights::of("parquet");
        let out = nights.export.out_path();
        let mut engine = Engine::start(format);
        engine.register(out, "--run night1").unwrap();
        let second = engine.path("second");
        write(&second, format.command(out).expect(0).stdout);
        let text = serde_json::json!(second).to_string();
        match format {
            // The other program commits between the check and the commit of this one.
            Format::Iceberg => {
                let other = "import runpy, sys, pyiceberg.table as tables\nadd = tables.Transaction.add_files\n\
                    def late(self, *args, **more):\n    tables.Transaction.add_files = add\n    try:\n        runpy.run_path(SECOND, run_name='__main__')\n    except SystemExit as end:\n        assert not end.code, end.code\n    return add(self, *args, **more)\n\
                    tables.Transaction.add_files = late";
                engine.python(&other.replace("SECOND", &text));
            }
            Format::DuckLake => {
                let other = "import duckdb\nother = connection.cursor()\nresult = []\n\
                    statements = [duckdb.extract_statements(open(SECOND).read()) for _ in range(2)]\n\
                    for at in range(len(statements[0])):\n    for each, text in zip((connection, other), statements):\n        try:\n            each.execute(text[at])\n        except duckdb.Error as error:\n            result.append(str(error))\n";
                let errors = engine.python(&other.replace("SECOND", &text));
                assert!(errors[0].as_str().unwrap().contains("conflict"), "{errors}");
            }
        }
        if format == Format::Iceberg {
            let error = engine.register(out, "").unwrap_err();
            assert_eq!(
                error,
                "error: another program changes these tables: run this script again when it has ended"
            );
        }
        engine.register(out, "").unwrap();
        assert_eq!(newest(&mut engine), nights.rows(1), "{format:?}");
        is_same_as_files(&mut engine, out);
    }
}

#[test]
fn an_odd_path_names_one_export() {
    let service = Service::start("");
    let one = Export::run_of(service.url(), ["messages-3-a"]);
    for format in Format::installed("an_odd_path_names_one_export") {
        let root = tempfile::tempdir().unwrap();
        for (name, rows) in [("it's [bc]* \"x\" {a,b} %41 $HOME é ~", "3"), ("-x", "3")] {
            let out = root.path().join(name);
            one.clone().out_at(&out).expect(0);
            one.clone().out_at(&root.path().join("it's b \"x\" {a,b} %41 $HOME é ~")).expect(0);
            let mut engine = Engine::start(format);
            // As typed, relative to its own folder.
            let command =
                Export::command("schema --register").arg(format.name()).arg(&format!("--from={name}"));
            let there = format!("cd '{}'; exec \"$@\"", root.path().display());
            engine.run(&command.shell(&there).expect(0).stdout);
            let lake = if format == Format::DuckLake { "lake." } else { "" };
            let count = format!("SELECT count(*) FROM {lake}messages WHERE content IS NOT NULL");
            assert_eq!(engine.query(&count), [rows], "{format:?} {name}");
            // The same by its absolute path.
            let files = engine.files();
            engine.register(&out, "").unwrap();
            assert_eq!(engine.files(), files, "{format:?} {name}");
        }
    }
}

/// The files have no `month`, and a message without a time has no month. DuckLake takes the channel from the paths.
#[test]
fn partitions_are_registered() {
    let service = Service::start("");
    let contacts = (0..4).map(|at| format!("messages-{}-{at}", 20 + at));
    let base = Export::run_of(service.url(), contacts);
    let truth = base.clone().out("truth");
    truth.expect(0);
    for format in Format::installed("partitions_are_registered") {
        let keys = if format == Format::Iceberg { "export_date,run,month" } else { "month,channel" };
        let export = base.clone().args("--partition-by").arg(keys).out(format.name());
        export.expect(0);
        assert!(tree(export.out_path()).iter().any(|path| path.contains("/month=20")));
        let mut engine = Engine::start(format);
        engine.register(export.out_path(), "").unwrap();
        let lake = if format == Format::DuckLake { "lake." } else { "" };
        for table in ["messages", "channel_records"] {
            let of = |name: &str| {
                format!(
                    "SELECT coalesce(channel, 'none') || '|' || count(*) || '|' || count(DISTINCT message_id) FROM {name} GROUP BY channel"
                )
            };
            let files = format!("'{}/{table}/*.parquet'", truth.out_path().display());
            let expected = engine.query(&of(&files));
            assert!(expected.len() > 1, "{expected:?}");
            assert_eq!(engine.query(&of(&format!("{lake}{table}"))), expected, "{format:?} {table}");
        }
    }
}
