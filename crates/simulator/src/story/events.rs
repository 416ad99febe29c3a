//! `instagram_messages` and `messenger_messages`: webhook events of Meta's platforms, 2026.

use crate::channel::Channel;

use super::json_out::{self, put};
use super::message::{Message, Role};
use super::rng::Rng;

/// Appends the members of the channel's record array for a message with the text `body`.
pub fn write(message: &Message<'_>, body: &str, records: &mut String) {
    records.reserve(700);
    let mut rng = Rng::new(message.key, 2);
    let (page, person) = parties(message);
    let mid = mid(message.key);
    let at = message.at;
    match message.role {
        Role::User if rng.one_in(12) => {
            put!(
                records,
                "{{\"sender\":{{\"id\":\"{person}\"}},\"recipient\":{{\"id\":\"{page}\"}},\"timestamp\":{at}"
            );
            put!(
                records,
                ",\"postback\":{{\"mid\":\"{mid}\",\"title\":\"Get started\",\"payload\":\"GET_STARTED\"}}}}"
            );
        }
        Role::User => {
            let wrapped = rng.one_in(6);
            if wrapped {
                let object =
                    if message.conversation.channel == Channel::Instagram { "instagram" } else { "page" };
                put!(
                    records,
                    "{{\"object\":\"{object}\",\"entry\":[{{\"id\":\"{page}\",\"time\":{at},\"messaging\":["
                );
            }
            put!(
                records,
                "{{\"sender\":{{\"id\":\"{person}\"}},\"recipient\":{{\"id\":\"{page}\"}},\"timestamp\":{at}"
            );
            put!(records, ",\"message\":{{\"mid\":\"{mid}\",\"text\":\"{body}\"");
            extras(message, &mut rng, records);
            records.push_str(if wrapped { "}}]}]}" } else { "}}" });
        }
        Role::Assistant | Role::Agent => {
            put!(
                records,
                "{{\"sender\":{{\"id\":\"{page}\"}},\"recipient\":{{\"id\":\"{person}\"}},\"timestamp\":{at}"
            );
            put!(records, ",\"message\":{{\"mid\":\"{mid}\",\"text\":\"{body}\",\"is_echo\":true}}}}");
            if message.has_receipts() {
                receipts(message, &mut rng, &mid, records);
            }
        }
    }
}

/// Appends what may come with the text of a message: an image, a reply or a quick reply.
fn extras(message: &Message<'_>, rng: &mut Rng, records: &mut String) {
    match rng.below(10) {
        0 => {
            records.push_str(",\"attachments\":[{\"type\":\"image\",\"payload\":{\"url\":\"https://cdn.example/v/t1.15752-9/");
            json_out::opaque(records, rng, 24);
            records.push_str(".jpg?_nc_cat=1&ccb=1-7\"}}]");
        }
        1 => {
            if let Some(previous) = message.previous_key() {
                put!(records, ",\"reply_to\":{{\"mid\":\"{}\"}}", mid(previous));
            }
        }
        2 => records.push_str(",\"quick_reply\":{\"payload\":\"ORDER_STATUS\"}"),
        _ => {}
    }
}

/// Appends the contact's reactions to an outgoing message: delivery, read receipt, emoji.
fn receipts(message: &Message<'_>, rng: &mut Rng, mid: &str, records: &mut String) {
    let (page, person) = parties(message);
    let at = message.at + 1000 + i64::try_from(rng.below(600_000)).expect("ten minutes");
    let head = |records: &mut String| {
        put!(
            records,
            ",{{\"sender\":{{\"id\":\"{person}\"}},\"recipient\":{{\"id\":\"{page}\"}},\"timestamp\":{at}"
        );
    };
    let messenger = message.conversation.channel == Channel::Messenger;
    if messenger && rng.one_in(2) {
        head(records);
        put!(records, ",\"delivery\":{{\"mids\":[\"{mid}\"],\"watermark\":{at}}}}}");
    }
    if !rng.one_in(3) {
        head(records);
        if messenger {
            put!(records, ",\"read\":{{\"watermark\":{at}}}}}");
        } else {
            put!(records, ",\"read\":{{\"mid\":\"{mid}\"}}}}");
        }
    }
    if rng.one_in(10) {
        head(records);
        put!(
            records,
            ",\"reaction\":{{\"mid\":\"{mid}\",\"action\":\"react\",\"reaction\":\"love\",\"emoji\":\"😍\"}}}}"
        );
    }
}

/// The platform's IDs of the shop's page and of the contact.
fn parties(message: &Message<'_>) -> (&'static str, String) {
    let page = match message.conversation.channel {
        Channel::Instagram => "17841405822304914",
        _ => "102938475610293",
    };
    let mut person = String::with_capacity(16);
    json_out::digits(&mut person, &mut Rng::new(message.conversation.key, 1 << 32), 16);
    (page, person)
}

/// The platform's ID of the message with this key.
fn mid(key: u64) -> String {
    let mut id = String::with_capacity(64);
    id.push_str("m_");
    json_out::opaque(&mut id, &mut Rng::new(key, 3), 48);
    id
}
