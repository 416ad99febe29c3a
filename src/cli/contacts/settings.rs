//! Converts the arguments of `contacts` into validated settings.

use std::num::NonZeroU32;

use crate::cli::args::{ContactsArgs, OutputFile};
use crate::cli::output_paths::{outside_exports, outside_exports_of_store};
use crate::cli::settings::{SettingsError, connection};
use crate::cli::window;
use crate::fetch::listing::ListingPlan;
use crate::settings::{Connection, OutagePolicy};

/// Settings of `contacts`.
pub struct ListingSettings {
    pub connection: Connection,
    pub plan: ListingPlan,
    /// Start of the activity to list, in microseconds since 1970. Contacts without a time are listed too.
    pub active_since: Option<i64>,
}

/// Validates the arguments. `simulator` is the address of the built-in API with `--simulated`.
pub fn settings(args: &ContactsArgs, simulator: Option<&str>) -> Result<ListingSettings, SettingsError> {
    match &args.out {
        OutputFile::Stdout if args.json => return Err(SettingsError::JsonWithoutOut),
        OutputFile::Stdout => {}
        OutputFile::File(path) => outside_exports("--out", path, None)?,
        OutputFile::Object { folder, name } => outside_exports_of_store("--out", folder, name)?,
    }
    let active_since = window::time("active-since", args.active_since.as_deref(), window::now())?;
    // Pages of a list are read one after the other.
    let connection =
        connection(&args.connection, &args.requests, NonZeroU32::MIN, OutagePolicy::Wait, simulator)?;
    let plan = ListingPlan { filter: args.filter, search: args.search.clone(), page_size: args.page_size };
    Ok(ListingSettings { connection, plan, active_since: active_since.map(|time| time.at) })
}
