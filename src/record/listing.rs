//! The wire shape of one part of `get_contact_conversations`, the account's list of contacts (api.md §3).
//!
//! Read as leniently as a page: a value of another type is kept as its JSON text, one that is missing is none, and only
//! an answer that is no list at all is an error. The values are owned, since a list is kept whole and its answers are not.

use std::str::FromStr;

use super::read::{shorten, tells_something};
use super::{MOST_PARTS, PageError, column_text, short_digest};
use crate::id::ContactId;
use crate::json::{Document, Kind, Value};

/// One contact of the list. A value is none where it is missing or null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedContact {
    /// `contact_id`.
    pub contact_id: ContactId,
    /// `contact_name`.
    pub contact_name: Option<Box<str>>,
    /// `phone_number`.
    pub phone_number: Option<Box<str>>,
    /// `email`.
    pub email: Option<Box<str>>,
    /// `conversation_status`.
    pub conversation_status: Option<Box<str>>,
    /// `assigned_to`.
    pub assigned_to: Option<Box<str>>,
    /// `unread_message_count`, as sent: the service documents a number in a string.
    pub unread_message_count: Option<Box<str>>,
    /// `latest_message_time`, as sent.
    pub latest_message_time: Option<Box<str>>,
    /// `channels`; the one channel where a string stands in place of the array.
    pub channels: Box<[Box<str>]>,
}

impl ListedContact {
    /// About how much memory its texts take, in bytes.
    pub fn text_bytes(&self) -> usize {
        let texts = [
            &self.contact_name,
            &self.phone_number,
            &self.email,
            &self.conversation_status,
            &self.assigned_to,
            &self.unread_message_count,
            &self.latest_message_time,
        ];
        let texts = texts.into_iter().flatten().chain(&self.channels).map(|text| text.len());
        self.contact_id.as_str().len() + texts.sum::<usize>()
    }
}

/// What stands at one place of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A contact.
    Contact(Box<ListedContact>),
    /// Something without an ID that could be asked for. It is told from others by what it says.
    Unnamed {
        /// A digest of its text.
        digest: Box<str>,
    },
}

/// One answer, in the server's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListingPage {
    /// What stands on it.
    pub places: Vec<Listed>,
}

/// Reads an answer of the list endpoint. Of doubled members the last wins.
///
/// # Errors
/// When it holds no list at `data.data.contacts` (a null one is an empty list), or reports an error.
pub fn read_listing(document: &Document<'_>) -> Result<ListingPage, PageError> {
    let root = document.root();
    let data = root.member("data");
    let records = data.and_then(|data| data.member("data"));
    let list = records.and_then(|records| match records.kind() {
        Kind::Array => Some(records),
        _ => records.member("contacts"),
    });
    match list.map(|list| (list, list.kind())) {
        Some((list, Kind::Array)) => {
            if list.elements().nth(MOST_PARTS).is_some() {
                return Err(PageError::TooManyParts);
            }
            Ok(ListingPage { places: list.elements().map(read_place).collect() })
        }
        Some((_, Kind::Null)) => complaint(root, data).map_or(Ok(ListingPage::default()), Err),
        _ => Err(complaint(root, data).unwrap_or(PageError::NoRecords)),
    }
}

/// What an answer without a list says went wrong.
fn complaint(root: Value<'_>, data: Option<Value<'_>>) -> Option<PageError> {
    let places = [Some(root), data];
    let members = ["error", "errorMessage", "message"]
        .into_iter()
        .flat_map(|name| places.into_iter().flatten().filter_map(move |place| place.member(name)));
    let told = members.filter(|value| tells_something(*value)).find_map(column_text)?;
    Some(PageError::ErrorAnswer(shorten(&told)))
}

fn read_place(value: Value<'_>) -> Listed {
    let id = value.member("contact_id").and_then(column_text);
    let Some(contact_id) = id.and_then(|id| ContactId::from_str(&id).ok()) else {
        return Listed::Unnamed { digest: Box::from(&*short_digest(value.raw().as_bytes())) };
    };
    let text = |name| value.member(name).and_then(column_text).map(Box::from);
    Listed::Contact(Box::new(ListedContact {
        contact_id,
        contact_name: text("contact_name"),
        phone_number: text("phone_number"),
        email: text("email"),
        conversation_status: text("conversation_status"),
        assigned_to: text("assigned_to"),
        unread_message_count: text("unread_message_count"),
        latest_message_time: text("latest_message_time"),
        channels: value.member("channels").map(read_channels).unwrap_or_default(),
    }))
}

