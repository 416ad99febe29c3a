//! Elements of DER: writing the few that a request has, and reading those of a response.

/// Tag of an integer.
pub(super) const INTEGER: u8 = 0x02;
/// Tag of an octet string.
pub(super) const OCTETS: u8 = 0x04;
/// Tag of an object identifier.
pub(super) const OID: u8 = 0x06;
/// Tag of a UTF-8 text.
pub(super) const UTF8: u8 = 0x0c;
/// Tag of a time such as `20261130031500Z`.
pub(super) const TIME: u8 = 0x18;
/// Tag of a sequence.
pub(super) const SEQUENCE: u8 = 0x30;
/// Tag of a set.
pub(super) const SET: u8 = 0x31;
/// Tag of an explicit element 0.
pub(super) const EXPLICIT_0: u8 = 0xa0;

/// Writes an element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut element = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => element.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let first = bytes.iter().position(|byte| *byte != 0).unwrap_or_default();
            let bytes = &bytes[first..];
            element.extend(u8::try_from(bytes.len()).map(|count| 0x80 | count));
            element.extend_from_slice(bytes);
        }
    }
    element.extend_from_slice(content);
    element
}

/// Reads elements from the front of the bytes that are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Reads the next element if it has this tag, and returns its content.
    pub fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, content, rest) = split(self.0)?;
        (found == tag).then(|| self.0 = rest)?;
        Some(content)
    }

    /// Reads an element that contains others.
    pub fn enter(&mut self, tag: u8) -> Option<Self> {
        self.read(tag).map(Self)
    }

    /// Reads elements until one has this tag, and returns its content.
    pub fn find(&mut self, tag: u8) -> Option<&'a [u8]> {
        while !self.is_at_end() {
            let (found, content, rest) = split(self.0)?;
            self.0 = rest;
            if found == tag {
                return Some(content);
            }
        }
        None
    }

    /// True if nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

/// Splits the first element off: its tag, its content, and the rest.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk()?;
    // Tags of several bytes occur nowhere in a time stamp.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // The length in one to four bytes. The indefinite form, 0x80, is no DER.
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (
                length
                    .iter()
                    .try_fold(0_usize, |sum, byte| Some(sum.checked_mul(256)? + usize::from(*byte)))?,
                rest,
            )
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
