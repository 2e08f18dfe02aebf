//! Requests that other proxies ask about, and forward by themselves.

use super::body::ProxyBody;
use super::error::ProxyError;
use super::forward::give_back;
use super::inline_code::InlineCode;
use super::outbound::Outbound;
use super::state::{ProxyOptions, Role, Worker};
use crate::domain::{FoundRoutes, Reason, RouteTable, Secret};
use crate::gate::Permitted;
use crate::request::body::RequestBody;
use crate::request::connection::ClientConnection;
use crate::request::context::RequestContext;
use crate::request::question::{KnownPart, QuestionError, read_question};
use crate::session::DoubledCredential;
use crate::web::respond;
use http::request::Parts;
use http::{HeaderMap, Response};
use http_body::Body;
use hyper::body::Incoming;

/// Where a request goes that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlet {
    /// To the application.
    Application,
    /// Nowhere from here: the proxy that asks, and has told this much, is told that it may pass.
    Asker(KnownPart),
    /// Nowhere: another proxy forwards, and sends us what is for our own endpoints and what it refused, to be told
    /// why. Were it forwarded from here, a request that this proxy refused for a reason of its own would pass.
    Nowhere,
}

impl Outlet {
    /// Where a request on a listener goes; one that is asked about is read into `parts`.
    pub(super) fn of(
        role: Role,
        options: &ProxyOptions,
        connection: &ClientConnection,
        parts: &mut Parts,
        body: &Incoming,
    ) -> Result<Self, QuestionError> {
        match (&options.asking, role) {
            (None, Role::Public) => Ok(Self::Application),
            (Some(_), Role::Public) => Ok(Self::Nowhere),
            (Some(asking), Role::Asked) => {
                let peer = connection.data.hop.peer();
                let length = body.size_hint().exact();
                read_question(parts, peer, asking, &options.headers, length).map(Self::Asker)
            }
            (None, Role::Asked) => Err(QuestionError::Unknown),
        }
    }

    /// Refuses our own endpoints to a proxy that asks: it sends those to us, and one in another spelling it might send to
    /// the application.
    pub(super) fn must_serve(self) -> Result<(), ProxyError> {
        match self {
            Self::Application | Self::Nowhere => Ok(()),
            Self::Asker(_) => Err(ProxyError::Refused(Reason::NotFound)),
        }
    }

    /// The body of a request, as far as we are shown it.
    pub(super) fn content(
        self,
        worker: &Worker,
        context: &RequestContext<'_>,
        body: Incoming,
    ) -> RequestBody {
        let options = &worker.shared.options;
        match self {
            Self::Asker(KnownPart::Head) => RequestBody::Withheld,
            Self::Application | Self::Asker(KnownPart::Whole) | Self::Nowhere => {
                RequestBody::new(body, options.limits.body, context.body_deadlines)
            }
        }
    }

    /// Takes a code out of the request that it came with. Where another proxy forwards that, it has the code still.
    pub(super) fn take_code(
        self,
        headers: &mut HeaderMap,
        (table, found): (&RouteTable, &FoundRoutes),
        appended: Option<Secret<String>>,
    ) -> Result<Option<InlineCode>, DoubledCredential> {
        match self {
            Self::Application => {
                let code = InlineCode::take(headers, found, appended)?;
                InlineCode::keep_keys(headers, table.inline_headers());
                Ok(code)
            }
            Self::Asker(_) | Self::Nowhere => Ok(None),
        }
    }

    /// Answers in place of the application.
    pub(super) async fn answer(
        self,
        worker: &Worker,
        permitted: Permitted<Outbound<'_>>,
    ) -> Result<Response<ProxyBody>, ProxyError> {
        if matches!(self, Self::Asker(_)) {
            let teller = worker.web.shared.teller.as_ref();
            let names = &worker.shared.options.headers.told;
            let told = permitted.map(|outbound| outbound.into_told(teller, names));
            return Ok(respond::admitted(told).map(ProxyBody::own));
        }
        give_back(&worker.sessions, permitted.into_claims()).await;
        Err(ProxyError::Refused(Reason::NotFound))
    }
}
