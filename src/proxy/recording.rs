//! What is kept of a recording, in memory and up to a limit.

use bytes::Bytes;
use http::Method;
use http::header::{self, HeaderMap, HeaderValue};

/// One request with its answer. It holds passwords and cookies: never logged, never written.
#[derive(Clone)]
pub(crate) struct RecordedExchange {
    /// The method.
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    /// The headers of the request.
    pub(crate) request: HeaderMap,
    /// Its body; empty if it was too long to be kept.
    pub(crate) sent: Bytes,
    /// The status of the answer.
    pub(crate) status: u16,
    /// Its headers.
    pub(crate) response: HeaderMap,
    /// The beginning of its body, where that is a page or data.
    pub(crate) answer: Vec<u8>,
}

/// What is kept of everything that passed.
#[derive(Default)]
pub(crate) struct Recording {
    /// In the order in which requests came.
    pub(crate) exchanges: Vec<RecordedExchange>,
    /// How many bytes of bodies are kept.
    bytes: usize,
    /// How many requests are not kept.
    pub(crate) left_out: usize,
}

/// Requests that are kept, and bytes of their bodies: of one, and of all together.
const MOST_EXCHANGES: usize = 10_000;
/// How much of one body is kept.
pub(crate) const MOST_OF_A_BODY: usize = 256 * 1024;
const MOST_BYTES: usize = 64 * 1024 * 1024;

impl Recording {
    /// Keeps an exchange; its place, unless there are too many.
    pub(crate) fn keep(&mut self, mut exchange: RecordedExchange) -> Option<usize> {
        if self.exchanges.len() >= MOST_EXCHANGES {
            self.left_out += 1;
            return None;
        }
        if self.bytes + exchange.sent.len() > MOST_BYTES {
            exchange.sent = Bytes::new();
        }
        self.bytes += exchange.sent.len();
        let answer = std::mem::take(&mut exchange.answer);
        let place = self.exchanges.len();
        self.exchanges.push(exchange);
        self.append(place, &answer);
        Some(place)
    }

    /// Keeps more of an answer.
    pub(super) fn append(&mut self, place: usize, data: &[u8]) {
        let left = MOST_BYTES.saturating_sub(self.bytes);
        if let Some(exchange) = self.exchanges.get_mut(place)
            && is_text(&exchange.response)
        {
            let left = left.min(MOST_OF_A_BODY.saturating_sub(exchange.answer.len()));
            let data = data.get(..left.min(data.len())).unwrap_or_default();
            exchange.answer.extend_from_slice(data);
            self.bytes += data.len();
        }
    }
}

/// Whether an answer is a page or data, in which a name may stand.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.map_or(&b""[..], HeaderValue::as_bytes);
    let kind = String::from_utf8_lossy(kind).to_ascii_lowercase();
    kind.contains("html") || kind.contains("json")
}
