//! The contacts that the arguments of `run` select.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::args::{ContactsFormArgs, RunArgs, is_url, object};
use crate::contacts::{self, ContactList, ContactsError, ContactsSource, Problem};
use crate::digest::sha256;
use crate::durable::Opened;
use crate::export::{AccountSelection, ContactSelection};
use crate::id::Shard;

/// Extensions of files that may hold a list of contacts.
const LIST_EXTENSIONS: [&str; 10] =
    ["csv", "tsv", "txt", "list", "lst", "json", "jsonl", "ndjson", "xlsx", "parquet"];

/// A selection of contacts that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    #[error("missing --contacts FILE, --all-contacts, --contact ID or --search TEXT")]
    NoContacts,
    #[error("--search needs a text: to export all contacts, use --all-contacts")]
    EmptySearch,
    #[error(
        "--full cannot be used with --{option}: it starts a new state, without the other contacts of the export; use --full with the whole list of contacts"
    )]
    Full { option: &'static str },
    #[error(
        "{error}; if {} is no file but a contact, use --contact ID, or --search TEXT for a name, telephone number or e-mail address (chatzy-export contacts --search TEXT lists what it finds)",
        error.file
    )]
    NoFile {
        #[source]
        error: ContactsError,
    },
    #[error(transparent)]
    Contacts(#[from] ContactsError),
}

/// Returns the contacts that the arguments select. Reads the contacts file.
pub fn select(args: &RunArgs) -> Result<ContactSelection, SelectionError> {
    let selected =
        if args.contact.is_empty() { args.search.as_ref().map(|_| "search") } else { Some("contact") };
    if let Some(option) = selected.filter(|_| args.full) {
        return Err(SelectionError::Full { option });
    }
    if let Some(text) = &args.search {
        return if text.trim().is_empty() {
            Err(SelectionError::EmptySearch)
        } else {
            Ok(ContactSelection::Account(AccountSelection::Found(text.clone())))
        };
    }
    match &args.contacts {
        Some(file) => match contacts_in(file, &args.contacts_form, args.shard) {
            Ok(list) => Ok(ContactSelection::Listed(list)),
            Err(error) if is_no_file(&error) && may_be_contact(file) => Err(SelectionError::NoFile { error }),
            Err(error) => Err(error.into()),
        },
        None if !args.contact.is_empty() => Ok(ContactSelection::Listed(ContactList::of_ids(&args.contact))),
        None if args.all_contacts => Ok(ContactSelection::Account(AccountSelection::All)),
        None => Err(SelectionError::NoContacts),
    }
}

fn is_no_file(error: &ContactsError) -> bool {
    matches!(&error.problem, Problem::Unreadable { source } if source.kind() == ErrorKind::NotFound)
}

/// True if the value of `--contacts` looks like a contact rather than like a file: it has neither a folder nor
/// the extension of a list.
fn may_be_contact(file: &Path) -> bool {
    let extension = file.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    file.components().count() == 1 && !LIST_EXTENSIONS.contains(&extension.as_str())
}

/// Reads the contacts from a file, or from stdin. With a shard, the list has its contacts only.
pub fn contacts_in(
    file: &Path,
    form: &ContactsFormArgs,
    shard: Option<Shard>,
) -> Result<ContactList, ContactsError> {
    let source = if file.as_os_str() == "-" {
        ContactsSource::Stdin(Box::new(std::io::stdin().lock()))
    } else if is_url(file.as_os_str()) {
        object_source(&file.to_string_lossy())?
    } else {
        ContactsSource::File(file.to_owned())
    };
    contacts::read(source, &form.form(), shard)
}

/// Downloads the contacts file from an object store.
fn object_source(url: &str) -> Result<ContactsSource<'static>, ContactsError> {
    let opened = object(url).map_err(io::Error::other).and_then(|(folder, name)| {
        match folder.open(&name).map_err(|error| io::Error::new(error.source.kind(), error.describe()))? {
            Opened::File(file, _) => Ok(file),
            Opened::Missing | Opened::NotRegular => Err(ErrorKind::NotFound.into()),
        }
    });
    let url = url.to_owned();
    match opened {
        Ok(file) => Ok(ContactsSource::Object { url, stream: Box::new(file) }),
        Err(source) => Err(ContactsError { file: url, problem: Problem::Unreadable { source } }),
    }
}

/// Returns what a command has in common with the run that it resumes.
pub fn identity(args: &RunArgs, contacts: &ContactSelection) -> String {
    match contacts {
        ContactSelection::Listed(list) if args.contacts.is_none() => {
            format!("{}:{}", contacts::GIVEN, list.sha256)
        }
        ContactSelection::Listed(list) => list.sha256.clone(),
        ContactSelection::Account(AccountSelection::All) => contacts::ALL.to_owned(),
        ContactSelection::Account(AccountSelection::Found(text)) => {
            format!("{}:{}", contacts::FOUND, sha256(text))
        }
    }
}
