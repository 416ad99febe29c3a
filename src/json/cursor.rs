//! Walking a text: objects and arrays by callback, values as slices.

use std::borrow::Cow;

use super::escape::unescape;
use super::skip::{blanks, scalar, string, value_end};
use super::value::{Kind, Value};
use super::{Elements, Malformed, Members};

/// A place in a JSON text, moving forward over its values.
///
/// After an error the place is undefined: give the text up.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The start of `text`; a byte order mark there is skipped.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 } }
    }

    /// Walks the object that comes next: `member` gets each key, in the order sent and doubled ones too, and must
    /// consume its value.
    pub fn object(
        &mut self,
        member: impl FnMut(Cow<'a, str>, &mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.object_value(member).map(|_| ())
    }

    /// Like [`Cursor::object`], and returns the object as a value: it is known and walked in the same pass.
    pub fn object_value(
        &mut self,
        mut member: impl FnMut(Cow<'a, str>, &mut Self) -> Result<(), Malformed>,
    ) -> Result<Value<'a>, Malformed> {
        let start = self.open(b'{', "an object was expected")?;
        let mut first = true;
        while self.another(b'}', first, "',' or '}' was expected")? {
            let key = self.key()?;
            member(key, self)?;
            first = false;
        }
        Ok(Value { raw: self.slice(start, self.at), kind: Kind::Object })
    }

    /// Walks the array that comes next: `element` must consume each of its values.
    pub fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.open(b'[', "an array was expected")?;
        let mut first = true;
        while self.another(b']', first, "',' or ']' was expected")? {
            element(self)?;
            first = false;
        }
        Ok(())
    }

    /// Skips the value that comes next, however deep, and returns it.
    pub fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let start = blanks(self.text.as_bytes(), self.at);
        let (end, kind) = value_end(self.text.as_bytes(), start)?;
        self.at = end;
        Ok(Value { raw: self.slice(start, end), kind })
    }

    /// What comes next, without moving over it. Containers and strings are known by their first byte only.
    pub fn kind(&mut self) -> Result<Kind, Malformed> {
        self.at = blanks(self.text.as_bytes(), self.at);
        match self.text.as_bytes().get(self.at) {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            _ => scalar(self.text.as_bytes(), self.at).map(|(_, kind)| kind),
        }
    }

    /// Holds that nothing but blanks is left.
    pub fn end(&mut self) -> Result<(), Malformed> {
        self.at = blanks(self.text.as_bytes(), self.at);
        if self.at == self.text.len() { Ok(()) } else { Err(self.malformed("more bytes after the value")) }
    }

    /// The members of the object that comes next, as an iterator that ends at the first error.
    pub(super) fn into_members(self) -> Members<'a> {
        Members { cursor: self, first: true }
    }

    /// The elements of the array that comes next, as an iterator that ends at the first error.
    pub(super) fn into_elements(self) -> Elements<'a> {
        Elements { cursor: self, first: true }
    }

    /// Moves behind the bracket that must come next and returns its place.
    pub(super) fn open(&mut self, bracket: u8, what: &'static str) -> Result<usize, Malformed> {
        let start = blanks(self.text.as_bytes(), self.at);
        self.at = start;
        match self.text.as_bytes().get(start) {
            Some(byte) if *byte == bracket => {
                self.at = start + 1;
                Ok(start)
            }
            Some(_) => Err(self.malformed(what)),
            None => Err(self.malformed("the text ends where a value was expected")),
        }
    }

    /// Moves behind the comma before another member, or behind the closing bracket; says which.
    pub(super) fn another(&mut self, close: u8, first: bool, what: &'static str) -> Result<bool, Malformed> {
        self.at = blanks(self.text.as_bytes(), self.at);
        match self.text.as_bytes().get(self.at) {
            Some(byte) if *byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            Some(_) => Err(self.malformed(what)),
            None => Err(self.malformed("the text ends inside an object or array")),
        }
    }

    /// Moves behind the next key and its colon and returns the key.
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let bytes = self.text.as_bytes();
        let start = blanks(bytes, self.at);
        self.at = start;
        if bytes.get(start) != Some(&b'"') {
            return Err(self.malformed("a key in quotes was expected"));
        }
        let end = string(bytes, start)?;
        self.at = blanks(bytes, end);
        if bytes.get(self.at) != Some(&b':') {
            return Err(self.malformed("':' was expected"));
        }
        self.at += 1;
        Ok(unescape(self.slice(start + 1, end - 1)))
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).expect("a value starts and ends at ASCII bytes")
    }

    fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { offset: self.at, what }
    }
}
