//! Asks the application, within a deadline and with a bound on how many questions are under way.

use super::answers::{Lookup, WhoamiAnswer, WhoamiAnswers, WhoamiResult};
use super::error::WhoamiError;
use super::question::{Question, credentials_in};
use super::rules::{Answered, UnclearPath, WhoamiRule};
use crate::domain::{RequestPath, RiskLevel, SessionId};
use crate::request::context::RequestContext;
use crate::request::headers::{HeaderRules, cleanse_response};
use crate::session::{Asserted, KeyNames, SessionOptions};
use crate::transport::upstream::{Pool, SendError, UpstreamBody};
use bytes::BytesMut;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::BodyExt;
use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// How many questions of one sidecar may be under way; further ones wait, within their deadline.
const MOST_AT_ONCE: usize = 64;
/// How large an answer may be, also once it is decompressed.
const LONGEST_ANSWER: usize = 1024 * 1024;

impl From<UnclearPath> for WhoamiError {
    fn from(UnclearPath: UnclearPath) -> Self {
        Self::UnclearPath
    }
}

/// What all threads share for asking.
#[derive(Debug)]
pub struct SharedAsker {
    /// The answers of a moment ago.
    pub answers: Arc<WhoamiAnswers>,
    /// What the application is told of the client.
    pub headers: HeaderRules,
    permits: Semaphore,
}

impl SharedAsker {
    /// For one sidecar.
    pub fn new(headers: HeaderRules) -> Self {
        Self {
            answers: Arc::default(),
            headers,
            permits: Semaphore::new(MOST_AT_ONCE),
        }
    }
}

/// One thread's way to ask.
#[derive(Debug)]
pub(crate) struct Asker {
    shared: Arc<SharedAsker>,
    pool: Pool,
}

/// A request whose sender is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskedRequest<'r> {
    pub(crate) path: &'r RequestPath<'r>,
    pub(crate) query: Option<&'r str>,
    pub(crate) headers: &'r HeaderMap,
    /// The session that its credentials make.
    pub(crate) session: Option<SessionId>,
}

impl Asker {
    /// For one thread.
    pub(crate) fn new(shared: Arc<SharedAsker>, pool: Pool) -> Self {
        Self { shared, pool }
    }

    /// Whether requests of any of these levels to this path are confirmed before they are let out.
    pub(crate) fn confirms(
        options: &SessionOptions,
        path: &RequestPath<'_>,
        mut levels: impl Iterator<Item = RiskLevel>,
    ) -> Result<bool, WhoamiError> {
        let rule = rule(options, path)?;
        Ok(rule.is_some_and(|rule| levels.any(|level| rule.confirm.contains(&level))))
    }

    /// Forgets what was answered for a session.
    pub(crate) fn forget(&self, session: SessionId) {
        self.shared.answers.forget(session);
    }

    /// The question about a request, to be asked later as well; `None` if none is declared for its path.
    pub(crate) fn question(
        options: &SessionOptions,
        request: &AskedRequest<'_>,
    ) -> Result<Option<Question>, WhoamiError> {
        let Some(rule) = rule(options, request.path)? else {
            return Ok(None);
        };
        let target = rule.target(request.path.raw())?;
        let credentials = credentials(&options.key_names, request.query);
        let question = Question::new(rule, &target, request.headers, &credentials);
        Ok(Some(question))
    }

    /// Asks who sent a request, or knows it of a moment ago; `None` if no question is declared for its path.
    pub(crate) async fn ask(
        &self,
        options: &SessionOptions,
        context: &RequestContext<'_>,
        request: &AskedRequest<'_>,
    ) -> Result<Option<WhoamiAnswer>, WhoamiError> {
        let Some(rule) = rule(options, request.path)? else {
            return Ok(None);
        };
        let target = rule.target(request.path.raw())?;
        let credentials = credentials(&options.key_names, request.query);
        let question = || Question::new(rule, &target, request.headers, &credentials);
        // Another client's question on a connection that is logged in by itself has another answer.
        if context.connection.data.is_authenticated() {
            return self.send(context, question()).await.map(Some);
        }
        let answers = &self.shared.answers;
        let headers = request.headers;
        let key = Question::key(answers, rule, &target, headers, &credentials, context);
        loop {
            match answers.look_up(key, request.session) {
                Lookup::Known(person) => {
                    let cookies = Arc::default();
                    return Ok(Some(WhoamiAnswer { person, cookies }));
                }
                Lookup::Yours(ticket) => {
                    let result = self.send(context, question()).await;
                    ticket.answered(&result, rule.keep);
                    return result.map(Some);
                }
                Lookup::Waiting(mut waiting) => {
                    let answered = waiting.wait_for(Option::is_some).await;
                    // Whoever asked may have gone away meanwhile.
                    if let Some(result) = answered.ok().and_then(|result| result.clone()) {
                        return result.map(Some);
                    }
                }
            }
        }
    }

