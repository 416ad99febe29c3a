//! Checks of what a database can read.

use super::is_jsonl;
use super::location::Location;
use super::{ExportSource, SourceError};
use crate::output::RAW;
use crate::output::manifest::{FileEntry, Manifest};

impl ExportSource {
    /// True if `psql` can copy the files of a run by itself: lines on its machine, with all columns.
    pub(super) fn has_plain_lines(&self, manifest: &Manifest) -> bool {
        !self.is_remote && is_jsonl(manifest) && !is_by_channel(manifest)
    }

    /// Checks that all files of tables are Parquet, for a database with this name.
    ///
    /// # Errors
    /// If some are not.
    pub(super) fn is_parquet(&self, title: &'static str) -> Result<(), SourceError> {
        let is_other = |file: &&FileEntry| file.table != RAW && !file.path.ends_with(".parquet");
        match self.manifests.iter().find(|manifest| manifest.files.iter().any(|file| is_other(&file))) {
            Some(manifest) => Err(SourceError::NotParquet { run: manifest.run_id.clone(), title }),
            None => Ok(()),
        }
    }

    /// Checks that the storage account is known, if the export is in one.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn has_account(&self) -> Result<(), SourceError> {
        match &self.location {
            Location::Az { account: None, .. } => Err(SourceError::NoAccount),
            _ => Ok(()),
        }
    }

    /// Checks that the files contain the channel, for a database with this name.
    ///
    /// # Errors
    /// If it is only in their paths.
    pub(super) fn has_channel(&self, title: &'static str) -> Result<(), SourceError> {
        match self.manifests.iter().find(|manifest| is_by_channel(manifest)) {
            Some(manifest) => Err(SourceError::ChannelInPath { run: manifest.run_id.clone(), title }),
            None => Ok(()),
        }
    }

    /// Returns the refusal of a database with this name that reads only from another storage.
    pub(super) fn unreachable(&self, title: &'static str, target: &'static str) -> SourceError {
        SourceError::Unreachable { title, path: self.path.clone(), target }
    }
}

fn is_by_channel(manifest: &Manifest) -> bool {
    manifest.files.iter().flat_map(|file| &file.partition).any(|(key, _)| key == "channel")
}
