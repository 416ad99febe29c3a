//! Refuses runs of different layouts in one folder, unless `--allow-mixed` is set. Refuses any run in the folder
//! of a snapshot.
//!
//! Readers take all files of a table's folder together. In a mixed folder they fail, or miss some of the
//! files. In the folder of a snapshot they rely on finding each contact once.

use super::ExportError;
use super::identity::Identity;
use crate::output::Layout;
use crate::settings::Mixed;
use crate::store::Store;
use crate::verify::lengths;

/// Compares the layout of a new run with that of the newest run in the folder.
///
/// # Errors
/// When the folder has a snapshot, or the layouts differ and mixed layouts are not allowed.
pub fn check(out: &Store, mixed: Mixed, identity: &Identity) -> Result<(), ExportError> {
    let Some(newest) = lengths::newest(out) else { return Ok(()) };
    if newest.is_snapshot() {
        return Err(ExportError::IntoSnapshot {
            path: out.root().to_owned(),
            run_id: newest.run_id.to_string(),
        });
    }
    if mixed == Mixed::Allowed {
        return Ok(());
    }
    match (Layout::of(&newest.options), Layout::of(&identity.options)) {
        (Some(before), Some(now)) if before != now => Err(ExportError::Mixed {
            path: out.root().to_owned(),
            run_id: newest.run_id.to_string(),
            before: before.to_string(),
            now: now.to_string(),
        }),
        _ => Ok(()),
    }
}
