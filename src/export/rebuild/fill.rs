//! Writes the archive to a new spool, as if its responses had just been received in the order of the input.
//!
//! The SHA-256 of each file is checked while it is read. The transform starts only after the last file.

use std::path::Path;

use tokio::task::block_in_place;

use super::gaps::Places;
use super::order::LineOrder;
use super::{Archive, RebuildError};
use crate::contact_read::{ServerBehavior, Status};
use crate::contacts::ContactList;
use crate::event::{Event, SharedObserver};
use crate::export::ExportError;
use crate::id::ContactId;
use crate::output::manifest::FileEntry;
use crate::output::{RawContact, RawLine, RawReader};
use crate::spool::{Appender, Closing, Entry, Ledger, SpoolBody, Writer};
use crate::state::Due;
use crate::store::Store;

/// Number of contacts between two reports of progress.
const REPORT_EVERY: usize = 32;

/// The contacts of the archive, and the index of the new spool.
pub(super) struct Filled {
    pub(super) contacts: ContactList,
    /// Contacts that the archived run read.
    pub(super) due: Due,
    pub(super) ledger: Ledger,
}

/// Reads the archive into a new spool.
pub(super) async fn fill(
    archive: &Archive,
    spool: &Path,
    observer: SharedObserver,
) -> Result<Filled, RebuildError> {
    let (writer, appender) = Writer::start(spool, 0, observer.clone())?;
    let filled = read_all(archive, &appender, &observer).await;
    drop(appender);
    let spooled = tokio::task::spawn_blocking(|| writer.finish()).await;
    spooled.map_err(|_| ExportError::Bug("the spool thread panicked"))??;
    filled
}

async fn read_all(
    archive: &Archive,
    appender: &Appender,
    observer: &SharedObserver,
) -> Result<Filled, RebuildError> {
    let manifest = archive.manifest();
    let files = archive.files();
    // Each contact has a line. The number of lines bounds what an edited manifest can claim.
    let lines = files.iter().fold(0_u64, |lines, file| lines.saturating_add(file.rows));
    let count = usize::try_from(manifest.contacts.requested.min(lines)).unwrap_or(usize::MAX);
    let mut contacts = ContactList::new(manifest.input.path.clone());
    contacts.sha256.clone_from(&manifest.input.sha256);
    contacts.lines = manifest.input.lines;
    contacts.duplicates = manifest.input.duplicates;
    contacts.doubts.clone_from(&manifest.input.doubts);
    let places = block_in_place(|| Places::of(archive))?;
    let mut filling = Filling {
        from: archive.from(),
        places,
        appender,
        observer,
        contacts,
        due: Vec::new(),
        ledger: Ledger::new(count),
        // `rebuild` joins the parts of shards, whose input lines are only in order within each.
        order: LineOrder::new(count, manifest.shards.is_none()),
        shard: None,
        first: 0,
    };
    for file in &files {
        filling.begin(file.path.shard(&manifest.run_id));
        filling.read_file(file).await?;
    }
    filling.order.finish(manifest.contacts.requested).map_err(|what| {
        let last = files.last().map(|file| archive.from().join(&file.path));
        damaged(&last.unwrap_or_default(), what)
    })?;
    filling.ledger.close(Closing::Complete);
    Ok(Filled { contacts: filling.contacts, due: Due::of(filling.due), ledger: filling.ledger })
}

struct Filling<'a> {
    from: &'a Store,
    places: Places,
    appender: &'a Appender,
    observer: &'a SharedObserver,
    contacts: ContactList,
    due: Vec<bool>,
    ledger: Ledger,
    order: LineOrder,
    /// Shard of the file that is read.
    shard: Option<u32>,
    /// Index of its first contact.
    first: u32,
}

impl Filling<'_> {
    /// Begins a file, of another shard if its number has changed.
    fn begin(&mut self, shard: Option<u32>) {
        if std::mem::replace(&mut self.shard, shard) != shard {
            self.first = self.order.begin_shard();
        }
    }

    async fn read_file(&mut self, file: &FileEntry) -> Result<(), RebuildError> {
        let path = self.from.join(&file.path);
        let mut reader = RawReader::open(self.from, &file.path)?;
        while let Some(line) = block_in_place(|| reader.next())? {
            let line = self.places.renumbered(self.shard, line).map_err(|what| damaged(&path, what))?;
            let line = line.moved(self.first);
            self.order.check(&line).map_err(|what| damaged(&path, what))?;
            self.take(line).await?;
        }
        let (sha256, bytes, rows) = reader.finish();
        if sha256 != file.sha256 {
            let what = format!("its SHA-256 is {sha256}, but the manifest has {}", file.sha256);
            return Err(damaged(&path, what));
        }
        if (bytes, rows) != (file.bytes, file.rows) {
            let what = format!(
                "it has {rows} lines and {bytes} bytes, but the manifest has {} and {}",
                file.rows, file.bytes
            );
            return Err(damaged(&path, what));
        }
        Ok(())
    }

    async fn take(&mut self, line: RawLine) -> Result<(), RebuildError> {
        let (entry, body) = match line {
            RawLine::Answer(answer, body) => {
                let entry = Entry::Page {
                    contact: answer.contact,
                    pass: answer.channel,
                    ask: answer.ask,
                    asked_at: answer.requested_at,
                    at: answer.received_at,
                };
                (entry, body)
            }
            RawLine::Contact(ended) => {
                let RawContact { contact, contact_id, input_line, outcome } = ended;
                let Ok(id) = contact_id.parse::<ContactId>() else { return Ok(()) };
                self.contacts.push(&id, input_line);
                if self.contacts.len().is_multiple_of(REPORT_EVERY) {
                    self.observer.event(Event::ArchiveRead { contacts: self.contacts.len() as u64 });
                }
                let is_due = outcome.status != Status::Unchanged;
                self.due.push(is_due);
                if !is_due {
                    return Ok(());
                }
                let learned = ServerBehavior::default();
                (Entry::Done { contact, outcome, learned, first_page: None, messages: 0 }, Vec::new())
            }
        };
        let place = self.appender.append(&entry, SpoolBody::Plain(body.into())).await?;
        self.ledger.enter(&entry, place);
        Ok(())
    }
}

pub(super) fn damaged(path: &Path, what: String) -> RebuildError {
    RebuildError::Damaged { path: path.to_owned(), what }
}
