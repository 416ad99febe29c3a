//! What was typed after `check` becomes what is meant.

use std::sync::Arc;

use crate::check::{Chosen, Task};
use crate::cli::args::CheckArgs;
use crate::cli::console;
use crate::cli::settings::{SettingsError, connection, contacts_in};

/// Checks everything. `simulator` is the address of the built-in API, where that is asked for.
pub fn task(args: &CheckArgs, simulator: Option<&str>) -> Result<Task, SettingsError> {
    let connection = connection(&args.connection, &args.requests, args.concurrency, simulator)?;
    let contacts = match &args.contacts {
        None => Chosen::All,
        Some(file) => match contacts_in(file, &args.contacts_form) {
            Ok(list) => Chosen::Listed(list),
            // A finding like others, so that it hides none of them.
            Err(error) => Chosen::Bad(console::chain(&error)),
        },
    };
    Ok(Task { connection: Arc::new(connection), page_size: args.page_size, contacts })
}
