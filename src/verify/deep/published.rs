//! Opens a data file that a manifest names.

use std::fs::File;
use std::path::Path;

use super::rows::ReadError;
use crate::durable::{self, Opened};
use crate::output::manifest::FileEntry;
use crate::verify::content::NO_PLAIN_FILE;

/// Opens a file of an export: a regular one, of the size that the manifest says. Links are not followed and pipes are not
/// waited for.
///
/// # Errors
/// When something else stands there, or the file system refuses.
pub(in crate::verify) fn open(out: &Path, file: &FileEntry) -> Result<File, ReadError> {
    match durable::open_below(out, file.path.as_path()).map_err(|error| error.source)? {
        Opened::File(opened, size) if size == file.bytes => Ok(opened),
        Opened::File(_, size) => Err(format!("it has {size} bytes and had {}", file.bytes).into()),
        Opened::Missing => Err("it is missing".into()),
        Opened::NotRegular => Err(NO_PLAIN_FILE.into()),
    }
}
