//! The columns of `conversations`.

use super::{EXPORTED_AT, RUN_ID, extra, not_null, null};
use crate::table::schema::Column;
use crate::table::schema::Kind::{Int, Str, Ts};

pub(super) const COLUMNS: &[Column] = &[
    not_null("conversation_id", Str, "ID of the conversation.", "8c4e1795-5844-4e1a-8719-e5499d4f5ee7"),
    not_null(
        "contact_id",
        Str,
        "Contact that the conversation belongs to.",
        "0e56f030-2a0f-41a6-bbff-856264595233",
    ),
    null("conversation_status", Str, "Status of the conversation, as reported by the API.", "resolved"),
    null(
        "conversation_type",
        Str,
        "Type of the conversation, such as `whatsapp` or `whatsapp-template`.",
        "whatsapp-template",
    ),
    null(
        "assigned_to",
        Str,
        "Person or team that the conversation is assigned to.",
        "åsa.lindqvist@shop.example",
    ),
    null("chatbot_id", Str, "Chatbot of the conversation.", "28549e85-465a-4df3-895b-4ed9f24173f5"),
    not_null("message_count", Int, "Number of messages of this conversation that the run exported.", "89"),
    null(
        "first_message_at",
        Ts,
        "Creation of the conversation's oldest exported message.",
        "2024-01-11T10:56:58.300000Z",
    ),
    null(
        "last_message_at",
        Ts,
        "Creation of the conversation's newest exported message.",
        "2024-02-06T08:12:27.899000Z",
    ),
    extra(r#"{"labels":["vip","länge sedan"],"closed_at":null,"rating":5}"#),
    EXPORTED_AT,
    RUN_ID,
];
