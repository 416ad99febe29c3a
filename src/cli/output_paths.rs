//! Checks that output files and work folders are not inside an export.
//!
//! `verify` would report such files, and `prune` does not know them. The default work folder `_work` is an
//! exception.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::layout::LATEST;
use crate::lock::FOLDER;
use crate::publish::{SPOOL, STAGE};

/// A file that would be written into an export.
#[derive(Debug, thiserror::Error)]
#[error("{option} {} is inside the export {}; use a path outside of it", file.display(), export.display())]
pub struct InsideExport {
    option: &'static str,
    file: PathBuf,
    export: PathBuf,
}

/// Refuses a file that would be written into an export. `own` is the export of the command, which may not
/// exist yet.
///
/// # Errors
/// If the file is inside an export.
pub fn outside_exports(option: &'static str, file: &Path, own: Option<&Path>) -> Result<(), InsideExport> {
    match export_around(file, own) {
        Some(export) => Err(InsideExport { option, file: file.to_owned(), export }),
        None => Ok(()),
    }
}

/// Returns the export that contains the file: `own`, or the nearest folder above the file that has runs.
pub fn export_around(file: &Path, own: Option<&Path>) -> Option<PathBuf> {
    let folder = resolved(file.parent().unwrap_or(Path::new("")))?;
    if let Some(own) = own
        && resolved(own).is_some_and(|own| folder.starts_with(own))
    {
        return Some(own.to_owned());
    }
    let has_runs = |folder: &&Path| fs::symlink_metadata(folder.join(LATEST)).is_ok();
    folder.ancestors().find(has_runs).map(Path::to_owned)
}

/// A work folder that cannot be used together with the folder of the export.
#[derive(Debug, thiserror::Error)]
pub enum WorkFolderError {
    /// The work folder would put files into an export.
    #[error(
        "--work-dir {} is inside the export {}; use a folder outside of it, or omit the option",
        work.display(), export.display()
    )]
    InsideExport { work: PathBuf, export: PathBuf },
    /// A run would remove the export together with its own files.
    #[error(
        "--out {} is inside {}, which a run removes from its work folder when it ends; use another --out or --work-dir",
        out.display(), removed.display()
    )]
    AroundExport {
        out: PathBuf,
        /// Folder in the work folder that the run removes at its end.
        removed: PathBuf,
    },
}

/// Returns the work folder of a run into `out`: the given one, or `_work` in the export.
///
/// # Errors
/// If one of the two folders would damage the other.
pub fn work_folder(out: &Path, given: Option<&Path>) -> Result<PathBuf, WorkFolderError> {
    let own = out.join(FOLDER);
    let Some(given) = given else { return Ok(own) };
    let (Some(real_out), Some(real)) = (resolved(out), resolved(given)) else { return Ok(given.to_owned()) };
    // The lock compares paths as text, so one folder must have one spelling.
    if real == real_out.join(FOLDER) {
        return Ok(own);
    }
    if let Some(export) = export_around(&given.join("file"), Some(out)) {
        return Err(WorkFolderError::InsideExport { work: given.to_owned(), export });
    }
    match [SPOOL, STAGE]
        .map(|name| given.join(name))
        .into_iter()
        .find(|removed| resolved(removed).is_some_and(|removed| real_out.starts_with(removed)))
    {
        Some(removed) => Err(WorkFolderError::AroundExport { out: out.to_owned(), removed }),
        None => Ok(given.to_owned()),
    }
}

/// Returns the absolute path without symbolic links and `..`. Its last folders may not exist yet.
fn resolved(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).or_else(|_| std::env::current_dir()).ok()?;
    let (existing, mut real) =
        path.ancestors().find_map(|path| Some((path, fs::canonicalize(path).ok()?)))?;
    let missing = path.strip_prefix(existing).ok()?;
    let mut leads_back = false;
    for part in missing.components() {
        if part == Component::ParentDir {
            leads_back = true;
            real.pop();
        } else {
            real.push(part);
        }
    }
    // After a `..`, the path may lead to existing folders and links again.
    if leads_back { resolved(&real) } else { Some(real) }
}
