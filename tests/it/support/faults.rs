//! A fault in a selected call of the program to the file system: a kill before or after it, or an error.
//!
//! A small library in C is loaded before the C library. It counts the calls that change files below the
//! parent of the output folder, and makes one of them fail (`faults/shim.c`).

use std::path::PathBuf;
use std::sync::LazyLock;

use crate::support::export::{Export, read};
use crate::support::shim;

/// The calls that change something on the disk or make it durable.
pub const CHANGING: &str = " write fsync fdatasync rename mkdir unlink ftruncate chmod ";

/// The shim, compiled once for all tests.
static SHIM: LazyLock<PathBuf> = LazyLock::new(|| shim::compile("faults"));

/// The effect of the fault on the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    KillBefore,
    KillAfter,
    /// The call never returns.
    Hang,
    /// The call returns this error. With `ever`, all counted calls after it do, too.
    Error {
        number: i32,
        ever: bool,
    },
}

/// A call that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Names of the counted calls, each between blanks.
    pub calls: &'static str,
    /// Text that the path, or the new name of a file, must contain for a call to count. It selects calls
    /// whose order is fixed.
    pub path: &'static str,
    /// The number of the call, from 1.
    pub at: usize,
    pub fate: Fate,
}

/// A recorded call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    pub path: String,
    /// The size of a write, the new name of a file, or the mode of opening.
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

    /// The command on a file system that answers every `flock` with this error or, with 0, does not pass
    /// locks to other machines.
    pub fn with_locks(&self, gives: i32) -> Self {
        self.under_shim().env("FAULTS_FLOCK", &gives.to_string())
    }

    /// The command with a list of its calls, for [`Export::calls`].
    pub fn logging_calls(&self) -> Self {
        self.under_shim().env("FAULTS_LOG", &self.log_of_calls().to_string_lossy())
    }

    /// The calls of a run with [`Export::logging_calls`] into this folder, in order.
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
        // Outside of the folder whose calls are recorded.
        self.out_path().parent().expect("a folder").with_extension("calls")
    }
}

/// Number of these calls that count for a [`Fault`] with these names.
pub fn count(calls: &[Call], names: &str) -> usize {
    calls.iter().filter(|call| names.contains(&format!(" {} ", call.name))).count()
}

/// A number from the environment for the long form of a test.
pub fn setting(name: &str, usual: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => usual,
    }
}
