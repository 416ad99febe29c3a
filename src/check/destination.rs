//! Checks if a run could start at the place of the export and in its work folder, without lasting changes.

mod in_store;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::finding::{Cause, Finding, FindingStatus};
use super::probe;
use crate::durable::{self, StorageError};
use crate::id::RunId;
use crate::layout::WORK;
use crate::lock::{self, LockState, Owner};
use crate::publish::RUN;
use crate::store::{self, Store};

/// Minimum free space for any run: its first segment and the first files of five tables.
const MIN_SPACE: u64 = 16 << 20;

/// Protection of the writes to an object store against other runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Writes are conditional.
    Conditional,
    /// The user says that no other run exists.
    Unconditional,
}

/// Result of the check.
#[derive(Debug)]
pub struct Destination {
    /// Place of the export, or none without `--out`.
    pub out: Option<Store>,
    /// Free bytes, if the file system reports them.
    pub free: Option<u64>,
    pub findings: Vec<Finding>,
}

/// Checks the place of an export and the work folder of a run. They may not exist yet.
pub fn check(out: Option<(&Store, Writes)>, work: Option<&Path>) -> Destination {
    let (Some((out, writes)), Some(work)) = (out, work) else {
        let skipped = ["destination", "space"].map(|name| Finding::skipped(name, "no --out given"));
        return Destination { out: None, free: None, findings: skipped.into() };
    };
    let own = out.folder().map(|root| root.join(WORK));
    let mut checked = match out.folder() {
        Some(root) => check_folder(root, &root.join(WORK)),
        None => check_folder(work, work),
    };
    if out.folder().is_none() && checked.usable.status != FindingStatus::Fail {
        let local = checked.usable;
        checked.usable = in_store::check(out, writes, local);
    } else if own.is_some_and(|own| own != work) && checked.usable.status != FindingStatus::Fail {
        let other = check_folder(work, work);
        if other.usable.status > checked.usable.status || other.usable.values.contains_key("unfinished") {
            checked.usable = other.usable;
        }
        // The rows are first in the work folder, and at the end in both or in the export.
        if other.free.is_some_and(|free| checked.free.is_none_or(|least| free < least)) {
            (checked.free, checked.space) = (other.free, other.space);
        }
    }
    Destination { out: Some(out.clone()), free: checked.free, findings: vec![checked.usable, checked.space] }
}

/// Findings about one folder of this machine.
struct Checked {
    usable: Finding,
    space: Finding,
    free: Option<u64>,
}

/// Checks a folder in which `work` is, or will be, the work folder of a run.
fn check_folder(path: &Path, work: &Path) -> Checked {
    let folder = match nearest(path) {
        Ok(folder) => folder,
        Err(error) => {
            let space = Finding::skipped("space", "the folder cannot be created");
            return Checked { usable: refused(&error), space, free: None };
        }
    };
    let (free, space) = space(&folder);
    Checked { usable: usable(path, &folder, work).unwrap_or_else(|error| refused(&error)), space, free }
}

/// Returns the finding about an error of the destination.
fn refused(error: &StorageError) -> Finding {
    let cause = if store::is_setting(error) { Cause::Settings } else { Cause::Storage };
    Finding::fail("destination", cause, error.describe())
}

/// Returns the folder, or the nearest existing one above it, in which a run would create it.
fn nearest(out: &Path) -> Result<PathBuf, StorageError> {
    if durable::is_real_dir(out)? {
        return Ok(out.to_owned());
    }
    let mut folder = out;
    loop {
        folder = match folder.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => return Ok(PathBuf::from(".")),
        };
        // Folders above may be symbolic links of the user, as in `durable::create_dir_all`.
        if folder.is_dir() {
            return Ok(folder.to_owned());
        }
        durable::is_real_dir(folder)?;
    }
}

