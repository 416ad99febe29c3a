//! `rsmf_manifest.json`: participants, the conversation, and its events.

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;

use super::Facts;
use crate::evidence::message::Message;
use crate::evidence::note::{About, Note};
use crate::evidence::person::Person;
use crate::evidence::transcript::sender;
use crate::time::format_time;

/// Participants with a fixed role.
pub(super) const CONTACT: &str = "contact";
pub(super) const ACCOUNT: &str = "account";

/// The content of `rsmf_manifest.json`.
#[derive(Serialize)]
pub(super) struct Content {
    version: &'static str,
    participants: Vec<Participant>,
    conversations: [Conversation; 1],
    events: Vec<Event>,
}

#[derive(Serialize)]
struct Participant {
    id: String,
    display: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
}

#[derive(Serialize)]
struct Conversation {
    id: String,
    display: String,
    platform: String,
    r#type: &'static str,
    participants: Vec<String>,
    custodian: &'static str,
}

#[derive(Serialize)]
struct Event {
    r#type: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    body: String,
    participant: String,
    conversation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    direction: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<Reaction>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    edits: Vec<Edit>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    read_receipts: Vec<Receipt>,
    custom: Vec<Custom>,
}

#[derive(Serialize)]
struct Reaction {
    value: String,
    count: u64,
    participants: Vec<String>,
}

#[derive(Serialize)]
struct Edit {
    participant: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    new: String,
}

#[derive(Serialize)]
struct Receipt {
    participant: &'static str,
    timestamp: String,
    action: &'static str,
}

#[derive(Serialize)]
struct Custom {
    name: &'static str,
    value: String,
}

/// Events about another message.
const REFERRING: [&str; 4] = ["reaction", "edit", "read", "delivery"];

/// Returns the content of a file.
pub(super) fn content(person: &Person, facts: &Facts, messages: &[Message]) -> Content {
    let first = messages.first();
    let conversation_id = first.and_then(|message| message.conversation_id.clone());
    let conversation_id = conversation_id.filter(|id| !id.is_empty()).unwrap_or_else(|| "unknown".to_owned());
    let platform = first.and_then(|first| first.channel.clone().or_else(|| first.conversation_type.clone()));
    let platform = platform.filter(|name| !name.is_empty()).unwrap_or_else(|| "website".to_owned());
    let participants = participants(person, facts, messages);
    let ids: HashSet<&str> = messages.iter().map(|message| message.cite.as_str()).collect();
    Content {
        version: "2.0.0",
        conversations: [Conversation {
            display: format!("{} ({platform})", person.shown_name()),
            id: conversation_id.clone(),
            platform,
            r#type: "direct",
            participants: participants.iter().map(|participant| participant.id.clone()).collect(),
            custodian: ACCOUNT,
        }],
        events: messages.iter().map(|message| event(message, person, &conversation_id, &ids)).collect(),
        participants,
    }
}

/// The contact, the account, and each further role that wrote a message.
fn participants(person: &Person, facts: &Facts, messages: &[Message]) -> Vec<Participant> {
    let account = facts.account.unwrap_or("Account").to_owned();
    let email = facts.account.filter(|address| is_plain_address(address)).map(str::to_owned);
    let mut participants = vec![
        Participant {
            id: CONTACT.to_owned(),
            display: if person.name.is_empty() { person.contact_id.clone() } else { person.name.clone() },
            email: None,
            account_id: person.phone_number.clone().or_else(|| Some(person.contact_id.clone())),
        },
        Participant { id: ACCOUNT.to_owned(), display: account, email, account_id: None },
    ];
    let roles: BTreeSet<String> = messages.iter().map(participant).collect();
    for role in roles.into_iter().filter(|role| role != CONTACT && role != ACCOUNT) {
        let message = messages.iter().find(|message| participant(message) == role);
        let display = message.map_or_else(|| role.clone(), |message| sender(message, person.shown_name()));
        participants.push(Participant { id: role, display, email: None, account_id: None });
    }
    participants
}

/// Returns the ID of the participant who wrote a message.
fn participant(message: &Message) -> String {
    match message.role.as_deref() {
        _ if message.is_inbound() => CONTACT.to_owned(),
        Some(role) if !role.is_empty() => format!("role-{role}"),
        _ => ACCOUNT.to_owned(),
    }
}

