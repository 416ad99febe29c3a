//! PostgreSQL as a server of the test, with scripts run by `psql`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::{Engine, Ran, Row, ZONE};
use crate::monitoring::tool;
use crate::support::service::wait_until;

/// Begins a line with a row of a table, and ends the name of the table.
const MARK: char = '\u{1}';

/// A server in a folder of its own, on a socket in it.
pub struct Postgres {
    folder: TempDir,
    process: Child,
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
    /// `None` if it is not installed.
    pub fn start() -> Option<Self> {
        let (initdb, postgres) = (program("initdb")?, program("postgres")?);
        tool("psql")?;
        let folder = tempfile::tempdir().unwrap();
        // Give it to its future owner. A plain user keeps it.
        let _ = Command::new("chown").arg("65534:65534").arg(folder.path()).stderr(Stdio::null()).status();
        let data = folder.path().join("data");
        let mut create = as_nobody(&initdb);
        create.args([
            "--auth=trust",
            "--username=tester",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            "-D",
        ]);
        let created = create.arg(&data).current_dir("/").output().expect("initdb");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        let process = as_nobody(&postgres)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-D"])
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres");
        let started = Self { folder, process };
        wait_until("PostgreSQL answers", || started.ask("postgres", "SELECT 1").status.success());
        Some(started)
    }

    /// The environment in which `psql` finds it.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        let folder = self.folder.path().to_string_lossy().into_owned();
        [("PGHOST", folder), ("PGUSER", "tester".to_owned()), ("PGTZ", ZONE.to_owned())]
    }

    fn psql(&self, database: &str) -> Command {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "tester", "-d", database]);
        command.arg("-h").arg(self.folder.path());
        command.env("LC_ALL", "C.UTF-8").env("PGTZ", ZONE);
        command
    }

    fn ask(&self, database: &str, query: &str) -> Output {
        self.psql(database).args(["-c", query]).output().expect("psql")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A fast shutdown, since a plain kill would leave its processes.
        let _ = Command::new("kill").args(["-s", "INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

impl Engine for Postgres {
    fn dialect(&self) -> &'static str {
        "postgres"
    }

    fn create(&self, database: &str) {
        let created = self.ask("postgres", &format!("CREATE DATABASE {database} TEMPLATE template0"));
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    }

    fn run(&self, database: &str, script: &str, tables: &[String], within: &Path) -> Result<Ran, String> {
        let mut script = script.to_owned();
        for name in tables {
            // Writing to a string cannot fail.
            let _ = write!(
                script,
                "\nSET TimeZone = 'UTC';\nSELECT '{MARK}{name}{MARK}' || row_to_json(t) FROM {name} AS t;\n"
            );
        }
        let mut child = self
            .psql(database)
            .current_dir(within)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql");
        // It may stop reading at the first error.
        drop(child.stdin.take().expect("stdin").write_all(script.as_bytes()));
        let output = child.wait_with_output().expect("psql");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned());
        }
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let mut ran = Ran { rows: Vec::new(), tables: BTreeMap::new() };
        ran.tables.extend(tables.iter().map(|name| (name.clone(), Vec::<Row>::new())));
        for line in text.lines() {
            match line.strip_prefix(MARK).and_then(|line| line.split_once(MARK)) {
                None => ran.rows.push(line.to_owned()),
                Some((name, row)) => {
                    let row = serde_json::from_str(row).expect("JSON");
                    ran.tables.get_mut(name).expect("a table").push(row);
                }
            }
        }
        Ok(ran)
    }
}
