//! Real engines that run the SQL: a server of the test, or a process of Python with the engine in it.

mod engine;
mod postgres;
mod python;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value};

use crate::support::stores::Kind;
use crate::system::skip;
pub use engine::{Engine, Ran};
pub use postgres::Postgres;
use python::{CLICKHOUSE, DUCKDB, EMULATED, Python, SNOWFLAKE, SPARK};

/// A row by column.
pub type Row = Map<String, Value>;

/// The time zone of sessions, so that scripts that depend on one fail.
const ZONE: &str = "Asia/Kathmandu";

/// A database, empty at first. Its engine ends with the last database.
pub struct Database {
    engine: Arc<dyn Engine>,
    name: String,
}

static DATABASES: AtomicU32 = AtomicU32::new(0);

impl Database {
    fn of(engine: Arc<dyn Engine>) -> Self {
        let name = format!("database{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        engine.create(&name);
        Self { engine, name }
    }

    pub fn duckdb() -> Self {
        let engine = Python::start(&DUCKDB).unwrap_or_else(|| panic!("needs {}", DUCKDB.needs));
        Self::of(Arc::new(engine))
    }

    /// `None`, with a message, if there is no PostgreSQL.
    pub fn postgres(test: &str) -> Option<Self> {
        let server = Postgres::start();
        if server.is_none() {
            skip(test, "needs PostgreSQL (scripts/test-tools.sh)");
        }
        server.map(|server| Self::of(Arc::new(server)))
    }

    /// A server with an empty database `warehouse`, for `psql` in a shell.
    pub fn postgres_in_shell(test: &str) -> Option<Postgres> {
        let server = Postgres::start();
        match &server {
            Some(server) => server.create("warehouse"),
            None => skip(test, "needs PostgreSQL (scripts/test-tools.sh)"),
        }
        server
    }

    pub fn clickhouse(test: &str) -> Option<Self> {
        Self::in_python(&CLICKHOUSE, test)
    }

    pub fn snowflake(test: &str) -> Option<Self> {
        Self::in_python(&SNOWFLAKE, test)
    }

    pub fn spark(test: &str) -> Option<Self> {
        Self::in_python(&SPARK, test)
    }

    /// DuckDB in the part of a database.
    pub fn emulated(dialect: &str, test: &str) -> Option<Self> {
        let program = EMULATED.iter().find(|program| program.dialect == dialect);
        Self::in_python(program.expect("an emulated database"), test)
    }

    fn in_python(program: &python::Program, test: &str) -> Option<Self> {
        let engine = Python::start(program);
        if engine.is_none() {
            skip(test, &format!("needs {}", program.needs));
        }
        engine.map(|engine| Self::of(Arc::new(engine)))
    }

    /// Its name on the command line of this program.
    pub fn dialect(&self) -> &'static str {
        self.engine.dialect()
    }

    /// The stores that it reads, if it reads no folders.
    pub fn store(&self) -> Option<Kind> {
        self.engine.store()
    }

    /// An empty database of the same engine.
    pub fn another(&self) -> Self {
        Self::of(Arc::clone(&self.engine))
    }

    /// Runs a script, which must succeed, in a folder. Returns the rows of its last query, with `|` between
    /// the cells.
    pub fn run(&self, script: &str, within: &Path) -> Vec<String> {
        self.try_run(script, within).unwrap_or_else(|error| panic!("{}: {error}\n{script}", self.dialect()))
    }

    /// Runs a script in a session of its own. Returns the message of the engine if it fails.
    pub fn try_run(&self, script: &str, within: &Path) -> Result<Vec<String>, String> {
        self.engine.run(&self.name, script, &[], within).map(|ran| ran.rows)
    }

    /// Runs a script, which must succeed, in a folder, and returns all rows of these tables or views in the
    /// same session.
    pub fn tables(&self, script: &str, names: &[String], within: &Path) -> BTreeMap<String, Vec<Row>> {
        let ran = self.engine.run(&self.name, script, names, within);
        ran.unwrap_or_else(|error| panic!("{}: {error}\n{script}", self.dialect())).tables
    }
}

/// A script that fails leaves the engine usable, and databases are separate.
#[test]
fn engines_run_scripts() {
    let test = "engines_run_scripts";
    let mut databases = vec![(Database::duckdb(), "")];
    databases.extend(Database::clickhouse(test).map(|database| (database, "ENGINE = MergeTree ORDER BY x")));
    databases.extend(Database::snowflake(test).map(|database| (database, "")));
    databases.extend(Database::postgres(test).map(|database| (database, "")));
    for (one, engine) in databases {
        let dialect = one.dialect();
        let script =
            format!("CREATE TABLE t (x int) {engine};\nINSERT INTO t VALUES (1);\nSELECT x, 'it' FROM t;\n");
        for database in [&one, &one.another()] {
            assert_eq!(database.run(&script, Path::new("/")), ["1|it"], "{dialect}");
        }
        let error = one
            .try_run("INSERT INTO t VALUES (2);\nSELECT * FROM none;\n", Path::new("/"))
            .expect_err(dialect);
        assert!(error.to_lowercase().contains("none"), "{dialect}: {error}");
        let tables = one.tables("", &["t".to_owned()], Path::new("/"));
        assert_eq!(tables["t"].len(), 2, "{dialect}");
    }
}
