//! One request's visit: who came, to whom an answer is due, and under which name it is logged.

use super::audience::{Audience, FetchSite};
use super::content::Patience;
use super::headers::Peer;
use super::house::{Connection, Worker};
use super::open::Close;
use super::pages::Site;
use super::request_id::RequestId;
use crate::audit::{Event, EventKind, Outcome};
use crate::domain::{Demand, Method, Reason, ReturnTarget, SessionId, Subject};
use crate::transport::streams::Stream;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Version, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::net::IpAddr;
use std::rc::Rc;
use tokio::time::Instant;

/// Everything about a request that outlives its head.
#[derive(Debug)]
pub(crate) struct Visit<'w> {
    /// The thread's part of the house.
    pub(crate) worker: &'w Rc<Worker>,
    /// Who is on the line.
    pub(crate) connection: &'w Connection,
    /// The stream that it came on, over HTTP/2.
    pub(crate) stream: Option<Rc<Stream>>,
    /// The request's name in logs and upstream.
    pub(crate) id: RequestId,
    /// Who hears our answer.
    pub(crate) audience: Audience,
    /// Who the client is.
    pub(crate) client: IpAddr,
    /// The method of the request line.
    pub(crate) method: Option<Method>,
    /// When all of the request must have ended, if that is limited.
    pub(crate) deadline: Option<Instant>,
    http1: bool,
    /// `http` or `https`, as the client sees it.
    scheme: &'static str,
    /// The host as the client wrote it, with its port.
    pub(crate) authority: HeaderValue,
    /// The target, path and query.
    target: Option<PathAndQuery>,
}

impl<'w> Visit<'w> {
    /// Notes who came, before anything about the request is believed.
    pub(crate) fn new(
        worker: &'w Rc<Worker>,
        connection: &'w Connection,
        stream: Option<Rc<Stream>>,
        parts: &Parts,
    ) -> Self {
        let method = parts.method.as_str().parse().ok();
        let told = || parts.headers.get(header::HOST).cloned();
        let named = || HeaderValue::from_str(parts.uri.authority()?.as_str()).ok();
        // TLS may end at the trusted proxy in front.
        let told_https = || {
            let told = parts.headers.get("x-forwarded-proto");
            told.is_some_and(|told| told.as_bytes().eq_ignore_ascii_case(b"https"))
        };
        let scheme = match connection.data.hop.peer() {
            Peer::Trusted if told_https() => "https",
            Peer::Anyone | Peer::Trusted => connection.data.hop.scheme(),
        };
        Self {
            worker,
            connection,
            stream,
            scheme,
            id: worker.ids.next(),
            audience: Audience::of(method, &parts.headers),
            client: worker
                .house
                .options
                .trusted_proxies
                .client(connection.peer, &parts.headers),
            method,
            deadline: worker.deadline(),
            http1: parts.version != Version::HTTP_2,
            authority: told()
                .or_else(named)
                .unwrap_or(HeaderValue::from_static("")),
            target: parts.uri.path_and_query().cloned(),
        }
    }

    /// How it is ended before its time: a stream by itself, HTTP/1 with its connection.
    pub(crate) fn close(&self) -> Close {
        match &self.stream {
            Some(stream) => Close::Stream(stream.clone()),
            None => Close::Connection(self.connection.line.clone()),
        }
    }

    /// How long its body may take to come.
    pub(crate) fn patience(&self) -> Patience {
        let deadlines = &self.worker.house.options.limits.deadlines;
        Patience {
            progress: deadlines.progress,
            whole: deadlines.body,
            until: self.deadline,
        }
    }

    /// Whether the client speaks HTTP/1, whose connections can be told to close.
    pub(crate) fn speaks_http1(&self) -> bool {
        self.http1
    }

    /// The path and query that were asked for.
    pub(crate) fn target(&self) -> &str {
        self.target.as_ref().map_or("/", PathAndQuery::as_str)
    }

    /// The path alone: a query may hold what no log should.
    pub(crate) fn path(&self) -> &str {
        self.target.as_ref().map_or("/", PathAndQuery::path)
    }

