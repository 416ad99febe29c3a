//! From an answer to a page.

use std::borrow::Cow;
use std::cell::Cell;

use super::synthetic::name_messages;
use super::{Conversation, MOST_PARTS, Message, Page, PageError, Shape, column_text};
use crate::json::{Document, Kind, Value, last_wins};

/// Reads the text of an answer as JSON.
///
/// # Errors
/// [`PageError::Malformed`], or [`PageError::TooManyParts`].
pub fn read_json<'t>(text: impl Into<Cow<'t, str>>) -> Result<Document<'t>, PageError> {
    Document::parse(text).map_err(|error| {
        if error.is_too_much() { PageError::TooManyParts } else { PageError::Malformed(error) }
    })
}

/// Reads an answer of the messages endpoint. Of doubled members the last wins.
///
/// # Errors
/// When it holds no `data.data` object (a null one is a contact that does not exist), or reports an error. An error
/// beside messages or a contact is no error: the records are there.
pub fn read_page<'a>(document: &'a Document<'_>) -> Result<Page<'a>, PageError> {
    let room = Room::default();
    let answer = read_answer(document.root(), &room);
    if room.0.get() > MOST_PARTS {
        return Err(PageError::TooManyParts);
    }
    let complaint = answer.complaint();
    match (answer.outer.records, complaint) {
        (Records::Page(page), complaint) => {
            let mut page = page.finish();
            match complaint {
                Some(complaint) if page.contact.is_none() && page.message_count() == 0 => {
                    Err(PageError::ErrorAnswer(complaint))
                }
                _ => {
                    name_messages(&mut page.conversations);
                    Ok(page)
                }
            }
        }
        (Records::Null, None) => Ok(Page::default()),
        (Records::Missing | Records::Null, Some(complaint)) => Err(PageError::ErrorAnswer(complaint)),
        (Records::Missing, None) => Err(PageError::NoRecords),
    }
}

/// Counts what a page is made of; what does not fit is not kept.
#[derive(Default)]
struct Room(Cell<usize>);

impl Room {
    fn push<T>(&self, list: &mut Vec<T>, part: T) {
        self.0.set(self.0.get() + 1);
        if self.0.get() <= MOST_PARTS {
            list.push(part);
        }
    }

    /// Checks that one message does not hold in itself what a page may not hold.
    fn check_message(&self, message: Value<'_>) {
        // Shorter ones cannot hold that many members or elements, so that those of honest messages are not walked.
        let is_long = |value: Value<'_>| value.raw().len() > 2 * MOST_PARTS;
        let is_too_much = |(at, (_, value)): (usize, (_, Value<'_>))| {
            at == MOST_PARTS || (is_long(value) && value.elements().nth(MOST_PARTS).is_some())
        };
        if is_long(message) && message.members().enumerate().any(is_too_much) {
            self.0.set(MOST_PARTS + 1);
        }
    }
}

/// The members of the answer that matter.
#[derive(Default)]
struct Answer<'a> {
    error: Option<Value<'a>>,
    error_message: Option<Value<'a>>,
    message: Option<Value<'a>>,
    outer: Outer<'a>,
}

/// The members of `data` that matter.
#[derive(Default)]
struct Outer<'a> {
    error: Option<Value<'a>>,
    error_message: Option<Value<'a>>,
    message: Option<Value<'a>>,
    records: Records<'a>,
}

/// What stands at `data.data`.
#[derive(Default)]
enum Records<'a> {
    #[default]
    Missing,
    Null,
    Page(Draft<'a>),
}

/// A page that is being read: a later `conversations` or `messages` takes the place of an earlier one.
#[derive(Default)]
struct Draft<'a> {
    page: Page<'a>,
    odd_conversations: Option<Value<'a>>,
    flat: Vec<Message<'a>>,
    odd_messages: Option<Value<'a>>,
}

impl<'a> Draft<'a> {
    fn finish(self) -> Page<'a> {
        let mut page = self.page;
        last_wins(&mut page.siblings);
        page.siblings.extend(self.odd_conversations.map(|value| ("conversations".into(), value)));
        page.siblings.extend(self.odd_messages.map(|value| ("messages".into(), value)));
        if !self.flat.is_empty() {
            let messages = self.flat;
            page.conversations.push(Conversation {
                shape: Shape::Flat,
                id: None,
                fields: Vec::new(),
                messages,
            });
        }
        page
    }
}

impl Answer<'_> {
    /// What the answer says went wrong. A plain `message` counts only where there are no records at all.
    fn complaint(&self) -> Option<String> {
        let Outer { error, error_message, message, records } = &self.outer;
        let errors = [self.error, self.error_message, *error, *error_message];
        let messages = match records {
            Records::Missing => [*message, self.message],
            Records::Null | Records::Page(_) => [None, None],
        };
        let told = errors.into_iter().chain(messages).flatten().find(|value| tells_something(*value))?;
        Some(shorten(&column_text(told)?))
    }
}

