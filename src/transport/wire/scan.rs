//! Checks the framing of HTTP/1 messages on the raw bytes, beyond what hyper checks.
//!
//! hyper accepts a bare LF, cuts a fragment off the target and lets Content-Length ride along with
//! Transfer-Encoding. Two parsers that disagree are how requests are smuggled, so whatever two
//! parsers could read differently is refused here (RFC 9112 §2.2, §5, §6.1, §6.3, §11.2). The scanner
//! follows the framing on its own and never repairs anything. It is at least as strict as hyper, whose
//! own refusals are empty answers that say nothing.

mod framing;

use super::Violation;
use super::tokens::is_token;
use framing::{Framing, chunk_size};
use http::Uri;
use memchr::memchr;

/// The part of a message that the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessagePart {
    /// In a body.
    Body,
    /// In a head, after its first byte.
    Head,
    /// Between messages.
    Between,
}

/// Tracks the framing of one connection across reads.
#[derive(Debug)]
pub(crate) struct Scanner {
    state: ScanState,
    /// An unfinished line, kept for the next read.
    partial: Vec<u8>,
    framing: Framing,
    limits: HeadLimits,
    /// Bytes and header lines of the head so far.
    size: HeadSize,
    /// Where in the bytes scanned last the head begins; `None` if it began before them.
    head_at: Option<usize>,
    /// How many of those bytes were valid, in whole lines.
    sound: usize,
}

/// The limits and leniencies for a request head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadLimits {
    /// Bytes in all.
    pub(crate) bytes: usize,
    /// Header lines.
    pub(crate) lines: usize,
    /// Whether the application needs targets with a fragment, which is cut off.
    pub(crate) fragments: bool,
    /// Whether the application needs targets with bytes beyond ASCII.
    pub(crate) raw_bytes: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct HeadSize {
    bytes: usize,
    lines: usize,
    blanks: usize,
}

#[derive(Clone, Copy, Debug)]
enum ScanState {
    ChunkData(u64),
    ChunkDataEnd,
    ChunkSize,
    Headers,
    Length(u64),
    RequestLine,
    Trailers,
}

/// RFC 9112 §7.1.1: a recipient must limit chunk extensions; hardly any client sends them.
const MAX_CHUNK_LINE: usize = 256;

/// RFC 9112 §2.2: "at least one empty line" before a request is to be ignored.
const MAX_BLANK_LINES: usize = 8;

/// hyper's own limits: longer ones it answers with an empty response.
const MAX_TARGET: usize = 65_534;
const MAX_NAME: usize = 1024;

impl Scanner {
    /// A scanner of heads within `limits`.
    pub(crate) fn new(limits: HeadLimits) -> Self {
        Self {
            state: ScanState::RequestLine,
            partial: Vec::new(),
            framing: Framing::default(),
            limits,
            size: HeadSize::default(),
            head_at: None,
            sound: 0,
        }
    }

    /// How many of the bytes that were scanned last come before the line that was refused.
    pub(crate) fn sound(&self) -> usize {
        self.sound
    }

    /// Where in the bytes that were scanned last the last head begins; `None` if it began before.
    pub(crate) fn head_at(&self) -> Option<usize> {
        self.head_at
    }

    /// The part of a message that the next byte belongs to.
    pub(crate) fn part(&self) -> MessagePart {
        match self.state {
            ScanState::RequestLine if self.partial.is_empty() => MessagePart::Between,
            ScanState::RequestLine | ScanState::Headers => MessagePart::Head,
            ScanState::ChunkData(_)
            | ScanState::ChunkDataEnd
            | ScanState::ChunkSize
            | ScanState::Length(_)
            | ScanState::Trailers => MessagePart::Body,
        }
    }

    /// Follows the next bytes of the connection.
    pub(crate) fn scan(&mut self, whole: &[u8]) -> Result<(), Violation> {
        self.head_at = None;
        let mut bytes = whole;
        while !bytes.is_empty() {
            self.sound = whole.len() - bytes.len();
            if matches!(self.state, ScanState::RequestLine) && self.partial.is_empty() {
                self.head_at = Some(self.sound);
            }
            bytes = match self.state {
                ScanState::Length(left) => {
                    let (rest, left) = skip(bytes, left);
                    self.state = if left == 0 {
                        ScanState::RequestLine
                    } else {
                        ScanState::Length(left)
                    };
                    rest
                }
                ScanState::ChunkData(left) => {
                    let (rest, left) = skip(bytes, left);
                    self.state = if left == 0 {
                        ScanState::ChunkDataEnd
                    } else {
                        ScanState::ChunkData(left)
                    };
                    rest
                }
                ScanState::ChunkDataEnd
                | ScanState::ChunkSize
                | ScanState::Headers
                | ScanState::RequestLine
                | ScanState::Trailers => self.scan_line(bytes)?,
            };
        }
        Ok(())
    }

