//! A text, decoded once: every value's place, in the order of the text.
//!
//! A node is 12 bytes, and the text stays the only copy of what it says. A container's node knows where the next
//! value after it stands, so that walking past it costs nothing however much is inside.

use std::borrow::Cow;

use super::scan::{blanks, scalar, string};
use super::value::{Kind, Value};
use super::{MOST_NODES, Malformed, TOO_MANY_NODES};

/// A text that is one JSON value, leniently read, and where everything in it stands.
#[derive(Clone, Debug)]
pub struct Document<'t> {
    text: Cow<'t, str>,
    nodes: Vec<Node>,
}

/// A value, or a key: the value of a key is the node after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Where it begins and ends in the text, in bytes.
    pub(super) start: u32,
    pub(super) end: u32,
    /// What it is, in the upper bits, and the number of the node after it and all it holds. Of a container that is being
    /// read, the number of the one around it.
    kind_and_next: u32,
}

/// Bits of the number in [`Node::kind_and_next`].
const NEXT_BITS: u32 = 29;
const NEXT: u32 = (1 << NEXT_BITS) - 1;
/// Around the outermost value.
const NOWHERE: u32 = NEXT;

/// What a node is: [`Kind`], and whether a string must be unescaped.
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
        // The length of a text was checked to fit.
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
    /// Reads a text; a byte order mark at its start is skipped.
    ///
    /// # Errors
    /// When it is no JSON value, even leniently read, or holds more than [`MOST_NODES`].
    pub fn parse(text: impl Into<Cow<'t, str>>) -> Result<Self, Malformed> {
        let text = text.into();
        let nodes = Reader::new(&text)?.read()?;
        Ok(Self { text, nodes })
    }

    /// The value that the text is.
    pub fn root(&self) -> Value<'_> {
        Value { document: self, at: 0 }
    }

    /// The value of this number, as [`Value::number`] gave it for this text.
    pub fn value(&self, number: u32) -> Option<Value<'_>> {
        self.nodes.get(number as usize).map(|_| Value { document: self, at: number })
    }

    /// The text, with all around the value.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// About how much memory it takes, in bytes.
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

/// A text that is being read.
struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
    nodes: Vec<Node>,
    /// The innermost container that is open, and whether it is an object.
    open: u32,
    in_object: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Result<Self, Malformed> {
        /// Text for each node of what the service sends, in bytes, less a little.
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
            // A value is due.
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
            // A value has ended.
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

    /// Takes in the string that starts here.
    fn string(&mut self) -> Result<(), Malformed> {
        let (end, escaped) = string(self.bytes, self.at)?;
        self.leaf(end, if escaped { ESCAPED } else { STRING })
    }

    /// Takes in the key that must come next, and its colon.
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

    /// Opens a container; false when it is empty and closed at once.
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
        // There are at most `MOST_NODES` of them, far fewer than bits for a number.
        let next = u32::try_from(self.nodes.len()).unwrap_or(NOWHERE);
        let node = &mut self.nodes[self.open as usize];
        let around = node.next();
        let code = node.kind_and_next >> NEXT_BITS;
        *node = Node::new(node.start as usize, self.at, code, next);
        self.open = around;
        self.in_object = self.nodes.get(around as usize).is_some_and(|node| node.kind() == Kind::Object);
    }

    /// Holds that nothing but blanks is left.
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