    /// Asks, whatever is known.
    pub(crate) async fn send(
        &self,
        context: &RequestContext<'_>,
        question: Question,
    ) -> WhoamiResult {
        let deadline = Instant::now() + question.rule.deadline;
        let asking = self.exchange(context, question, deadline);
        let answered = timeout_at(deadline, asking).await;
        answered.unwrap_or(Err(WhoamiError::Late))
    }

    async fn exchange(
        &self,
        context: &RequestContext<'_>,
        question: Question,
        deadline: Instant,
    ) -> WhoamiResult {
        let rule = question.rule.clone();
        let permit = self.shared.permits.acquire().await;
        let _permit = permit.map_err(|_| WhoamiError::Late)?;
        let request = question.into_request(context, &self.shared.headers);
        let client = context.connection.data.client();
        let sent = self.pool.send(request, client, Some(deadline)).await;
        let mut response = sent.map_err(|(error, _)| match error {
            SendError::Late { .. } => WhoamiError::Late,
            error @ (SendError::Broken { .. } | SendError::Connect(_) | SendError::Framing) => {
                WhoamiError::Unreachable(error.to_string())
            }
        })?;
        cleanse_response(response.headers_mut());
        let bytes = read(&mut response).await?;
        let bytes = decoded(response.headers(), &bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let status = response.status().as_u16();
        let person = match rule.judge(status, response.headers(), &text) {
            Answered::Person { subject, email } => Some(Asserted {
                subject,
                email,
                authenticated_at: None,
            }),
            Answered::Nobody => None,
            Answered::Unnamed => {
                tracing::debug!(request_id = %context.id, status, "`session.whoami`: the answer names nobody where `subject` looks; taken for nobody");
                None
            }
            Answered::Other => return Err(WhoamiError::Other(status)),
        };
        let lines = response.headers().get_all(header::SET_COOKIE);
        let lines = lines.iter().map(|line| (header::SET_COOKIE, line.clone()));
        Ok(WhoamiAnswer {
            person,
            cookies: Arc::new(lines.collect()),
        })
    }
}

fn rule<'o>(
    options: &'o SessionOptions,
    path: &RequestPath<'_>,
) -> Result<Option<&'o Arc<WhoamiRule>>, UnclearPath> {
    options
        .whoami()
        .map_or(Ok(None), |whoami| whoami.rule(path))
}

fn credentials(names: &KeyNames, query: Option<&str>) -> String {
    query.map_or_else(String::new, |query| {
        credentials_in(Some(query), names.parameters())
    })
}

async fn read(response: &mut Response<UpstreamBody>) -> Result<BytesMut, WhoamiError> {
    let mut read = BytesMut::new();
    while let Some(frame) = response.body_mut().frame().await {
        let frame = frame.map_err(|_| WhoamiError::Spoilt)?;
        if let Ok(data) = frame.into_data() {
            if read.len() + data.len() > LONGEST_ANSWER {
                return Err(WhoamiError::Spoilt);
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(read)
}

/// Undoes the coding of an answer (RFC 9110 §8.4.1): some compress although nobody asked for it.
fn decoded<'b>(headers: &HeaderMap, bytes: &'b [u8]) -> Result<Cow<'b, [u8]>, WhoamiError> {
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
        _ => return Err(WhoamiError::Encoding(coding)),
    };
    match read {
        Ok(length) if length <= LONGEST_ANSWER => Ok(Cow::Owned(plain)),
        Ok(_) | Err(_) => Err(WhoamiError::Spoilt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn decode(coding: &'static str, bytes: &[u8]) -> Result<Vec<u8>, WhoamiError> {
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
            assert_eq!(decode(coding, broken), Err(WhoamiError::Spoilt), "{coding}");
        }
        for (coding, bytes) in packed(&vec![b'a'; LONGEST_ANSWER + 1]) {
            assert_eq!(decode(coding, &bytes), Err(WhoamiError::Spoilt), "{coding}");
        }
        let other = decode("br", b"x").unwrap_err();
        assert_eq!(other, WhoamiError::Encoding("br".to_owned()));
    }

    fn gzip_again(text: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    }
}
