//! Writes the contents of a package, contact by contact.
//!
//! A contact's rows are gathered until all are there. They pass through [`View`], and only what it returns is
//! written.

use std::collections::BTreeSet;
use std::path::Path;

use arrow::array::{RecordBatch, TimestampMicrosecondArray};

use super::bag::Bag;
use super::cite::Cites;
use super::documents::Documents;
use super::gather::{Gathered, Gathering};
use super::message::Message;
use super::note::NoteSorter;
use super::person::Person;
use super::row::text;
use super::tables::TableFiles;
use super::transcript::clock::Clock;
use super::transcript::{Contents, Origin, Transcript};
use super::view::View;
use super::{EvidenceError, EvidencePlan, rsmf};
use crate::contact_read::Status;
use crate::output::manifest::Manifest;
use crate::snapshot::{EndedContact, Receiver};
use crate::table::Table;

/// Numbers of what a package has.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    /// Contacts by status, in the order of [`Status::ALL`].
    pub(super) statuses: [u64; Status::ALL.len()],
    pub(super) conversations: u64,
    pub(super) messages: u64,
    pub(super) records: u64,
    /// Contacts whose end of the history is proved.
    pub(super) proved_ends: u64,
    /// Contacts whose history ended with a short page.
    pub(super) short_ends: u64,
    /// Addresses of the account's owner.
    pub(super) accounts: BTreeSet<String>,
    /// The first contacts that are not whole, with their statuses and reasons.
    pub(super) exceptions: Vec<(String, String, Option<String>)>,
    /// Reasons to doubt the runs.
    pub(super) doubts: Vec<String>,
}

impl Totals {
    /// Number of contacts in the package.
    pub(super) fn contacts(&self) -> u64 {
        self.statuses.iter().sum()
    }

    /// Number of contacts with this status.
    pub(super) fn of(&self, status: Status) -> u64 {
        let counts = Status::ALL.iter().zip(self.statuses);
        counts.filter(|(each, _)| **each == status).map(|(_, count)| count).sum()
    }
}

/// Exceptions that the custody record lists. `coverage.csv` has all.
const MAX_EXCEPTIONS: usize = 1000;

/// The open files of a package.
pub(super) struct Package<'a> {
    pub(super) bag: Bag,
    view: Box<dyn View>,
    pub(super) contents: Contents,
    pub(super) totals: Totals,
    plan: &'a EvidencePlan,
    clock: Clock,
    origin: Origin,
    temporary: &'a Path,
    gathering: Gathering,
    tables: [TableFiles; 5],
    documents: Documents,
}

