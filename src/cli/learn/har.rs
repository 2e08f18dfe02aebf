//! HAR files (HTTP Archive 1.2), as the network tools of browsers save them.

use crate::cli::error::CliError;
use crate::domain::Method;
use crate::proxy::{MOST_OF_A_BODY, RecordedExchange, Recording};
use bytes::Bytes;
use data_encoding::BASE64;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use url::Url;

/// What a file holds.
#[derive(Default)]
pub(super) struct HarFile {
    /// The exchanges with each origin, in the order of the first.
    pub(super) origins: Vec<(String, Recording)>,
}

/// Reads a file, an entry at a time.
pub(super) fn read(path: &Path) -> Result<HarFile, CliError> {
    let name = path.display().to_string();
    let failed = CliError::io(format!("cannot read `{name}`"));
    let file: Box<dyn Read> = if name == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    let mut har = HarFile::default();
    let mut reader = serde_json::Deserializer::from_reader(BufReader::new(file.take(LARGEST)));
    let read = Members {
        wanted: "log",
        then: Members {
            wanted: "entries",
            then: HarEntries(&mut har),
        },
    }
    .deserialize(&mut reader);
    read.map_err(|error| {
        let message = format!(
            "`{name}` is no HAR file ({error}): in the browser's developer tools, tab “Network”, choose “Save all \
             as HAR”"
        );
        CliError::Impossible(message)
    })?;
    Ok(har)
}

impl HarFile {
    fn keep(&mut self, entry: HarEntry) {
        let Some((origin, exchange)) = entry.into_exchange() else {
            return;
        };
        let known = self.origins.iter().position(|(known, _)| *known == origin);
        let place = match known {
            Some(place) => place,
            None if self.origins.len() < MOST_ORIGINS => {
                self.origins.push((origin, Recording::default()));
                self.origins.len() - 1
            }
            None => return,
        };
        if let Some((_, recording)) = self.origins.get_mut(place) {
            recording.keep(exchange);
        }
    }
}

/// Reads one member of an object, and passes over the others.
struct Members<T> {
    wanted: &'static str,
    then: T,
}

impl<'de, T: DeserializeSeed<'de, Value = ()>> DeserializeSeed<'de> for Members<T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: DeserializeSeed<'de, Value = ()>> Visitor<'de> for Members<T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", self.wanted)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { wanted, then } = self;
        let mut then = Some(then);
        while let Some(name) = map.next_key::<String>()? {
            match then.take_if(|_| name == wanted) {
                Some(then) => map.next_value_seed(then)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match then {
            None => Ok(()),
            Some(_) => Err(serde::de::Error::missing_field(wanted)),
        }
    }
}

/// Reads the entries, one after the other.
struct HarEntries<'h>(&'h mut HarFile);

impl<'de> DeserializeSeed<'de> for HarEntries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for HarEntries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element::<HarEntry>()? {
            self.0.keep(entry);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct HarEntry {
    request: HarRequest,
    response: HarResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<HarPair>,
    #[serde(default)]
    cookies: Vec<HarCookie>,
    post_data: Option<HarPost>,
}

#[derive(Deserialize)]
struct HarResponse {
    status: i64,
    #[serde(default)]
    headers: Vec<HarPair>,
    #[serde(default)]
    cookies: Vec<HarCookie>,
    #[serde(default)]
    content: HarContent,
}

#[derive(Deserialize)]
struct HarPair {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarCookie {
    name: String,
    #[serde(default)]
    value: String,
    path: Option<String>,
    http_only: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarPost {
    #[serde(default)]
    mime_type: String,
    text: Option<String>,
    #[serde(default)]
    params: Vec<HarPair>,
}

#[derive(Default, Deserialize)]
struct HarContent {
    text: Option<String>,
    encoding: Option<String>,
}

impl HarEntry {
    /// The exchange and its origin; `None` if it has none or was not answered.
    fn into_exchange(self) -> Option<(String, RecordedExchange)> {
        let Self { request, response } = self;
        let url = Url::parse(&request.url).ok()?;
        if !["http", "https"].contains(&url.scheme()) || response.status <= 0 {
            return None;
        }
        // Of others there is no login, and no request passes here.
        let method: Method = request.method.parse().ok()?;
        let mut asked = headers(&request.headers);
        // Some tools keep cookies in a member of their own alone.
        if !asked.contains_key(header::COOKIE) && !request.cookies.is_empty() {
            let pairs = request.cookies.iter();
            let pairs = pairs.map(|cookie| format!("{}={}", cookie.name, cookie.value));
            insert(
                &mut asked,
                header::COOKIE,
                &pairs.collect::<Vec<_>>().join("; "),
            );
        }
        let sent = request.post_data.map(|post| sent(post, &mut asked));
        let mut told = headers(&response.headers);
        if !told.contains_key(header::SET_COOKIE) {
            for cookie in &response.cookies {
                let path = cookie.path.as_deref().unwrap_or("/");
                let http_only = if cookie.http_only == Some(true) {
                    "; HttpOnly"
                } else {
                    ""
                };
                let line = format!("{}={}; Path={path}{http_only}", cookie.name, cookie.value);
                insert(&mut told, header::SET_COOKIE, &line);
            }
        }
        let query = url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let exchange = RecordedExchange {
            method: method.as_str().parse().ok()?,
            target: format!("{}{query}", url.path()),
            request: asked,
            sent: sent.unwrap_or_default(),
            status: u16::try_from(response.status).ok()?,
            response: told,
            answer: response.content.bytes(),
        };
        Some((url.origin().ascii_serialization(), exchange))
    }
}

impl HarContent {
    fn bytes(self) -> Vec<u8> {
        let text = self.text.unwrap_or_default();
        let mut bytes = match self.encoding.as_deref() {
            Some("base64") => BASE64.decode(text.as_bytes()).unwrap_or_default(),
            Some(_) | None => text.into_bytes(),
        };
        bytes.truncate(MOST_OF_A_BODY);
        bytes
    }
}

/// What was sent; some browsers give only the fields of a form.
fn sent(post: HarPost, headers: &mut HeaderMap) -> Bytes {
    let kind = headers.get(header::CONTENT_TYPE);
    // Of a form in parts the text may be without its boundary, and with whole files.
    let is_in_parts = post.mime_type.to_ascii_lowercase().contains("multipart");
    let text = post.text.unwrap_or_default();
    if post.params.is_empty() || (!text.is_empty() && !is_in_parts) {
        if kind.is_none() {
            insert(headers, header::CONTENT_TYPE, &post.mime_type);
        }
        let mut text = text.into_bytes();
        text.truncate(MOST_OF_A_BODY);
        return text.into();
    }
    // Chromium leaves them escaped.
    let pairs = post.params.iter();
    let pairs = pairs.map(|pair| (unescaped(&pair.name), unescaped(&pair.value)));
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    headers.remove(header::CONTENT_TYPE);
    insert(
        headers,
        header::CONTENT_TYPE,
        "application/x-www-form-urlencoded",
    );
    Bytes::from(body)
}

fn unescaped(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn headers(pairs: &[HarPair]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for pair in pairs {
        // HTTP/2 has pseudo-headers among them, and Firefox joins several `Set-Cookie` by line ends.
        let Ok(name) = HeaderName::from_bytes(pair.name.as_bytes()) else {
            continue;
        };
        for line in pair.value.split('\n') {
            insert(&mut headers, name.clone(), line);
        }
    }
    headers
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
        headers.append(name, value);
    }
}

/// The largest file, in bytes; more is not read, and the file then ends in the middle.
const LARGEST: u64 = 2 << 30;
const MOST_ORIGINS: usize = 64;
