//! The custody record as a page.

use maud::{Markup, html};
use serde_json::Value;

use super::record::{Record, RunFacts};
use crate::evidence::transcript::STYLE;
use crate::html::{Count, Isolated, Untrusted, code, document, time};

/// The page `custody.html`.
pub(super) fn page(record: &Record) -> String {
    let content = html! {
        header { h1 { "Custody record" } p { a href="../index.html" { "Contents" } } }
        main {
            h2 { "Package" } (package(record))
            h2 { "Collection" }
            @for run in &record.runs { (self::run(run)) }
            h2 { "Counts" } (counts(record))
            h2 { "Exceptions" } (exceptions(record))
            h2 { "Known gaps" }
            ul { @for gap in &record.gaps { li { (Untrusted(gap)) } } }
            h2 { "Checks" }
            p { "VERIFY.txt lists the commands that check every file of this package." }
        }
    };
    document("Custody record", STYLE, &content)
}

fn package(record: &Record) -> Markup {
    let package = &record.package;
    let case = &package.case;
    let facts = [
        ("Reference", &case.reference),
        ("Operator", &case.operator),
        ("Organization", &case.organization),
        ("Date", &case.date),
        ("Signed by", &package.signed_by),
        ("SHA-256 of the program that made this package", &package.tool.sha256),
    ];
    html! {
        dl.facts {
            dt { "Package ID" } dd { (code(&package.id)) }
            dt { "Program" } dd { (Untrusted(&package.tool.name)) " " (Untrusted(&package.tool.version)) }
            @for (name, value) in facts {
                @if let Some(value) = value { dt { (name) } dd { (Isolated(value)) } }
            }
            dt { "Source" } dd { (code(&record.source.base_url)) }
            dt { "Account" } dd {
                @if record.source.accounts.is_empty() { "not reported by the service" }
                @for account in &record.source.accounts { (Isolated(account)) " " }
            }
            dt { "Contacts in the package" } dd {
                (Isolated(&record.selection.contacts)) @if record.selection.requested.is_none() { " of the export" }
                @if let Some(requested) = record.selection.requested { ", " (Count(requested)) " contacts" }
                @if let Some(sha256) = &record.selection.sha256 { ", SHA-256 " (code(sha256)) }
            }
            @if let Some(run) = &record.selection.run { dt { "Selected run" } dd { (code(run)) } }
        }
    }
}

fn run(run: &RunFacts) -> Markup {
    let requests: u64 = run.requests.values().sum();
    html! {
        h3 { "Run " (Untrusted(&run.run_id)) }
        dl.facts {
            dt { "Started" } dd { (time(&run.started_at)) }
            dt { "Finished" } dd { (time(&run.finished_at)) }
            dt { "Program" } dd { (Untrusted(&run.tool.name)) " " (Untrusted(&run.tool.version)) }
            dt { "SHA-256 of the manifest" } dd { (code(&run.manifest_sha256)) }
            dt { "Requests" } dd {
                (Count(requests))
                @for (status, count) in &run.requests { "; " (Untrusted(status)) ": " (Count(*count)) }
            }
            @if let Some(asked) = &run.asked_for {
                dt { "Contacts requested by" } dd { (Isolated(&asked.contacts)) ", SHA-256 " (code(&asked.sha256)) }
            }
            dt { "Contacts" } dd {
                (Count(run.contacts.requested)) " requested, " (Count(run.contacts.exported)) " exported, "
                (Count(run.contacts.empty)) " empty, " (Count(run.contacts.not_found)) " not found, "
                (Count(run.contacts.unresolved)) " unresolved, " (Count(run.contacts.failed)) " failed, "
                (Count(run.contacts.unchanged)) " unchanged"
            }
            dt { "Options" } dd {
                @for (name, value) in run.options.iter().filter(|(_, value)| is_set(value)) {
                    (Untrusted(name)) "=" (Untrusted(&value.to_string())) " "
                }
            }
        }
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(values) => !values.is_empty(),
        _ => true,
    }
}

fn counts(record: &Record) -> Markup {
    let counts = &record.counts;
    html! {
        dl.facts {
            dt { "Contacts" } dd {
                (Count(counts.contacts))
                @for (status, count) in counts.by_status.iter().filter(|(_, count)| **count > 0) {
                    "; " (Untrusted(&status.replace('_', " "))) ": " (Count(*count))
                }
            }
            dt { "Conversations" } dd { (Count(counts.conversations)) }
            dt { "Messages" } dd { (Count(counts.messages)) }
            dt { "Channel records" } dd { (Count(counts.records)) }
            dt { "Responses kept" } dd { (Count(counts.responses)) }
        }
    }
}

fn exceptions(record: &Record) -> Markup {
    if record.exceptions.is_empty() && record.not_in_export.is_empty() {
        return html! { p { "None: every contact was read to its end, or has no messages." } };
    }
    html! {
        div.scroll {
            table {
                thead { tr { th { "Contact" } th { "Result" } th { "Reason" } } }
                tbody {
                    @for exception in &record.exceptions {
                        tr {
                            td { (code(&exception.contact_id)) }
                            td { (Untrusted(&exception.status)) }
                            td { (Isolated(exception.reason.as_deref().unwrap_or_default())) }
                        }
                    }
                    @for contact in &record.not_in_export {
                        tr { td { (code(contact)) } td { "not in the export" } td {} }
                    }
                }
            }
        }
    }
}
