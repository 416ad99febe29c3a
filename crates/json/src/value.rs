//! A value of a document, and what can be asked of it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use super::document::{Document, Node};
use super::escape::unescape;
use super::strict::is_strict;

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
#[derive(Clone, Copy)]
pub struct Value<'a> {
    pub(super) document: &'a Document<'a>,
    pub(super) at: u32,
}

impl<'a> Value<'a> {
    /// Its number in its document: a short way to keep it. See [`Document::value`].
    pub fn number(self) -> u32 {
        self.at
    }

    /// Its text, byte for byte.
    pub fn raw(self) -> &'a str {
        let Node { start, end, .. } = self.node();
        self.document.slice(start, end)
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        self.node().kind()
    }

    /// Whether it is an array or object without members, or an empty string. The others are never empty.
    pub fn is_empty(self) -> bool {
        let node = self.node();
        match node.kind() {
            Kind::Array | Kind::Object => node.next() == self.at + 1,
            Kind::String => node.end - node.start == 2,
            Kind::Null | Kind::Bool | Kind::Number | Kind::NonStandard => false,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The text of a string, borrowed where it holds no escape; half a surrogate pair becomes U+FFFD.
    pub fn text(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| self.document.unquoted(self.at))
    }

    /// The members of an object, in the order sent, doubled ones too; none of anything else.
    pub fn members(self) -> Members<'a> {
        let node = self.node();
        let end = if node.kind() == Kind::Object { node.next() } else { 0 };
        Members { document: self.document, at: self.at + 1, end }
    }

    /// The elements of an array; none of anything else.
    pub fn elements(self) -> Elements<'a> {
        let node = self.node();
        let end = if node.kind() == Kind::Array { node.next() } else { 0 };
        Elements { document: self.document, at: self.at + 1, end }
    }

    /// The value of the object's member `key`, the last of doubled ones.
    pub fn member(self, key: &str) -> Option<Value<'a>> {
        self.members().filter(|(name, _)| name == key).last().map(|(_, value)| value)
    }

    /// Whether a strict reader (RFC 8259 as yyjson and `serde_json` read it) takes this text, at whatever depth: no
    /// token of kind [`Kind::NonStandard`], no raw control character, unknown escape or lone surrogate in a string.
    pub fn is_strict(self) -> bool {
        match self.kind() {
            Kind::Null | Kind::Bool | Kind::Number => true,
            Kind::NonStandard => false,
            Kind::String | Kind::Array | Kind::Object => is_strict(self.raw()),
        }
    }

    fn node(self) -> Node {
        self.document.node(self.at)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw())
    }
}

/// Values are equal whose texts are.
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl Eq for Value<'_> {}

impl Document<'_> {
    /// The text of the string or key of this number.
    #[inline]
    fn unquoted(&self, at: u32) -> Cow<'_, str> {
        let node = self.node(at);
        let inside = self.slice(node.start + 1, node.end - 1);
        if node.is_escaped() { unescape(inside) } else { Cow::Borrowed(inside) }
    }
}

/// The members of an object, see [`Value::members`].
#[derive(Clone)]
pub struct Members<'a> {
    document: &'a Document<'a>,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let value = Value { document: self.document, at: self.at + 1 };
        let key = self.document.unquoted(self.at);
        self.at = value.node().next();
        Some((key, value))
    }
}

impl std::iter::FusedIterator for Members<'_> {}

/// The elements of an array, see [`Value::elements`].
#[derive(Clone)]
pub struct Elements<'a> {
    document: &'a Document<'a>,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if self.at >= self.end {
            return None;
        }
        let value = Value { document: self.document, at: self.at };
        self.at = value.node().next();
        Some(value)
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
