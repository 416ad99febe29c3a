//! One contact: from its pages to its rows.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_128;

use super::TransformError;
use super::early::Early;
use super::index::Index;
use super::order;
use super::pages::{Pages, Source};
use super::tables::{RowTarget, Tables};
use crate::contact_read::Status;
use crate::id::ContactId;
use crate::json::{Document, Value};
use crate::record::{self, Conversation, Message, Page};
use crate::settings::Window;
use crate::spool::{ContactUpdate, RecordLocation, SpooledPage};
use crate::table::{ContactInput, Totals};

/// A contact that is being indexed, or is.
pub struct Contact<'a> {
    id: &'a ContactId,
    pages: Pages,
    index: Index,
    own: Own,
    totals: Totals,
    early: Early,
    is_doubtful: bool,
}

/// What the pages say of the contact itself; the last word of each.
#[derive(Default)]
struct Own {
    contact: Option<String>,
    siblings: Vec<(String, String)>,
    /// Where in `siblings` a name stands: one answer may hold millions of them.
    sibling_places: HashMap<String, usize>,
    unplaced: Vec<String>,
    /// Fingerprints of what is in `unplaced`.
    met: HashSet<u128>,
}

/// Reads a contact's pages into an index, as they come, until it has its last word, which is given too; none when the run
/// has stopped before that. `contact` is its place in the input.
pub fn read<'a>(
    source: &mut Source<'_>,
    tables: &mut Tables,
    (contact, id): (u32, &'a ContactId),
    window: Window,
) -> Result<Option<(Contact<'a>, RecordLocation)>, TransformError> {
    let mut read = Contact {
        id,
        pages: Pages::default(),
        index: Index::default(),
        own: Own::default(),
        totals: Totals::default(),
        early: Early::default(),
        is_doubtful: false,
    };
    loop {
        match source.ledger.wait_for(contact, read.pages.places().len()) {
            Some(ContactUpdate::Pages(places)) => {
                for place in places {
                    let received = read.add(place, source)?;
                    read.make_early(received, window, source, tables)?;
                }
            }
            Some(ContactUpdate::Done(done)) => {
                read.index.keep(window);
                read.totals = read.index.count();
                return Ok(Some((read, done)));
            }
            None => return Ok(None),
        }
    }
}

impl Own {
    fn add(&mut self, page: &Page<'_>) {
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
                    self.sibling_places.insert(name.clone().into_owned(), self.siblings.len());
                    self.siblings.push((name.clone().into_owned(), value.raw().to_owned()));
                }
            }
        }
        let nameless = page.conversations.iter().filter_map(nameless);
        let unplaced = page.unplaced.iter().map(|value| value.raw().to_owned());
        for text in unplaced.chain(nameless) {
            if self.met.insert(xxh3_128(text.as_bytes())) {
                self.unplaced.push(text);
            }
        }
    }
}

