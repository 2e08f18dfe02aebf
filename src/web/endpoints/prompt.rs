//! The challenge: offered with a refusal, shown on the prompt page, or to a program as JSON.

use super::EndpointError;
use super::approval::{waiting, where_to};
use super::browser_key::set_browser_key;
use super::resume::{carry, return_target};
use super::{Call, Known, ahead, enroll, offered};
use crate::domain::{
    BrowserKeyHash, Challenge, Factor, FactorSet, LocalPath, Reason, RequestHead, Secret, Session,
};
use crate::request::body::RequestBody;
use crate::request::client_kind::ClientKind;
use crate::request::context::RequestContext;
use crate::session::{BrowserKeyCookie, Caller};
use crate::verification::{
    CarriedForm, Claimant, FormOwner, NewChallenge, Refusal, anti_forgery_token, hash_browser_key,
    new_browser_key,
};
use crate::web::api::{ChallengeView, DeviceFields};
use crate::web::pages::{self, EmailCode, Prompt};
use crate::web::{UnmetDemand, Web, api, respond};
use bytes::Bytes;
use http::Response;

/// The prompt page and what it needs, while it is put together.
pub(super) struct PromptDraft {
    pub(super) prompt: Prompt,
    /// A browser key that the person's browser did not have yet.
    pub(super) fresh_key: Option<Secret<String>>,
}

/// Answers a refusal with a challenge, in the form that this client understands.
pub(crate) async fn challenge(
    web: &Web,
    context: &RequestContext<'_>,
    unmet: UnmetDemand,
    caller: &Caller,
    session: &Session,
    head: &RequestHead<'_>,
    content: &mut RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    // A challenge belongs to a session: without one, whoever answers it could not be told from anybody else.
    let Some(id) = caller.session else {
        return Err(EndpointError::Refused(Reason::SessionRequired));
    };
    let is_form_post = context.hints.kind == ClientKind::Navigation && !context.hints.safe;
    // The page of a refused form holds what only this browser may open, so it needs its key now.
    let (key, fresh_key) = match caller.browser_key {
        None if is_form_post => fresh(web),
        key => (key, None),
    };
    let form = if is_form_post {
        carry(web, context, head, content).await?
    } else {
        None
    };
    let requirement = unmet.demand.requirement.clone();
    let refusal = unmet.refused.unwrap_or_else(|| unmet.reason.into());
    let claimant = Claimant {
        session: id,
        subject: &session.owner,
        email: caller.asserted_email(),
        groups: caller.asserted_groups(),
        display: caller.display_name(),
        browser_key: key,
        session_key: session.browser_key,
    };
    let asked = (head.method.as_str(), context.target());
    let new = NewChallenge {
        claimant,
        route: unmet.route,
        demand: unmet.demand,
        shown: where_to(asked, &requirement, unmet.shown),
        return_to: return_target(
            context,
            form.as_ref(),
            requirement.anchor.as_deref(),
            content.is_empty(),
        ),
        device: None,
        back: context.page_before(),
    };
    let (token, challenge) = web.verifier.open(new);
    let token = Secret::new(token);
    let page_url = api::page_url(&context.site(), &token);
    match context.hints.kind {
        ClientKind::Navigation if context.hints.safe => {
            Ok(respond::challenge_redirect(context, &page_url))
        }
        // Never in a frame: the page around it could lay itself over the prompt (clickjacking).
        ClientKind::Framed => {
            let title = requirement.title.in_language(context.locale().as_str());
            Ok(respond::challenge_framed(context, title, &page_url))
        }
        ClientKind::Library(library) if context.hints.leads_on(library) => {
            Ok(respond::challenge_by_library(context, library, &page_url))
        }
        ClientKind::Navigation => {
            with_form(web, context, &challenge, token, &claimant, form, fresh_key).await
        }
        ClientKind::Api
        | ClientKind::Bearer
        | ClientKind::Fetch
        | ClientKind::Library(_)
        | ClientKind::Rpc(_)
        | ClientKind::WebSocket => {
            let device = offered::offered(web, context, &challenge, (caller, head));
            let told = (&refusal, device);
            document(web, context, &challenge, token, &claimant, told).await
        }
    }
}

/// The prompt page in answer to a form, which it carries.
async fn with_form(
    web: &Web,
    context: &RequestContext<'_>,
    challenge: &Challenge,
    token: Secret<String>,
    claimant: &Claimant<'_>,
    form: Option<CarriedForm>,
    fresh_key: Option<Secret<String>>,
) -> Result<Response<Bytes>, EndpointError> {
    let shared = &web.sessions.shared;
    let owner = FormOwner {
        session: claimant.session,
        browser_key: claimant.browser_key,
    };
    let seal =
        |form: CarriedForm| form.seal(&owner, challenge.expires_at, &shared.keys, &shared.entropy);
    let mut prompt = draft(web, context, challenge, token, claimant).await?;
    prompt.carried = form.map(|form| Secret::new(seal(form)));
    let draft = PromptDraft { prompt, fresh_key };
    Ok(draft.into_response(&shared.browser_key, context, respond::challenge_page))
}

/// The challenge for a program.
pub(super) async fn document(
    web: &Web,
    context: &RequestContext<'_>,
    challenge: &Challenge,
    token: Secret<String>,
    claimant: &Claimant<'_>,
    (refusal, device): (&Refusal, Option<DeviceFields>),
) -> Result<Response<Bytes>, EndpointError> {
    let available = web.verifier.available_factors(challenge, claimant).await?;
    // No prompt helps somebody who has nothing to prove themselves by.
    if available.alternatives.is_empty() {
        return Err(EndpointError::Refused(Reason::MethodNotEnrolled));
    }
    let view = ChallengeView::new(challenge, token, &available, &context.site());
    let requirement = &challenge.demand.requirement;
    Ok(respond::challenge_document(
        context,
        refusal,
        (view, device),
        requirement,
    ))
}

