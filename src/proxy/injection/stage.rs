//! The way of a document's bytes: held back until the place of the tag is known, then passed on.

use super::gzip::{Decoder, Encoder};
use super::place::{Finder, TagPlace};
use super::tag::Tag;
use bytes::{Bytes, BytesMut};
use std::io;
use std::mem;

/// How a document is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Identity,
}

/// Told when a policy in the document bars the script.
pub(super) type OnBarred = Box<dyn FnOnce()>;

/// How far a document is.
pub(super) enum BodyStage {
    /// The place is looked for.
    Looking(Box<HeldBack>),
    /// There is none: all goes as it came.
    Left,
    /// The tag has gone out. What comes is passed on as it is.
    Passing,
    /// The tag has gone out. The rest is encoded again.
    Recoding(Box<Recoded>),
    /// Nothing comes any more.
    Over,
}

/// The beginning of a document, held back.
pub(super) struct HeldBack {
    tag: Tag,
    finder: Finder,
    on_barred: Option<OnBarred>,
    /// As it came.
    raw: BytesMut,
    gzip: Option<Unzipped>,
}

struct Unzipped {
    decoder: Decoder,
    text: Vec<u8>,
}

/// A document in gzip, behind the place.
pub(super) struct Recoded {
    decoder: Decoder,
    encoder: Encoder,
    /// Whether something is in the encoder that the client has not got.
    is_ahead: bool,
}

impl BodyStage {
    /// Takes a piece of the source; what can go on.
    pub(super) fn take(&mut self, piece: Bytes) -> io::Result<Bytes> {
        // An error ends it.
        match mem::replace(self, Self::Over) {
            Self::Looking(held) => {
                let (sent, next) = held.take(piece)?;
                *self = next;
                Ok(sent)
            }
            Self::Recoding(mut recoded) => {
                recoded.decoder.push(piece);
                let sent = recoded.next()?;
                *self = Self::Recoding(recoded);
                Ok(sent)
            }
            same @ (Self::Left | Self::Passing) => {
                *self = same;
                Ok(piece)
            }
            Self::Over => Ok(Bytes::new()),
        }
    }

    /// What can go on before more comes of the source.
    pub(super) fn rest(&mut self) -> io::Result<Bytes> {
        match self {
            Self::Recoding(recoded) => recoded.next(),
            Self::Looking(_) | Self::Left | Self::Passing | Self::Over => Ok(Bytes::new()),
        }
    }

    /// What is left when the source has ended, well or not.
    pub(super) fn end(&mut self) -> io::Result<Bytes> {
        match mem::replace(self, Self::Over) {
            Self::Looking(held) => Ok(held.raw.freeze()),
            Self::Recoding(recoded) => recoded.end(),
            Self::Left | Self::Passing | Self::Over => Ok(Bytes::new()),
        }
    }

    /// Whether the client gets other bytes than the application sent.
    pub(super) fn is_changed(&self) -> bool {
        match self {
            Self::Passing | Self::Recoding(_) => true,
            Self::Looking(_) | Self::Left | Self::Over => false,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}

impl HeldBack {
    pub(super) fn new(coding: Coding, tag: Tag, on_barred: OnBarred) -> Self {
        Self {
            finder: Finder::new(&tag.path),
            tag,
            on_barred: Some(on_barred),
            raw: BytesMut::new(),
            gzip: (coding == Coding::Gzip).then(|| Unzipped {
                decoder: Decoder::new(),
                text: Vec::new(),
            }),
        }
    }

    fn take(mut self: Box<Self>, piece: Bytes) -> io::Result<(Bytes, BodyStage)> {
        self.raw.extend_from_slice(&piece);
        let place = match &mut self.gzip {
            None => self.finder.read(&piece),
            Some(unzipped) => unzipped.find(piece, &mut self.finder),
        };
        match place {
            TagPlace::At(at) => match self.markup(at) {
                Some(tag) => self.inject(at, &tag),
                None => Ok((self.raw.freeze(), BodyStage::Left)),
            },
            TagPlace::Unknown if self.text().len() < MOST_HELD => {
                Ok((Bytes::new(), BodyStage::Looking(self)))
            }
            TagPlace::Nowhere | TagPlace::Unknown => Ok((self.raw.freeze(), BodyStage::Left)),
        }
    }

    fn text(&self) -> &[u8] {
        self.gzip.as_ref().map_or(&self.raw, |gzip| &gzip.text)
    }

    /// The tag, if the document lets it run.
    fn markup(&mut self, at: usize) -> Option<String> {
        // In ISO-2022-JP, which browsers guess, ASCII may stand for something else behind it.
        if self.text().iter().take(at).any(|byte| *byte == ESCAPE) {
            return None;
        }
        let markup = self.tag.markup(&self.finder.policies());
        if markup.is_none()
            && let Some(tell) = self.on_barred.take()
        {
            tell();
        }
        markup
    }

    fn inject(self: Box<Self>, at: usize, tag: &str) -> io::Result<(Bytes, BodyStage)> {
        let Some(Unzipped { decoder, text }) = self.gzip else {
            let mut sent = self.raw;
            let rest = sent.split_off(at.min(sent.len()));
            sent.extend_from_slice(tag.as_bytes());
            sent.extend_from_slice(&rest);
            return Ok((sent.freeze(), BodyStage::Passing));
        };
        let (before, after) = text.split_at(at.min(text.len()));
        let mut encoder = Encoder::new();
        for part in [before, tag.as_bytes(), after] {
            encoder.write(part)?;
        }
        let mut recoded = Box::new(Recoded {
            decoder,
            encoder,
            is_ahead: true,
        });
        let sent = recoded.next()?;
        Ok((sent, BodyStage::Recoding(recoded)))
    }
}

impl Unzipped {
    /// Decodes and reads on, until the place is known.
    fn find(&mut self, piece: Bytes, finder: &mut Finder) -> TagPlace {
        self.decoder.push(piece);
        loop {
            match self.decoder.decode() {
                Ok(Some(text)) => {
                    self.text.extend_from_slice(&text);
                    let place = finder.read(&text);
                    if place != TagPlace::Unknown || self.text.len() >= MOST_HELD {
                        return place;
                    }
                }
                Ok(None) => return TagPlace::Unknown,
                // It is passed on as it is: the client may know what to make of it.
                Err(_) => return TagPlace::Nowhere,
            }
        }
    }
}

impl Recoded {
    /// The next bytes; none if nothing is left of the input.
    fn next(&mut self) -> io::Result<Bytes> {
        while let Some(text) = self.decoder.decode()? {
            if !text.is_empty() {
                self.encoder.write(&text)?;
                self.is_ahead = true;
                break;
            }
        }
        if mem::take(&mut self.is_ahead) {
            self.encoder.flush()
        } else {
            Ok(Bytes::new())
        }
    }

    fn end(self) -> io::Result<Bytes> {
        if self.decoder.ends_well() {
            self.encoder.finish()
        } else {
            // It was cut off, and browsers show what came: so it is for them.
            Ok(Bytes::new())
        }
    }
}

/// How much of a document is held back at most, decoded: one that has no place for the tag until then is left alone.
const MOST_HELD: usize = 32 * 1024;
/// The control that switches sets of characters in ISO-2022-JP.
const ESCAPE: u8 = 0x1b;
