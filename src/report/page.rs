//! The page as a table of contents: how it went, what was asked, what came, what ran.

use std::fmt::Write;

use bytesize::ByteSize;
use serde_json::Value;

use super::facts::Facts;
use super::style::{STYLE, policy};
use super::text::{Count, Escaped, Isolated, counted, duration};
use super::{messages, outcome, requests};
use crate::output::manifest::{Manifest, Status};
use crate::table::{Table, parse_time};

/// The whole document.
pub(super) fn page(facts: &Facts) -> String {
    let mut html = String::new();
    let run_id = facts.manifest.run_id.as_str();
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Export run {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
        Escaped(&policy()),
        Escaped(run_id)
    );
    head(&mut html, facts);
    outcome::contacts(&mut html, facts);
    messages::section(&mut html, &facts.messages);
    requests::section(&mut html, &facts.manifest);
    outcome::tables(&mut html, facts);
    run(&mut html, &facts.manifest);
    foot(&mut html, &facts.manifest);
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

/// The verdict and the six numbers that people ask for first.
fn head(html: &mut String, facts: &Facts) {
    let manifest = &facts.manifest;
    let (class, status) = match manifest.status {
        Status::Complete => ("complete", "Complete."),
        Status::Partial => ("partial", "Partial."),
    };
    let _ = write!(
        html,
        "<header><p class=\"eyebrow\">{} · export run</p>\n<h1>{}</h1>\n\
         <p class=\"lede\"><span id=\"status\" class=\"status {class}\">{status}</span> {}</p></header>\n<dl class=\"figures\">",
        Escaped(&manifest.tool.name),
        Escaped(manifest.run_id.as_str()),
        verdict(facts)
    );
    let bytes = manifest.files.iter().fold(0_u64, |bytes, file| bytes.saturating_add(file.bytes));
    let messages = manifest.tables.get(Table::Messages.name()).map_or(0, |table| table.rows);
    let took = parse_time(&manifest.finished_at).zip(parse_time(&manifest.started_at));
    let took = took.map_or_else(|| "–".to_owned(), |(end, start)| duration(end.saturating_sub(start)));
    let figures = [
        ("Contacts asked for", Count(manifest.contacts.requested).to_string()),
        ("Messages", Count(messages).to_string()),
        ("Requests", Count(manifest.requests.sent).to_string()),
        ("From start to end", took),
        ("Files", Count(manifest.files.len() as u64).to_string()),
        ("Size", ByteSize(bytes).to_string()),
    ];
    for (name, value) in figures {
        let _ = write!(html, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    html.push_str("</dl>\n");
}

fn verdict(facts: &Facts) -> String {
    let all = facts.manifest.contacts.requested;
    let (failed, unresolved) = (facts.failed.all, facts.unresolved.all);
    match (failed, unresolved) {
        (0, 0) if all == 0 => "No contacts were asked for.".to_owned(),
        (0, 0) => format!("All of {} ended well.", counted(all, "contact", "contacts")),
        _ => {
            let parts = [(failed, "failed"), (unresolved, "stayed unresolved")];
            let told = parts.iter().filter(|(count, _)| *count > 0);
            let told: Vec<String> = told.map(|(count, what)| format!("{} {what}", Count(*count))).collect();
            format!("Of {}, {}.", counted(all, "contact", "contacts"), told.join(" and "))
        }
    }
}

/// What ran.
fn run(html: &mut String, manifest: &Manifest) {
    html.push_str("<section><h2>The run</h2>\n<dl class=\"facts\">\n");
    let input = &manifest.input;
    let lines = format!(
        "<span class=\"hint\">{}, {}, {}; SHA-256 <span class=\"mono\">{}</span></span>",
        counted(input.lines, "line", "lines"),
        counted(input.contacts, "contact", "contacts"),
        counted(input.duplicates, "duplicate", "duplicates"),
        Escaped(&input.sha256)
    );
    let code = |text: &str| format!("<code>{}</code>", Isolated(text));
    let mut facts = vec![
        ("Run", code(manifest.run_id.as_str())),
        ("Program", Escaped(&format!("{} {}", manifest.tool.name, manifest.tool.version)).to_string()),
        ("Started", time(&manifest.started_at)),
        ("Finished", time(&manifest.finished_at)),
        ("API", code(&manifest.source.base_url)),
        ("Contacts file", code(&input.path) + &lines),
    ];
    if let Some(previous) = &manifest.previous {
        facts.push(("Run before", code(previous.run_id.as_str())));
    }
    for (name, value) in facts {
        let _ = writeln!(html, "<dt>{name}</dt><dd>{value}</dd>");
    }
    html.push_str("</dl>\n<h3>Options</h3>\n<dl class=\"facts\" id=\"options\">\n");
    for (name, value) in &manifest.options {
        let text = match value {
            Value::Null => "<span class=\"soft\">not set</span>".to_owned(),
            Value::String(text) => code(text),
            Value::Array(values) if values.is_empty() => "<span class=\"soft\">none</span>".to_owned(),
            Value::Array(values) if values.iter().all(Value::is_string) => {
                code(&values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
            }
            other => code(&other.to_string()),
        };
        let _ = writeln!(html, "<dt>{}</dt><dd>{text}</dd>", Escaped(&name.replace('_', "-")));
    }
    html.push_str("</dl></section>\n");
}

/// `2026-11-20 02:00:00 UTC`
fn time(text: &str) -> String {
    let seconds = text.split('.').next().unwrap_or_default().replace('T', " ");
    format!("<time datetime=\"{0}\">{1} UTC</time>", Escaped(text), Escaped(&seconds))
}

fn foot(html: &mut String, manifest: &Manifest) {
    let _ = writeln!(
        html,
        "<footer><p>Made from the manifest <code>_runs/{0}/manifest.json</code> and the tables <code>coverage</code> and \
         <code>messages</code>. Sizes of files and the hash of the manifest were compared; \
         <code>chatzy-export verify PATH --run {0} --deep</code> compares every byte and row. All times are UTC.</p></footer>",
        Escaped(manifest.run_id.as_str())
    );
}
