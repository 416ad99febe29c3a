//! Repeatable random numbers: a key and an index give the same numbers on every machine.
//!
//! The generator (`SplitMix64`) is written here and not taken from a crate: a seed must keep its conversations after any
//! update of a dependency.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A stream of random numbers, given by a key and an index.
#[derive(Clone, Debug)]
pub struct Rng(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The key of `text` under `seed`.
pub fn key(seed: u64, text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), seed)
}

/// The key of part `index` of the subject of `key`.
pub fn part(key: u64, index: u64) -> u64 {
    Rng::new(key, index).next_u64()
}

impl Rng {
    /// The stream of number `index` below `key`.
    pub fn new(key: u64, index: u64) -> Self {
        Self(mix(key ^ mix(index.wrapping_add(GOLDEN))))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number below `bound`, which is at most 2^32. 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() >> 32) * bound) >> 32
    }

    /// True with the probability 1 / `bound`.
    pub fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    /// A number from 0 to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        let upper = u32::try_from(self.next_u64() >> 32).expect("32 bits are left");
        f64::from(upper) / (f64::from(u32::MAX) + 1.0)
    }

    /// True with this probability (0 to 1).
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the choices.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let bound = u64::try_from(choices.len()).expect("a length fits 64 bits");
        &choices[usize::try_from(self.below(bound)).expect("below a length")]
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
