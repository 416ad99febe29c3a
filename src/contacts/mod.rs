//! Reads the contacts file: the contacts to export, in their order.
//!
//! The file is read once, as a stream, before the first request. [`records`] splits it into cells, [`header`]
//! finds the delimiter and the column, and [`reading`] checks each ID and drops duplicates.
//!
//! IDs are opaque, so any text could be a list of contacts that do not exist. [`kind`] and [`looks`]
//! recognize files that are probably something else.
//!
//! Layer 1: used by the command line, `fetch` and `transform`.

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

use crate::id::Shard;

pub use delimiter::Delimiter;
use error::InFile;
pub use error::{ContactsError, Problem};
pub use ids::{IdText, Ids};
pub use index::ContactIndex;
pub use list::{ALL, ContactList, FOUND, GIVEN};
#[cfg(feature = "internals")]
pub use looks::Looks;

/// Header of `failed.csv`, which is itself a contacts file.
pub const FAILED_HEADER: &str = "contact_id,error";
/// Header of `not_found.csv`, which is a contacts file, too.
pub const NOT_FOUND_HEADER: &str = "contact_id,input_line";
/// Header of the CSV list of the account's contacts.
pub const LISTED_HEADER: &str = "contact_id,contact_name,phone_number,email,conversation_status,assigned_to,\
                                 unread_message_count,latest_message_time,channels";
/// Headers that this program writes. IDs below them are not checked for likely mistakes.
const OWN_HEADERS: [&str; 3] = [FAILED_HEADER, NOT_FOUND_HEADER, LISTED_HEADER];

/// Source of a contact list.
pub enum ContactsSource<'a> {
    File(PathBuf),
    /// Content of an object in an object store.
    Object {
        /// URL of the object, for messages and the manifest.
        url: String,
        stream: Box<dyn Read + 'a>,
    },
    /// Stream with the name `-` in messages and in the manifest.
    Stdin(Box<dyn Read + 'a>),
}

/// Format of a contacts file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub column: ColumnChoice,
    pub delimiter: Delimiter,
}

/// Column of the IDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ColumnChoice {
    /// `contact_id`. A file with one column needs no header.
    #[default]
    Default,
    /// The column with this name, which must be in the header.
    Named(String),
}

impl ColumnChoice {
    /// Name of the column if `--contacts-column` is not given.
    pub const DEFAULT_NAME: &'static str = "contact_id";

    /// Returns the name to find in the header.
    pub fn name(&self) -> &str {
        match self {
            Self::Default => Self::DEFAULT_NAME,
            Self::Named(name) => name.trim(),
        }
    }
}

/// Reads and checks the whole file. With a shard, the list has the contacts and duplicates of the shard only, while
/// its lines and SHA-256 are those of the file.
///
/// # Errors
/// If the file cannot be read, or a line is invalid. The error names the file, the line and the problem.
pub fn read(
    source: ContactsSource<'_>,
    form: &Form,
    shard: Option<Shard>,
) -> Result<ContactList, ContactsError> {
    let (path, stream): (String, Box<dyn Read + '_>) = match source {
        ContactsSource::File(path) => {
            let name = path.display().to_string();
            let file = File::open(&path).map_err(|source| Problem::Unreadable { source }).in_file(&name)?;
            (name, Box::new(file))
        }
        ContactsSource::Object { url, stream } => (url, stream),
        ContactsSource::Stdin(stream) => ("-".to_owned(), stream),
    };
    let mut list = ContactList::new(path);
    reading::read_into(&mut list, stream, form, shard)
        .map_err(|problem| ContactsError { file: list.path.clone(), problem })?;
    Ok(list)
}
