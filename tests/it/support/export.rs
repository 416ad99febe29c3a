//! One export: the command with its arguments, environment and folder, and its outcome.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::tables::Rows;

/// Maximum time of any run of the tests.
const LONGEST: Duration = Duration::from_mins(2);

/// The built program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_chatzy-export");

pub const EMAIL: &str = "owner@shop.example";
pub const PASSWORD: &str = "correct-horse-battery";

/// A command to run. Clones share the folder, so a clone is "the same command again".
#[derive(Clone)]
pub struct Export {
    folder: Arc<TempDir>,
    attempts: Arc<AtomicU32>,
    arguments: Vec<OsString>,
    environment: Vec<(String, Option<String>)>,
    out: PathBuf,
    shell: Option<String>,
    stdin: Option<PathBuf>,
}

/// The outcome of a run.
pub struct Outcome {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub out: PathBuf,
    folder: Arc<TempDir>,
}

/// A running command.
pub struct Running {
    child: Child,
    streams: [PathBuf; 2],
    out: PathBuf,
    folder: Arc<TempDir>,
}

impl Export {
    /// The program with only these arguments, in a folder of its own.
    pub fn command(arguments: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("export");
        let export = Self {
            folder: Arc::new(folder),
            attempts: Arc::default(),
            arguments: Vec::new(),
            environment: Vec::new(),
            out,
            shell: None,
            stdin: None,
        };
        export.args(arguments)
    }

    /// `run` of these contacts from the API at this address, into `export`, signing in by e-mail and password.
    pub fn run_of<C: AsRef<str>>(url: &str, contacts: impl IntoIterator<Item = C>) -> Self {
        let mut lines = "contact_id\n".to_owned();
        for contact in contacts {
            lines.push_str(contact.as_ref());
            lines.push('\n');
        }
        let export = Self::command("run --contacts contacts.csv --progress never");
        export.write("contacts.csv", lines);
        export.base_url(url).env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD)
    }

    pub fn base_url(self, url: &str) -> Self {
        self.args("--base-url").arg(url)
    }

    /// `check` instead of `run`, with the same other arguments.
    pub fn into_check(mut self) -> Self {
        self.arguments[0] = "check".into();
        self
    }

    /// Adds arguments, separated by blanks.
    pub fn args(mut self, arguments: &str) -> Self {
        self.arguments.extend(arguments.split_whitespace().map(OsString::from));
        self
    }

    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Removes an argument and its value.
    pub fn without(mut self, argument: &str) -> Self {
        let at = self.arguments.iter().position(|given| given == argument).expect("an argument given");
        self.arguments.drain(at..at + 2);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    pub fn env_remove(mut self, name: &str) -> Self {
        self.environment.push((name.to_owned(), None));
        self
    }

    /// Exports into another folder beside the first one.
    pub fn out(mut self, name: &str) -> Self {
        self.out = self.folder.path().join(name);
        self
    }

    /// Exports into this folder, which may belong to another test command.
    pub fn out_at(mut self, out: &Path) -> Self {
        out.clone_into(&mut self.out);
        self
    }

    /// Runs the program below a shell: `…; exec "$@"`.
    pub fn shell(mut self, line: &str) -> Self {
        self.shell = Some(line.to_owned());
        self
    }

    pub fn stdin(mut self, file: &str) -> Self {
        self.stdin = Some(self.path(file));
        self
    }

    /// The folder it exports into.
    pub fn out_path(&self) -> &Path {
        &self.out
    }

    /// A path in the folder of the test, in which the program runs.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        write(&self.path(name), content);
    }

    /// Writes a file, and returns the command.
    pub fn also(self, name: &str, content: &str) -> Self {
        self.write(name, content);
        self
    }

    /// Runs to the end.
    pub fn run(&self) -> Outcome {
        self.start().wait(LONGEST)
    }

    /// Runs to the end, and fails unless the exit code is this one.
    pub fn expect(&self, code: i32) -> Outcome {
        self.run().expect(code)
    }

    /// Starts the program.
    pub fn start(&self) -> Running {
        let program = PROGRAM;
        let mut command = match &self.shell {
            None => Command::new(program),
            Some(line) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", line, "sh", program]);
                shell
            }
        };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CHATZY_") {
                command.env_remove(name);
            }
        }
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.args(&self.arguments);
        if self.arguments.first().is_some_and(|name| name == "run") {
            command.arg("--out").arg(&self.out);
        }
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let streams = ["stdout", "stderr"].map(|name| self.path(&format!("{name}-{attempt}")));
        let stdin = match &self.stdin {
            Some(path) => File::open(path).expect("the file for stdin").into(),
            None => Stdio::null(),
        };
        let child = command
            .current_dir(self.folder.path())
            .stdin(stdin)
            .stdout(create(&streams[0]))
            .stderr(create(&streams[1]))
            .spawn()
            .expect("the built program");
        Running { child, streams, out: self.out.clone(), folder: Arc::clone(&self.folder) }
    }
}

impl Running {
    /// The text on stderr so far.
    pub fn stderr(&self) -> String {
        read(&self.streams[1])
    }

