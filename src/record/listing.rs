//! The wire shape of one part of the account's list of contacts (`docs/api.md#contacts-of-the-account`).
//!
//! Reading is as lenient as for a page of messages. A value of another type is kept as its JSON text. Only a response
//! that is not a list is an error. The values are owned: the list outlives its responses.

use std::str::FromStr;

use super::answer::may_hold;
use super::form::of_double;
use super::read::{shorten, tells_something};
use super::{MOST_PARTS, PageError, article, column_text, members_found, short_digest};
use crate::id::ContactId;
use crate::json::{Document, Kind, Value};

/// One contact of the list. A value is none where it is missing or null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedContact {
    pub contact_id: ContactId,
    pub contact_name: Option<Box<str>>,
    pub phone_number: Option<Box<str>>,
    pub email: Option<Box<str>>,
    pub conversation_status: Option<Box<str>>,
    pub assigned_to: Option<Box<str>>,
    /// `unread_message_count`, as sent: the service documents a number in a string.
    pub unread_message_count: Option<Box<str>>,
    /// Time of the latest message, as sent.
    pub latest_message_time: Option<Box<str>>,
    /// Channels of the contact. A string in place of the array is one channel.
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

/// One element of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    Contact(Box<ListedContact>),
    /// An element without a contact ID. Its content distinguishes it from others.
    Unnamed {
        /// A digest of its text.
        digest: Box<str>,
        /// Description of the element, without its values.
        found: String,
    },
}

/// One answer, in the server's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListingPage {
    /// Elements of the list, in order.
    pub places: Vec<Listed>,
}

/// Reads an answer of the list endpoint. Of doubled members the last wins.
///
/// The list may be `data.data` itself. It may be missing or null only if no other member could hold it, as for a page
/// of messages.
///
/// # Errors
/// When it holds no list of contacts, or reports an error.
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
            let places = [(Some(root), "data"), (data, "data"), (records, "contacts")];
            if let Some(error) = places.into_iter().find_map(|(place, name)| of_doubled(place?, name)) {
                return Err(error);
            }
            if list.is_empty()
                && let Some(error) = complaint(root, data).or_else(|| of_moved([Some(root), data, records]))
            {
                return Err(error);
            }
            Ok(ListingPage { places: list.elements().map(read_place).collect() })
        }
        Some((_, Kind::Null)) if !has_other_list(records) => {
            complaint(root, data).map_or(Ok(ListingPage::default()), Err)
        }
        _ => Err(complaint(root, data).unwrap_or_else(|| PageError::NotAnAnswer(no_list(root)))),
    }
}

/// A member that comes twice: only the later one is read.
fn of_doubled(place: Value<'_>, name: &str) -> Option<PageError> {
    let mut earlier = None;
    let mut same_name = place.members().filter(|(member, _)| member == name);
    let flaw = same_name.find_map(|(_, value)| of_double(name, earlier.replace(value), value));
    flaw.map(PageError::NotAnAnswer)
}

/// A list of contacts beside the empty one that is read.
fn of_moved(places: [Option<Value<'_>>; 3]) -> Option<PageError> {
    let is_contact = |element: Value<'_>| element.member("contact_id").is_some();
    let mut members = places.into_iter().flatten().flat_map(Value::members);
    let (name, _) = members.find(|(_, value)| value.elements().any(is_contact))?;
    let what =
        format!("`contacts` is empty, and contacts stand elsewhere; {}", members_found([&*name].into_iter()));
    Some(PageError::NotAnAnswer(what))
}

/// True if another member, an object or a list, could be the list.
fn has_other_list(records: Option<Value<'_>>) -> bool {
    records.is_some_and(|records| records.members().any(|(_, value)| may_hold(value)))
}

/// Describes what is found in place of the list.
fn no_list(root: Value<'_>) -> String {
    let mut at = root;
    for name in ["data", "data", "contacts"] {
        let Some(member) = at.member(name) else {
            let names: Vec<_> = at.members().map(|(name, _)| name).collect();
            let found = match at.kind() {
                Kind::Object => members_found(names.iter().map(|name| &**name)),
                _ => format!("found {}", article(at)),
            };
            return format!("the list of contacts has no `{name}`; {found}");
        };
        at = member;
    }
    match at.kind() {
        Kind::Null => {
            "the list of contacts has `contacts` as null, and other members that could hold it".to_owned()
        }
        _ => format!("the list of contacts has `contacts` as {} where a list is expected", article(at)),
    }
}

/// Error that a response without contacts reports. A plain `message` counts only if it is the only member.
fn complaint(root: Value<'_>, data: Option<Value<'_>>) -> Option<PageError> {
    let places = [Some(root), data];
    let is_bare = places.into_iter().flatten().all(|place| {
        place.members().all(|(name, value)| (name == "data" && data == Some(value)) || !may_hold(value))
    });
    let has_records = data.is_some_and(|data| data.member("data").is_some());
    let names = ["error", "errorMessage", "message"];
    let counted = if is_bare && !has_records { 3 } else { 2 };
    let members = names
        .into_iter()
        .take(counted)
        .flat_map(|name| places.into_iter().flatten().filter_map(move |place| place.member(name)));
    let told = members.filter(|value| tells_something(*value)).find_map(column_text)?;
    Some(PageError::ErrorAnswer(shorten(&told)))
}

fn read_place(value: Value<'_>) -> Listed {
    let id = value.member("contact_id").filter(|id| matches!(id.kind(), Kind::String | Kind::Number));
    let id = id.and_then(column_text);
    let Some(contact_id) = id.and_then(|id| ContactId::from_str(&id).ok()) else {
        let names: Vec<_> = value.members().map(|(name, _)| name).collect();
        let found = match value.kind() {
            Kind::Object => members_found(names.iter().map(|name| &**name)),
            _ => format!("found {}", article(value)),
        };
        return Listed::Unnamed { digest: Box::from(&*short_digest(value.raw().as_bytes())), found };
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
            r#"{"data":{"data":{"message":"Internal failure"}}}"#,
            r#"{"data":{"data":{"contacts":null,"people":[{"contact_id":"a"}]}}}"#,
            r#"{"data":{"data":{"contacts":{"0":{"contact_id":"a"}}}}}"#,
            r#"{"data":{"message":"ok","contacts":[{"contact_id":"a"}]}}"#,
            r#"{"data":{"data":{"contacts":[{"contact_id":"a"}],"contacts":[]}}}"#,
        ] {
            assert!(matches!(read(none), Err(PageError::NotAnAnswer(_))), "{none}");
        }
        let renamed = read(r#"{"data":{"data":{"people":[],"total":3}}}"#);
        let what = "the list of contacts has no `contacts`; members found: people, total";
        assert_eq!(renamed, Err(PageError::NotAnAnswer(what.to_owned())));
        for (error, told) in [
            (r#"{"error":"no database"}"#, "no database"),
            (r#"{"data":{"message":"went\nwrong"}}"#, r"went\nwrong"),
            (r#"{"error":"boom","data":{"data":{"contacts":null}}}"#, "boom"),
        ] {
            assert_eq!(read(error), Err(PageError::ErrorAnswer(told.to_owned())), "{error}");
        }
    }
}
