//! What was typed after `contacts` becomes what is meant.

use std::num::NonZeroU32;

use super::file;
use crate::cli::args::ContactsArgs;
use crate::cli::place::outside_exports;
use crate::cli::settings::{SettingsError, connection, time};
use crate::fetch::listing::ListingPlan;
use crate::settings::Connection;

/// What is to be listed.
pub struct ListingSettings {
    /// The service and how to talk to it.
    pub connection: Connection,
    /// Which contacts.
    pub plan: ListingPlan,
    /// Only those active since, in microseconds since 1970, and those of whom it is not known.
    pub active_since: Option<i64>,
}

/// Checks everything. `simulator` is the address of the built-in API, where that is asked for.
pub fn settings(args: &ContactsArgs, simulator: Option<&str>) -> Result<ListingSettings, SettingsError> {
    if args.json && file(args).is_none() {
        return Err(SettingsError::NoRoomForJson);
    }
    if let Some(path) = file(args) {
        outside_exports("--out", path, None)?;
    }
    let active_since = time("active-since", args.active_since.as_ref())?;
    // The parts of a list follow each other.
    let connection = connection(&args.connection, &args.requests, NonZeroU32::MIN, simulator)?;
    let plan = ListingPlan { filter: args.filter, search: args.search.clone(), page_size: args.page_size };
    Ok(ListingSettings { connection, plan, active_since })
}