    /// Its process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `KILL`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill");
        assert!(sent.success(), "the run ended before {name} could be sent");
    }

    /// True if the process has a handler for SIGTERM.
    pub fn listens_to_signals(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim();
        u64::from_str_radix(caught, 16).is_ok_and(|caught| caught & (1 << 14) != 0)
    }

    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for the end and returns the highest memory use in MiB. `until` may end the process early.
    pub fn wait_watching_memory(mut self, longest: Duration, until: impl Fn() -> bool) -> (Outcome, u64) {
        let deadline = Instant::now() + longest;
        let status_file = PathBuf::from(format!("/proc/{}/status", self.child.id()));
        let mut most = 0;
        while self.child.try_wait().expect("a child").is_none() {
            let status = fs::read_to_string(&status_file).unwrap_or_default();
            // Until the child executes the program, its memory is that of the tests.
            let of_program = status.strip_prefix("Name:\tchatzy-export\n").unwrap_or_default();
            let peak =
                of_program.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
            most = most.max(peak.and_then(|peak| peak.trim().parse::<u64>().ok()).unwrap_or(0) / 1024);
            if until() || Instant::now() > deadline {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(
            Instant::now() < deadline,
            "still running after {longest:?}; stderr so far:\n{}",
            read(&self.streams[1])
        );
        (self.wait(longest), most)
    }

    /// Waits for the end, up to this time.
    pub fn wait(mut self, longest: Duration) -> Outcome {
        let deadline = Instant::now() + longest;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("still running after {longest:?}; stderr so far:\n{}", read(&self.streams[1]));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.outcome(status)
    }

    fn outcome(self, status: ExitStatus) -> Outcome {
        let [stdout, stderr] = self.streams.map(|path| read(&path));
        Outcome { code: status.code(), stdout, stderr, out: self.out, folder: self.folder }
    }
}

impl Outcome {
    /// Fails unless the exit code is this one.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code; stderr:\n{}", self.stderr);
        self
    }

    /// The last line of stderr, with `DIR` for the folder of the test and `API` for a loopback address, and
    /// without the command at its end.
    pub fn last_line(&self) -> String {
        let line = self.whole_last_line();
        line.split(": chatzy-export run ").next().unwrap_or_default().to_owned()
    }

    /// The last line with its command.
    pub fn whole_last_line(&self) -> String {
        let line = self.stderr.trim_end().lines().next_back().unwrap_or_default();
        self.anonymous(line).replace(PROGRAM, "chatzy-export")
    }

    /// The first line of stderr, with the same replacements.
    pub fn first_line(&self) -> String {
        self.anonymous(self.stderr.lines().next().unwrap_or_default())
    }

    fn anonymous(&self, line: &str) -> String {
        let line = line.replace(&*self.folder.path().to_string_lossy(), "DIR");
        let line = without_owner(&line);
        let mut parts = line.split("http://127.0.0.1:");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            text.push_str("API");
            text.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        text
    }

    pub fn manifest(&self) -> Value {
        let latest = json(&self.out.join("_runs/latest.json"));
        json(&self.out.join(latest["manifest"].as_str().expect("a path")))
    }

    /// A number in `contacts` of the manifest.
    pub fn contacts(&self, status: &str) -> u64 {
        self.manifest()["contacts"][status].as_u64().expect("a count")
    }

    /// The rows of a table of an uncompressed JSONL export.
    pub fn rows(&self, table: &str) -> Rows {
        Rows::of_jsonl(&self.out, &self.manifest(), table)
    }

    /// All files below the output folder, relative to it, in order.
    pub fn tree(&self) -> Vec<String> {
        tree(&self.out)
    }
}

/// The line without the process, machine and start of a run that an owner file names.
pub fn without_owner(line: &str) -> String {
    let Some((before, owner)) = line.split_once(" (process ") else { return line.to_owned() };
    let (_, after) = owner.split_once(')').expect("the end of the owner");
    format!("{before}{after}")
}

/// All files below a folder, relative to it, in order; empty if there is no such folder.
pub fn tree(folder: &Path) -> Vec<String> {
    fn visit(folder: &Path, prefix: &str, found: &mut Vec<String>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries {
            let entry = entry.expect("an entry");
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().expect("a type").is_dir() {
                visit(&entry.path(), &format!("{name}/"), found);
            } else {
                found.push(name);
            }
        }
    }
    let mut found = Vec::new();
    visit(folder, "", &mut found);
    found.sort();
    found
}

pub fn json(path: &Path) -> Value {
    serde_json::from_str(&read(path)).expect("JSON")
}

pub fn read(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[expect(clippy::disallowed_methods, reason = "files of the tests are not to be durable")]
pub fn write(path: &Path, content: impl AsRef<[u8]>) {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).expect("a folder");
    }
    fs::write(path, content).expect("written");
}

/// Writes a program of a shell. Another process writes it: a child that another test starts meanwhile would have the file
/// open for writing too, and until it ends, the system starts no program from that file.
pub fn write_program(path: &Path, script: &str) {
    let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod 700 "$1""#;
    let written = Command::new("sh").args(["-c", write, "sh"]).arg(path).arg(script).status();
    assert!(written.expect("a shell").success(), "{}", path.display());
}

#[expect(clippy::disallowed_methods, reason = "files of the tests are not to be durable")]
fn create(path: &Path) -> File {
    File::create(path).expect("a file")
}
