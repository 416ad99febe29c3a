//! Delivery of response bodies: whole, cut, stalled, slow, or generated while they are sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::reply::Delivery;
use super::stats::Flight;
use super::truth::Truth;

/// Time between two pieces of a slow body, unless a piece were less than a byte.
const PAUSE: Duration = Duration::from_millis(50);

/// The body of a response.
pub struct ReplyBody {
    rest: Rest,
    /// Dropped with the last byte, before the client can receive it.
    flight: Option<Flight>,
}

enum Rest {
    Whole(Bytes),
    /// Sends the first half, lets it reach the socket, then ends in the given way.
    Half(Bytes, Ending),
    Slow {
        left: Bytes,
        piece: usize,
        pause: Duration,
        timer: Pin<Box<Sleep>>,
    },
    Lines(Box<Truth>),
}

enum Ending {
    Break,
    Stall,
}

impl ReplyBody {
    /// A body delivered in the given way. A slow one has at most `rate` bytes per second.
    pub fn new(body: Bytes, delivery: Delivery, rate: u32, flight: Option<Flight>) -> Self {
        let half = body.slice(..body.len() / 2);
        let rest = match delivery {
            Delivery::Whole => Rest::Whole(body),
            Delivery::Cut => Rest::Half(half, Ending::Break),
            Delivery::Stalled => Rest::Half(half, Ending::Stall),
            Delivery::Slow => {
                let rate = rate.max(1);
                let piece = usize::try_from(rate / 20).unwrap_or(1).max(1);
                let pause = if rate < 20 { Duration::from_secs(1) / rate } else { PAUSE };
                Rest::Slow { left: body, piece, pause, timer: Box::pin(sleep(pause)) }
            }
        };
        Self { rest, flight }
    }

    /// A body that is generated while it is sent.
    pub fn lines(truth: Truth) -> Self {
        Self { rest: Rest::Lines(Box::new(truth)), flight: None }
    }
}

/// Hands bytes to the socket. With the last ones, the request is no longer in flight.
fn send(flight: &mut Option<Flight>, bytes: Bytes, is_last: bool) -> Poll<Option<io::Result<Frame<Bytes>>>> {
    if let Some(flight) = flight {
        flight.sent(bytes.len());
    }
    if is_last {
        *flight = None;
    }
    Poll::Ready(Some(Ok(Frame::data(bytes))))
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Self { rest, flight } = &mut *self;
        match rest {
            Rest::Whole(left) if left.is_empty() => {
                *flight = None;
                Poll::Ready(None)
            }
            Rest::Whole(left) => {
                let all = std::mem::take(left);
                send(flight, all, true)
            }
            Rest::Half(left, _) if !left.is_empty() => {
                let half = std::mem::take(left);
                send(flight, half, false)
            }
            Rest::Half(_, Ending::Stall) => Poll::Pending,
            // The first half must reach the socket first: an immediate error would discard it.
            Rest::Half(_, Ending::Break) if flight.take().is_some() => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Rest::Half(_, Ending::Break) => {
                Poll::Ready(Some(Err(io::Error::other("the simulator cut this body"))))
            }
            Rest::Slow { left, .. } if left.is_empty() => Poll::Ready(None),
            Rest::Slow { left, piece, pause, timer } => {
                ready!(timer.as_mut().poll(cx));
                timer.set(sleep(*pause));
                let next = left.split_to((*piece).min(left.len()));
                let is_last = left.is_empty();
                send(flight, next, is_last)
            }
            Rest::Lines(truth) => Poll::Ready(truth.next_lines().map(|lines| Ok(Frame::data(lines)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.rest, Rest::Whole(left) if left.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            Rest::Whole(left) => SizeHint::with_exact(u64::try_from(left.len()).unwrap_or(u64::MAX)),
            _ => SizeHint::default(),
        }
    }
}
