//! The columns of `channel_records`.

use super::{EXPORTED_AT, RUN_ID, not_null, null};
use crate::table::schema::Column;
use crate::table::schema::Kind::{Int, Json, Str, Ts};

pub(super) const COLUMNS: &[Column] = &[
    not_null(
        "record_id",
        Str,
        "Digest of message, channel, content and number of equal records before it.",
        "f90f20c00f80db9d760229feb8476cf4",
    ),
    not_null(
        "message_id",
        Str,
        "Message that the record belongs to.",
        "6d1425e0-0304-4b2d-aa8d-bfd930011aef",
    ),
    null(
        "conversation_id",
        Str,
        "Conversation that the message belongs to.",
        "8c4e1795-5844-4e1a-8719-e5499d4f5ee7",
    ),
    not_null(
        "contact_id",
        Str,
        "Contact that the message belongs to.",
        "0e56f030-2a0f-41a6-bbff-856264595233",
    ),
    not_null(
        "channel",
        Str,
        "`whatsapp`, `instagram` or `messenger`: the array that held the record.",
        "whatsapp",
    ),
    not_null("record_index", Int, "Position in that array, from 0.", "2"),
    null("status", Str, "Delivery status, such as `sent`, `delivered`, `read` or `failed`.", "read"),
    null("created_at", Ts, "Creation of the record.", "2024-01-11T10:59:18.224000Z"),
    null("event_at", Ts, "Time of the event, as reported by the channel.", "2024-01-11T10:59:17.000000Z"),
    null(
        "event_type",
        Str,
        "`status`, `delivery`, `read`, `reaction`, `postback`, `edit`, `echo`, `message`, `send_ack`, \
         `referral`, `error` or `unknown`.",
        "status",
    ),
    null("message_type", Str, "Type of the content, such as `text`, `image` or `template`.", "image"),
    null(
        "direction",
        Str,
        "`inbound` for messages from the contact, `outbound` for messages to the contact.",
        "outbound",
    ),
    null(
        "platform_message_id",
        Str,
        "ID of the message on the channel, such as a WhatsApp `wamid`.",
        "wamid.HBgMYJG2kKib42VUvhNGrWAM0R3WOxyaFvEj",
    ),
    null(
        "related_message_id",
        Str,
        "Channel's ID of the message replied to, reacted to, read or edited.",
        "wamid.HBgMxxLEvRb4yWcqiHIIrjAteNEUd2ppd97G",
    ),
    null("sender_id", Str, "Sender on the channel.", "33209249744"),
    null("recipient_id", Str, "Recipient on the channel.", "33209249744"),
    null(
        "text",
        Str,
        "Text, caption, button title or emoji.",
        "La voilà. L'écran est fêlé et la boîte était déjà ouverte…",
    ),
    null("template_name", Str, "Name of the message template.", "order_update_v3"),
    null("media_id", Str, "ID of the attachment on the channel.", "8580958355478202"),
    null(
        "media_url",
        Str,
        "Address of the attachment.",
        "https://cdn.example/v/t1.15752-9/PDmGSnViNsbmyyyJq9Jk6wxJ.jpg?_nc_cat=1&ccb=1-7",
    ),
    null("media_mime_type", Str, "MIME type of the attachment.", "image/jpeg"),
    null("error_code", Int, "Code of the first error.", "131051"),
    null("error_title", Str, "Title of the first error.", "Message type unknown"),
    null("error_details", Str, "Details of the first error.", "Message type is currently not supported."),
    null("pricing_category", Str, "Pricing category of a WhatsApp status.", "service"),
    not_null(
        "raw",
        Json,
        "The record as received.",
        r#"{"status":"read","created_at":"2024-01-11T10:59:18.224Z","data":{"id":"wamid.HBgMYJG2kKib42VUvhNGrWAM0R3WOxyaFvEj","status":"read","timestamp":"1704970757","recipient_id":"33209249744"}}"#,
    ),
    EXPORTED_AT,
    RUN_ID,
];