/// Whether a member named like an error reports one: not so for the null, `false` or empty one of a success.
pub(super) fn tells_something(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Null => false,
        Kind::Bool => value.raw() == "true",
        Kind::Number => value.raw() != "0",
        Kind::String => value.raw() != r#""""#,
        Kind::Array => value.elements().next().is_some(),
        Kind::Object => value.members().next().is_some(),
        Kind::NonStandard => true,
    }
}

pub(super) fn shorten(text: &str) -> String {
    /// Enough to recognise an error by, in characters.
    const LONGEST: usize = 200;
    // Besides control characters those that turn the direction of a terminal's text.
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut short = String::new();
    for (taken, character) in text.chars().enumerate() {
        if taken == LONGEST {
            short.push('…');
            break;
        }
        if hostile(character) {
            short.extend(character.escape_default());
        } else {
            short.push(character);
        }
    }
    short
}

fn read_answer<'a>(object: Value<'a>, room: &Room) -> Answer<'a> {
    let mut answer = Answer::default();
    for (key, value) in object.members() {
        match &*key {
            "data" => answer.outer = read_outer(value, room),
            "error" => answer.error = Some(value),
            "errorMessage" => answer.error_message = Some(value),
            "message" => answer.message = Some(value),
            _ => {}
        }
    }
    answer
}

fn read_outer<'a>(data: Value<'a>, room: &Room) -> Outer<'a> {
    let mut outer = Outer::default();
    for (key, value) in data.members() {
        match &*key {
            "data" => outer.records = read_records(value, room),
            "error" => outer.error = Some(value),
            "errorMessage" => outer.error_message = Some(value),
            "message" => outer.message = Some(value),
            _ => {}
        }
    }
    outer
}

fn read_records<'a>(records: Value<'a>, room: &Room) -> Records<'a> {
    match records.kind() {
        Kind::Object => {}
        Kind::Null => return Records::Null,
        _ => return Records::Missing,
    }
    let mut draft = Draft::default();
    for (key, value) in records.members() {
        match &*key {
            "contact" => draft.page.contact = Some(value).filter(|contact| !contact.is_null()),
            "conversations" => {
                draft.page.conversations.clear();
                draft.page.unplaced.clear();
                draft.odd_conversations = odd_list(value);
                value.elements().for_each(|element| read_conversation(element, &mut draft.page, room));
            }
            "messages" => {
                draft.flat.clear();
                draft.odd_messages = odd_list(value);
                value.elements().for_each(|element| room.push(&mut draft.flat, read_message(element, room)));
            }
            _ => room.push(&mut draft.page.siblings, (key, value)),
        }
    }
    Records::Page(draft)
}

/// What stands where a list was expected and is none. Null is an empty list.
fn odd_list(value: Value<'_>) -> Option<Value<'_>> {
    (!matches!(value.kind(), Kind::Array | Kind::Null)).then_some(value)
}

fn read_conversation<'a>(element: Value<'a>, page: &mut Page<'a>, room: &Room) {
    if element.kind() != Kind::Object {
        return room.push(&mut page.unplaced, element);
    }
    let mut conversation =
        Conversation { shape: Shape::Grouped, id: None, fields: Vec::new(), messages: Vec::new() };
    let mut odd_messages = None;
    for (key, value) in element.members() {
        if key == "messages" {
            conversation.messages.clear();
            odd_messages = odd_list(value);
            let messages = &mut conversation.messages;
            value.elements().for_each(|element| room.push(messages, read_message(element, room)));
            continue;
        }
        if key == "conversation_id" {
            conversation.id = column_text(value);
        }
        room.push(&mut conversation.fields, (key, value));
    }
    last_wins(&mut conversation.fields);
    conversation.fields.extend(odd_messages.map(|value| (Cow::Borrowed("messages"), value)));
    room.push(&mut page.conversations, conversation);
}

/// Reads one message; its id stays empty until [`name_messages`] where it was sent without one.
fn read_message<'a>(value: Value<'a>, room: &Room) -> Message<'a> {
    let (mut id, mut created_at, mut message_order, mut conversation_id) = (None, None, None, None);
    room.check_message(value);
    for (key, value) in value.members() {
        match &*key {
            "message_id" => id = column_text(value),
            "created_at" => created_at = Some(value),
            "message_order" => message_order = Some(value),
            "conversation_id" => conversation_id = column_text(value),
            _ => {}
        }
    }
    Message { id: id.unwrap_or_default(), value, created_at, message_order, conversation_id }
}
