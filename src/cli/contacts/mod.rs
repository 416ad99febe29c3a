//! The command `contacts`: lists the contacts of the account into a contacts file.

mod form;
mod out;
mod settings;

use std::sync::Arc;

use indicatif::HumanCount;
use serde::Serialize;

use super::args::{ContactsArgs, ListFormatName, LogFormat, OutputFile};
use super::built_in::{BuiltIn, BuiltInError};
use super::command_line::CommandLine;
use super::console;
use super::exit::Exit;
use super::limits::{self, LimitError};
use super::log::{self, Console};
use super::settings::SettingsError;
use super::signals::Signals;
use crate::api::{Client, Fatal, Requests};
use crate::durable::{self, StorageError};
use crate::event::SharedObserver;
use crate::export::{ExportError, Interruption};
use crate::fetch::listing::{self, Listing, ListingError, latest_activity};

/// Failure of `contacts`.
#[derive(Debug, thiserror::Error)]
enum ContactsError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Listing(#[from] ListingError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("cannot write to stdout")]
    Stdout(#[source] std::io::Error),
    #[error("the list is written, but the summary could not be written to stdout")]
    Summary,
    #[error(transparent)]
    BuiltIn(#[from] BuiltInError),
    #[error(transparent)]
    Limits(#[from] LimitError),
    #[error("cannot install signal handlers")]
    Signals(#[source] std::io::Error),
}

impl From<Fatal> for ContactsError {
    fn from(stop: Fatal) -> Self {
        Self::Listing(stop.into())
    }
}

impl ContactsError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) => Exit::Usage,
            Self::Listing(error) => Exit::of_listing(error),
            Self::Storage(error) => Exit::of_storage(error),
            Self::Stdout(_) | Self::Summary | Self::BuiltIn(_) | Self::Limits(_) | Self::Signals(_) => {
                Exit::Storage
            }
        }
    }
}

/// Runs the command `contacts`.
pub fn contacts(args: &ContactsArgs) -> Exit {
    let console = Console::with_progress(&args.log, &args.progress);
    let listed = match limits::runtime() {
        Ok(runtime) => {
            let listed = runtime.block_on(Box::pin(list(args, &console)));
            runtime.shutdown_background();
            listed
        }
        Err(error) => Err(error.into()),
    };
    console.finish();
    match listed.and_then(|(listing, requests)| write(args, &listing, &requests).map(|()| listing)) {
        Ok(listing) => end(args, &listing),
        Err(error) => {
            let exit = error.exit();
            let next = match exit {
                Exit::SignInRefused | Exit::Unavailable | Exit::Storage => Some(same_command()),
                _ => None,
            };
            let sentence = format!("error: {}", console::chain(&error));
            log::print_last_line(args.log.log_format, "listed", exit, &sentence, next.as_deref());
            exit
        }
    }
}

/// Reads the list from the API.
async fn list(args: &ContactsArgs, console: &Arc<Console>) -> Result<(Listing, Requests), ContactsError> {
    let format = args.log.log_format;
    // A signal ends the command at once: nothing is written yet.
    let _signals = Signals::listen(None, move |why| async move { farewell(format, why) })
        .map_err(ContactsError::Signals)?;
    let built_in = BuiltIn::start(&args.built_in).await?;
    let settings = settings::settings(args, built_in.url())?;
    let observer: SharedObserver = console.clone();
    let client = Client::new(Arc::new(settings.connection), observer.clone())?;
    let mut listing = Box::pin(listing::list(&client, &settings.plan, &observer)).await?;
    let is_active =
        |at: Option<i64>| settings.active_since.is_none_or(|since| at.is_none_or(|at| since <= at));
    listing.contacts.retain(|contact| is_active(latest_activity(contact)));
    Ok((listing, client.requests()))
}

fn write(args: &ContactsArgs, listing: &Listing, requests: &Requests) -> Result<(), ContactsError> {
    let form = args.form();
    match &args.out {
        OutputFile::Stdout => out::to_stdout(form, &listing.contacts).map_err(ContactsError::Stdout)?,
        OutputFile::File(path) => durable::replace(path, out::text(form, &listing.contacts).as_bytes())?,
        OutputFile::Object { folder, name } => {
            folder.write(name, out::text(form, &listing.contacts).as_bytes())?;
        }
    }
    if args.json {
        let summary = Summary {
            path: args.out.path().unwrap_or_default().display().to_string(),
            format: match form {
                ListFormatName::Csv => "csv",
                ListFormatName::Jsonl => "jsonl",
            },
            contacts: listing.contacts.len(),
            doubts: &listing.doubts,
            requests: requests.sent,
            retries: requests.retries,
        };
        if !console::print_json(&serde_json::to_string_pretty(&summary).unwrap_or_default()) {
            return Err(ContactsError::Summary);
        }
    }
    Ok(())
}

/// JSON document of `--json`.
#[derive(Serialize)]
struct Summary<'a> {
    path: String,
    format: &'static str,
    contacts: usize,
    doubts: &'a [String],
    requests: u64,
    retries: u64,
}

fn end(args: &ContactsArgs, listing: &Listing) -> Exit {
    let count = match listing.contacts.len() {
        1 => "1 contact is".to_owned(),
        count => format!("{} contacts are", HumanCount(count as u64)),
    };
    let target = args.out.path().map_or_else(String::new, |path| format!(" in {}", path.display()));
    let format = args.log.log_format;
    if listing.doubts.is_empty() {
        if !args.log.quiet {
            log::print_last_line(format, "listed", Exit::Complete, &format!("{count} listed{target}"), None);
        }
        return Exit::Complete;
    }
    let sentence = format!("{count} listed{target}, but some may be missing (see above): list them again");
    log::print_last_line(format, "listed", Exit::Partial, &sentence, Some(&same_command()));
    Exit::Partial
}

fn same_command() -> String {
    CommandLine::of_process().to_shell()
}

fn farewell(format: LogFormat, why: Interruption) -> Exit {
    let exit = Exit::of_export(&ExportError::Interrupted(why));
    log::print_last_line(
        format,
        "listed",
        exit,
        &format!("error: {why}: nothing was written"),
        Some(&same_command()),
    );
    exit
}
