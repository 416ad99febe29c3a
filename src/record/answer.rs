//! The rule that decides which pages are the answer to a request (`docs/api.md#what-counts-as-a-response`).
//!
//! [`read_page`] reads whatever it can: the spool and the raw archive of an earlier run must stay readable.
//! [`ContactAnswer::validate`] is stricter. It is the only way to make the value that paging reads, so a page that may
//! hide messages, or belongs to another contact, is an error and never an empty history.
//!
//! The walk over the answer collects what the rule needs (see `Form`). No large part of an answer is read twice.

use std::borrow::Cow;

use super::form::{Form, ListMember};
use super::names::{article, members_found};
use super::{Conversation, Page, PageError, Shape, read_page};
use crate::id::{ContactId, is_uuid};
use crate::json::{Document, Kind, Value};

/// One page of the contact that was asked for.
#[derive(Debug)]
pub struct ContactAnswer<'a>(Page<'a>);

impl<'a> ContactAnswer<'a> {
    /// Reads an answer to a request for a page of this contact.
    ///
    /// # Errors
    /// [`PageError::NotAnAnswer`] when the answer is not a page of this contact, or may hold messages in a place that
    /// is not read. Otherwise as [`read_page`].
    pub fn validate(document: &'a Document<'_>, asked_for: &ContactId) -> Result<Self, PageError> {
        let page = read_page(document)?;
        check(&page, asked_for)?;
        Ok(Self(page))
    }

    pub fn page(&self) -> &Page<'a> {
        &self.0
    }

    /// True if the answer reports that there is no such contact: no messages, and no contact beside their empty list.
    pub fn is_absent(&self) -> bool {
        let page = &self.0;
        let form = &page.form;
        let has_others =
            !(page.siblings.is_empty() && page.conversations.is_empty() && page.unplaced.is_empty());
        let says_no_contact = form.is_blank || form.has_null_contact || !has_others;
        page.message_count() == 0 && page.contact.is_none() && says_no_contact
    }

    /// True if the answer names the contact it belongs to.
    pub fn names_contact(&self) -> bool {
        contact_ids(&self.0).next().is_some()
    }

    /// Each message with the ID of its conversation.
    pub fn messages(&self) -> impl Iterator<Item = (Option<&str>, &str)> + '_ {
        self.0.conversations.iter().flat_map(|conversation| {
            let Conversation { shape, id, messages, .. } = conversation;
            messages.iter().map(move |message| {
                let of = match shape {
                    Shape::Grouped => id.as_deref(),
                    Shape::Flat => message.conversation_id.as_deref(),
                };
                (of, &*message.id)
            })
        })
    }
}

/// Checks a page against the rule. Pages of an earlier version, which had no such rule, can be checked with it too.
///
/// # Errors
/// As [`ContactAnswer::validate`].
pub fn check(page: &Page<'_>, asked_for: &ContactId) -> Result<(), PageError> {
    let count = page.message_count();
    if let Some(complaint) = page.form.complaint.as_ref().filter(|_| count == 0) {
        return Err(PageError::ErrorAnswer(complaint.clone()));
    }
    let flaw = page.form.flaw.clone().or_else(|| of_elements(page)).or_else(|| of_contact(page, asked_for));
    let flaw = flaw.or_else(|| if count == 0 { of_empty(page) } else { of_others(page) });
    flaw.map_or(Ok(()), |flaw| Err(PageError::NotAnAnswer(flaw)))
}

/// The IDs by which a page names its contact.
fn contact_ids<'a>(page: &'a Page<'_>) -> impl Iterator<Item = Value<'a>> + 'a {
    let own = page.contact.and_then(|contact| contact.member("contact_id"));
    // The members of the contact may be siblings of the list.
    let beside = page.siblings.iter().find(|(name, _)| name == "contact_id").map(|(_, value)| *value);
    own.into_iter().chain(beside).filter(|value| !value.is_null())
}

fn of_contact(page: &Page<'_>, asked_for: &ContactId) -> Option<String> {
    let asked_for = asked_for.as_str();
    let other = contact_ids(page).find(|id| match id.kind() {
        Kind::String => !id.text().is_some_and(|text| is_same(text.trim(), asked_for)),
        Kind::Number => id.raw() != asked_for,
        Kind::Null | Kind::Bool | Kind::Array | Kind::Object | Kind::NonStandard => true,
    })?;
    Some(match other.kind() {
        // The export keeps this text. The ID of the other contact must not be in it, if that contact is erased.
        Kind::String | Kind::Number => "the answer belongs to another contact".to_owned(),
        _ => format!("the answer has `contact_id` as {} where the ID asked for is expected", article(other)),
    })
}

