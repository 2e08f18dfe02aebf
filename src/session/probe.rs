//! Asks the application as somebody who is signed in nowhere: for whoever checks the settings.

use super::exchange::{ApplicationAnswer, ExchangeError, OwnRequest, exchange};
use super::sources::WhoamiRule;
use crate::metrics::Metrics;
use crate::transport::upstream::{Client, Outgoing, Pool, UpstreamOptions};
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A client of the application without cookies. Must be used on a current-thread runtime that spawns local tasks.
pub(crate) struct ApplicationProbe {
    pool: Pool,
    host: HeaderValue,
}

impl ApplicationProbe {
    /// One that speaks to the application under this name.
    pub(crate) fn new(options: UpstreamOptions, host: HeaderValue, metrics: Arc<Metrics>) -> Self {
        let pool = Pool::new(options, Arc::default(), Arc::default(), metrics);
        Self { pool, host }
    }

    /// The status of a page; 200 of one that is too long to be read. An error says why there is none.
    pub(crate) async fn status_of(&self, page: &str, limit: Duration) -> Result<u16, String> {
        let page: PathAndQuery = page.parse().map_err(|_| "it is no path".to_owned())?;
        match self
            .ask(Method::GET, &page, &HeaderMap::new(), None, limit)
            .await
        {
            Ok(answer) => Ok(answer.status),
            Err(ExchangeError::Spoilt | ExchangeError::Encoding(_)) => Ok(200),
            Err(error @ (ExchangeError::Late | ExchangeError::Unreachable(_))) => {
                Err(error.to_string())
            }
        }
    }

    /// The status of the answer to a question of `session.whoami`, and what is wrong with it. `None` if its address
    /// depends on the request.
    pub(crate) async fn whoami(
        &self,
        rule: &WhoamiRule,
    ) -> Option<Result<(u16, Option<&'static str>), String>> {
        let target = rule.url.fixed()?;
        let headers = rule.headers.iter().cloned().collect();
        let body = rule.body.clone();
        let asked = self.ask(rule.method.clone(), target, &headers, body, rule.deadline);
        Some(match asked.await {
            Ok(answer) => {
                let status = answer.status;
                let fault = rule.fault_of_anonymous(status, &answer.headers, &answer.text());
                Ok((status, fault))
            }
            Err(error) => Err(error.to_string()),
        })
    }

    async fn ask(
        &self,
        method: Method,
        target: &PathAndQuery,
        headers: &HeaderMap,
        body: Option<Bytes>,
        limit: Duration,
    ) -> Result<ApplicationAnswer, ExchangeError> {
        let length = body.as_ref().map(Bytes::len);
        let mut request = Request::new(Outgoing::Read(body));
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from(target.clone());
        let sent = request.headers_mut();
        sent.insert(header::HOST, self.host.clone());
        sent.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        // Some applications answer nobody who does not say what they are.
        sent.insert(
            header::USER_AGENT,
            HeaderValue::from_static("stepgate-check"),
        );
        sent.extend(headers.clone());
        if let Some(length) = length {
            sent.insert(header::CONTENT_LENGTH, length.into());
        }
        let deadline = Instant::now() + limit;
        let asking = exchange(&self.pool, OwnRequest(request), Client::Many, deadline);
        timeout_at(deadline, asking)
            .await
            .unwrap_or(Err(ExchangeError::Late))
    }
}
