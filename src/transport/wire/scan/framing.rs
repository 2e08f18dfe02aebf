//! Where the body of a message ends (RFC 9112 §6 and §7).

use super::{MAX_NAME, ScanState};
use crate::transport::wire::Violation;
use crate::transport::wire::tokens::{is_text, is_token};
use memchr::memchr;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Framing {
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
    /// HTTP/1.0 knows no chunks.
    pub(super) is_old: bool,
}

impl Framing {
    pub(super) fn header(&mut self, line: &[u8]) -> Result<(), Violation> {
        let colon = memchr(b':', line).ok_or(Violation::HeaderLine)?;
        let (name, value) = line.split_at(colon);
        // RFC 9112 §5.1 and §5.2: no blank before the colon, no folded line: neither is a token.
        if name.len() > MAX_NAME || !is_token(name) || !is_text(value) {
            return Err(Violation::HeaderLine);
        }
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(value),
            _ => Ok(()),
        }
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.length.is_some() || self.chunked {
            return Err(Violation::DoubleFraming);
        }
        // No sign and no list. RFC 9110 §8.6 allows a list of equal numbers to be taken for one:
        // parsers differ. 19 digits always fit `u64`.
        let digits = value.get(1..).unwrap_or_default().trim_ascii();
        let sound =
            !digits.is_empty() && digits.len() <= 19 && digits.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(digits)
            .ok()
            .filter(|_| sound)
            .ok_or(Violation::Length)?;
        self.length = Some(text.parse().map_err(|_| Violation::Length)?);
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.length.is_some() || self.chunked {
            return Err(Violation::DoubleFraming);
        }
        // RFC 9112 §6.1: in HTTP/1.0, "the framing is faulty".
        if self.is_old {
            return Err(Violation::TransferEncoding);
        }
        let coding = value.get(1..).unwrap_or_default().trim_ascii();
        // A coding below the chunks (`gzip, chunked`) is decoded by some servers and by others not.
        if !coding.eq_ignore_ascii_case(b"chunked") {
            return Err(Violation::TransferEncoding);
        }
        self.chunked = true;
        Ok(())
    }

    pub(super) fn after_head(self) -> ScanState {
        match self {
            Self { chunked: true, .. } => ScanState::ChunkSize,
            Self {
                length: Some(length),
                ..
            } if length > 0 => ScanState::Length(length),
            // RFC 9112 §6.3: a request with neither has no body.
            Self { .. } => ScanState::RequestLine,
        }
    }
}

pub(super) fn chunk_size(line: &[u8]) -> Result<ScanState, Violation> {
    let digits = line
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        // RFC 9112 §7.1.1 allows blanks before an extension.
        .trim_ascii_end();
    let text = std::str::from_utf8(digits).map_err(|_| Violation::Chunk)?;
    // RFC 9112 §7.1 demands care for sizes that overflow: 15 digits are below 2^60.
    if text.is_empty() || text.len() > 15 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Violation::Chunk);
    }
    match u64::from_str_radix(text, 16).map_err(|_| Violation::Chunk)? {
        0 => Ok(ScanState::Trailers),
        size => Ok(ScanState::ChunkData(size)),
    }
}
