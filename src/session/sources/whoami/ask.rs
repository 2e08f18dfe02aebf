//! Asks the application, within a deadline and with a bound on how many questions are under way.

use super::answers::{Lookup, WhoamiAnswer, WhoamiAnswers, WhoamiResult};
use super::brought::{AskedWith, Brings, Brought};
use super::error::WhoamiError;
use super::question::Question;
use super::rules::{Answered, UnclearPath, Whoami, WhoamiRule};
use super::turns::Turns;
use crate::domain::{RequestPath, RiskLevel, SessionId};
use crate::metrics::{Metrics, WhoamiOutcome};
use crate::request::context::RequestContext;
use crate::request::headers::HeaderRules;
use crate::session::exchange::{ApplicationAnswer, ExchangeError, exchange};
use crate::session::{KeyNames, SessionOptions};
use crate::transport::upstream::Pool;
use http::uri::PathAndQuery;
use http::{HeaderMap, header};
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

impl From<UnclearPath> for WhoamiError {
    fn from(UnclearPath: UnclearPath) -> Self {
        Self::UnclearPath
    }
}

/// What all threads share for asking.
#[derive(Debug)]
pub struct SharedAsker {
    /// The answers of a moment ago.
    pub answers: Arc<WhoamiAnswers>,
    /// What the application is told of the client.
    pub headers: HeaderRules,
    /// Questions that are not under way wait for their turn, within their deadline.
    turns: Turns,
    metrics: Arc<Metrics>,
}

impl SharedAsker {
    /// For one sidecar.
    pub fn new(headers: HeaderRules, metrics: Arc<Metrics>) -> Self {
        Self {
            answers: Arc::default(),
            headers,
            turns: Turns::default(),
            metrics,
        }
    }
}

/// One thread's way to ask.
#[derive(Debug)]
pub(crate) struct Asker {
    shared: Arc<SharedAsker>,
    pool: Pool,
}

/// A request whose sender is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskedRequest<'r> {
    pub(crate) path: &'r RequestPath<'r>,
    pub(crate) query: Option<&'r str>,
    pub(crate) headers: &'r HeaderMap,
}

/// What of a request an application knows somebody by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session::sources) enum KnownBy {
    /// Not by the header that was asked about.
    NotTheHeader,
    /// By the header alone.
    TheHeader,
    /// By the header, and by the rest of the request without it.
    OthersToo,
}

impl<'r> AskedRequest<'r> {
    fn brought(&self, names: &KeyNames, rule: &WhoamiRule) -> Brought<'r> {
        Brought::by(self.headers, self.query, names, rule)
    }
}

impl Asker {
    /// For one thread.
    pub(crate) fn new(shared: Arc<SharedAsker>, pool: Pool) -> Self {
        Self { shared, pool }
    }

    /// Whether requests of any of these levels to this path are confirmed before they are let out.
    pub(crate) fn confirms(
        options: &SessionOptions,
        path: &RequestPath<'_>,
        mut levels: impl Iterator<Item = RiskLevel>,
    ) -> Result<bool, WhoamiError> {
        match rule(options, path)? {
            Some(rule) => Ok(levels.any(|level| rule.confirm.contains(&level))),
            None if levels.any(|level| level >= RiskLevel::High) => Err(WhoamiError::NoQuestion),
            None => Ok(false),
        }
    }

    /// The answers of a moment ago.
    pub(crate) fn answers(&self) -> &WhoamiAnswers {
        &self.shared.answers
    }

    /// Which question is asked about requests to a path, and where; `None` if none is declared for it.
    pub(crate) fn place(
        options: &SessionOptions,
        path: &RequestPath<'_>,
    ) -> Result<Option<(Arc<WhoamiRule>, PathAndQuery)>, WhoamiError> {
        let rule = rule(options, path)?;
        let place = |rule: &Arc<WhoamiRule>| Ok((rule.clone(), rule.target(path)?));
        rule.map(place).transpose()
    }

