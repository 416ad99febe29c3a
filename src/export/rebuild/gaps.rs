//! Closes the gaps that erased contacts leave in the indexes of an archive.
//!
//! The lines of the other contacts stay as they were written, with their indexes. All responses come before the first
//! line of a contact, so the archive is read once before. Each shard has indexes of its own.

use std::collections::BTreeMap;

use super::fill::damaged;
use super::{Archive, RebuildError};
use crate::output::{RawLine, RawReader};

/// Indexes of the contacts in an archive by shard, in their order; `None` if they have no gaps.
pub(super) struct Places(Option<BTreeMap<Option<u32>, Vec<u32>>>);

impl Places {
    /// Reads the indexes, if contacts were erased.
    pub(super) fn of(archive: &Archive) -> Result<Self, RebuildError> {
        if !archive.has_gaps() {
            return Ok(Self(None));
        }
        let mut places: BTreeMap<Option<u32>, Vec<u32>> = BTreeMap::new();
        for file in archive.files() {
            let places = places.entry(file.path.shard(&archive.manifest().run_id)).or_default();
            let mut reader = RawReader::open(archive.from(), &file.path)?;
            while let Some(line) = reader.next()? {
                let RawLine::Contact(contact) = line else { continue };
                if places.last().is_some_and(|last| *last >= contact.contact) {
                    let path = archive.from().join(&file.path);
                    return Err(damaged(&path, format!("contact {} is out of order", contact.contact)));
                }
                places.push(contact.contact);
            }
        }
        Ok(Self(Some(places)))
    }

    /// Gives the contact of a line its index without gaps. The error describes what is wrong with the line.
    pub(super) fn renumbered(&self, shard: Option<u32>, mut line: RawLine) -> Result<RawLine, String> {
        let Some(places) = &self.0 else { return Ok(line) };
        let contact = match &mut line {
            RawLine::Answer(answer, _) => &mut answer.contact,
            RawLine::Contact(contact) => &mut contact.contact,
        };
        let place = places.get(&shard).map_or(Err(0), |places| places.binary_search(contact));
        let place = place.map_err(|_| format!("a response of contact {contact}, which has no line"))?;
        *contact = u32::try_from(place).unwrap_or(u32::MAX);
        Ok(line)
    }
}
