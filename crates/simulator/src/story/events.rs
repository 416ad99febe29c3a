//! `instagram_messages` and `messenger_messages`: webhook events of Meta's platforms, 2026.

use crate::channel::Channel;

use super::dice::Dice;
use super::ink::{self, put};
use super::message::{Message, Role};

/// Appends the members of the channel's record array for a message that says `body`.
pub fn write(message: &Message<'_>, body: &str, records: &mut String) {
    records.reserve(700);
    let mut dice = Dice::new(message.key, 2);
    let (page, person) = parties(message);
    let mid = mid(message.key);
    let at = message.at;
    match message.role {
        Role::User if dice.one_in(12) => {
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
            let wrapped = dice.one_in(6);
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
            extras(message, &mut dice, records);
            records.push_str(if wrapped { "}}]}]}" } else { "}}" });
        }
        Role::Assistant | Role::Agent => {
            put!(
                records,
                "{{\"sender\":{{\"id\":\"{page}\"}},\"recipient\":{{\"id\":\"{person}\"}},\"timestamp\":{at}"
            );
            put!(records, ",\"message\":{{\"mid\":\"{mid}\",\"text\":\"{body}\",\"is_echo\":true}}}}");
            receipts(message, &mut dice, &mid, records);
        }
    }
}

/// What may stand beside the text of a message: a picture, the message it answers, the button that was pressed.
fn extras(message: &Message<'_>, dice: &mut Dice, records: &mut String) {
    match dice.below(10) {
        0 => {
            records.push_str(",\"attachments\":[{\"type\":\"image\",\"payload\":{\"url\":\"https://cdn.example/v/t1.15752-9/");
            ink::opaque(records, dice, 24);
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

/// What the other side did with a message of ours.
fn receipts(message: &Message<'_>, dice: &mut Dice, mid: &str, records: &mut String) {
    let (page, person) = parties(message);
    let at = message.at + 1000 + i64::try_from(dice.below(600_000)).expect("ten minutes");
    let head = |records: &mut String| {
        put!(
            records,
            ",{{\"sender\":{{\"id\":\"{person}\"}},\"recipient\":{{\"id\":\"{page}\"}},\"timestamp\":{at}"
        );
    };
    let messenger = message.conversation.channel == Channel::Messenger;
    if messenger && dice.one_in(2) {
        head(records);
        put!(records, ",\"delivery\":{{\"mids\":[\"{mid}\"],\"watermark\":{at}}}}}");
    }
    if !dice.one_in(3) {
        head(records);
        if messenger {
            put!(records, ",\"read\":{{\"watermark\":{at}}}}}");
        } else {
            put!(records, ",\"read\":{{\"mid\":\"{mid}\"}}}}");
        }
    }
    if dice.one_in(10) {
        head(records);
        put!(
            records,
            ",\"reaction\":{{\"mid\":\"{mid}\",\"action\":\"react\",\"reaction\":\"love\",\"emoji\":\"😍\"}}}}"
        );
    }
}

/// The IDs of the shop's page and of the contact, as the platform knows them.
fn parties(message: &Message<'_>) -> (&'static str, String) {
    let page = match message.conversation.channel {
        Channel::Instagram => "17841405822304914",
        _ => "102938475610293",
    };
    let mut person = String::with_capacity(16);
    ink::digits(&mut person, &mut Dice::new(message.conversation.key, 1 << 32), 16);
    (page, person)
}

/// The platform's ID of the message with this key.
fn mid(key: u64) -> String {
    let mut id = String::with_capacity(64);
    id.push_str("m_");
    ink::opaque(&mut id, &mut Dice::new(key, 3), 48);
    id
}
