//! The context of one request: its client and connection, its id, and what our responses depend on.

mod choices;
mod dialog;

use crate::audit::{Event, EventKind, Outcome};
use crate::domain::{Demand, Method, Reason, SessionId, Subject, Timestamp};
use crate::locale::Locale;
use crate::request::client_kind::{ClientHints, ClientKind, FetchSite};
use crate::request::connection::ClientConnection;
use crate::request::headers::Peer;
use crate::request::request_id::RequestId;
use crate::request::site::{Site, SiteOptions};
use crate::transport::streams::Stream;
use http::header::Entry;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Version, header};
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::Instant;

/// What is kept of a request beside its head and body.
#[derive(Debug)]
pub(crate) struct RequestContext<'w> {
    /// The connection that it came on.
    pub(crate) connection: &'w ClientConnection,
    /// Our prefix and origins, and the login page.
    pub(crate) options: &'w SiteOptions,
    /// The stream that it came on, over HTTP/2.
    pub(crate) stream: Option<Rc<Stream>>,
    /// The request id, in logs and towards the application.
    pub(crate) id: RequestId,
    /// What its headers tell of the client.
    pub(crate) hints: ClientHints,
    /// The client's address.
    pub(crate) client: IpAddr,
    /// The method of the request line.
    pub(crate) method: Option<Method>,
    /// The deadline of the whole request, if it has one.
    pub(crate) deadline: Option<Instant>,
    http1: bool,
    /// `http` or `https`, as the client sees it.
    scheme: &'static str,
    /// The host as the client wrote it, with its port.
    pub(crate) authority: HeaderValue,
    /// The target, path and query.
    target: Option<PathAndQuery>,
    /// The lines of cookies: the first, and those after it.
    cookies: (Option<HeaderValue>, Vec<HeaderValue>),
    /// What the policies led to, once that is decided.
    decided: Cell<Option<(Outcome, Option<Reason>)>>,
    /// The cookies that the application set when it was asked about the request, for the answer to it.
    asked: RefCell<Vec<Arc<HeaderMap>>>,
    /// The language that was chosen with this request.
    chosen: Cell<Option<Locale>>,
}

/// What is known of a request apart from its head.
#[derive(Debug)]
pub(crate) struct Received {
    /// The request id.
    pub(crate) id: RequestId,
    /// The client's address.
    pub(crate) client: IpAddr,
    /// The stream that it came on, over HTTP/2.
    pub(crate) stream: Option<Rc<Stream>>,
    /// The deadline of the whole request, if it has one.
    pub(crate) deadline: Option<Instant>,
}

impl<'w> RequestContext<'w> {
    /// Reads the head before it is normalized, so that every refusal can be answered and logged.
    pub(crate) fn new(
        connection: &'w ClientConnection,
        options: &'w SiteOptions,
        received: Received,
        parts: &Parts,
    ) -> Self {
        let Received {
            id,
            client,
            stream,
            deadline,
        } = received;
        let method = parts.method.as_str().parse().ok();
        let host = || parts.headers.get(header::HOST).cloned();
        let named = || HeaderValue::from_str(parts.uri.authority()?.as_str()).ok();
        // TLS may end at the trusted proxy in front.
        let forwarded_https = || {
            let scheme = parts.headers.get("x-forwarded-proto");
            scheme.is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
        };
        let scheme = match connection.data.hop.peer() {
            Peer::Trusted if forwarded_https() => "https",
            Peer::Anyone | Peer::Trusted => connection.data.hop.scheme(),
        };
        let mut cookies = parts.headers.get_all(header::COOKIE).iter();
        let mut context = Self {
            connection,
            options,
            stream,
            scheme,
            id,
            hints: ClientHints::of(method, &parts.headers),
            client,
            method,
            deadline,
            http1: parts.version != Version::HTTP_2,
            authority: host()
                .or_else(named)
                .unwrap_or(HeaderValue::from_static("")),
            target: parts.uri.path_and_query().cloned(),
            cookies: (cookies.next().cloned(), cookies.cloned().collect()),
            decided: Cell::default(),
            asked: RefCell::default(),
            chosen: Cell::default(),
        };
        // In a page of another origin, our paths are not ours: it gets what any script does.
        if context.hints.kind.library().is_some() && !context.is_same_origin() {
            context.hints.kind = ClientKind::Fetch;
        }
        context
    }

