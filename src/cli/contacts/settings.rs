//! Converts the arguments of `contacts` into validated settings.

use std::num::NonZeroU32;

use super::file;
use crate::cli::args::ContactsArgs;
use crate::cli::output_paths::outside_exports;
use crate::cli::settings::{SettingsError, connection, time};
use crate::fetch::listing::ListingPlan;
use crate::settings::Connection;

/// Settings of `contacts`.
pub struct ListingSettings {
    pub connection: Connection,
    pub plan: ListingPlan,
    /// Start of the activity to list, in microseconds since 1970. Contacts without a time are listed too.
    pub active_since: Option<i64>,
}

/// Validates the arguments. `simulator` is the address of the built-in API with `--simulated`.
pub fn settings(args: &ContactsArgs, simulator: Option<&str>) -> Result<ListingSettings, SettingsError> {
    if args.json && file(args).is_none() {
        return Err(SettingsError::JsonWithoutOut);
    }
    if let Some(path) = file(args) {
        outside_exports("--out", path, None)?;
    }
    let active_since = time("active-since", args.active_since.as_ref())?;
    // Pages of a list are read one after the other.
    let connection = connection(&args.connection, &args.requests, NonZeroU32::MIN, simulator)?;
    let plan = ListingPlan { filter: args.filter, search: args.search.clone(), page_size: args.page_size };
    Ok(ListingSettings { connection, plan, active_since })
}
