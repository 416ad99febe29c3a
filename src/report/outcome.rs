//! How it went: contacts by outcome, those that did not end well, and what was written.

use std::fmt::Write;

use super::chart::meter;
use super::facts::{Facts, Trouble, Troubled};
use super::text::{Count, Escaped, Isolated, counted, share};
use crate::contact_read::Status;
use crate::table::Table;
use bytesize::ByteSize;

/// Fields told one by one.
const MOST_FIELDS: usize = 50;

/// The section on contacts.
pub(super) fn contacts(html: &mut String, facts: &Facts) {
    let all: u64 = facts.statuses.values().sum();
    html.push_str("<section><h2>Contacts</h2>\n");
    if all == 0 {
        html.push_str("<p>The contacts file named no contacts.</p></section>\n");
        return;
    }
    html.push_str("<table id=\"contacts\"><thead><tr><th>outcome</th><th class=\"n\">contacts</th><th class=\"n\">share</th><th class=\"meter\"></th></tr></thead><tbody>\n");
    let known = Status::ALL.iter().map(|status| status.as_str());
    // Statuses of later versions stand after those that are known.
    let others = facts
        .statuses
        .keys()
        .map(String::as_str)
        .filter(|status| known.clone().all(|known| known != *status));
    for status in known.clone().chain(others) {
        let count = facts.statuses.get(status).copied().unwrap_or_default();
        let (class, meaning) = meaning(status);
        let _ = writeln!(
            html,
            "<tr><th>{}<span class=\"hint\">{meaning}</span></th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"meter\">{}</td></tr>",
            Escaped(status),
            Count(count),
            share(count, all),
            meter(count, all, class)
        );
    }
    let _ = writeln!(
        html,
        "</tbody><tfoot><tr><th>all</th><td class=\"n\">{}</td><td></td><td class=\"meter\"></td></tr></tfoot></table>",
        Count(all)
    );
    failures(html, facts);
    html.push_str("</section>\n");
}

fn meaning(status: &str) -> (&'static str, &'static str) {
    match status {
        "exported" => ("s1", "read whole"),
        "empty" => ("s3", "there, and without messages"),
        "not_found" => ("s5", "the API knows no such contact"),
        "unresolved" => ("s4", "kept changing while it was read; what was read is exported"),
        "failed" => ("s2", "could not be read; nothing of it is exported"),
        "unchanged" => ("s6", "nothing new since its last export"),
        _ => ("s6", ""),
    }
}

fn failures(html: &mut String, facts: &Facts) {
    let Facts { manifest, failed, unresolved, .. } = facts;
    if failed.all == 0 && unresolved.all == 0 {
        html.push_str("<h3>Failures</h3>\n<p>None: every contact was read to its end.</p>\n");
        return;
    }
    if failed.all > 0 {
        let _ = writeln!(
            html,
            "<h3>Failures</h3>\n<p>{} failed. <code>_runs/{}/failed.csv</code> in the export lists all of them, and is a \
             contacts file: give it to <code>run --contacts</code> to try them again.</p>",
            counted(failed.all, "contact", "contacts"),
            Escaped(manifest.run_id.as_str())
        );
        troubles(html, "failures", failed, |html, trouble| {
            let _ = write!(html, "<td class=\"why\">{}</td>", reason(trouble));
        });
    }
    if unresolved.all > 0 {
        let _ = writeln!(
            html,
            "<h3>Unresolved</h3>\n<p>{} kept changing while being read. What was read is exported; export them again.</p>",
            counted(unresolved.all, "contact", "contacts")
        );
        troubles(html, "unresolved", unresolved, |html, trouble| {
            let messages =
                counted(u64::try_from(trouble.messages).unwrap_or_default(), "message", "messages");
            let _ = write!(
                html,
                "<td class=\"why\">{}<span class=\"hint\">{messages} exported</span></td>",
                reason(trouble)
            );
        });
    }
}

fn reason(trouble: &Trouble) -> String {
    trouble.reason.as_deref().map_or_else(|| "–".to_owned(), |reason| Isolated(reason).to_string())
}

