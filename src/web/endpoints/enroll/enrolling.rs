//! Somebody who sets something up, with a fresh proof: what they sent, and what they get.

use crate::domain::{CredentialEntry, Factor, LocalPath, Secret, User};
use crate::request::body::RequestBody;
use crate::verification::{Enrollment, Refusal, anti_forgery_token};
use crate::web::api::{EnrollDoneResponse, EnrollRequest};
use crate::web::endpoints::sent::{Expected, Sent, read};
use crate::web::endpoints::{Call, EndpointError, Known};
use crate::web::own_action::OwnAction;
use crate::web::pages::{self, EnrollDone, EnrollStep};
use crate::web::respond;
use bytes::Bytes;
use http::Response;
use std::collections::HashMap;

/// Somebody who sets something up, with a fresh proof.
pub(super) struct Enrolling<'c, 'v, 'w> {
    pub(super) call: &'c Call<'v, 'w>,
    pub(super) known: Known,
    /// Where they came from, and go on to.
    pub(super) back: Option<LocalPath>,
    /// Whether they read pages.
    pub(super) reads_pages: bool,
}

impl<'c, 'v, 'w> Enrolling<'c, 'v, 'w> {
    /// For a call that shows something.
    pub(super) async fn opened(call: &'c Call<'v, 'w>, page: &str) -> Result<Self, EndpointError> {
        let known = call.identify().await?;
        call.must_be_proven(&known, OwnAction::Enrollment, page)
            .await?;
        // A path of this origin only: no open redirect.
        let back = call.parameter("back");
        Ok(Self {
            call,
            known,
            back: back.and_then(|path| LocalPath::parse(&path)),
            reads_pages: call.context.hints.reads_pages(),
        })
    }

    /// For a call that changes something. The form, too, is ours and this browser's.
    pub(super) async fn posted<T: serde::de::DeserializeOwned>(
        call: &'c Call<'v, 'w>,
        mut content: RequestBody,
        expected: Expected,
        of_form: impl FnOnce(&mut HashMap<String, String>) -> Option<T>,
    ) -> Result<(Self, T), EndpointError> {
        call.must_be_ours()?;
        let known = call.identify().await?;
        let mut back = None;
        let sent = read(call, &known, &mut content, expected, |form| {
            back = form.remove("back").and_then(|path| LocalPath::parse(&path));
            of_form(form)
        })
        .await?;
        call.must_be_proven(&known, OwnAction::Enrollment, "enroll")
            .await?;
        let (request, reads_pages) = match sent {
            Sent::Json(request) => (request, false),
            Sent::Form(request, _) => (request, true),
        };
        let enrolling = Self {
            call,
            known,
            back,
            reads_pages,
        };
        Ok((enrolling, request))
    }

    /// The same for a step.
    pub(super) async fn step(
        call: &'c Call<'v, 'w>,
        content: RequestBody,
    ) -> Result<(Self, EnrollRequest), EndpointError> {
        Self::posted(call, content, EXPECTED_STEP, |form| {
            let mut field = |name| Secret::new(form.remove(name).unwrap_or_default());
            Some(EnrollRequest {
                sealed: field("sealed"),
                answer: field("answer"),
            })
        })
        .await
    }

    /// What is stored of them.
    pub(super) async fn account(&self) -> Result<User, EndpointError> {
        let verifier = &self.call.web.verifier;
        Ok(verifier.account(&self.known.claimant()).await?)
    }

    /// What ties a form to this browser.
    pub(super) fn anti_forgery(&self) -> Secret<String> {
        let keys = &self.call.web.sessions.shared.keys;
        let key = self.known.caller.browser_key;
        Secret::new(key.map_or_else(String::new, |key| anti_forgery_token(&key, keys)))
    }

    /// A page of a step.
    pub(super) fn page(&self, step: EnrollStep) -> Response<Bytes> {
        respond::shown(self.call.context, self.rendered(step))
    }

