//! Opens every file of a run and holds the rows against the manifest, `coverage` and each other.
//!
//! [`mod@file`] checks each file by itself, [`order`] the order of its rows, [`tally`] counts over all files, and
//! [`coverage`] holds the counts against each contact's last word. Memory is bounded but for a few dozen bytes a
//! contact: what does not fit is looked at in several passes over the files.

mod coverage;
mod file;
mod lines;
mod order;
pub(super) mod published;
pub(super) mod rows;
mod tally;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::excerpt::quoted;
use super::{DamageKind, Report, VerifyError, state};
use crate::contact_read::Status;
use crate::durable::StorageError;
use crate::id::Channel;
use crate::output::manifest::{FileEntry, Manifest};
use crate::table::Table;
use file::{Faults, FileCheck};
use order::{Order, nulls_last};
use rows::{Number, ReadError, Row, Text};
use tally::{Contacts, Conversation, Pass};

/// Checks the rows of a run whose files are sound.
pub(super) fn check(out: &Path, manifest: &Manifest, report: &mut Report) -> Result<(), VerifyError> {
    let mut deep = Deep { out, manifest, report, met: BTreeSet::new(), is_whole: true };
    let mut contacts = Contacts::default();
    let covered = coverage::count(&mut deep, &mut contacts)?;
    deep.read_contacts(&mut contacts)?;
    let rows = |table: Table| {
        let files = manifest.files.iter().filter(|file| file.table == table.name());
        files.fold(0_u64, |rows, file| rows.saturating_add(file.rows))
    };
    let passes = Pass::count(rows(Table::Conversations), rows(Table::Messages), rows(Table::ChannelRecords));
    let mut doubled = Doubled::default();
    for number in 0..passes {
        let mut pass = Pass::new(number, passes);
        let is_first = number == 0;
        doubled.conversations += deep.read_conversations(&mut contacts, &mut pass, is_first)?;
        doubled.messages += deep.read_messages(&mut contacts, &mut pass, is_first)?;
        if deep.is_whole {
            deep.compare_conversations(&pass)?;
        }
        doubled.records += deep.read_records(&mut contacts, &mut pass)?;
        if !deep.is_whole {
            break; // as many passes as the manifest's numbers ask for may be without end
        }
    }
    for table in others(manifest) {
        deep.read(table, &mut |_, _, _| {})?;
    }
    // What follows compares whole tables.
    if deep.is_whole {
        doubled.tell(&mut deep);
        coverage::compare(&mut deep, &mut contacts, &covered)?;
    }
    Ok(())
}

/// How many contacts of `coverage` are not remembered in the state as they ended.
pub(super) fn uncovered(
    out: &Path,
    manifest: &Manifest,
    remembered: &HashMap<u128, Status>,
) -> Result<u64, VerifyError> {
    let mut report = Report::default(); // all that can be wrong with these files was told of
    let mut deep = Deep { out, manifest, report: &mut report, met: BTreeSet::new(), is_whole: true };
    let mut wrong = 0;
    deep.read(Table::Coverage.name(), &mut |row, _, _| {
        let status = remembered.get(&state::fingerprint(row.contact()));
        wrong += u64::from(!state::fits(row.text(Text::Status).unwrap_or_default(), status.copied()));
    })?;
    Ok(wrong)
}

/// The tables that are only counted: archives of raw answers, and tables of later versions.
fn others(manifest: &Manifest) -> BTreeSet<&str> {
    let tables = manifest.files.iter().map(|file| file.table.as_str());
    tables.filter(|table| Table::ALL.iter().all(|known| known.name() != *table)).collect()
}

/// Takes a row with its number in its file, counted from 1, and the file.
type Each<'a> = &'a mut dyn FnMut(&Row, At<'_>, &mut Faults);

/// Where a row stands.
#[derive(Clone, Copy)]
struct At<'a> {
    row: u64,
    file: &'a FileEntry,
    /// The fingerprint of the file's partition in time.
    time: u64,
}

struct Deep<'a> {
    out: &'a Path,
    manifest: &'a Manifest,
    report: &'a mut Report,
    /// Files that were read once and checked by themselves.
    met: BTreeSet<&'a str>,
    /// Whether all files could be read and have the rows they should.
    is_whole: bool,
}

