//! The command `erase`: removes contacts from every run of an export.

use indicatif::HumanCount;

use super::args::EraseArgs;
use super::command_line::CommandLine;
use super::console::{self, eprint};
use super::exit::Exit;
use super::log::Console;
use super::selection::contacts_in;
use super::{limits, log, next_command};
use crate::contacts::{ContactList, ContactsError};
use crate::erase::{EraseOrder, EraseResult, ErasedRunFacts};
use crate::event::SharedObserver;
use crate::export::{self, EraseJob, ExportError, Remedy};
use crate::layout::ERASED;
use crate::signature::{KeyError, SigningKey};
use crate::table::Table;

/// Maximum number of contacts that are written out in a statement.
const MAX_NAMED: usize = 100;

/// Copies of the contacts that this command does not reach.
const NOT_ERASED: &str = "not erased: rows in a warehouse, other exports, snapshots and packages made from this one, backups and freed blocks of \
                          disks, lists of contacts, and the account itself, whose data the service erases";

/// Failure of the command.
#[derive(Debug, thiserror::Error)]
enum EraseCommandError {
    #[error(transparent)]
    Contacts(#[from] ContactsError),
    /// The key cannot be used.
    #[error("{0}")]
    Key(String),
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Runs the command `erase`.
pub fn erase(args: &EraseArgs) -> Exit {
    let console: SharedObserver = Console::new(&args.log);
    if let Err(error) = limits::check_memory() {
        log::print_last_line(args.log.log_format, "erased", Exit::Storage, &format!("error: {error}"), None);
        return Exit::Storage;
    }
    match erase_in(args, &console) {
        Ok((job, result)) => show(args, &job, result.as_ref()),
        Err(error) => {
            let (exit, remedy) = match &error {
                EraseCommandError::Contacts(_) | EraseCommandError::Key(_) => (Exit::Usage, Remedy::Manual),
                EraseCommandError::Export(error) => (Exit::of_export(error), error.remedy()),
            };
            let chain = console::chain(&error);
            let outcome = next_command::after_failure(&chain, exit, remedy, &CommandLine::of_process());
            let sentence = outcome.sentence.unwrap_or_default();
            log::print_last_line(args.log.log_format, "erased", exit, &sentence, outcome.command.as_deref());
            exit
        }
    }
}

fn erase_in(
    args: &EraseArgs,
    console: &SharedObserver,
) -> Result<(EraseJob, Option<EraseResult>), EraseCommandError> {
    let job = match &args.reference {
        None => EraseJob::Finish,
        Some(reference) => {
            let contacts = match &args.contacts {
                Some(file) => contacts_in(file, &args.contacts_form, None)?,
                None => ContactList::of_ids(&args.contact),
            };
            let (reason, by) = (args.reason.clone(), args.by.clone());
            let order = EraseOrder { contacts, reference: reference.clone(), reason, by };
            if args.dry_run { EraseJob::DryRun(order) } else { EraseJob::Erase(order) }
        }
    };
    let (out, patience) = (args.store.of(&args.path), args.wait_lock.unwrap_or_default());
    let of_key = |error: KeyError| EraseCommandError::Key(error.describe_for(&args.path.join(ERASED)));
    let key = args.sign.as_deref().map(SigningKey::read).transpose().map_err(of_key)?;
    let result = export::erase(&out, (&job, key.as_ref()), patience, console)?;
    Ok((job, result))
}

fn show(args: &EraseArgs, job: &EraseJob, result: Option<&EraseResult>) -> Exit {
    let path = args.path.display();
    let Some(result) = result else {
        let is_printed = !args.json || console::print_json("null");
        return end(args, Exit::Complete, is_printed, &format!("no erasure of {path} is unfinished"));
    };
    let is_printed = if args.json {
        serde_json::to_string_pretty(result).is_ok_and(|text| console::print_json(&text))
    } else {
        let lines: Vec<String> = result.runs.iter().map(line).collect();
        lines.is_empty() || console::print(&lines.join("\n"))
    };
    if !args.log.quiet {
        for note in notes(job, result) {
            eprint(&note);
        }
    }
    let exit = if result.unknown.is_empty() { Exit::Complete } else { Exit::Partial };
    end(args, exit, is_printed, &sentence(result, &path.to_string()))
}

fn end(args: &EraseArgs, exit: Exit, is_printed: bool, sentence: &str) -> Exit {
    let (exit, sentence) = if is_printed {
        (exit, sentence.to_owned())
    } else {
        (Exit::Storage, format!("error: {sentence}, but the result could not be written to stdout"))
    };
    if exit != Exit::Complete || !args.log.quiet {
        log::print_last_line(args.log.log_format, "erased", exit, &sentence, None);
    }
    exit
}

/// The line of a run on stdout.
fn line(run: &ErasedRunFacts) -> String {
    let rows: u64 = run.rows.values().sum();
    format!("{}\t{}\t{rows}\t{}\t{}", run.run_id, run.contacts, run.replaced, run.removed)
}

/// Returns the outcome in one sentence.
fn sentence(result: &EraseResult, path: &str) -> String {
    let contacts =
        |count: u64| format!("{} {}", HumanCount(count), if count == 1 { "contact" } else { "contacts" });
    let rows: u64 = result.runs.iter().flat_map(|run| run.rows.values()).sum();
    let files: u64 = result.runs.iter().map(|run| run.replaced + run.removed).sum();
    let asked = match result.erased {
        0 if result.erased_before == 0 => contacts(result.contacts),
        0 => contacts(result.erased_before),
        erased => contacts(erased),
    };
    let reference = &result.reference;
    let what = match (result.dry_run, result.runs.is_empty(), result.erasure.is_some()) {
        (true, ..) => format!("dry run: would erase {asked} from {path}"),
        (false, true, false) => {
            format!("{asked} of {path} {} erased before: nothing has changed", was(result.erased_before))
        }
        (false, true, true) => format!("later runs of {path} leave out {asked} ({reference})"),
        (false, false, _) => format!("erased {asked} from {path} ({reference})"),
    };
    let amount = if result.runs.is_empty() {
        String::new()
    } else {
        let (runs, noun) = (result.runs.len(), if result.runs.len() == 1 { "run" } else { "runs" });
        format!(": {} rows in {files} files of {runs} {noun}", HumanCount(rows))
    };
    let unknown = match result.unknown.len() as u64 {
        0 => String::new(),
        count => format!("; no run holds {}, which later runs leave out too", contacts(count)),
    };
    format!("{what}{amount}{unknown}")
}

fn was(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// Returns lines about data that the command leaves, and the next steps.
fn notes(job: &EraseJob, result: &EraseResult) -> Vec<String> {
    let mut notes: Vec<String> =
        result.unknown.iter().take(MAX_NAMED).map(|id| format!("no run holds the contact {id}")).collect();
    match result.mentions {
        Some(mentions) if mentions.rows() > 0 => notes.push(format!(
            "stays: {} messages and {} channel records of other contacts that name an erased one by telephone number or e-mail address, and {} errors of other contacts that name its ID",
            HumanCount(mentions.messages),
            HumanCount(mentions.channel_records),
            HumanCount(mentions.errors)
        )),
        _ => {}
    }
    if result.erasure.is_none() {
        return notes;
    }
    notes.push(NOT_ERASED.to_owned());
    if let EraseJob::Erase(order) = job {
        notes.extend(statements(&order.contacts));
    }
    notes
}

/// The statements that erase the contacts from the tables of a warehouse.
fn statements(contacts: &ContactList) -> Vec<String> {
    let ids = if contacts.len() > MAX_NAMED {
        "SELECT contact_id FROM erased_contacts".to_owned()
    } else {
        let quoted = contacts.iter().map(|id| format!("'{}'", id.replace('\'', "''")));
        quoted.collect::<Vec<_>>().join(", ")
    };
    let statement = |table: Table| format!("  DELETE FROM {} WHERE contact_id IN ({ids});", table.name());
    let heading = if contacts.len() > MAX_NAMED {
        "in a warehouse, after the contacts are loaded into a table erased_contacts:"
    } else {
        "in a warehouse:"
    };
    std::iter::once(heading.to_owned()).chain(Table::ALL.map(statement)).collect()
}