    fn scan_line<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Violation> {
        let Some(end) = memchr(b'\n', bytes) else {
            self.partial.extend_from_slice(bytes);
            return if self.partial.len() > self.line_limit() {
                Err(self.too_long())
            } else {
                Ok(&[])
            };
        };
        let (line, rest) = bytes.split_at(end + 1);
        if self.partial.is_empty() {
            self.state = self.line(line)?;
        } else {
            let mut whole = std::mem::take(&mut self.partial);
            whole.extend_from_slice(line);
            self.state = self.line(&whole)?;
        }
        Ok(rest)
    }

    fn too_long(&self) -> Violation {
        match self.state {
            ScanState::RequestLine => Violation::TargetTooLong,
            ScanState::Headers => Violation::HeadTooLarge,
            ScanState::ChunkData(_)
            | ScanState::ChunkDataEnd
            | ScanState::ChunkSize
            | ScanState::Length(_)
            | ScanState::Trailers => Violation::LineTooLong,
        }
    }

    fn line_limit(&self) -> usize {
        match self.state {
            ScanState::ChunkData(_) | ScanState::ChunkDataEnd | ScanState::ChunkSize => {
                MAX_CHUNK_LINE
            }
            ScanState::Headers | ScanState::Length(_) | ScanState::RequestLine => {
                self.limits.bytes.saturating_sub(self.size.bytes)
            }
            ScanState::Trailers => self.limits.bytes,
        }
    }

    /// Takes one whole line, with its ending, and tells what comes next.
    fn line(&mut self, line: &[u8]) -> Result<ScanState, Violation> {
        if line.len() > self.line_limit() {
            return Err(self.too_long());
        }
        if matches!(self.state, ScanState::RequestLine | ScanState::Headers) {
            self.size.bytes += line.len();
        }
        // RFC 9112 §2.2 allows a recipient to take a bare LF for the end of a line, and a bare CR
        // for a space: parsers differ in whether they do.
        let line = line.strip_suffix(b"\r\n").ok_or(Violation::BareLineBreak)?;
        if memchr(b'\r', line).is_some() {
            return Err(Violation::BareLineBreak);
        }
        match self.state {
            ScanState::RequestLine => self.request_line(line),
            ScanState::Headers if line.is_empty() => {
                self.size = HeadSize::default();
                Ok(self.framing.after_head())
            }
            ScanState::Headers => {
                self.size.lines += 1;
                if self.size.lines > self.limits.lines {
                    return Err(Violation::TooManyHeaders);
                }
                self.framing.header(line).map(|()| ScanState::Headers)
            }
            ScanState::ChunkSize => chunk_size(line),
            ScanState::ChunkDataEnd if line.is_empty() => Ok(ScanState::ChunkSize),
            ScanState::ChunkDataEnd | ScanState::ChunkData(_) | ScanState::Length(_) => {
                Err(Violation::Chunk)
            }
            ScanState::Trailers if line.is_empty() => Ok(ScanState::RequestLine),
            // Checked like a header. Whatever framing it names has no effect (RFC 9110 §6.5.1).
            ScanState::Trailers => Framing::default()
                .header(line)
                .map(|()| ScanState::Trailers),
        }
    }

    fn request_line(&mut self, line: &[u8]) -> Result<ScanState, Violation> {
        if line.is_empty() {
            self.size.bytes = 0;
            self.size.blanks += 1;
            return if self.size.blanks > MAX_BLANK_LINES {
                Err(Violation::RequestLine)
            } else {
                Ok(ScanState::RequestLine)
            };
        }
        // RFC 9112 §3: single spaces. It warns of recipients that split at any whitespace, as
        // requests are smuggled past those that do not.
        let mut parts = line.split(|byte| *byte == b' ');
        let (method, target, version) = (parts.next(), parts.next(), parts.next());
        let (Some(_), Some(target), Some(version @ (b"HTTP/1.1" | b"HTTP/1.0")), None) = (
            method.filter(|method| is_token(method)),
            target,
            version,
            parts.next(),
        ) else {
            return Err(Violation::RequestLine);
        };
        self.framing = Framing {
            is_old: version == b"HTTP/1.0",
            ..Framing::default()
        };
        if !self.limits.fragments && memchr(b'#', target).is_some() {
            return Err(Violation::Fragment);
        }
        if target.len() > MAX_TARGET {
            return Err(Violation::TargetTooLong);
        }
        if self.is_target(target) {
            Ok(ScanState::Headers)
        } else {
            Err(Violation::RequestLine)
        }
    }

    fn is_target(&self, target: &[u8]) -> bool {
        let visible =
            |byte: &u8| (0x21..=0x7e).contains(byte) || *byte >= 0x80 && self.limits.raw_bytes;
        let plain =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._~%?&=+,:@!$'()*;".contains(byte);
        if target.first() == Some(&b'/') && target.iter().all(plain) {
            return true;
        }
        // Rare spellings: refuses what hyper cannot parse, so that the response names the reason.
        !target.is_empty() && target.iter().all(visible) && Uri::try_from(target).is_ok()
    }
}

fn skip(bytes: &[u8], left: u64) -> (&[u8], u64) {
    let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    (bytes.get(take..).unwrap_or_default(), left - take as u64)
}

#[cfg(test)]
mod tests;
