//! `wa_messages`: webhook events and responses of the WhatsApp Cloud API (Meta, 2026).

use super::contact::Contact;
use super::content::say;
use super::json_out::{self, Time, Uuid, put};
use super::message::{Message, Role};
use super::rng::Rng;

/// The telephone number and ID of the shop.
const SHOP: (&str, &str) = ("15550783881", "106540352242922");

/// Status of an outgoing message.
#[derive(Clone, Copy)]
enum Progress {
    Sent,
    Delivered,
    Read,
    Failed,
}

/// Appends the message's content to `body`, and the members of `wa_messages` to `records`.
pub fn write(message: &Message<'_>, body: &mut String, records: &mut String) {
    records.reserve(1200);
    let mut rng = Rng::new(message.key, 2);
    let wamid = wamid(message.contact, message.key);
    match message.role {
        Role::User => inbound(message, &mut rng, &wamid, body, records),
        _ => outbound(message, &mut rng, &wamid, body, records),
    }
}

/// WhatsApp's ID of the message of this contact with this key.
fn wamid(contact: &Contact, key: u64) -> String {
    let mut rng = Rng::new(key, 3);
    if let Some(canaries) = &contact.canaries {
        return canaries.wamid(&mut rng);
    }
    let mut id = String::with_capacity(48);
    id.push_str("wamid.HBgM");
    json_out::opaque(&mut id, &mut rng, 32);
    id
}

fn inbound(message: &Message<'_>, rng: &mut Rng, wamid: &str, body: &mut String, records: &mut String) {
    let (contact, seconds) = (message.contact, message.at / 1000);
    put!(records, "{{\"status\":\"received\",\"created_at\":\"{}\",\"data\":", Time(message.at + 400));
    let wrapped = rng.one_in(4);
    if wrapped {
        put!(
            records,
            "{{\"object\":\"whatsapp_business_account\",\"entry\":[{{\"id\":\"{}\",\"changes\":[",
            SHOP.1
        );
        put!(
            records,
            "{{\"field\":\"messages\",\"value\":{{\"messaging_product\":\"whatsapp\",\"metadata\":"
        );
        put!(records, "{{\"display_phone_number\":\"{}\",\"phone_number_id\":\"{}\"}}", SHOP.0, SHOP.1);
        put!(records, ",\"contacts\":[{{\"profile\":{{\"name\":\"{}\"}}", contact.first_name);
        put!(records, ",\"wa_id\":\"{}\"}}],\"messages\":[", contact.phone);
    }
    put!(records, "{{\"from\":\"{}\",\"id\":\"{wamid}\",\"timestamp\":\"{seconds}\",", contact.phone);
    let answered = message.previous_key().filter(|_| rng.one_in(6));
    if let Some(previous) = answered {
        put!(
            records,
            "\"context\":{{\"from\":\"{}\",\"id\":\"{}\"}},",
            SHOP.0,
            self::wamid(contact, previous)
        );
    }
    received(message, rng, body, records);
    records.push_str(if wrapped { "}]}}]}]}}" } else { "}}" });
}

/// Appends the content that the contact sent, which is text in most cases.
fn received(message: &Message<'_>, rng: &mut Rng, body: &mut String, records: &mut String) {
    match rng.below(40) {
        0 | 1 => {
            say(message, body);
            put!(
                records,
                "\"type\":\"image\",\"image\":{{\"caption\":\"{body}\",\"mime_type\":\"image/jpeg\","
            );
            media(rng, records);
        }
        2 => {
            body.push_str("[audio]");
            records.push_str(
                "\"type\":\"audio\",\"audio\":{\"voice\":true,\"mime_type\":\"audio/ogg; codecs=opus\",",
            );
            media(rng, records);
        }
        3 => {
            body.push_str("[document]");
            records.push_str("\"type\":\"document\",\"document\":{\"filename\":\"factura núm. 7.pdf\",\"mime_type\":\"application/pdf\",");
            media(rng, records);
        }
        4 => {
            body.push_str("Sí, por favor");
            records.push_str("\"type\":\"interactive\",\"interactive\":{\"type\":\"button_reply\",\"button_reply\":{\"id\":\"yes_1\",\"title\":\"Sí, por favor\"}}");
        }
        5 => {
            body.push_str("Delivery & shipping");
            records.push_str("\"type\":\"interactive\",\"interactive\":{\"type\":\"list_reply\",\"list_reply\":{\"id\":\"menu.2\",\"title\":\"Delivery & shipping\",\"description\":\"Where is my order?\"}}");
        }
        6 => {
            body.push_str("❤️");
            let target = message
                .previous_key()
                .map_or_else(|| "wamid.unknown".to_owned(), |key| wamid(message.contact, key));
            put!(
                records,
                "\"type\":\"reaction\",\"reaction\":{{\"message_id\":\"{target}\",\"emoji\":\"❤️\"}}"
            );
        }
        7 => {
            body.push_str("Track my order");
            records.push_str(
                "\"type\":\"button\",\"button\":{\"payload\":\"TRACK\",\"text\":\"Track my order\"}",
            );
        }
        8 => {
            body.push_str("[location]");
            records.push_str("\"type\":\"location\",\"location\":{\"latitude\":59.3293235,\"longitude\":18.0685808,\"name\":\"Slussen\"}");
        }
        9 => {
            body.push_str("[unsupported]");
            records.push_str("\"type\":\"unsupported\",\"errors\":[{\"code\":131051,\"title\":\"Message type unknown\",\"message\":\"Message type unknown\",\"error_data\":{\"details\":\"Message type is currently not supported.\"}}]");
        }
        _ => {
            say(message, body);
            put!(records, "\"type\":\"text\",\"text\":{{\"body\":\"{body}\"}}");
        }
    }
}

