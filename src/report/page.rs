//! The page, section by section: result, contacts, messages, requests, tables, options.

use bytesize::ByteSize;
use maud::{Markup, html};
use serde_json::Value;

use super::facts::Facts;
use super::{messages, outcome, requests};
use crate::html::{Count, Untrusted, code, counted, document, duration, time};
use crate::layout;
use crate::output::manifest::{Manifest, Status};
use crate::table::Table;
use crate::time::parse_time;

/// Colors differ in lightness too. They remain distinct in gray and for people with color blindness.
const STYLE: &str = include_str!("style.css");

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
    let content = html! { main { (content) } };
    document(&format!("Export run {}", manifest.run_id.as_str()), STYLE, &content)
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
    let parts = [
        (facts.failed.all, "failed"),
        (facts.unresolved.all, "remained unresolved"),
        (facts.not_found.all, if facts.not_found.all == 1 { "does not exist" } else { "do not exist" }),
    ];
    let present = parts.iter().filter(|(count, _)| *count > 0);
    let present: Vec<String> = present.map(|(count, what)| format!("{} {what}", Count(*count))).collect();
    match present.split_last() {
        None if all == 0 => "No contacts were requested.".to_owned(),
        None => format!("{}, none failed.", counted(all, "contact", "contacts")),
        Some((last, [])) => format!("Of {}, {last}.", counted(all, "contact", "contacts")),
        Some((last, others)) => {
            format!("Of {}, {} and {last}.", counted(all, "contact", "contacts"), others.join(", "))
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
                @if manifest.is_snapshot() {
                    dt { "Snapshot of" } dd {
                        (code(&input.path))
                        span.hint { (counted(manifest.snapshot_of.len() as u64, "run", "runs")) }
                    }
                } @else {
                    dt { "Contacts file" } dd { (source) }
                }
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

#[cfg(test)]
mod tests {
    use super::STYLE;

    #[test]
    fn the_style_loads_nothing() {
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains('<'));
    }
}
