//! The contacts file: the contacts to export, in their order.
//!
//! A file is read once, as a stream, before the first request: [`records`] splits it into cells, [`header`] finds the
//! delimiter and the column, [`reading`] checks each ID and keeps the first of equal ones. IDs are opaque, so a file of
//! another form would be a list of contacts that do not exist: [`kind`] and [`looks`] recognise such files.
//!
//! Layer 1: used by the command line, fetch and build.

mod delimiter;
mod error;
mod header;
mod ids;
mod index;
mod kind;
mod list;
mod looks;
mod reading;
mod records;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

pub use delimiter::Delimiter;
use error::InFile;
pub use error::{ContactsError, Problem};
pub use ids::Ids;
pub use index::ContactIndex;
pub use list::{ALL, ContactList};
#[cfg(feature = "internals")]
pub use looks::Looks;

/// The header of the file of failed contacts, itself a contacts file.
pub const FAILED_HEADER: &str = "contact_id,error";
/// The header of the CSV list of the account's contacts.
pub const LISTED_HEADER: &str = "contact_id,contact_name,phone_number,email,conversation_status,assigned_to,\
                                 unread_message_count,latest_message_time,channels";
/// Headers that this program writes. IDs below them are not checked for their looks.
const OWN_HEADERS: [&str; 2] = [FAILED_HEADER, LISTED_HEADER];

/// Where the contacts are read from.
pub enum ContactsSource<'a> {
    /// A file.
    File(PathBuf),
    /// A stream, called `-` in messages and in the manifest.
    Stdin(Box<dyn Read + 'a>),
}

/// The form of a contacts file, as far as it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// The column of the IDs.
    pub column: ColumnChoice,
    /// The character between columns.
    pub delimiter: Delimiter,
}

/// Which column holds the IDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ColumnChoice {
    /// `contact_id`; a file of one column does without a header.
    #[default]
    Default,
    /// The column of this name, which must be in the header.
    Named(String),
}

impl ColumnChoice {
    /// The column used when none is named.
    pub const DEFAULT_NAME: &'static str = "contact_id";

    /// The name looked for in the header.
    pub fn name(&self) -> &str {
        match self {
            Self::Default => Self::DEFAULT_NAME,
            Self::Named(name) => name.trim(),
        }
    }
}

/// Reads and checks the whole file.
///
/// # Errors
/// When it cannot be read, or a line of it is bad: with the file, the line and what is wrong.
pub fn read(source: ContactsSource<'_>, form: &Form) -> Result<ContactList, ContactsError> {
    let (path, stream): (String, Box<dyn Read + '_>) = match source {
        ContactsSource::File(path) => {
            let name = path.display().to_string();
            let file = File::open(&path).map_err(|source| Problem::Unreadable { source }).in_file(&name)?;
            (name, Box::new(file))
        }
        ContactsSource::Stdin(stream) => ("-".to_owned(), stream),
    };
    let mut list = ContactList::new(path);
    reading::read_into(&mut list, stream, form)
        .map_err(|problem| ContactsError { file: list.path.clone(), problem })?;
    Ok(list)
}
