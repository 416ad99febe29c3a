//! Contacts by outcome, and the tables written.

use bytesize::ByteSize;
use maud::{Markup, html};

use super::chart::meter;
use super::facts::Facts;
use super::problems;
use crate::contact_read::Status;
use crate::html::{Count, Isolated, Untrusted, share};
use crate::output::manifest::Manifest;
use crate::table::Table;

/// Maximum number of fields in a table of the page.
const MOST_FIELDS: usize = 50;

/// The section on contacts.
pub(super) fn contacts(facts: &Facts) -> Markup {
    let all: u64 = facts.statuses.values().sum();
    html! {
        section {
            h2 { "Contacts" }
            @if all == 0 {
                p { "The contacts file has no contacts." }
            } @else {
                (outcomes(facts, all))
                (problems::section(facts))
            }
        }
    }
}

fn outcomes(facts: &Facts, all: u64) -> Markup {
    let known = || Status::ALL.iter().map(|status| status.as_str());
    // Statuses of later versions come after the known ones.
    let others = facts.statuses.keys().map(String::as_str);
    let others = others.filter(|status| known().all(|known| known != *status));
    html! {
        table #contacts {
            thead { tr { th { "outcome" } th.n { "contacts" } th.n { "share" } th.meter {} } }
            tbody {
                @for status in known().chain(others) {
                    @let count = facts.statuses.get(status).copied().unwrap_or_default();
                    @let (class, meaning) = meaning(status);
                    tr {
                        th { (Untrusted(status)) span.hint { (meaning) } }
                        td.n { (Count(count)) }
                        td.n { (share(count, all)) }
                        td.meter { (meter(count, all, class)) }
                    }
                }
            }
            tfoot { tr { th { "all" } td.n { (Count(all)) } td {} td.meter {} } }
        }
    }
}

fn meaning(status: &str) -> (&'static str, &'static str) {
    match status {
        "exported" => ("s1", "history read completely"),
        "empty" => ("s3", "exists, has no messages"),
        "not_found" => ("s5", "does not exist"),
        "unresolved" => ("s4", "changed while it was read; the messages received are exported"),
        "failed" => ("s2", "could not be read; not exported"),
        "unchanged" => ("s6", "no changes since the last export"),
        _ => ("s6", ""),
    }
}

/// The section on tables.
pub(super) fn tables(facts: &Facts) -> Markup {
    let manifest = &facts.manifest;
    let known = Table::ALL.iter().map(|table| table.name());
    let mut names: Vec<&str> = known.collect();
    // Archives, and tables of later versions.
    for name in manifest.tables.keys().chain(manifest.files.iter().map(|file| &file.table)) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let written: Vec<_> = names.into_iter().map(|name| (name, Written::of(manifest, name))).collect();
    let all = written.iter().fold(Written::default(), |all, (_, written)| all.and(written));
    html! {
        section {
            h2 { "Tables" }
            table #tables {
                thead { tr { th { "table" } th.n { "rows" } th.n { "files" } th.n { "size" } } }
                tbody { @for (name, written) in &written { (written.row(name)) } }
                tfoot { (all.row("all")) }
            }
            (unknown_fields(manifest))
            (schema_changes(manifest))
        }
    }
}

/// The files of a table, or of all.
#[derive(Default)]
struct Written {
    rows: u64,
    files: u64,
    bytes: u64,
}

impl Written {
    fn of(manifest: &Manifest, table: &str) -> Self {
        let files = manifest.files.iter().filter(|file| file.table == table);
        files.fold(Self::default(), |all, file| {
            all.and(&Self { rows: file.rows, files: 1, bytes: file.bytes })
        })
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            rows: self.rows.saturating_add(other.rows),
            files: self.files + other.files,
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    fn row(&self, name: &str) -> Markup {
        html! {
            tr {
                th { (Untrusted(name)) }
                td.n { (Count(self.rows)) }
                td.n { (Count(self.files)) }
                td.n { (ByteSize(self.bytes).to_string()) }
            }
        }
    }
}

fn unknown_fields(manifest: &Manifest) -> Markup {
    let of_table = manifest.unknown_fields.iter();
    let fields: Vec<_> =
        of_table.flat_map(|(table, fields)| fields.iter().map(move |field| (table, field))).collect();
    html! {
        @if !fields.is_empty() {
            h3 { "Fields without a column" }
            p {
                "The API sent these undocumented fields. Their values are in the column " code { "extra" } "."
            }
            div.scroll {
                table #fields {
                    thead { tr { th { "table" } th { "field" } th.n { "times" } } }
                    tbody {
                        @for (table, (field, count)) in fields.iter().take(MOST_FIELDS) {
                            tr {
                                td { (Untrusted(table)) }
                                td.id.mono { (Isolated(field)) }
                                td.n { (Count(**count)) }
                            }
                        }
                    }
                }
            }
            (more_in_manifest(fields.len()))
        }
    }
}

fn schema_changes(manifest: &Manifest) -> Markup {
    let changes = &manifest.schema_changes;
    html! {
        @if !changes.is_empty() {
            h3 { "Schema changes" }
            p { "The fields in the API's responses differ from earlier runs." }
            div.scroll {
                table #schema-changes {
                    thead { tr { th { "table" } th { "field" } th { "change" } } }
                    tbody {
                        @for change in changes.iter().take(MOST_FIELDS) {
                            tr {
                                td { (Untrusted(&change.table)) }
                                td.id.mono { (Isolated(&change.field)) }
                                td { (Untrusted(change_in_words(&change.change))) }
                            }
                        }
                    }
                }
            }
            (more_in_manifest(changes.len()))
        }
    }
}

fn change_in_words(change: &str) -> &str {
    match change {
        "appeared" => "new, without a column",
        "vanished" => "no longer sent",
        "has_values" => "column has values for the first time",
        "became_null" => "column no longer has values",
        other => other,
    }
}

fn more_in_manifest(all: usize) -> Markup {
    let more = all.saturating_sub(MOST_FIELDS) as u64;
    html! { @if more > 0 { p { "The manifest lists " (Count(more)) " more." } } }
}
