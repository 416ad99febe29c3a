//! The columns of each table: name, kind, nullability and meaning. This is their only definition.
//!
//! `schema` prints the meanings, and `docs/reference.md` has them from there.

use super::schema::Kind::{self, Bool, Int, Json, Str, Ts};
use super::schema::{Column, Table};

const EXTRA: Column =
    null("extra", Json, "Fields without a column, and values that do not fit their column, as one object");
const EXPORTED_AT: Column = not_null("exported_at", Ts, "Start of the run that wrote the row");
const RUN_ID: Column = not_null("run_id", Str, "Run that wrote the row");

const CONTACTS: &[Column] = &[
    not_null("contact_id", Str, "ID of the contact, as asked for"),
    null("user_email_id", Str, "E-mail address of the account's owner, not of the contact"),
    null("first_name", Str, "First name of the contact"),
    null("last_name", Str, "Last name of the contact"),
    null("phone_number", Str, "Phone number of the contact"),
    null("created_at", Ts, "Creation of the contact"),
    null("last_interacted_at", Ts, "Last interaction with the contact, as reported by the API"),
    null("contact_queries", Int, "Number of queries of the contact, as reported by the API"),
    null("is_blacklisted", Bool, "True if the contact is on the account's blacklist"),
    null("is_frozen", Bool, "True if the contact is frozen"),
    null("frozen_until", Ts, "End of the freeze"),
    not_null("conversation_count", Int, "Conversations of this contact that the run exported"),
    not_null("message_count", Int, "Messages of this contact that the run exported"),
    null("first_message_at", Ts, "Creation of the oldest exported message"),
    null("last_message_at", Ts, "Creation of the newest exported message"),
    EXTRA,
    EXPORTED_AT,
    RUN_ID,
];

const CONVERSATIONS: &[Column] = &[
    not_null("conversation_id", Str, "ID of the conversation"),
    not_null("contact_id", Str, "Contact that the conversation belongs to"),
    null("conversation_status", Str, "Status of the conversation, as reported by the API"),
    null("conversation_type", Str, "Type of the conversation, such as `whatsapp` or `whatsapp-template`"),
    null("assigned_to", Str, "Person or team that the conversation is assigned to"),
    null("chatbot_id", Str, "Chatbot of the conversation"),
    not_null("message_count", Int, "Messages of this conversation that the run exported"),
    null("first_message_at", Ts, "Creation of the oldest exported message"),
    null("last_message_at", Ts, "Creation of the newest exported message"),
    EXTRA,
    EXPORTED_AT,
    RUN_ID,
];

const MESSAGES: &[Column] = &[
    not_null(
        "message_id",
        Str,
        "ID of the message, or `x-` and a digest of its content if the API sent no ID",
    ),
    null("conversation_id", Str, "Conversation that the message belongs to"),
    not_null("contact_id", Str, "Contact that the message belongs to"),
    null("message_order", Int, "Position in the conversation, as reported by the API"),
    null("role", Str, "Role of the sender, such as `user`, `agent` or `assistant`"),
    null("content", Str, "Text of the message"),
    null("created_at", Ts, "Creation of the message"),
    null(
        "channel",
        Str,
        "`whatsapp`, `instagram`, `messenger` or `website`; null if it cannot be determined",
    ),
    null("conversation_type", Str, "Type of the message's conversation"),
    null("conversation_status", Str, "Status of the message's conversation"),
    null("assigned_to", Str, "Person or team that the message's conversation is assigned to"),
    null("chatbot_id", Str, "Chatbot of the message's conversation"),
    EXTRA,
    EXPORTED_AT,
    RUN_ID,
];

const CHANNEL_RECORDS: &[Column] = &[
    not_null("record_id", Str, "Digest of message, channel, content and number of equal records before it"),
    not_null("message_id", Str, "Message that the record belongs to"),
    null("conversation_id", Str, "Conversation that the message belongs to"),
    not_null("contact_id", Str, "Contact that the message belongs to"),
    not_null("channel", Str, "`whatsapp`, `instagram` or `messenger`: the array that held the record"),
    not_null("record_index", Int, "Position in that array, from 0"),
    null("status", Str, "Delivery status, such as `sent`, `delivered`, `read` or `failed`"),
    null("created_at", Ts, "Creation of the record"),
    null("event_at", Ts, "Time of the event, as reported by the channel"),
    null(
        "event_type",
        Str,
        "`status`, `delivery`, `read`, `reaction`, `postback`, `edit`, `echo`, `message`, `send_ack`, `referral`, \
         `error` or `unknown`",
    ),
    null("message_type", Str, "Type of the content, such as `text`, `image` or `template`"),
    null("direction", Str, "`inbound` for messages from the contact, `outbound` for messages to the contact"),
    null("platform_message_id", Str, "ID of the message on the channel, such as a WhatsApp `wamid`"),
    null("related_message_id", Str, "Channel's ID of the message replied to, reacted to, read or edited"),
    null("sender_id", Str, "Sender on the channel"),
    null("recipient_id", Str, "Recipient on the channel"),
    null("text", Str, "Text, caption, button title or emoji"),
    null("template_name", Str, "Name of the message template"),
    null("media_id", Str, "ID of the attachment on the channel"),
    null("media_url", Str, "Address of the attachment"),
    null("media_mime_type", Str, "MIME type of the attachment"),
    null("error_code", Int, "Code of the first error"),
    null("error_title", Str, "Title of the first error"),
    null("error_details", Str, "Details of the first error"),
    null("pricing_category", Str, "Pricing category of a WhatsApp status"),
    not_null("raw", Json, "The record as received"),
    EXPORTED_AT,
    RUN_ID,
];

const COVERAGE: &[Column] = &[
    not_null("contact_id", Str, "ID of the contact, as asked for"),
    not_null(
        "status",
        Str,
        "Result for the contact: `exported`, `empty`, `not_found`, `unresolved`, `failed` or `unchanged`",
    ),
    not_null("messages", Int, "Messages exported"),
    not_null("pages", Int, "Pages of the history that were read"),
    not_null("requests", Int, "Requests sent for the contact"),
    not_null("retries", Int, "Requests that repeated a failed request"),
    not_null("rereads", Int, "Times that the history was read again from its start"),
    null("end", Str, "Evidence for the end of the history: `proved` or `short_page`"),
    null("first_message_at", Ts, "Creation of the oldest exported message"),
    null("last_message_at", Ts, "Creation of the newest exported message"),
    null("fetch_started_at", Ts, "Time of the first request for the contact"),
    null("fetch_finished_at", Ts, "Time of the last response for the contact"),
    null("error", Str, "Reason why the contact is `failed` or `unresolved`"),
    null(
        "input_line",
        Int,
        "Line of the contact in the contacts file, or its position in the account's list",
    ),
    EXPORTED_AT,
    RUN_ID,
];

impl Table {
    /// The columns of the table, in their order.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Contacts => CONTACTS,
            Self::Conversations => CONVERSATIONS,
            Self::Messages => MESSAGES,
            Self::ChannelRecords => CHANNEL_RECORDS,
            Self::Coverage => COVERAGE,
        }
    }
}

const fn null(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column { name, kind, nullable: true, meaning }
}

const fn not_null(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column { name, kind, nullable: false, meaning }
}
