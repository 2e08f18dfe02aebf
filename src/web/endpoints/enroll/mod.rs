//! `enroll`: what the person has set up to prove who they are, and removing it.

use super::sent::{Expected, Sent, read};
use super::{Call, EndpointError, Known};
use crate::domain::{CredentialEntry, Factor, User};
use crate::mail::Notice;
use crate::request::body::RequestBody;
use crate::verification::{ChangeKind, CredentialChange};
use crate::web::api::{EnrolledResponse, EnrolledView, RemoveRequest, RemoveResponse};
use crate::web::own_action::OwnAction;
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// The page, below our prefix.
const PAGE: &str = "enroll";

/// `GET enroll`: what is set up.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let known = call.identify().await?;
    call.must_be_proven(&known, OwnAction::Enrollment, PAGE)
        .await?;
    let account = call.web.verifier.account(&known.claimant()).await?;
    let response = EnrolledResponse {
        enrolled: enrolled(&account).iter().map(EnrolledView::of).collect(),
    };
    Ok(respond::json(call.context, &response))
}

/// `POST enroll/remove`: one thing is taken away. The last that does not rest on a mailbox only if they are sure.
pub(super) async fn remove(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let (known, sent) = changing(call, &mut content, EXPECTED_REMOVAL, |form| {
        Some(RemoveRequest {
            factor: form.remove("factor")?,
            id: form.remove("id").unwrap_or_default(),
            sure: form.remove("sure").is_some_and(|sure| sure == "yes"),
        })
    })
    .await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = sent;
    let malformed = || EndpointError::Malformed(EXPECTED_REMOVAL.json.into());
    let factor: Factor = request.factor.parse().map_err(|_| malformed())?;
    let change = CredentialChange {
        factor,
        kind: ChangeKind::Removed,
        notice: Notice::Removed(factor),
        locale: call.context.hints.locale(),
    };
    let account = call.web.verifier.account(&known.claimant()).await?;
    if !request.sure && is_last_strong(&account, factor, &request.id) {
        let response = RemoveResponse {
            removed: false,
            last: true,
        };
        return Ok(respond::json(call.context, &response));
    }
    let edit = |user: &mut User| take_away(user, factor, &request.id);
    let removed = call
        .web
        .verifier
        .change_credentials(&known.caller(), &change, edit)
        .await?;
    let response = RemoveResponse {
        removed: removed.is_some(),
        last: false,
    };
    Ok(respond::json(call.context, &response))
}

/// Who asks for a change, with a fresh proof, and what they sent.
async fn changing<T: serde::de::DeserializeOwned>(
    call: &Call<'_, '_>,
    content: &mut RequestBody,
    expected: Expected,
    of_form: impl FnOnce(&mut std::collections::HashMap<String, String>) -> Option<T>,
) -> Result<(Known, Sent<T>), EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent = read(call, &known, content, expected, of_form).await?;
    call.must_be_proven(&known, OwnAction::Enrollment, PAGE)
        .await?;
    Ok((known, sent))
}

/// All that is set up, with the kind of each. Of what an operator set nothing is known but that it is there.
fn enrolled(user: &User) -> Vec<(Factor, Option<CredentialEntry>)> {
    Factor::implemented()
        .flat_map(|factor| {
            let entries: Vec<_> = user.entries(factor).map(|it| (factor, Some(it))).collect();
            let set = has_field(user, factor) && entries.is_empty();
            entries.into_iter().chain(set.then_some((factor, None)))
        })
        .collect()
}

/// Whether the record holds it in a place of its own.
fn has_field(user: &User, factor: Factor) -> bool {
    match factor {
        Factor::EmailCode => user.email.is_some(),
        Factor::Password => user.password.is_some(),
        Factor::Totp => user.totp.is_some(),
        // Nothing is kept here of who signs in at the identity provider.
        Factor::Oidc | Factor::Passkey | Factor::RecoveryCode => false,
    }
}

fn take_away(user: &mut User, factor: Factor, id: &str) -> Option<()> {
    let had = has_field(user, factor);
    match factor {
        Factor::EmailCode => user.email = None,
        Factor::Password => user.password = None,
        Factor::Totp => user.totp = None,
        Factor::Oidc | Factor::Passkey | Factor::RecoveryCode => {
            let id = data_encoding::HEXLOWER_PERMISSIVE.decode(id.as_bytes());
            let id = id.ok()?.try_into().ok()?;
            return user.remove_entry(factor, id).then_some(());
        }
    }
    user.remove_entries(factor);
    had.then_some(())
}

/// Whether nothing would be left that does not rest on a mailbox.
fn is_last_strong(user: &User, factor: Factor, id: &str) -> bool {
    let mut after = user.clone();
    !user.strong_factors().is_empty()
        && take_away(&mut after, factor, id).is_some()
        && after.strong_factors().is_empty()
}

const EXPECTED_REMOVAL: Expected = Expected {
    json: "JSON with `factor` and `id`, as `GET enroll` tells them",
    form: "the fields of the page `enroll`: `factor`, `id`",
};
