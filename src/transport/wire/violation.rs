//! Protocol violations of a client in the bytes of HTTP/1.

/// A protocol violation of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    /// RFC 9112 §2.2: CR without LF, or LF without CR.
    #[error("a line that does not end in CRLF")]
    BareLineBreak,
    /// RFC 9112 §7.1.
    #[error("a chunk that is not framed as one")]
    Chunk,
    /// RFC 9112 §6.3: both framings, or one of them twice.
    #[error("more than one message framing")]
    DoubleFraming,
    /// RFC 9112 §3.2: a target has no fragment.
    #[error("a fragment in the request target")]
    Fragment,
    /// RFC 9110 §5.4: over the limit on a head.
    #[error("a head larger than the settings allow")]
    HeadTooLarge,
    /// RFC 9112 §6.2: digits only.
    #[error("a Content-Length that is not a number")]
    Length,
    /// A line of a chunked body over its limit.
    #[error("a line without end")]
    LineTooLong,
    /// RFC 9112 §5.2, §5.1, and control bytes.
    #[error("a malformed header line")]
    HeaderLine,
    /// RFC 9112 §3.
    #[error("a malformed request line")]
    RequestLine,
    /// RFC 9110 §15.5.9: the head was not complete within its deadline.
    #[error("a head that did not come in time")]
    SlowHead,
    /// RFC 9112 §3: over the limit on a target.
    #[error("a request line longer than the settings allow")]
    TargetTooLong,
    /// RFC 9110 §5.4: over the limit on header lines.
    #[error("more header lines than the settings allow")]
    TooManyHeaders,
    /// RFC 9112 §6.1: `chunked`, once, and nothing else.
    #[error("a Transfer-Encoding other than `chunked`")]
    TransferEncoding,
}
