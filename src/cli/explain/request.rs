//! The request that is asked about, put together from the command line.

use crate::cli::arguments::Explain;
use crate::cli::error::CliError;
use crate::domain::Method;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};

/// A request as a client would send it.
pub(super) struct SampleRequest {
    pub(super) method: Method,
    /// Lower case, without port; empty if none was named.
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl SampleRequest {
    pub(super) fn read(arguments: &Explain) -> Result<Self, CliError> {
        let method = arguments.method.to_ascii_uppercase();
        let method = method
            .parse::<Method>()
            .map_err(|error| CliError::Usage(error.to_string()))?;
        let (authority, target) = split(&arguments.url)?;
        let mut headers = headers(&arguments.header)?;
        let host = match &authority {
            Some(authority) => Some(authority.clone()),
            None => headers
                .get(HOST)
                .and_then(|host| host.to_str().ok())
                .map(str::to_owned),
        };
        let body = body(arguments, &mut headers);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (target, None),
        };
        Ok(Self {
            method,
            host: host.map(|host| without_port(&host)).unwrap_or_default(),
            path,
            query,
            headers,
            body,
        })
    }

    /// Whether it is the handshake of another protocol, such as a WebSocket's.
    pub(super) fn upgrades(&self) -> bool {
        self.headers.contains_key(UPGRADE)
    }

    /// Host, path and query, for people.
    pub(super) fn target(&self) -> String {
        let query = self.query.as_ref().map(|query| format!("?{query}"));
        format!("{}{}{}", self.host, self.path, query.unwrap_or_default())
    }
}

/// The authority, if there is one, and the path as it is written: nothing may tidy it up.
fn split(url: &str) -> Result<(Option<String>, String), CliError> {
    if url.starts_with('/') {
        return Ok((None, url.to_owned()));
    }
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        let message = format!(
            "`{}` is neither a path nor a URL; expected `/path` or `https://host/path`",
            url.escape_debug()
        );
        return Err(CliError::Usage(message));
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    Ok((Some(authority.to_owned()), path))
}

fn headers(written: &[String]) -> Result<HeaderMap, CliError> {
    let mut headers = HeaderMap::new();
    for text in written {
        let wrong = || {
            CliError::Usage(format!(
                "`{}` is not a header; expected `name: value`",
                text.escape_debug()
            ))
        };
        let (name, value) = text.split_once(':').ok_or_else(wrong)?;
        let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| wrong())?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn body(arguments: &Explain, headers: &mut HeaderMap) -> Vec<u8> {
    let mut content_type = |text| {
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static(text));
    };
    if let Some(json) = &arguments.json {
        content_type("application/json");
        return json.clone().into_bytes();
    }
    if arguments.form.is_empty() {
        return Vec::new();
    }
    content_type("application/x-www-form-urlencoded");
    let fields = arguments.form.iter();
    let fields = fields.map(|field| field.split_once('=').unwrap_or((field, "")));
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).finish().into_bytes()
}

fn without_port(authority: &str) -> String {
    let host = match authority.rsplit_once(':') {
        // `[::1]` has no port.
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    host.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_is_written() {
        let split = |url| split(url).unwrap();
        assert_eq!(split("/a/../b%2f"), (None, "/a/../b%2f".to_owned()));
        let (host, path) = split("https://App.example.com:8443//x?y=1");
        assert_eq!(without_port(&host.unwrap()), "app.example.com");
        assert_eq!(path, "//x?y=1");
        assert_eq!(split("http://a?b").1, "/?b");
        assert!(super::split("users/42").is_err());
    }
}
