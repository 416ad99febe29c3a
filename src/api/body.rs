//! Reads a response body: with a size limit and time limits, and only one large body at a time.
//!
//! A compressed body is mostly decompressed in one piece, and kept for the spool as it arrived. A large or unusual one is
//! decoded as a stream.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use http_body_util::BodyExt;
use reqwest::Response;
use tokio::io::AsyncReadExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::unpack::{Layers, unpack};
use crate::compression::Compressed;
use crate::record::MAX_ANSWER;
use crate::tls;

/// Maximum size of a decoded body in bytes.
const MAX_BODY: usize = MAX_ANSWER;
/// Larger bodies wait for [`LargeBodies`], so that concurrent requests do not hold many large ones.
const LARGE_BODY: usize = 1 << 20;
/// Maximum time without a new byte of a response.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Growth of the buffer of a large body.
const MORE_ROOM: usize = 64 << 10;

/// Allows one large body in memory at a time. Other requests stop reading, and TCP makes their senders wait.
#[derive(Clone, Debug)]
pub struct LargeBodies(Arc<Semaphore>);

impl Default for LargeBodies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

/// A body. A large one holds the right to its memory until it is in the spool.
#[derive(Debug, Default)]
pub struct Body {
    pub bytes: Vec<u8>,
    /// The body as it arrived, if it was decompressed in one piece.
    pub compressed: Option<Compressed>,
    /// Number of bytes on the wire.
    pub wire_bytes: u64,
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// Reason why a body could not be read.
#[derive(Debug)]
pub enum BodyError {
    /// The body is larger than [`MAX_BODY`].
    TooLarge,
    /// No byte arrived for [`STALL_TIMEOUT`], or the body took longer than the limit for a request.
    TimedOut,
    /// The encoding of the body is not supported.
    UnknownEncoding(String),
    /// The body ended early or could not be decoded.
    Broken(io::Error),
}

impl BodyError {
    /// Returns the network error, if there was one. Otherwise the bytes arrived, but could not be decoded.
    pub fn of_network(&self) -> Option<&reqwest::Error> {
        let Self::Broken(error) = self else { return None };
        tls::causes(error).find_map(|cause| cause.downcast_ref())
    }

    /// True if the body arrived but could not be decoded.
    pub fn is_of_encoding(&self) -> bool {
        match self {
            Self::UnknownEncoding(_) => true,
            Self::Broken(_) => self.of_network().is_none(),
            Self::TooLarge | Self::TimedOut => false,
        }
    }
}

impl LargeBodies {
    /// Reads the whole body until `deadline`. Time spent waiting for memory does not count.
    pub async fn read(&self, response: Response, mut deadline: Instant) -> Result<Body, BodyError> {
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        if announced.is_some_and(|length| length > MAX_BODY) {
            return Err(BodyError::TooLarge);
        }
        let layers =
            Layers::of(response.headers()).map_err(|unknown| BodyError::UnknownEncoding(unknown.0))?;
        let (mut parts, wire) = parts(response);
        let (arrived, is_whole) = first_bytes(&mut parts, announced, deadline).await?;
        let body = |bytes, compressed, room| Body {
            bytes,
            compressed,
            wire_bytes: wire.load(Ordering::Relaxed),
            room,
        };
        if is_whole && layers.is_empty() {
            return Ok(body(arrived, None, None));
        }
        if is_whole
            && let Some(compression) = layers.compression()
            && let Some(bytes) = compression.decompress(&arrived, LARGE_BODY)
        {
            return Ok(body(bytes, Some(Compressed { compression, bytes: arrived.into() }), None));
        }
        let (mut bytes, first) =
            if layers.is_empty() { (arrived, Bytes::new()) } else { (Vec::new(), arrived.into()) };
        let all = stream::iter([Ok(first)]).chain(parts);
        let mut unpacked = in_time(deadline, unpack(all, layers)).await?;
        let mut room = None;
        loop {
            if bytes.len() > MAX_BODY {
                return Err(BodyError::TooLarge);
            }
            if bytes.len() > LARGE_BODY && room.is_none() {
                let before = Instant::now();
                room = Arc::clone(&self.0).acquire_owned().await.ok();
                deadline += before.elapsed();
            }
            if bytes.len() == bytes.capacity() {
                bytes.reserve(MORE_ROOM);
            }
            if in_time(deadline, unpacked.read_buf(&mut bytes)).await? == 0 {
                break;
            }
        }
        Ok(body(bytes, None, room))
    }
}

/// The parts of a body as they arrive.
type Parts = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Returns the parts of a body, and a counter of their bytes.
fn parts(response: Response) -> (Parts, Arc<AtomicU64>) {
    let wire = Arc::<AtomicU64>::default();
    let count = Arc::clone(&wire);
    let parts = reqwest::Body::from(response).into_data_stream().inspect_ok(move |part| {
        count.fetch_add(part.len() as u64, Ordering::Relaxed);
    });
    (Box::pin(parts.map_err(io::Error::other)), wire)
}

/// Returns the bytes of the first parts, and true if they are the whole body. Stops after [`LARGE_BODY`].
async fn first_bytes(
    parts: &mut Parts,
    announced: Option<usize>,
    deadline: Instant,
) -> Result<(Vec<u8>, bool), BodyError> {
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(LARGE_BODY));
    while bytes.len() <= LARGE_BODY {
        match in_time(deadline, parts.try_next()).await? {
            Some(part) => bytes.extend_from_slice(&part),
            None => return Ok((bytes, true)),
        }
    }
    Ok((bytes, false))
}

/// Waits for the next part of the body, with a time limit.
async fn in_time<T>(deadline: Instant, read: impl Future<Output = io::Result<T>>) -> Result<T, BodyError> {
    let patience = STALL_TIMEOUT.min(deadline.saturating_duration_since(Instant::now()));
    timeout(patience, read).await.map_err(|_| BodyError::TimedOut)?.map_err(BodyError::Broken)
}

/// Returns the causes of a network error from the outside in, without the URL, which contains a contact ID.
pub fn describe(error: &reqwest::Error) -> String {
    let mut text =
        if error.is_timeout() { "timed out".to_owned() } else { "the connection broke".to_owned() };
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    /// Returns a response that sends `bytes` at a time, with this pause before each part.
    fn answer(bytes: usize, pause: Duration) -> Response {
        let chunks = stream::unfold((), move |()| async move {
            tokio::time::sleep(pause).await;
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b' '; bytes]))), ()))
        });
        Response::from(hyper::Response::new(reqwest::Body::wrap(StreamBody::new(chunks))))
    }

    async fn read(response: Response, patience: Duration) -> (Result<Body, BodyError>, Duration) {
        let start = Instant::now();
        let body = LargeBodies::default().read(response, start + patience).await;
        (body, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_response_times_out_after_half_a_minute() {
        let stalled = answer(1, Duration::from_hours(1));
        let (body, took) = read(stalled, Duration::from_mins(10)).await;
        assert!(matches!(body, Err(BodyError::TimedOut)));
        assert_eq!(took, Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dripping_response_times_out() {
        let dripping = answer(1, Duration::from_secs(29));
        let (body, took) = read(dripping, Duration::from_mins(10)).await;
        assert!(matches!(body, Err(BodyError::TimedOut)));
        assert_eq!(took, Duration::from_mins(10));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_response_is_cut_at_the_limit() {
        let endless = answer(1 << 20, Duration::ZERO);
        let (body, _) = read(endless, Duration::from_mins(10)).await;
        assert!(matches!(body, Err(BodyError::TooLarge)));
    }
}
