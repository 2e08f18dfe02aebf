//! Logouts at the provider (`OpenID` Connect Back-Channel Logout 1.0, Front-Channel Logout 1.0): what was proved by
//! the session that ended there counts no longer.

use super::attempt::kept_name;
use super::id_token::ProviderProof;
use super::proof::end_of;
use crate::audit::{Event, EventKind, Outcome};
use crate::domain::{ByteReader, ByteWriter, KeptName, SessionId, Subject, Timestamp};
use crate::jwt::{TokenError, date};
use crate::store::{Ask, RestsOn, StoreError, Taken};
use crate::verification::error::VerifyError;
use crate::verification::verifier::Verifier;
use serde_json::{Value, json};
use std::net::IpAddr;

/// What a logout has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedSignIns {
    /// How many sessions have lost their elevation.
    pub sessions: usize,
}

/// Why a logout ends nothing.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum LogoutError {
    #[error(
        "it is no logout token: expected `events`, `iat`, `jti` and `sid` or `sub`, and no `nonce`"
    )]
    NoLogoutToken,
    #[error("there is no identity provider in the settings")]
    NoProvider,
    #[error("it has been used before")]
    Repeated,
    #[error("the logout token is not accepted")]
    Token(#[from] TokenError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl From<StoreError> for LogoutError {
    fn from(error: StoreError) -> Self {
        Self::Verify(error.into())
    }
}

impl Verifier {
    /// Ends what a logout token names, by the word of the provider itself (Back-Channel Logout §2.6).
    pub async fn end_by_token(
        &self,
        token: &str,
        (client, request_id): (IpAddr, &str),
    ) -> Result<EndedSignIns, LogoutError> {
        let (keys, now) = (&self.services.keys, self.services.clock.now());
        let provider = self.services.oidc.as_ref().ok_or(LogoutError::NoProvider)?;
        let claims = provider.claims(token, now).await?;
        let options = &provider.options;
        let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
        let links = options.links(&claims, keys);
        let is_logout = claims.pointer(EVENT).is_some_and(Value::is_object)
            // An ID token has one, and must not end anything.
            && claims.get("nonce").is_none()
            && date(claims.get("iat")).is_some_and(|at| at <= now.after(options.leeway));
        let (true, Some(id), false) = (is_logout, text("jti"), links.is_empty()) else {
            return Err(LogoutError::NoLogoutToken);
        };
        let end = date(claims.get("exp")).unwrap_or(now).after(options.leeway);
        let name = kept_name(&[b"jti", options.issuer.as_bytes(), id.as_bytes()], keys);
        if self.store.keep(name, b"", end, now).await? == Taken::Before {
            return Err(LogoutError::Repeated);
        }
        // §2.5: with a session it is about that one alone, which stands first.
        let about = if text("sid").is_some() {
            1
        } else {
            links.len()
        };
        let links = links.iter().take(about);
        self.end_linked(links, Word::Providers, (client, request_id))
            .await
    }

    /// Ends what a session of the provider has proved, by the word of a browser that was led here from a page of
    /// the provider (Front-Channel Logout §3). It brings no cookie of ours: who knows the session may end it.
    pub async fn end_by_session(
        &self,
        (issuer, session): (&str, &str),
        (client, request_id): (IpAddr, &str),
    ) -> Result<EndedSignIns, LogoutError> {
        let provider = self.services.oidc.as_ref().ok_or(LogoutError::NoProvider)?;
        if issuer != provider.options.issuer || session.is_empty() {
            return Err(LogoutError::NoLogoutToken);
        }
        let claims = json!({ "sid": session });
        let links = provider.options.links(&claims, &self.services.keys);
        self.end_linked(links.iter(), Word::Anybodys, (client, request_id))
            .await
    }

    /// Remembers which session of whom a sign-in has proved something for, before that counts.
    pub(in crate::verification) async fn link(
        &self,
        proof: &ProviderProof,
        (subject, session): (&Subject, SessionId),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let until = now.after(self.services.settings.session_keep);
        let mut linked = ByteWriter::default();
        linked.array(session.as_bytes()).text(subject.as_str());
        for link in &proof.links {
            self.store
                .keep(*link, linked.as_bytes(), until, now)
                .await?;
        }
        Ok(())
    }

    /// The sessions by which one that is linked is known now: the application may have replaced the value of its cookie.
    async fn present(&self, linked: &[u8], now: Timestamp) -> Result<Vec<SessionId>, StoreError> {
        let mut linked = ByteReader::new(linked);
        let Some(session) = linked.array().map(SessionId::new) else {
            return Ok(Vec::new());
        };
        let held = self
            .store
            .evidence(Ask::session(session, None), now)
            .await?;
        let subject = linked.text().map(Subject::new);
        let Some(subject) = subject.filter(|_| held.session.is_none()) else {
            return Ok(vec![session]);
        };
        let all = self.store.sessions(Some(&subject), MOST_SESSIONS).await?;
        for (id, _) in &all {
            if self.store.is_same_session(session, *id).await? {
                return Ok(vec![*id]);
            }
        }
        // After many values its first ones are forgotten: then it may be any of the subject's.
        Ok(all.into_iter().map(|(id, _)| id).collect())
    }

    /// Remembers an end for as long as a sign-in that began before may still be judged.
    async fn note_end(&self, link: &KeptName, now: Timestamp) -> Result<(), StoreError> {
        let name = end_of(link, &self.services.keys);
        let until = now.after(self.services.settings.challenge_life);
        let end = RestsOn::end(now);
        self.store.keep(name, &end, until, now).await.map(drop)
    }

    async fn end_linked(
        &self,
        links: impl Iterator<Item = &KeptName>,
        word: Word,
        (client, request_id): (IpAddr, &str),
    ) -> Result<EndedSignIns, LogoutError> {
        self.services.audit.ready().map_err(VerifyError::from)?;
        let now = self.services.clock.now();
        let mut sessions = Vec::new();
        for link in links {
            // Before it is looked for: what a sign-in that is judged just now will have linked finds this.
            if word == Word::Providers {
                self.note_end(link, now).await?;
            }
            let kept = self.store.take_kept(*link, now).await?;
            // Of what nobody knows nothing is written, or anybody could fill the store.
            if word == Word::Anybodys && !kept.is_empty() {
                self.note_end(link, now).await?;
            }
            for linked in &kept {
                sessions.extend(self.present(linked, now).await?);
            }
        }
        for session in &sessions {
            self.store.lock_session(*session).await?;
            let mut event = Event::new(now, EventKind::ProviderLogout, Outcome::Succeeded);
            event.session = Some(*session);
            event.client = Some(client);
            event.request_id = Some(request_id);
            self.services
                .audit
                .record(&event)
                .map_err(VerifyError::from)?;
        }
        let sessions = sessions.len();
        Ok(EndedSignIns { sessions })
    }
}

/// How many sessions of a subject are looked through.
const MOST_SESSIONS: usize = 10_000;

/// By whose word something ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Anybody's who knows the session.
    Anybodys,
    /// The provider's, signed.
    Providers,
}

/// Where a logout token says that it is one (RFC 6901 of the member's name).
const EVENT: &str = "/events/http:~1~1schemas.openid.net~1event~1backchannel-logout";
