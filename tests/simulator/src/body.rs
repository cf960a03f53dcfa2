//! Answer bodies, honest and otherwise.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// A body that can misbehave on purpose.
pub(crate) enum SimBody {
    /// All at once.
    Full(Option<Bytes>),
    /// `chunk` bytes at a time with a pause before each.
    Drip { rest: Bytes, chunk: usize, pause: Duration, timer: Pin<Box<Sleep>> },
    /// `head`, then `filler` again and again until `left` bytes are gone, then `tail`.
    Endless { head: Option<Bytes>, filler: Bytes, left: u64, tail: Option<Bytes> },
    /// Some bytes, then a broken connection.
    Broken { head: Option<Bytes>, is_flushed: bool },
}

impl SimBody {
    pub(crate) fn full(bytes: Bytes) -> Self {
        Self::Full(Some(bytes))
    }

    pub(crate) fn drip(rest: Bytes, chunk: usize, pause: Duration) -> Self {
        Self::Drip { rest, chunk: chunk.max(1), pause, timer: Box::pin(sleep(pause)) }
    }
}

impl Body for SimBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let next = match &mut *self {
            Self::Full(bytes) => bytes.take().filter(|bytes| !bytes.is_empty()),
            Self::Drip { rest, chunk, pause, timer } => {
                if rest.is_empty() {
                    None
                } else {
                    std::task::ready!(timer.as_mut().poll(context));
                    timer.set(sleep(*pause));
                    let size = (*chunk).min(rest.len());
                    Some(rest.split_to(size))
                }
            }
            Self::Endless { head, filler, left, tail } => match head.take() {
                Some(first) => Some(first),
                None if *left > 0 => {
                    *left = left.saturating_sub(filler.len() as u64);
                    Some(filler.clone())
                }
                None => tail.take(),
            },
            Self::Broken { head, is_flushed } => match head.take() {
                Some(first) => Some(first),
                // One idle poll lets the server write what it has before the error ends the connection.
                None if !std::mem::replace(is_flushed, true) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None => return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset)))),
            },
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Drip { rest, .. } => SizeHint::with_exact(rest.len() as u64),
            Self::Endless { .. } | Self::Broken { .. } => SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(bytes) if bytes.as_ref().is_none_or(Bytes::is_empty))
    }
}
