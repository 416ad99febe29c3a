//! Hash tables whose keys are fingerprints of 128 bits.
//!
//! Layer 1.

use std::hash::{BuildHasher, Hasher, RandomState};

/// State of a hash table whose keys are fingerprints.
///
/// A fingerprint is a hash already, so one multiplication suffices instead of `SipHash`. But whoever writes messages can choose
/// their IDs, and so the fingerprints. The random keys of each table keep chosen ones from the same place.
#[derive(Clone, Debug)]
pub struct FingerprintState([u64; 2]);

impl Default for FingerprintState {
    fn default() -> Self {
        let random = RandomState::new();
        Self([random.hash_one(0), random.hash_one(1)])
    }
}

impl BuildHasher for FingerprintState {
    type Hasher = FingerprintHasher;

    fn build_hasher(&self) -> FingerprintHasher {
        FingerprintHasher { keys: self.0, hash: 0 }
    }
}

/// Hasher of one fingerprint.
#[derive(Debug)]
pub struct FingerprintHasher {
    keys: [u64; 2],
    hash: u64,
}

impl Hasher for FingerprintHasher {
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
    fn write_u128(&mut self, fingerprint: u128) {
        let [low, high] = [fingerprint as u64, (fingerprint >> 64) as u64];
        let product = u128::from(low ^ self.keys[0]) * u128::from(high ^ self.keys[1]);
        self.hash = self.hash.rotate_left(1) ^ (product as u64) ^ ((product >> 64) as u64);
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(size_of::<u128>()) {
            let mut number = [0; size_of::<u128>()];
            number[..chunk.len()].copy_from_slice(chunk);
            self.write_u128(u128::from_le_bytes(number));
        }
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::FingerprintState;

    /// A hash table takes its place from the lowest bits and compares the highest seven.
    #[test]
    fn fingerprints_that_differ_in_few_bits_are_spread() {
        let state = FingerprintState::default();
        for shift in [0, 32, 64, 96] {
            let hashes: Vec<u64> = (0..4096_u128).map(|number| state.hash_one(number << shift)).collect();
            let lowest: HashSet<u64> = hashes.iter().map(|hash| hash & 0xfff).collect();
            let highest: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
            assert!(lowest.len() > 2000 && highest.len() > 100, "{} {}", lowest.len(), highest.len());
        }
    }

    #[test]
    fn each_table_has_its_own_places() {
        let [one, other] = [FingerprintState::default(), FingerprintState::default()];
        assert_ne!(one.hash_one(7_u128), other.hash_one(7_u128));
    }
}
