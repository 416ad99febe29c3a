//! A parsed text: the positions of all values, in the order of the text.
//!
//! A node has 12 bytes, and the text remains the only copy of the content. The node of a container has the number of the
//! next node after it, so skipping a container takes constant time.

use std::borrow::Cow;

use super::kind::Kind;
use super::scan::{blanks, scalar, string};
use super::value::Value;
use super::{MOST_NODES, Malformed, TOO_MANY_NODES};

/// A text that is one JSON value, read leniently, with the positions of all values in it.
#[derive(Clone, Debug)]
pub struct Document<'t> {
    text: Cow<'t, str>,
    nodes: Vec<Node>,
}

/// A value or a key. The value of a key is the next node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Start and end in the text, in bytes.
    pub(super) start: u32,
    pub(super) end: u32,
    /// Kind in the upper bits, and the number of the next node after this one and its content. While a container is read:
    /// the number of the container around it.
    kind_and_next: u32,
}

/// Bits of the number in [`Node::kind_and_next`].
const NEXT_BITS: u32 = 29;
const NEXT: u32 = (1 << NEXT_BITS) - 1;
/// The container around the outermost value.
const NOWHERE: u32 = NEXT;

/// Code of a [`Kind`]. Strings with escapes have a code of their own.
const NULL: u32 = 0;
const BOOL: u32 = 1;
const NUMBER: u32 = 2;
const NON_STANDARD: u32 = 3;
const STRING: u32 = 4;
const ESCAPED: u32 = 5;
const ARRAY: u32 = 6;
const OBJECT: u32 = 7;

impl Node {
    fn new(start: usize, end: usize, code: u32, next: u32) -> Self {
        // The length of the text is checked before.
        let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: place(start), end: place(end), kind_and_next: code << NEXT_BITS | next }
    }

    pub(super) fn next(self) -> u32 {
        self.kind_and_next & NEXT
    }

    pub(super) fn kind(self) -> Kind {
        match self.kind_and_next >> NEXT_BITS {
            NULL => Kind::Null,
            BOOL => Kind::Bool,
            NUMBER => Kind::Number,
            NON_STANDARD => Kind::NonStandard,
            STRING | ESCAPED => Kind::String,
            ARRAY => Kind::Array,
            _ => Kind::Object,
        }
    }

    pub(super) fn is_escaped(self) -> bool {
        self.kind_and_next >> NEXT_BITS == ESCAPED
    }
}

impl<'t> Document<'t> {
    /// Parses a text. A byte order mark at the start is skipped.
    ///
    /// # Errors
    /// The text is not a JSON value, even when read leniently, or has more than [`MOST_NODES`] values and keys.
    pub fn parse(text: impl Into<Cow<'t, str>>) -> Result<Self, Malformed> {
        let text = text.into();
        let nodes = Reader::new(&text)?.read()?;
        Ok(Self { text, nodes })
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value { document: self, at: 0 }
    }

    /// The value with this number, from [`Value::number`] of the same text.
    pub fn value(&self, number: u32) -> Option<Value<'_>> {
        self.nodes.get(number as usize).map(|_| Value { document: self, at: number })
    }

    /// The whole text, including blanks around the value.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Approximate memory in bytes.
    pub fn memory(&self) -> usize {
        self.text.len() + self.nodes.len() * size_of::<Node>()
    }

    #[inline]
    pub(super) fn node(&self, at: u32) -> Node {
        self.nodes[at as usize]
    }

    #[inline]
    pub(super) fn slice(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).expect("a token starts and ends at ASCII bytes")
    }
}

