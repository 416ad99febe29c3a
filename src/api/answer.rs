//! From a body to a page, or to the fault that it is none.

use super::fault::{self, Fault};
use crate::record::{self, Page, PageError};

/// Parses a body and gives what `read` makes of it. Invalid UTF-8 is repaired here; the body itself stays as it came.
pub fn read<T>(bytes: &[u8], read: &impl Fn(&Page<'_>) -> T) -> Result<T, Fault> {
    if fault::is_html(bytes) {
        return Err(Fault::Unreadable { what: fault::WEB_PAGE.to_owned(), is_foreign: true, begins: None });
    }
    let text = record::text_of(bytes);
    let document = record::read_json(&*text);
    match document.as_ref().map_err(PageError::clone).and_then(record::read_page) {
        Ok(page) => Ok(read(&page)),
        Err(PageError::ErrorAnswer(what)) => Err(Fault::ErrorAnswer { what }),
        Err(PageError::NoRecords) => {
            Err(Fault::ErrorAnswer { what: "an answer without data.data".to_owned() })
        }
        Err(error @ PageError::TooManyParts) => Err(Fault::TooLarge { what: error.to_string() }),
        Err(PageError::Malformed(malformed)) => {
            let (what, begins) = match bytes.trim_ascii_start().first() {
                None => ("an empty body".to_owned(), None),
                Some(b'{') => (format!("no whole JSON document in {} bytes: {malformed}", bytes.len()), None),
                Some(_) => ("no JSON".to_owned(), Some(text.chars().take(fault::BEGINNING).collect())),
            };
            Err(Fault::Unreadable { what, is_foreign: begins.is_some(), begins })
        }
    }
}
