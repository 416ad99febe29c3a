//! Engines in a process of Python, which runs one script after another (`engines/serve.py`).

use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Engine, Ran, ZONE};
use crate::promises::root;
use crate::support::stores::Kind;

/// A program of Python with an engine.
pub struct Program {
    pub dialect: &'static str,
    /// Its Python, below `.tools`.
    python: &'static str,
    /// A file in it that is there if the engine is.
    stamp: &'static str,
    file: &'static str,
    /// The engine and the script that installs it.
    pub needs: &'static str,
    /// The stores that it reads, if it reads no folders.
    store: Option<Kind>,
}

pub const DUCKDB: Program = Program {
    dialect: "duckdb",
    python: "venv",
    stamp: "pins",
    file: "run_duckdb.py",
    needs: "DuckDB (scripts/test-tools.sh)",
    store: None,
};

pub const CLICKHOUSE: Program = Program {
    dialect: "clickhouse",
    python: "warehouse/venv",
    stamp: "has-clickhouse",
    file: "run_clickhouse.py",
    needs: "chdb (scripts/warehouse-tools.sh)",
    store: None,
};

pub const SNOWFLAKE: Program = Program {
    dialect: "snowflake",
    python: "warehouse/snowflake",
    stamp: "has-fakesnow",
    file: "run_snowflake.py",
    needs: "fakesnow (scripts/warehouse-tools.sh)",
    store: None,
};

pub const SPARK: Program = Program {
    dialect: "spark",
    python: "warehouse/spark",
    stamp: "has-pyspark",
    file: "run_spark.py",
    needs: "Spark and Java (scripts/warehouse-tools.sh)",
    store: None,
};

/// DuckDB in the part of these databases.
pub const EMULATED: [Program; 4] = [
    emulated("bigquery", Kind::Gcs),
    emulated("redshift", Kind::Moto),
    emulated("trino", Kind::Moto),
    emulated("athena", Kind::Moto),
];

const fn emulated(dialect: &'static str, store: Kind) -> Program {
    Program {
        dialect,
        python: "warehouse/venv",
        stamp: "has-sqlglot",
        file: "run_emulated.py",
        needs: "DuckDB and sqlglot (scripts/warehouse-tools.sh)",
        store: Some(store),
    }
}

/// A running program.
pub struct Python {
    dialect: &'static str,
    store: Option<Kind>,
    process: Mutex<Process>,
}

struct Process {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    errors: std::fs::File,
}

impl Python {
    /// `None` if the engine is not installed.
    pub fn start(program: &Program) -> Option<Self> {
        let folder = root().join(".tools").join(program.python);
        if !folder.join(program.stamp).is_file() {
            return None;
        }
        let process = Process::start(&folder.join("bin/python"), program);
        Some(Self { dialect: program.dialect, store: program.store, process: Mutex::new(process) })
    }
}

impl Process {
    fn start(python: &Path, program: &Program) -> Self {
        let errors = tempfile::tempfile().expect("a temporary file");
        let file: PathBuf = root().join("tests/it/warehouse/engines").join(program.file);
        let mut child = Command::new(python)
            .arg("-B")
            .arg(file)
            .args([ZONE, program.dialect])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().expect("the file again"))
            .spawn()
            .expect("Python");
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("stdout"));
        Self { child, requests, answers, errors }
    }

    fn ask(&mut self, request: &Value) -> Value {
        let sent = writeln!(self.requests.as_mut().expect("stdin"), "{request}");
        let mut line = String::new();
        let answered = self.answers.read_line(&mut line);
        let is_alive = sent.is_ok() && answered.is_ok() && !line.is_empty();
        assert!(is_alive, "the engine has ended: {}", self.last_words());
        serde_json::from_str(&line).expect("JSON")
    }

    fn last_words(&mut self) -> String {
        let mut text = Vec::new();
        let _ = self.errors.rewind();
        let _ = self.errors.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}

impl Engine for Python {
    fn dialect(&self) -> &'static str {
        self.dialect
    }

    fn store(&self) -> Option<Kind> {
        self.store
    }

    /// The first script creates it.
    fn create(&self, _: &str) {}

    fn run(&self, database: &str, script: &str, tables: &[String], within: &Path) -> Result<Ran, String> {
        let request = json!({"database": database, "script": script, "tables": tables, "folder": within});
        let mut answer = self.process.lock().unwrap_or_else(PoisonError::into_inner).ask(&request);
        if let Value::String(error) = answer["error"].take() {
            return Err(error);
        }
        let rows: Vec<Vec<String>> = serde_json::from_value(answer["rows"].take()).expect("rows of text");
        let tables = serde_json::from_value(answer["tables"].take()).expect("rows by column");
        Ok(Ran { rows: rows.iter().map(|row| row.join("|")).collect(), tables })
    }
}