fn read_channels(value: Value<'_>) -> Box<[Box<str>]> {
    match value.kind() {
        Kind::Array => value.elements().filter_map(column_text).map(Box::from).collect(),
        _ => column_text(value).map(Box::from).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ListingPage, PageError> {
        read_listing(&Document::parse(text).expect("JSON"))
    }

    fn only(text: &str) -> ListedContact {
        let page = read(&format!(r#"{{"data":{{"data":{{"contacts":[{text}]}}}}}}"#)).expect("a list");
        match page.places.into_iter().next() {
            Some(Listed::Contact(contact)) => *contact,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_field_is_read() {
        let contact = only(
            r#"{"contact_id":"c1","contact_name":"Zoë","phone_number":"+49","email":"z@x.example",
                "conversation_status":"live","assigned_to":"a@x.example","unread_message_count":"3",
                "latest_message_time":"2026-11-20T02:00:00.000Z","channels":["whatsapp","website"],"other":1}"#,
        );
        assert_eq!(contact.contact_id.as_str(), "c1");
        assert_eq!(contact.contact_name.as_deref(), Some("Zoë"));
        assert_eq!(contact.phone_number.as_deref(), Some("+49"));
        assert_eq!(contact.email.as_deref(), Some("z@x.example"));
        assert_eq!(contact.conversation_status.as_deref(), Some("live"));
        assert_eq!(contact.assigned_to.as_deref(), Some("a@x.example"));
        assert_eq!(contact.unread_message_count.as_deref(), Some("3"));
        assert_eq!(contact.latest_message_time.as_deref(), Some("2026-11-20T02:00:00.000Z"));
        assert_eq!(
            contact.channels.iter().map(|channel| &**channel).collect::<Vec<_>>(),
            ["whatsapp", "website"]
        );
    }

    #[test]
    fn values_of_other_types_are_kept_as_text() {
        let contact = only(
            r#"{"contact_id":123,"contact_name":null,"email":{"a":[1]},"unread_message_count":7,
                "latest_message_time":1763600000,"channels":"whatsapp"}"#,
        );
        assert_eq!(contact.contact_id.as_str(), "123");
        assert_eq!((contact.contact_name, contact.assigned_to), (None, None));
        assert_eq!(contact.email.as_deref(), Some(r#"{"a":[1]}"#));
        assert_eq!(contact.unread_message_count.as_deref(), Some("7"));
        assert_eq!(contact.latest_message_time.as_deref(), Some("1763600000"));
        assert_eq!(contact.channels.len(), 1);
        assert_eq!(only(r#"{"contact_id":"c","channels":[null,1,{}]}"#).channels.join("|"), "1|{}");
    }

    #[test]
    fn what_has_no_id_is_a_place_all_the_same() {
        let page = read(
            r#"{"data":{"data":{"contacts":[{"contact_name":"x"},7,{"contact_id":" "},{"contact_id":"a\u0007"}]}}}"#,
        );
        let unnamed = |place: &Listed| matches!(place, Listed::Unnamed { .. });
        assert_eq!(page.expect("a list").places.iter().filter(|place| unnamed(place)).count(), 4);
    }

    #[test]
    fn an_empty_list_is_told_from_none() {
        for empty in [
            r#"{"data":{"data":{"contacts":[]}}}"#,
            r#"{"data":{"data":{"contacts":null}}}"#,
            r#"{"data":{"data":[]}}"#,
        ] {
            assert_eq!(read(empty), Ok(ListingPage::default()), "{empty}");
        }
        for none in [
            "{}",
            "[]",
            r#"{"data":null}"#,
            r#"{"data":{"data":{"contacts":"x"}}}"#,
            r#"{"data":{"data":{}}}"#,
        ] {
            assert_eq!(read(none), Err(PageError::NoRecords), "{none}");
        }
        for (error, told) in [
            (r#"{"error":"no database"}"#, "no database"),
            (r#"{"data":{"message":"went\nwrong"}}"#, r"went\nwrong"),
            (r#"{"error":"boom","data":{"data":{"contacts":null}}}"#, "boom"),
        ] {
            assert_eq!(read(error), Err(PageError::ErrorAnswer(told.to_owned())), "{error}");
        }
    }
}
