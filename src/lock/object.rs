//! The lock of an export in an object store: the object `_runs/lock.json`.
//!
//! It changes only by conditional writes, so two runs cannot both take it. A run renews it every [`RENEW_EVERY`].
//! A lock that was not renewed for [`LEASE`] belongs to a dead run, and another run may take it. Its age is the
//! time between two changes of objects by the clock of the store, so clocks of machines need not agree. The work
//! folder keeps the token of the lock: after a kill, the same work folder takes its own lock at once.
//!
//! The lock saves work. A run that loses it without noticing still cannot damage another: names of files are
//! unique, and a manifest is created but never overwritten.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::owner::Owner;
use super::{LockError, LockState, Loss};
use crate::durable::{self, Content, OnPath, StorageError};
use crate::id::RunId;
use crate::layout::{LOCK, RUNS};
use crate::store::{Created, Replaced, Store, Version};

/// Time between two renewals.
const RENEW_EVERY: Duration = Duration::from_mins(1);
/// Time after which a lock that is not renewed is that of a dead run.
const LEASE: TimeDelta = TimeDelta::minutes(10);
/// Time without a renewal after which a run stops. It is shorter than [`LEASE`], so no other run has the lock yet.
const GIVE_UP: Duration = Duration::from_mins(8);
/// Age of the last renewal from which a step of publishing renews the lock.
const FRESH: Duration = Duration::from_secs(15);
/// Maximum size of the object.
const MAX_BYTES: u64 = 16 << 10;
/// Maximum number of attempts to take the lock while others change it.
const MAX_TRIES: u32 = 8;
/// File in the work folder with the token of the lock.
const TOKEN: &str = "lock-token";

/// Content of the object.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LockObject {
    state: State,
    /// Distinguishes the work folders.
    token: String,
    /// The process that took the lock.
    owner: Owner,
    /// The run that it works on, if it is known.
    #[serde(default)]
    run_id: Option<RunId>,
    /// Time of the last renewal, by the clock of that machine.
    renewed: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Held,
    Free,
}

/// The held lock. A drop releases it.
pub(super) struct ObjectLock {
    held: Arc<Held>,
    work: Option<PathBuf>,
    _stop: mpsc::Sender<()>,
    lost: watch::Receiver<Option<Loss>>,
}

struct Held {
    store: Store,
    content: Mutex<LockObject>,
    renewed: Mutex<Instant>,
}

/// Takes the lock. `work` is the work folder of the run, if it has one.
pub(super) fn take(store: &Store, work: Option<&Path>, me: &Owner) -> Result<ObjectLock, LockError> {
    let token = match work {
        Some(work) => token_of(work)?,
        None => new_token(),
    };
    let result = take_with(store, work, me, &token);
    // After another error, the lock may have been taken. The token then lets this work folder take it again.
    if let (Err(LockError::Held { .. } | LockError::NoConditions { .. }), Some(work)) = (&result, work) {
        durable::remove_file(&work.join(TOKEN))?;
    }
    result
}

fn take_with(store: &Store, work: Option<&Path>, me: &Owner, token: &str) -> Result<ObjectLock, LockError> {
    let now = probe_store(store, token)?;
    for _ in 0..MAX_TRIES {
        let content = LockObject {
            state: State::Held,
            token: token.to_owned(),
            owner: me.clone(),
            run_id: None,
            renewed: time(),
        };
        let (there, version) = read(store)?;
        if let Some(there) = &there
            && there.state == State::Held
            && there.token != token
            && !is_stale(store, now)?
        {
            let owner = Some(Box::new(there.owner.clone()));
            return Err(LockError::Held { path: store.root().to_owned(), owner });
        }
        let text = encode(store, &content)?;
        let written = match version {
            Some(version) => store.replace(LOCK, &text, &version)?,
            None => match store.create(LOCK, &text)? {
                Created::Written => Replaced::Written,
                Created::Foreign => Replaced::Conflict,
            },
        };
        if written == Replaced::Written {
            return ObjectLock::start(store, work, content);
        }
    }
    Err(LockError::Held { path: store.root().to_owned(), owner: None })
}

/// The lock of a killed run in this work folder has the same token.
fn token_of(work: &Path) -> Result<String, StorageError> {
    let path = work.join(TOKEN);
    if let Some(text) = durable::read_if_exists(&path)?
        && let Ok(token) = String::from_utf8(text)
        && token.len() == 32
    {
        return Ok(token);
    }
    let token = new_token();
    durable::replace(&path, token.as_bytes())?;
    Ok(token)
}

fn new_token() -> String {
    format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}

fn time() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn encode(store: &Store, content: &LockObject) -> Result<Vec<u8>, StorageError> {
    serde_json::to_vec_pretty(content)
        .map_err(|error| StorageError::new("encode", &store.join(LOCK), error.into()))
}

/// Writes an object twice, to find out if the store honours conditions. Returns the time of the store.
fn probe_store(store: &Store, token: &str) -> Result<chrono::DateTime<Utc>, LockError> {
    let path = format!("{RUNS}/.probe-{token}");
    let remove = || store.remove(&[Path::new(&path)]);
    remove()?;
    let probe = || {
        let first = store.create(&path, b"1")?;
        let second = store.create(&path, b"2")?;
        let now = store.modified(&path)?.map_or_else(Utc::now, |modified| modified.0);
        Ok::<_, StorageError>((first, second, now))
    };
    let probed = probe();
    remove()?;
    match probed? {
        (Created::Written, Created::Foreign, now) => Ok(now),
        _ => Err(LockError::NoConditions { path: store.root().to_owned() }),
    }
}

