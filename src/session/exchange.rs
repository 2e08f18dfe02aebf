//! Requests of our own to the application, apart from what clients send: who somebody is, and whether a
//! password is right.

use crate::request::headers::cleanse_response;
use crate::transport::upstream::{Admitted, Client, Outgoing, Pool, SendError, UpstreamBody};
use bytes::BytesMut;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use std::borrow::Cow;
use std::io::Read;
use tokio::time::Instant;

/// How large an answer may be, also once it is decompressed.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// A request that is made here. The settings say what is asked: so it needs no permit.
pub(super) struct OwnRequest(pub(super) Request<Outgoing>);

impl Admitted for OwnRequest {
    type Taken = ();

    fn release(self) -> (Request<Outgoing>, ()) {
        (self.0, ())
    }
}

/// What the application answers, its body decompressed.
pub(super) struct ApplicationAnswer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer to a request of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum ExchangeError {
    #[error("its answer is compressed as `{0}`, which is not read")]
    Encoding(String),
    #[error("it did not answer in time")]
    Late,
    #[error("its answer is longer than 1 MiB, or broke off")]
    Spoilt,
    #[error("it could not be reached: {0}")]
    Unreachable(String),
}

impl ApplicationAnswer {
    /// The body as text; what is no UTF-8 is replaced.
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// Sends a request, and reads the answer to its end. The head must come by `deadline`; whoever calls limits
/// the rest.
pub(super) async fn exchange(
    pool: &Pool,
    request: OwnRequest,
    client: Client<'_>,
    deadline: Instant,
) -> Result<ApplicationAnswer, ExchangeError> {
    let sent = pool.send(request, client, Some(deadline)).await;
    let mut response = sent.map_err(|(error, _)| match error {
        SendError::Late { .. } => ExchangeError::Late,
        error @ (SendError::Broken { .. } | SendError::Connect(_) | SendError::Framing) => {
            ExchangeError::Unreachable(error.to_string())
        }
    })?;
    cleanse_response(response.headers_mut());
    let bytes = read(&mut response).await?;
    let body = decoded(response.headers(), &bytes)?.into_owned();
    Ok(ApplicationAnswer {
        status: response.status().as_u16(),
        headers: std::mem::take(response.headers_mut()),
        body,
    })
}

async fn read(response: &mut Response<UpstreamBody>) -> Result<BytesMut, ExchangeError> {
    let mut read = BytesMut::new();
    while let Some(frame) = response.body_mut().frame().await {
        let frame = frame.map_err(|_| ExchangeError::Spoilt)?;
        if let Ok(data) = frame.into_data() {
            if read.len() + data.len() > LONGEST_ANSWER {
                return Err(ExchangeError::Spoilt);
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(read)
}

/// Undoes the coding of an answer (RFC 9110 §8.4.1): some compress although nobody asked for it.
fn decoded<'b>(headers: &HeaderMap, bytes: &'b [u8]) -> Result<Cow<'b, [u8]>, ExchangeError> {
    let coding = headers.get(header::CONTENT_ENCODING);
    let coding = coding.map_or(&b""[..], HeaderValue::as_bytes);
    let coding = String::from_utf8_lossy(coding).trim().to_ascii_lowercase();
    let mut plain = Vec::new();
    let limit = LONGEST_ANSWER as u64 + 1;
    let read = match coding.as_str() {
        "" | "identity" => return Ok(Cow::Borrowed(bytes)),
        "gzip" | "x-gzip" => MultiGzDecoder::new(bytes)
            .take(limit)
            .read_to_end(&mut plain),
        // Some send it without the wrapping that RFC 9110 §8.4.1.2 asks for.
        "deflate" if bytes.first().is_some_and(|first| first & 0x0F == 8) => {
            ZlibDecoder::new(bytes).take(limit).read_to_end(&mut plain)
        }
        "deflate" => DeflateDecoder::new(bytes)
            .take(limit)
            .read_to_end(&mut plain),
        _ => return Err(ExchangeError::Encoding(coding)),
    };
    match read {
        Ok(length) if length <= LONGEST_ANSWER => Ok(Cow::Owned(plain)),
        Ok(_) | Err(_) => Err(ExchangeError::Spoilt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn decode(coding: &'static str, bytes: &[u8]) -> Result<Vec<u8>, ExchangeError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-encoding", HeaderValue::from_static(coding));
        decoded(&headers, bytes).map(Cow::into_owned)
    }

    #[test]
    fn a_compressed_answer_is_read_up_to_its_limit() {
        let packed = |text: &[u8]| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
            let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(text).unwrap();
            zlib.write_all(text).unwrap();
            deflate.write_all(text).unwrap();
            [
                ("gzip", gzip.finish().unwrap()),
                ("X-GZip", gzip_again(text)),
                ("deflate", zlib.finish().unwrap()),
                ("deflate", deflate.finish().unwrap()),
            ]
        };
        for (coding, bytes) in packed(b"alice") {
            assert_eq!(decode(coding, &bytes).unwrap(), b"alice", "{coding}");
            let broken = bytes.get(..bytes.len() / 2).unwrap();
            assert_eq!(
                decode(coding, broken),
                Err(ExchangeError::Spoilt),
                "{coding}"
            );
        }
        for (coding, bytes) in packed(&vec![b'a'; LONGEST_ANSWER + 1]) {
            assert_eq!(
                decode(coding, &bytes),
                Err(ExchangeError::Spoilt),
                "{coding}"
            );
        }
        let other = decode("br", b"x").unwrap_err();
        assert_eq!(other, ExchangeError::Encoding("br".to_owned()));
    }

    fn gzip_again(text: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    }
}
