//! The form of an answer, as the walk over it finds it. [`super::answer`] decides by it.

use std::borrow::Cow;

use super::answer::{holds_history, is_json_text, may_hold};
use super::names::{article, members_found};
use crate::json::{Kind, Value};

/// A member that should be a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ListMember {
    #[default]
    Missing,
    Null,
    List,
    /// A value of another type.
    Other,
}

impl ListMember {
    pub(super) fn of(value: Value<'_>) -> Self {
        match value.kind() {
            Kind::Null => Self::Null,
            Kind::Array => Self::List,
            _ => Self::Other,
        }
    }
}

/// The form of one answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Form<'a> {
    /// The first flaw found.
    pub(super) flaw: Option<String>,
    /// The error that the answer reports beside its records.
    pub(super) complaint: Option<String>,
    /// True if `data.data` is null or `{}`.
    pub(super) is_blank: bool,
    /// True if `contact` is null.
    pub(super) has_null_contact: bool,
    pub(super) conversations: ListMember,
    pub(super) messages: ListMember,
    /// Objects and lists beside `data` and beside `data.data`.
    pub(super) around: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// The flaw of a list that is no list.
pub(super) fn of_list(name: &str, value: Value<'_>) -> Option<String> {
    (ListMember::of(value) == ListMember::Other)
        .then(|| format!("the answer has `{name}` as {} where a list is expected", article(value)))
}

/// The flaw of a member that comes twice: the later one is read, and must not hide anything.
pub(super) fn of_double(name: &str, earlier: Option<Value<'_>>, later: Value<'_>) -> Option<String> {
    let earlier = earlier?;
    let hides = matches!(earlier.kind(), Kind::Array | Kind::Object) && !earlier.is_empty();
    (hides && earlier != later).then(|| format!("the answer has `{name}` twice, with different values"))
}

/// The flaw of an element of a list of messages.
pub(super) fn of_message(message: Value<'_>, has_id: bool) -> Option<String> {
    let hides = match message.kind() {
        Kind::Array => {
            message.elements().any(|element| element.kind() == Kind::Object || is_json_text(element))
        }
        Kind::String => is_json_text(message),
        Kind::Object => {
            !has_id
                && message.members().any(|(name, value)| {
                    matches!(&*name, "messages" | "conversations") && may_hold(value) && !value.is_empty()
                })
        }
        Kind::Null | Kind::Bool | Kind::Number | Kind::NonStandard => false,
    };
    hides.then(|| match message.kind() {
        Kind::Object => "`messages` holds a list of messages where a message is expected".to_owned(),
        _ => format!("`messages` holds {} where an object is expected", article(message)),
    })
}

/// The flaw of a conversation without messages: nothing else in it may hold them.
pub(super) fn of_conversation(fields: &[(Cow<'_, str>, Value<'_>)], messages: ListMember) -> Option<String> {
    let is_known = |name: &str| {
        matches!(
            name,
            "conversation_id" | "conversation_status" | "conversation_type" | "assigned_to" | "chatbot_id"
        )
    };
    let is_of_message = |name: &str| matches!(name, "message_id" | "message_order" | "role" | "content");
    let hides = |(name, value): &(Cow<'_, str>, Value<'_>)| {
        if messages == ListMember::List || is_known(name) {
            holds_history(*value)
        } else {
            may_hold(*value) || is_of_message(name)
        }
    };
    fields.iter().any(hides).then(|| {
        let found = members_found(fields.iter().map(|(name, _)| &**name));
        match messages {
            ListMember::List => format!("a conversation has its messages elsewhere; {found}"),
            _ => format!("a conversation has no `messages`; {found}"),
        }
    })
}
