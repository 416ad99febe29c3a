//! The custody record: who made the package, from what, what was asked and answered, and what is missing.
//!
//! It has no clock of its own. The same export and options give the same bytes, so anyone can repeat the making. A
//! signature or a time stamp proves the time, and `events.csv` has rows for it.

mod certification;
mod page;
mod record;

use std::borrow::Cow;

pub(super) use record::{Collected, Record, RunFacts};

use super::EvidenceError;
use super::bag::Bag;
use super::tables::CsvFile;

/// The record as JSON.
pub(super) const CUSTODY: &str = "data/custody/custody.json";

/// Rows of `events.csv` to be filled in by hand.
const HAND_OVERS: usize = 5;

/// Writes the record as JSON and as a page, the draft of a certification, and the list of hand-overs.
pub(super) fn write(bag: &mut Bag, record: &Record) -> Result<(), EvidenceError> {
    let json =
        serde_json::to_string_pretty(record).expect("keys are strings, so serialization cannot fail") + "\n";
    bag.write(CUSTODY, json.as_bytes())?;
    bag.write("data/custody/custody.html", page::page(record).as_bytes())?;
    bag.write("data/custody/certification.txt", certification::draft(record).as_bytes())?;
    let header = ["date_time_utc", "event", "from", "to", "purpose", "signature"].map(str::to_owned).to_vec();
    let mut events = CsvFile::create(bag, "data/custody/events", header)?;
    let mut event = |cells: [&str; 3]| {
        let cells = cells.into_iter().chain(["", "", ""]).map(|cell| Some(Cow::Borrowed(cell)));
        events.write(bag, cells.collect::<Vec<_>>())
    };
    for run in &record.runs {
        event([
            &run.finished_at,
            &format!("collected from the API: run {}", run.run_id),
            &record.source.base_url,
        ])?;
    }
    event(["", "package made", ""])?;
    for _ in 0..HAND_OVERS {
        event(["", "handed over", ""])?;
    }
    Ok(events.finish(bag)?)
}
