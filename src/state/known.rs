//! The previous state of the contacts of a list, by index, in 14 bytes per contact.
//!
//! The list already has the IDs. Rows of contacts that are not in the list stay in the file.

use std::collections::HashMap;

use super::file::FileBelow;
use super::{LastExport, StateError, StateRow, Times};
use crate::contact_read::Status;
use crate::contacts::{ContactIndex, ContactList};

/// The state of an earlier run, for the contacts of a list.
#[derive(Debug, Default)]
pub struct Known {
    /// The file; `None` if there is no state.
    file: Option<FileBelow>,
    /// By row of the file: true if its contact is in the list.
    is_requested: Vec<bool>,
    times: Times,
    statuses: Vec<Option<Status>>,
    /// By contact: the number of the last export in `exports`, from 1; 0 if there is none.
    last: Vec<u32>,
    /// Distinct exports. Contacts that the same run exported share one.
    exports: Vec<LastExport>,
}

impl Known {
    /// True if the state in this file is valid for this scope.
    ///
    /// # Errors
    /// When the file is not a state, or cannot be read.
    pub fn is_of(file: &FileBelow, scope: &str) -> Result<bool, StateError> {
        Ok(file.open::<StateRow>()?.scope == scope)
    }

    /// Reads the rows of a list's contacts from a state.
    ///
    /// # Errors
    /// When the file is not a state, or cannot be read.
    pub fn read(file: &FileBelow, contacts: &ContactList, index: &ContactIndex) -> Result<Self, StateError> {
        let mut known = Self {
            file: Some(file.clone()),
            statuses: vec![None; contacts.len()],
            last: vec![0; contacts.len()],
            ..Self::default()
        };
        let mut numbers: HashMap<LastExport, u32> = HashMap::new();
        for row in file.open::<StateRow>()? {
            let row = row?;
            let place = index.find(contacts, &row.contact_id);
            known.is_requested.push(place.is_some());
            let Some(place) = place else { continue };
            known.times.set(place, row.latest_message_time.as_deref());
            known.statuses[place] = Some(row.status);
            known.last[place] = row.export.map_or(0, |export| {
                *numbers.entry(export).or_insert_with_key(|export| {
                    known.exports.push(export.clone());
                    u32::try_from(known.exports.len()).unwrap_or(0)
                })
            });
        }
        Ok(known)
    }

    /// The row of the contact with this index.
    pub fn row(&self, contacts: &ContactList, place: usize) -> Option<StateRow> {
        let status = (*self.statuses.get(place)?)?;
        let last = (self.last[place] as usize).checked_sub(1);
        Some(StateRow {
            contact_id: (*contacts.text_at(place)).into(),
            latest_message_time: self.times.get(place).map(Into::into),
            status,
            export: last.map(|at| self.exports[at].clone()),
        })
    }

    /// The rows of the contacts that are not in the list. They are read from the file again.
    pub(super) fn others(
        &self,
    ) -> Result<impl Iterator<Item = Result<StateRow, StateError>> + use<'_>, StateError> {
        let rows = self.file.as_ref().map(FileBelow::open::<StateRow>).transpose()?;
        let is_other = |(row, is_requested): (Result<StateRow, _>, &bool)| {
            (row.is_err() || !is_requested).then_some(row)
        };
        Ok(rows.into_iter().flatten().zip(&self.is_requested).filter_map(is_other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::file;
    use crate::store::Store;

    #[test]
    fn a_contact_takes_15_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.parquet");
        let mut contacts = ContactList::new("-".to_owned());
        let ids: Vec<String> = (0..12_288).map(|at| format!("096662f6-5acc-4699-923c-{at:012x}")).collect();
        for (line, id) in (1..).zip(&ids) {
            contacts.push(&id.parse().unwrap(), line);
        }
        let row = |(at, id): (usize, &String)| StateRow {
            contact_id: id.as_str().into(),
            latest_message_time: Some(format!("2026-11-20T02:00:00.{at:06}Z").into()),
            status: Status::Exported,
            export: Some(LastExport { at: 7, run_id: format!("r{}", at % 30).into() }),
        };
        file::write(&path, "s", || Ok(ids.iter().enumerate().map(row).map(Ok))).unwrap();
        let state = FileBelow { base: Store::local(folder.path()), relative: "state.parquet".into() };
        let known = Known::read(&state, &contacts, &ContactIndex::of(&contacts)).unwrap();
        assert_eq!(known.row(&contacts, 12_287), Some(row((12_287, &ids[12_287]))));
        assert_eq!(known.exports.len(), 30);
        let of_contacts = size_of_val(&*known.statuses) + size_of_val(&*known.last);
        let bytes = of_contacts + size_of_val(&*known.is_requested) + known.times.bytes();
        assert!(bytes <= ids.len() * 16, "{bytes} bytes of {} contacts", ids.len());
    }
}