/// `GET challenge?t=`: the prompt page, or the challenge as JSON.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let context = call.context;
    if let Some(path) = call.parameter("path") {
        return ahead::challenge(call, &path).await;
    }
    let known = call.identify().await?;
    let token = call.parameter("t").unwrap_or_default();
    let verifier = &call.web.verifier;
    let found = verifier
        .read(&token, call.requirement(), &known.claimant())
        .await?;
    // The same word for one that is over and one of another: nobody learns that it exists.
    let challenge = found.ok_or(EndpointError::Refused(Reason::ChallengeExpired))?;
    let token = Secret::new(token);
    if let Some(page) = waiting(call, &known, &challenge, &token).await? {
        return Ok(page);
    }
    if !context.hints.reads_pages() {
        let available = verifier
            .available_factors(&challenge, &known.claimant())
            .await?;
        let view = ChallengeView::new(&challenge, token, &available, &context.site());
        return Ok(respond::json(context, &view));
    }
    if context.hints.kind == ClientKind::Framed && !context.is_in_dialog() {
        let title = &challenge.demand.requirement.title;
        let page_url = api::page_url(&context.site(), &token);
        let title = title.in_language(context.locale().as_str());
        return Ok(respond::challenge_framed(context, title, &page_url));
    }
    let mut draft = for_known(call.web, context, &known, &challenge, token).await?;
    let wanted = call.parameter("factor").and_then(|word| word.parse().ok());
    draft.prompt.chosen = wanted.or(draft.prompt.chosen);
    Ok(draft.into_response(
        &call.web.sessions.shared.browser_key,
        context,
        respond::shown,
    ))
}

/// The prompt for somebody whose session is known.
pub(super) async fn for_known(
    web: &Web,
    context: &RequestContext<'_>,
    known: &Known,
    challenge: &Challenge,
    token: Secret<String>,
) -> Result<PromptDraft, EndpointError> {
    let (browser_key, fresh_key) = match known.caller.browser_key {
        Some(key) => (Some(key), None),
        None => fresh(web),
    };
    let claimant = Claimant {
        browser_key,
        ..known.claimant()
    };
    Ok(PromptDraft {
        prompt: draft(web, context, challenge, token, &claimant).await?,
        fresh_key,
    })
}

impl PromptDraft {
    /// Keeps the field for the code: whoever answered with one has it, and may have mistyped it.
    pub(super) fn keep_code_field(&mut self, answered: Factor) {
        if let Some(email) = self
            .prompt
            .email
            .as_mut()
            .filter(|_| answered == Factor::EmailCode)
        {
            email.sent = true;
        }
    }

    /// The page, with the browser key that it needs.
    pub(super) fn into_response(
        self,
        cookie: &BrowserKeyCookie,
        context: &RequestContext<'_>,
        respond: impl FnOnce(&RequestContext<'_>, String) -> Response<Bytes>,
    ) -> Response<Bytes> {
        let mut response = respond(context, pages::prompt(&context.site(), &self.prompt));
        if pages::asks_for_passkey(&self.prompt) {
            response = respond::with_script(context, response);
        }
        if let Some(key) = &self.fresh_key {
            set_browser_key(cookie, &mut response, key);
        }
        response
    }
}

pub(super) fn fresh(web: &Web) -> (Option<BrowserKeyHash>, Option<Secret<String>>) {
    let shared = &web.sessions.shared;
    let key = new_browser_key(&shared.entropy);
    (hash_browser_key(key.expose(), &shared.keys), Some(key))
}

async fn draft(
    web: &Web,
    context: &RequestContext<'_>,
    challenge: &Challenge,
    token: Secret<String>,
    claimant: &Claimant<'_>,
) -> Result<Prompt, EndpointError> {
    let shared = &web.sessions.shared;
    let available = web.verifier.available_factors(challenge, claimant).await?;
    let anti_forgery = claimant
        .browser_key
        .map(|key| anti_forgery_token(&key, &shared.keys))
        .unwrap_or_default();
    let mut prompt = Prompt::of(
        challenge,
        claimant,
        token,
        Secret::new(anti_forgery),
        (context.locale().as_str(), shared.clock.now()),
    );
    prompt.usable = available
        .alternatives
        .iter()
        .fold(FactorSet::EMPTY, |all, set| {
            set.iter().fold(all, FactorSet::with)
        });
    let sent = available.email_hint.is_some() && web.verifier.is_code_sent(challenge).await?;
    // Of what is accepted anyway: it decides what is shown first, and nothing else.
    prompt.chosen = sent.then_some(Factor::EmailCode).or(context.last_way());
    prompt.email = available.email_hint.map(|to| EmailCode {
        to,
        sent,
        wait: std::time::Duration::ZERO,
    });
    (prompt.provider, prompt.passwords) = web.verifier.services().named();
    // To sign in again makes this session fresh, and approves nothing for a program.
    prompt.sign_in =
        (context.login_url_for(&challenge.return_to)).filter(|_| challenge.device.is_none());
    prompt.cancel = Some(challenge.back.clone().unwrap_or_else(LocalPath::root));
    prompt.enroll = enroll::page_for(context, challenge);
    prompt.offers = enroll::offers(web.verifier.services());
    Ok(prompt)
}