impl<'a> Package<'a> {
    pub(super) fn create(
        bag: Bag,
        view: Box<dyn View>,
        (plan, id): (&'a EvidencePlan, &str),
        temporary: &'a Path,
    ) -> Result<Self, EvidenceError> {
        let mut tables = Vec::with_capacity(Table::ALL.len());
        for table in Table::ALL {
            tables.push(TableFiles::create(&bag, table)?);
        }
        let documents = Documents::create(&bag)?;
        Ok(Self {
            tables: tables.try_into().unwrap_or_else(|_| unreachable!("five tables")),
            documents,
            bag,
            view,
            contents: Contents::default(),
            totals: Totals::default(),
            clock: Clock { zone: plan.zone.clone() },
            origin: Origin { reference: plan.case.reference.clone(), package_id: id.to_owned() },
            plan,
            temporary,
            gathering: Gathering::new(temporary),
        })
    }

    /// Closes the tables.
    pub(super) fn finish(self) -> Result<Finished, EvidenceError> {
        let Self { mut bag, tables, documents, .. } = self;
        for table in tables {
            table.finish(&mut bag)?;
        }
        documents.finish(&mut bag)?;
        Ok(Finished { bag, contents: self.contents, totals: self.totals })
    }

    fn contact(&mut self, gathered: Gathered, contact: &EndedContact) -> Result<(), EvidenceError> {
        let coverage = self.view.shown(Table::Coverage, contact.coverage);
        self.write(Table::Coverage, &coverage)?;
        let mut contacts = Vec::with_capacity(gathered.contacts.len());
        for batch in &gathered.contacts {
            let shown = self.view.shown(Table::Contacts, batch);
            self.write(Table::Contacts, &shown)?;
            self.totals.accounts.extend(text(&shown, "user_email_id", 0).map(str::to_owned));
            contacts.push(shown);
        }
        let mut person = Person::read(self.totals.contacts() + 1, &coverage, &contacts);
        person.conversations = u64::from(gathered.conversations.count);
        person.records = u64::from(gathered.records.count);
        person.has_transcript = contact.status.has_rows();
        self.count(&person, contact.status);
        let messages = u64::from(gathered.messages.count);
        for batch in gathered.conversations {
            let shown = self.view.shown(Table::Conversations, &batch?.0);
            self.write(Table::Conversations, &shown)?;
        }
        let cites = Cites { prefix: self.plan.prefix.as_str(), before: self.totals.messages };
        let mut sorter = NoteSorter::new(self.temporary);
        for batch in gathered.records {
            let (original, first) = batch?;
            let shown = self.view.shown(Table::ChannelRecords, &original);
            let of_message = |row| gathered.lookup.own(&original, row).map(|message| cites.of(message));
            let numbers = (0..original.num_rows()).map(of_message).collect();
            self.tables[Table::ChannelRecords as usize].write(&mut self.bag, &shown, Some(numbers))?;
            sorter.push(&gathered.lookup, &original, &shown, first)?;
        }
        let mut notes = sorter.finish()?;
        let account = contacts.first().and_then(|rows| text(rows, "user_email_id", 0));
        let mut review = self
            .plan
            .has_rsmf
            .then(|| rsmf::Files::new(&person, rsmf::Facts { tool: &self.plan.tool, account }));
        let mut transcript = Transcript::new(&self.origin, &person, &self.clock);
        for batch in gathered.messages {
            let (original, first) = batch?;
            let shown = self.view.shown(Table::Messages, &original);
            let numbers = cites.of_rows(first, shown.num_rows());
            self.tables[Table::Messages as usize].write(&mut self.bag, &shown, Some(numbers))?;
            for (row, position) in (0..shown.num_rows()).zip(first..) {
                let (cite, notes) = (cites.of(position), notes.of(position, cites)?);
                let extra = text(&original, "extra", row);
                let message = Message::read(&shown, row, extra, cite, notes);
                transcript.push(&mut self.bag, &message)?;
                if let Some(files) = &mut review
                    && let Some(file) = files.push(&mut self.bag, message)?
                {
                    self.documents.review_file(&mut self.bag, &person, &file)?;
                }
            }
        }
        if let Some(files) = review
            && let Some(file) = files.finish(&mut self.bag)?
        {
            self.documents.review_file(&mut self.bag, &person, &file)?;
        }
        if person.has_transcript {
            for page in transcript.finish(&mut self.bag)? {
                self.documents.transcript(&mut self.bag, &person, &page)?;
            }
        }
        self.totals.messages += messages;
        Ok(self.contents.push(&mut self.bag, &person)?)
    }

    fn write(&mut self, table: Table, shown: &RecordBatch) -> Result<(), EvidenceError> {
        Ok(self.tables[table as usize].write(&mut self.bag, shown, None)?)
    }

    fn count(&mut self, person: &Person, status: Status) {
        let totals = &mut self.totals;
        totals.statuses[Status::ALL.iter().position(|known| *known == status).unwrap_or_default()] += 1;
        totals.conversations += person.conversations;
        totals.records += person.records;
        totals.short_ends += u64::from(person.end.as_deref() == Some("short_page"));
        totals.proved_ends += u64::from(person.end.as_deref() == Some("proved"));
        let is_whole = matches!(status, Status::Exported | Status::Empty | Status::Unchanged);
        if !is_whole && totals.exceptions.len() < MAX_EXCEPTIONS {
            let exception = (person.contact_id.clone(), person.status.clone(), person.error.clone());
            totals.exceptions.push(exception);
        }
    }
}

/// A package whose contacts are written.
pub(super) struct Finished {
    pub(super) bag: Bag,
    pub(super) contents: Contents,
    pub(super) totals: Totals,
}

impl Receiver for Package<'_> {
    type Error = EvidenceError;

    fn begin_run(&mut self, manifest: &Manifest) {
        let doubts = manifest.input.doubts.iter();
        self.totals.doubts.extend(doubts.map(|doubt| format!("run {}: {doubt}", manifest.run_id)));
    }

    fn rows(
        &mut self,
        table: Table,
        batch: RecordBatch,
        _: Option<TimestampMicrosecondArray>,
    ) -> Result<(), EvidenceError> {
        self.view.learn(table, &batch);
        Ok(self.gathering.push(table, &batch)?)
    }

    fn end_contact(&mut self, contact: EndedContact<'_>) -> Result<(), EvidenceError> {
        let gathering = std::mem::replace(&mut self.gathering, Gathering::new(self.temporary));
        self.contact(gathering.finish()?, &contact)?;
        self.view.end_contact();
        Ok(())
    }
}
