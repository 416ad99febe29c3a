//! Values of one contact that are searched for in all of its texts: names, numbers, addresses, IDs.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};

use super::find::{Border, Class, Kind, Known, KnownPhones, Names, Wanted};
use super::fold::fold;
use super::json::{self, ItemKind};
use super::spelling;
use super::text::digits_of;
use crate::table::Table;

/// Most values of one kind. Contacts have a handful; more come only from records with lists of others.
const MAX_VALUES: usize = 10_000;
/// Most bytes of a name. Of a longer one only the words are searched for.
const MAX_NAME: usize = 200;
/// Most addresses that are searched for with mistakes, too.
const MAX_MISTYPED: usize = 100;
/// Least number of characters of an ID that is searched for in texts.
const MIN_ID: usize = 5;
/// From this number of characters on, an ID is recognized inside of other text.
const LONG_ID: usize = 12;

/// Values of one contact, collected from its rows.
#[derive(Clone, Debug, Default)]
pub struct KnownValues {
    names: BTreeSet<String>,
    phones: BTreeSet<String>,
    emails: BTreeSet<String>,
    ids: BTreeMap<String, Class>,
}

impl KnownValues {
    /// Collects the values of rows: from `contacts` the names and the number, from `channel_records` the IDs of
    /// sender and recipient, from all tables those in JSON members with a telling name.
    pub fn add(&mut self, table: Table, batch: &RecordBatch) {
        let column = |name: &str| {
            let column = batch.column_by_name(name)?;
            column.as_string_opt::<i32>().cloned()
        };
        let values = |column: Option<StringArray>, row: usize| {
            column.filter(|column| !column.is_null(row)).map(|column| column.value(row).to_owned())
        };
        let columns = [
            "contact_id",
            "first_name",
            "last_name",
            "phone_number",
            "sender_id",
            "recipient_id",
            "extra",
            "raw",
        ]
        .map(column);
        for row in 0..batch.num_rows() {
            let [contact, first, last, phone, sender, recipient, extra, raw] =
                columns.clone().map(|column| values(column, row).unwrap_or_default());
            if self.ids.len() < MAX_VALUES {
                self.contact_id(&contact);
            }
            if table == Table::Contacts {
                self.person(&first, &last);
                self.phone(&phone);
            }
            self.json(&extra, table);
            if table == Table::ChannelRecords {
                self.participant(&sender);
                self.participant(&recipient);
                self.json(&raw, table);
            }
        }
    }

    /// Adds a contact ID. It may be a phone number or an address.
    pub fn contact_id(&mut self, id: &str) {
        if !id.is_empty() {
            self.ids.insert(id.to_owned(), Class::ContactId);
            self.number_or_address(id);
        }
    }

    /// Adds a name. It may be a phone number or an address, which people save as names.
    pub fn name(&mut self, name: &str) {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.contains(char::is_alphabetic) && self.names.len() < MAX_VALUES {
            if name.len() <= MAX_NAME {
                self.names.insert(name.clone());
            } else {
                let words = spelling::words(&name).into_iter().filter(|word| word.len() <= MAX_NAME);
                self.names.extend(words.take(MAX_VALUES));
            }
        }
        self.number_or_address(&name);
    }

    /// Adds the first and the last name of a person.
    pub(super) fn person(&mut self, first: &str, last: &str) {
        self.name(first);
        self.name(last);
        if !first.is_empty() && !last.is_empty() {
            for name in [format!("{first} {last}"), format!("{first}{last}"), format!("{last}{first}")] {
                self.name(&name);
            }
        }
    }

    /// Adds a phone number in any spelling, or several of them.
    pub fn phone(&mut self, phone: &str) {
        for digits in spelling::phones(phone) {
            if self.phones.len() < MAX_VALUES {
                self.phones.insert(digits);
            }
        }
    }

    /// Adds an e-mail address.
    pub fn email(&mut self, address: &str) {
        for address in spelling::emails(address) {
            if self.emails.len() < MAX_VALUES {
                self.emails.insert(address.to_owned());
            }
        }
    }

    /// Adds the ID of a participant on a channel, which may be a phone number.
    pub fn participant(&mut self, id: &str) {
        if is_phone(id) {
            self.phone(id);
        } else if !id.is_empty() && self.ids.len() < MAX_VALUES {
            self.ids.entry(id.to_owned()).or_insert(Class::Id);
        }
    }

    fn number_or_address(&mut self, text: &str) {
        if is_phone(text) {
            self.phone(text);
        } else {
            for digits in spelling::phones_within(text) {
                self.phone(&digits);
            }
        }
        self.email(text);
    }

    /// Adds the values of JSON members with a telling name.
    fn json(&mut self, text: &str, table: Table) {
        if text.is_empty() {
            return;
        }
        // Nothing is rewritten, so there is no result.
        let _ = json::rewrite(text, |item| {
            if item.kind != ItemKind::Key {
                let number = (item.kind == ItemKind::Number).then(|| digits_of(&item.text));
                let value = number.as_deref().unwrap_or(&item.text);
                let is_contact = table == Table::Contacts;
                match if is_contact { item.meaning_of_contact() } else { item.meaning() } {
                    Some(Kind::Name) => self.name(value),
                    // "agent" and the like are words.
                    Some(Kind::Phone) if value.contains(|c: char| !c.is_alphabetic()) => {
                        self.participant(value);
                        self.number_or_address(value);
                    }
                    Some(Kind::Email) => self.email(value),
                    _ => {}
                }
            }
            None
        });
    }

    /// Returns the values in the form in which they are searched.
    pub(super) fn compile(&self) -> Known {
        let mut wanted = BTreeMap::new();
        for name in &self.names {
            add_name(name, &mut wanted);
        }
        for address in &self.emails {
            let value = address.to_lowercase();
            let found = Wanted { kind: Kind::Email, class: Class::Email, value, border: Border::Any };
            let mut forms = spelling::addresses(address);
            forms.truncate(if self.emails.len() <= MAX_MISTYPED { forms.len() } else { 1 });
            wanted.extend(forms.into_iter().map(|form| (form, found.clone())));
        }
        for (id, class) in self.ids.iter().filter(|(id, _)| id.chars().count() >= MIN_ID) {
            let border = if id.chars().count() >= LONG_ID { Border::Any } else { Border::Token };
            let found = Wanted { kind: Kind::Id, class: *class, value: id.clone(), border };
            wanted.extend(spelling::ids(id).into_iter().map(|form| (form, found.clone())));
        }
        let phones = KnownPhones::new(self.phones.iter().map(String::as_str));
        Known { names: Names::new(wanted.into_iter().collect()), phones }
    }
}

/// True for a text that is a phone number and nothing else.
pub(super) fn is_phone(text: &str) -> bool {
    let folded = fold(text);
    let digits = folded.bytes().filter(u8::is_ascii_digit).count();
    (7..=15).contains(&digits) && folded.chars().all(|c| c.is_ascii_digit() || "+ -./()".contains(c))
}

/// Adds a name, and its words, in the spellings that people use.
fn add_name(name: &str, wanted: &mut BTreeMap<String, Wanted>) {
    let words = spelling::words(name);
    for text in std::iter::once(name).chain(words.iter().map(String::as_str)) {
        let value = text.to_lowercase();
        for form in spelling::forms(text) {
            let (kind, class, border) = (Kind::Name, Class::Name, Border::Word);
            wanted.entry(form).or_insert(Wanted { kind, class, value: value.clone(), border });
        }
    }
}
