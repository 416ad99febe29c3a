//! Opens every file of a run and holds the rows against the manifest, `coverage` and each other.

use std::collections::BTreeMap;
use std::path::Path;

use super::rows::{self, ReadError, Row};
use super::runs::Run;
use super::tally::{Contact, Contacts, Messages, id};
use super::{DamageKind, Report, VerifyError};
use crate::durable::StorageError;
use crate::output::manifest::{FileEntry, Manifest};
use crate::table::Table;

/// Contacts named one by one; the rest is counted.
const NAMED_CONTACTS: usize = 20;

/// Checks the rows of a run whose files are sound.
pub(super) fn check(out: &Path, run: &Run, report: &mut Report) -> Result<(), VerifyError> {
    let Some(manifest) = &run.manifest else { return Ok(()) };
    let mut deep = Deep { out, manifest, report, sound: true };
    let mut contacts = Contacts::default();
    let mut statuses = BTreeMap::<String, u64>::new();
    deep.read(Table::Coverage.name(), &mut |row| {
        contacts.of(row).coverage_rows += 1;
        *statuses.entry(row.status.as_deref().unwrap_or("null").to_owned()).or_default() += 1;
    })?;
    deep.read(Table::Contacts.name(), &mut |row| {
        let contact = contacts.of(row);
        contact.contacts_rows += 1;
        contact.message_count = row.message_count.unwrap_or(-1);
    })?;
    let doubled = deep.read_messages(&mut contacts)?;
    for table in others(manifest) {
        deep.read(table, &mut |_| {})?;
    }
    // What follows compares whole tables.
    if deep.sound {
        deep.compare(&mut contacts, &statuses, doubled)?;
    }
    Ok(())
}

/// The tables that are only counted.
fn others(manifest: &Manifest) -> Vec<&str> {
    let counted = [Table::Coverage, Table::Contacts, Table::Messages].map(Table::name);
    let mut tables: Vec<_> = manifest.files.iter().map(|file| file.table.as_str()).collect();
    tables.sort_unstable();
    tables.dedup();
    tables.retain(|table| !counted.contains(table));
    tables
}

struct Deep<'a> {
    out: &'a Path,
    manifest: &'a Manifest,
    report: &'a mut Report,
    /// Whether all files could be read and have the rows they should.
    sound: bool,
}

