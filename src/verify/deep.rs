//! Opens every file of a run, and compares the rows with the manifest, `coverage` and each other.
//!
//! [`mod@file`] checks each file on its own, [`order`] the order of its rows. [`tally`] counts over all
//! files, and [`coverage`] compares the counts with the outcome of each contact. Memory is bounded except for
//! a few dozen bytes per contact. Larger runs take several passes over the files.

mod coverage;
mod file;
mod order;
pub(super) mod rows;
mod tally;

use std::collections::{BTreeSet, HashMap};

use super::excerpt::quoted;
use super::{DamageKind, Report, VerifyError, state};
use crate::contact_read::Status;
use crate::id::Channel;
use crate::output::RAW;
use crate::output::manifest::{FileEntry, Manifest};
use crate::published::{self, ReadError, Wanted};
use crate::store::Store;
use crate::table::Table;
use file::{Faults, FileCheck};
use order::{RowOrder, nulls_last};
use rows::{COLUMNS, Number, Row, Text};
use tally::{ConversationCounts, CountsByContact, Pass};

/// Checks the rows of a run whose files are intact.
pub(super) fn check(out: &Store, manifest: &Manifest, report: &mut Report) -> Result<(), VerifyError> {
    let mut deep = DeepCheck { out, manifest, report, checked_files: BTreeSet::new(), all_readable: true };
    let mut contacts = CountsByContact::default();
    let covered = coverage::count(&mut deep, &mut contacts)?;
    deep.read_contacts(&mut contacts)?;
    let rows = |table: Table| {
        let files = manifest.files.iter().filter(|file| file.table == table.name());
        files.fold(0_u64, |rows, file| rows.saturating_add(file.rows))
    };
    let passes = Pass::count(rows(Table::Conversations), rows(Table::Messages), rows(Table::ChannelRecords));
    let mut duplicates = Duplicates::default();
    for number in 0..passes {
        let mut pass = Pass::new(number, passes);
        let is_first = number == 0;
        duplicates.conversations += deep.read_conversations(&mut contacts, &mut pass, is_first)?;
        duplicates.messages += deep.read_messages(&mut contacts, &mut pass, is_first)?;
        if deep.all_readable {
            deep.compare_conversations(&pass)?;
        }
        duplicates.records += deep.read_records(&mut contacts, &mut pass)?;
        if !deep.all_readable {
            break; // an edited manifest could require endless passes
        }
    }
    for table in other_tables(manifest) {
        deep.read(table, &mut |_, _, _| {})?;
    }
    // The remaining checks compare whole tables.
    if deep.all_readable {
        duplicates.add_damage(&mut deep);
        coverage::compare(&mut deep, &mut contacts, &covered)?;
    }
    Ok(())
}

/// Returns the number of contacts in `coverage` whose outcome differs from the state file.
pub(super) fn uncovered(
    out: &Store,
    manifest: &Manifest,
    remembered: &HashMap<u128, Status>,
) -> Result<u64, VerifyError> {
    let mut report = Report::default(); // damage of these files is already reported
    let mut deep =
        DeepCheck { out, manifest, report: &mut report, checked_files: BTreeSet::new(), all_readable: true };
    let mut wrong = 0;
    deep.read(Table::Coverage.name(), &mut |row, _, _| {
        let status = remembered.get(&state::fingerprint(row.contact()));
        wrong += u64::from(!state::fits(row.text(Text::Status).unwrap_or_default(), status.copied()));
    })?;
    Ok(wrong)
}

/// Returns the tables whose rows are only counted: raw archives, and tables of later versions.
fn other_tables(manifest: &Manifest) -> BTreeSet<&str> {
    let tables = manifest.files.iter().map(|file| file.table.as_str());
    tables.filter(|table| Table::ALL.iter().all(|known| known.name() != *table)).collect()
}

/// Takes a row and its position.
type OnRow<'a> = &'a mut dyn FnMut(&Row, RowPosition<'_>, &mut Faults);

/// Position of a row: its number from 1, and its file.
#[derive(Clone, Copy)]
struct RowPosition<'a> {
    row: u64,
    file: &'a FileEntry,
    /// Fingerprint of the file's time partition.
    time: u64,
}

struct DeepCheck<'a> {
    out: &'a Store,
    manifest: &'a Manifest,
    report: &'a mut Report,
    /// Files that are already checked on their own.
    checked_files: BTreeSet<&'a str>,
    /// True if all files could be read and have the expected rows.
    all_readable: bool,
}

