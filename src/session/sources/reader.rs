//! One thread's means to read the source of subjects, and what must be read when.

use super::jwt::TokenReader;
use super::{
    AskedRequest, Asker, Asserted, BasicError, Jwt, RecordError, Records, Source, WhoamiError,
};
use crate::clock::Clock;
use crate::domain::{Reason, RequestPath, RiskLevel, Subject};
use crate::jwt::TokenError;
use crate::request::context::RequestContext;
use crate::seal::Keys;
use crate::session::{CarriedLines, SessionOptions};
use crate::store::RedisRecords;
use http::HeaderMap;
use std::sync::Arc;

/// What one thread keeps to read the source.
#[derive(Debug)]
pub(crate) struct SourceReader {
    pub(crate) asker: Asker,
    tokens: TokenReader,
    /// The connection to the application's Redis.
    records: Option<RedisRecords>,
}

/// What the source says of a request.
#[derive(Debug)]
pub(crate) struct SourceAnswer {
    /// Whose it is; `None` if nobody is signed in.
    pub(crate) person: Option<Asserted>,
    /// The cookies that came along, for the client.
    pub(crate) cookies: Option<Arc<HeaderMap>>,
    /// What it rests on.
    pub(crate) by: AnsweredBy,
}

/// What an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnsweredBy {
    /// The application, which was asked with the whole request.
    Application,
    /// The only credential of the request, which stands for its subject.
    Credential,
}

