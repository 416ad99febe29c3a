//! From an answer's text to a page, in one pass.

use std::borrow::Cow;
use std::cell::Cell;

use super::synthetic::name_messages;
use super::{Conversation, MOST_PARTS, Message, Page, PageError, Shape, column_text};
use crate::json::{Cursor, Kind, Malformed, Value, last_wins};

/// Reads an answer of the messages endpoint. Of doubled members the last wins.
///
/// # Errors
/// When the text is no JSON, holds no `data.data` object (a null one is a contact that does not exist), or reports an
/// error. An error beside messages or a contact is no error: the records are there.
pub fn read_page(text: &str) -> Result<Page<'_>, PageError> {
    let mut cursor = Cursor::new(text);
    let room = Room::default();
    let answer = if cursor.kind()? == Kind::Object {
        read_answer(&mut cursor, &room)?
    } else {
        cursor.value()?;
        Answer::default()
    };
    cursor.end()?;
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
    fn check_message(&self, members: usize, value: Value<'_>) {
        // Shorter arrays cannot hold that many members, so that those of honest messages are not walked.
        let is_long_list = || value.raw().len() > 2 * MOST_PARTS && value.kind() == Kind::Array;
        if members > MOST_PARTS || (is_long_list() && value.elements().nth(MOST_PARTS).is_some()) {
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
fn tells_something(value: Value<'_>) -> bool {
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

fn shorten(text: &str) -> String {
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

fn read_answer<'a>(cursor: &mut Cursor<'a>, room: &Room) -> Result<Answer<'a>, Malformed> {
    let mut answer = Answer::default();
    cursor.object(|key, cursor| {
        match &*key {
            "data" => answer.outer = read_outer(cursor, room)?,
            "error" => answer.error = Some(cursor.value()?),
            "errorMessage" => answer.error_message = Some(cursor.value()?),
            "message" => answer.message = Some(cursor.value()?),
            _ => _ = cursor.value()?,
        }
        Ok(())
    })?;
    Ok(answer)
}

fn read_outer<'a>(cursor: &mut Cursor<'a>, room: &Room) -> Result<Outer<'a>, Malformed> {
    let mut outer = Outer::default();
    if cursor.kind()? != Kind::Object {
        cursor.value()?;
        return Ok(outer);
    }
    cursor.object(|key, cursor| {
        match &*key {
            "data" => outer.records = read_records(cursor, room)?,
            "error" => outer.error = Some(cursor.value()?),
            "errorMessage" => outer.error_message = Some(cursor.value()?),
            "message" => outer.message = Some(cursor.value()?),
            _ => _ = cursor.value()?,
        }
        Ok(())
    })?;
    Ok(outer)
}

fn read_records<'a>(cursor: &mut Cursor<'a>, room: &Room) -> Result<Records<'a>, Malformed> {
    if cursor.kind()? != Kind::Object {
        return Ok(if cursor.value()?.is_null() { Records::Null } else { Records::Missing });
    }
    let mut draft = Draft::default();
    cursor.object(|key, cursor| {
        match &*key {
            "contact" => draft.page.contact = Some(cursor.value()?).filter(|contact| !contact.is_null()),
            "conversations" => {
                draft.page.conversations.clear();
                draft.page.unplaced.clear();
                draft.odd_conversations =
                    read_list(cursor, |cursor| read_conversation(cursor, &mut draft.page, room))?;
            }
            "messages" => {
                draft.flat.clear();
                draft.odd_messages = read_list(cursor, |cursor| {
                    room.push(&mut draft.flat, read_message(cursor, room)?);
                    Ok(())
                })?;
            }
            _ => room.push(&mut draft.page.siblings, (key, cursor.value()?)),
        }
        Ok(())
    })?;
    Ok(Records::Page(draft))
}

/// Walks an array; null is an empty one, and a value of any other type is returned.
fn read_list<'a>(
    cursor: &mut Cursor<'a>,
    element: impl FnMut(&mut Cursor<'a>) -> Result<(), Malformed>,
) -> Result<Option<Value<'a>>, Malformed> {
    if cursor.kind()? == Kind::Array {
        cursor.array(element)?;
        return Ok(None);
    }
    Ok(Some(cursor.value()?).filter(|value| !value.is_null()))
}

fn read_conversation<'a>(cursor: &mut Cursor<'a>, page: &mut Page<'a>, room: &Room) -> Result<(), Malformed> {
    if cursor.kind()? != Kind::Object {
        room.push(&mut page.unplaced, cursor.value()?);
        return Ok(());
    }
    let mut conversation =
        Conversation { shape: Shape::Grouped, id: None, fields: Vec::new(), messages: Vec::new() };
    let mut odd_messages = None;
    cursor.object(|key, cursor| {
        if key == "messages" {
            conversation.messages.clear();
            odd_messages = read_list(cursor, |cursor| {
                room.push(&mut conversation.messages, read_message(cursor, room)?);
                Ok(())
            })?;
            return Ok(());
        }
        let value = cursor.value()?;
        if key == "conversation_id" {
            conversation.id = column_text(value);
        }
        room.push(&mut conversation.fields, (key, value));
        Ok(())
    })?;
    last_wins(&mut conversation.fields);
    conversation.fields.extend(odd_messages.map(|value| (Cow::Borrowed("messages"), value)));
    room.push(&mut page.conversations, conversation);
    Ok(())
}

/// Reads one message; its id stays empty until [`name_messages`] where it was sent without one.
fn read_message<'a>(cursor: &mut Cursor<'a>, room: &Room) -> Result<Message<'a>, Malformed> {
    let (mut id, mut created_at, mut message_order, mut conversation_id) = (None, None, None, None);
    let value = if cursor.kind()? == Kind::Object {
        let mut members = 0;
        cursor.object_value(|key, cursor| {
            let value = cursor.value()?;
            members += 1;
            room.check_message(members, value);
            match &*key {
                "message_id" => id = column_text(value),
                "created_at" => created_at = Some(value),
                "message_order" => message_order = Some(value),
                "conversation_id" => conversation_id = column_text(value),
                _ => {}
            }
            Ok(())
        })?
    } else {
        cursor.value()?
    };
    Ok(Message { id: id.unwrap_or_default(), value, created_at, message_order, conversation_id })
}
