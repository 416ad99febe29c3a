//! An object store in memory that fails, loses a response, reports a conflict, or stops at any call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// A fault of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call does nothing, and fails.
    Refused,
    /// The call does its work, and its response is lost.
    Lost,
    /// A conditional write does nothing, and fails as if its condition was not met. Other calls are refused.
    Conflict,
    /// The call and all later ones do nothing, and fail: the process ends there.
    Stopped,
    /// The call does its work; all later ones do nothing, and fail.
    StoppedAfter,
}

impl Fault {
    pub(crate) const ALL: [Self; 5] =
        [Self::Refused, Self::Lost, Self::Conflict, Self::Stopped, Self::StoppedAfter];

    /// True if the process ends at this fault.
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Self::Stopped | Self::StoppedAfter)
    }
}

/// The store, and its fault at the call of this number, from 0.
#[derive(Debug)]
pub(crate) struct FaultStore {
    inner: Arc<InMemory>,
    fault: Option<(usize, Fault)>,
    calls: AtomicUsize,
}

/// The fate of one call.
enum Fate {
    Done,
    NotDone(Error),
    DoneAndLost(Error),
}

impl FaultStore {
    pub(crate) fn new(inner: &Arc<InMemory>, fault: Option<(usize, Fault)>) -> Self {
        Self { inner: Arc::clone(inner), fault, calls: AtomicUsize::new(0) }
    }

    /// The number of calls so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn fate(&self, path: &Path, mode: Option<&PutMode>) -> Fate {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let error = || Error::Generic { store: "Fault", source: "a fault of the test".into() };
        let Some((at, fault)) = self.fault else { return Fate::Done };
        match fault {
            Fault::Stopped if call >= at => Fate::NotDone(error()),
            Fault::StoppedAfter if call > at => Fate::NotDone(error()),
            Fault::StoppedAfter if call == at => Fate::DoneAndLost(error()),
            Fault::Refused if call == at => Fate::NotDone(error()),
            Fault::Lost if call == at => Fate::DoneAndLost(error()),
            Fault::Conflict if call == at => {
                let (path, source) = (path.to_string(), "409 ConditionalRequestConflict".into());
                Fate::NotDone(match mode {
                    Some(PutMode::Create) => Error::AlreadyExists { path, source },
                    Some(PutMode::Update(_)) => Error::Precondition { path, source },
                    Some(PutMode::Overwrite) | None => error(),
                })
            }
            _ => Fate::Done,
        }
    }

    async fn run<T>(
        &self,
        path: &Path,
        mode: Option<&PutMode>,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match self.fate(path, mode) {
            Fate::Done => call.await,
            Fate::NotDone(error) => Err(error),
            Fate::DoneAndLost(error) => call.await.and(Err(error)),
        }
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultStore")
    }
}

#[async_trait::async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let mode = options.mode.clone();
        self.run(path, Some(&mode), self.inner.put_opts(path, payload, options)).await
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        unreachable!("uploads use MultipartStore")
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.run(path, None, self.inner.get_opts(path, options)).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.fate(&Path::default(), None) {
            Fate::Done => self.inner.delete_stream(paths),
            Fate::NotDone(error) => async { Err(error) }.into_stream().boxed(),
            Fate::DoneAndLost(error) => {
                let removed = self.inner.delete_stream(paths);
                async { removed.collect::<Vec<_>>().map(|_| Err(error)).await }.into_stream().boxed()
            }
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fate(&Path::default(), None) {
            Fate::Done => self.inner.list(prefix),
            Fate::NotDone(error) | Fate::DoneAndLost(error) => async { Err(error) }.into_stream().boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.run(&Path::default(), None, self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.run(to, None, self.inner.copy_opts(from, to, options)).await
    }
}

#[async_trait::async_trait]
impl MultipartStore for FaultStore {
    async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
        self.run(path, None, self.inner.create_multipart(path)).await
    }

    async fn put_part(&self, path: &Path, id: &MultipartId, part: usize, data: PutPayload) -> Result<PartId> {
        self.run(path, None, self.inner.put_part(path, id, part, data)).await
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        self.run(path, None, self.inner.complete_multipart(path, id, parts)).await
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        self.run(path, None, self.inner.abort_multipart(path, id)).await
    }
}
