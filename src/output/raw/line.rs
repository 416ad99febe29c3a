//! The form of a line. Every line has all keys in one order, with nulls for those that do not apply. Readers
//! of JSON lines therefore see one table.

use std::borrow::Cow;
use std::io::{self, Write};

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{RawAnswer, RawContact, RawLine};
use crate::contact_read::{HistoryEnd, Outcome, PageRequest, Purpose, Status};
use crate::id::Channel;
use crate::time::{format_time, parse_time};

/// Kind of a line.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Answer,
    Contact,
}

/// A line as a JSON object.
#[derive(Serialize, Deserialize)]
struct Object<'a> {
    kind: Kind,
    contact_index: u32,
    contact_id: Cow<'a, str>,
    channel: Option<Channel>,
    purpose: Option<Purpose>,
    offset: Option<u64>,
    limit: Option<u32>,
    overlap: Option<u64>,
    requested_at: Option<Time>,
    received_at: Option<Time>,
    /// Body, if it is text.
    body: Option<Cow<'a, str>>,
    /// Body, if it is not text.
    body_base64: Option<Base64<'a>>,
    input_line: Option<u64>,
    outcome: Option<ContactOutcome>,
}

/// Outcome of a contact, with its times as text.
#[derive(Serialize, Deserialize)]
struct ContactOutcome {
    status: Status,
    pages: u64,
    requests: u64,
    retries: u64,
    rereads: u64,
    started_at: Time,
    finished_at: Time,
    error: Option<String>,
    endings: Vec<ChannelEnd>,
}

#[derive(Serialize, Deserialize)]
struct ChannelEnd {
    channel: Option<Channel>,
    #[serde(flatten)]
    ending: HistoryEnd,
}

/// Microseconds since 1970, as text.
struct Time(i64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_time(self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_time(&text).map(Self).ok_or_else(|| serde::de::Error::custom("invalid time"))
    }
}

/// Bytes that are written as base64 without an intermediate text.
struct Base64<'a>(Cow<'a, [u8]>);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(&self.0, &STANDARD))
    }
}

impl<'de> Deserialize<'de> for Base64<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(|_| serde::de::Error::custom("invalid base64"))?;
        Ok(Self(bytes.into()))
    }
}

/// Returns the body as text if it is UTF-8 without control characters, except those that JSON allows between
/// tokens. Other control characters confuse readers, and each would take six bytes.
fn as_text(body: &[u8]) -> Option<&str> {
    let is_odd = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    if body.iter().any(is_odd) { None } else { std::str::from_utf8(body).ok() }
}

/// Writes the line of a response.
pub(super) fn write_answer(answer: &RawAnswer, body: &[u8], out: &mut impl Write) -> io::Result<()> {
    let text = as_text(body);
    let line = Object {
        kind: Kind::Answer,
        contact_index: answer.contact,
        contact_id: answer.contact_id.as_str().into(),
        channel: answer.channel,
        purpose: Some(answer.ask.purpose),
        offset: Some(answer.ask.offset),
        limit: Some(answer.ask.limit),
        overlap: Some(answer.ask.overlap),
        requested_at: answer.requested_at.map(Time),
        received_at: Some(Time(answer.received_at)),
        body: text.map(Cow::Borrowed),
        body_base64: text.is_none().then(|| Base64(body.into())),
        input_line: None,
        outcome: None,
    };
    write(&line, out)
}

/// Writes the line of a contact.
pub(super) fn write_contact(contact: &RawContact, out: &mut impl Write) -> io::Result<()> {
    let outcome = &contact.outcome;
    let line = Object {
        kind: Kind::Contact,
        contact_index: contact.contact,
        contact_id: contact.contact_id.as_str().into(),
        channel: None,
        purpose: None,
        offset: None,
        limit: None,
        overlap: None,
        requested_at: None,
        received_at: None,
        body: None,
        body_base64: None,
        input_line: Some(contact.input_line),
        outcome: Some(ContactOutcome {
            status: outcome.status,
            pages: outcome.pages,
            requests: outcome.requests,
            retries: outcome.retries,
            rereads: outcome.rereads,
            started_at: Time(outcome.started_at),
            finished_at: Time(outcome.finished_at),
            error: outcome.error.clone(),
            endings: outcome
                .endings
                .iter()
                .map(|(channel, ending)| ChannelEnd { channel: *channel, ending: *ending })
                .collect(),
        }),
    };
    write(&line, out)
}

fn write(line: &Object<'_>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Parses a line without its line end. The error describes the defect.
pub(super) fn read(line: &[u8]) -> Result<RawLine, String> {
    let line: Object<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let contact_id = line.contact_id.into_owned();
    match line.kind {
        Kind::Answer => {
            let missing = |key: &str| format!("a response without `{key}`");
            let ask = PageRequest {
                offset: line.offset.ok_or_else(|| missing("offset"))?,
                limit: line.limit.ok_or_else(|| missing("limit"))?,
                overlap: line.overlap.ok_or_else(|| missing("overlap"))?,
                purpose: line.purpose.ok_or_else(|| missing("purpose"))?,
            };
            let answer = RawAnswer {
                contact: line.contact_index,
                contact_id,
                channel: line.channel,
                ask,
                requested_at: line.requested_at.map(|time| time.0),
                received_at: line.received_at.ok_or_else(|| missing("received_at"))?.0,
            };
            let body = match (line.body, line.body_base64) {
                (Some(text), None) => text.into_owned().into_bytes(),
                (None, Some(bytes)) => bytes.0.into_owned(),
                _ => return Err(missing("body")),
            };
            Ok(RawLine::Answer(answer, body))
        }
        Kind::Contact => {
            let stored = line.outcome.ok_or("a contact without `outcome`")?;
            let outcome = Outcome {
                status: stored.status,
                pages: stored.pages,
                requests: stored.requests,
                retries: stored.retries,
                rereads: stored.rereads,
                endings: stored.endings.into_iter().map(|one| (one.channel, one.ending)).collect(),
                started_at: stored.started_at.0,
                finished_at: stored.finished_at.0,
                error: stored.error,
            };
            let input_line = line.input_line.ok_or("a contact without `input_line`")?;
            Ok(RawLine::Contact(RawContact { contact: line.contact_index, contact_id, input_line, outcome }))
        }
    }
}
