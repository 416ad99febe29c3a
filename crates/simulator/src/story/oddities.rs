//! Oddities: content that contradicts the documentation, as services send it.
//!
//! An oddity changes one object: a field gets an odd value, is missing, or is added. `#` in a value stands for a number
//! of the object.

use std::fmt::Display;

use crate::options::WildKind;

use super::json_out::put;
use super::rng::Rng;

/// Frequency and kind of oddities.
#[derive(Clone, Copy, Debug)]
pub struct Wild {
    /// Share of odd objects, from 0 to 1.
    pub chance: f64,
    /// The oddities in use.
    pub kind: WildKind,
}

/// A change of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A field has this value.
    Set(&'static str, &'static str),
    /// A field is missing.
    Without(&'static str),
    /// Fields are added.
    Add(&'static str),
    /// A field holds a very long string.
    Long(&'static str),
    /// A field of nested arrays is added, with this depth.
    Deep(usize),
    /// The object has the ID of the previous one.
    Twin,
}

use Oddity::{Add, Deep, Long, Set, Twin, Without};

/// Oddities of one kind of object. The invalid ones are not JSON, or too deep for most parsers.
#[derive(Debug)]
pub struct Oddities {
    valid: &'static [Oddity],
    invalid: &'static [Oddity],
}

/// Oddities of messages.
pub static MESSAGE: Oddities = Oddities {
    valid: &[
        Twin,
        Set("message_id", "#"),
        Set("message_id", "null"),
        Set("message_id", r#""""#),
        Without("message_id"),
        Set("content", "null"),
        Set("content", "12345678901234567890"),
        Set("content", r#"{"text":"an object","n":1.50}"#),
        Set("content", r#"["a", "b"]"#),
        Set("content", r#""lone \ud83d surrogate""#),
        Set("content", r#""NUL \u0000 and DEL \u007f""#),
        Set("content", r#""\ufeff\u001b[31mred \u202egnirts\u202c""#),
        Set("content", r#""=cmd|'/C calc'!A1""#),
        Set("content", r#""a \"quoted\" \\ path\/with\tall\r\nescapes \u00e9\ud83d\ude00""#),
        Without("content"),
        Long("content"),
        Set("role", "7"),
        Set("role", "null"),
        Set("created_at", "null"),
        Without("created_at"),
        Set("created_at", r#""2026-03-04T05:06:07+05:30""#),
        Set("created_at", r#""2026-03-04 05:06:07""#),
        Set("created_at", r#""2026-03-04T05:06:07.123456789Z""#),
        Set("created_at", "1772600767000"),
        Set("created_at", r#""1772600767""#),
        Set("created_at", r#""0000-01-01T00:00:00Z""#),
        Set("created_at", r#""9999-12-31T23:59:59.999Z""#),
        Set("created_at", r#""yesterday""#),
        Set("created_at", "-1"),
        Set("message_order", r#""12""#),
        Set("message_order", "3.5"),
        Set("message_order", "9007199254740993"),
        Set("message_order", "18446744073709551615"),
        Set("message_order", "1e400"),
        Set("wa_messages", "null"),
        Set("wa_messages", r#""none""#),
        Set("wa_messages", r#"["text",12,null,true,[],{},{"data":null},{"data":"{\"status\":\"read\"}"}]"#),
        Set("instagram_messages", r#"[{"message":"not an object"},{"timestamp":"soon"}, {"sender":[1]} ]"#),
        Set("messenger_messages", r#"{"0":{"mid":"m_#"}}"#),
        Without("wa_messages"),
        Add(r#""sentiment":{"score":0.87,"labels":["upset"]},"is_deleted":null"#),
        Add(
            r#""big":18446744073709551615,"bigger":123456789012345678901234567890,"tiny":1e-400,"zero":-0.0"#,
        ),
        Add(r#""content":"the second of two keys""#),
        Add(r#""\u0072ole":"an escaped key","run_id":"mine","extra":{"nested":true},"":0"#),
        Deep(90),
    ],
    invalid: &[
        Set("message_order", "NaN"),
        Add(r#""score":-Infinity"#),
        Set("content", "\"raw \u{1} control\ncharacters\""),
        Deep(1000),
    ],
};

/// Oddities of conversations.
pub static CONVERSATION: Oddities = Oddities {
    valid: &[
        Set("conversation_id", "#"),
        Set("conversation_id", "null"),
        Without("conversation_id"),
        Set("conversation_status", "3"),
        Set("conversation_type", "null"),
        Set("conversation_type", r#""carrier pigeon""#),
        Set("assigned_to", r#"{"name":"Tom","teams":[1,2]}"#),
        Set("assigned_to", "false"),
        Without("chatbot_id"),
        Add(r#""labels":["vip","länge sedan"],"closed_at":null,"rating":5"#),
    ],
    invalid: &[Add(r#""rating":NaN"#)],
};

/// Oddities of contacts.
pub static CONTACT: Oddities = Oddities {
    valid: &[
        Set("contact_id", "null"),
        Without("contact_id"),
        Set("first_name", "null"),
        Set("last_name", r#""\udc00 lone""#),
        Set("phone_number", "46701234567"),
        Set("created_at", r#""2024-02-30T25:00:00Z""#),
        Set("created_at", "1700000000"),
        Set("contact_queries", r#""12""#),
        Set("contact_queries", "1e3"),
        Set("is_blacklisted", r#""true""#),
        Set("is_frozen", "1"),
        Set("frozen_until", "0"),
        Without("last_interacted_at"),
        Add(r#""tags":[{"k":"v"}],"custom":{"Größe":42},"first_name":"Twice""#),
    ],
    invalid: &[Set("contact_queries", "NaN")],
};

impl Oddity {
    /// True if only one field is odd.
    pub fn is_of_a_field(&self) -> bool {
        matches!(self, Set(..) | Without(_) | Long(_))
    }
}

impl Wild {
    /// The oddity of the object with this key, if any.
    pub fn oddity(self, oddities: &'static Oddities, key: u64) -> Option<&'static Oddity> {
        if self.chance <= 0.0 {
            return None;
        }
        let mut rng = Rng::new(key, 9);
        if !rng.happens(self.chance) {
            return None;
        }
        match self.kind {
            WildKind::All if rng.one_in(10) => Some(rng.pick(oddities.invalid)),
            _ => Some(rng.pick(oddities.valid)),
        }
    }
}

/// An object in progress, written field by field.
#[derive(Debug)]
pub struct Fields<'a> {
    /// The text so far.
    pub out: &'a mut String,
    oddity: Option<&'static Oddity>,
    number: u64,
    comma: &'static str,
}

impl<'a> Fields<'a> {
    /// Opens an object. Its number follows from `key`.
    pub fn open(out: &'a mut String, oddity: Option<&'static Oddity>, key: u64) -> Self {
        out.push('{');
        Self { out, oddity, number: number(key), comma: "" }
    }

    /// Appends a field, or its odd replacement.
    pub fn put(&mut self, name: &str, value: impl Display) {
        self.put_of((self.oddity, self.number), name, value);
    }

    /// Appends a field of another object, with the oddity of that object.
    pub fn lend(&mut self, oddity: Option<&'static Oddity>, key: u64, name: &str, value: impl Display) {
        self.put_of((oddity, number(key)), name, value);
    }

    fn put_of(&mut self, of: (Option<&'static Oddity>, u64), name: &str, value: impl Display) {
        let Self { out, comma, .. } = self;
        match of {
            (Some(Without(field)), _) if *field == name => return,
            (Some(Set(field, odd)), number) if *field == name => {
                put!(out, "{comma}\"{name}\":{}", odd.replace('#', &number.to_string()));
            }
            (Some(Long(field)), _) if *field == name => {
                put!(out, "{comma}\"{name}\":\"{}\"", "long läng 長い ".repeat(20_000));
            }
            _ => put!(out, "{comma}\"{name}\":{value}"),
        }
        self.comma = ",";
    }

    /// Closes the object.
    pub fn close(self) {
        match self.oddity {
            Some(Add(more)) => put!(self.out, "{}{more}", self.comma),
            Some(Deep(levels)) => {
                put!(self.out, "{}\"deep\":{}{}", self.comma, "[".repeat(*levels), "]".repeat(*levels));
            }
            _ => {}
        }
        self.out.push('}');
    }
}

/// The number of the object with this key.
fn number(key: u64) -> u64 {
    key % 1_000_000_007
}