impl<'a> DeepCheck<'a> {
    fn read(&mut self, table: &str, each: OnRow) -> Result<(), VerifyError> {
        for file in published::files_of(self.manifest, table) {
            self.read_file(file, each)?;
        }
        Ok(())
    }

    fn read_file(&mut self, file: &'a FileEntry, each: OnRow) -> Result<(), VerifyError> {
        let mut faults = Faults::default();
        let mut check = self.checked_files.insert(&file.path).then(|| FileCheck::new(self.manifest, file));
        let (mut number, time) = (0, tally::partition_time(file));
        let read = read_any(self.out, self.manifest, file, &mut |row| {
            number += 1;
            if let Some(check) = &mut check {
                check.row(number, row, &mut faults);
            }
            each(row, RowPosition { row: number, file, time }, &mut faults);
        });
        let (kind, detail) = match read {
            Ok(()) => {
                let whole = check.filter(|_| file.table != RAW).and_then(FileCheck::finish);
                for (kind, detail) in faults.sentences().chain(whole) {
                    self.damage(&file.path, kind, detail);
                }
                return Ok(());
            }
            Err(ReadError::RowCount { found, expected, .. }) => {
                (DamageKind::RowCount, format!("it has {found} rows, but the manifest says {expected}"))
            }
            Err(ReadError::Damaged { what, .. }) => (DamageKind::Unreadable, what),
            Err(ReadError::Storage(error)) => return Err(error.into()),
        };
        // A file that is read in every pass is reported once.
        if check.is_some() {
            self.damage(&file.path, kind, detail);
        }
        self.all_readable = false;
        Ok(())
    }

    fn read_contacts(&mut self, contacts: &mut CountsByContact) -> Result<(), VerifyError> {
        let mut order = RowOrder::new();
        self.read(Table::Contacts.name(), &mut |row, at, faults| {
            let contact = contacts.of(row);
            contact.contacts_rows += 1;
            let position = (false, i64::from(contact.position));
            check_order(&mut order, [position], "", row, at, faults);
        })
    }

    /// Numbers the conversations in their order. Returns the number of duplicates.
    fn read_conversations(
        &mut self,
        contacts: &mut CountsByContact,
        pass: &mut Pass,
        is_first: bool,
    ) -> Result<usize, VerifyError> {
        let mut order = RowOrder::new();
        let (mut duplicates, mut next) = (0, 0);
        self.read(Table::Conversations.name(), &mut |row, at, faults| {
            if is_first {
                contacts.of(row).conversations += 1;
                let position = (false, i64::from(contacts.position(row)));
                let key = [position, nulls_last(row.number(Number::FirstMessageAt))];
                let id = row.text(Text::ConversationId).unwrap_or_default();
                check_order(&mut order, key, id, row, at, faults);
            }
            next += 1;
            let Some(fingerprint) = pass.conversation(row) else { return };
            let conversation =
                ConversationCounts { position: next, messages: crate::table::Totals::default() };
            duplicates += usize::from(pass.conversations.insert(fingerprint, conversation).is_some());
        })?;
        Ok(duplicates)
    }

    /// Counts the messages of contacts and conversations. Returns the number of duplicates.
    fn read_messages(
        &mut self,
        contacts: &mut CountsByContact,
        pass: &mut Pass,
        is_first: bool,
    ) -> Result<usize, VerifyError> {
        let mut order = RowOrder::new();
        self.read(Table::Messages.name(), &mut |row, at, faults| {
            let created_at = row.number(Number::CreatedAt);
            if is_first {
                contacts.of(row).messages.add(created_at);
            }
            pass.add_message(row, at.time);
            let Some(fingerprint) = pass.conversation(row) else { return };
            let conversation = pass.conversations.get_mut(&fingerprint);
            let position = conversation.as_ref().map(|conversation| conversation.position);
            match (conversation, row.text(Text::ConversationId)) {
                (Some(conversation), _) => conversation.messages.add(created_at),
                (None, None) => {}
                (None, Some(id)) => {
                    let what = "messages without their conversation";
                    faults.add(DamageKind::Disagreement, what, at.row, quoted(id));
                }
            }
            let contact = (false, i64::from(contacts.position(row)));
            let message_order = nulls_last(row.number(Number::MessageOrder));
            let key = [contact, nulls_last(position), nulls_last(created_at), message_order];
            let id = row.text(Text::MessageId).unwrap_or_default();
            check_order(&mut order, key, id, row, at, faults);
        })?;
        Ok(pass.sort_messages())
    }

