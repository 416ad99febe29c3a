//! Files that do not belong to an export are not written into one: `verify` would report them, and `prune` does not know them.

use std::fs;
use std::path::{Path, PathBuf};

/// A file that would be written into an export.
#[derive(Debug, thiserror::Error)]
#[error("{option} {} is inside the export {}; name a place outside of it", file.display(), export.display())]
pub struct InsideExport {
    option: &'static str,
    file: PathBuf,
    export: PathBuf,
}

/// Refuses a file that would be written into an export. `own` is the export that the command is about; it may not exist yet.
///
/// # Errors
/// When the file is inside an export.
pub fn outside_exports(option: &'static str, file: &Path, own: Option<&Path>) -> Result<(), InsideExport> {
    match export_around(file, own) {
        Some(export) => Err(InsideExport { option, file: file.to_owned(), export }),
        None => Ok(()),
    }
}

/// The export that contains the file: `own`, or the nearest folder above it that has runs.
pub fn export_around(file: &Path, own: Option<&Path>) -> Option<PathBuf> {
    let folder = resolved(file.parent().unwrap_or(Path::new("")))?;
    if let Some(own) = own
        && resolved(own).is_some_and(|own| folder.starts_with(own))
    {
        return Some(own.to_owned());
    }
    let has_runs = |folder: &&Path| fs::symlink_metadata(folder.join("_runs/latest.json")).is_ok();
    folder.ancestors().find(has_runs).map(Path::to_owned)
}

/// The absolute path without symbolic links. The last folders may not exist yet.
fn resolved(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).or_else(|_| std::env::current_dir()).ok()?;
    let (there, real) = path.ancestors().find_map(|path| Some((path, fs::canonicalize(path).ok()?)))?;
    Some(real.join(path.strip_prefix(there).ok()?))
}
