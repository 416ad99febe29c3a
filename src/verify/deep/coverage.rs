//! Compares the counts with the outcome of each contact: with `coverage`, `contacts`, `failed.csv` and the
//! manifest.

use std::collections::BTreeMap;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::order::RowOrder;
use super::rows::{Number, Row, Text};
use super::tally::{ContactCounts, CountsByContact, counted, stated};
use super::{DeepCheck, check_order};
use crate::durable::{self, OnPath, Opened};
use crate::table::Table;
use crate::verify::content::failed_path;
use crate::verify::excerpt::quoted;
use crate::verify::failed::{self, ListError};
use crate::verify::{DamageKind, VerifyError};

/// Maximum number of contacts that are named. The rest is counted.
const NAMED_CONTACTS: usize = 20;

/// Totals of `coverage` over all contacts.
#[derive(Default)]
pub(super) struct CoverageTotals {
    statuses: BTreeMap<String, u64>,
    /// Digest of the failed contacts and their errors, in their order.
    failed: Xxh3,
}

/// Numbers the contacts in their order, and counts them by status.
pub(super) fn count(
    deep: &mut DeepCheck,
    contacts: &mut CountsByContact,
) -> Result<CoverageTotals, VerifyError> {
    let mut covered = CoverageTotals::default();
    let mut order = RowOrder::new();
    let mut next = 0;
    deep.read(Table::Coverage.name(), &mut |row, at, faults| {
        let contact = contacts.of(row);
        contact.coverage_rows += 1;
        contact.position = contact.position.min(next);
        next = next.saturating_add(1);
        let status = row.text(Text::Status).unwrap_or("null");
        *covered.statuses.entry(status.to_owned()).or_default() += 1;
        if status == "failed" {
            add_failed(&mut covered.failed, row.contact(), row.text(Text::Error).unwrap_or_default());
        }
        if let Some(line) = row.number(Number::InputLine) {
            check_order(&mut order, [(false, line)], "", row, at, faults);
        }
    })?;
    Ok(covered)
}