fn event(message: &Message, person: &Person, conversation: &str, ids: &HashSet<&str>) -> Event {
    let kinds = |kind: &'static str| {
        message.notes.iter().filter(move |note| note.event_type == kind && note.about == About::ThisMessage)
    };
    let reply_to = message.notes.iter().find_map(|note| match &note.about {
        About::Other(cite) if !REFERRING.contains(&note.event_type.as_str()) => Some(cite.clone()),
        _ => None,
    });
    let custom = [
        ("cite", Some(message.cite.clone())),
        ("message_id", Some(message.message_id.clone())),
        ("run_id", Some(person.run_id.clone())),
        ("in_reply_to", reply_to.clone()),
        ("media", media(message)),
    ];
    Event {
        r#type: "message",
        id: message.cite.clone(),
        parent: reply_to.filter(|cite| ids.contains(cite.as_str())),
        body: message.content.clone().unwrap_or_default(),
        participant: participant(message),
        conversation: conversation.to_owned(),
        timestamp: message.created_at.map(timestamp),
        direction: if message.is_inbound() { "incoming" } else { "outgoing" },
        deleted: message.deletion.is_some(),
        reactions: reactions(kinds("reaction")),
        edits: edits(kinds("edit"), &participant(message)),
        read_receipts: message.notes.iter().filter_map(receipt).collect(),
        custom: custom
            .into_iter()
            .filter_map(|(name, value)| {
                Some(Custom { name, value: value.filter(|value| !value.is_empty())? })
            })
            .collect(),
    }
}

/// Returns the reactions that remain. Each sender has one at a time.
fn reactions<'a>(notes: impl Iterator<Item = &'a Note>) -> Vec<Reaction> {
    let mut latest: Vec<&Note> = Vec::new();
    for note in notes {
        latest.retain(|known| known.sender_id != note.sender_id);
        latest.push(note);
    }
    let reaction = |note: &Note| {
        let value = note.text.clone().filter(|value| !value.is_empty() && !note.marks.is_withdrawal)?;
        let participant = if note.is_inbound { CONTACT } else { ACCOUNT };
        Some(Reaction { value, count: 1, participants: vec![participant.to_owned()] })
    };
    latest.into_iter().filter_map(reaction).collect()
}

fn edits<'a>(notes: impl Iterator<Item = &'a Note>, author: &str) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for note in notes {
        let previous = edits.last().map(|edit| edit.new.clone());
        let new = note.text.clone().unwrap_or_default();
        edits.push(Edit { participant: author.to_owned(), timestamp: note.at.map(timestamp), previous, new });
    }
    edits
}

/// Returns the receipt that a status reports. The contact received or read the message.
fn receipt(note: &Note) -> Option<Receipt> {
    if note.about != About::ThisMessage && REFERRING.contains(&note.event_type.as_str()) {
        return None;
    }
    let action = match (note.event_type.as_str(), note.status.as_deref()) {
        ("read", _) | (_, Some("read")) => "read",
        ("delivery", _) | (_, Some("delivered")) => "delivered",
        _ => return None,
    };
    Some(Receipt { participant: CONTACT, timestamp: timestamp(note.at?), action })
}

fn media(message: &Message) -> Option<String> {
    message.notes.iter().find_map(|note| {
        let media = note.media.as_ref()?;
        Some(
            media
                .id
                .clone()
                .or_else(|| media.url.clone())
                .or_else(|| media.mime_type.clone())
                .unwrap_or_else(|| "attachment".to_owned()),
        )
    })
}

/// Formats a time, with its offset.
pub(super) fn timestamp(at: i64) -> String {
    format_time(at).replace('Z', "+00:00")
}

/// True for an address that every validator accepts.
fn is_plain_address(text: &str) -> bool {
    let is_atom = |part: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+.".contains(&byte);
        !part.is_empty()
            && part.bytes().all(is_allowed)
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.contains("..")
    };
    text.split_once('@').is_some_and(|(user, host)| is_atom(user) && is_atom(host) && host.contains('.'))
}
