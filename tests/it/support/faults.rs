//! A fault in a chosen call of the program to the file system: death before or after it, or an error.
//!
//! A small library in C, loaded before the C library, counts the calls that change files below the folder that the
//! output folder is in, and makes one of them fail (`faults/shim.c`). It is compiled by the C compiler that links Rust programs anyway.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::support::export::{Export, read};

/// The calls that change something on the disk, or make it durable.
pub const CHANGING: &str = " write fsync fdatasync rename mkdir unlink ftruncate chmod ";

/// The shim, compiled once for all tests.
static SHIM: LazyLock<PathBuf> = LazyLock::new(|| {
    let shim = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.so");
    // Written beside and renamed: two test programs may run at once.
    let beside = shim.with_extension(format!("so.{}", std::process::id()));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/faults/shim.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&beside).arg(source).arg("-ldl");
    assert!(compiler.status().expect("a C compiler (cc)").success(), "{source} does not compile");
    #[expect(clippy::disallowed_methods, reason = "files of the tests are not to be durable")]
    std::fs::rename(&beside, &shim).expect("renamed");
    shim
});

/// What happens at the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    KillBefore,
    KillAfter,
    /// The call never returns.
    Hang,
    /// The call gives this error, and so do all counted calls after it if so said.
    Error {
        number: i32,
        ever: bool,
    },
}

/// A call that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Names of the calls that count, each between blanks.
    pub calls: &'static str,
    /// What the path, or a file's new name, must hold for a call to count: where other calls come in no fixed order.
    pub path: &'static str,
    /// The number of the call, from 1.
    pub at: usize,
    pub fate: Fate,
}

/// A call that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    pub path: String,
    /// The size of a write, the new name of a file, how a file was opened.
    pub with: String,
}

impl Export {
    fn under_shim(&self) -> Self {
        let shim = SHIM.to_string_lossy();
        let place = self.out_path().parent().expect("a folder").to_string_lossy().into_owned();
        self.clone().env("LD_PRELOAD", &shim).env("FAULTS_UNDER", &place)
    }

    /// The command with this fault.
    pub fn with_fault(&self, fault: Fault) -> Self {
        let export =
            self.under_shim().env("FAULTS_CALLS", fault.calls).env("FAULTS_AT", &fault.at.to_string());
        let export = export.env("FAULTS_PATH", fault.path);
        match fault.fate {
            Fate::KillBefore => export.env("FAULTS_DO", "kill-before"),
            Fate::KillAfter => export.env("FAULTS_DO", "kill-after"),
            Fate::Hang => export.env("FAULTS_DO", "hang"),
            Fate::Error { number, ever: false } => export.env("FAULTS_DO", &number.to_string()),
            Fate::Error { number, ever: true } => {
                export.env("FAULTS_DO", &number.to_string()).env("FAULTS_EVER", "1")
            }
        }
    }

    /// The command on a file system that answers every `flock` with this error, or, with 0, does not pass locks on.
    pub fn with_locks(&self, gives: i32) -> Self {
        self.under_shim().env("FAULTS_FLOCK", &gives.to_string())
    }

    /// The command with a list of the calls it makes, to be read by [`Export::calls`].
    pub fn logging_calls(&self) -> Self {
        self.under_shim().env("FAULTS_LOG", &self.log_of_calls().to_string_lossy())
    }

    /// What a run with [`Export::logging_calls`] into this folder did, in order.
    pub fn calls(&self) -> Vec<Call> {
        let log = self.log_of_calls();
        let call = |line: &str| {
            let mut parts = line.split('\t').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            Call { name: next(), path: next(), with: next() }
        };
        if log.exists() { read(&log).lines().map(call).collect() } else { Vec::new() }
    }

    fn log_of_calls(&self) -> PathBuf {
        // Not below the folder whose calls are logged.
        self.out_path().parent().expect("a folder").with_extension("calls")
    }
}

/// How many of these calls count for a [`Fault`] with these names.
pub fn count(calls: &[Call], names: &str) -> usize {
    calls.iter().filter(|call| names.contains(&format!(" {} ", call.name))).count()
}

/// A number set in the environment for the long form of a test.
pub fn setting(name: &str, usual: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => usual,
    }
}
