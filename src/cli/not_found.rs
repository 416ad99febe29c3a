//! Names the contacts of a published run that do not exist.

use std::ffi::OsStr;
use std::io::Read;

use indicatif::HumanCount;

use super::command_line::quote;
use crate::durable::Opened;
use crate::layout::{self, NOT_FOUND};
use crate::output::manifest::Manifest;
use crate::store::Store;

/// Number of contacts that are named.
const MAX_NAMED: usize = 3;
/// Bytes of the list that are read. They have far more than these contacts.
const MAX_BYTES: u64 = 16 << 10;

/// Returns the number of these contacts and the IDs of the first ones, or none if all contacts exist.
pub fn named(manifest: &Manifest, out: &Store) -> Option<String> {
    let count = manifest.contacts.not_found;
    if count == 0 {
        return None;
    }
    let path = layout::run_file(&manifest.run_id, NOT_FOUND);
    let ids = first_ids(out, &path);
    let more = count.saturating_sub(ids.len() as u64);
    let all = HumanCount(count);
    let names = ids.iter().map(|id| quote(OsStr::new(id))).collect::<Vec<_>>().join(", ");
    Some(match more {
        _ if ids.is_empty() => format!("{all} not found"),
        0 => format!("{all} not found ({names})"),
        more => {
            let path = out.join(path);
            format!("{all} not found ({names} and {} more: see {})", HumanCount(more), path.display())
        }
    })
}

/// Returns the first contacts of the list. A list that cannot be read names none: the run is published anyway.
fn first_ids(out: &Store, path: &str) -> Vec<String> {
    let Ok(Opened::File(file, _)) = out.open(path) else { return Vec::new() };
    let mut reader = csv::Reader::from_reader(file.take(MAX_BYTES));
    let records = reader.records().take(MAX_NAMED).map_while(Result::ok);
    records.filter_map(|record| record.get(0).map(str::to_owned)).collect()
}
