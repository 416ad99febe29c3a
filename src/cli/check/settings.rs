//! Converts the arguments of `check` into validated settings.

use std::sync::Arc;

use crate::check::{ContactChoice, Task};
use crate::cli::args::CheckArgs;
use crate::cli::console;
use crate::cli::selection::contacts_in;
use crate::cli::settings::{SettingsError, connection};
use crate::settings::OutagePolicy;

/// Validates the arguments. `simulator` is the address of the built-in API with `--simulated`.
pub fn task(args: &CheckArgs, simulator: Option<&str>) -> Result<Task, SettingsError> {
    let connection =
        connection(&args.connection, &args.requests, args.concurrency, OutagePolicy::Fail, simulator)?;
    let contacts = match &args.contacts {
        None => ContactChoice::All,
        Some(file) => match contacts_in(file, &args.contacts_form, None) {
            Ok(list) => ContactChoice::Listed(list),
            // A bad contacts file is one finding, so that the other checks still run.
            Err(error) => ContactChoice::Bad(console::chain(&error)),
        },
    };
    Ok(Task { connection: Arc::new(connection), page_size: args.page_size, contacts })
}
