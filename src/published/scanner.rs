//! Reads the tokens of a line that is too long to be held in memory.
//!
//! What is kept of a line is limited. The line itself may be longer: an escape takes up to six bytes.

use std::io::{self, BufRead};

use memchr::memchr3;

use crate::record::MAX_ANSWER;

/// Maximum size of what is kept of a line: two texts as long as a response, and the other columns.
pub(super) const MAX_ROW: usize = 2 * MAX_ANSWER + (32 << 20);
/// Maximum length of a line in which every byte of a row is escaped.
const MAX_LINE: usize = 6 * MAX_ROW;
/// Maximum size of a JSON value as it stands in a line. Only the string in place of a value that is not strict
/// JSON is longer.
const MAX_JSON: usize = MAX_ANSWER + (16 << 20);

/// Reason why a line cannot be read.
#[derive(Debug)]
pub(super) enum LineError {
    Io(io::Error),
    /// More than [`MAX_ROW`] would have to be kept.
    TooLong,
    /// The line is not the object of a row.
    Syntax(String),
}

impl From<io::Error> for LineError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

type Result<T> = std::result::Result<T, LineError>;

fn syntax<T>(what: impl Into<String>) -> Result<T> {
    Err(LineError::Syntax(what.into()))
}

/// The parts of a token that are kept.
#[derive(Default)]
pub(super) struct Kept {
    /// Content of a string without escapes.
    pub(super) decoded: Option<Vec<u8>>,
    /// The token as it stands in the line. `None` if it becomes longer than any JSON value.
    pub(super) raw: Option<Vec<u8>>,
}

impl Kept {
    pub(super) fn decoded() -> Self {
        Self { decoded: Some(Vec::new()), raw: None }
    }

    pub(super) fn raw() -> Self {
        Self { decoded: None, raw: Some(Vec::new()) }
    }

    pub(super) fn both() -> Self {
        Self { decoded: Some(Vec::new()), raw: Some(Vec::new()) }
    }

    fn add_raw(&mut self, bytes: &[u8]) {
        if let Some(raw) = &mut self.raw {
            raw.extend_from_slice(bytes);
            if raw.len() > MAX_JSON {
                self.raw = None;
            }
        }
    }

    fn add_decoded(&mut self, bytes: &[u8]) {
        if let Some(decoded) = &mut self.decoded {
            decoded.extend_from_slice(bytes);
        }
    }
}

/// A line under way.
pub(super) struct Scanner<R> {
    text: R,
    /// Number of bytes that may still be kept.
    rest: usize,
    /// Number of bytes that the line may still have.
    line: usize,
}

impl<R: BufRead> Scanner<R> {
    pub(super) fn new(text: R) -> Self {
        Self { text, rest: MAX_ROW, line: MAX_LINE }
    }

    /// Returns the next byte that is not blank, without consuming it.
    pub(super) fn peek(&mut self) -> Result<u8> {
        loop {
            let chunk = self.text.fill_buf()?;
            let blanks = chunk.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
            match chunk.get(blanks).copied() {
                Some(byte) => {
                    self.text.consume(blanks);
                    self.spend(blanks)?;
                    return Ok(byte);
                }
                None if blanks == 0 => return syntax("the line ends early"),
                None => {
                    self.text.consume(blanks);
                    self.spend(blanks)?;
                }
            }
        }
    }

    /// Consumes this byte, after blanks.
    pub(super) fn expect(&mut self, expected: u8) -> Result<()> {
        if self.peek()? != expected {
            return syntax(format!("'{}' was expected", char::from(expected)));
        }
        self.consume(1)
    }

