//! From an answer to a page.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use super::answer::may_hold;
use super::form::{Form, ListMember, of_conversation, of_double, of_list, of_message};
use super::member::{MemberName, NAMES};
use super::names::{article, members_found};
use super::synthetic::name_messages;
use super::{Conversation, MOST_PARTS, Message, Page, PageError, Shape, column_text};
use crate::json::{Document, Kind, Value, last_wins};

/// Reads the text of an answer as JSON.
///
/// # Errors
/// [`PageError::Malformed`], or [`PageError::TooManyParts`].
pub fn read_json<'t>(text: impl Into<Cow<'t, str>>) -> Result<Document<'t>, PageError> {
    Document::parse_with(text, &NAMES).map_err(|error| {
        if error.is_too_much() { PageError::TooManyParts } else { PageError::Malformed(error) }
    })
}

/// Reads an answer of the messages endpoint. Of doubled members the last wins.
///
/// # Errors
/// When there is no `data.data` object, or the response reports an error in its place. A null object means that the
/// contact does not exist.
/// [`super::ContactAnswer`] decides if a page is the answer to a request.
pub fn read_page<'a>(document: &'a Document<'_>) -> Result<Page<'a>, PageError> {
    let room = Room::default();
    let answer = read_answer(document.root(), &room);
    if room.parts.get() > MOST_PARTS {
        return Err(PageError::TooManyParts);
    }
    let complaint = answer.complaint();
    let is_missing = matches!(answer.outer.records, Records::Missing);
    let found = is_missing.then(|| answer.found(document.root()));
    let mut page = match (answer.outer.records, complaint) {
        (Records::Page(page), complaint) => {
            let mut page = page.finish(&room);
            page.form.complaint = complaint.or_else(|| complaint_within(&page));
            name_messages(&mut page.conversations);
            page
        }
        (Records::Null, None) => Page { form: Form { is_blank: true, ..Form::default() }, ..Page::default() },
        (Records::Missing | Records::Null, Some(complaint)) => return Err(PageError::ErrorAnswer(complaint)),
        (Records::Missing, None) => return Err(PageError::NotAnAnswer(found.unwrap_or_default())),
    };
    page.form.flaw = room.flaw.into_inner();
    page.form.around = answer.around;
    page.form.around.extend(answer.outer.around);
    Ok(page)
}

/// The error that the records report themselves.
fn complaint_within(page: &Page<'_>) -> Option<String> {
    let is_error = |name: &str| matches!(name, "error" | "errorMessage");
    let told = page.siblings.iter().find(|(name, value)| is_error(name) && tells_something(*value))?;
    Some(shorten(&column_text(told.1)?))
}

/// Counts what a page is made of; what does not fit is not kept. Keeps the first flaw of its form.
#[derive(Default)]
struct Room {
    parts: Cell<usize>,
    flaw: RefCell<Option<String>>,
}

impl Room {
    fn push<T>(&self, list: &mut Vec<T>, part: T) {
        self.parts.set(self.parts.get() + 1);
        if self.parts.get() <= MOST_PARTS {
            list.push(part);
        }
    }

    fn flaw(&self, flaw: Option<String>) {
        if flaw.is_some() {
            self.flaw.borrow_mut().get_or_insert_with(|| flaw.unwrap_or_default());
        }
    }

