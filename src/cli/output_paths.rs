//! Checks that output files and work folders are not inside an export.
//!
//! `verify` would report such files, and `prune` does not know them. The default work folder `_work` is an
//! exception.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::layout::LATEST;
use crate::lock::FOLDER;
use crate::publish::{SPOOL, STAGE};
use crate::store::{Kind, Store};

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
pub fn outside_exports(option: &'static str, file: &Path, own: Option<&Store>) -> Result<(), InsideExport> {
    match export_around(file, own) {
        Some(export) => Err(InsideExport { option, file: file.to_owned(), export }),
        None => Ok(()),
    }
}

/// Refuses an object that would be written into an export of the same bucket. A store that does not answer is reported
/// by the write.
///
/// # Errors
/// If the object is inside an export.
pub fn outside_exports_of_store(
    option: &'static str,
    folder: &Store,
    name: &str,
) -> Result<(), InsideExport> {
    let mut prefix = folder.clone();
    loop {
        match prefix.kind(LATEST) {
            Ok(Kind::File(_)) => {
                let (file, export) = (folder.join(name), prefix.root().to_owned());
                return Err(InsideExport { option, file, export });
            }
            Ok(_) => {}
            Err(_) => return Ok(()),
        }
        match parent(&prefix) {
            Some(above) => prefix = above,
            None => return Ok(()),
        }
    }
}

/// Returns the prefix above; none if the place is a bucket.
fn parent(prefix: &Store) -> Option<Store> {
    let url = prefix.root().to_str()?;
    let (above, _) = url.rsplit_once('/')?;
    if above.ends_with('/') { None } else { Store::remote(above).ok() }
}

/// Returns the export that contains the file: `own`, or the nearest folder above the file that has runs.
pub fn export_around(file: &Path, own: Option<&Store>) -> Option<PathBuf> {
    let folder = resolved(file.parent().unwrap_or(Path::new("")))?;
    if let Some(own) = own.and_then(Store::folder)
        && resolved(own).is_some_and(|own| folder.starts_with(own))
    {
        return Some(own.to_owned());
    }
    let has_runs = |folder: &&Path| fs::symlink_metadata(folder.join(LATEST)).is_ok();
    folder.ancestors().find(has_runs).map(Path::to_owned)
}

/// A snapshot that would be written into its own source.
#[derive(Debug, thiserror::Error)]
#[error("--out {} is inside the export {}; use a folder outside of it", out.display(), export.display())]
pub struct InsideSource {
    out: PathBuf,
    export: PathBuf,
}

/// Refuses a folder of a snapshot that is the export itself, or is inside of it.
///
/// # Errors
/// If it is.
pub fn outside_source(export: &Store, out: &Store) -> Result<(), InsideSource> {
    let real = |place: &Store| place.folder().map_or_else(|| Some(place.root().to_owned()), resolved);
    match (real(out), real(export)) {
        (Some(real_out), Some(real)) if real_out.starts_with(&real) => {
            Err(InsideSource { out: out.root().to_owned(), export: export.root().to_owned() })
        }
        _ => Ok(()),
    }
}

/// A work folder that cannot be used together with the folder of the export.
#[derive(Debug, thiserror::Error)]
pub enum WorkFolderError {
    /// An object store has no space for a work folder.
    #[error("--out {} requires --work-dir DIR, a local folder for the unfinished run", out.display())]
    Missing { out: PathBuf },
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
pub fn work_folder(out: &Store, given: Option<&Path>) -> Result<PathBuf, WorkFolderError> {
    let Some(root) = out.folder() else {
        return given
            .map(Path::to_owned)
            .ok_or_else(|| WorkFolderError::Missing { out: out.root().to_owned() });
    };
    let own = root.join(FOLDER);
    let Some(given) = given else { return Ok(own) };
    let (Some(real_out), Some(real)) = (resolved(root), resolved(given)) else { return Ok(given.to_owned()) };
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
        Some(removed) => Err(WorkFolderError::AroundExport { out: root.to_owned(), removed }),
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