fn media(rng: &mut Rng, records: &mut String) {
    records.push_str("\"sha256\":\"");
    json_out::opaque(records, rng, 43);
    records.push_str("=\",\"id\":\"");
    json_out::digits(records, rng, 16);
    records.push_str("\"}");
}

fn outbound(message: &Message<'_>, rng: &mut Rng, wamid: &str, body: &mut String, records: &mut String) {
    say(message, body);
    let (phone, at) = (&message.contact.phone, message.at);
    if message.is_template() {
        put!(
            records,
            "{{\"status\":\"template\",\"created_at\":\"{}\",\"data\":{{\"messaging_product\":\"whatsapp\"",
            Time(at)
        );
        put!(
            records,
            ",\"to\":\"{phone}\",\"type\":\"template\",\"template\":{{\"name\":\"order_update_v3\",\"language\":"
        );
        put!(
            records,
            "{{\"code\":\"{}\"}},\"components\":[{{\"type\":\"body\",\"parameters\":",
            message.contact.language.code
        );
        put!(records, "[{{\"type\":\"text\",\"text\":\"{}\"}}]}}]}}}}}},", message.contact.first_name);
    }
    if message.is_template() || rng.one_in(8) {
        put!(
            records,
            "{{\"status\":\"accepted\",\"created_at\":\"{}\",\"data\":{{\"messaging_product\":\"whatsapp\"",
            Time(at + 150)
        );
        put!(records, ",\"contacts\":[{{\"input\":\"+{phone}\",\"wa_id\":\"{phone}\"}}],\"messages\":");
        put!(records, "[{{\"id\":\"{wamid}\",\"message_status\":\"accepted\"}}]}}}},");
    }
    let steps: &[Progress] = match rng.below(20) {
        0 => &[Progress::Failed],
        1 => &[Progress::Sent],
        2..6 => &[Progress::Sent, Progress::Delivered],
        6..9 => &[Progress::Sent, Progress::Read],
        9 => &[Progress::Sent, Progress::Read, Progress::Delivered],
        _ => &[Progress::Sent, Progress::Delivered, Progress::Read],
    };
    let steps = if message.has_receipts() { steps } else { &steps[..1] };
    // Older versions of the API send a conversation beside the price.
    let conversation = rng.one_in(2).then_some(message.conversation.id);
    let mut at = at + 300;
    for (place, step) in steps.iter().enumerate() {
        if place > 0 {
            records.push(',');
        }
        at += 200 + i64::try_from(rng.below(60_000)).expect("a minute");
        status(message, *step, at, wamid, records);
        if place == 0 {
            price(message, conversation, records);
        }
        records.push_str("}}");
    }
}

/// Appends a status without its two closing braces.
fn status(message: &Message<'_>, step: Progress, at: i64, wamid: &str, records: &mut String) {
    let name = match step {
        Progress::Sent => "sent",
        Progress::Delivered => "delivered",
        Progress::Read => "read",
        Progress::Failed => "failed",
    };
    put!(
        records,
        "{{\"status\":\"{name}\",\"created_at\":\"{}\",\"data\":{{\"id\":\"{wamid}\"",
        Time(at + 350)
    );
    put!(
        records,
        ",\"status\":\"{name}\",\"timestamp\":\"{}\",\"recipient_id\":\"{}\"",
        at / 1000,
        message.contact.phone
    );
    if matches!(step, Progress::Failed) {
        records.push_str(",\"errors\":[{\"code\":131047,\"title\":\"Re-engagement message\",\"message\":\"Re-engagement message\",\"error_data\":{\"details\":\"Message failed to send because more than 24 hours have passed since the customer last replied to this number.\"}}]");
    }
}

fn price(message: &Message<'_>, conversation: Option<Uuid>, records: &mut String) {
    let category = if message.is_template() { "utility" } else { "service" };
    if let Some(conversation) = conversation {
        put!(records, ",\"conversation\":{{\"id\":\"{conversation}\"");
        put!(records, ",\"origin\":{{\"type\":\"{category}\"}}}}");
    }
    put!(records, ",\"pricing\":{{\"billable\":{},\"pricing_model\":\"PMP\"", message.is_template());
    put!(records, ",\"type\":\"regular\",\"category\":\"{category}\"}}");
}
