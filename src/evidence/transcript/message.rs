//! A message on a page: head, text, and notes.

use maud::{Markup, html};

use super::clock::Clock;
use super::lines::{Line, lines};
use crate::evidence::message::{Deletion, Message};
use crate::html::{Body, Isolated, Untrusted};

/// Characters of a text above which a printed page may break inside the message.
const LONG: usize = 2000;

/// The sender of a message, in a word.
pub(in crate::evidence) fn sender(message: &Message, contact: &str) -> String {
    match message.role.as_deref() {
        Some("user") => contact.to_owned(),
        Some("assistant") => "Assistant (automatic)".to_owned(),
        Some("agent") => "Agent".to_owned(),
        Some(role) => role.to_owned(),
        None if message.is_inbound() => contact.to_owned(),
        None => "Unknown sender".to_owned(),
    }
}

/// A message. `contact` is the name of the contact.
pub(super) fn message(message: &Message, contact: &str, clock: &Clock) -> Markup {
    let (side, way) = if message.is_inbound() { ("in", "incoming") } else { ("out", "outgoing") };
    let content = message.content.as_deref().unwrap_or_default();
    let length = if content.len() > LONG { " long" } else { "" };
    html! {
        article class={ "message " (side) (length) } id=(message.cite) {
            div.head {
                a.mono href={ "#" (message.cite) } { (message.cite) }
                b { (Isolated(&sender(message, contact))) }
                span { (way) }
                @match message.created_at {
                    Some(at) => { (clock.time(at)) }
                    None => { span { "time unknown" } }
                }
                @if let Some(channel) = &message.channel { span { (Untrusted(channel)) } }
            }
            @if let Some(reported) = message.deletion { (deletion(reported, clock)) }
            @if content.is_empty() {
                p.soft { "(no text)" }
            } @else {
                div.text dir="auto" { (Body(content)) }
            }
            @for below in lines(message, contact) { (line(&below, clock)) }
            @if message.left_out > 0 {
                div.note { (message.left_out) " further records are in records.csv" }
            }
        }
    }
}

fn deletion(deletion: Deletion, clock: &Clock) -> Markup {
    html! {
        div.deleted {
            @match deletion {
                Deletion::Reported { at } => {
                    "Deletion reported by the channel" @if let Some(at) = at { " · " (clock.time(at)) }
                }
                Deletion::Marked => "Marked as deleted by the service"
            }
        }
    }
}

fn line(line: &Line, clock: &Clock) -> Markup {
    html! {
        div class=@if line.is_bad { "note bad" } @else { "note" } {
            (Untrusted(&line.text))
            @if let Some(quote) = &line.quote { " “" bdi { (Body(quote)) } "”" }
            @if let Some(cite) = &line.cite { " " span.mono { (cite) } }
            @if let Some(at) = line.at { " · " (clock.time(at)) }
        }
    }
}
