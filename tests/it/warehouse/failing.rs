//! A load that is impossible ends with an error, also in the database.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::databases::Database;
use super::{script, sql};
use crate::support::export::{Export, tree};
use crate::support::service::Service;
use crate::system::skip;

/// Arguments of `schema` that end with an error. The last is a path.
const FAILING: [&[&str]; 6] = [
    &["--from", "none"],
    &["--from"],
    &["--run", "r"],
    &["--bogus"],
    &["--from", ".", "--run", "/"],
    &["--from", "it's $$ $chatzy$ :x \\'; % --\n\\! touch stolen\n'); CREATE TABLE stolen (x int); --"],
];

/// The output of `schema` fails the session of a database if `schema` itself fails.
pub fn a_failing_schema_fails_the_session(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    for option in ["--merge", "--latest"] {
        for arguments in FAILING {
            let mut command = Export::command("schema").args(option).arg(database.dialect());
            for argument in arguments {
                command = command.arg(argument);
            }
            let outcome = command.expect(2);
            let message = outcome.stderr.trim_end().strip_prefix("error: ").expect("an error").to_owned();
            // psql with its defaults does not stop at errors.
            let script = match database.dialect() {
                "postgres" => format!("\\unset ON_ERROR_STOP\n{}", outcome.stdout),
                _ => outcome.stdout,
            };
            let told = database.try_run(&script, folder.path()).expect_err(&script);
            assert!(told.contains(&message), "{message}\n{told}");
            if ["duckdb", "postgres"].contains(&database.dialect()) {
                assert_eq!(told.lines().count(), 1, "{told}");
            }
        }
    }
    assert_eq!(tree(folder.path()), Vec::<String>::new());
    database.try_run("SELECT count(*) FROM stolen;\n", Path::new("/")).expect_err("no table was created");
}

#[test]
fn formats_that_no_database_reads_stay_empty_when_they_fail() {
    for arguments in ["--bogus", "--format arrow --bogus", "--from none", "--merge oracle"] {
        assert_eq!(Export::command("schema").args(arguments).expect(2).stdout, "", "{arguments}");
    }
}

#[test]
fn a_database_without_the_tables_is_told_in_one_line() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--format jsonl");
    export.expect(0);
    let mut databases = vec![Database::duckdb()];
    databases.extend(Database::postgres("a_database_without_the_tables_is_told_in_one_line"));
    for database in databases {
        let dialect = database.dialect();
        let load = script(&export, &format!("--merge {dialect}"));
        let told = |load: &str| database.try_run(load, Path::new("/")).expect_err(dialect);
        let line = told(&load);
        let command = format!("create them with: chatzy-export schema --format {dialect} | ");
        assert!(line.contains(&command), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        let one = format!("{}\nDROP TABLE messages;", sql(&format!("--format {dialect}")));
        database.run(&one, Path::new("/"));
        assert!(told(&load).contains("not in this database: the tables messages; create"));
    }
}

/// The shell of DuckDB, which continues after errors by default.
#[test]
fn the_shell_of_duckdb_stops_at_the_first_error() {
    let shell = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/venv/bin/duckdb"));
    if !shell.is_file() {
        return skip("the_shell_of_duckdb_stops_at_the_first_error", "needs DuckDB (scripts/test-tools.sh)");
    }
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]);
    export.expect(0);
    let load = |script: &str| {
        let file = export.path("script.sql");
        crate::support::export::write(&file, script);
        let mut command = Command::new(&shell);
        command.arg("warehouse.db").current_dir(export.path(""));
        let output =
            command.stdin(std::fs::File::open(&file).unwrap()).stdout(Stdio::piped()).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let merge = script(&export, "--merge duckdb");
    let (is_done, told) = load(&merge);
    assert!(!is_done && told.trim_end().lines().count() == 1 && told.contains("create them with"), "{told}");
    assert_eq!(load(&sql("--format duckdb")), (true, String::new()));
    assert_eq!(load(&merge), (true, String::new()));
    let failing = Export::command("schema --merge duckdb --from none").expect(2).stdout;
    let (is_done, told) = load(&format!("{failing}\nSELECT error('not reached');"));
    assert!(
        !is_done && told.trim_end().lines().count() == 1 && told.contains("none has no published run"),
        "{told}"
    );
}
