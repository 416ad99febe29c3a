//! Schedules: from a seed, a list that changes while it is read, on a server of any kind, and the verdict.

use fastrand::Rng;

use super::model::{Change, DOCUMENTED, Model, ServerModel};

/// Totals of many schedules.
#[derive(Debug, Default)]
pub struct Tally {
    pub doubtful: u64,
    pub requests: u64,
    /// Descriptions of the schedules that lost contacts.
    pub lost: Vec<String>,
}

/// Changes of the list, in phases: rare or without pause, at few contacts or at all.
fn changes(rng: &mut Rng) -> Vec<Change> {
    let (removals, arrivals) = ([0, 1, 4][rng.usize(0..3)], [0, 1, 4][rng.usize(0..3)]);
    let mut changes = Vec::new();
    for _ in 0..rng.u32(0..4) {
        let (rest, places) = ([0, 3, 10, 40][rng.usize(0..4)], [5, 40, 400][rng.usize(0..3)]);
        for _ in 0..rng.u32(0..300) {
            changes.push(change(rng, [6, removals, arrivals, rest], places));
        }
    }
    changes
}

/// Changes about as fast as parts of two or three contacts are read, slower and slower.
fn changes_at_reading_speed(rng: &mut Rng) -> Vec<Change> {
    let mut changes = Vec::new();
    let removals = rng.u32(0..2);
    for rest in [rng.u32(2..8), rng.u32(5..15), rng.u32(10..40)] {
        for _ in 0..rng.u32(30..250) {
            changes.push(change(rng, [6, removals, 1, rest], 400));
        }
    }
    changes
}

/// A change by the weights of activity, removal, arrival and rest.
fn change(rng: &mut Rng, [active, removed, new, rest]: [u32; 4], places: usize) -> Change {
    let at = rng.usize(0..places);
    match rng.u32(0..active + removed + new + rest) {
        kind if kind < active => Change::Active(at),
        kind if kind < active + removed => Change::Removed(at),
        kind if kind < active + removed + new => Change::New,
        _ => Change::Rest,
    }
}

/// Returns the list of a seed and the size of its parts. Most are small, because then most goes wrong.
fn plan(seed: u64) -> (Model, u32) {
    let mut rng = Rng::with_seed(seed);
    if rng.bool() {
        let server = ServerModel { clamp: rng.u32(2..4), ..DOCUMENTED };
        let count = rng.u32(80..300);
        return (Model::new(count, server, changes_at_reading_speed(&mut rng)), rng.u32(2..6));
    }
    let mut size = || match rng.u32(0..4) {
        0 => rng.u32(1..4),
        1 => rng.u32(2..20),
        _ => 100,
    };
    let (clamp, max_limit) = (size(), size());
    let short_parts = if rng.u32(0..4) == 0 { seed } else { 0 };
    let server = ServerModel { clamp, max_limit, short_parts, ..DOCUMENTED };
    let page_size = if rng.bool() { rng.u32(1..6) } else { rng.u32(1..=40) };
    let most = [20, 100, 300][rng.usize(0..3)];
    (Model::new(rng.u32(0..most), server, changes(&mut rng)), page_size)
}

/// Plays the schedules of these seeds.
pub fn play(seeds: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let (model, page_size) = plan(seed);
        let (doubt, listed) = model.list(page_size);
        tally.requests += u64::from(model.requests());
        let missing = model.missing(&listed);
        match doubt {
            Ok(None) if missing.is_empty() => {}
            Ok(None) => {
                tally
                    .lost
                    .push(format!("seed {seed}: {missing:?}, parts of {page_size}, {:?}", model.server));
            }
            Ok(Some(_)) => tally.doubtful += 1,
            Err(failure) => tally.lost.push(format!("seed {seed}: {failure}")),
        }
    }
    tally
}
