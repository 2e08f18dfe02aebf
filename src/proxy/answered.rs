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
use crate::request::headers::Peer;
use crate::request::question::{
    Convention, KnownPart, MessageError, QuestionError, admit_check, most_of_message, read_check,
    read_question,
};
use crate::session::DoubledCredential;
use crate::web::respond;
use http::request::Parts;
use http::{HeaderMap, Response};
use std::net::IpAddr;

/// Who has sent the request: the peer of a connection, and whether its word on whom it speaks for counts.
pub(super) type SentBy = (IpAddr, Peer);

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
        peer: Peer,
        parts: &mut Parts,
        content: &RequestBody,
    ) -> Result<Self, QuestionError> {
        match (&options.asking, role) {
            (None, Role::Public) => Ok(Self::Application),
            (Some(_), Role::Public) => Ok(Self::Nowhere),
            (Some(asking), Role::Asked) => {
                let length = content.length();
                read_question(parts, peer, asking, &options.headers, length).map(Self::Asker)
            }
            (None, Role::Asked) => Err(QuestionError::Unknown),
        }
    }

    /// The same for a question of Envoy by gRPC: its message holds all of the request, and from where that came.
    pub(super) async fn of_check(
        options: &ProxyOptions,
        sender: &mut SentBy,
        parts: &mut Parts,
        content: &mut RequestBody,
    ) -> Result<Self, QuestionError> {
        let asking = options.asking.as_ref().ok_or(QuestionError::Unknown)?;
        admit_check(parts, sender.1, asking)?;
        let message = content.read(most_of_message(asking)).await;
        let message = message.map_err(MessageError::from)?;
        let most = options.limits.header_bytes;
        let checked = read_check(parts, &message, asking, &options.headers, most)?;
        *content = RequestBody::Read(checked.body);
        // Envoy sees the client itself; over HTTP it repeats what is said of it.
        if let Some(source) = checked.source {
            *sender = (source, options.trusted_proxies.judge(source));
        }
        Ok(Self::Asker(checked.known))
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
    pub(super) fn content(self, body: RequestBody) -> RequestBody {
        match self {
            Self::Asker(KnownPart::Head) => RequestBody::Withheld,
            Self::Application | Self::Asker(KnownPart::Whole) | Self::Nowhere => body,
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

/// The answer to a question, in the form of its convention; `fault` is why a call of gRPC fails.
pub(super) fn suited(
    convention: Option<Convention>,
    fault: Option<respond::RpcFault>,
    mut response: Response<ProxyBody>,
) -> Response<ProxyBody> {
    match (convention, fault) {
        (Some(Convention::EnvoyGrpc), Some(fault)) => {
            respond::check_failed(&fault).map(ProxyBody::own)
        }
        (Some(Convention::EnvoyGrpc), None) => respond::checked(response.map(ProxyBody::into_own))
            .map(|message| ProxyBody::rpc(message, respond::rpc_done())),
        (convention, _) => {
            respond::suit(convention, &mut response);
            response
        }
    }
}