fn add_failed(digest: &mut Xxh3, contact: &str, error: &str) {
    // The CSV has spaces in place of line ends.
    let error = error.replace(['\r', '\n'], " ");
    for text in [contact, &error] {
        digest.update(&(text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
}

/// Compares whole tables with each other.
pub(super) fn compare(
    deep: &mut DeepCheck,
    contacts: &mut CountsByContact,
    covered: &CoverageTotals,
) -> Result<(), VerifyError> {
    let coverage = Table::Coverage.name();
    let uncovered = contacts.uncovered();
    if uncovered > 0 {
        let detail = format!("{uncovered} contacts have rows in other tables, but none here");
        deep.damage(coverage, DamageKind::Disagreement, detail);
    }
    compare_counts(deep, &covered.statuses);
    compare_failed(deep, &covered.failed)?;
    let mut wrong = Vec::new();
    let mut unnamed = 0;
    let mut note = |row: &Row, faults: Vec<(DamageKind, String)>, table: &'static str| {
        for (kind, detail) in faults {
            if wrong.len() < NAMED_CONTACTS {
                wrong.push((table, kind, format!("contact {}: {detail}", quoted(row.contact()))));
            } else {
                unnamed += 1;
            }
        }
    };
    deep.read(coverage, &mut |row, _, _| note(row, coverage_faults(row, *contacts.of(row)), coverage))?;
    let table = Table::Contacts.name();
    deep.read(table, &mut |row, _, _| note(row, contacts_faults(row, *contacts.of(row)), table))?;
    for (table, kind, detail) in wrong {
        deep.damage(table, kind, detail);
    }
    if unnamed > 0 {
        deep.damage(coverage, DamageKind::Disagreement, format!("{unnamed} more findings of this kind"));
    }
    Ok(())
}

/// Compares the statuses of `coverage` with the manifest's counts.
fn compare_counts(deep: &mut DeepCheck, statuses: &BTreeMap<String, u64>) {
    let counts = deep.manifest.contacts;
    let found = |status: &str| statuses.get(status).copied().unwrap_or(0);
    let pairs = [
        ("requested", counts.requested, statuses.values().sum()),
        ("exported", counts.exported, found("exported")),
        ("empty", counts.empty, found("empty")),
        ("not_found", counts.not_found, found("not_found")),
        ("unresolved", counts.unresolved, found("unresolved")),
        ("failed", counts.failed, found("failed")),
        ("unchanged", counts.unchanged, found("unchanged")),
    ];
    for (name, stated, found) in pairs.into_iter().filter(|(_, stated, found)| stated != found) {
        let detail = format!("the manifest counts {stated} contacts as {name}, but coverage has {found}");
        deep.damage(Table::Coverage.name(), DamageKind::Disagreement, detail);
    }
}

/// Checks that `failed.csv` has the failed contacts of `coverage`, in their order and with their errors.
fn compare_failed(deep: &mut DeepCheck, expected: &Xxh3) -> Result<(), VerifyError> {
    let path = failed_path(deep.manifest.run_id.as_str());
    if deep.report.damages.iter().any(|damage| damage.path == path) {
        return Ok(()); // its wrong hash is already reported
    }
    // A missing file is already reported.
    let Opened::File(file, _) = durable::open_below(deep.out, Path::new(&path))? else { return Ok(()) };
    let (mut has_columns, mut found) = (true, Xxh3::new());
    let read = failed::read(
        file,
        // Later versions may add columns.
        &mut |header| {
            has_columns =
                header.get(0) == Some("contact_id") && header.get(1).is_none_or(|name| name == "error");
        },
        &mut |cells| {
            add_failed(&mut found, cells.get(0).unwrap_or_default(), cells.get(1).unwrap_or_default());
        },
    );
    match read {
        Ok(_) => {}
        Err(ListError::Read(error)) => return Err(error).on("read", &deep.out.join(&path))?,
        // An invalid line is already reported.
        Err(ListError::Line { .. }) => return Ok(()),
    }
    if !has_columns || found.digest128() != expected.digest128() {
        let detail = "its contacts and errors differ from those that failed in coverage";
        deep.damage(&path, DamageKind::Disagreement, detail);
    }
    Ok(())
}

/// Returns the damage of one contact in `coverage`.
fn coverage_faults(row: &Row, contact: ContactCounts) -> Vec<(DamageKind, String)> {
    let mut faults = Vec::new();
    if contact.coverage_rows > 1 {
        faults.push((DamageKind::Duplicate, format!("{} rows in coverage", contact.coverage_rows)));
    }
    let status = row.text(Text::Status).unwrap_or("null");
    let (contacts_rows, messages) = match status {
        "exported" | "empty" | "unresolved" => (1, row.number(Number::Messages).unwrap_or(-1)),
        "not_found" | "failed" | "unchanged" => (0, 0),
        // Contacts with a status of a later version may or may not have rows.
        _ => return faults,
    };
    if contact.contacts_rows != contacts_rows {
        let detail =
            format!("{} rows in contacts, expected {contacts_rows} for {status}", contact.contacts_rows);
        faults.push((DamageKind::RowCount, detail));
    }
    let found = i64::try_from(contact.messages.messages).unwrap_or(i64::MAX);
    if found != messages || (status == "empty" && messages != 0) {
        let detail = format!("{found} rows in messages, expected {messages} for {status}");
        faults.push((DamageKind::RowCount, detail));
    } else if contacts_rows == 1 && stated(row, Number::Messages) != counted(&contact.messages) {
        let detail = "first_message_at and last_message_at differ from its messages".to_owned();
        faults.push((DamageKind::Disagreement, detail));
    }
    faults
}

/// Returns the damage of one contact in `contacts`.
fn contacts_faults(row: &Row, contact: ContactCounts) -> Vec<(DamageKind, String)> {
    let mut faults = Vec::new();
    let mut compare = |column: &str, table: &str, stated: Option<i64>, found: i64| {
        if stated != Some(found) {
            let stated = stated.map_or("null".to_owned(), |stated| stated.to_string());
            faults
                .push((DamageKind::RowCount, format!("{column} is {stated}, but {table} has {found} rows")));
        }
    };
    let messages = i64::try_from(contact.messages.messages).unwrap_or(i64::MAX);
    compare("message_count", "messages", row.number(Number::MessageCount), messages);
    let conversations = i64::from(contact.conversations);
    compare("conversation_count", "conversations", row.number(Number::ConversationCount), conversations);
    let (_, first, last) = stated(row, Number::MessageCount);
    if (first, last) != (contact.messages.first, contact.messages.last) {
        let detail = "first_message_at and last_message_at differ from its messages".to_owned();
        faults.push((DamageKind::Disagreement, detail));
    }
    faults
}
