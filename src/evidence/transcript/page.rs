//! One page of a transcript.

use chrono::NaiveDate;
use maud::{Markup, PreEscaped, Render, html};

use super::clock::Clock;
use super::message::message;
use super::{Origin, STYLE};
use crate::evidence::message::Message;
use crate::evidence::person::Person;
use crate::html::{Count, Isolated, Untrusted, code, counted, document};

/// The messages of a page.
#[derive(Default)]
pub(super) struct Page {
    content: String,
    pub(super) messages: u64,
    pub(super) first_cite: String,
    pub(super) last_cite: String,
    /// Earliest and latest time.
    pub(super) times: (Option<i64>, Option<i64>),
    /// Conversation of the last message. Messages without one have the ID "".
    conversation: Option<String>,
    day: Option<NaiveDate>,
}

impl Page {
    /// Appends a message, below the headings of its conversation and day.
    pub(super) fn push(&mut self, new: &Message, person: &Person, clock: &Clock) {
        let id = new.conversation_id.as_deref().unwrap_or_default();
        if self.conversation.as_deref() != Some(id) {
            self.conversation = Some(id.to_owned());
            self.day = None;
            conversation(new).render_to(&mut self.content);
        }
        if let Some(at) = new.created_at {
            let day = Clock::day(at);
            if self.day != Some(day) {
                self.day = Some(day);
                html! { h3 { (day.format("%A, %-d %B %Y (UTC)").to_string()) } }.render_to(&mut self.content);
            }
            self.times.0 = self.times.0.into_iter().chain([at]).min();
            self.times.1 = self.times.1.into_iter().chain([at]).max();
        }
        if self.messages == 0 {
            self.first_cite.clone_from(&new.cite);
        }
        self.last_cite.clone_from(&new.cite);
        self.messages += 1;
        message(new, person.shown_name(), clock).render_to(&mut self.content);
    }

    /// Returns the document.
    pub(super) fn document(
        &self,
        origin: &Origin,
        person: &Person,
        clock: &Clock,
        (number, pages): (u64, u64),
    ) -> String {
        let links = links(number, pages);
        let content = html! {
            header {
                p.soft { (name_of(origin)) }
                h1 { (Isolated(person.shown_name())) }
                (facts(self, person, clock))
                p.soft {
                    "Messages are grouped by conversation, and ordered by time within each. Days are in UTC. For one "
                    "timeline, sort " code { "messages.csv" } " by " code { "created_at" } "."
                }
            }
            (links)
            main {
                @if self.messages == 0 { p.soft { "The export has no message of this contact." } }
                (PreEscaped(&self.content))
            }
            (links)
            footer {
                (name_of(origin)) " · " (Isolated(person.shown_name())) " · page " (number) " of " (pages)
            }
        };
        document(&format!("{} – page {number} of {pages}", person.shown_name()), STYLE, &content)
    }
}

fn name_of(origin: &Origin) -> Markup {
    html! {
        @if let Some(reference) = &origin.reference { (Isolated(reference)) " · " }
        "Package " span.mono { (origin.package_id) }
    }
}

fn conversation(message: &Message) -> Markup {
    let unknown = "unknown";
    html! {
        h2 { "Conversation " code { (Isolated(message.conversation_id.as_deref().unwrap_or(unknown))) } }
        p.soft {
            (Untrusted(message.conversation_type.as_deref().unwrap_or("type unknown")))
            @if let Some(status) = &message.conversation_status { " · " (Untrusted(status)) }
            @if let Some(assigned) = &message.assigned_to { " · assigned to " (Isolated(assigned)) }
        }
    }
}

fn facts(page: &Page, person: &Person, clock: &Clock) -> Markup {
    html! {
        dl.facts {
            dt { "Contact ID" } dd { (code(&person.contact_id)) }
            @if let Some(phone) = &person.phone_number { dt { "Phone" } dd { (Isolated(phone)) } }
            dt { "Messages" } dd {
                (Count(person.messages)) " in " (counted(person.conversations, "conversation", "conversations"))
            }
            @if page.messages > 0 {
                dt { "On this page" } dd.mono { (page.first_cite) " to " (page.last_cite) }
            }
            @if let Some(at) = person.fetched_at { dt { "Retrieved" } dd { (clock.time(at)) } }
            dt { "Result" } dd { (Untrusted(&person.result())) ", run " (code(&person.run_id)) }
            @if let Some(zone) = &clock.zone {
                dt { "Times" } dd { "UTC (" (Untrusted(&zone.name)) " in brackets)" }
            }
        }
    }
}

fn links(number: u64, pages: u64) -> Markup {
    let to = |page: u64| format!("page-{page:03}.html");
    html! {
        nav {
            a href="../../index.html" { "Contents" }
            @if pages > 1 {
                @if number > 1 { a href=(to(1)) { "First" } a href=(to(number - 1)) { "Previous" } }
                span { "Page " (number) " of " (pages) }
                @if number < pages { a href=(to(number + 1)) { "Next" } a href=(to(pages)) { "Last" } }
            }
        }
    }
}
