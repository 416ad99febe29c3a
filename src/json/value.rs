//! A well-formed slice of a text, and what can be asked of it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::escape::unescape;
use super::strict::is_strict;
use super::{Cursor, Malformed};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number by JSON's grammar, of any size and precision.
    Number,
    /// A string, whatever stands between its quotes.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
    /// `NaN`, `Infinity`, `-Infinity`, or a token of digits, signs, points and exponents that is no JSON number (`01`, `+1`,
    /// `.5`, `1.`).
    NonStandard,
}

/// One value as it was sent, without blanks around it. Well-formed, leniently read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    pub(super) raw: &'a str,
    pub(super) kind: Kind,
}

impl<'a> Value<'a> {
    /// The one value that `text` is.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(text);
        let value = cursor.value()?;
        cursor.end()?;
        Ok(value)
    }

    /// The value that `text` is known to be, since it was cut out of a text that was walked before: no second walk.
    ///
    /// Of a text that is none, the value is odd, and walking it ends early.
    pub fn known(text: &'a str) -> Self {
        let kind = Cursor::new(text).kind().unwrap_or(Kind::NonStandard);
        Self { raw: text, kind }
    }

    /// Its text, byte for byte.
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// Whether it is an array or object without members, or an empty string. The others are never empty.
    pub fn is_empty(self) -> bool {
        let inside = self.raw.get(1..self.raw.len().saturating_sub(1)).unwrap_or_default();
        match self.kind {
            Kind::Array | Kind::Object => {
                inside.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            }
            Kind::String => inside.is_empty(),
            Kind::Null | Kind::Bool | Kind::Number | Kind::NonStandard => false,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind == Kind::Null
    }

    /// The text of a string, borrowed where it holds no escape; half a surrogate pair becomes U+FFFD.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let inside = self.raw.strip_prefix('"')?.strip_suffix('"')?;
        Some(unescape(inside))
    }

    /// The members of an object, in the order sent, doubled ones too; none of anything else.
    pub fn members(self) -> Members<'a> {
        let mut cursor = Cursor::new(self.raw);
        let text = if cursor.open(b'{', "").is_ok() { cursor } else { Cursor::new("}") };
        text.into_members()
    }

    /// The elements of an array; none of anything else.
    pub fn elements(self) -> Elements<'a> {
        let mut cursor = Cursor::new(self.raw);
        let text = if cursor.open(b'[', "").is_ok() { cursor } else { Cursor::new("]") };
        text.into_elements()
    }

    /// The value of the object's member `key`, the last of doubled ones.
    pub fn member(self, key: &str) -> Option<Value<'a>> {
        self.members().filter(|(name, _)| name == key).last().map(|(_, value)| value)
    }

    /// Whether a strict reader (RFC 8259 as yyjson and `serde_json` read it) takes this text, at whatever depth: no
    /// token of kind [`Kind::NonStandard`], no raw control character, unknown escape or lone surrogate in a string.
    pub fn is_strict(self) -> bool {
        match self.kind {
            Kind::Null | Kind::Bool | Kind::Number => true,
            Kind::NonStandard => false,
            Kind::String | Kind::Array | Kind::Object => is_strict(self.raw),
        }
    }
}

/// The members of an object, see [`Value::members`].
#[derive(Clone, Debug)]
pub struct Members<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) first: bool,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        // The value was found well-formed when it was made, so an error here can only be the end met again.
        let another = self.cursor.another(b'}', self.first, "").ok()?;
        self.first = false;
        if !another {
            return None;
        }
        Some((self.cursor.key().ok()?, self.cursor.value().ok()?))
    }
}

impl std::iter::FusedIterator for Members<'_> {}

/// The elements of an array, see [`Value::elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) first: bool,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let another = self.cursor.another(b']', self.first, "").ok()?;
        self.first = false;
        if another { self.cursor.value().ok() } else { None }
    }
}

impl std::iter::FusedIterator for Elements<'_> {}

/// Keeps the last of the members that share a name, at the place of the first.
pub fn last_wins(members: &mut Vec<(Cow<'_, str>, Value<'_>)>) {
    /// From this many members on a hash map is quicker than looking through those before.
    const FEW: usize = 32;
    let mut kept = 0;
    let mut seen = HashMap::new();
    for index in 0..members.len() {
        let earlier = if members.len() < FEW {
            members.iter().take(kept).position(|(name, _)| *name == members[index].0)
        } else {
            let place = *seen.entry(members[index].0.clone()).or_insert(kept);
            (place < kept).then_some(place)
        };
        if let Some(earlier) = earlier {
            members[earlier].1 = members[index].1;
        } else {
            members.swap(kept, index);
            kept += 1;
        }
    }
    members.truncate(kept);
}
