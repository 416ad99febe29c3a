//! The command `hold`: places, releases and lists holds.

use serde::Serialize;

use super::args::HoldArgs;
use super::command_line::CommandLine;
use super::console;
use super::exit::Exit;
use super::log::Console;
use super::selection::contacts_in;
use super::{limits, log, next_command};
use crate::contacts::{ContactList, ContactsError};
use crate::event::SharedObserver;
use crate::export::{self, ExportError, HoldChange, HoldScope, Remedy};
use crate::output::holds::{Hold, Holds};
use crate::store::Store;

/// Failure of the command.
#[derive(Debug, thiserror::Error)]
enum HoldCommandError {
    #[error(transparent)]
    Contacts(#[from] ContactsError),
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Runs the command `hold`.
pub fn hold(args: &HoldArgs) -> Exit {
    let console: SharedObserver = Console::new(&args.log);
    if let Err(error) = limits::check_memory() {
        log::print_last_line(args.log.log_format, "held", Exit::Storage, &format!("error: {error}"), None);
        return Exit::Storage;
    }
    match change(args, &args.store.of(&args.path), &console) {
        Ok((sentence, holds)) => show(args, &sentence, &holds),
        Err(error) => {
            let (exit, remedy) = match &error {
                HoldCommandError::Contacts(_) => (Exit::Usage, Remedy::Manual),
                HoldCommandError::Export(error) => (Exit::of_export(error), error.remedy()),
            };
            let chain = console::chain(&error);
            let outcome = next_command::after_failure(&chain, exit, remedy, &CommandLine::of_process());
            let sentence = outcome.sentence.unwrap_or_default();
            log::print_last_line(args.log.log_format, "held", exit, &sentence, outcome.command.as_deref());
            exit
        }
    }
}

/// Does what the options say. Returns the outcome in one sentence, and the holds.
fn change(
    args: &HoldArgs,
    out: &Store,
    console: &SharedObserver,
) -> Result<(String, Holds), HoldCommandError> {
    let (patience, path) = (args.wait_lock.unwrap_or_default(), args.path.display());
    let sentence = if let Some(reference) = &args.reference {
        let scope = scope(args)?;
        let names = (reference.as_str(), args.by.as_deref());
        match export::place_hold(out, names, &scope, patience, console)? {
            HoldChange::Placed => format!("hold {reference} on {path} covers {}", scope_name(&scope)),
            HoldChange::Existed => format!("hold {reference} on {path} exists already"),
        }
    } else if let Some(reference) = &args.release {
        export::release_hold(out, reference, patience, console)?;
        format!("hold {reference} on {path} is released")
    } else {
        String::new()
    };
    let holds = export::holds(out).map_err(ExportError::from)?;
    let sentence = if args.list {
        format!("{} of {} holds on {path} are active", holds.active().count(), holds.holds.len())
    } else {
        sentence
    };
    Ok((sentence, holds))
}

fn scope(args: &HoldArgs) -> Result<HoldScope, ContactsError> {
    Ok(match &args.contacts {
        Some(file) => HoldScope::Contacts(contacts_in(file, &args.contacts_form, None)?),
        None if args.all => HoldScope::All,
        None => HoldScope::Contacts(ContactList::of_ids(&args.contact)),
    })
}

fn scope_name(scope: &HoldScope) -> String {
    match scope {
        HoldScope::All => "all contacts".to_owned(),
        HoldScope::Contacts(contacts) if contacts.len() == 1 => "1 contact".to_owned(),
        HoldScope::Contacts(contacts) => format!("{} contacts", contacts.len()),
    }
}

/// A hold without the hashes of its contacts.
#[derive(Serialize)]
struct ListedHold<'a> {
    reference: &'a str,
    by: Option<&'a str>,
    placed_at: &'a str,
    released_at: Option<&'a str>,
    all: bool,
    contacts: usize,
}

impl<'a> From<&'a Hold> for ListedHold<'a> {
    fn from(hold: &'a Hold) -> Self {
        Self {
            reference: &hold.reference,
            by: hold.by.as_deref(),
            placed_at: &hold.placed_at,
            released_at: hold.released_at.as_deref(),
            all: hold.all,
            contacts: hold.contact_sha256.len(),
        }
    }
}

fn show(args: &HoldArgs, sentence: &str, holds: &Holds) -> Exit {
    let listed: Vec<ListedHold<'_>> = holds.holds.iter().map(ListedHold::from).collect();
    let is_printed = if args.json {
        let document = serde_json::json!({ "holds": listed });
        serde_json::to_string_pretty(&document).is_ok_and(|text| console::print_json(&text))
    } else if args.list && !listed.is_empty() {
        let line = |hold: &ListedHold<'_>| {
            let contacts = if hold.all { "all".to_owned() } else { hold.contacts.to_string() };
            format!(
                "{}\t{contacts}\t{}\t{}",
                hold.reference,
                hold.placed_at,
                hold.released_at.unwrap_or("active")
            )
        };
        console::print(&listed.iter().map(line).collect::<Vec<_>>().join("\n"))
    } else {
        true
    };
    if !is_printed {
        let sentence = format!("error: {sentence}, but the list could not be written to stdout");
        log::print_last_line(args.log.log_format, "held", Exit::Storage, &sentence, None);
        return Exit::Storage;
    }
    if !args.log.quiet {
        log::print_last_line(args.log.log_format, "held", Exit::Complete, sentence, None);
    }
    Exit::Complete
}