impl<'a> Deep<'a> {
    /// The files of a table, those of one folder in the order of their rows.
    fn files(&self, table: &str) -> Vec<&'a FileEntry> {
        let mut files: Vec<_> = self.manifest.files.iter().filter(|file| file.table == table).collect();
        // Numbers have five digits, and may have more.
        files.sort_by_key(|file| {
            let (folder, name) = file.path.rsplit_once('/').unwrap_or_default();
            (folder, name.len(), name)
        });
        files
    }

    fn read(&mut self, table: &str, each: Each) -> Result<(), VerifyError> {
        for file in self.files(table) {
            self.read_file(file, each)?;
        }
        Ok(())
    }

    fn read_file(&mut self, file: &'a FileEntry, each: Each) -> Result<(), VerifyError> {
        let path = self.out.join(&file.path);
        let mut faults = Faults::default();
        let mut check = self.met.insert(&file.path).then(|| FileCheck::new(self.manifest, file));
        let (mut number, time) = (0, tally::partition_time(file));
        let read = read_any(self.out, self.manifest, file, &mut |row| {
            number += 1;
            if let Some(check) = &mut check {
                check.row(number, row, &mut faults);
            }
            each(row, At { row: number, file, time }, &mut faults);
        });
        let (kind, detail) = match read {
            Ok(rows) if rows == file.rows => {
                let whole = check.filter(|_| file.table != RAW).and_then(FileCheck::finish);
                for (kind, detail) in faults.sentences().chain(whole) {
                    self.damage(&file.path, kind, detail);
                }
                return Ok(());
            }
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
        // A file that is read in every pass is told of once.
        if check.is_some() {
            self.damage(&file.path, kind, detail);
        }
        self.is_whole = false;
        Ok(())
    }

    fn read_contacts(&mut self, contacts: &mut Contacts) -> Result<(), VerifyError> {
        let mut order = Order::new();
        self.read(Table::Contacts.name(), &mut |row, at, faults| {
            let contact = contacts.of(row);
            contact.contacts_rows += 1;
            let place = (false, i64::from(contact.place));
            check_order(&mut order, [place], "", row, at, faults);
        })
    }

    /// Numbers the conversations in their order; how many are there once more than they should.
    fn read_conversations(
        &mut self,
        contacts: &mut Contacts,
        pass: &mut Pass,
        is_first: bool,
    ) -> Result<usize, VerifyError> {
        let mut order = Order::new();
        let (mut doubled, mut next) = (0, 0);
        self.read(Table::Conversations.name(), &mut |row, at, faults| {
            if is_first {
                contacts.of(row).conversations += 1;
                let place = (false, i64::from(contacts.place(row)));
                let key = [place, nulls_last(row.number(Number::FirstMessageAt))];
                let id = row.text(Text::ConversationId).unwrap_or_default();
                check_order(&mut order, key, id, row, at, faults);
            }
            next += 1;
            let Some(fingerprint) = pass.conversation(row) else { return };
            let conversation = Conversation { place: next, messages: crate::table::Totals::default() };
            doubled += usize::from(pass.conversations.insert(fingerprint, conversation).is_some());
        })?;
        Ok(doubled)
    }

    /// Counts the messages of contacts and conversations; how many are there once more than they should.
    fn read_messages(
        &mut self,
        contacts: &mut Contacts,
        pass: &mut Pass,
        is_first: bool,
    ) -> Result<usize, VerifyError> {
        let mut order = Order::new();
        self.read(Table::Messages.name(), &mut |row, at, faults| {
            let created_at = row.number(Number::CreatedAt);
            if is_first {
                contacts.of(row).messages.add(created_at);
            }
            pass.add_message(row, at.time);
            let Some(fingerprint) = pass.conversation(row) else { return };
            let conversation = pass.conversations.get_mut(&fingerprint);
            let place = conversation.as_ref().map(|conversation| conversation.place);
            match (conversation, row.text(Text::ConversationId)) {
                (Some(conversation), _) => conversation.messages.add(created_at),
                (None, None) => {}
                (None, Some(id)) => {
                    let what = "messages of no conversation";
                    faults.add(DamageKind::Disagreement, what, at.row, quoted(id));
                }
            }
            let contact = (false, i64::from(contacts.place(row)));
            let message_order = nulls_last(row.number(Number::MessageOrder));
            let key = [contact, nulls_last(place), nulls_last(created_at), message_order];
            let id = row.text(Text::MessageId).unwrap_or_default();
            check_order(&mut order, key, id, row, at, faults);
        })?;
        Ok(pass.sort_messages())
    }

    fn compare_conversations(&mut self, pass: &Pass) -> Result<(), VerifyError> {
        self.read(Table::Conversations.name(), &mut |row, at, faults| {
            let found = pass.conversation(row).and_then(|fingerprint| pass.conversations.get(&fingerprint));
            let Some(found) = found.map(|found| tally::counted(&found.messages)) else { return };
            if found != tally::said(row, Number::MessageCount) {
                let what = "conversations whose count or times are not those of their messages";
                let id = row.text(Text::ConversationId).unwrap_or_default();
                let detail = format!("{} of contact {}", quoted(id), quoted(row.contact()));
                faults.add(DamageKind::Disagreement, what, at.row, detail);
            }
        })
    }

    /// How many records are there once more than they should.
    fn read_records(&mut self, contacts: &mut Contacts, pass: &mut Pass) -> Result<usize, VerifyError> {
        let (mut order, mut before) = (Order::new(), None);
        let is_whole = self.is_whole;
        self.read(Table::ChannelRecords.name(), &mut |row, at, faults| {
            if !pass.add_record(row, at.time) && is_whole {
                let id = row.text(Text::MessageId).unwrap_or_default();
                let what = "records whose message is not in the partition";
                faults.add(DamageKind::Disagreement, what, at.row, quoted(id));
            }
            let place = (false, i64::from(contacts.place(row)));
            check_order(&mut order, [place], "", row, at, faults);
            check_record_order(&mut before, row, at, faults);
        })?;
        Ok(pass.doubled_records())
    }

    fn damage(&mut self, path: &str, kind: DamageKind, detail: impl Into<String>) {
        self.report.damage(Some(self.manifest.run_id.as_str()), path, kind, detail);
    }
}

