//! The report: an HTML page about one published run, made from its manifest and the tables `coverage` and
//! `messages`.
//!
//! [`facts`] reads the export file by file in bounded memory. [`page`] assembles the sections, [`requests`]
//! and [`messages`] have charts, and [`chart`] draws them over the axes of [`axis`] and [`days`].
//!
//! Sections are templates of [`crate::html`]. Only the SVG of [`chart`] and the style bypass the escaping.
//!
//! The page loads nothing and runs nothing: a policy in its head forbids both. The same export gives the same
//! page, byte for byte.
//!
//! Layer 4: uses `verify` to read rows. Prints nothing.

mod axis;
mod chart;
mod days;
mod facts;
mod messages;
mod outcome;
mod page;
mod problems;
mod requests;

use crate::durable::StorageError;
use crate::id::RunId;
use crate::store::Store;
use crate::verify::VerifyError;

/// Error of a report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The export or run does not exist, or it cannot be read.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A file differs from the one written.
    #[error("the export is damaged: {path}: {detail}")]
    Damaged {
        /// The file, relative to the export.
        path: String,
        /// Description of the damage.
        detail: String,
    },
}

impl From<StorageError> for ReportError {
    fn from(error: StorageError) -> Self {
        Self::Verify(error.into())
    }
}

/// A page about a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// ID of the run.
    pub run_id: RunId,
    /// Content of the page, as HTML.
    pub html: String,
}

/// Makes the report of a run of the export in `out`, by default of the newest.
///
/// # Errors
/// The run does not exist, or its files differ from those written.
pub fn report(out: &Store, run: Option<&RunId>) -> Result<Report, ReportError> {
    let facts = facts::gather(out, run)?;
    Ok(Report { run_id: facts.manifest.run_id.clone(), html: page::page(&facts) })
}