    /// The application's login page, on the way to where the client wanted to go.
    pub(crate) fn login_url(&self) -> Option<String> {
        let page = self.worker.house.sessions.login_page.as_ref()?;
        let wanted = if self.audience.safe {
            self.target()
        } else {
            "/"
        };
        Some(page.replace("{path}", &escaped(wanted)))
    }

    /// The login page, on the way to where a challenge returns to.
    pub(crate) fn login_url_for(&self, target: &ReturnTarget) -> Option<String> {
        let page = self.worker.house.sessions.login_page.as_ref()?;
        let wanted = match target {
            ReturnTarget::Path(path) => path.as_str(),
            ReturnTarget::Caller | ReturnTarget::Form(_) => "/",
        };
        Some(page.replace("{path}", &escaped(wanted)))
    }

    /// Whether a browser says that the request comes from a page of our own origin. Unlike
    /// [`is_same_origin`](Self::is_same_origin), silence is no consent.
    pub(crate) fn is_told_same_origin(&self) -> bool {
        match self.audience.origin() {
            Some(origin) => origin.as_bytes() == self.origin().as_bytes(),
            None => self.audience.site == FetchSite::Own,
        }
    }

    /// The origin of the page that asks, if it is one of those that may read our answers.
    pub(crate) fn listed_origin(&self) -> Option<&HeaderValue> {
        self.audience
            .origin()
            .filter(|origin| self.worker.house.options.lists(origin))
    }

    /// Where our own pages stand for this client.
    pub(crate) fn site(&self) -> Site {
        Site {
            locale: self.audience.locale(),
            prefix: self
                .worker
                .house
                .options
                .prefix
                .trim_end_matches('/')
                .to_owned(),
            host: self.authority().to_owned(),
        }
    }

    /// The origin that this client sees us under.
    pub(crate) fn origin(&self) -> String {
        match &self.worker.house.options.public_origin {
            Some(origin) => origin.clone(),
            None => format!("{}://{}", self.scheme, self.authority()),
        }
    }

    /// Whether the request comes from a page of our own, as far as browsers tell.
    ///
    /// Old browsers and programs tell nothing; then the token that every form carries decides.
    pub(crate) fn is_same_origin(&self) -> bool {
        match self.audience.origin() {
            Some(origin) => origin.as_bytes() == self.origin().as_bytes(),
            None => self.audience.site != FetchSite::Other,
        }
    }

    /// Begins an event of the audit log about this request.
    pub(crate) fn event(&self, kind: EventKind, outcome: Outcome) -> Event<'_> {
        let mut event = Event::new(self.worker.house.clock.now(), kind, outcome);
        event.request_id = Some(self.id.as_str());
        event.client = Some(self.client);
        event.method = self.method;
        event.path = self.target.as_ref().map(PathAndQuery::path);
        event
    }

    /// An event about what was decided for this request.
    pub(crate) fn decision<'e>(
        &'e self,
        outcome: Outcome,
        reason: Option<Reason>,
        demands: &'e [Demand],
        who: (Option<SessionId>, Option<&'e Subject>),
    ) -> Event<'e> {
        let mut event = self.event(EventKind::Decision, outcome);
        event.reason = reason;
        let strictest = demands.iter().max_by_key(|demand| demand.requirement.level);
        if let Some(Demand { requirement, .. }) = strictest {
            event.action = Some(&requirement.action);
            event.level = Some(requirement.level);
            event.enforcement = Some(requirement.enforcement);
        }
        event.session = who.0;
        event.subject = who.1;
        event
    }

    /// The host as the client wrote it, with its port.
    pub(crate) fn authority(&self) -> &str {
        self.authority.to_str().unwrap_or_default()
    }

    /// Whether a trusted proxy speaks; its assertions count.
    pub(crate) fn is_trusted(&self) -> bool {
        self.connection.data.hop.peer() == Peer::Trusted
    }

    /// What a trusted proxy asserts of the caller.
    pub(crate) fn asserted(&self, headers: &HeaderMap) -> Option<crate::session::Asserted> {
        let names = self.worker.house.sessions.asserted.as_ref()?;
        if self.is_trusted() {
            names.read(headers)
        } else {
            None
        }
    }
}

/// Escapes a text for a query: all but the unreserved characters (RFC 3986 §2.3) and the slash.
fn escaped(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'/');
    utf8_percent_encode(text, KEPT).to_string()
}
