//! The one binary encoding of what we store and seal: numbers big-endian, lengths before what varies.
//!
//! Reading is total: any bytes give a value or `None`, and no length is trusted before the bytes
//! are there. Stored records and tokens in flight keep this form; it is never changed, only added to.

use super::Timestamp;

/// Appends values one after the other.
#[derive(Debug, Default)]
pub(crate) struct ByteWriter(Vec<u8>);

impl ByteWriter {
    /// A writer with room for `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(crate) fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    pub(crate) fn flag(&mut self, flag: bool) -> &mut Self {
        self.byte(u8::from(flag))
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.array(&number.to_be_bytes())
    }

    pub(crate) fn time(&mut self, time: Timestamp) -> &mut Self {
        self.number(time.as_millis())
    }

    /// Bytes whose length the reader knows.
    pub(crate) fn array(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn optional_array(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        self.flag(bytes.is_some()).array(bytes.unwrap_or_default())
    }

    /// `bytes` after their length. What is over 4 GiB does not read back.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.array(&length.to_be_bytes()).array(bytes)
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn optional_bytes(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        self.flag(bytes.is_some());
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self,
        }
    }

    pub(crate) fn pairs(&mut self, pairs: &[(String, String)]) -> &mut Self {
        self.number(pairs.len() as u64);
        for (name, value) in pairs {
            self.text(name).text(value);
        }
        self
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Takes values off the front, in the order in which they were written; `None` if one is not there.
#[derive(Debug)]
pub(crate) struct ByteReader<'a>(&'a [u8]);

impl<'a> ByteReader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        // Any other byte would be a second encoding of the same value.
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn time(&mut self) -> Option<Timestamp> {
        self.number().map(Timestamp::from_millis)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).ok()?;
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// All that is left, as text; an empty one is none.
    pub(crate) fn rest_text(&mut self) -> Option<&'a str> {
        let rest = std::mem::take(&mut self.0);
        let text = std::str::from_utf8(rest).ok()?;
        (!text.is_empty()).then_some(text)
    }

    /// A value after a flag that says whether it is there: `Some(None)` if it is not.
    #[allow(clippy::option_option)] // the outer one is whether it could be read
    pub(crate) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.flag()? {
            read(self).map(Some)
        } else {
            Some(None)
        }
    }

    /// As many values as a number before them says; no capacity is reserved for what may not be there.
    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let count = self.number()?;
        (0..count).map(|_| read(self)).collect()
    }

    pub(crate) fn pairs(&mut self) -> Option<Vec<(String, String)>> {
        self.list(|reader| Some((reader.text()?.to_owned(), reader.text()?.to_owned())))
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails if anything is left.
    pub(crate) fn end(&self) -> Option<()> {
        self.is_empty().then_some(())
    }
}