    /// Whether the client uses HTTP/1, where `Connection: close` ends a connection.
    pub(crate) fn is_http1(&self) -> bool {
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

    /// The application's session cookies that came with the request, and those that the settings name:
    /// names, and the paths that browsers know them by.
    pub(crate) fn session_cookies(&self) -> Vec<(String, String)> {
        let lines = self.cookie_lines();
        let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
        let names = pairs.filter_map(|pair| {
            let name = pair.split(|byte| *byte == b'=').next()?;
            std::str::from_utf8(name.trim_ascii()).ok()
        });
        let carried: Vec<&str> = names.collect();
        let mut found = Vec::new();
        for cookie in &self.options.session_cookies {
            let path = cookie.path.as_ref();
            let path = path.map_or(Some("/"), |path| path.above(self.path()));
            let carried = carried.iter().filter(|name| cookie.covers(name.as_bytes()));
            let named = cookie.only().into_iter().chain(carried.copied());
            found.extend(path.into_iter().flat_map(|path| {
                let named = named.clone();
                named.map(|name| (name.to_owned(), path.to_owned()))
            }));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether a browser says that the request comes from a page of our own origin. Unlike
    /// [`is_same_origin`](Self::is_same_origin), a missing header counts as another origin.
    pub(crate) fn is_told_same_origin(&self) -> bool {
        match self.hints.origin() {
            Some(origin) => self.is_own(origin),
            None => self.hints.site == FetchSite::Own,
        }
    }

    /// The origin of the page that asks, if it is one of those that may read our answers.
    pub(crate) fn listed_origin(&self) -> Option<&HeaderValue> {
        self.hints
            .origin()
            .filter(|origin| self.options.lists(origin))
    }

    /// Whether answers of ours differ by the origin that asks (Fetch §3.3.5): so for those that are not listed, too.
    pub(crate) fn reads_origin(&self) -> bool {
        !self.options.cors_origins.is_empty()
    }

    /// Where our own pages stand for this client.
    pub(crate) fn site(&self) -> Site {
        Site {
            locale: self.locale(),
            here: self.here(),
            prefix: self
                .options
                .prefix_for(self.path())
                .trim_end_matches('/')
                .to_owned(),
            host: self.authority().to_owned(),
            brand: self.options.brand.clone(),
            dialog: self.is_in_dialog(),
        }
    }

    /// The origin that this client sees us under.
    pub(crate) fn origin(&self) -> String {
        match &self.options.public_origin {
            Some(origin) => origin.to_string(),
            None => format!("{}://{}", self.scheme, self.authority()),
        }
    }

    /// Whether an origin is ours. Without `public_url` and a trusted proxy that tells the scheme, people may come
    /// over https to whatever ends TLS in front of us: then the host alone decides, which the browser names.
    pub(super) fn is_own(&self, origin: &HeaderValue) -> bool {
        let is_known = self.options.public_origin.is_some()
            || self.scheme == "https"
            || self.connection.data.hop.peer() == Peer::Trusted;
        if is_known {
            return origin.as_bytes() == self.origin().as_bytes();
        }
        let schemes = [&b"https://"[..], b"http://"];
        let host = schemes
            .iter()
            .find_map(|scheme| origin.as_bytes().strip_prefix(*scheme));
        host.is_some_and(|host| !host.is_empty() && host == self.authority.as_bytes())
    }

    /// Whether the request comes from a page of our own, as far as browsers tell.
    ///
    /// Old browsers and programs tell nothing; then the token that every form carries decides.
    pub(crate) fn is_same_origin(&self) -> bool {
        match self.hints.origin() {
            Some(origin) => self.is_own(origin),
            None => self.hints.site != FetchSite::Other,
        }
    }

    /// Begins an event of the audit log about this request.
    pub(crate) fn event(&self, now: Timestamp, kind: EventKind, outcome: Outcome) -> Event<'_> {
        let mut event = Event::new(now, kind, outcome);
        event.request_id = Some(self.id.as_str());
        event.client = Some(self.client);
        event.method = self.method;
        event.path = self.target.as_ref().map(PathAndQuery::path);
        event
    }

    /// An event about what was decided for this request.
    pub(crate) fn decision<'e>(
        &'e self,
        now: Timestamp,
        outcome: Outcome,
        reason: Option<Reason>,
        demands: &'e [Demand],
        who: (Option<SessionId>, Option<&'e Subject>),
    ) -> Event<'e> {
        self.decided.set(Some((outcome, reason)));
        let mut event = self.event(now, EventKind::Decision, outcome);
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

    /// What the policies led to, if that is decided.
    pub(crate) fn decided(&self) -> Option<(Outcome, Option<Reason>)> {
        self.decided.get()
    }

    /// Keeps `Set-Cookie` lines that belong into the answer.
    pub(crate) fn hand_on(&self, cookies: Arc<HeaderMap>) {
        self.asked.borrow_mut().push(cookies);
    }

    /// Puts them into the answer, once, before what it sets itself: that is newer.
    pub(crate) fn set_cookies(&self, answer: &mut HeaderMap) {
        let asked = self.asked.take();
        if asked.is_empty() {
            return;
        }
        let own: Vec<_> = match answer.entry(header::SET_COOKIE) {
            Entry::Occupied(entry) => entry.remove_entry_mult().1.collect(),
            Entry::Vacant(_) => Vec::new(),
        };
        let asked = asked.iter().flat_map(|lines| lines.values().cloned());
        for line in asked.chain(own) {
            answer.append(header::SET_COOKIE, line);
        }
    }

    fn cookie_lines(&self) -> impl Iterator<Item = &HeaderValue> {
        self.cookies.0.iter().chain(&self.cookies.1)
    }

    /// The host as the client wrote it, with its port.
    pub(crate) fn authority(&self) -> &str {
        self.authority.to_str().unwrap_or_default()
    }

    /// Whether the peer is a trusted proxy, whose assertions count.
    pub(crate) fn is_trusted(&self) -> bool {
        self.connection.data.hop.peer() == Peer::Trusted
    }
}