/// The state of a parser.
struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
    nodes: Vec<Node>,
    /// The innermost open container, and its kind.
    open: u32,
    in_object: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Result<Self, Malformed> {
        /// Typical size of text per node, in bytes, rounded down.
        const TEXT_OF_NODE: usize = 9;
        if u32::try_from(text.len()).is_err() {
            return Err(Malformed { offset: 0, what: "a text of over 4 GiB" });
        }
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let nodes = Vec::with_capacity((text.len() / TEXT_OF_NODE + 8).min(MOST_NODES));
        Ok(Self { bytes: text.as_bytes(), at, nodes, open: NOWHERE, in_object: false })
    }

    fn read(mut self) -> Result<Vec<Node>, Malformed> {
        self.skip_blanks();
        loop {
            // Expect a value.
            let start = self.at;
            match self.bytes.get(start) {
                Some(b'"') => self.string()?,
                Some(b'{') => {
                    if self.enter(OBJECT, b'}')? {
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    if self.enter(ARRAY, b']')? {
                        continue;
                    }
                }
                _ => {
                    let (end, kind) = scalar(self.bytes, start)?;
                    let code = match kind {
                        Kind::Null => NULL,
                        Kind::Bool => BOOL,
                        Kind::Number => NUMBER,
                        Kind::NonStandard | Kind::String | Kind::Array | Kind::Object => NON_STANDARD,
                    };
                    self.leaf(end, code)?;
                }
            }
            // A value ended.
            loop {
                self.skip_blanks();
                if self.open == NOWHERE {
                    return self.end();
                }
                match self.bytes.get(self.at) {
                    Some(b',') => {
                        self.at += 1;
                        self.skip_blanks();
                        if self.in_object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if self.in_object => self.leave(),
                    Some(b']') if !self.in_object => self.leave(),
                    None => return Err(self.malformed("the text ends inside an object or array")),
                    Some(_) if self.in_object => return Err(self.malformed("',' or '}' was expected")),
                    Some(_) => return Err(self.malformed("',' or ']' was expected")),
                }
            }
        }
    }

    /// Reads a string.
    fn string(&mut self) -> Result<(), Malformed> {
        let (end, escaped) = string(self.bytes, self.at)?;
        self.leaf(end, if escaped { ESCAPED } else { STRING })
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<(), Malformed> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(self.malformed("a key in quotes was expected"));
        }
        self.string()?;
        self.skip_blanks();
        if self.bytes.get(self.at) != Some(&b':') {
            return Err(self.malformed("':' was expected"));
        }
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    fn leaf(&mut self, end: usize, code: u32) -> Result<(), Malformed> {
        let next = self.number()? + 1;
        self.nodes.push(Node::new(self.at, end, code, next));
        self.at = end;
        Ok(())
    }

    /// Opens a container. Returns false if it is empty, and so closed already.
    fn enter(&mut self, code: u32, close: u8) -> Result<bool, Malformed> {
        let number = self.number()?;
        self.nodes.push(Node::new(self.at, self.at, code, self.open));
        (self.open, self.in_object) = (number, code == OBJECT);
        self.at += 1;
        self.skip_blanks();
        if self.bytes.get(self.at) == Some(&close) {
            self.leave();
            return Ok(false);
        }
        Ok(true)
    }

    /// Closes the innermost container at its bracket.
    fn leave(&mut self) {
        self.at += 1;
        // At most `MOST_NODES` nodes exist, so the number fits.
        let next = u32::try_from(self.nodes.len()).unwrap_or(NOWHERE);
        let node = &mut self.nodes[self.open as usize];
        let around = node.next();
        let code = node.kind_and_next >> NEXT_BITS;
        *node = Node::new(node.start as usize, self.at, code, next);
        self.open = around;
        self.in_object = self.nodes.get(around as usize).is_some_and(|node| node.kind() == Kind::Object);
    }

    /// Checks that the text ends here.
    fn end(self) -> Result<Vec<Node>, Malformed> {
        if self.at == self.bytes.len() {
            return Ok(self.nodes);
        }
        Err(self.malformed("more bytes after the value"))
    }

    /// The number of the next node.
    fn number(&self) -> Result<u32, Malformed> {
        match u32::try_from(self.nodes.len()) {
            Ok(number) if self.nodes.len() < MOST_NODES => Ok(number),
            _ => Err(self.malformed(TOO_MANY_NODES)),
        }
    }

    fn skip_blanks(&mut self) {
        self.at = blanks(self.bytes, self.at);
    }

    fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { offset: self.at, what }
    }
}
