//! Refuses runs of different layouts in one folder, unless `--allow-mixed` is set. Refuses any run in the folder
//! of a snapshot.
//!
//! Readers take all files of a table's folder together. In a mixed folder they fail, or miss some of the
//! files. In the folder of a snapshot they rely on finding each contact once.
//!
//! Delta logs name the files of all runs of an export ([`crate::delta`]). So with `--allow-mixed`, a run with
//! `--table-format delta` adds the earlier runs to new logs, and a run without it is added to the logs that exist. The
//! files of one Delta table must have the same layout, so different ones are refused even then.

use super::ExportError;
use super::identity::Identity;
use crate::delta::{self, DeltaError};
use crate::output::Layout;
use crate::output::manifest::RunOptions;
use crate::settings::{Mixed, TableFormat};
use crate::store::Store;
use crate::verify::lengths;

/// Gives a run into an export with Delta logs their table format, if mixed layouts are allowed. A user who has removed
/// the logs no longer wants them.
///
/// # Errors
/// When the export cannot be read.
pub fn adopt_table_format(out: &Store, mixed: Mixed, identity: &mut Identity) -> Result<(), ExportError> {
    if mixed == Mixed::Allowed
        && !identity.options.is_delta()
        && lengths::newest(out).is_some_and(|newest| newest.options.is_delta())
        && delta::exists(out)?
    {
        identity.options.set_table_format(TableFormat::Delta);
    }
    Ok(())
}

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
    let (path, run_id) = (out.root().to_owned(), newest.run_id.to_string());
    let (Some(before), Some(now)) = (Layout::of(&newest.options), Layout::of(&identity.options)) else {
        return Ok(());
    };
    if mixed == Mixed::Refused && (&before, newest.options.is_delta()) != (&now, identity.options.is_delta())
    {
        let (before, now) = (named(&before, &newest.options), named(&now, &identity.options));
        return Err(ExportError::Mixed { path, run_id, before, now });
    }
    if identity.options.is_delta() && before != now {
        let (found, expected) = (before.to_string(), now.to_string());
        return Err(DeltaError::Layout { path, run_id, found, expected }.into());
    }
    Ok(())
}

/// Checks that the Delta logs can name the run, if they should. A shard does not check it, since it publishes nothing.
///
/// # Errors
/// When other runs do not fit, or a log is damaged or of another program.
pub fn check_logs(out: &Store, identity: &Identity) -> Result<(), ExportError> {
    if identity.options.is_delta() && identity.shard.is_none() {
        delta::check(out)?;
    }
    Ok(())
}

/// Names a layout, with the table format if there is one.
fn named(layout: &Layout, options: &RunOptions) -> String {
    match &options.table_format {
        None => layout.to_string(),
        Some(format) => format!("{layout} with --table-format {format}"),
    }
}
