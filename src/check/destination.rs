//! The folder of the export: whether a run could begin there. Asks nobody, changes nothing that stays.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::finding::{Cause, Finding};
use super::probe;
use crate::durable::{self, StorageError};
use crate::id::RunId;
use crate::lock::{self, Looked, Owner};
use crate::publish::RUN;

/// Room below which no run should begin: its first segment and the first files of five tables.
const LEAST_ROOM: u64 = 16 << 20;

/// What is known of the destination.
#[derive(Debug)]
pub struct Destination {
    /// The folder of the export, or none was named.
    pub out: Option<PathBuf>,
    /// Bytes that may be written there, where the file system says.
    pub free: Option<u64>,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Looks at the folder of an export that is there or is to be.
pub fn look(out: Option<&Path>) -> Destination {
    let Some(out) = out else {
        let skipped = ["destination", "space"].map(|name| Finding::skipped(name, "no --out was given"));
        return Destination { out: None, free: None, findings: skipped.into() };
    };
    let folder = match nearest(out) {
        Ok(folder) => folder,
        Err(error) => {
            let findings = vec![refused(&error), Finding::skipped("space", "no such folder can be made")];
            return Destination { out: Some(out.to_owned()), free: None, findings };
        }
    };
    let (free, space) = space(&folder);
    let findings = vec![usable(out, &folder).unwrap_or_else(|error| refused(&error)), space];
    Destination { out: Some(out.to_owned()), free, findings }
}

fn refused(error: &StorageError) -> Finding {
    Finding::fail("destination", Cause::Storage, error.describe())
}

/// The folder itself, or the nearest above it that is there, in which a run would make it.
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
        // Those above may be reached through links of the user's own, as in `durable::create_dir_all`.
        if folder.is_dir() {
            return Ok(folder.to_owned());
        }
        durable::is_real_dir(folder)?;
    }
}

fn usable(out: &Path, folder: &Path) -> Result<Finding, StorageError> {
    let is_there = out == folder;
    let shown = out.display();
    let about = |finding: Finding| finding.with("path", shown.to_string()).with("exists", is_there);
    let looked = if is_there { lock::look(out)? } else { Looked::Free };
    if let Looked::Held(owner) = &looked {
        let detail = format!("another run works on {shown}{}", Owner::told(owner.as_ref()));
        return Ok(about(Finding::fail("destination", Cause::Locked, detail)));
    }
    let unfinished = if is_there { unfinished(out)? } else { Unfinished::No };
    let warning = match probe::dry_run(folder) {
        Ok(warning) => warning,
        Err(probe::Refused { error, kind }) => {
            // The error names the folder, since what was made in it is gone.
            let action = error.action.trim_end_matches(" the folder");
            let detail = format!("cannot {action} {kind} in {}: {}", folder.display(), error.source);
            return Ok(about(Finding::fail("destination", Cause::Storage, detail)));
        }
    };
    let can = if is_there {
        format!("{shown} can be written to")
    } else {
        format!("{shown} does not exist yet, and can be made in {}", folder.display())
    };
    if let Looked::Uncertain(owner) = &looked {
        let detail = format!(
            "{can}; a run of another machine may work there{}: a run first watches whether it is alive",
            Owner::told(owner.as_ref())
        );
        return Ok(about(Finding::warn("destination", detail)));
    }
    Ok(about(match unfinished {
        Unfinished::No if warning.is_some() => {
            Finding::warn("destination", format!("{can}; {}", warning.unwrap_or_default()))
        }
        Unfinished::No => Finding::ok("destination", can),
        Unfinished::Run(run) => {
            let detail =
                format!("{can}; the unfinished run {run} lies there, which its command goes on with");
            Finding::ok("destination", detail).with("unfinished", run.as_str())
        }
        Unfinished::Unreadable => {
            let detail =
                format!("{can}; it contains an unfinished run that cannot be read: --fresh discards it");
            Finding::warn("destination", detail)
        }
    }))
}

/// What lies in the work folder.
enum Unfinished {
    No,
    Run(RunId),
    Unreadable,
}

fn unfinished(out: &Path) -> Result<Unfinished, StorageError> {
    #[derive(Deserialize)]
    struct Run {
        run_id: String,
    }
    let work = out.join("_work");
    if !durable::is_real_dir(&work)? {
        return Ok(Unfinished::No);
    }
    let Some(text) = durable::read_if_there(&work.join(RUN))? else { return Ok(Unfinished::No) };
    let run = serde_json::from_slice::<Run>(&text).ok().and_then(|run| run.run_id.parse().ok());
    Ok(run.map_or(Unfinished::Unreadable, Unfinished::Run))
}

/// The room there is, for those who are not root.
fn space(folder: &Path) -> (Option<u64>, Finding) {
    let system = match rustix::fs::statvfs(folder) {
        Ok(system) if system.f_blocks > 0 => system,
        // Some file systems of networks and clouds have no size.
        Ok(_) => return (None, Finding::skipped("space", "the file system does not say how much is free")),
        Err(error) => {
            let why = format!("cannot be told: {}", std::io::Error::from(error));
            return (None, Finding::warn("space", why));
        }
    };
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    let told = format!("{} free", bytesize::ByteSize(free));
    let finding = if free < LEAST_ROOM {
        Finding::fail("space", Cause::Storage, format!("{told}: too little for any run"))
    } else {
        Finding::ok("space", told)
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
