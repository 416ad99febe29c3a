//! Guesses the next key of a text: the one that last followed the same keys. The objects of a page have the same keys in
//! the same order, so 72 % of the guesses are right on the simulator's pages. Checking a guess is faster than finding the
//! end and the number of a key.

/// Names by the keys before them.
pub(super) struct Guesses {
    /// Number of the newest key, mixed with the low bits of the one before it.
    before: u8,
    /// Number of the name that last followed such keys, 0 if none did.
    next: [u8; 1 << u8::BITS],
}

impl Guesses {
    pub(super) const fn new() -> Self {
        Self { before: 0, next: [0; 1 << u8::BITS] }
    }

    /// Number of the next key's name, perhaps; 0 without a guess.
    #[inline]
    pub(super) fn next(&self) -> u8 {
        self.next[usize::from(self.before)]
    }

    /// Records the number of the next key's name, 0 if it has none.
    #[inline]
    pub(super) fn learn(&mut self, number: u8) {
        self.next[usize::from(self.before)] = number;
        self.before = self.before << 4 ^ number;
    }
}
