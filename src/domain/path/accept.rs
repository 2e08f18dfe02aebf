//! What a path may not contain, and the switches for applications that need it after all.

/// How many readings a path may have; one with more is refused.
pub const MAX_READINGS: usize = 64;

/// Whether something that no honest client sends is let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leniency {
    /// The request is refused.
    #[default]
    Refuse,
    /// It is let in, and read in the ways that applications resolve it as well.
    Read,
}

/// `upstream.accept`: one switch for each kind of ambiguity. All refuse by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// `\` and `%5c`; also read as a slash.
    pub backslashes: Leniency,
    /// Control characters, raw or encoded; also read without them, and cut at a NUL.
    pub controls: Leniency,
    /// `.` and `..` as a segment, in every spelling; also read as resolved.
    pub dot_segments: Leniency,
    /// `#` and what follows; also read as cut off.
    pub fragments: Leniency,
    /// Escapes that decode to no or to overlong UTF-8; also read byte by byte, as U+FFFD, and without them.
    pub invalid_utf8: Leniency,
    /// `%` without two hexadecimal digits; also read as a literal `%`, and as Jetty reads it (`%6?` is `o`).
    pub malformed_escapes: Leniency,
    /// Bytes outside 0x21..=0x7E that are no controls, unescaped.
    pub raw_bytes: Leniency,
    /// `%u0041`; also read as the character meant.
    pub unicode_escapes: Leniency,
}

/// Why a path is refused: applications disagree about what it means.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum Ambiguous {
    #[error("a backslash in the path, raw or as `%5c`: some applications read it as a slash")]
    Backslash,
    #[error("a control character (U+{0:04X}) in the path, raw or escaped")]
    Control(u32),
    #[error("a segment `{0}` in the path: clients resolve dot segments before they send")]
    DotSegment(String),
    #[error("a fragment (`#`) in the path: clients keep it to themselves")]
    Fragment,
    #[error("escapes in the path that decode to invalid or overlong UTF-8")]
    InvalidUtf8,
    #[error("`%` in the path without two hexadecimal digits after it")]
    MalformedEscape,
    #[error("the path begins with no slash: expected origin-form, such as `/users/42`")]
    NotOriginForm,
    #[error("byte 0x{0:02X} in the path must be escaped")]
    RawByte(u8),
    #[error("more than {max} ways to read the path", max = MAX_READINGS)]
    TooManyReadings,
    #[error("`%u` in the path: not an escape of any standard")]
    UnicodeEscape,
}