    /// What became of a step: where it was refused, `again` is its page.
    pub(super) fn outcome(
        &self,
        outcome: &Enrollment,
        factor: Factor,
        again: impl FnOnce(String) -> Option<EnrollStep>,
    ) -> Response<Bytes> {
        let refusal = match outcome {
            Enrollment::Done => return self.done(factor),
            Enrollment::Refused(refusal) => refusal,
        };
        let context = self.call.context;
        // A form that is over has no page to be shown again.
        let page = self
            .reads_pages
            .then(|| again(self.problem(refusal)))
            .flatten();
        match page {
            Some(page) => respond::shown_again(context, refusal, self.rendered(page)),
            None if self.reads_pages => {
                respond::refusal(context, refusal.reason, None, refusal.retry_after)
            }
            None => respond::answer_refused(context, refusal),
        }
    }

    /// It counts from now on: back to the overview.
    pub(super) fn done(&self, factor: Factor) -> Response<Bytes> {
        if self.reads_pages {
            // It was proved to work just now, and is what they want to use.
            if matches!(factor, Factor::Passkey | Factor::Totp) {
                self.call.context.remember_way(factor);
            }
            self.overview(EnrollDone::Added(factor))
        } else {
            let response = EnrollDoneResponse { enrolled: true };
            respond::json(self.call.context, &response)
        }
    }

    /// To the overview, which says what was done: by a redirect, so that reloading it does nothing again.
    pub(super) fn overview(&self, done: EnrollDone) -> Response<Bytes> {
        let (word, factor) = match done {
            EnrollDone::Added(factor) => ("added", factor),
            EnrollDone::Removed(factor) => ("removed", factor),
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(word, factor.as_str());
        if let Some(back) = &self.back {
            query.append_pair("back", back.as_str());
        }
        let context = self.call.context;
        let page = format!("{}/enroll?{}", context.site().prefix, query.finish());
        let page = LocalPath::parse(&page).unwrap_or_else(LocalPath::root);
        respond::see_other(context, &page)
    }

    /// What the person reads about a refusal.
    pub(super) fn problem(&self, refusal: &Refusal) -> String {
        let site = self.call.context.site();
        let t = site.texts();
        match (refusal.attempts_left, refusal.retry_after) {
            (Some(left), _) => {
                format!(
                    "{} {}",
                    t.prompt.wrong_code,
                    t.prompt.attempts_left(u64::from(left))
                )
            }
            (None, Some(wait)) => t.prompt.too_many(t.at_most(wait)),
            (None, None) => t.problem(refusal.reason).meaning.to_string(),
        }
    }

    fn rendered(&self, mut step: EnrollStep) -> String {
        step.back.clone_from(&self.back);
        if let Some(form) = &mut step.form {
            form.hidden.push(("anti_forgery", self.anti_forgery()));
            let name = self.known.session.owner.spelling();
            name.clone_into(&mut form.user);
        }
        pages::enroll_step(&self.call.context.site(), &step)
    }
}

/// All that is set up, with the kind of each. Of what an operator set nothing is known but that it is there.
pub(super) fn enrolled(user: &User) -> Vec<(Factor, Option<CredentialEntry>)> {
    Factor::BY_PREFERENCE
        .into_iter()
        .filter(|factor| *factor != Factor::BootstrapCode)
        .flat_map(|factor| {
            let entries: Vec<_> = user.entries(factor).map(|it| (factor, Some(it))).collect();
            let set = has_field(user, factor) && entries.is_empty();
            entries.into_iter().chain(set.then_some((factor, None)))
        })
        .collect()
}

/// Whether the record holds it in a place of its own.
pub(super) fn has_field(user: &User, factor: Factor) -> bool {
    match factor {
        Factor::EmailCode => user.email.is_some(),
        Factor::Password => user.password.is_some(),
        Factor::Totp => user.totp.is_some(),
        Factor::BootstrapCode | Factor::Oidc | Factor::Passkey | Factor::RecoveryCode => false,
    }
}

const EXPECTED_STEP: Expected = Expected {
    json: "JSON with `answer`, and `sealed` as the step before gave it",
    form: "the fields of a page below `enroll`",
};