    /// Checks that one message does not hold in itself what a page may not hold.
    fn check_message(&self, message: Value<'_>) {
        // Shorter values cannot hold that many members or elements. Normal messages are not walked.
        let is_long = |value: Value<'_>| value.raw_len() > 2 * MOST_PARTS;
        let is_too_much = |(at, (_, value)): (usize, (_, Value<'_>))| {
            at == MOST_PARTS || (is_long(value) && value.elements().nth(MOST_PARTS).is_some())
        };
        if is_long(message) && message.members().enumerate().any(is_too_much) {
            self.parts.set(MOST_PARTS + 1);
        }
    }
}

/// The members of the answer that matter.
#[derive(Default)]
struct Answer<'a> {
    error: Option<Value<'a>>,
    error_message: Option<Value<'a>>,
    message: Option<Value<'a>>,
    /// `data`, the last of doubled ones.
    data: Option<Value<'a>>,
    outer: Outer<'a>,
    around: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// The members of `data` that matter.
#[derive(Default)]
struct Outer<'a> {
    error: Option<Value<'a>>,
    error_message: Option<Value<'a>>,
    message: Option<Value<'a>>,
    /// `data.data`, the last of doubled ones.
    data: Option<Value<'a>>,
    records: Records<'a>,
    around: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// Value of `data.data`.
#[derive(Default)]
enum Records<'a> {
    #[default]
    Missing,
    Null,
    Page(Box<Draft<'a>>),
}

/// A page that is being read: a later `conversations` or `messages` takes the place of an earlier one.
#[derive(Default)]
struct Draft<'a> {
    page: Page<'a>,
    /// The members as they are, the last of doubled ones.
    contact: Option<Value<'a>>,
    conversations: Option<Value<'a>>,
    flat: Vec<Message<'a>>,
    messages: Option<Value<'a>>,
}

impl<'a> Draft<'a> {
    fn finish(self, room: &Room) -> Page<'a> {
        let mut page = self.page;
        last_wins(&mut page.siblings);
        for (name, list) in [("conversations", self.conversations), ("messages", self.messages)] {
            room.flaw(list.and_then(|list| of_list(name, list)));
            page.siblings.extend(list.and_then(odd_list).map(|value| (name.into(), value)));
        }
        page.form.is_blank = page.siblings.is_empty()
            && self.contact.is_none()
            && self.conversations.is_none()
            && self.messages.is_none();
        page.form.has_null_contact = self.contact.is_some_and(Value::is_null);
        page.form.conversations = self.conversations.map_or(ListMember::Missing, ListMember::of);
        page.form.messages = self.messages.map_or(ListMember::Missing, ListMember::of);
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
    /// Error that the response reports. A plain `message` counts only if the response has no records and no other
    /// member that could hold some.
    fn complaint(&self) -> Option<String> {
        let Outer { error, error_message, message, records, .. } = &self.outer;
        let errors = [self.error, self.error_message, *error, *error_message];
        let has_others = || self.around.iter().chain(&self.outer.around).any(|(_, value)| may_hold(*value));
        let messages = match records {
            Records::Missing if self.outer.data.is_none() && !has_others() => [*message, self.message],
            Records::Missing | Records::Null | Records::Page(_) => [None, None],
        };
        let told = errors.into_iter().chain(messages).flatten().find(|value| tells_something(*value))?;
        Some(shorten(&column_text(told)?))
    }

    /// Describes an answer without records.
    fn found(&self, root: Value<'_>) -> String {
        fn names(value: Value<'_>) -> String {
            let names: Vec<_> = value.members().map(|(name, _)| name).collect();
            members_found(names.iter().map(|name| &**name))
        }
        match (self.outer.data, self.data) {
            (Some(records), _) => {
                format!("the answer has `data.data` as {} where an object is expected", article(records))
            }
            (None, Some(data)) if data.kind() == Kind::Object => {
                format!("the answer has no `data.data`; in `data`, {}", names(data))
            }
            (None, Some(data)) => {
                format!("the answer has `data` as {} where an object is expected", article(data))
            }
            (None, None) if root.kind() == Kind::Object => {
                format!("the answer has no `data`; {}", names(root))
            }
            (None, None) => format!("the answer is {} where an object is expected", article(root)),
        }
    }
}

/// True if a member named like an error reports one. In a successful response it is null, `false` or empty.
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
            "data" => {
                room.flaw(of_double("data", answer.data.replace(value), value));
                answer.outer = read_outer(value, room);
            }
            "error" => answer.error = Some(value),
            "errorMessage" => answer.error_message = Some(value),
            "message" => answer.message = Some(value),
            _ => keep_around(&mut answer.around, key, value),
        }
    }
    answer
}

