//! The page, section by section: result, contacts, messages, requests, tables, options.

use bytesize::ByteSize;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::facts::Facts;
use super::style::{STYLE, policy};
use super::text::{Count, Untrusted, code, counted, duration};
use super::{messages, outcome, requests};
use crate::layout;
use crate::output::manifest::{Manifest, Status};
use crate::table::{Table, parse_time};

/// The page of a run.
pub(super) fn page(facts: &Facts) -> String {
    let manifest = &facts.manifest;
    let content = html! {
        (head(facts))
        (outcome::contacts(facts))
        (messages::section(&facts.messages))
        (requests::section(manifest))
        (outcome::tables(facts))
        (run(manifest))
        (foot(manifest))
    };
    document(&format!("Export run {}", manifest.run_id.as_str()), &content)
}

/// A document that loads nothing and runs nothing.
fn document(title: &str, content: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (content) } }
        }
    };
    document.into_string() + "\n"
}

/// The result of the run and its six most important numbers.
fn head(facts: &Facts) -> Markup {
    let manifest = &facts.manifest;
    let (class, status) = match manifest.status {
        Status::Complete => ("complete", "Complete."),
        Status::Partial => ("partial", "Partial."),
    };
    let bytes = manifest.files.iter().fold(0_u64, |bytes, file| bytes.saturating_add(file.bytes));
    let messages = manifest.tables.get(Table::Messages.name()).map_or(0, |table| table.rows);
    let took = parse_time(&manifest.finished_at).zip(parse_time(&manifest.started_at));
    let took = took.map_or_else(|| "–".to_owned(), |(end, start)| duration(end.saturating_sub(start)));
    let figures = [
        ("Contacts requested", Count(manifest.contacts.requested).to_string()),
        ("Messages", Count(messages).to_string()),
        ("Requests", Count(manifest.requests.sent).to_string()),
        ("Duration", took),
        ("Files", Count(manifest.files.len() as u64).to_string()),
        ("Size", ByteSize(bytes).to_string()),
    ];
    html! {
        header {
            p.eyebrow { (Untrusted(&manifest.tool.name)) " · export run" }
            h1 { (manifest.run_id.as_str()) }
            p.lede { span #status class={ "status " (class) } { (status) } " " (verdict(facts)) }
        }
        dl.figures {
            @for (name, value) in figures {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

fn verdict(facts: &Facts) -> String {
    let all = facts.manifest.contacts.requested;
    let (failed, unresolved) = (facts.failed.all, facts.unresolved.all);
    match (failed, unresolved) {
        (0, 0) if all == 0 => "No contacts were requested.".to_owned(),
        (0, 0) => format!("{}, none failed.", counted(all, "contact", "contacts")),
        _ => {
            let parts = [(failed, "failed"), (unresolved, "remained unresolved")];
            let present = parts.iter().filter(|(count, _)| *count > 0);
            let present: Vec<String> =
                present.map(|(count, what)| format!("{} {what}", Count(*count))).collect();
            format!("Of {}, {}.", counted(all, "contact", "contacts"), present.join(" and "))
        }
    }
}

/// The program, its input and its options.
fn run(manifest: &Manifest) -> Markup {
    let input = &manifest.input;
    let source = html! {
        (code(&input.path))
        span.hint {
            (counted(input.lines, "line", "lines")) ", "
            (counted(input.contacts, "contact", "contacts")) ", "
            (counted(input.duplicates, "duplicate", "duplicates")) "; SHA-256 "
            span.mono { (Untrusted(&input.sha256)) }
        }
    };
    let program = format!("{} {}", manifest.tool.name, manifest.tool.version);
    html! {
        section {
            h2 { "The run" }
            dl.facts {
                dt { "Run" } dd { (code(manifest.run_id.as_str())) }
                dt { "Program" } dd { (Untrusted(&program)) }
                dt { "Started" } dd { (time(&manifest.started_at)) }
                dt { "Finished" } dd { (time(&manifest.finished_at)) }
                dt { "API" } dd { (code(&manifest.source.base_url)) }
                dt { "Contacts file" } dd { (source) }
                @if let Some(previous) = &manifest.previous {
                    dt { "Previous run" } dd { (code(previous.run_id.as_str())) }
                }
            }
            h3 { "Options" }
            dl.facts #options {
                @for (name, value) in manifest.options.by_name() {
                    dt { (Untrusted(&name.replace('_', "-"))) } dd { (option(&value)) }
                }
            }
        }
    }
}

fn option(value: &Value) -> Markup {
    match value {
        Value::Null => html! { span.soft { "not set" } },
        Value::String(text) => code(text),
        Value::Array(values) if values.is_empty() => html! { span.soft { "none" } },
        Value::Array(values) if values.iter().all(Value::is_string) => {
            code(&values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        other => code(&other.to_string()),
    }
}

/// Formats a time: `2026-11-20 02:00:00 UTC`.
fn time(text: &str) -> Markup {
    let seconds = text.split('.').next().unwrap_or_default().replace('T', " ");
    html! { time datetime=(text) { (Untrusted(&seconds)) " UTC" } }
}

fn foot(manifest: &Manifest) -> Markup {
    let run = manifest.run_id.as_str();
    html! {
        footer {
            p {
                "Source: the manifest " code { (layout::run_file(run, layout::MANIFEST)) } " and the tables " code { "coverage" }
                " and " code { "messages" } ". The sizes of the files and the hash of the manifest are verified. To verify "
                "every byte and row, run " code { "chatzy-export verify PATH --run " (run) " --deep" } ". All times are UTC."
            }
        }
    }
}
