//! Strings and numbers as the SSH protocol writes them: each string after its length in four bytes.

/// Appends a string. It has fewer than 4 GiB.
pub(super) fn put(blob: &mut Vec<u8>, string: &[u8]) {
    blob.extend(u32::try_from(string.len()).unwrap_or(u32::MAX).to_be_bytes());
    blob.extend_from_slice(string);
}

/// Reads strings and numbers from the front of the bytes that are left.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Reads this many bytes. `None` if fewer are left.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Reads a number of four bytes.
    pub fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// Reads a string.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    /// True if nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}
