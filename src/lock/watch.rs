//! Watches an owner file to find out if its run is alive.

use std::time::Duration;

use super::owner::OwnerFile;
use super::{DEAD_AFTER, Lock, LockError};

/// Next step after an attempt to lock.
pub enum NextStep {
    /// Start to work, with the lock.
    Work(Lock),
    /// Try again later: the other run may be dead.
    Watch,
    /// End or wait: the other run is alive, or the file system reports an error.
    GiveUp(LockError),
}

/// A watched owner file, and the time since when it is unchanged.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Option<(OwnerFile, Duration)>,
}

impl Watch {
    /// The owner file, if it was not touched for [`DEAD_AFTER`]. `now` is the time since any fixed moment.
    pub fn dead(&self, now: Duration) -> Option<&OwnerFile> {
        self.seen.as_ref().filter(|(_, since)| now.saturating_sub(*since) >= DEAD_AFTER).map(|(seen, _)| seen)
    }

    /// Next step after the result of an attempt.
    pub fn next(&mut self, attempt: Result<Lock, LockError>, now: Duration) -> NextStep {
        let (path, seen) = match attempt {
            Ok(lock) => return NextStep::Work(lock),
            Err(LockError::Uncertain { path, seen }) => (path, *seen),
            Err(error) => return NextStep::GiveUp(error),
        };
        match &self.seen {
            Some((before, _)) if *before == seen => NextStep::Watch,
            None => {
                self.seen = Some((seen, now));
                NextStep::Watch
            }
            Some(_) => {
                let owner = seen.owner().map(Box::new);
                self.seen = Some((seen, now));
                NextStep::GiveUp(LockError::Held { path, owner })
            }
        }
    }
}
