//! The owner file: the run that a folder belongs to, and whether that run is alive.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::durable::{self, StorageError};

/// Maximum size of an owner file, in bytes.
const MAX_BYTES: u64 = 16 << 10;

/// A run, as its owner file describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    token: String,
    host: String,
    pid: u32,
    started_at: String,
    #[serde(default)]
    process: Option<Process>,
}

/// A process. The fields distinguish it from all others with the same ID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Process {
    /// ID of the machine's boot.
    boot_id: String,
    /// Namespace of the process ID. Each container has its own.
    namespace: String,
    /// Start of the process, in ticks since the boot.
    started: String,
}

/// State of an owner's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// The process runs on this machine.
    Alive,
    /// The process ran on this machine and has ended.
    Gone,
    /// The process belongs to another machine or container.
    Unknown,
}

impl Owner {
    pub(super) fn this_process() -> Self {
        let pid = std::process::id();
        Self {
            token: format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            pid,
            started_at: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            process: Process::of(pid),
        }
    }

    pub(super) fn token(&self) -> String {
        self.token.clone()
    }

    pub(super) fn life(&self) -> Life {
        let Some(then) = &self.process else { return Life::Unknown };
        let Some(here) = Process::of(std::process::id()) else { return Life::Unknown };
        if (&then.boot_id, &then.namespace) != (&here.boot_id, &here.namespace) {
            return Life::Unknown;
        }
        if Process::of(self.pid).as_ref() == Some(then) { Life::Alive } else { Life::Gone }
    }

    /// The owner in parentheses after a space, or an empty text.
    pub fn in_parentheses(owner: Option<&Self>) -> String {
        owner.map_or_else(String::new, |owner| format!(" ({owner})"))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {} since {}", self.pid, self.host, self.started_at)
    }
}

impl Process {
    /// Reads `/proc`. Returns `None` if the system has none, or the process has ended.
    fn of(pid: u32) -> Option<Self> {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let stat = read(&format!("/proc/{pid}/stat"))?;
        // The program's name is in parentheses and may contain any text. The start is the 20th field after
        // it.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        if fields.next() == Some("Z") {
            return None; // it has ended, but its parent has not waited for it yet
        }
        Some(Self {
            boot_id: read("/proc/sys/kernel/random/boot_id")?.trim().to_owned(),
            namespace: std::fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned(),
            started: fields.nth(18)?.to_owned(),
        })
    }
}

/// Content of an owner file, and the time of its last touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerFile {
    content: Vec<u8>,
    touched: Option<SystemTime>,
}

impl OwnerFile {
    /// Reads an owner file that may be missing.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, StorageError> {
        let Ok(meta) = std::fs::symlink_metadata(path) else {
            return Ok(durable::read_if_exists(path)?.map(|content| Self { content, touched: None }));
        };
        if meta.len() > MAX_BYTES {
            // Not an owner file of ours, so it is not read. Only its time counts.
            return Ok(Some(Self { content: Vec::new(), touched: meta.modified().ok() }));
        }
        let content = durable::read_if_exists(path)?;
        Ok(content.map(|content| Self { content, touched: meta.modified().ok() }))
    }

    /// The run that the file names. `None` while the file is written, and after a power failure.
    pub fn owner(&self) -> Option<Owner> {
        serde_json::from_slice(&self.content).ok()
    }

    pub(super) fn has_content_of(&self, other: &Self) -> bool {
        self.content == other.content
    }

    pub(super) fn life(&self) -> Life {
        self.owner().map_or(Life::Unknown, |owner| owner.life())
    }

    pub(super) fn is_of(&self, token: &str) -> bool {
        self.owner().is_some_and(|owner| owner.token == token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_differs_from_another_with_its_id() {
        let me = Owner::this_process();
        assert_eq!(me.life(), Life::Alive);
        let with = |change: &dyn Fn(&mut Process)| {
            let mut owner = me.clone();
            owner.process.as_mut().map(change).unwrap();
            owner.life()
        };
        assert_eq!(with(&|process| process.started = "1".to_owned()), Life::Gone);
        assert_eq!(with(&|process| process.boot_id = "another".to_owned()), Life::Unknown);
        assert_eq!(with(&|process| process.namespace = "pid:[1]".to_owned()), Life::Unknown);
        assert_eq!(Owner { process: None, ..me.clone() }.life(), Life::Unknown);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let of_child = Owner { pid: child.id(), process: Process::of(child.id()), ..me };
        child.wait().unwrap();
        assert_ne!(of_child.life(), Life::Alive);
    }
}