impl Deep<'_> {
    fn read(&mut self, table: &str, each: &mut dyn FnMut(&Row)) -> Result<(), VerifyError> {
        let manifest = self.manifest;
        for file in manifest.files.iter().filter(|file| file.table == table) {
            self.read_file(file, each)?;
        }
        Ok(())
    }

    fn read_file(&mut self, file: &FileEntry, each: &mut dyn FnMut(&Row)) -> Result<(), VerifyError> {
        let path = self.out.join(&file.path);
        let (kind, detail) = match read_any(file, &path, each) {
            Ok(rows) if rows == file.rows => return Ok(()),
            Ok(rows) => {
                (DamageKind::RowCount, format!("it has {rows} rows, and the manifest says {}", file.rows))
            }
            Err(error) => match error.downcast::<std::io::Error>() {
                // Only what the operating system said is about the disk; decoders use the same type for bad bytes.
                Ok(io) if io.raw_os_error().is_some() => {
                    return Err(StorageError::new("read", &path, *io).into());
                }
                Ok(io) => (DamageKind::Unreadable, io.to_string()),
                Err(other) => (DamageKind::Unreadable, other.to_string()),
            },
        };
        self.sound = false;
        self.damage(&file.path, kind, detail);
        Ok(())
    }

    /// Counts the messages of each contact, and those that are there twice.
    fn read_messages(&mut self, contacts: &mut Contacts) -> Result<usize, VerifyError> {
        let table = Table::Messages.name();
        let rows = self.manifest.files.iter().filter(|file| file.table == table).map(|file| file.rows).sum();
        let passes = Messages::passes(rows);
        let mut doubled = 0;
        for pass in 0..passes {
            let mut messages = Messages::new(pass, passes);
            self.read(table, &mut |row| {
                messages.add(row);
                if pass == 0 {
                    contacts.of(row).messages += 1;
                }
            })?;
            doubled += messages.doubled();
        }
        Ok(doubled)
    }

    fn compare(
        &mut self,
        contacts: &mut Contacts,
        statuses: &BTreeMap<String, u64>,
        doubled: usize,
    ) -> Result<(), VerifyError> {
        if doubled > 0 {
            let detail = format!("{doubled} rows have a message_id that their contact has already");
            self.damage(Table::Messages.name(), DamageKind::Duplicate, detail);
        }
        let uncovered = contacts.uncovered();
        if uncovered > 0 {
            let detail = format!("{uncovered} contacts have rows in other tables and none here");
            self.damage(Table::Coverage.name(), DamageKind::Disagreement, detail);
        }
        self.compare_counts(statuses);
        let mut wrong = Vec::new();
        let mut unnamed = 0;
        self.read(Table::Coverage.name(), &mut |row| {
            let contact = *contacts.of(row);
            for (kind, detail) in faults(row, contact) {
                if wrong.len() < NAMED_CONTACTS {
                    wrong.push((kind, format!("contact {:?}: {detail}", id(row))));
                } else {
                    unnamed += 1;
                }
            }
        })?;
        for (kind, detail) in wrong {
            self.damage(Table::Coverage.name(), kind, detail);
        }
        if unnamed > 0 {
            let detail = format!("{unnamed} more faults of this kind");
            self.damage(Table::Coverage.name(), DamageKind::Disagreement, detail);
        }
        Ok(())
    }

    /// The statuses of `coverage` against the manifest's counts.
    fn compare_counts(&mut self, statuses: &BTreeMap<String, u64>) {
        let counts = self.manifest.contacts;
        let found = |status: &str| statuses.get(status).copied().unwrap_or(0);
        let pairs = [
            ("requested", counts.requested, statuses.values().sum()),
            ("exported", counts.exported, found("exported")),
            ("empty", counts.empty, found("empty")),
            ("not_found", counts.not_found, found("not_found")),
            ("unresolved", counts.unresolved, found("unresolved")),
            ("failed", counts.failed, found("failed")),
        ];
        for (name, says, found) in pairs.into_iter().filter(|(_, says, found)| says != found) {
            let detail = format!("the manifest counts {says} contacts {name}, and coverage {found}");
            self.damage(Table::Coverage.name(), DamageKind::Disagreement, detail);
        }
    }

    fn damage(&mut self, path: &str, kind: DamageKind, detail: String) {
        self.report.damage(Some(self.manifest.run_id.as_str()), path, kind, detail);
    }
}

/// Archives of raw answers have lines and no columns.
fn read_any(file: &FileEntry, path: &Path, each: &mut dyn FnMut(&Row)) -> Result<u64, ReadError> {
    if file.table == "raw" { rows::count_lines(path) } else { rows::read(path, each) }
}

/// What is wrong with one contact.
fn faults(row: &Row, contact: Contact) -> Vec<(DamageKind, String)> {
    let mut faults = Vec::new();
    if contact.coverage_rows > 1 {
        faults.push((DamageKind::Duplicate, format!("{} rows in coverage", contact.coverage_rows)));
    }
    let status = row.status.as_deref().unwrap_or("null");
    let (contacts_rows, messages) = match status {
        "exported" | "empty" | "unresolved" => (1, row.messages.unwrap_or(-1)),
        "not_found" | "failed" => (0, 0),
        // A status of a later version may have rows or not.
        _ => return faults,
    };
    if contact.contacts_rows != contacts_rows {
        let detail =
            format!("{} rows in contacts, {contacts_rows} expected of {status}", contact.contacts_rows);
        faults.push((DamageKind::RowCount, detail));
    }
    if contact.messages != messages || (status == "empty" && messages != 0) {
        let detail = format!("{} rows in messages, {messages} expected of {status}", contact.messages);
        faults.push((DamageKind::RowCount, detail));
    }
    if contacts_rows == 1 && contact.contacts_rows == 1 && contact.message_count != contact.messages {
        let detail = format!(
            "message_count is {}, and {} rows are in messages",
            contact.message_count, contact.messages
        );
        faults.push((DamageKind::RowCount, detail));
    }
    faults
}
