//! Repeatable randomness: a key and an index give the same numbers on every machine, for ever.
//!
//! Written out here (`SplitMix64`) instead of taken from a crate, because a seed must go on meaning the same
//! conversations after any update of a dependency.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A short stream of numbers that depends on nothing but what it was made from.
#[derive(Clone, Debug)]
pub struct Dice(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A key for everything that belongs to `text` under `seed`.
pub fn key(seed: u64, text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), seed)
}

/// A key for part `index` of what `key` stands for.
pub fn part(key: u64, index: u64) -> u64 {
    Dice::new(key, index).roll()
}

impl Dice {
    /// The stream of number `index` below `key`.
    pub fn new(key: u64, index: u64) -> Self {
        Self(mix(key ^ mix(index.wrapping_add(GOLDEN))))
    }

    /// The next 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number below `sides`, which is at most 2^32; 0 where there is no side.
    pub fn below(&mut self, sides: u64) -> u64 {
        ((self.roll() >> 32) * sides) >> 32
    }

    /// Whether the one case in `sides` came up.
    pub fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    /// A number from 0 to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        let upper = u32::try_from(self.roll() >> 32).expect("32 bits are left");
        f64::from(upper) / (f64::from(u32::MAX) + 1.0)
    }

    /// Whether something of this probability (0 to 1) happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the choices.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let sides = u64::try_from(choices.len()).expect("a length fits 64 bits");
        &choices[usize::try_from(self.below(sides)).expect("below a length")]
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