/// Why a source that names the subject of every request does not.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// The application was asked whether it takes a password.
    #[error("it is not known whose password the request brings")]
    Basic(#[from] BasicError),
    /// The token is not believed.
    #[error("the token of the request names nobody")]
    Token(#[from] TokenError),
    /// The application's Redis was asked.
    #[error("the session's record in the application's redis names nobody")]
    Record(#[from] RecordError),
    /// The application was asked.
    #[error("the application does not say whose request it is")]
    Whoami(#[from] WhoamiError),
}

impl SourceReader {
    /// For one thread. What is read ahead is read from now on.
    pub(crate) fn new(options: &SessionOptions, asker: Asker) -> Self {
        if let Some(Source::Jwt(jwt)) = &options.source {
            jwt.keys.start();
        }
        let records = match &options.source {
            Some(Source::Records(records)) => Some(records.server.connect()),
            Some(Source::Basic(_) | Source::Headers(_) | Source::Jwt(_) | Source::Whoami(_))
            | None => None,
        };
        Self {
            asker,
            tokens: TokenReader::default(),
            records,
        }
    }

    /// Whether the source must be read before a request is let out, whatever is known of its session. `otherwise`
    /// says whether it must where that is by the request's level.
    pub(crate) fn must_read(
        options: &SessionOptions,
        path: &RequestPath<'_>,
        levels: impl Iterator<Item = RiskLevel>,
        otherwise: impl FnOnce() -> bool,
    ) -> Result<bool, SubjectError> {
        match &options.source {
            // What a proxy asserts is read before.
            Some(Source::Headers(_)) | None => Ok(false),
            // Without a token, a password or a record that counts the request is nobody's.
            Some(Source::Basic(_) | Source::Jwt(_) | Source::Records(_)) => Ok(true),
            Some(Source::Whoami(_)) => Ok(Asker::confirms(options, path, levels)? || otherwise()),
        }
    }

    /// What the source says of a request; `None` if it says nothing of such requests.
    pub(crate) async fn read(
        &self,
        options: &SessionOptions,
        (keys, clock): (&Keys, &Clock),
        context: &RequestContext<'_>,
        request: &AskedRequest<'_>,
        carried: &CarriedLines,
    ) -> Result<Option<SourceAnswer>, SubjectError> {
        let sessions = || options.credentials.all_sessions(carried, keys);
        match &options.source {
            Some(Source::Headers(_)) | None => Ok(None),
            Some(Source::Basic(basic)) => {
                let (asker, names) = (&self.asker, &options.key_names);
                let said = basic.read(asker, names, context, request, &sessions);
                let said = said.await?;
                if matches!(said, Some(Some(_))) {
                    refuse_key_unasked(carried).map_err(BasicError::from)?;
                }
                Ok(said.map(|person| SourceAnswer {
                    person,
                    cookies: None,
                    by: AnsweredBy::Application,
                }))
            }
            Some(Source::Jwt(_) | Source::Records(_)) => {
                self.read_credential(options, (keys, clock), carried).await
            }
            Some(Source::Whoami(_)) => {
                let answer = self.asker.ask(options, context, request, &sessions);
                let answer = answer.await?;
                if answer
                    .as_ref()
                    .is_some_and(|answer| answer.person.is_some())
                {
                    refuse_key_unasked(carried)?;
                }
                Ok(answer.map(|answer| SourceAnswer {
                    person: answer.person,
                    cookies: answer.cookies,
                    by: AnsweredBy::Application,
                }))
            }
        }
    }

    /// What a source says that looks at nothing but the credentials of a request.
    pub(crate) async fn read_credential(
        &self,
        options: &SessionOptions,
        (keys, clock): (&Keys, &Clock),
        carried: &CarriedLines,
    ) -> Result<Option<SourceAnswer>, SubjectError> {
        match &options.source {
            Some(Source::Jwt(jwt)) => self.read_token(options, (keys, clock), jwt, carried).await,
            Some(Source::Records(records)) => {
                self.read_record(options, clock, records, carried).await
            }
            Some(Source::Basic(_) | Source::Headers(_) | Source::Whoami(_)) | None => Ok(None),
        }
    }

    /// Reads the record of a request's cookie, if it carries that and no other credential.
    async fn read_record(
        &self,
        options: &SessionOptions,
        clock: &Clock,
        records: &Records,
        carried: &CarriedLines,
    ) -> Result<Option<SourceAnswer>, SubjectError> {
        // A credential that is there twice is refused elsewhere.
        let (Ok(credentials), Some(redis)) = (options.credentials.read(carried), &self.records)
        else {
            return Ok(None);
        };
        let said = records.read(redis, &credentials, clock.now()).await?;
        Ok(said.map(SourceAnswer::of_credential))
    }

    /// Reads the token of a request, if it carries one and no other credential.
    async fn read_token(
        &self,
        options: &SessionOptions,
        (keys, clock): (&Keys, &Clock),
        jwt: &Jwt,
        carried: &CarriedLines,
    ) -> Result<Option<SourceAnswer>, SubjectError> {
        // A credential that is there twice is refused elsewhere.
        let Ok(credentials) = options.credentials.read(carried) else {
            return Ok(None);
        };
        let token = jwt.token_in(&credentials);
        let Some((token, session)) = token.zip(credentials.session(keys)) else {
            return Ok(None);
        };
        let reading = self.tokens.read(jwt, token, session, clock.now());
        Ok(Some(SourceAnswer::of_credential(Some(reading.await?))))
    }
}

/// Refuses a request that brings a key where no question does: it may be another's than the person's who is named.
fn refuse_key_unasked(carried: &CarriedLines) -> Result<(), WhoamiError> {
    if carried.hold_keys_unasked() {
        return Err(WhoamiError::KeyUnasked);
    }
    Ok(())
}

impl SourceAnswer {
    pub(crate) fn subject(&self) -> Option<&Subject> {
        self.person.as_ref().map(|person| &person.subject)
    }

    /// Of the only credential of a request.
    fn of_credential(person: Option<Asserted>) -> Self {
        Self {
            person,
            cookies: None,
            by: AnsweredBy::Credential,
        }
    }
}

impl SubjectError {
    /// The word for it.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Basic(error) => error.reason(),
            Self::Record(error) => error.reason(),
            Self::Token(error) => error.reason(),
            Self::Whoami(error) => error.reason(),
        }
    }
}
