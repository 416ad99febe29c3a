//! The mail that contains the events: a readable text, and `rsmf.zip` as its only attachment.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use zip::write::SimpleFileOptions;
use zip::{DateTime as ZipTime, ZipWriter};

use super::Facts;
use super::events::{ACCOUNT, CONTACT, content, timestamp};
use crate::digest::sha256;
use crate::evidence::message::Message;
use crate::evidence::person::Person;
use crate::evidence::transcript::clock::seconds;
use crate::evidence::transcript::sender;
use crate::printable::is_hostile;
use crate::time::format_time;

/// Characters of a line of base64.
const LINE: usize = 76;
/// Host of addresses that lead nowhere (RFC 2606).
const HOST: &str = "chatzy.invalid";

/// Returns the text of a file.
pub(super) fn text(person: &Person, facts: &Facts, messages: &[Message]) -> Vec<u8> {
    let json = serde_json::to_vec(&content(person, facts, messages)).expect("keys are strings");
    let boundary = format!("rsmf-{}", sha256(&json).chars().take(24).collect::<String>());
    let mut mail = headers(person, facts, messages, &boundary);
    let _ = write!(
        mail,
        "\r\n--{boundary}\r\nContent-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    push_base64(&mut mail, readable(person, messages).as_bytes());
    let _ = write!(
        mail,
        "--{boundary}\r\nContent-Type: application/zip; name=\"rsmf.zip\"\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"rsmf.zip\"\r\n\r\n"
    );
    push_base64(&mut mail, &archive(&json));
    let _ = write!(mail, "--{boundary}--\r\n");
    mail.into_bytes()
}

fn headers(person: &Person, facts: &Facts, messages: &[Message], boundary: &str) -> String {
    let times = || messages.iter().filter_map(|message| message.created_at);
    let (begin, end) = (times().next(), times().next_back());
    let first = messages.first();
    let conversation = first.and_then(|message| message.conversation_id.as_deref()).unwrap_or("unknown");
    let subject = format!("{} – {}", person.shown_name(), begin.map_or("date unknown".to_owned(), day));
    let application = first.and_then(|first| first.channel.as_deref().or(first.conversation_type.as_deref()));
    let mut lines = vec![
        format!("From: {} <{CONTACT}-{}@{HOST}>", word(person.shown_name()), person.number),
        format!("To: {} <{ACCOUNT}@{HOST}>", word(facts.account.unwrap_or("Account"))),
        format!("Subject: {}", word(&subject)),
        format!("Message-ID: <{boundary}@{HOST}>"),
        "MIME-Version: 1.0".to_owned(),
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\""),
        "X-RSMF-Version: 2.0.0".to_owned(),
        format!("X-RSMF-Generator: {} {}", facts.tool.name, facts.tool.version),
        format!("X-RSMF-EventCount: {}", messages.len()),
        "X-RSMF-AttachmentCount: 0".to_owned(),
        format!("X-RSMF-Application: {}", word(application.unwrap_or("website"))),
        format!("X-RSMF-Custodian: {}", word(facts.account.unwrap_or("Account"))),
        format!("X-RSMF-EventCollectionID: {}", word(conversation)),
    ];
    if let (Some(begin), Some(end)) = (begin, end) {
        let date = DateTime::<Utc>::from_timestamp_micros(begin).unwrap_or_default();
        lines.insert(2, format!("Date: {}", date.to_rfc2822()));
        lines.push(format!("X-RSMF-BeginDate: {}", timestamp(begin)));
        lines.push(format!("X-RSMF-EndDate: {}", timestamp(end)));
    }
    lines.join("\r\n") + "\r\n"
}

fn day(at: i64) -> String {
    format_time(at).split('T').next().unwrap_or_default().to_owned()
}

/// Returns a text as a word of a header (RFC 2047, if it is not plain).
fn word(text: &str) -> String {
    let is_plain = text.len() <= 60
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -_.".contains(&byte));
    if is_plain {
        return text.trim().to_owned();
    }
    // An encoded word has at most 75 characters, and whole characters of the text.
    let mut words: Vec<String> = vec![String::new()];
    for c in text.chars() {
        if words.last().is_some_and(|word| word.len() + c.len_utf8() > 45) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join("\r\n ")
}

/// The text that a review platform searches.
fn readable(person: &Person, messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let time =
            message.created_at.map_or("time unknown".to_owned(), |at| seconds(&format_time(at)) + " UTC");
        let deleted = if message.deletion.is_some() { " [deleted]" } else { "" };
        let sender = sender(message, person.shown_name());
        let _ = writeln!(text, "{} {time} {}{deleted}:", message.cite, visible(&sender));
        // Lines of a message are indented, so that none of them looks like the head of another message.
        for line in message.content.as_deref().unwrap_or_default().lines() {
            let _ = writeln!(text, "    {}", visible(line));
        }
        text.push('\n');
    }
    text
}

/// Writes out characters that are invisible or change the text around them.
fn visible(line: &str) -> String {
    let is_shown = |c: &char| !is_hostile(*c) || matches!(c, '\t' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    line.chars().map(|c| if is_shown(&c) { c.to_string() } else { c.escape_default().to_string() }).collect()
}

fn archive(json: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().last_modified_time(ZipTime::default()).unix_permissions(0o600);
    zip.start_file("rsmf_manifest.json", options).expect("an archive in memory");
    zip.write_all(json).expect("an archive in memory");
    zip.finish().expect("an archive in memory").into_inner()
}

fn push_base64(mail: &mut String, bytes: &[u8]) {
    let text = STANDARD.encode(bytes);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        mail.push_str(line);
        mail.push_str("\r\n");
        rest = after;
    }
}