fn usable(out: &Path, folder: &Path, work: &Path) -> Result<Finding, StorageError> {
    let exists = out == folder;
    let shown = out.display();
    let about = |finding: Finding| finding.with("path", shown.to_string()).with("exists", exists);
    let looked = if exists { lock::probe_work_folder(work)? } else { LockState::Free };
    if let LockState::Held(owner) = &looked {
        let detail = format!("another run works on {shown}{}", Owner::in_parentheses(owner.as_ref()));
        return Ok(about(Finding::fail("destination", Cause::Locked, detail)));
    }
    let unfinished = if exists { unfinished(work)? } else { Unfinished::None };
    let warning = match probe::write_test(folder) {
        Ok(warning) => warning,
        Err(probe::ProbeError { error, kind }) => {
            // The message names the parent, since the probe folder is removed.
            let action = error.action.trim_end_matches(" the folder");
            let detail = format!("cannot {action} {kind} in {}: {}", folder.display(), error.source);
            return Ok(about(Finding::fail("destination", Cause::Storage, detail)));
        }
    };
    let usable = if exists {
        format!("{shown} is writable")
    } else {
        format!("{shown} does not exist yet and can be created in {}", folder.display())
    };
    if let LockState::Uncertain(owner) = &looked {
        let detail = format!(
            "{usable}; a run on another machine may use it{}: a run first waits to see if that one is alive",
            Owner::in_parentheses(owner.as_ref())
        );
        return Ok(about(Finding::warn("destination", detail)));
    }
    Ok(about(match unfinished {
        Unfinished::None if warning.is_some() => {
            Finding::warn("destination", format!("{usable}; {}", warning.unwrap_or_default()))
        }
        Unfinished::None => Finding::ok("destination", usable),
        Unfinished::Run(run) => {
            let detail = format!("{usable}; it contains the unfinished run {run}, which its command resumes");
            Finding::ok("destination", detail).with("unfinished", run.as_str())
        }
        Unfinished::Unreadable => {
            let detail =
                format!("{usable}; it contains an unfinished run that cannot be read: --fresh discards it");
            Finding::warn("destination", detail)
        }
    }))
}

/// State of the work folder.
enum Unfinished {
    None,
    Run(RunId),
    Unreadable,
}

fn unfinished(work: &Path) -> Result<Unfinished, StorageError> {
    #[derive(Deserialize)]
    struct Run {
        run_id: String,
    }
    if !durable::is_real_dir(work)? {
        return Ok(Unfinished::None);
    }
    let Some(text) = durable::read_if_exists(&work.join(RUN))? else { return Ok(Unfinished::None) };
    let run = serde_json::from_slice::<Run>(&text).ok().and_then(|run| run.run_id.parse().ok());
    Ok(run.map_or(Unfinished::Unreadable, Unfinished::Run))
}

/// Returns the free space for users other than root, and a finding about it.
fn space(folder: &Path) -> (Option<u64>, Finding) {
    let system = match rustix::fs::statvfs(folder) {
        Ok(system) if system.f_blocks > 0 => system,
        // Some network file systems report no size.
        Ok(_) => return (None, Finding::skipped("space", "the file system does not report free space")),
        Err(error) => {
            let detail = format!("cannot read the free space: {}", std::io::Error::from(error));
            return (None, Finding::warn("space", detail));
        }
    };
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    let detail = format!("{} free", bytesize::ByteSize(free));
    let finding = if free < MIN_SPACE {
        Finding::fail("space", Cause::Storage, format!("{detail}: too little for any run"))
    } else {
        Finding::ok("space", detail)
    };
    (Some(free), finding.with("free_bytes", free))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_is_found_and_none_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path();
        assert_eq!(nearest(&there.join("a/b/c")).unwrap(), there);
        assert_eq!(nearest(Path::new("no-such-folder")).unwrap(), Path::new("."));
        assert_eq!(nearest(Path::new("no-such-folder/nor-this")).unwrap(), Path::new("."));
        durable::replace(&there.join("file"), b"").unwrap();
        assert!(nearest(&there.join("file")).is_err());
        assert!(nearest(&there.join("file/below/it")).is_err());
        std::os::unix::fs::symlink(there, there.join("link")).unwrap();
        assert!(nearest(&there.join("link")).is_err(), "no run would follow it");
        std::os::unix::fs::symlink("nowhere", there.join("dangling")).unwrap();
        assert!(nearest(&there.join("dangling/below")).is_err());
        assert_eq!(std::fs::read_dir(there).unwrap().count(), 3);
    }
}
