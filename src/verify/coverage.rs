//! What an earlier run's `coverage` tells about the contacts, for a run that comes after it.

use std::path::Path;

use super::deep::rows::{self, Number, ReadError};

/// Reads a file of the table `coverage`: each contact and how many messages were read of it.
///
/// # Errors
/// When it cannot be read to its end.
pub fn read_coverage(path: &Path, mut each: impl FnMut(&str, u64)) -> Result<(), ReadError> {
    rows::read(path, None, &mut |row| {
        let messages = row.number(Number::Messages).and_then(|messages| u64::try_from(messages).ok());
        each(row.contact(), messages.unwrap_or(0));
    })?;
    Ok(())
}
