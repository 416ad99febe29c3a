//! One contact: from its pages to its rows.
//!
//! The pages are indexed as they arrive. Rows are flattened from them when the contact's outcome is known.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_128;

use super::TransformError;
use super::index::Index;
use super::order;
use super::pages::{Pages, Source};
use super::prebuilt::Prebuilt;
use super::tables::{RowTarget, Tables};
use crate::contact_read::Status;
use crate::id::ContactId;
use crate::json::{Document, Value};
use crate::record::{self, Conversation, Message, Page};
use crate::settings::Window;
use crate::spool::{ContactUpdate, RecordLocation, SpooledPage};
use crate::table::{ContactInput, Totals};

/// Bytes of a message in the index.
const MESSAGE_BYTES: usize = 150;

/// The pages and the index of one contact, from which its rows are made.
pub struct ContactRows<'a> {
    id: &'a ContactId,
    pages: Pages,
    index: Index,
    fields: ContactFields,
    totals: Totals,
    prebuilt: Prebuilt,
    is_doubtful: bool,
}

/// Fields of the contact itself. If pages differ, the later page wins.
#[derive(Default)]
struct ContactFields {
    contact: Option<String>,
    siblings: Vec<(String, String)>,
    /// Index in `siblings` of each name. A single response may hold millions of names.
    sibling_places: HashMap<String, usize>,
    unplaced: Vec<String>,
    /// Fingerprints of the members of `unplaced`.
    seen: HashSet<u128>,
}

/// Indexes a contact's pages as they arrive, until its outcome is spooled. Returns the rows and the location
/// of the outcome, or `None` if the run stops first. `contact` is the contact's index in the input.
pub fn read<'a>(
    source: &mut Source<'_>,
    tables: &mut Tables<'_>,
    (contact, id): (u32, &'a ContactId),
    window: Window,
) -> Result<Option<(ContactRows<'a>, RecordLocation)>, TransformError> {
    let mut read = ContactRows {
        id,
        pages: Pages::default(),
        index: Index::default(),
        fields: ContactFields::default(),
        totals: Totals::default(),
        prebuilt: Prebuilt::default(),
        is_doubtful: false,
    };
    loop {
        match source.ledger.wait_for(contact, read.pages.places().len(), source.stop) {
            Some(ContactUpdate::Pages(places)) => {
                for place in places {
                    let received = read.add(place, source)?;
                    read.prebuild(received, window, source, tables)?;
                }
            }
            Some(ContactUpdate::ContactFinished(done)) => {
                read.index.drop_outside(window);
                read.totals = read.index.count();
                return Ok(Some((read, done)));
            }
            None => return Ok(None),
        }
    }
}

impl ContactFields {
    /// Adds the fields of a page. Returns the bytes that are kept of it.
    fn add(&mut self, page: &Page<'_>) -> usize {
        let mut kept = 0;
        if let Some(contact) = page.contact
            && self.contact.as_deref() != Some(contact.raw())
        {
            self.contact = Some(contact.raw().to_owned());
        }
        for (name, value) in &page.siblings {
            match self.sibling_places.get(&**name) {
                Some(at) if self.siblings[*at].1 == value.raw() => {}
                Some(at) => value.raw().clone_into(&mut self.siblings[*at].1),
                None => {
                    kept += value.raw().len() + name.len();
                    self.sibling_places.insert(name.clone().into_owned(), self.siblings.len());
                    self.siblings.push((name.clone().into_owned(), value.raw().to_owned()));
                }
            }
        }
        let nameless = page.conversations.iter().filter_map(nameless);
        let unplaced = page.unplaced.iter().map(|value| value.raw().to_owned());
        for text in unplaced.chain(nameless) {
            if self.seen.insert(xxh3_128(text.as_bytes())) {
                kept += text.len();
                self.unplaced.push(text);
            }
        }
        kept
    }
}

/// The fields of a conversation without an ID, as JSON, since it has no row. `None` if all of them are null.
fn nameless(conversation: &Conversation<'_>) -> Option<String> {
    let has_value = conversation.fields.iter().any(|(_, value)| !value.is_null());
    if conversation.id.is_some() || !has_value {
        return None;
    }
    let mut text = String::from("{");
    for (at, (name, value)) in conversation.fields.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        crate::json::push_string(&mut text, name);
        text.push(':');
        text.push_str(value.raw());
    }
    text.push('}');
    Some(text)
}

