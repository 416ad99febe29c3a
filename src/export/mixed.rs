//! Refuses runs of different layouts in one folder, unless `--allow-mixed` is set.
//!
//! Readers take all files of a table's folder together. In a mixed folder they fail, or miss some of the
//! files.

use std::path::Path;

use super::ExportError;
use super::work_folder::Identity;
use crate::output::Layout;
use crate::settings::Mixed;
use crate::verify::lengths;

/// Compares the layout of a new run with that of the newest run in the folder.
///
/// # Errors
/// When the layouts differ and mixed layouts are not allowed.
pub fn check(out: &Path, mixed: Mixed, identity: &Identity) -> Result<(), ExportError> {
    let newest = match mixed {
        Mixed::Allowed => None,
        Mixed::Refused => lengths::newest(out),
    };
    let Some(newest) = newest else { return Ok(()) };
    match (Layout::of(&newest.options), Layout::of(&identity.options)) {
        (Some(before), Some(now)) if before != now => Err(ExportError::Mixed {
            path: out.to_owned(),
            run_id: newest.run_id.to_string(),
            before: before.to_string(),
            now: now.to_string(),
        }),
        _ => Ok(()),
    }
}