/// True if two IDs are the same: as text, and UUIDs without regard to case.
fn is_same(one: &str, other: &str) -> bool {
    one == other || (is_uuid(one) && one.eq_ignore_ascii_case(other))
}

/// Elements of `conversations` that are no conversations, where messages may be in them or elsewhere.
fn of_elements(page: &Page<'_>) -> Option<String> {
    let hides = |value: &&Value<'_>| matches!(value.kind(), Kind::Array | Kind::String) && !value.is_empty();
    let has_objects = page.conversations.iter().any(|conversation| conversation.shape == Shape::Grouped);
    let other = page.unplaced.iter().find(hides);
    let is_scalar = |value: &&Value<'_>| {
        matches!(value.kind(), Kind::Bool | Kind::Number | Kind::NonStandard) && !has_objects
    };
    // A list of nothing but numbers may be one of IDs, with the messages elsewhere.
    let other = other.or_else(|| page.unplaced.iter().find(is_scalar))?;
    Some(format!("`conversations` holds {} where an object is expected", article(*other)))
}

/// A page without messages: nothing else in it may hold them.
fn of_empty(page: &Page<'_>) -> Option<String> {
    let form = &page.form;
    let has_list = [form.conversations, form.messages].contains(&ListMember::List);
    let contact_members = || page.contact.into_iter().flat_map(Value::members).map(|(_, value)| value);
    let siblings = || page.siblings.iter().map(|(_, value)| *value);
    let around = || form.around.iter().map(|(_, value)| *value);
    if has_list {
        let hides = siblings().chain(contact_members()).chain(around()).any(holds_history);
        return hides.then(|| missing("`conversations` with messages", page));
    }
    let is_contact =
        page.contact.map_or(form.is_blank || form.has_null_contact, |contact| contact.kind() == Kind::Object);
    let is_moved_up = form.around.iter().any(|(name, value)| {
        matches!(&**name, "contact" | "conversations" | "messages") || holds_history(*value)
    });
    let hides = is_moved_up || siblings().chain(contact_members()).any(may_hold);
    (!is_contact || hides).then(|| missing("`conversations`", page))
}

/// Conversations beside those that are read.
fn of_others(page: &Page<'_>) -> Option<String> {
    let is_history = |value: Value<'_>| has_list(value) || value.elements().any(has_list);
    let (name, _) = page.siblings.iter().find(|(_, value)| is_history(*value))?;
    Some(format!("the answer has conversations elsewhere too; {}", members_found([&**name].into_iter())))
}

fn missing(what: &str, page: &Page<'_>) -> String {
    let Form { conversations, messages, has_null_contact, around, .. } = &page.form;
    let known = [
        ("contact", page.contact.is_some() || *has_null_contact),
        ("conversations", *conversations != ListMember::Missing),
        ("messages", *messages != ListMember::Missing),
    ];
    let known = known.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name);
    let others = page.siblings.iter().chain(around).map(|(name, _)| &**name);
    format!("the answer has no {what}; {}", members_found(known.chain(others)))
}

/// True if a value could hold a history in a form that is not known.
pub(super) fn may_hold(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Array | Kind::Object => true,
        Kind::String => is_json_text(value),
        Kind::Null | Kind::Bool | Kind::Number | Kind::NonStandard => false,
    }
}

/// True if a string looks like an object or list written as text.
pub(super) fn is_json_text(value: Value<'_>) -> bool {
    value.text().is_some_and(|text| text.trim_start().starts_with(['{', '[']))
}

/// True if a value holds what looks like messages or conversations.
pub(super) fn holds_history(value: Value<'_>) -> bool {
    let is_record = |value: Value<'_>| value.member("message_id").is_some() || has_list(value);
    match value.kind() {
        Kind::Array => value.elements().any(is_record),
        Kind::Object => {
            has_list(value)
                || value.members().any(|(_, inner)| inner.kind() == Kind::Array && inner.elements().any(is_record))
                // A list with numbered gaps.
                || (!value.is_empty() && value.members().all(|(_, inner)| is_record(inner)))
        }
        _ => false,
    }
}

/// True if an object has messages or conversations of its own.
fn has_list(value: Value<'_>) -> bool {
    let is_list = |(name, value): (Cow<'_, str>, Value<'_>)| {
        matches!(&*name, "messages" | "conversations")
            && matches!(value.kind(), Kind::Array | Kind::Object)
            && !value.is_empty()
    };
    value.members().any(is_list)
}
