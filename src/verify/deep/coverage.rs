//! Compares the counts with the outcome of each contact: with `coverage`, `contacts`, the lists of contacts that
//! are not exported, and the manifest.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::Xxh3;

use super::order::RowOrder;
use super::rows::{Number, Row, Text};
use super::tally::{ContactCounts, CountsByContact, counted, stated};
use super::{DeepCheck, check_order};
use crate::durable::{OnPath, Opened};
use crate::table::Table;
use crate::verify::contact_lists::{self, List, ListError};
use crate::verify::excerpt::quoted;
use crate::verify::{DamageKind, VerifyError};

/// Maximum number of contacts that are named. The rest is counted.
const NAMED_CONTACTS: usize = 20;

/// Totals of `coverage` over all contacts.
#[derive(Default)]
pub(super) struct CoverageTotals {
    statuses: BTreeMap<String, u64>,
    /// Digests of the contacts of each list in [`List::ALL`], with their second column, in their order.
    listed: [Xxh3; List::ALL.len()],
}

/// Numbers the contacts in their order, and counts them by status.
pub(super) fn count(
    deep: &mut DeepCheck,
    contacts: &mut CountsByContact,
) -> Result<CoverageTotals, VerifyError> {
    let mut covered = CoverageTotals::default();
    let mut order = RowOrder::new();
    let mut next = 0;
    let (is_snapshot, is_sharded) = (deep.manifest.is_snapshot(), deep.manifest.shards.is_some());
    let run_id = deep.manifest.run_id.clone();
    deep.read(Table::Coverage.name(), &mut |row, at, faults| {
        let contact = contacts.of(row);
        contact.coverage_rows += 1;
        contact.position = contact.position.min(next);
        next = next.saturating_add(1);
        let status = row.text(Text::Status).unwrap_or("null");
        *covered.statuses.entry(status.to_owned()).or_default() += 1;
        for (list, digest) in List::ALL.into_iter().zip(&mut covered.listed) {
            if status == list.status().as_str() {
                add_listed(digest, row.contact(), &second_cell(list, row));
            }
        }
        // A snapshot has contacts of several inputs. Rows come shard by shard, also after `rebuild` has joined them.
        let shard = at.file.path.shard(&run_id).map(i64::from);
        let is_ordered = !is_snapshot && (shard.is_some() || !is_sharded);
        if let Some(line) = row.number(Number::InputLine).filter(|_| is_ordered) {
            check_order(&mut order, [(false, shard.unwrap_or(0)), (false, line)], "", row, at, faults);
        }
    })?;
    Ok(covered)
}

/// Returns the second cell of the contact's line in the list.
fn second_cell(list: List, row: &Row) -> String {
    match list {
        // The CSV has spaces in place of line ends.
        List::Failed => row.text(Text::Error).unwrap_or_default().replace(['\r', '\n'], " "),
        List::NotFound => row.number(Number::InputLine).map_or_else(String::new, |line| line.to_string()),
    }
}

fn add_listed(digest: &mut Xxh3, contact: &str, second: &str) {
    for text in [contact, second] {
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
    for (list, digest) in List::ALL.into_iter().zip(&covered.listed) {
        compare_list(deep, list, digest)?;
    }
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

/// Checks that a list has the contacts of `coverage` with its status, in their order.
fn compare_list(deep: &mut DeepCheck, list: List, expected: &Xxh3) -> Result<(), VerifyError> {
    let path = list.path(deep.manifest.run_id.as_str());
    if deep.report.damages.iter().any(|damage| damage.path == path) {
        return Ok(()); // its wrong hash is already reported
    }
    // A missing file is already reported.
    let Opened::File(file, _) = deep.out.open(&path)? else { return Ok(()) };
    let (mut has_columns, mut found) = (true, Xxh3::new());
    let read = contact_lists::read(
        file,
        // Later versions may add columns.
        &mut |header| {
            let is_second = |name| name == list.second_column();
            has_columns = header.get(0) == Some("contact_id") && header.get(1).is_none_or(is_second);
        },
        &mut |cells| {
            add_listed(&mut found, cells.get(0).unwrap_or_default(), cells.get(1).unwrap_or_default());
        },
    );
    match read {
        Ok(_) => {}
        Err(ListError::Read(error)) => return Err(error).on("read", &deep.out.join(&path))?,
        // An invalid line is already reported.
        Err(ListError::Line { .. }) => return Ok(()),
    }
    if !has_columns || found.digest128() != expected.digest128() {
        let detail = match list {
            List::Failed => "its contacts and errors differ from those that failed in coverage",
            List::NotFound => "its contacts and lines differ from those that are not found in coverage",
        };
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
