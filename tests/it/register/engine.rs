//! A program that runs the scripts, and reads the tables. It works until it is dropped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::export::{Export, write};
use crate::support::stores::Remote;
use crate::system::skip;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Table formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Iceberg,
    DuckLake,
}

/// A catalog in a folder of its own.
pub struct Engine {
    pub format: Format,
    folder: TempDir,
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Format {
    /// The formats whose programs are installed.
    pub fn installed(test: &str) -> Vec<Self> {
        [Self::Iceberg, Self::DuckLake].into_iter().filter(|format| format.is_installed(test)).collect()
    }

    /// False, with a message, if its programs are not installed.
    pub fn is_installed(self, test: &str) -> bool {
        let stamps: &[&str] = match self {
            Self::Iceberg => &["has-iceberg", "has-duckdb"],
            Self::DuckLake => &["has-duckdb"],
        };
        let is_there = stamps.iter().all(|stamp| venv().join(stamp).is_file());
        if !is_there {
            skip(test, &format!("needs {self:?} (scripts/warehouse-tools.sh)"));
        }
        is_there
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Iceberg => "iceberg",
            Self::DuckLake => "ducklake",
        }
    }

    /// The command that prints the script for an export.
    pub fn command(self, export: &Path) -> Export {
        Export::command("schema --register").arg(self.name()).args("--from").arg(export.to_str().unwrap())
    }
}

fn venv() -> PathBuf {
    Path::new(ROOT).join(".tools/warehouse/venv")
}

impl Engine {
    pub fn start(format: Format) -> Self {
        Self::start_with(format, None)
    }

    /// Reads also an object store.
    pub fn start_with(format: Format, remote: Option<&Remote>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(venv().join("bin/python"));
        command.arg(format!("{ROOT}/tests/it/register/engine.py")).arg(format.name()).arg(folder.path());
        command.env_remove("AWS_ENDPOINT_URL").envs(remote.map(Remote::environment).unwrap_or_default());
        command.env("PYICEBERG_HOME", folder.path()).current_dir(folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("an engine");
        let to = child.stdin.take().expect("stdin");
        let from = BufReader::new(child.stdout.take().expect("stdout"));
        Self { format, folder, child, to, from }
    }

    fn ask(&mut self, command: &str, argument: &str) -> Value {
        writeln!(self.to, "{}", json!({command: argument})).expect("a running engine");
        let mut line = String::new();
        self.from.read_line(&mut line).expect("a running engine");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{command} {argument}: the engine has failed"))
    }

    /// Runs a script, and returns what it prints, or its error.
    pub fn try_run(&mut self, script: &str) -> Result<String, String> {
        let path = self.folder.path().join("script");
        write(&path, script);
        let result = self.ask("script", path.to_str().unwrap());
        let text = result["text"].as_str().unwrap().trim_end().to_owned();
        if result["code"] == 0 { Ok(text) } else { Err(text) }
    }

    /// Runs a script, which must succeed.
    pub fn run(&mut self, script: &str) -> String {
        self.try_run(script).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Prints the script for an export, and runs it.
    pub fn register(&mut self, export: &Path, options: &str) -> Result<String, String> {
        let script = self.format.command(export).args(options).expect(0).stdout;
        self.try_run(&script)
    }

    /// The rows of a query by DuckDB, in order.
    pub fn query(&mut self, sql: &str) -> Vec<String> {
        let rows = self.ask("query", sql);
        let mut rows: Vec<_> =
            rows.as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_owned()).collect();
        rows.sort();
        rows
    }

    /// The files of all tables.
    pub fn files(&mut self) -> Vec<Value> {
        let tables = ["contacts", "conversations", "messages", "channel_records", "coverage"];
        tables.iter().flat_map(|table| self.ask("files", table).as_array().unwrap().clone()).collect()
    }

    /// The current version of the lake, or of each table.
    pub fn versions(&mut self) -> Vec<Value> {
        let tables = ["contacts", "messages", "coverage", "chatzy_runs"];
        tables.iter().map(|table| self.ask("version", table)).collect()
    }

    /// Runs code in the engine.
    pub fn python(&mut self, code: &str) -> Value {
        self.ask("python", code)
    }

    /// A path in the folder of the catalog.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
