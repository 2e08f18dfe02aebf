//! Where a person goes once a challenge has earned what it can.

use super::{Call, EndpointError};
use crate::domain::{Challenge, LocalPath, Reason, ReturnTarget, Secret, Timestamp};
use crate::verification::{CarriedForm, FormOwner};
use crate::web::pages::{self, CarriedField, Confirm, FormEncoding, VerifiedPage};
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// A challenge that has earned what it can.
pub(super) struct Onward<'d, 'v, 'w> {
    pub(super) call: &'d Call<'v, 'w>,
    pub(super) challenge: &'d Challenge,
    pub(super) token: &'d Secret<String>,
    /// Until when that counts; `None` for one that has expired, and earned nothing.
    pub(super) expires_at: Option<Timestamp>,
}

impl Onward<'_, '_, '_> {
    /// Back to where the person was; or the one button that posts what they had filled in.
    pub(super) fn page(
        &self,
        carried: Option<&Secret<String>>,
    ) -> Result<Response<Bytes>, EndpointError> {
        let context = self.call.context;
        let site = context.site();
        if site.dialog {
            return Ok(self.to_caller());
        }
        Ok(match (&self.challenge.return_to, carried) {
            (ReturnTarget::Form(_), Some(sealed)) => {
                let confirm = self.confirm(sealed);
                let confirm = confirm.ok_or(EndpointError::Refused(Reason::ChallengeExpired))?;
                respond::confirmation(context, pages::confirm(&site, &confirm))
            }
            (ReturnTarget::Path(path), _) => respond::see_other(context, path),
            (ReturnTarget::Refill(page), _) => {
                let view = VerifiedPage::Refill(page.clone());
                respond::shown(context, pages::verified(&site, &view))
            }
            (ReturnTarget::Form(_) | ReturnTarget::Caller, _) => self.to_caller(),
        })
    }

    /// Whoever was refused repeats its call; the script of the page tells it so.
    fn to_caller(&self) -> Response<Bytes> {
        let context = self.call.context;
        let view = VerifiedPage::Caller {
            token: self.token.clone(),
            back: self.challenge.back.clone(),
        };
        let page = pages::verified(&context.site(), &view);
        respond::with_script(context, respond::shown(context, page))
    }

    /// The one button that posts once more what was filled in before the challenge expired, and is asked for again.
    pub(super) fn late_page(&self, carried: &Secret<String>) -> Option<Response<Bytes>> {
        let context = self.call.context;
        let confirm = self.confirm(carried)?;
        let page = pages::confirm(&context.site(), &confirm);
        Some(respond::confirmation(context, page))
    }

    fn confirm(&self, sealed: &Secret<String>) -> Option<Confirm> {
        let shared = &self.call.web.sessions.shared;
        let (now, challenge) = (shared.clock.now(), self.challenge);
        let owner = FormOwner {
            session: challenge.session,
            // The key that the browser had when the form was sealed.
            browser_key: challenge.browser_key,
        };
        // It is sealed until its challenge expires.
        let at = self.expires_at.map_or(challenge.opened_at, |_| now);
        let form = CarriedForm::open(sealed.expose(), &owner, &shared.keys, at)?;
        // The page carries form and token apart: a form must not take the place of the one that was
        // refused.
        if challenge.return_to != ReturnTarget::Form(form.target.clone()) {
            return None;
        }
        let values = form.fields.into_iter();
        let fields = values
            .map(|(name, value)| CarriedField::Value(name, Secret::new(value)))
            .chain(form.dropped.into_iter().map(CarriedField::Password))
            .chain(form.files.into_iter().map(CarriedField::File))
            .collect();
        Some(Confirm {
            title: (challenge.demand.requirement.title)
                .in_language(self.call.context.locale().as_str())
                .to_owned(),
            shown: challenge.shown.clone(),
            action: form.target,
            encoding: if form.multipart {
                FormEncoding::Multipart
            } else {
                FormEncoding::Urlencoded
            },
            fields,
            time_left: self.expires_at.map(|end| end.since(now)),
            cancel: Some(challenge.back.clone().unwrap_or_else(LocalPath::root)),
        })
    }
}
