//! The lines below a message: what its records report.

use crate::evidence::message::Message;
use crate::evidence::note::{About, Media, Note};

/// A line below a message.
pub(super) struct Line {
    pub(super) text: String,
    /// Text from the message or its sender.
    pub(super) quote: Option<String>,
    pub(super) at: Option<i64>,
    /// Cite number of another message.
    pub(super) cite: Option<String>,
    pub(super) is_bad: bool,
}

impl Line {
    fn new(text: impl Into<String>, at: Option<i64>) -> Self {
        Self { text: text.into(), quote: None, at, cite: None, is_bad: false }
    }
}

/// Returns the lines of a message in the order of their times: each receipt once, with its earliest time. `contact` is
/// the name of the contact.
pub(super) fn lines(message: &Message, contact: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for mut line in message.notes.iter().flat_map(|note| lines_of(note, contact)) {
        let same = lines
            .iter_mut()
            .find(|known| known.text == line.text && known.quote == line.quote && known.cite == line.cite);
        match same {
            Some(known) => known.at = known.at.into_iter().chain(line.at.take()).min(),
            None => lines.push(line),
        }
    }
    lines.sort_by_key(|line| line.at);
    lines
}

fn lines_of(note: &Note, contact: &str) -> Vec<Line> {
    let kind = match note.event_type.as_str() {
        "reaction" => "Reaction",
        "edit" => "Edit",
        "read" => "Read receipt",
        "delivery" => "Delivery receipt",
        _ => return of_message(note),
    };
    match &note.about {
        About::ThisMessage => vec![of_event(note, contact)],
        About::Other(cite) => {
            vec![Line { cite: Some(cite.clone()), ..Line::new(format!("{kind} for message"), None) }]
        }
        About::Missing => vec![Line {
            quote: note.text.clone(),
            ..Line::new(format!("{kind} for a message that is not in this package"), note.at)
        }],
    }
}

/// A reaction, an edit or a receipt.
fn of_event(note: &Note, contact: &str) -> Line {
    let by = match (&note.sender_id, note.is_inbound) {
        (Some(id), true) => format!(" by {contact} ({id})"),
        (Some(id), false) => format!(" by {id}"),
        (None, _) => String::new(),
    };
    match note.event_type.as_str() {
        "reaction" if note.marks.is_withdrawal => Line::new(format!("Reaction removed{by}"), note.at),
        "reaction" => Line { quote: note.text.clone(), ..Line::new(format!("Reaction{by}:"), note.at) },
        "edit" => Line { quote: note.text.clone(), ..Line::new("Edited. Text after the edit:", note.at) },
        "read" => Line::new("Read", note.at),
        _ => Line::new("Delivered", note.at),
    }
}

/// A report about the message that the record belongs to.
fn of_message(note: &Note) -> Vec<Line> {
    let mut lines = Vec::new();
    if let About::Other(cite) = &note.about {
        lines.push(Line { cite: Some(cite.clone()), ..Line::new("In reply to", None) });
    }
    if let Some(template) = &note.template {
        lines.push(Line { quote: Some(template.clone()), ..Line::new("Template", None) });
    }
    if let Some(media) = &note.media {
        let text = format!("[{}, not in this package]", description(media, note));
        lines.push(Line { quote: note.text.clone(), ..Line::new(text, None) });
    }
    let error = note.error.as_deref().map_or_else(String::new, |error| format!(" ({error})"));
    let status = note.status.as_deref().filter(|status| !status.is_empty());
    match status {
        Some(status) => {
            let line = Line::new(format!("{}{error}", capital(status)), note.at);
            lines.push(Line { is_bad: status == "failed", ..line });
        }
        None if !error.is_empty() => {
            lines.push(Line { is_bad: true, ..Line::new(format!("Error{error}"), note.at) });
        }
        None => {}
    }
    lines
}

fn description(media: &Media, note: &Note) -> String {
    let kind = note.message_type.as_deref().unwrap_or("attachment");
    let id = media.id.as_deref().map(|id| format!("ID {id}"));
    let parts = [Some(kind.to_owned()), id, media.mime_type.clone(), media.url.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn capital(word: &str) -> String {
    let mut rest = word.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
