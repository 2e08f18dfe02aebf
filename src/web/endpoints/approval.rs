//! `POST verify/approval`: whoever asked for approval looks what became of it, takes it up or takes it back.

use super::browser_key::set_browser_key;
use super::onward::Onward;
use super::sent::{Expected, Sent, read};
use super::{Call, EndpointError, Known};
use crate::domain::{BrowserKeyHash, Challenge, LocalPath, Reason, Requirement, Secret};
use crate::request::body::RequestBody;
use crate::request::client_kind::ClientKind;
use crate::verification::{
    ApprovalView, AwaitingApproval, TakeUp, anti_forgery_token, hash_browser_key,
};
use crate::web::api::{ApprovalRequest, ChallengeApproval, ChallengeView, VerifyResponse};
use crate::web::pages::{self, WaitingPage};
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// Looks what became of a request: one that is approved is taken up.
pub(super) async fn look(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent = read(call, &known, &mut content, EXPECTED, |form| {
        Some(ApprovalRequest {
            token: Secret::new(form.remove("token")?),
            withdraw: form.contains_key("withdraw"),
        })
    })
    .await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = &sent;
    let (verifier, caller, token) = (&call.web.verifier, known.caller(), request.token.expose());
    // Both need the token, which opens in the session and browser that asked alone.
    let came = if request.withdraw {
        verifier.withdraw(token, call.requirement(), &caller).await
    } else {
        verifier.take_up(token, call.requirement(), &caller).await
    };
    match (came?, sent) {
        (TakeUp::Over, _) => Err(EndpointError::Refused(Reason::ChallengeExpired)),
        (TakeUp::Granted { grant, .. }, Sent::Json(_)) => {
            let response = VerifyResponse::verified(grant.expires_at, None);
            Ok(respond::json(call.context, &response))
        }
        (TakeUp::Granted { challenge, grant }, Sent::Form(request, kept)) => {
            let onward = Onward {
                call,
                challenge: &challenge,
                token: &request.token,
                expires_at: Some(grant.expires_at),
            };
            onward.page(kept.carried.as_ref())
        }
        (TakeUp::Not { challenge, view }, Sent::Json(_)) => {
            let response = VerifyResponse::waiting(&view, about(call, &challenge, &view), None);
            Ok(respond::json(call.context, &response))
        }
        (TakeUp::Not { challenge, view }, Sent::Form(request, kept)) => {
            let page = WaitingDraft {
                view: &view,
                token: request.token,
                carried: kept.carried,
                back: challenge.back,
            };
            Ok(page.shown(call, known.caller.browser_key))
        }
    }
}

/// The page of a challenge that waits for approval.
struct WaitingDraft<'a> {
    view: &'a ApprovalView,
    token: Secret<String>,
    carried: Option<Secret<String>>,
    /// Where the person was before.
    back: Option<LocalPath>,
}

impl WaitingDraft<'_> {
    /// The page, whose forms this browser alone can send.
    fn shown(self, call: &Call<'_, '_>, browser_key: Option<BrowserKeyHash>) -> Response<Bytes> {
        let shared = &call.web.sessions.shared;
        let anti_forgery = browser_key.map(|key| anti_forgery_token(&key, &shared.keys));
        let page = WaitingPage {
            view: self.view.clone(),
            token: self.token,
            anti_forgery: Secret::new(anti_forgery.unwrap_or_default()),
            carried: self.carried,
            cancel: Some(self.back.unwrap_or_else(LocalPath::root)),
        };
        let page = pages::waiting(&call.context.site(), &page);
        respond::shown(call.context, page)
    }
}

/// The answer to whoever has just asked for approval, with the browser key that they need.
pub(super) fn asked(
    call: &Call<'_, '_>,
    waiting: &AwaitingApproval,
    sent: Option<(Secret<String>, Option<Secret<String>>)>,
) -> Response<Bytes> {
    let shared = &call.web.sessions.shared;
    let (key, challenge, view) = (&waiting.browser_key, &waiting.challenge, &waiting.approval);
    let mut response = match sent {
        None => {
            let has_no_cookies = matches!(
                call.context.hints.kind,
                ClientKind::Api | ClientKind::Bearer
            );
            let key = has_no_cookies.then(|| key.clone());
            let response = VerifyResponse::waiting(view, about(call, challenge, view), key);
            respond::json(call.context, &response)
        }
        Some((token, carried)) => {
            let page = WaitingDraft {
                view,
                token,
                carried,
                back: challenge.back.clone(),
            };
            page.shown(call, hash_browser_key(key.expose(), &shared.keys))
        }
    };
    set_browser_key(&shared.browser_key, &mut response, key);
    response
}

/// What is shown of a request: whoever approves was not there, so they see where it goes, too.
pub(super) fn where_to(
    (method, target): (&str, &str),
    requirement: &Requirement,
    mut shown: Vec<(String, String)>,
) -> Vec<(String, String)> {
    if requirement.approval.is_some() {
        shown.insert(0, (method.to_owned(), target.to_owned()));
    }
    shown
}

/// The page or document of a challenge that is answered and waits; `None` for any other.
pub(super) async fn waiting(
    call: &Call<'_, '_>,
    known: &Known,
    challenge: &Challenge,
    token: &Secret<String>,
) -> Result<Option<Response<Bytes>>, EndpointError> {
    let (context, verifier, claimant) = (call.context, &call.web.verifier, known.claimant());
    let Some(asked) = verifier.approval_of(challenge, &claimant).await? else {
        return Ok(None);
    };
    let token = token.clone();
    if !context.hints.reads_pages() {
        let available = verifier.available_factors(challenge, &claimant).await?;
        let mut view = ChallengeView::new(challenge, token, &available, &context.site());
        view.approval = about(call, challenge, &asked);
        return Ok(Some(respond::json(context, &view)));
    }
    let page = WaitingDraft {
        view: &asked,
        token,
        // Only the page that posts it has it; whoever reloads that goes back to the form.
        carried: None,
        back: challenge.back.clone(),
    };
    Ok(Some(page.shown(call, known.caller.browser_key)))
}

/// Where a mail leads to a request; an error if it can only say where that is found.
pub(super) fn page_of(call: &Call<'_, '_>, view: &ApprovalView) -> Result<String, String> {
    let site = &call.web.shared.options.site;
    let path = format!("{}approvals/{}", site.prefix, view.id.to_hex());
    // Never the host that a request names: whoever sends it would choose where the link leads.
    // Without it the mail says where to look, and no link is better than a wrong one.
    match &site.public_origin {
        Some(origin) => Ok(format!("{}{path}", origin.as_str())),
        None => Err(path),
    }
}

/// Tells the approvers of a new request, by mail.
pub(super) async fn tell(call: &Call<'_, '_>, known: &Known, waiting: &AwaitingApproval) {
    let page = page_of(call, &waiting.approval);
    let locale = call.context.locale();
    let verifier = &call.web.verifier;
    verifier
        .tell_approvers(waiting, page, locale, &known.caller())
        .await;
}

fn about(
    call: &Call<'_, '_>,
    challenge: &Challenge,
    view: &ApprovalView,
) -> Option<ChallengeApproval> {
    let rule = challenge.demand.requirement.approval.as_ref()?;
    Some(ChallengeApproval::unasked(rule, &call.context.site()).with(view))
}

const EXPECTED: Expected = Expected {
    json: "JSON with the `token` of an answered challenge, and `withdraw: true` to take the request back",
    form: "the fields of the page that waits for approval: `token`",
};
