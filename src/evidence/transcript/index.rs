//! The contents of a package: a list of all contacts, on as many pages as it needs.

use maud::{Markup, PreEscaped, Render, html};

use super::STYLE;
use super::clock::Clock;
use crate::durable::StorageError;
use crate::evidence::bag::Bag;
use crate::evidence::person::Person;
use crate::html::{Count, Isolated, Untrusted, document};

/// Contacts of a page.
const PAGE: u64 = 1000;

/// Folder of transcripts, as seen from the cover.
const COVER_BASE: &str = "transcripts/";

/// The list of contacts. Its first page becomes part of the cover.
#[derive(Default)]
pub(in crate::evidence) struct Contents {
    first: String,
    current: String,
    contacts: u64,
}

impl Contents {
    /// Appends a contact.
    pub(in crate::evidence) fn push(&mut self, bag: &mut Bag, person: &Person) -> Result<(), StorageError> {
        if self.contacts > 0 && self.contacts.is_multiple_of(PAGE) {
            self.flush(bag)?;
        }
        self.contacts += 1;
        // The cover is in another folder.
        let base = if self.contacts <= PAGE { COVER_BASE } else { "" };
        row(person, base).render_to(&mut self.current);
        Ok(())
    }

    /// Writes the last page. Returns the list for the cover.
    pub(in crate::evidence) fn finish(mut self, bag: &mut Bag) -> Result<Markup, StorageError> {
        let pages = self.contacts.div_ceil(PAGE).max(1);
        self.flush(bag)?;
        Ok(listing(&self.first, pages))
    }

    fn flush(&mut self, bag: &mut Bag) -> Result<(), StorageError> {
        let rows = std::mem::take(&mut self.current);
        let number = self.contacts.div_ceil(PAGE);
        if number <= 1 {
            self.first = rows;
            return Ok(());
        }
        let content = html! {
            header { h1 { "Contacts, page " (number) } p { a href="../index.html" { "Cover and first contacts" } } }
            main { (listing(&rows, 1)) }
        };
        let page = document(&format!("Contacts, page {number}"), STYLE, &content);
        bag.write(&format!("data/transcripts/contacts-{number:03}.html"), page.as_bytes()).map(drop)
    }
}

/// A table of contacts, and links to further pages.
fn listing(rows: &str, pages: u64) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th.number { "No." } th { "Contact" } th { "Phone" } th { "Result" }
                        th.number { "Conversations" } th.number { "Messages" } th { "First day" } th { "Last day" }
                    }
                }
                tbody { (PreEscaped(rows)) }
            }
        }
        @if pages > 1 {
            nav {
                span { "More contacts:" }
                @for page in 2..=pages { a href={ (COVER_BASE) "contacts-" (format!("{page:03}")) ".html" } { (page) } }
            }
        }
    }
}

fn row(person: &Person, base: &str) -> Markup {
    let time = |at: Option<i64>| html! { @if let Some(at) = at { (Clock::day(at).to_string()) } };
    let name = if person.name.is_empty() { &person.contact_id } else { &person.name };
    html! {
        tr {
            td.number { (person.number) }
            td {
                @if person.has_transcript {
                    a href={ (base) (format!("{:05}", person.number)) "/page-001.html" } { (Isolated(name)) }
                } @else {
                    (Isolated(name))
                }
                @if !person.name.is_empty() { br; span.soft.mono { (Isolated(&person.contact_id)) } }
            }
            td.short { @if let Some(phone) = &person.phone_number { (Isolated(phone)) } }
            td { (Untrusted(&person.result())) }
            td.number { (Count(person.conversations)) }
            td.number { (Count(person.messages)) }
            td.short { (time(person.first_message_at)) }
            td.short { (time(person.last_message_at)) }
        }
    }
}
