//! Watches an owner file until it is known if its run is alive.

use std::time::Duration;

use super::owner::Seen;
use super::{DEAD_AFTER, Lock, LockError};

/// Next step after an attempt to lock.
pub enum Next {
    /// Work: the folder is ours.
    Work(Lock),
    /// Try again in a moment: the other run may be dead.
    Watch,
    /// Leave or wait: the other run is alive, or the file system refuses.
    GiveUp(LockError),
}

/// One owner file, watched.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Option<(Seen, Duration)>,
}

impl Watch {
    /// The owner file that has not been touched for [`DEAD_AFTER`]. `now` is counted from any fixed moment.
    pub fn dead(&self, now: Duration) -> Option<&Seen> {
        self.seen.as_ref().filter(|(_, since)| now.saturating_sub(*since) >= DEAD_AFTER).map(|(seen, _)| seen)
    }

    /// Judges an attempt.
    pub fn next(&mut self, attempt: Result<Lock, LockError>, now: Duration) -> Next {
        let (path, seen) = match attempt {
            Ok(lock) => return Next::Work(lock),
            Err(LockError::Uncertain { path, seen }) => (path, *seen),
            Err(error) => return Next::GiveUp(error),
        };
        match &self.seen {
            Some((before, _)) if *before == seen => Next::Watch,
            None => {
                self.seen = Some((seen, now));
                Next::Watch
            }
            Some(_) => {
                let owner = seen.owner().map(Box::new);
                self.seen = Some((seen, now));
                Next::GiveUp(LockError::Held { path, owner })
            }
        }
    }
}
