//! The columns of `coverage`.

use super::{EXPORTED_AT, RUN_ID, not_null, null};
use crate::table::schema::Column;
use crate::table::schema::Kind::{Int, Str, Ts};

pub(super) const COLUMNS: &[Column] = &[
    not_null("contact_id", Str, "ID of the contact, as requested.", "0e56f030-2a0f-41a6-bbff-856264595233"),
    not_null(
        "status",
        Str,
        "Result for the contact: `exported`, `empty`, `not_found`, `unresolved`, `failed` or `unchanged`.",
        "exported",
    ),
    not_null("messages", Int, "Number of messages exported.", "207"),
    not_null("pages", Int, "Pages of the history that were read.", "5"),
    not_null("requests", Int, "Requests sent for the contact.", "7"),
    not_null("retries", Int, "Requests that repeated a failed request.", "0"),
    not_null("rereads", Int, "Times that the history was read again from its start.", "0"),
    null("end", Str, "Evidence for the end of the history: `proved` or `short_page`.", "proved"),
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
    null("fetch_started_at", Ts, "Time of the first request for the contact.", "2026-11-20T02:00:01.250000Z"),
    null(
        "fetch_finished_at",
        Ts,
        "Time of the last response for the contact.",
        "2026-11-20T02:00:03.875000Z",
    ),
    null(
        "error",
        Str,
        "Reason why the contact is `failed` or `unresolved`.",
        "502 Bad Gateway (at offset 0)",
    ),
    null(
        "input_line",
        Int,
        "Line of the contact in the contacts file, or its position in the account's list.",
        "5",
    ),
    EXPORTED_AT,
    RUN_ID,
];
