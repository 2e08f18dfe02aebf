//! `GET enroll`: what is set up, and what can be; `POST enroll/remove`: one thing is taken away.

use super::enrolling::{Enrolling, enrolled, has_field};
use crate::domain::{CredentialEntry, Factor, Secret, Timestamp, User};
use crate::mail::Notice;
use crate::request::body::RequestBody;
use crate::verification::{ChangeKind, CredentialChange, PasswordSource, Services, codes_left};
use crate::web::api::{EnrolledResponse, EnrolledView, RemoveRequest, RemoveResponse, rfc3339};
use crate::web::endpoints::sent::Expected;
use crate::web::endpoints::{Call, EndpointError};
use crate::web::pages::{self, EnrollDone, EnrollForm, EnrollOverview, EnrollStep, EnrolledItem};
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// What is set up, and what can be.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let enrolling = Enrolling::opened(call, "enroll").await?;
    let account = enrolling.account().await?;
    let all = enrolled(&account);
    if !enrolling.reads_pages {
        let response = EnrolledResponse {
            enrolled: all.iter().map(EnrolledView::of).collect(),
        };
        return Ok(respond::json(call.context, &response));
    }
    let view = EnrollOverview {
        user: enrolling.known.session.owner.spelling().to_owned(),
        items: { all.iter() }
            .map(|(factor, entry)| item(*factor, entry.as_ref(), &account))
            .collect(),
        offers: offers(call.web.verifier.services()),
        done: done(call),
        back: enrolling.back.clone(),
        anti_forgery: enrolling.anti_forgery(),
    };
    let page = pages::enroll_overview(&call.context.site(), &view);
    Ok(respond::shown(call.context, page))
}

/// Takes one thing away. The last that does not rest on a mailbox only if they are sure.
pub(super) async fn remove(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let (enrolling, request) = Enrolling::posted(call, content, EXPECTED_REMOVAL, |form| {
        Some(RemoveRequest {
            factor: form.remove("factor")?,
            id: form.remove("id").unwrap_or_default(),
            sure: form.remove("sure").is_some_and(|sure| sure == "yes"),
        })
    })
    .await?;
    let malformed = || EndpointError::Malformed(EXPECTED_REMOVAL.json.into());
    let factor: Factor = request.factor.parse().map_err(|_| malformed())?;
    let change = CredentialChange {
        factor,
        kind: ChangeKind::Removed,
        notice: Notice::Removed(factor),
        locale: call.context.locale(),
    };
    let needs_warning = |user: &User| !request.sure && is_last_strong(user, factor, &request.id);
    // Run on the record as it is then: what somebody else removed meanwhile is not removed twice, and of the last two
    // that go at once, one is warned of.
    let edit = |user: &mut User| {
        let goes = !needs_warning(user);
        goes.then(|| take_away(user, factor, &request.id)).flatten()
    };
    let removed = (call.web.verifier)
        .change_credentials(&enrolling.known.caller(), &change, edit)
        .await?;
    if removed.is_none() && needs_warning(&enrolling.account().await?) {
        if enrolling.reads_pages {
            return Ok(enrolling.page(warning(call, factor, request.id)));
        }
        let response = RemoveResponse {
            removed: false,
            last: true,
        };
        return Ok(respond::json(call.context, &response));
    }
    if enrolling.reads_pages {
        return Ok(enrolling.overview(EnrollDone::Removed(factor)));
    }
    let response = RemoveResponse {
        removed: removed.is_some(),
        last: false,
    };
    Ok(respond::json(call.context, &response))
}

fn item(factor: Factor, entry: Option<&CredentialEntry>, account: &User) -> EnrolledItem {
    EnrolledItem {
        factor,
        id: entry.map(CredentialEntry::id_text).unwrap_or_default(),
        name: entry.map(|entry| entry.name.clone()).unwrap_or_default(),
        added_on: entry.map(|entry| day(entry.added_at)),
        used_on: entry.and_then(|entry| entry.used_at).map(day),
        left: (factor == Factor::RecoveryCode).then(|| codes_left(account)),
    }
}

/// The day, in UTC: the reader's time zone is not known.
fn day(at: Timestamp) -> String {
    let mut text = rfc3339(at);
    text.truncate(10);
    text
}

/// What can be set up where the settings are as they are.
pub(in crate::web::endpoints) fn offers(services: &Services) -> Vec<Factor> {
    let has_mail = services.mailer.is_some();
    let has_passwords = services.settings.password_source == PasswordSource::Directory;
    [
        (Factor::Passkey, services.passkeys.is_some()),
        (Factor::Totp, true),
        (Factor::RecoveryCode, true),
        (Factor::Password, has_passwords),
        (Factor::EmailCode, has_mail),
    ]
    .into_iter()
    .filter_map(|(factor, can)| can.then_some(factor))
    .collect()
}

fn done(call: &Call<'_, '_>) -> Option<EnrollDone> {
    let named = |word| call.parameter(word)?.parse().ok();
    let added = named("added").map(EnrollDone::Added);
    added.or_else(|| named("removed").map(EnrollDone::Removed))
}

/// The page that asks again.
fn warning(call: &Call<'_, '_>, factor: Factor, id: String) -> EnrollStep {
    let site = call.context.site();
    let t = site.texts();
    let hidden = [
        ("factor", factor.to_string()),
        ("id", id),
        ("sure", "yes".to_owned()),
    ];
    EnrollStep {
        heading: t.enroll.last_heading.to_string(),
        paragraphs: vec![t.enroll.last_warning(t.enrolled_name(factor))],
        form: Some(EnrollForm {
            hidden: hidden
                .map(|(name, value)| (name, Secret::new(value)))
                .into(),
            ..EnrollForm::new("enroll/remove", &t.enroll.last_remove)
        }),
        ..EnrollStep::default()
    }
}

fn take_away(user: &mut User, factor: Factor, id: &str) -> Option<()> {
    let had = has_field(user, factor);
    match factor {
        Factor::EmailCode => user.email = None,
        Factor::Password => user.password = None,
        Factor::Totp => user.totp = None,
        Factor::BootstrapCode | Factor::Oidc | Factor::Passkey | Factor::RecoveryCode => {
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
    // Judged by what the record would be, so that a second passkey counts and a code on paper does not.
    let mut after = user.clone();
    !user.strong_factors().is_empty()
        && take_away(&mut after, factor, id).is_some()
        && after.strong_factors().is_empty()
}

const EXPECTED_REMOVAL: Expected = Expected {
    json: "JSON with `factor` and `id`, as `GET enroll` tells them",
    form: "the fields of the page `enroll`: `factor`, `id`",
};