impl ContactRows<'_> {
    /// Locations of the contact's pages in the spool.
    pub fn places(&self) -> &[SpooledPage] {
        self.pages.places()
    }

    /// True if a response does not belong to this contact or has the wrong shape.
    pub fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// Adds a page and returns the number of its messages.
    fn add(&mut self, place: SpooledPage, source: &mut Source<'_>) -> Result<usize, TransformError> {
        let page = self.pages.push(place);
        // Fetch spools only responses that it could read. Earlier versions spooled others too.
        if let Some(document) = self.pages.get(page, source)?
            && let Ok(records) = record::read_page(document)
        {
            self.is_doubtful |= record::check(&records, self.id).is_err();
            self.index.add(page, &records);
            let kept = self.fields.add(&records);
            let messages = records.message_count();
            source.held.add(kept + messages * MESSAGE_BYTES);
            return Ok(messages);
        }
        self.is_doubtful = true;
        Ok(0)
    }

    /// Builds pieces of the messages whose positions are unlikely to change, after a page of `received`
    /// messages. Only at the turn of the contact: before, the pieces would wait in memory.
    fn prebuild(
        &mut self,
        received: usize,
        window: Window,
        source: &mut Source<'_>,
        tables: &mut Tables<'_>,
    ) -> Result<(), TransformError> {
        if !tables.have_pieces || !tables.is_head()? {
            return Ok(());
        }
        for messages in self.prebuilt.page_read(received, &self.index, window) {
            self.build_piece(&messages, source, tables)?;
            if let Some(page) = self.prebuilt.first_page(&self.index) {
                self.pages.release_before(page);
            }
        }
        Ok(())
    }

    /// Builds a piece of these messages and returns its number.
    fn build_piece(
        &mut self,
        messages: &[u32],
        source: &mut Source<'_>,
        tables: &mut Tables<'_>,
    ) -> Result<u32, TransformError> {
        let number = self.prebuilt.next_number();
        for at in messages {
            self.push(*at, RowTarget::Piece(number), source, tables)?;
        }
        let counts = tables.end_piece(number)?;
        self.prebuilt.add(&self.index, messages, counts);
        Ok(number)
    }

    /// Writes the contact's rows in order, if its status has rows. Returns the totals of the exported
    /// messages.
    pub fn flatten(
        mut self,
        status: Status,
        source: &mut Source<'_>,
        tables: &mut Tables<'_>,
    ) -> Result<Totals, TransformError> {
        let mut exported = Totals::default();
        if status.has_rows() {
            self.push_rows(source, tables)?;
            exported = self.totals;
        }
        if !self.prebuilt.is_empty() {
            tables.drop_pieces()?;
        }
        Ok(exported)
    }

    fn push_rows(&mut self, source: &mut Source<'_>, tables: &mut Tables<'_>) -> Result<(), TransformError> {
        self.push_contact(tables);
        let conversations = order::conversations(&self.index);
        for at in &conversations {
            let conversation = &self.index.conversations[*at as usize];
            if conversation.columns.id.is_some() {
                tables.builders.conversation(self.id, &conversation.columns, conversation.totals);
                tables.flush_large()?;
            }
        }
        let messages = order::messages(&self.index, &conversations);
        match self.prebuilt.cuts(messages.len()).filter(|_| tables.have_pieces) {
            None => {
                self.expect(&messages, source)?;
                messages.iter().try_for_each(|at| self.push(*at, RowTarget::Table, source, tables))
            }
            Some(pieces) => {
                let find = |piece| (piece, self.prebuilt.find(&self.index, piece));
                let pieces: Vec<_> = pieces.map(|piece| find(&messages[piece])).collect();
                let missing = pieces.iter().filter(|(_, found)| found.is_none());
                let missing: Vec<u32> = missing.flat_map(|(piece, _)| piece.iter().copied()).collect();
                self.expect(&missing, source)?;
                for (piece, found) in pieces {
                    let number = match found {
                        Some(number) => number,
                        None => self.build_piece(piece, source, tables)?,
                    };
                    tables.put_piece(number, self.prebuilt.counts(number))?;
                }
                Ok(())
            }
        }
    }

    /// Announces the order in which the pages of these messages are needed.
    fn expect(&mut self, messages: &[u32], source: &Source<'_>) -> Result<(), TransformError> {
        let page_of = |at: &u32| self.index.messages[*at as usize].page;
        Ok(self.pages.expect(messages.iter().map(page_of), source)?)
    }

    /// Writes the rows of one message.
    fn push(
        &mut self,
        at: u32,
        target: RowTarget,
        source: &mut Source<'_>,
        tables: &mut Tables<'_>,
    ) -> Result<(), TransformError> {
        let indexed = &self.index.messages[at as usize];
        let pass = self.pages.pass(indexed.page);
        let document = self.pages.get(indexed.page, source)?;
        let Some(value) = document.and_then(|document| document.value(indexed.value)) else { return Ok(()) };
        let message = Message::known(self.index.id(indexed), value);
        let columns = &self.index.conversations[indexed.conversation as usize].columns;
        tables.message(target, self.id, columns, pass, &message)
    }

    fn push_contact(&self, tables: &mut Tables<'_>) {
        let read = |text: &String| Document::parse(text.clone()).ok();
        let contact = self.fields.contact.as_ref().and_then(read);
        let siblings: Vec<_> =
            self.fields.siblings.iter().filter_map(|(name, text)| Some((name, read(text)?))).collect();
        let siblings: Vec<(Cow<'_, str>, Value<'_>)> =
            siblings.iter().map(|(name, document)| (name.as_str().into(), document.root())).collect();
        let with_id =
            self.index.conversations.iter().filter(|conversation| conversation.columns.id.is_some());
        tables.builders.contact(&ContactInput {
            id: self.id,
            contact: contact.as_ref().map(Document::root),
            siblings: &siblings,
            unplaced: &self.fields.unplaced,
            conversation_count: with_id.count() as u64,
            totals: self.totals,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::ContactFields;
    use crate::json::Document;
    use crate::record::read_page;

    #[test]
    fn each_of_many_odd_values_is_kept_once() {
        const COUNT: usize = 40_000;
        let (mut odd, mut siblings) = (String::new(), String::new());
        for number in 0..COUNT {
            write!(odd, "{number},").unwrap();
            write!(siblings, "\"s{number}\":{number},").unwrap();
        }
        let page = format!(r#"{{"data":{{"data":{{{siblings}"conversations":[{odd}0]}}}}}}"#);
        let mut fields = ContactFields::default();
        for text in [&page, &page.replace("\"s7\":7,", "\"s7\":8,")] {
            fields.add(&read_page(&Document::parse(text.as_str()).unwrap()).unwrap());
        }
        assert_eq!((fields.unplaced.len(), fields.siblings.len()), (COUNT, COUNT));
        assert_eq!(fields.siblings[7], ("s7".to_owned(), "8".to_owned()));
    }
}
