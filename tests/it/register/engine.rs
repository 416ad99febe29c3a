//! A program that runs the scripts, and reads the tables. It works until it is dropped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

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
    process: Option<Process>,
    /// True if it reads an object store.
    is_remote: bool,
}

/// A program that takes a while to start, so tests use it one after the other. It ends when its stdin does.
struct Process {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

/// The programs that no test uses now, in the order of the formats.
static IDLE: [Mutex<Vec<Process>>; 2] = [const { Mutex::new(Vec::new()) }; 2];

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
        let idle = if remote.is_none() { IDLE[format as usize].lock().unwrap().pop() } else { None };
        let process = idle.unwrap_or_else(|| Process::start(format, remote));
        let folder = tempfile::tempdir().unwrap();
        let mut engine = Self { format, folder, process: Some(process), is_remote: remote.is_some() };
        let folder = engine.folder.path().to_str().unwrap().to_owned();
        engine.ask("open", &folder);
        engine
    }

    fn ask(&mut self, command: &str, argument: &str) -> Value {
        let process = self.process.as_mut().expect("a process");
        writeln!(process.to, "{}", json!({command: argument})).expect("a running engine");
        let mut line = String::new();
        process.from.read_line(&mut line).expect("a running engine");
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

impl Process {
    fn start(format: Format, remote: Option<&Remote>) -> Self {
        let mut command = Command::new(venv().join("bin/python"));
        command.arg(format!("{ROOT}/tests/it/register/engine.py")).arg(format.name()).current_dir("/");
        command.env_remove("AWS_ENDPOINT_URL").envs(remote.map(Remote::environment).unwrap_or_default());
        // No settings of the user are read.
        command.env("PYICEBERG_HOME", "/nowhere");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("an engine");
        let to = child.stdin.take().expect("stdin");
        let from = BufReader::new(child.stdout.take().expect("stdout"));
        Self { child, to, from }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        if self.is_remote || std::thread::panicking() {
            let _ = process.child.kill();
            let _ = process.child.wait();
        } else {
            IDLE[self.format as usize].lock().unwrap().push(process);
        }
    }
}