    /// The question about a request, to be asked later as well; `None` if none is declared for its path.
    pub(crate) fn question(
        options: &SessionOptions,
        request: &AskedRequest<'_>,
    ) -> Result<Option<Question>, WhoamiError> {
        let Some(rule) = rule(options, request.path)? else {
            return Ok(None);
        };
        let brought = request.brought(&options.key_names, rule);
        if brought.authenticates_connection() {
            return Ok(None);
        }
        let target = rule.target(request.path)?;
        let question = Question::new(rule, &target, &brought, AskedWith::All);
        Ok(Some(question))
    }

    /// Asks who sent a request, or knows it of a moment ago; `None` if no question is declared for its path.
    pub(crate) async fn ask(
        &self,
        options: &SessionOptions,
        context: &RequestContext<'_>,
        request: &AskedRequest<'_>,
        sessions: &impl Fn() -> Vec<SessionId>,
    ) -> Result<Option<WhoamiAnswer>, WhoamiError> {
        let Some(rule) = rule(options, request.path)? else {
            return Ok(None);
        };
        let brought = request.brought(&options.key_names, rule);
        if brought.authenticates_connection() {
            return Ok(None);
        }
        let target = rule.target(request.path)?;
        let ask = |carried| self.ask_with(context, rule, sessions, (&target, &brought, carried));
        let answer = ask(AskedWith::All).await?;
        let named = answer.person.as_ref().map(|person| &person.subject);
        let further = brought.further();
        for carried in further.ok_or(WhoamiError::ManyCredentials)? {
            let other = match ask(carried).await {
                // What it refuses outright it would do for nobody.
                Err(error) if error.is_refusal() => None,
                answered => answered?.person,
            };
            if other.is_some_and(|other| Some(&other.subject) != named) {
                return Err(WhoamiError::SeveralPeople);
            }
        }
        Ok(Some(answer))
    }

    /// What the application knows somebody by, whoever that is: asked by `rules` that look for a success.
    pub(in crate::session::sources) async fn known_by(
        &self,
        (rules, key_names): (&Whoami, &KeyNames),
        context: &RequestContext<'_>,
        request: &AskedRequest<'_>,
        header: &str,
        sessions: &impl Fn() -> Vec<SessionId>,
    ) -> Result<KnownBy, WhoamiError> {
        let rule = rules.rule(request.path)?.ok_or(WhoamiError::NoQuestion)?;
        let target = rule.target(request.path)?;
        let brought = request.brought(key_names, rule);
        let ask = |carried| self.ask_with(context, rule, sessions, (&target, &brought, carried));
        let alone = AskedWith::Only(Brings::Header(header));
        if ask(alone).await?.person.is_none() {
            return Ok(KnownBy::NotTheHeader);
        }
        let others = ask(AskedWith::AllBut(header)).await?.person;
        Ok(others.map_or(KnownBy::TheHeader, |_| KnownBy::OthersToo))
    }

    async fn ask_with(
        &self,
        context: &RequestContext<'_>,
        rule: &Arc<WhoamiRule>,
        sessions: &impl Fn() -> Vec<SessionId>,
        (target, brought, carried): (&PathAndQuery, &Brought<'_>, AskedWith<'_>),
    ) -> WhoamiResult {
        let question = || Question::new(rule, target, brought, carried);
        // Another client's question on a connection that is logged in by itself has another answer.
        if context.connection.data.is_authenticated() {
            return self.send(context, question()).await;
        }
        let answers = &self.shared.answers;
        let key = Question::key(answers, rule, target, brought, carried, context);
        loop {
            match answers.look_up(key, sessions) {
                Lookup::Known(person) => {
                    self.shared.metrics.whoami(WhoamiOutcome::Kept, None);
                    return Ok(WhoamiAnswer {
                        person,
                        cookies: None,
                    });
                }
                Lookup::Yours(ticket) => {
                    let result = self.send(context, question()).await;
                    ticket.answered(&result, rule.keep);
                    return result;
                }
                Lookup::Waiting(mut waiting) => {
                    let answered = waiting.wait_for(Option::is_some).await;
                    // Whoever asked may have gone away meanwhile.
                    if let Some(result) = answered.ok().and_then(|result| result.clone()) {
                        self.shared.metrics.whoami(WhoamiOutcome::Kept, None);
                        // The cookies are whoever's who asked: another client may send the same headers.
                        return result.map(|answer| WhoamiAnswer {
                            cookies: None,
                            ..answer
                        });
                    }
                }
            }
        }
    }