fn troubles(html: &mut String, id: &str, troubled: &Troubled, tell: impl Fn(&mut String, &Trouble)) {
    let _ = writeln!(
        html,
        "<div class=\"scroll\"><table id=\"{id}\"><thead><tr><th>contact</th><th class=\"n\">line</th><th>reason</th></tr></thead><tbody>"
    );
    for trouble in &troubled.told {
        let line = trouble.line.and_then(|line| u64::try_from(line).ok());
        let line = line.map_or_else(|| "–".to_owned(), |line| Count(line).to_string());
        let _ = write!(
            html,
            "<tr><td class=\"id mono\">{}</td><td class=\"n\">{line}</td>",
            Isolated(&trouble.contact)
        );
        tell(html, trouble);
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    let told = troubled.told.len() as u64;
    if told < troubled.all {
        let _ = writeln!(
            html,
            "<p>The first {} are shown; {} more are in the table <code>coverage</code>.</p>",
            Count(told),
            Count(troubled.all - told)
        );
    }
}

/// The section on what was written.
pub(super) fn tables(html: &mut String, facts: &Facts) {
    let manifest = &facts.manifest;
    html.push_str("<section><h2>Tables</h2>\n<table id=\"tables\"><thead><tr><th>table</th><th class=\"n\">rows</th><th class=\"n\">files</th><th class=\"n\">size</th></tr></thead><tbody>\n");
    let known = Table::ALL.iter().map(|table| table.name());
    let mut names: Vec<&str> = known.collect();
    // Archives, and tables of later versions.
    for name in manifest.tables.keys().chain(manifest.files.iter().map(|file| &file.table)) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut sums = (0_u64, 0_u64, 0_u64);
    for name in names {
        let files = || manifest.files.iter().filter(|file| file.table == name);
        let rows = files().fold(0_u64, |rows, file| rows.saturating_add(file.rows));
        let bytes = files().fold(0_u64, |bytes, file| bytes.saturating_add(file.bytes));
        let count = files().count() as u64;
        sums = (sums.0.saturating_add(rows), sums.1 + count, sums.2.saturating_add(bytes));
        row(html, "th", name, (rows, count, bytes));
    }
    html.push_str("</tbody><tfoot>\n");
    row(html, "th", "all", sums);
    html.push_str("</tfoot></table>\n");
    unknown_fields(html, facts);
    schema_changes(html, facts);
    html.push_str("</section>\n");
}

fn row(html: &mut String, cell: &str, name: &str, (rows, files, bytes): (u64, u64, u64)) {
    let _ = writeln!(
        html,
        "<tr><{cell}>{}</{cell}><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
        Escaped(name),
        Count(rows),
        Count(files),
        ByteSize(bytes)
    );
}

fn unknown_fields(html: &mut String, facts: &Facts) {
    let fields = || {
        facts
            .manifest
            .unknown_fields
            .iter()
            .flat_map(|(table, fields)| fields.iter().map(move |field| (table, field)))
    };
    let all = fields().count();
    if all == 0 {
        return;
    }
    html.push_str("<h3>Fields without a column</h3>\n<p>The API sent these beside what it documents. Their values are in the column <code>extra</code>.</p>\n<div class=\"scroll\"><table id=\"fields\"><thead><tr><th>table</th><th>field</th><th class=\"n\">times</th></tr></thead><tbody>\n");
    for (table, (field, count)) in fields().take(MOST_FIELDS) {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"id mono\">{}</td><td class=\"n\">{}</td></tr>",
            Escaped(table),
            Isolated(field),
            Count(*count)
        );
    }
    html.push_str("</tbody></table></div>\n");
    if all > MOST_FIELDS {
        let _ = writeln!(html, "<p>{} more are in the manifest.</p>", Count((all - MOST_FIELDS) as u64));
    }
}

fn schema_changes(html: &mut String, facts: &Facts) {
    let changes = &facts.manifest.schema_changes;
    if changes.is_empty() {
        return;
    }
    html.push_str("<h3>Changes of the API's answers</h3>\n<p>These fields differ from those of the earlier runs.</p>\n<div class=\"scroll\"><table id=\"schema-changes\"><thead><tr><th>table</th><th>field</th><th>change</th></tr></thead><tbody>\n");
    for change in changes.iter().take(MOST_FIELDS) {
        let meaning = match change.change.as_str() {
            "appeared" => "new, without a column",
            "vanished" => "no longer sent",
            "has_values" => "column has values for the first time",
            "became_null" => "column has no values any more",
            other => other,
        };
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"id mono\">{}</td><td>{}</td></tr>",
            Escaped(&change.table),
            Isolated(&change.field),
            Escaped(meaning)
        );
    }
    html.push_str("</tbody></table></div>\n");
    if changes.len() > MOST_FIELDS {
        let _ = writeln!(
            html,
            "<p>{} more are in the manifest.</p>",
            Count((changes.len() - MOST_FIELDS) as u64)
        );
    }
}
