//! Formats a contact as a line of CSV or JSONL.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::cli::args::ListFormatName;
use crate::contacts::LISTED_HEADER;
use crate::fetch::listing::latest_activity;
use crate::record::listing::ListedContact;
use crate::time::format_time;

/// Maximum number of bytes in a CSV cell: the limit of spreadsheets. It keeps a line below 2 MB, the limit of
/// DuckDB. JSONL has the whole text.
const MAX_CELL: usize = 32 << 10;

/// Returns the first line, if the format has a header.
pub fn header(form: ListFormatName) -> Option<&'static str> {
    match form {
        ListFormatName::Csv => Some(LISTED_HEADER),
        ListFormatName::Jsonl => None,
    }
}

/// Returns the line of a contact, without a line end.
pub fn line(form: ListFormatName, contact: &ListedContact) -> String {
    match form {
        ListFormatName::Csv => csv(contact),
        // A struct of texts and numbers always serializes.
        ListFormatName::Jsonl => serde_json::to_string(&JsonLine::of(contact)).unwrap_or_default(),
    }
}

fn csv(contact: &ListedContact) -> String {
    let time = time(contact);
    let channels = contact.channels.join(";");
    let cells = [
        Some(contact.contact_id.as_str()),
        contact.contact_name.as_deref(),
        contact.phone_number.as_deref(),
        contact.email.as_deref(),
        contact.conversation_status.as_deref(),
        contact.assigned_to.as_deref(),
        contact.unread_message_count.as_deref(),
        time.as_deref(),
        Some(channels.as_str()),
    ];
    let cells: Vec<Cow<'_, str>> = cells.into_iter().map(|cell| quoted(cell.unwrap_or_default())).collect();
    cells.join(",")
}

/// Quotes a cell of CSV. A NUL becomes U+FFFD, because text readers refuse it.
fn quoted(cell: &str) -> Cow<'_, str> {
    let mut cell = Cow::Borrowed(cell);
    if cell.len() > MAX_CELL {
        let end = (0..=MAX_CELL).rev().find(|at| cell.is_char_boundary(*at)).unwrap_or(0);
        cell = Cow::Owned(format!("{}…", cell.get(..end).unwrap_or_default()));
    }
    if cell.contains('\0') {
        cell = Cow::Owned(cell.replace('\0', "\u{fffd}"));
    }
    let is_plain = |c: char| !matches!(c, '"' | ',' | ';' | '\t') && !c.is_control();
    let is_trimmed = cell.trim().len() == cell.len();
    if is_trimmed && cell.chars().all(is_plain) {
        cell
    } else {
        format!("\"{}\"", cell.replace('"', "\"\"")).into()
    }
}

/// Returns the time of the latest message in the format of the tables. If it is not a time, it stays as sent.
fn time(contact: &ListedContact) -> Option<Cow<'_, str>> {
    match latest_activity(contact) {
        Some(at) => Some(format_time(at).to_string().into()),
        None => contact.latest_message_time.as_deref().map(Cow::Borrowed),
    }
}

/// JSON object of a contact.
#[derive(Serialize)]
struct JsonLine<'a> {
    contact_id: &'a str,
    contact_name: Option<&'a str>,
    phone_number: Option<&'a str>,
    email: Option<&'a str>,
    conversation_status: Option<&'a str>,
    assigned_to: Option<&'a str>,
    unread_message_count: Option<Count<'a>>,
    latest_message_time: Option<Cow<'a, str>>,
    channels: Vec<&'a str>,
}

/// A count, as a JSON number if it is one.
struct Count<'a>(&'a str);

impl Serialize for Count<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse::<i64>() {
            Ok(number) => serializer.serialize_i64(number),
            Err(_) => serializer.serialize_str(self.0),
        }
    }
}

impl<'a> JsonLine<'a> {
    fn of(contact: &'a ListedContact) -> Self {
        Self {
            contact_id: contact.contact_id.as_str(),
            contact_name: contact.contact_name.as_deref(),
            phone_number: contact.phone_number.as_deref(),
            email: contact.email.as_deref(),
            conversation_status: contact.conversation_status.as_deref(),
            assigned_to: contact.assigned_to.as_deref(),
            unread_message_count: contact.unread_message_count.as_deref().map(Count),
            latest_message_time: time(contact),
            channels: contact.channels.iter().map(|channel| &**channel).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(name: &str) -> ListedContact {
        ListedContact {
            contact_id: "c-1".parse().unwrap(),
            contact_name: Some(name.into()),
            phone_number: Some("+49 1".into()),
            email: None,
            conversation_status: Some("live".into()),
            assigned_to: None,
            unread_message_count: Some("3".into()),
            latest_message_time: Some("2026-11-20T07:30:00+05:30".into()),
            channels: ["whatsapp".into(), "website".into()].into(),
        }
    }

    #[test]
    fn lines_of_both_formats() {
        insta::assert_snapshot!(line(ListFormatName::Csv, &contact("Zoë")), @r#"c-1,Zoë,+49 1,,live,,3,2026-11-20T02:00:00.000000Z,"whatsapp;website""#);
        insta::assert_snapshot!(line(ListFormatName::Jsonl, &contact("a\nb")), @r#"{"contact_id":"c-1","contact_name":"a\nb","phone_number":"+49 1","email":null,"conversation_status":"live","assigned_to":null,"unread_message_count":3,"latest_message_time":"2026-11-20T02:00:00.000000Z","channels":["whatsapp","website"]}"#);
    }

    #[test]
    fn hostile_cells_are_quoted() {
        for (cell, written) in [
            ("", ""),
            ("=cmd()", "=cmd()"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("a\r\nb", "\"a\r\nb\""),
            (" padded ", "\" padded \""),
            ("nul\0", "nul\u{fffd}"),
            ("\u{1b}[31m", "\"\u{1b}[31m\""),
        ] {
            assert_eq!(quoted(cell), written);
        }
        assert_eq!(quoted(&"é".repeat(MAX_CELL)).len(), MAX_CELL + '…'.len_utf8());
    }
}
