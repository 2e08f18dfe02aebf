//! The body of a document on its way to the client, with our tag in it.
//!
//! Its beginning is held back until the place of the tag is known, which the first lines tell, or until it is clear that there is none:
//! then all goes as it came. Behind the tag a document in the clear is passed on untouched, and one in gzip is encoded again, piece by
//! piece.

use super::stage::{BodyStage, Coding, HeldBack, OnBarred};
use super::tag::Tag;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

type BodyError = Box<dyn Error + Send + Sync>;

/// What puts the tag into a body.
pub(crate) struct Injector(Box<HeldBack>);

/// The body with the tag.
pub(crate) struct InjectedBody<B> {
    source: B,
    stage: BodyStage,
    /// What comes after what was held back.
    then: Option<Then>,
}

/// The last frame.
enum Then {
    Error(BodyError),
    Trailers(HeaderMap),
}

impl Injector {
    pub(super) fn new(coding: Coding, tag: Tag, on_barred: OnBarred) -> Self {
        Self(Box::new(HeldBack::new(coding, tag, on_barred)))
    }
}

impl<B> InjectedBody<B> {
    /// Puts the tag into `source`.
    pub(crate) fn new(source: B, Injector(held): Injector) -> Self {
        Self {
            source,
            stage: BodyStage::Looking(held),
            then: None,
        }
    }

    /// Takes a frame of the source, or its end; what can go on.
    fn heard(&mut self, frame: Option<Result<Frame<Bytes>, BodyError>>) -> io::Result<Bytes> {
        match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(piece))) => return self.stage.take(piece),
            Some(Ok(Err(frame))) => {
                if let Ok(mut trailers) = frame.into_trailers() {
                    if self.stage.is_changed() {
                        remove_digests(&mut trailers);
                    }
                    self.then = Some(Then::Trailers(trailers));
                }
            }
            Some(Err(error)) => self.then = Some(Then::Error(error)),
            None => {}
        }
        self.stage.end()
    }
}

impl<B: Body<Data = Bytes, Error = BodyError> + Unpin> Body for InjectedBody<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        loop {
            let mut sent = this.stage.rest()?;
            if sent.is_empty() {
                match this.then.take() {
                    Some(Then::Error(error)) => return Poll::Ready(Some(Err(error))),
                    Some(Then::Trailers(trailers)) => {
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    None if this.stage.is_over() => return Poll::Ready(None),
                    None => {}
                }
                let frame = ready!(Pin::new(&mut this.source).poll_frame(cx));
                sent = this.heard(frame)?;
            }
            if !sent.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(sent))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stage.is_over() && self.then.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

impl<B> fmt::Debug for InjectedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InjectedBody").finish_non_exhaustive()
    }
}

impl fmt::Debug for Injector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector").finish_non_exhaustive()
    }
}

/// Removes what tells of bytes that are no longer those that were sent (RFC 9530; RFC 1864).
pub(super) fn remove_digests(headers: &mut HeaderMap) {
    for name in ["content-digest", "content-md5", "digest", "repr-digest"] {
        headers.remove(HeaderName::from_static(name));
    }
}
