//! Runs of one folder have one layout, unless mixed ones are allowed: readers take all files below a table's folder together.
//! In a mixed folder they fail, or, worse, find only some of the files.

use std::path::Path;

use super::ExportError;
use super::work_folder::Identity;
use crate::output::Layout;
use crate::settings::Mixed;
use crate::verify::lengths;

/// Compares a run that is to be made with the newest run in the folder.
///
/// # Errors
/// When they differ and mixed runs are not allowed.
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
