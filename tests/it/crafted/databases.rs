//! The databases that run the output of `schema` for a crafted export.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::support::export::Export;
use crate::support::tables::python;
use crate::system::skip;
use crate::warehouse::Database;

/// Tables that a script of PostgreSQL leaves behind.
const CLEAN: &str = "TRUNCATE contacts, conversations, messages, channel_records, coverage, chatzy_runs;\n";
const CLEAN_VIEWS: &str = "TRUNCATE chatzy_runs, staging_contacts, staging_conversations, staging_messages, staging_channel_records, staging_coverage;\n";

/// DuckDB as a module and as a shell, and PostgreSQL where it is installed.
pub struct Databases {
    duckdb: DuckDb,
    shell: Option<PathBuf>,
    postgres: Option<Database>,
    /// Scripts that `psql` and the shell have run.
    seen: BTreeSet<String>,
    tables: String,
}

/// A Python process that runs each script in a database of its own.
struct DuckDb {
    process: Child,
    answers: BufReader<ChildStdout>,
}

fn tables(dialect: &str) -> String {
    Export::command("schema --format").arg(dialect).expect(0).stdout
}

/// The shell of DuckDB, where it is installed.
pub fn shell() -> Option<PathBuf> {
    let shell = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/venv/bin/duckdb"));
    shell.is_file().then_some(shell)
}

impl Databases {
    pub fn start(test: &str, within: &Path) -> Self {
        let postgres = Database::postgres(test);
        if let Some(postgres) = &postgres {
            // Both kinds of scripts find the tables that they need.
            postgres.run(&tables("postgres"), within);
        }
        let shell = shell();
        if shell.is_none() {
            skip(test, "the shell of DuckDB is missing (scripts/test-tools.sh)");
        }
        Self {
            duckdb: DuckDb::start(within),
            shell,
            postgres,
            seen: BTreeSet::new(),
            tables: tables("duckdb"),
        }
    }

    /// Runs a script of `schema --merge` or `--latest`; true if it succeeds.
    pub fn run(&mut self, dialect: &str, option: &str, script: &str, within: &Path) -> Option<bool> {
        let is_new = self.seen.insert(script.to_owned());
        match dialect {
            "duckdb" => {
                let tables = if option == "--merge" { &self.tables } else { "" };
                let answer = self.duckdb.run(tables, script);
                assert_eq!(answer["owned"], json!(false), "DuckDB has obeyed:\n{script}");
                // The shell executes lines that begin with a dot.
                if is_new && let Some(shell) = &self.shell {
                    run_shell(shell, &format!("{tables}\n{script}"), within);
                }
                Some(answer["error"].is_null())
            }
            _ if !is_new => None,
            _ => {
                let clean = if option == "--merge" { CLEAN } else { CLEAN_VIEWS };
                let ran = self.postgres.as_ref()?.try_run(&format!("{script}\n{clean}"), within);
                Some(ran.is_ok())
            }
        }
    }

    /// Fails if a text has created a table in PostgreSQL.
    pub fn assert_none_obeyed(&self) {
        if let Some(postgres) = &self.postgres {
            let owned = "SELECT count(*) FROM information_schema.tables WHERE table_name IN ('owned', 't');";
            assert_eq!(postgres.run(owned, Path::new("/")), ["0"], "PostgreSQL has obeyed");
        }
    }
}

/// Runs a script in the shell of DuckDB.
pub fn run_shell(shell: &Path, script: &str, within: &Path) {
    let mut command = Command::new(shell);
    command.current_dir(within).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the shell of DuckDB");
    // It may stop reading at the first error.
    drop(child.stdin.take().expect("stdin").write_all(script.as_bytes()));
    child.wait().expect("the shell of DuckDB");
}

impl DuckDb {
    fn start(within: &Path) -> Self {
        let mut command = Command::new(python());
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/crafted/duckdb_serve.py"));
        command.current_dir(within).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("Python");
        let answers = BufReader::new(process.stdout.take().expect("stdout"));
        Self { process, answers }
    }

    fn run(&mut self, tables: &str, script: &str) -> Value {
        let stdin = self.process.stdin.as_mut().expect("stdin");
        writeln!(stdin, "{}", json!([tables, script])).expect("Python reads");
        stdin.flush().expect("Python reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("Python answers");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
