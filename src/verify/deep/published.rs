//! Opens a data file that a manifest names.

use std::fs::File;
use std::path::Path;

use super::rows::ReadError;
use crate::durable::{self, Opened};
use crate::output::manifest::FileEntry;
use crate::verify::content::NOT_REGULAR;

/// Opens a file of an export. It must be a regular file of the recorded size. Symbolic links are not
/// followed, and named pipes do not block.
///
/// # Errors
/// If the path is something else, or a file operation fails.
pub(in crate::verify) fn open(out: &Path, file: &FileEntry) -> Result<File, ReadError> {
    match durable::open_below(out, file.path.as_path()).map_err(|error| error.source)? {
        Opened::File(opened, size) if size == file.bytes => Ok(opened),
        Opened::File(_, size) => Err(format!("it has {size} bytes, expected {}", file.bytes).into()),
        Opened::Missing => Err("it is missing".into()),
        Opened::NotRegular => Err(NOT_REGULAR.into()),
    }
}