/// Checks that the store honours conditions, without taking the lock.
pub(super) fn try_conditions(store: &Store) -> Result<(), LockError> {
    probe_store(store, &new_token()).map(drop)
}

/// Reads the lock. An object that cannot be parsed is replaced like a free lock.
fn read(store: &Store) -> Result<(Option<LockObject>, Option<Version>), StorageError> {
    Ok(match store.read_version(LOCK, MAX_BYTES)? {
        (Content::Missing, _) => (None, None),
        (Content::Bytes(text), version) => (serde_json::from_slice(&text).ok(), Some(version)),
        (Content::NotRegular | Content::TooLarge(_), version) => (None, Some(version)),
    })
}

/// True if the lock was not renewed for a long time before `now`, a time of the store.
fn is_stale(store: &Store, now: chrono::DateTime<Utc>) -> Result<bool, StorageError> {
    let renewed = store.modified(LOCK)?;
    Ok(renewed.is_none_or(|renewed| now - renewed.0 > LEASE))
}

impl ObjectLock {
    fn start(store: &Store, work: Option<&Path>, content: LockObject) -> Result<Self, LockError> {
        let held = Arc::new(Held {
            store: store.clone(),
            content: Mutex::new(content),
            renewed: Mutex::new(Instant::now()),
        });
        let (stop, stopped) = mpsc::channel::<()>();
        let (sender, lost) = watch::channel(None);
        let renewing = Arc::clone(&held);
        let renew = move || {
            while stopped.recv_timeout(RENEW_EVERY) == Err(RecvTimeoutError::Timeout) {
                let reason = match renewing.renew() {
                    Ok(()) => None,
                    Err(LockError::Storage(_)) => (renewing.age() > GIVE_UP).then_some(Loss::NotRenewed),
                    Err(_) => Some(Loss::TakenOver),
                };
                if reason.is_some() {
                    // There is no receiver if the run has just ended.
                    let _ = sender.send(reason);
                    return;
                }
            }
        };
        // The thread is not joined: a store that hangs must not delay the end of a run.
        std::thread::Builder::new()
            .name("lock".to_owned())
            .spawn(renew)
            .on("start the thread that renews", &store.join(LOCK))?;
        Ok(Self { held, work: work.map(Path::to_owned), _stop: stop, lost })
    }

    /// Names the run in the lock.
    pub(super) fn set_run(&self, run_id: &RunId) -> Result<(), LockError> {
        lock(&self.held.content).run_id = Some(run_id.clone());
        self.held.renew()
    }

    /// Checks that this run still holds the lock, and renews it.
    pub(super) fn check(&self) -> Result<(), LockError> {
        match *self.lost.borrow() {
            None => {}
            Some(Loss::TakenOver) => return Err(self.held.lost(None)),
            Some(Loss::NotRenewed) => {
                return Err(LockError::NotRenewed { path: self.held.store.root().to_owned() });
            }
        }
        if self.held.age() < FRESH { Ok(()) } else { self.held.renew() }
    }

    /// Resolves when another run has taken the lock, or it could not be renewed.
    pub(super) async fn lost(&self) -> Loss {
        let mut changes = self.lost.clone();
        let reason = changes.wait_for(Option::is_some).await.ok().and_then(|reason| *reason);
        match reason {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }
}

impl Held {
    fn age(&self) -> Duration {
        lock(&self.renewed).elapsed()
    }

    fn renew(&self) -> Result<(), LockError> {
        let began = Instant::now();
        let mut content = lock(&self.content);
        content.renewed = time();
        self.write(&content)?;
        *lock(&self.renewed) = began;
        Ok(())
    }

    /// Writes the content, if the lock is still held.
    fn write(&self, content: &LockObject) -> Result<(), LockError> {
        let text = encode(&self.store, content)?;
        for _ in 0..MAX_TRIES {
            let (there, version) = read(&self.store)?;
            match (there, version) {
                (Some(there), Some(version)) if there.token == content.token => {
                    if self.store.replace(LOCK, &text, &version)? == Replaced::Written {
                        return Ok(());
                    }
                }
                (there, _) => return Err(self.lost(there.map(|there| there.owner))),
            }
        }
        Err(self.lost(None))
    }

    fn lost(&self, owner: Option<Owner>) -> LockError {
        LockError::Lost { path: self.store.root().to_owned(), owner: owner.map(Box::new) }
    }
}

impl Drop for ObjectLock {
    fn drop(&mut self) {
        // A renewal that is late writes the same.
        let mut content = lock(&self.held.content);
        content.state = State::Free;
        content.run_id = None;
        // A lock that cannot be released expires. Until then, the token lets this work folder take it.
        if self.held.write(&content).is_ok()
            && let Some(work) = &self.work
        {
            drop(durable::remove_file(&work.join(TOKEN)));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Inspects the lock without taking it.
pub(super) fn probe(store: &Store) -> Result<LockState, StorageError> {
    let (Some(there), _) = read(store)? else { return Ok(LockState::Free) };
    if there.state == State::Free {
        return Ok(LockState::Free);
    }
    // By the clock of this machine: nothing is written to learn that of the store.
    let owner = Some(there.owner);
    Ok(if is_stale(store, Utc::now())? { LockState::Uncertain(owner) } else { LockState::Held(owner) })
}

/// Returns the run that the holder of the lock works on.
pub(super) fn run(store: &Store) -> Result<Option<RunId>, StorageError> {
    let (there, _) = read(store)?;
    Ok(there.filter(|there| there.state == State::Held).and_then(|there| there.run_id))
}
