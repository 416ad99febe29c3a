//! The transform of a run's spool, on threads of its own. `export` and `rebuild` share it.

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::{JoinError, JoinHandle};

use super::work_folder::{Run, WorkFolder};
use super::{ExportError, Interruption};
use crate::contacts::ContactList;
use crate::durable::StorageError;
use crate::event::SharedObserver;
use crate::output::OutputSpec;
use crate::settings::{OutputSettings, RawAnswers, Window};
use crate::spool::{Closing, Ledger};
use crate::state::Due;
use crate::store::StagingFolder;
use crate::table::Stamp;
use crate::transform::{self, TransformError, TransformPlan, Transformed};

type Ended = Result<Option<Transformed>, TransformError>;

/// Contacts of a run, and which of them it reads.
pub(super) struct RunContacts {
    pub(super) contacts: Arc<ContactList>,
    pub(super) due: Arc<Due>,
}

/// Settings of the staged files.
pub(super) struct Form<'a> {
    pub(super) output: &'a OutputSettings,
    pub(super) window: Window,
    pub(super) raw: RawAnswers,
    /// Number of threads that flatten.
    pub(super) threads: NonZeroUsize,
}

/// A transform that runs on its own threads.
pub(super) struct Building {
    thread: JoinHandle<Ended>,
    ledger: Arc<Ledger>,
}

impl Building {
    /// Starts the transform. It waits for the records that `ledger` does not have yet.
    pub(super) fn start(
        (run, work): (&Run, &WorkFolder),
        RunContacts { contacts, due }: &RunContacts,
        form: &Form<'_>,
        ledger: &Arc<Ledger>,
        observer: SharedObserver,
    ) -> Result<Self, StorageError> {
        let (stage, folder) = (work.stage(), work.folder.as_path());
        let uploads = work.store().early_uploads(StagingFolder { stage: &stage, work: folder })?;
        let plan = TransformPlan {
            contacts: Arc::clone(contacts),
            due: Arc::clone(due),
            spool_folder: work.spool(),
            stage: work.stage(),
            stamp: Stamp { run_id: run.run_id.clone(), exported_at: run.started_at },
            output: OutputSpec {
                settings: form.output.clone(),
                run_id: run.run_id.clone(),
                shard: run.identity.shard,
                export_date: run.day(),
                uploads,
            },
            window: form.window,
            raw: form.raw,
            threads: form.threads,
        };
        let records = Arc::clone(ledger);
        let thread = tokio::task::spawn_blocking(move || transform::transform(&plan, &records, &observer));
        Ok(Self { thread, ledger: Arc::clone(ledger) })
    }

    /// Resolves if the transform ends while the ledger is open. Only an error ends it then.
    pub(super) async fn failed(&mut self) -> ExportError {
        let ended = result((&mut self.thread).await);
        ended.err().unwrap_or(ExportError::Bug("the transform ended before the contacts were read"))
    }

    /// Waits for the staged files. An interruption stops the transform.
    pub(super) async fn finish(
        mut self,
        interrupt: Pin<&mut impl Future<Output = Interruption>>,
    ) -> Result<Result<Transformed, ExportError>, Interruption> {
        let ended = interruptible(&mut self.thread, interrupt).await;
        if ended.is_err() {
            self.ledger.close(Closing::Stopped);
            drop(self.thread.await);
        }
        ended.map(result)
    }
}

fn result(ended: Result<Ended, JoinError>) -> Result<Transformed, ExportError> {
    let built = ended.map_err(|_| ExportError::Bug("the transform thread panicked"))??;
    built.ok_or(ExportError::Bug("the transform stopped without an error"))
}

/// Result of the work, unless an interruption comes first.
pub(super) async fn interruptible<T>(
    work: impl Future<Output = T>,
    interrupt: Pin<&mut impl Future<Output = Interruption>>,
) -> Result<T, Interruption> {
    tokio::select! {
        result = work => Ok(result),
        why = interrupt => Err(why),
    }
}
