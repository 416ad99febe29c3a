//! Real databases that run the SQL: DuckDB from its wheel, PostgreSQL as a server of the test.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::monitoring::tool;
use crate::support::service::wait_until;
use crate::support::tables::python;
use crate::system::skip;

/// A database that exists until it is dropped.
pub enum Database {
    DuckDb { folder: TempDir },
    Postgres(Postgres),
}

/// A database on a server of the test.
pub struct Postgres {
    server: Arc<Server>,
    database: String,
}

/// A server in a folder of its own, on a socket in it.
struct Server {
    folder: TempDir,
    process: Child,
    databases: AtomicU32,
}

impl Database {
    pub fn duckdb() -> Self {
        Self::DuckDb { folder: tempfile::tempdir().unwrap() }
    }

    /// `None`, with a message, if there is no PostgreSQL.
    pub fn postgres(test: &str) -> Option<Self> {
        let server = Postgres::start();
        if server.is_none() {
            skip(test, "needs PostgreSQL (scripts/test-tools.sh)");
        }
        server.map(Self::Postgres)
    }

    /// Its name on the command line of this program.
    pub fn dialect(&self) -> &'static str {
        match self {
            Self::DuckDb { .. } => "duckdb",
            Self::Postgres(_) => "postgres",
        }
    }

    /// An empty database of the same kind.
    pub fn another(&self) -> Self {
        match self {
            Self::DuckDb { .. } => Self::duckdb(),
            Self::Postgres(database) => Self::Postgres(database.another()),
        }
    }

    /// Runs a script, which must succeed, in a folder. Returns the rows of its last query, with `|` between
    /// the cells.
    pub fn run(&self, script: &str, within: &Path) -> Vec<String> {
        let output = self.try_run(script, within);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    pub fn try_run(&self, script: &str, within: &Path) -> Output {
        let mut command = match self {
            Self::DuckDb { folder } => {
                let mut command = Command::new(python());
                command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/warehouse/duckdb_run.py"));
                command.arg(folder.path().join("warehouse.db"));
                command
            }
            Self::Postgres(server) => server.psql(),
        };
        let mut child = command
            .current_dir(within)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a database");
        // It may stop reading at the first error.
        drop(child.stdin.take().expect("stdin").write_all(script.as_bytes()));
        child.wait_with_output().expect("a database")
    }
}

/// A program of PostgreSQL, which Debian does not put into the path.
fn program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let of_debian = versions.map(|version| version.path().join("bin").join(name));
    of_debian.into_iter().find(|path| path.is_file()).or_else(|| tool(name))
}

/// The command as a user other than root, which PostgreSQL refuses.
fn as_nobody(program: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
    command
}

impl Postgres {
    fn start() -> Option<Self> {
        let (initdb, postgres) = (program("initdb")?, program("postgres")?);
        tool("psql")?;
        let folder = tempfile::tempdir().unwrap();
        // Give it to its future owner. A plain user keeps it.
        let _ = Command::new("chown").arg("65534:65534").arg(folder.path()).stderr(Stdio::null()).status();
        let place = folder.path().join("data");
        let mut create = as_nobody(&initdb);
        create.args([
            "--auth=trust",
            "--username=tester",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            "-D",
        ]);
        let created = create.arg(&place).current_dir("/").output().expect("initdb");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        let process = as_nobody(&postgres)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-D"])
            .arg(&place)
            .arg("-k")
            .arg(folder.path())
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres");
        let server = Arc::new(Server { folder, process, databases: AtomicU32::default() });
        let started = Self { server, database: "postgres".to_owned() };
        wait_until("PostgreSQL answers", || {
            let asked = started.psql().args(["-c", "SELECT 1"]).output();
            asked.is_ok_and(|output| output.status.success())
        });
        Some(started)
    }

    fn another(&self) -> Self {
        let database = format!("another{}", self.server.databases.fetch_add(1, Ordering::Relaxed));
        let create = format!("CREATE DATABASE {database} TEMPLATE template0");
        let created = self.psql().args(["-c", &create]).output().expect("psql");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        Self { server: Arc::clone(&self.server), database }
    }

    fn psql(&self) -> Command {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "tester", "-d"]);
        command.arg(&self.database).arg("-h").arg(self.server.folder.path()).env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A fast shutdown, since a plain kill would leave its processes.
        let _ = Command::new("kill").args(["-s", "INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}
