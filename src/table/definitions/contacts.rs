//! The columns of `contacts`.

use super::{EXPORTED_AT, RUN_ID, extra, not_null, null};
use crate::table::schema::Column;
use crate::table::schema::Kind::{Bool, Int, Str, Ts};

pub(super) const COLUMNS: &[Column] = &[
    not_null("contact_id", Str, "ID of the contact, as requested.", "0e56f030-2a0f-41a6-bbff-856264595233"),
    null(
        "user_email_id",
        Str,
        "E-mail address of the account's owner, not of the contact; the same in all rows.",
        "owner@shop.example",
    ),
    null("first_name", Str, "First name of the contact.", "Noël"),
    null("last_name", Str, "Last name of the contact.", "Müller"),
    null("phone_number", Str, "Phone number of the contact.", "+33209249744"),
    null("created_at", Ts, "Creation of the contact.", "2024-01-09T10:26:30.776000Z"),
    null(
        "last_interacted_at",
        Ts,
        "Last interaction with the contact, as reported by the API.",
        "2024-03-07T06:47:30.980000Z",
    ),
    null("contact_queries", Int, "Number of queries of the contact, as reported by the API.", "16"),
    null("is_blacklisted", Bool, "True if the contact is on the account's blacklist.", "false"),
    null("is_frozen", Bool, "True if the contact is frozen.", "false"),
    null("frozen_until", Ts, "End of the freeze.", "2024-05-23T07:45:01.920000Z"),
    not_null(
        "conversation_count",
        Int,
        "Number of conversations of this contact that the run exported.",
        "3",
    ),
    not_null("message_count", Int, "Number of messages of this contact that the run exported.", "207"),
    null(
        "first_message_at",
        Ts,
        "Creation of the contact's oldest exported message.",
        "2024-01-11T10:56:58.300000Z",
    ),
    null(
        "last_message_at",
        Ts,
        "Creation of the contact's newest exported message.",
        "2024-03-07T06:47:30.980000Z",
    ),
    extra(r#"{"is_frozen":1}"#),
    EXPORTED_AT,
    RUN_ID,
];
