//! The columns of `messages`.

use super::{EXPORTED_AT, RUN_ID, extra, not_null, null};
use crate::table::schema::Column;
use crate::table::schema::Kind::{Int, Str, Ts};

pub(super) const COLUMNS: &[Column] = &[
    not_null(
        "message_id",
        Str,
        "ID of the message, or `x-` and a digest of its content if the API sent no ID.",
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
    null("message_order", Int, "Position in the conversation, as reported by the API.", "2"),
    null("role", Str, "Role of the sender, such as `user`, `agent` or `assistant`.", "assistant"),
    null(
        "content",
        Str,
        "Text of the message.",
        "Bonjour Noël ! Nous sommes désolés. Pourriez-vous nous envoyer une photo de l'article ?",
    ),
    null("created_at", Ts, "Creation of the message.", "2024-01-11T10:57:42.105000Z"),
    null(
        "channel",
        Str,
        "`whatsapp`, `instagram`, `messenger` or `website`; null if it cannot be determined.",
        "whatsapp",
    ),
    null("conversation_type", Str, "Type of the message's conversation.", "whatsapp-template"),
    null("conversation_status", Str, "Status of the message's conversation.", "resolved"),
    null(
        "assigned_to",
        Str,
        "Person or team that the message's conversation is assigned to.",
        "åsa.lindqvist@shop.example",
    ),
    null("chatbot_id", Str, "Chatbot of the message's conversation.", "28549e85-465a-4df3-895b-4ed9f24173f5"),
    extra(r#"{"sentiment":{"score":0.87,"labels":["upset"]},"is_deleted":null}"#),
    EXPORTED_AT,
    RUN_ID,
];