    /// Asks, whatever is known.
    pub(crate) async fn send(
        &self,
        context: &RequestContext<'_>,
        question: Question,
    ) -> WhoamiResult {
        let begun = Instant::now();
        let result = self
            .send_by(begun + question.rule.deadline, context, question)
            .await;
        let latency = Some(begun.elapsed());
        self.shared.metrics.whoami(outcome(&result), latency);
        result
    }

    async fn send_by(
        &self,
        deadline: Instant,
        context: &RequestContext<'_>,
        question: Question,
    ) -> WhoamiResult {
        let rule = question.rule.clone();
        // Without the query, which may hold credentials.
        let target = question.target.clone();
        let path = || target.path().to_owned();
        let asking = self.exchange(context, question, deadline);
        let answered = timeout_at(deadline, asking).await;
        let answer = answered.unwrap_or(Err(ExchangeError::Late));
        let answer = answer.map_err(|source| WhoamiError::Exchange {
            path: path(),
            source,
        })?;
        let (status, headers) = (answer.status, &answer.headers);
        let person = match rule.judge(status, headers, &answer.text()) {
            Answered::Person(person) => Some(person),
            Answered::Nobody => None,
            Answered::Unnamed => {
                tracing::debug!(request_id = %context.id, path = path(), status, "`session.whoami`: the answer names nobody where `subject` looks; taken for nobody");
                None
            }
            Answered::Other => {
                return Err(WhoamiError::Other {
                    path: path(),
                    status,
                });
            }
        };
        let lines = headers.get_all(header::SET_COOKIE);
        let lines = lines.iter().map(|line| (header::SET_COOKIE, line.clone()));
        let cookies: HeaderMap = lines.collect();
        Ok(WhoamiAnswer {
            person,
            cookies: (!cookies.is_empty()).then(|| Arc::new(cookies)),
        })
    }

    async fn exchange(
        &self,
        context: &RequestContext<'_>,
        question: Question,
        deadline: Instant,
    ) -> Result<ApplicationAnswer, ExchangeError> {
        let turn = self.shared.turns.next(context.client).await;
        let _turn = turn.ok_or(ExchangeError::Late)?;
        let request = question.into_request(context, &self.shared.headers);
        let client = context.connection.data.client();
        exchange(&self.pool, request, client, deadline).await
    }
}

const fn outcome(result: &WhoamiResult) -> WhoamiOutcome {
    match result {
        Ok(answer) if answer.person.is_some() => WhoamiOutcome::Named,
        Ok(_) => WhoamiOutcome::Nobody,
        Err(WhoamiError::Exchange { source, .. }) => match source {
            ExchangeError::Late => WhoamiOutcome::Late,
            ExchangeError::Unreachable(_) => WhoamiOutcome::Unreachable,
            ExchangeError::Encoding(_) | ExchangeError::Spoilt => WhoamiOutcome::Unclear,
        },
        Err(
            WhoamiError::KeyUnasked
            | WhoamiError::ManyCredentials
            | WhoamiError::NoQuestion
            | WhoamiError::Other { .. }
            | WhoamiError::SeveralPeople
            | WhoamiError::UnclearPath,
        ) => WhoamiOutcome::Unclear,
    }
}

fn rule<'o>(
    options: &'o SessionOptions,
    path: &RequestPath<'_>,
) -> Result<Option<&'o Arc<WhoamiRule>>, UnclearPath> {
    options
        .whoami()
        .map_or(Ok(None), |whoami| whoami.rule(path))
}