fn read_outer<'a>(data: Value<'a>, room: &Room) -> Outer<'a> {
    let mut outer = Outer::default();
    for (key, value) in data.members() {
        match &*key {
            "data" => {
                room.flaw(of_double("data.data", outer.data.replace(value), value));
                outer.records = read_records(value, room);
            }
            "error" => outer.error = Some(value),
            "errorMessage" => outer.error_message = Some(value),
            "message" => outer.message = Some(value),
            _ => keep_around(&mut outer.around, key, value),
        }
    }
    outer
}

/// Keeps an object or list beside the way to the records.
fn keep_around<'a>(around: &mut Vec<(Cow<'a, str>, Value<'a>)>, name: Cow<'a, str>, value: Value<'a>) {
    /// Members of one object that are kept.
    const MOST: usize = 32;
    if around.len() < MOST && may_hold(value) {
        around.push((name, value));
    }
}

fn read_records<'a>(records: Value<'a>, room: &Room) -> Records<'a> {
    match records.kind() {
        Kind::Object => {}
        Kind::Null => return Records::Null,
        _ => return Records::Missing,
    }
    let mut draft = Box::<Draft<'_>>::default();
    for (key, value) in records.members() {
        match &*key {
            "contact" => {
                draft.contact = Some(value);
                draft.page.contact = Some(value).filter(|contact| !contact.is_null());
            }
            "conversations" => {
                draft.page.conversations.clear();
                draft.page.unplaced.clear();
                room.flaw(of_double("conversations", draft.conversations.replace(value), value));
                value.elements().for_each(|element| read_conversation(element, &mut draft.page, room));
            }
            "messages" => {
                draft.flat.clear();
                room.flaw(of_double("messages", draft.messages.replace(value), value));
                value.elements().for_each(|element| room.push(&mut draft.flat, read_message(element, room)));
            }
            _ => room.push(&mut draft.page.siblings, (key, value)),
        }
    }
    Records::Page(draft)
}

/// Returns the value if it is not a list. Null is an empty list.
fn odd_list(value: Value<'_>) -> Option<Value<'_>> {
    (!matches!(value.kind(), Kind::Array | Kind::Null)).then_some(value)
}

fn read_conversation<'a>(element: Value<'a>, page: &mut Page<'a>, room: &Room) {
    if element.kind() != Kind::Object {
        return room.push(&mut page.unplaced, element);
    }
    let mut conversation =
        Conversation { shape: Shape::Grouped, id: None, fields: Vec::new(), messages: Vec::new() };
    let mut list: Option<Value<'a>> = None;
    for (key, value) in element.members() {
        if key == "messages" {
            conversation.messages.clear();
            room.flaw(of_double("messages", list.replace(value), value));
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
    if conversation.messages.is_empty() {
        let kind = list.map_or(ListMember::Missing, ListMember::of);
        room.flaw(list.and_then(|list| of_list("messages", list)));
        room.flaw(of_conversation(&conversation.fields, kind));
    }
    conversation.fields.extend(list.and_then(odd_list).map(|value| (Cow::Borrowed("messages"), value)));
    room.push(&mut page.conversations, conversation);
}

/// Reads one message; its id stays empty until [`name_messages`] where it was sent without one.
fn read_message<'a>(value: Value<'a>, room: &Room) -> Message<'a> {
    let (mut id, mut created_at, mut message_order, mut conversation_id) = (None, None, None, None);
    room.check_message(value);
    let mut has_inner = false;
    for (key, value) in value.keyed() {
        match MemberName::of(key) {
            Some(MemberName::MessageId) => id = column_text(value),
            Some(MemberName::CreatedAt) => created_at = Some(value),
            Some(MemberName::MessageOrder) => message_order = Some(value),
            Some(MemberName::ConversationId) => conversation_id = column_text(value),
            Some(MemberName::Messages | MemberName::Conversations) => has_inner = true,
            _ => {}
        }
    }
    if has_inner || value.kind() != Kind::Object {
        room.flaw(of_message(value, id.is_some()));
    }
    Message { id: id.unwrap_or_default(), value, created_at, message_order, conversation_id }
}