/// A conversation without an id has no row: what it says beside its messages, as JSON. None if it says nothing.
fn nameless(conversation: &Conversation<'_>) -> Option<String> {
    let says_something = conversation.fields.iter().any(|(_, value)| !value.is_null());
    if conversation.id.is_some() || !says_something {
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

impl Contact<'_> {
    /// Where its pages stand.
    pub fn places(&self) -> &[SpooledPage] {
        self.pages.places()
    }

    /// True if one of its answers is not what was asked for.
    pub fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// Takes a page in; gives how many messages it holds.
    fn add(&mut self, place: SpooledPage, source: &mut Source<'_>) -> Result<usize, TransformError> {
        let page = self.pages.push(place);
        // Only answers that were read once are spooled.
        if let Some(document) = self.pages.get(page, source)?
            && let Ok(records) = record::read_page(document)
        {
            self.is_doubtful |= record::check(&records, self.id).is_err();
            self.index.add(page, &records);
            self.own.add(&records);
            return Ok(records.message_count());
        }
        self.is_doubtful = true;
        Ok(0)
    }

    /// Makes pieces of what is likely to stay where it is, after a page with so many messages.
    fn make_early(
        &mut self,
        received: usize,
        window: Window,
        source: &mut Source<'_>,
        tables: &mut Tables,
    ) -> Result<(), TransformError> {
        if !tables.have_pieces {
            return Ok(());
        }
        for messages in self.early.read(received, &self.index, window) {
            self.make(&messages, source, tables)?;
            if let Some(page) = self.early.first_page(&self.index) {
                self.pages.leave_behind(page);
            }
        }
        Ok(())
    }

    /// Makes a piece of these messages; gives its number.
    fn make(
        &mut self,
        messages: &[u32],
        source: &mut Source<'_>,
        tables: &mut Tables,
    ) -> Result<u32, TransformError> {
        let number = self.early.next();
        for at in messages {
            self.push(*at, RowTarget::Piece(number), source, tables)?;
        }
        let counts = tables.end_piece(number)?;
        self.early.made(&self.index, messages, counts);
        Ok(number)
    }

    /// Pushes the contact's rows, in their order, if it has any; gives what was exported of it.
    pub fn flatten(
        mut self,
        status: Status,
        source: &mut Source<'_>,
        tables: &mut Tables,
    ) -> Result<Totals, TransformError> {
        let mut exported = Totals::default();
        if status.has_rows() {
            self.push_rows(source, tables)?;
            exported = self.totals;
        }
        if !self.early.is_empty() {
            tables.drop_pieces()?;
        }
        Ok(exported)
    }

    fn push_rows(&mut self, source: &mut Source<'_>, tables: &mut Tables) -> Result<(), TransformError> {
        self.push_contact(tables);
        let conversations = order::conversations(&self.index);
        for at in &conversations {
            let conversation = &self.index.conversations[*at as usize];
            if conversation.columns.id.is_some() {
                tables.builders.conversation(self.id, &conversation.columns, conversation.totals);
                tables.relieve()?;
            }
        }
        let messages = order::messages(&self.index, &conversations);
        match self.early.pieces(messages.len()).filter(|_| tables.have_pieces) {
            None => {
                self.expect(&messages, source)?;
                messages.iter().try_for_each(|at| self.push(*at, RowTarget::Table, source, tables))
            }
            Some(pieces) => {
                let made = |piece| (piece, self.early.find(&self.index, piece));
                let pieces: Vec<_> = pieces.map(|piece| made(&messages[piece])).collect();
                let late = pieces.iter().filter(|(_, made)| made.is_none());
                let late: Vec<u32> = late.flat_map(|(piece, _)| piece.iter().copied()).collect();
                self.expect(&late, source)?;
                for (piece, made) in pieces {
                    let number = match made {
                        Some(number) => number,
                        None => self.make(piece, source, tables)?,
                    };
                    tables.put_piece(number, self.early.counts(number))?;
                }
                Ok(())
            }
        }
    }

    /// Says in which order the pages of these messages will be needed.
    fn expect(&mut self, messages: &[u32], source: &Source<'_>) -> Result<(), TransformError> {
        let page_of = |at: &u32| self.index.messages[*at as usize].page;
        Ok(self.pages.expect(messages.iter().map(page_of), source)?)
    }

    /// Pushes a message's rows.
    fn push(
        &mut self,
        at: u32,
        whither: RowTarget,
        source: &mut Source<'_>,
        tables: &mut Tables,
    ) -> Result<(), TransformError> {
        let indexed = &self.index.messages[at as usize];
        let pass = self.pages.pass(indexed.page);
        let document = self.pages.get(indexed.page, source)?;
        let Some(value) = document.and_then(|document| document.value(indexed.value)) else { return Ok(()) };
        let message = Message::known(self.index.id(indexed), value);
        let columns = &self.index.conversations[indexed.conversation as usize].columns;
        tables.message(whither, self.id, columns, pass, &message)
    }

    fn push_contact(&self, tables: &mut Tables) {
        let read = |text: &String| Document::parse(text.clone()).ok();
        let contact = self.own.contact.as_ref().and_then(read);
        let siblings: Vec<_> =
            self.own.siblings.iter().filter_map(|(name, text)| Some((name, read(text)?))).collect();
        let siblings: Vec<(Cow<'_, str>, Value<'_>)> =
            siblings.iter().map(|(name, document)| (name.as_str().into(), document.root())).collect();
        let with_id =
            self.index.conversations.iter().filter(|conversation| conversation.columns.id.is_some());
        tables.builders.contact(&ContactInput {
            id: self.id,
            contact: contact.as_ref().map(Document::root),
            siblings: &siblings,
            unplaced: &self.own.unplaced,
            conversation_count: with_id.count() as u64,
            totals: self.totals,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::Own;
    use crate::json::Document;
    use crate::record::read_page;

    #[test]
    fn many_odd_things_are_each_kept_once_and_found_without_looking_through_all() {
        const COUNT: usize = 40_000;
        let (mut odd, mut siblings) = (String::new(), String::new());
        for number in 0..COUNT {
            write!(odd, "{number},").unwrap();
            write!(siblings, "\"s{number}\":{number},").unwrap();
        }
        let page = format!(r#"{{"data":{{"data":{{{siblings}"conversations":[{odd}0]}}}}}}"#);
        let mut own = Own::default();
        for text in [&page, &page.replace("\"s7\":7,", "\"s7\":8,")] {
            own.add(&read_page(&Document::parse(text.as_str()).unwrap()).unwrap());
        }
        assert_eq!((own.unplaced.len(), own.siblings.len()), (COUNT, COUNT));
        assert_eq!(own.siblings[7], ("s7".to_owned(), "8".to_owned()));
    }
}
