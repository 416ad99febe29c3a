//! Reads the fields of an event, each from the first of its places (`docs/api.md#columns-of-a-record`).

use std::borrow::Cow;

use crate::json::{Kind, Value};
use crate::record::{MemberName, column_text, member_named};

use super::super::value::{boolean, int, time};
use super::envelope::{Envelope, Event, first, key};
use super::{Direction, EventType, Lifted};

/// Lifts the columns of a record whose event was found.
pub(super) fn lift<'a>(envelope: &Envelope<'a>, event: Option<&Event<'a>>) -> Lifted<'a> {
    let status = envelope.status.and_then(column_text);
    let created_at = envelope.created_at.and_then(|value| time(value).fitting());
    let Some(event) = event else { return Lifted { status, created_at, ..Lifted::default() } };

    let event_type = event_type(event);
    let sender_id = event.from.or_else(|| key(event.sender?, MemberName::Id)).and_then(column_text);
    let typed = typed(event);
    let of_type = |name| key(typed?, name);
    let attachment = event.message.and_then(|message| first(key(message, MemberName::Attachments)?));
    let error = event.errors.and_then(first);
    let of_error = |name| key(error?, name);
    Lifted {
        status: status.or_else(|| event.status.or(event.message_status).and_then(column_text)),
        created_at,
        event_at: event.timestamp.and_then(|value| time(value).fitting()),
        event_type,
        message_type: message_type(event, attachment),
        direction: direction(event_type, sender_id.is_some()),
        platform_message_id: platform_message_id(event).and_then(column_text),
        related_message_id: related_message_id(event).and_then(column_text),
        sender_id,
        recipient_id: recipient_id(event, event_type).and_then(column_text),
        text: text(event, typed).and_then(column_text),
        template_name: event
            .template
            .and_then(|template| key(template, MemberName::Name))
            .and_then(column_text),
        media_id: of_type(MemberName::Id).and_then(column_text),
        media_url: of_type(MemberName::Link)
            .or_else(|| of_type(MemberName::Url))
            .or_else(|| key(key(attachment?, MemberName::Payload)?, MemberName::Url))
            .and_then(column_text),
        media_mime_type: of_type(MemberName::MimeType).and_then(column_text),
        error_code: of_error(MemberName::Code).and_then(|code| int(code).fitting()),
        error_title: of_error(MemberName::Title)
            .or_else(|| of_error(MemberName::Message))
            .and_then(column_text),
        error_details: of_error(MemberName::ErrorData)
            .and_then(|more| key(more, MemberName::Details))
            .and_then(column_text),
        pricing_category: event
            .pricing
            .and_then(|pricing| key(pricing, MemberName::Category))
            .and_then(column_text),
    }
}

fn event_type(event: &Event<'_>) -> EventType {
    let is_set = |member: Option<Value<'_>>| member.is_some_and(|value| value.raw() != "false");
    let is_true = |value: Value<'_>| boolean(value).fitting() == Some(true);
    let echo = || {
        event
            .message
            .and_then(|message| key(message, MemberName::IsEcho))
            .or(event.is_echo)
            .is_some_and(is_true)
    };
    let kinds: [(EventType, &dyn Fn() -> bool); 11] = [
        (EventType::Status, &|| event.status.is_some() && own_recipient(event).is_some()),
        (EventType::Delivery, &|| is_set(event.delivery)),
        (EventType::Read, &|| is_set(event.read)),
        (EventType::Reaction, &|| is_set(event.reaction)),
        (EventType::Postback, &|| is_set(event.postback)),
        (EventType::Edit, &|| is_set(event.message_edit)),
        (EventType::Echo, &echo),
        (EventType::Message, &|| is_set(event.message) || (event.kind.is_some() && event.from.is_some())),
        (EventType::SendAck, &|| is_send_ack(event)),
        (EventType::Referral, &|| is_set(event.referral)),
        (EventType::Error, &|| event.errors.and_then(first).is_some()),
    ];
    kinds.into_iter().find(|(_, holds)| holds()).map_or(EventType::Unknown, |(kind, _)| kind)
}

/// True for the response to a send request: contacts and messages without a sender.
fn is_send_ack(event: &Event<'_>) -> bool {
    let both = event.among_contacts || (event.contacts.is_some() && event.messages.is_some());
    both && event.from.is_none()
}

fn direction(event_type: EventType, from_somebody: bool) -> Option<Direction> {
    match event_type {
        EventType::Status | EventType::SendAck | EventType::Echo => Some(Direction::Outbound),
        EventType::Message | EventType::Reaction | EventType::Postback if from_somebody => {
            Some(Direction::Inbound)
        }
        _ => None,
    }
}

fn message_type<'a>(event: &Event<'a>, attachment: Option<Value<'a>>) -> Option<Cow<'a, str>> {
    let text =
        || event.message.and_then(|message| key(message, MemberName::Text)).map(|_| Cow::Borrowed("text"));
    let sent = event.kind.or_else(|| key(attachment?, MemberName::Type));
    sent.and_then(column_text).or_else(text)
}

fn platform_message_id<'a>(event: &Event<'a>) -> Option<Value<'a>> {
    event
        .id
        .or_else(|| key(event.message?, MemberName::Mid))
        .or_else(|| key(event.postback?, MemberName::Mid))
        .or_else(|| first(key(event.delivery?, MemberName::Mids)?))
        .or_else(|| key(first(event.messages?)?, MemberName::Id))
}

fn related_message_id<'a>(event: &Event<'a>) -> Option<Value<'a>> {
    key_of(event.context, MemberName::Id)
        .or_else(|| key(key(event.message?, MemberName::ReplyTo)?, MemberName::Mid))
        .or_else(|| key_of(event.reaction, MemberName::MessageId))
        .or_else(|| key_of(event.reaction, MemberName::Mid))
        .or_else(|| key_of(event.read, MemberName::Mid))
        .or_else(|| key_of(event.message_edit, MemberName::Mid))
}

fn own_recipient<'a>(event: &Event<'a>) -> Option<Value<'a>> {
    event.recipient_id.or_else(|| key_of(event.recipient, MemberName::Id))
}

fn recipient_id<'a>(event: &Event<'a>, event_type: EventType) -> Option<Value<'a>> {
    let answered = || match event_type {
        EventType::SendAck => key(first(event.contacts?)?, MemberName::WaId),
        _ => None,
    };
    own_recipient(event).or_else(answered)
}

/// Returns the member that the event's `type` names. It has the details of media.
fn typed<'a>(event: &Event<'a>) -> Option<Value<'a>> {
    let kind = event.kind.filter(|kind| kind.kind() == Kind::String)?.text()?;
    member_named(event.object?, &kind).filter(|details| !details.is_null())
}

fn text<'a>(event: &Event<'a>, typed: Option<Value<'a>>) -> Option<Value<'a>> {
    let reply = |name| key(key(event.interactive?, name)?, MemberName::Title);
    key_of(event.text, MemberName::Body)
        .or_else(|| key_of(event.message, MemberName::Text))
        .or_else(|| key_of(typed, MemberName::Caption))
        .or_else(|| key_of(event.button, MemberName::Text))
        .or_else(|| reply(MemberName::ButtonReply))
        .or_else(|| reply(MemberName::ListReply))
        .or_else(|| reply(MemberName::NfmReply))
        .or_else(|| key_of(event.postback, MemberName::Title))
        .or_else(|| key_of(event.message_edit, MemberName::Text))
        .or_else(|| key_of(event.reaction, MemberName::Emoji))
}

fn key_of(value: Option<Value<'_>>, name: MemberName) -> Option<Value<'_>> {
    key(value?, name)
}
