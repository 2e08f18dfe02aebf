//! The bytes inside a sealed token: lengths first, no text that could be read in two ways.
//!
//! Reading is total: whatever is not exactly what was written is nothing.

/// Writes values one after the other.
#[derive(Default)]
pub(super) struct Out(Vec<u8>);

impl Out {
    pub(super) fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Bytes whose length the reader knows.
    pub(super) fn array(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn optional_array(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        self.byte(u8::from(bytes.is_some()));
        self.array(bytes.unwrap_or_default())
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0
            .extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.array(text.as_bytes())
    }

    pub(super) fn pairs(&mut self, pairs: &[(String, String)]) -> &mut Self {
        self.number(pairs.len() as u64);
        for (name, value) in pairs {
            self.text(name).text(value);
        }
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Reads values in the order in which they were written.
pub(super) struct In<'a>(pub(super) &'a [u8]);

impl<'a> In<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// Whether an optional array follows.
    pub(super) fn presence(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(bytes).ok()
    }

    pub(super) fn pairs(&mut self) -> Option<Vec<(String, String)>> {
        let count = self.number()?;
        // No capacity is taken on trust: each pair must be there.
        (0..count)
            .map(|_| Some((self.text()?.to_owned(), self.text()?.to_owned())))
            .collect()
    }

    /// Tells whether everything was read.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}
