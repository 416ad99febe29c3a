//! Parses a response body as a page, or classifies the fault.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::body::Body;
use super::fault::{self, Fault};
use crate::compression::Compressed;
use crate::json::Document;
use crate::record::{self, PageError};

/// A response that is a valid page.
#[derive(Debug)]
pub struct PageAnswer {
    /// The body as received, decoded.
    pub bytes: Bytes,
    /// The body as it arrived, if it was compressed.
    pub compressed: Option<Compressed>,
    /// The parsed body. Invalid UTF-8 is repaired here, and only here.
    pub document: Arc<Document<'static>>,
    room: Option<OwnedSemaphorePermit>,
}

impl PageAnswer {
    /// True if the page is so large that no other large page may be in memory.
    pub fn is_large(&self) -> bool {
        self.room.is_some()
    }
}

/// Parses a body and applies `read` to it.
pub fn read<T>(
    body: Body,
    read: &impl Fn(&Document<'_>) -> Result<T, PageError>,
) -> Result<(PageAnswer, T), Fault> {
    let Body { bytes, compressed, room, .. } = body;
    if fault::is_html(&bytes) {
        return Err(Fault::Unreadable { what: fault::WEB_PAGE.to_owned(), is_foreign: true, begins: None });
    }
    let length = bytes.len();
    let first = bytes.trim_ascii_start().first().copied();
    // Nearly all text is valid. Then the document and the spool share one copy of it.
    let (text, invalid) = record::into_text(bytes);
    let begins = (first != Some(b'{')).then(|| text.chars().take(fault::SHOWN_BEGINNING).collect());
    let refused = |error| refusal(error, length, first.is_none(), begins);
    let document = match record::read_json(text) {
        Ok(document) => Arc::new(document),
        Err(error) => return Err(refused(error)),
    };
    let seen = read(&document).map_err(refused)?;
    let bytes = invalid.map_or_else(|| Bytes::from_owner(TextOf(Arc::clone(&document))), Bytes::from);
    Ok((PageAnswer { bytes, compressed, document, room }, seen))
}

/// The text of a document as bytes.
struct TextOf(Arc<Document<'static>>);

impl AsRef<[u8]> for TextOf {
    fn as_ref(&self) -> &[u8] {
        self.0.text().as_bytes()
    }
}

/// Returns the fault of a response that is no page. `begins` is the beginning of a response that is no
/// object.
fn refusal(error: PageError, length: usize, is_empty: bool, begins: Option<String>) -> Fault {
    match error {
        PageError::ErrorAnswer(what) => Fault::ErrorAnswer { what },
        PageError::NotAnAnswer(what) => Fault::NotAnAnswer { what },
        PageError::TooManyParts => Fault::TooLarge { what: error.to_string() },
        PageError::Malformed(_) if is_empty => {
            Fault::Unreadable { what: "an empty body".to_owned(), is_foreign: false, begins: None }
        }
        PageError::Malformed(malformed) if begins.is_none() => Fault::Unreadable {
            what: format!("no whole JSON document in {length} bytes: {malformed}"),
            is_foreign: false,
            begins: None,
        },
        PageError::Malformed(_) => Fault::Unreadable { what: "no JSON".to_owned(), is_foreign: true, begins },
    }
}
