//! `approvals`: the requests that the caller may approve, and the decision about one of them.
//!
//! All of it needs a fresh proof, and a link that is only opened decides nothing: mail scanners open links.

use super::approval::page_of;
use super::sent::{Expected, Sent, read};
use super::{Call, EndpointError, Known};
use crate::domain::{ChallengeId, Reason, Secret, StatedPurpose};
use crate::request::body::RequestBody;
use crate::telemetry::chain;
use crate::verification::{ApprovalAnswer, ApprovalView, Decided, anti_forgery_token};
use crate::web::api::{ApprovalDocument, ApprovalsResponse, DecisionRequest, page_url};
use crate::web::own_action::OwnAction;
use crate::web::pages::{self, ApprovalPage};
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// The page of all open requests, below our prefix.
const PAGE: &str = "approvals";

/// `GET approvals`: the requests that the caller may decide.
pub(super) async fn list(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let known = proven(call, PAGE).await?;
    let context = call.context;
    let locale = context.locale();
    let requirement = |route: &_| call.web.requirement(route, locale);
    let verifier = &call.web.verifier;
    let open = verifier.open_requests(requirement, &known.caller()).await?;
    let site = context.site();
    if context.hints.reads_pages() {
        return Ok(respond::shown(context, pages::approvals(&site, &open)));
    }
    let approvals = open.iter().map(|view| ApprovalDocument::of(view, &site));
    let approvals = approvals.collect();
    Ok(respond::json(context, &ApprovalsResponse { approvals }))
}

/// `GET approvals/ID`: one request. Decides nothing.
pub(super) async fn show(call: &Call<'_, '_>, id: &str) -> Result<Response<Bytes>, EndpointError> {
    let known = call.identify().await?;
    let page = format!("{PAGE}/{id}");
    // Whoever asked is led to their own page, by the mail about the decision.
    if let Some(token) = own_token(call, &known, id).await? {
        let page = page_url(&call.context.site(), &token);
        return Ok(respond::challenge_redirect(call.context, &page));
    }
    call.must_be_proven(&known, OwnAction::Approvals, &page)
        .await?;
    // The same for one that does not exist and one of others: nobody learns of it.
    let id = ChallengeId::from_hex(id).ok_or(EndpointError::Refused(Reason::NotFound))?;
    let verifier = &call.web.verifier;
    let found = verifier
        .request(id, call.requirement(), &known.caller())
        .await?;
    let view = found.ok_or(EndpointError::Refused(Reason::NotFound))?;
    Ok(shown(call, &known, view))
}

/// `POST approvals/ID`: the decision.
pub(super) async fn decide(
    call: &Call<'_, '_>,
    id: &str,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent = read(call, &known, &mut content, EXPECTED, |form| {
        Some(DecisionRequest {
            decision: form.remove("decision")?,
            word: form.remove("word"),
        })
    })
    .await?;
    // Before the id is looked up: who has proven nothing is asked to, whether or not it exists.
    call.must_be_proven(&known, OwnAction::Approvals, &format!("{PAGE}/{id}"))
        .await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = &sent;
    let answer = match request.decision.as_str() {
        "approve" => ApprovalAnswer::Approve,
        "refuse" => ApprovalAnswer::Refuse,
        _ => return Err(EndpointError::Malformed(EXPECTED.json.into())),
    };
    let id = ChallengeId::from_hex(id).ok_or(EndpointError::Refused(Reason::NotFound))?;
    // What is said to the requester is shown on a page and kept in the audit log: cleaned and cut.
    let word = request.word.as_deref().and_then(StatedPurpose::of);
    let verifier = &call.web.verifier;
    let decided = verifier
        .decide(
            id,
            answer,
            word.as_ref(),
            call.requirement(),
            &known.caller(),
        )
        .await?;
    match decided {
        Decided::Before(view) => Ok(shown(call, &known, *view)),
        Decided::Now(view) => {
            // Decided it is; that nobody is told must not look as if it were not.
            let caller = known.caller();
            let told = verifier.tell_requester(&view, page_of(call, &view), &caller);
            if let Err(error) = told.await {
                let error = chain(&error);
                tracing::warn!(
                    error,
                    "whoever asked for approval is not told of the decision"
                );
            }
            Ok(shown(call, &known, *view))
        }
        Decided::Unknown => Err(EndpointError::Refused(Reason::NotFound)),
    }
}

/// The token of the challenge whose answer made a request, if this browser made it, and looks at the page.
async fn own_token(
    call: &Call<'_, '_>,
    known: &Known,
    id: &str,
) -> Result<Option<Secret<String>>, EndpointError> {
    let Some(id) = ChallengeId::from_hex(id).filter(|_| call.context.hints.reads_pages()) else {
        return Ok(None);
    };
    let (verifier, claimant) = (&call.web.verifier, known.claimant());
    let token = verifier.token_of_request(id, call.requirement(), &claimant);
    Ok(token.await?)
}

/// Who calls, with a fresh proof.
async fn proven(call: &Call<'_, '_>, page: &str) -> Result<Known, EndpointError> {
    let known = call.identify().await?;
    call.must_be_proven(&known, OwnAction::Approvals, page)
        .await?;
    Ok(known)
}

fn shown(call: &Call<'_, '_>, known: &Known, view: ApprovalView) -> Response<Bytes> {
    let context = call.context;
    let site = context.site();
    if !context.hints.reads_pages() {
        return respond::json(context, &ApprovalDocument::of(&view, &site));
    }
    let shared = &call.web.sessions.shared;
    let key = known.caller.browser_key;
    let anti_forgery = key.map(|key| anti_forgery_token(&key, &shared.keys));
    let page = ApprovalPage {
        anti_forgery: Secret::new(anti_forgery.unwrap_or_default()),
        view,
    };
    respond::shown(context, pages::approval(&site, &page))
}

const EXPECTED: Expected = Expected {
    json: "JSON with `decision`: `approve` or `refuse`, and perhaps a `word`",
    form: "the fields of the page of the request: `decision`",
};
