//! gzip in pieces: what came is decoded and encoded again as it comes, never more than a piece at a time.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzDecoder, GzEncoder};
use std::io::{self, Write};
use std::mem;

/// Decodes a body of any number of members (RFC 1952 §2.2).
#[derive(Debug)]
pub(super) struct Decoder {
    member: GzDecoder<Vec<u8>>,
    /// What is not decoded yet.
    input: Bytes,
    /// What follows the last member is ignored, as browsers do.
    is_over: bool,
    /// Whether a checksum was wrong.
    is_spoilt: bool,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            member: GzDecoder::new(Vec::new()),
            input: Bytes::new(),
            is_over: false,
            is_spoilt: false,
        }
    }

    /// Takes more input; the last must have been decoded to its end.
    pub(super) fn push(&mut self, input: Bytes) {
        self.input = input;
    }

    /// Decodes the next piece of the input; `None` if there is no more of it. A piece may be empty.
    pub(super) fn decode(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.is_over || self.input.is_empty() {
            return Ok(None);
        }
        let read = self.member.write(&self.input)?;
        if read == 0 {
            self.end_member();
            return Ok(Some(Vec::new()));
        }
        drop(self.input.split_to(read));
        self.member.flush()?;
        Ok(Some(mem::take(self.member.get_mut())))
    }

    fn end_member(&mut self) {
        // Browsers show what has a wrong checksum.
        self.is_spoilt = self.member.try_finish().is_err();
        self.is_over = self.is_spoilt || self.input.first() != Some(&MAGIC);
        if !self.is_over {
            self.member = GzDecoder::new(Vec::new());
        }
    }

    /// Whether the body ended where a member does.
    pub(super) fn ends_well(mut self) -> bool {
        !self.is_spoilt && (self.is_over || self.member.try_finish().is_ok())
    }
}

/// Encodes again what was decoded.
#[derive(Debug)]
pub(super) struct Encoder(GzEncoder<Vec<u8>>);

impl Encoder {
    pub(super) fn new() -> Self {
        Self(GzEncoder::new(Vec::new(), Compression::fast()))
    }

    /// Adds a piece.
    pub(super) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.0.write_all(piece)
    }

    /// All that was added, in a form in which the client can show it at once.
    pub(super) fn flush(&mut self) -> io::Result<Bytes> {
        self.0.flush()?;
        Ok(mem::take(self.0.get_mut()).into())
    }

    /// The end.
    pub(super) fn finish(self) -> io::Result<Bytes> {
        self.0.finish().map(Into::into)
    }
}

/// The first byte of a member.
const MAGIC: u8 = 0x1f;
