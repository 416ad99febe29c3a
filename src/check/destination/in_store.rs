//! Checks the place of an export in an object store. An object is written and removed.

use super::{Writes, refused};
use crate::catalog;
use crate::check::finding::{Cause, Finding, FindingStatus};
use crate::lock::{self, LockError, LockState, Owner};
use crate::store::Store;

/// Checks the place. `work` is the finding about the work folder.
pub(super) fn check(out: &Store, writes: Writes, work: Finding) -> Finding {
    let shown = out.display();
    let about = |finding: Finding| finding.with("path", shown.to_string());
    let state = match lock::probe(out) {
        Ok(LockState::Held(owner)) => {
            let detail = format!("another run works on {shown}{}", Owner::in_parentheses(owner.as_ref()));
            return about(Finding::fail("destination", Cause::Locked, detail));
        }
        Ok(state) => state,
        Err(error) => return about(refused(&error)),
    };
    match lock::try_conditions(out) {
        Ok(()) => {}
        Err(LockError::Storage(error)) => return about(refused(&error)),
        Err(error) => return about(Finding::fail("destination", Cause::Settings, error.to_string())),
    }
    let writable = match writes {
        Writes::Conditional => format!("{shown} is writable, and keeps two runs apart"),
        Writes::Unconditional => {
            format!("{shown} is writable; nothing keeps two runs apart (--unconditional)")
        }
    };
    let (mut status, newest, run_id) = match catalog::latest(out) {
        Ok(Some(latest)) => {
            (work.status, format!("its newest run is {}", latest.run_id), Some(latest.run_id))
        }
        Ok(None) => (work.status, "it has no runs yet".to_owned(), None),
        Err(error) => (FindingStatus::Warn, error.to_string(), None),
    };
    let mut details = vec![writable, newest];
    if let LockState::Uncertain(owner) = &state {
        status = FindingStatus::Warn;
        let owner = Owner::in_parentheses(owner.as_ref());
        details.push(format!(
            "the lock of a run that ended without releasing it is there{owner}, and a run takes it"
        ));
    }
    details.push(work.detail);
    let mut finding = about(Finding::new("destination", status, details.join("; ")));
    finding.values.extend(work.values.into_iter().filter(|(name, _)| name == "unfinished"));
    match run_id {
        Some(run_id) => finding.with("newest_run", run_id.as_str()),
        None => finding,
    }
}
