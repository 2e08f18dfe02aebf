//! Questions of proxies that forward by themselves: how they asked, and what they were told.

use super::{Counts, Metrics, table};

/// How a proxy asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionForm {
    /// As Envoy does over HTTP.
    Envoy,
    /// As Envoy does by gRPC.
    EnvoyGrpc,
    /// As Traefik, Caddy and others do.
    Forward,
    /// As nginx does.
    Nginx,
    /// As none does.
    Unknown,
}

/// What it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedOutcome {
    /// The request may pass.
    Admitted,
    /// Its client must prove who it is.
    Challenged,
    /// It may not.
    Denied,
    /// That we cannot tell.
    Failed,
    /// Nothing: it may not ask, or not so.
    Unanswered,
}

impl QuestionForm {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Envoy,
        Self::EnvoyGrpc,
        Self::Forward,
        Self::Nginx,
        Self::Unknown,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Envoy => "envoy",
            Self::EnvoyGrpc => "envoy-grpc",
            Self::Forward => "forward",
            Self::Nginx => "nginx",
            Self::Unknown => "unknown",
        }
    }
}

impl AskedOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Admitted,
        Self::Challenged,
        Self::Denied,
        Self::Failed,
        Self::Unanswered,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Challenged => "challenged",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
        }
    }
}

impl Metrics {
    /// Counts a question.
    pub fn asked(&self, form: QuestionForm, outcome: AskedOutcome) {
        if let Some(own) = self.own() {
            own.asked.add(form as usize, outcome as usize);
        }
    }

    /// Questions by their form and what was told.
    pub fn questions(&self) -> Counts<'static, 2> {
        let tables = self.threads.iter().map(|thread| &thread.asked);
        table::sum(tables)
            .filter_map(|(form, outcome, count)| {
                let form = QuestionForm::ALL.get(form)?.as_str();
                Some(([form, AskedOutcome::ALL.get(outcome)?.as_str()], count))
            })
            .collect()
    }
}
