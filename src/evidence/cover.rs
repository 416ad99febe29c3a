//! The cover of a package: `data/index.html`.

use maud::{Markup, html};

use super::EvidencePlan;
use super::package::Totals;
use super::transcript::STYLE;
use crate::contact_read::Status;
use crate::html::{Isolated, Untrusted, code, counted, document, time};

/// Facts of the cover beside the plan.
pub(super) struct Cover<'a> {
    pub(super) id: &'a str,
    pub(super) totals: &'a Totals,
    pub(super) base_url: &'a str,
    /// Start of the first run and end of the last, as text.
    pub(super) period: (&'a str, &'a str),
    pub(super) missing: u64,
    pub(super) has_run: bool,
    pub(super) has_responses: bool,
}

/// The cover. `contents` is the list of contacts.
pub(super) fn page(plan: &EvidencePlan, cover: &Cover, contents: &Markup) -> String {
    let title = plan.case.reference.as_deref().unwrap_or("Conversations of a Chatzy AI account");
    let content = html! {
        header {
            h1 { (Isolated(title)) }
            p { (summary(cover)) }
        }
        main {
            (facts(plan, cover))
            h2 { "Contents of this package" }
            (files(plan, cover))
            p {
                "Each message has a cite number, such as " code { (plan.prefix) "0000001" } ". It is the same in all files. "
                "Media, such as images, are not in this package."
            }
            (words())
            h2 { "Contacts" }
            (contents)
        }
    };
    document(title, STYLE, &content)
}

/// The counts in words, with those of the contacts that are not whole.
fn summary(cover: &Cover) -> Markup {
    let totals = cover.totals;
    let with_messages =
        totals.of(Status::Exported) + totals.of(Status::Unresolved) + totals.of(Status::Unchanged);
    let others = [
        (totals.of(Status::Empty), "no messages"),
        (totals.of(Status::NotFound), "unknown to the service"),
        (totals.of(Status::Failed) + totals.of(Status::Unresolved), "incomplete"),
        (cover.missing, "not in the export"),
    ];
    html! {
        (counted(totals.messages, "message", "messages")) " of " (counted(with_messages, "contact", "contacts")) "."
        @for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
            " " span.bad[what != "no messages"] { (counted(count, "contact", "contacts")) ": " (what) "." }
        }
        @if totals.short_ends > 0 {
            " For " (counted(totals.short_ends, "contact", "contacts")) ", the end of the history is assumed."
        }
        " See the " a href="custody/custody.html" { "custody record" } "."
    }
}

fn facts(plan: &EvidencePlan, cover: &Cover) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in [
                ("Reference", &plan.case.reference), ("Operator", &plan.case.operator),
                ("Organization", &plan.case.organization), ("Date", &plan.case.date),
                ("Signed by", &plan.signed_by()),
            ] {
                @if let Some(value) = value { dt { (name) } dd { (Isolated(value)) } }
            }
            @if let Some(redaction) = &plan.redaction {
                dt { "Redacted" } dd { "by the policy with the SHA-256 " (code(redaction.policy_sha256())) }
            }
            dt { "Source" } dd { (code(cover.base_url)) }
            dt { "Retrieved" } dd { (time(cover.period.0)) " to " (time(cover.period.1)) }
            dt { "Times" } dd {
                "UTC" @if let Some(zone) = &plan.zone { " (" (Untrusted(&zone.name)) " in brackets)" }
            }
            dt { "Package ID" } dd { (code(cover.id)) }
        }
    }
}

fn files(plan: &EvidencePlan, cover: &Cover) -> Markup {
    let whose = if plan.selection.is_some() { "the selected contacts" } else { "all contacts" };
    html! {
        ul {
            li { "Transcripts of " (whose) ", to read and to print: the list below." }
            li {
                "Tables for a spreadsheet: " a href="csv/messages.csv" { "messages.csv" } " and others in "
                code { "csv" } ". " code { "documents.csv" } " lists the transcripts."
            }
            li { "The same rows for programs" @if plan.redaction.is_none() { ", unchanged" } ": the files in " code { "json" } "." }
            @if plan.has_rsmf { li { "Files for review platforms: " code { "rsmf" } "." } }
            @if cover.has_run { li { "The files of the export, byte for byte: " code { "run" } "." } }
            @if cover.has_responses { li { "The responses of the service as they were received: " code { "raw" } "." } }
            li { a href="custody/custody.html" { "Custody record" } ": who requested what, and when, and what is missing." }
            li { "Explanations: " a href="../README.txt" { "README.txt" } ". Verification: " a href="../VERIFY.txt" { "VERIFY.txt" } "." }
        }
    }
}

/// Explanations of the words in transcripts.
fn words() -> Markup {
    let words = [
        ("incoming, outgoing", "sent by the contact, or sent to the contact by the account"),
        (
            "Assistant (automatic)",
            "a message with the role “assistant”, which the service gives to its chatbot",
        ),
        ("Agent", "a message with the role “agent”, which the service gives to a person"),
        (
            "Accepted, Sent, Delivered, Read, Failed, Received",
            "what the channel reported about a message, and when",
        ),
        ("end proved", "an empty page followed the last message"),
        ("end assumed", "a page shorter than requested was taken for the last"),
        ("\\u{202e}", "an invisible character, written out"),
    ];
    html! {
        h2 { "Words in this package" }
        dl.facts { @for (word, meaning) in words { dt { (word) } dd { (meaning) } } }
    }
}