/// Rows that are there once more than they should, by their fingerprints.
#[derive(Default)]
struct Doubled {
    conversations: usize,
    messages: usize,
    records: usize,
}

impl Doubled {
    fn tell(&self, deep: &mut Deep) {
        let counts = [
            (Table::Conversations, "conversation_id that their contact", self.conversations),
            (Table::Messages, "message_id that their contact", self.messages),
            (Table::ChannelRecords, "record_id that their message", self.records),
        ];
        for (table, what, count) in counts.into_iter().filter(|(_, _, count)| *count > 0) {
            let detail = format!("{count} rows have a {what} has already");
            deep.damage(table.name(), DamageKind::Duplicate, detail);
        }
    }
}

fn check_order<const N: usize>(
    order: &mut Order<N>,
    key: [order::NullsLast; N],
    id: &str,
    row: &Row,
    at: At<'_>,
    faults: &mut Faults,
) {
    if !order.follows(&at.file.path, key, id) {
        let what = "rows that stand after one that they should stand before";
        faults.add(DamageKind::Order, what, at.row, format!("contact {}", quoted(row.contact())));
    }
}

/// A record as its order goes: the fingerprint of its message, the place of its array, its index.
type RecordPlace = (u128, usize, i64);

/// A message's records stand by array and index, none left out. `before` is the row before.
fn check_record_order(before: &mut Option<RecordPlace>, row: &Row, at: At<'_>, faults: &mut Faults) {
    let array = Channel::ALL.iter().position(|channel| Some(channel.as_str()) == row.text(Text::Channel));
    let (array, index) = (array.unwrap_or_default(), row.number(Number::RecordIndex).unwrap_or(-1));
    let message = tally::message(row);
    // The records of a message stand in one file.
    let before = before.replace((message, array, index)).filter(|before| at.row > 1 && before.0 == message);
    let fits = match before {
        Some((_, same, last)) if same == array => last.checked_add(1) == Some(index),
        Some((_, other, _)) => other < array && index == 0,
        None => index == 0,
    };
    if !fits {
        let what = "records that do not follow those before them in their message";
        let id = row.text(Text::MessageId).unwrap_or_default();
        faults.add(DamageKind::Order, what, at.row, format!("message {}", quoted(id)));
    }
}

/// Archives of raw answers have lines and no columns.
const RAW: &str = "raw";

fn read_any(
    out: &Path,
    manifest: &Manifest,
    file: &FileEntry,
    each: &mut dyn FnMut(&Row),
) -> Result<u64, ReadError> {
    let opened = published::open(out, file)?;
    if file.table == RAW {
        return lines::count(opened, &file.path);
    }
    rows::read(opened, &file.path, file::columns(manifest, file).as_deref(), each)
}