    fn compare_conversations(&mut self, pass: &Pass) -> Result<(), VerifyError> {
        self.read(Table::Conversations.name(), &mut |row, at, faults| {
            let found = pass.conversation(row).and_then(|fingerprint| pass.conversations.get(&fingerprint));
            let Some(found) = found.map(|found| tally::counted(&found.messages)) else { return };
            if found != tally::stated(row, Number::MessageCount) {
                let what = "conversations whose count or times differ from their messages";
                let id = row.text(Text::ConversationId).unwrap_or_default();
                let detail = format!("{} of contact {}", quoted(id), quoted(row.contact()));
                faults.add(DamageKind::Disagreement, what, at.row, detail);
            }
        })
    }

    /// Checks the records. Returns the number of duplicates.
    fn read_records(
        &mut self,
        contacts: &mut CountsByContact,
        pass: &mut Pass,
    ) -> Result<usize, VerifyError> {
        let (mut order, mut before) = (RowOrder::new(), None);
        let all_readable = self.all_readable;
        self.read(Table::ChannelRecords.name(), &mut |row, at, faults| {
            if !pass.add_record(row, at.time) && all_readable {
                let id = row.text(Text::MessageId).unwrap_or_default();
                let what = "records whose message is not in the partition";
                faults.add(DamageKind::Disagreement, what, at.row, quoted(id));
            }
            let position = (false, i64::from(contacts.position(row)));
            check_order(&mut order, [position], "", row, at, faults);
            check_record_order(&mut before, row, at, faults);
        })?;
        Ok(pass.duplicate_records())
    }

    fn damage(&mut self, path: &str, kind: DamageKind, detail: impl Into<String>) {
        self.report.damage(Some(self.manifest.run_id.as_str()), path, kind, detail);
    }
}

/// Numbers of duplicate rows, by their fingerprints.
#[derive(Default)]
struct Duplicates {
    conversations: usize,
    messages: usize,
    records: usize,
}

impl Duplicates {
    fn add_damage(&self, deep: &mut DeepCheck) {
        let counts = [
            (Table::Conversations, "conversation_id", self.conversations),
            (Table::Messages, "message_id", self.messages),
            (Table::ChannelRecords, "record_id", self.records),
        ];
        for (table, what, count) in counts.into_iter().filter(|(_, _, count)| *count > 0) {
            let detail = format!("{count} rows repeat the {what} of another row");
            deep.damage(table.name(), DamageKind::Duplicate, detail);
        }
    }
}

fn check_order<const N: usize>(
    order: &mut RowOrder<N>,
    key: [order::NullsLast; N],
    id: &str,
    row: &Row,
    at: RowPosition<'_>,
    faults: &mut Faults,
) {
    if !order.follows(&at.file.path, key, id) {
        let what = "rows that are out of order";
        faults.add(DamageKind::Order, what, at.row, format!("contact {}", quoted(row.contact())));
    }
}

/// Position of a record: fingerprint of its message, index of its array, index in the array.
type RecordPosition = (u128, usize, i64);

/// Checks that the records of a message are ordered by array and index, without gaps. `before` is the
/// previous row.
fn check_record_order(
    before: &mut Option<RecordPosition>,
    row: &Row,
    at: RowPosition<'_>,
    faults: &mut Faults,
) {
    let array = Channel::ALL.iter().position(|channel| Some(channel.as_str()) == row.text(Text::Channel));
    let (array, index) = (array.unwrap_or_default(), row.number(Number::RecordIndex).unwrap_or(-1));
    let message = tally::message(row);
    // The records of a message are in one file.
    let before = before.replace((message, array, index)).filter(|before| at.row > 1 && before.0 == message);
    let fits = match before {
        Some((_, same, last)) if same == array => last.checked_add(1) == Some(index),
        Some((_, other, _)) => other < array && index == 0,
        None => index == 0,
    };
    if !fits {
        let what = "records that do not continue the previous record of their message";
        let id = row.text(Text::MessageId).unwrap_or_default();
        faults.add(DamageKind::Order, what, at.row, format!("message {}", quoted(id)));
    }
}

fn read_any(
    out: &Store,
    manifest: &Manifest,
    file: &FileEntry,
    each: &mut dyn FnMut(&Row),
) -> Result<(), ReadError> {
    if file.table == RAW {
        return published::count_lines(out, file);
    }
    for batch in published::batches(out, manifest, file, Wanted::Named(&COLUMNS))? {
        rows::each_row(&batch?, each);
    }
    Ok(())
}