    /// Consumes the end of the line.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.text.fill_buf()?.first() {
            None => Ok(()),
            Some(b'\n') => self.consume(1),
            Some(_) => syntax("more bytes after the object"),
        }
    }

    /// Consumes a string. Its opening quote comes next.
    pub(super) fn string(&mut self, kept: &mut Kept) -> Result<()> {
        self.expect(b'"')?;
        kept.add_raw(b"\"");
        loop {
            let chunk = self.text.fill_buf()?;
            let found = memchr3(b'"', b'\\', b'\n', chunk);
            let plain = chunk.get(..found.unwrap_or(chunk.len())).unwrap_or_default();
            kept.add_raw(plain);
            kept.add_decoded(plain);
            let (length, token) = (plain.len(), found.and_then(|at| chunk.get(at).copied()));
            let is_kept = kept.decoded.is_some() || kept.raw.is_some();
            if chunk.is_empty() || token == Some(b'\n') {
                return syntax("a string without an end");
            }
            self.consume(length + usize::from(token.is_some()))?;
            self.spend(if is_kept { length } else { 0 })?;
            match token {
                Some(b'"') => {
                    kept.add_raw(b"\"");
                    return Ok(());
                }
                Some(_) => self.escape(kept)?,
                None => {}
            }
        }
    }

    /// Consumes the rest of an escape sequence, after its backslash.
    fn escape(&mut self, kept: &mut Kept) -> Result<()> {
        let [kind] = self.take()?;
        if kept.decoded.is_none() && kept.raw.is_none() {
            return Ok(()); // the digits are read like other characters
        }
        kept.add_raw(&[b'\\', kind]);
        let decoded = match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode(kept)?,
            _ => return syntax("an unknown escape sequence"),
        };
        self.spend(decoded.len_utf8())?;
        kept.add_decoded(decoded.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn unicode(&mut self, kept: &mut Kept) -> Result<char> {
        let high = self.digits(kept)?;
        let code = match high {
            0xd800..0xdc00 => {
                let start: [u8; 2] = self.take()?;
                kept.add_raw(&start);
                let low = if start == *b"\\u" { self.digits(kept)? } else { 0 };
                if !(0xdc00..0xe000).contains(&low) {
                    return syntax("half of a surrogate pair");
                }
                0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).map_or_else(|| syntax("half of a surrogate pair"), Ok)
    }

    fn digits(&mut self, kept: &mut Kept) -> Result<u32> {
        let digits: [u8; 4] = self.take()?;
        kept.add_raw(&digits);
        let code =
            digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?));
        code.map_or_else(|| syntax("an unknown escape sequence"), Ok)
    }

    /// Consumes a value. What is kept of it is not checked.
    pub(super) fn value(&mut self, kept: &mut Kept) -> Result<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string(kept)?,
                byte @ (b'{' | b'[') => {
                    depth += 1;
                    self.punctuation(byte, kept)?;
                    continue;
                }
                byte @ (b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.punctuation(byte, kept)?;
                }
                byte @ (b',' | b':') if depth > 0 => {
                    self.punctuation(byte, kept)?;
                    continue;
                }
                b'\n' | b',' | b':' | b'}' | b']' => return syntax("a value was expected"),
                _ => self.scalar(kept)?,
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn punctuation(&mut self, byte: u8, kept: &mut Kept) -> Result<()> {
        kept.add_raw(&[byte]);
        self.spend(usize::from(kept.raw.is_some()))?;
        self.consume(1)
    }

    /// Consumes a number or literal.
    fn scalar(&mut self, kept: &mut Kept) -> Result<()> {
        let mut is_empty = true;
        loop {
            let chunk = self.text.fill_buf()?;
            let is_in_scalar =
                |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
            let length = chunk.iter().take_while(is_in_scalar).count();
            let is_over = length < chunk.len() || chunk.is_empty();
            is_empty &= length == 0;
            kept.add_raw(chunk.get(..length).unwrap_or_default());
            self.consume(length)?;
            self.spend(if kept.raw.is_some() { length } else { 0 })?;
            if is_over {
                return if is_empty { syntax("a value was expected") } else { Ok(()) };
            }
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        match self.text.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => syntax("a string without an end"),
            read => {
                read?;
                self.count(N)?;
                Ok(bytes)
            }
        }
    }

    fn consume(&mut self, bytes: usize) -> Result<()> {
        self.text.consume(bytes);
        self.count(bytes)
    }

    /// Counts bytes of the line.
    fn count(&mut self, bytes: usize) -> Result<()> {
        self.line = self.line.checked_sub(bytes).ok_or(LineError::TooLong)?;
        Ok(())
    }

    /// Counts bytes that are kept.
    fn spend(&mut self, bytes: usize) -> Result<()> {
        self.rest = self.rest.checked_sub(bytes).ok_or(LineError::TooLong)?;
        Ok(())
    }
}
