//! The report: one published run as a page to look at, made of its manifest and the tables `coverage` and `messages`.
//!
//! [`facts`] reads the export, file by file, in bounded memory; [`page`] says what it found, in the order in which
//! people ask; [`requests`] and [`messages`] are its charts, drawn by [`chart`] over the axes of [`axis`] and [`days`].
//! Everything that comes from the export goes through [`text`], which escapes it.
//!
//! The page asks the network for nothing, and runs nothing: a policy in its head forbids both. The same export makes the
//! same page, byte for byte.
//!
//! Layer 4: stands on `verify`, which knows how rows are read; prints nothing.

mod axis;
mod chart;
mod days;
mod facts;
mod messages;
mod outcome;
mod page;
mod requests;
mod style;
mod text;

use std::path::Path;

use crate::durable::StorageError;
use crate::id::RunId;
use crate::verify::VerifyError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no such export or run, or it cannot be read.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// What is there is not what was written.
    #[error("the export is damaged: {path}: {detail}")]
    Damaged {
        /// The file, relative to the output folder.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl From<StorageError> for ReportError {
    fn from(error: StorageError) -> Self {
        Self::Verify(error.into())
    }
}

/// A page, and the run that it is about.
#[derive(Clone, Debug)]
pub struct Report {
    /// The run.
    pub run_id: RunId,
    /// The page.
    pub html: String,
}

/// Makes the report of a run of the export in `out`; of the newest, if none is named.
///
/// # Errors
/// When there is no such run, or its files are not those that were written.
pub fn report(out: &Path, run: Option<&RunId>) -> Result<Report, ReportError> {
    let facts = facts::gather(out, run)?;
    Ok(Report { run_id: facts.manifest.run_id.clone(), html: page::page(&facts) })
}
