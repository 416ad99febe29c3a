//! Finds the event of a record. A record is an event, or contains one in the envelopes of webhooks.

use crate::json::{Document, Kind, Value};
use crate::record::{MemberName, member, read_json};

macro_rules! event_members {
    ($($field:ident: $name:ident),* $(,)?) => {
        /// Members of an event that are read. Null counts as missing.
        #[derive(Clone, Copy, Debug, Default)]
        pub(super) struct Event<'a> {
            $(pub(super) $field: Option<Value<'a>>,)*
            /// The object with all members.
            pub(super) object: Option<Value<'a>>,
            /// True if it was in the `messages` of an envelope that also has `contacts`.
            pub(super) among_contacts: bool,
        }

        impl<'a> Event<'a> {
            fn read(object: Value<'a>) -> Self {
                let mut event = Self { object: Some(object), ..Self::default() };
                for (key, value) in object.keyed() {
                    let value = (!value.is_null()).then_some(value);
                    match MemberName::of(key) {
                        $(Some(MemberName::$name) => event.$field = value,)*
                        _ => {}
                    }
                }
                event
            }
        }
    };
}

event_members! {
    button: Button,
    contacts: Contacts,
    context: Context,
    delivery: Delivery,
    entry: Entry,
    errors: Errors,
    from: From,
    id: Id,
    interactive: Interactive,
    is_echo: IsEcho,
    kind: Type,
    message: Message,
    message_edit: MessageEdit,
    message_status: MessageStatus,
    messages: Messages,
    messaging: Messaging,
    postback: Postback,
    pricing: Pricing,
    reaction: Reaction,
    read: Read,
    recipient: Recipient,
    recipient_id: RecipientId,
    referral: Referral,
    sender: Sender,
    status: Status,
    statuses: Statuses,
    template: Template,
    text: Text,
    timestamp: Timestamp,
}

/// Members of the record itself, outside its event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Envelope<'a> {
    data: Option<Value<'a>>,
    pub(super) status: Option<Value<'a>>,
    pub(super) created_at: Option<Value<'a>>,
}

impl<'a> Envelope<'a> {
    /// Reads a record. All members are `None` if it is not an object.
    pub(super) fn read(record: Value<'a>) -> Self {
        let mut envelope = Self::default();
        for (key, value) in record.keyed() {
            match MemberName::of(key) {
                Some(MemberName::Data) => envelope.data = Some(value),
                Some(MemberName::Status) => envelope.status = Some(value),
                Some(MemberName::CreatedAt) => envelope.created_at = Some(value),
                _ => {}
            }
        }
        envelope
    }
}

/// Finds the event of a record; `None` if it contains no object.
pub(super) fn with_event<T>(
    record: Value<'_>,
    envelope: &Envelope<'_>,
    then: impl FnOnce(Option<&Event<'_>>) -> T,
) -> T {
    let inner = envelope.data.filter(|data| !data.is_null());
    let text = inner.and_then(Value::text);
    let parsed = text.and_then(|text| read_json(text).ok());
    let parsed = parsed.as_ref().map(Document::root);
    let start = inner.into_iter().chain(parsed).chain([record]).find(|value| value.kind() == Kind::Object);
    then(start.map(unwrap).as_ref())
}

fn unwrap(start: Value<'_>) -> Event<'_> {
    let event = Event::read(start);
    let entry = event.entry.and_then(first);
    let delivered = || {
        let change = entry
            .and_then(|entry| first(key(entry, MemberName::Changes)?))
            .and_then(|change| key(change, MemberName::Value));
        change.and_then(object)
    };
    if let Some(change) = delivered() {
        let change = Event::read(change);
        return inside(&change).unwrap_or(change);
    }
    let messaging = || entry.and_then(|entry| first(key(entry, MemberName::Messaging)?)).and_then(object);
    let standby = || entry.and_then(|entry| first(key(entry, MemberName::Standby)?)).and_then(object);
    let bare = || event.messaging.and_then(first).and_then(object);
    match messaging().or_else(standby).or_else(bare) {
        Some(found) => Event::read(found),
        None => inside(&event).unwrap_or(event),
    }
}

/// Returns the first status, or the first message, with the contacts beside it.
fn inside<'a>(value: &Event<'a>) -> Option<Event<'a>> {
    if let Some(status) = value.statuses.and_then(first).and_then(object) {
        return Some(Event::read(status));
    }
    let mut message = Event::read(value.messages.and_then(first).and_then(object)?);
    if value.contacts.is_some() {
        message.among_contacts = true;
        // The message itself may be of type contacts.
        message.contacts = message.contacts.or(value.contacts);
    }
    Some(message)
}

fn object(value: Value<'_>) -> Option<Value<'_>> {
    (value.kind() == Kind::Object).then_some(value)
}

/// Returns the member `name` of an object; `None` if missing or null.
pub(super) fn key(value: Value<'_>, name: MemberName) -> Option<Value<'_>> {
    member(value, name).filter(|member| !member.is_null())
}

/// Returns the first element of an array; `None` if missing or null.
pub(super) fn first(value: Value<'_>) -> Option<Value<'_>> {
    value.elements().next().filter(|element| !element.is_null())
}
