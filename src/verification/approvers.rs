//! Approval by a second person, for whoever approves: the requests that are open, and the decision.
//!
//! Who may not decide a request is told nothing of it, not even that it exists.

use super::approval_view::{ApprovalState, ApprovalView};
use super::error::VerifyError;
use super::outcome::AwaitingApproval;
use super::verifier::{EndpointCaller, Verifier};
use crate::audit::{EventKind, Outcome};
use crate::domain::{
    Approver, AttemptCount, ChallengeId, Requirement, RouteId, StatedPurpose, Subject, User, UserId,
};
use crate::locale::Locale;
use crate::mail::{ApprovalMail, ApprovalNews};
use crate::store::{Approval, ApprovalDecision, ApprovalOutcome, StoreError, Taken};
use crate::telemetry::chain;
use std::sync::Arc;

/// What an approver decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalAnswer {
    /// Yes.
    Approve,
    /// No.
    Refuse,
}

/// What comes of a decision.
#[derive(Debug)]
pub enum Decided {
    /// It was decided before, or withdrawn, as the request says.
    Before(Box<ApprovalView>),
    /// It is decided by this call.
    Now(Box<ApprovalView>),
    /// There is no such request that this caller may decide.
    Unknown,
}

impl Verifier {
    /// The requests that the caller may decide, newest first; those of others leave no room to them.
    pub async fn open_requests(
        &self,
        requirement: impl Fn(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<Vec<ApprovalView>, VerifyError> {
        let now = self.services.clock.now();
        let names = self.names_of(caller.claimant.subject).await?;
        let mut views = Vec::new();
        for part in 0..PARTS {
            let open = self.store.open_approvals(part * PART, PART, now).await?;
            let is_end = open.is_empty();
            for approval in open {
                // A route that is gone, or asks for nobody's approval any more.
                let Some(requirement) = requirement(&approval.route) else {
                    continue;
                };
                // Seen before: others were asked meanwhile, and moved it into the next part.
                if views
                    .iter()
                    .any(|view: &ApprovalView| view.id == approval.id)
                {
                    continue;
                }
                let approver = self.approver(&approval, &requirement, &names, caller);
                if approver.await?.is_some() {
                    let view = self.view(&approval, &requirement);
                    views.extend(Some(view).filter(|view| view.state == ApprovalState::Pending));
                }
            }
            if is_end || views.len() >= MOST_SHOWN {
                break;
            }
        }
        views.truncate(MOST_SHOWN);
        Ok(views)
    }

    /// A request that the caller may decide, or might have.
    pub async fn request(
        &self,
        id: ChallengeId,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<Option<ApprovalView>, VerifyError> {
        let found = self.decidable(id, requirement, caller).await?;
        Ok(found.map(|(approval, requirement, _)| self.view(&approval, &requirement)))
    }

    /// Decides a request. That the caller has proven who they are, the endpoint has made sure of.
    pub async fn decide(
        &self,
        id: ChallengeId,
        answer: ApprovalAnswer,
        word: Option<&StatedPurpose>,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<Decided, VerifyError> {
        // What cannot be recorded must not happen.
        self.services.audit.ready()?;
        let found = self.decidable(id, requirement, caller).await?;
        let Some((mut approval, requirement, by)) = found else {
            return Ok(Decided::Unknown);
        };
        // Also one that cannot be read any more, since the secret was changed: nobody approves what they cannot see.
        let view = self.view(&approval, &requirement);
        if view.state != ApprovalState::Pending {
            return Ok(Decided::Before(Box::new(view)));
        }
        let (outcome, recorded) = match answer {
            ApprovalAnswer::Approve => (ApprovalOutcome::Approved, Outcome::Succeeded),
            ApprovalAnswer::Refuse => (ApprovalOutcome::Refused, Outcome::Refused),
        };
        let now = self.services.clock.now();
        let decided_as = by.group.clone();
        let decision = ApprovalDecision {
            outcome,
            by,
            at: now,
            sealed: self.seal_word(id, word),
        };
        if self.store.decide_approval(id, &decision, now).await? == Taken::Before {
            let decided = self.store.approval(id, now).await?;
            return Ok(decided.map_or(Decided::Unknown, |approval| {
                Decided::Before(Box::new(self.view(&approval, &requirement)))
            }));
        }
        // Recorded after it is decided, since of many decisions at once only one is.
        approval.decision = Some(decision);
        let mut event = self.event(EventKind::ApprovalDecided, recorded, caller);
        event.routes = vec![&approval.route];
        event.action = Some(&requirement.action);
        event.level = Some(requirement.level);
        event.enforcement = Some(requirement.enforcement);
        event.challenge = Some(id);
        event.requester = Some(&approval.requester);
        event.group = decided_as.as_deref();
        event.text = word.map(StatedPurpose::as_str);
        self.services.audit.record(&event)?;
        Ok(Decided::Now(Box::new(self.view(&approval, &requirement))))
    }

    /// Tells the approvers of a new request, as far as the directory has an address for them. Nobody waits for it: they
    /// find the request on the page of all that are open as well.
    pub async fn tell_approvers(
        &self,
        waiting: &AwaitingApproval,
        page: Result<String, String>,
        locale: Locale,
        caller: &EndpointCaller<'_>,
    ) {
        let requirement = &waiting.challenge.demand.requirement;
        let rule = requirement.approval.as_ref();
        let mut mails = Vec::new();
        for approver in rule.into_iter().flat_map(|rule| &rule.approvers) {
            match self.address_of(approver, caller).await {
                Ok(to) => mails.extend(to.map(|to| ApprovalMail {
                    news: ApprovalNews::Asked,
                    to,
                    locale,
                    title: (requirement.title).in_language(locale.as_str()).to_owned(),
                    person: waiting.approval.requester.to_string(),
                    expires_at: waiting.approval.expires_at,
                    page: page.clone(),
                })),
                Err(error) => {
                    tracing::warn!(%error, request_id = caller.request_id, "an approver is not told of a request");
                }
            }
        }
        self.send_approval_mails(mails, caller);
    }

    /// Tells whoever asked what was decided, where an address was known when they did. Nobody waits for it: they find it
    /// on their page as well.
    pub async fn tell_requester(
        &self,
        decided: &ApprovalView,
        page: Result<String, String>,
        caller: &EndpointCaller<'_>,
    ) -> Result<(), VerifyError> {
        let news = match decided.state {
            ApprovalState::Approved => ApprovalNews::Approved,
            ApprovalState::Refused => ApprovalNews::Refused,
            ApprovalState::Pending | ApprovalState::Void | ApprovalState::Withdrawn => {
                return Ok(());
            }
        };
        let now = self.services.clock.now();
        let approval = self.store.approval(decided.id, now).await?;
        let said = approval.and_then(|approval| self.said_of(&approval));
        let Some((Some(to), locale)) = said.map(|said| (said.mail_to, said.locale)) else {
            return Ok(());
        };
        let by = decided
            .decided
            .as_ref()
            .map(|decided| decided.by.to_string());
        let mail = ApprovalMail {
            news,
            to,
            locale,
            title: (decided.title).in_language(locale.as_str()).to_owned(),
            person: by.unwrap_or_default(),
            expires_at: decided.expires_at,
            page,
        };
        self.send_approval_mails(vec![mail], caller);
        Ok(())
    }

    fn send_approval_mails(&self, mails: Vec<ApprovalMail>, caller: &EndpointCaller<'_>) {
        let Some(mailer) = self.services.mailer.clone() else {
            return;
        };
        let request_id = caller.request_id.map(str::to_owned);
        // One after the other: the queue of mails is short, and codes go through it as well.
        tokio::task::spawn_local(async move {
            for mail in mails {
                if let Err(error) = mailer.tell_approval(&mail).await {
                    let error = chain(&error);
                    tracing::warn!(
                        error,
                        request_id,
                        "somebody is not told of a request for approval"
                    );
                }
            }
        });
    }

    /// Where an approver is told of a request, unless it is the requester, or they were told of too many.
    async fn address_of(
        &self,
        approver: &Subject,
        caller: &EndpointCaller<'_>,
    ) -> Result<Option<String>, StoreError> {
        let requester = caller.claimant.subject;
        let user = self.store.user(&UserId::new(approver.as_str())).await?;
        let Some(user) = user.filter(|user| !is_named(user, requester)) else {
            return Ok(None);
        };
        let counter = self.throttle().of_approver_mail(&user.id);
        let now = self.services.clock.now();
        let counted = self.store.count_attempt(&[counter], now).await?;
        let may_be_told = matches!(counted, AttemptCount::Counted { .. });
        Ok(user.email.filter(|_| may_be_told))
    }

    /// A request that the caller may decide, with the rule in force and as whom it lets them.
    async fn decidable(
        &self,
        id: ChallengeId,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<Option<(Approval, Arc<Requirement>, Approver)>, VerifyError> {
        let now = self.services.clock.now();
        let names = self.names_of(caller.claimant.subject).await?;
        let Some(approval) = self.store.approval(id, now).await? else {
            return Ok(None);
        };
        let Some(requirement) = requirement(&approval.route) else {
            return Ok(None);
        };
        let by = self
            .approver(&approval, &requirement, &names, caller)
            .await?;
        Ok(by.map(|by| (approval, requirement, by)))
    }

    /// By which of their `names`, or as one of which group, the caller may decide a request. Never whoever made it, in whichever spelling or by
    /// whichever alias, nor another account in the same session or browser.
    async fn approver(
        &self,
        approval: &Approval,
        requirement: &Requirement,
        names: &[Subject],
        caller: &EndpointCaller<'_>,
    ) -> Result<Option<Approver>, StoreError> {
        let Some(rule) = &requirement.approval else {
            return Ok(None);
        };
        let requester = &approval.requester;
        let claimant = &caller.claimant;
        // As of now: what the source said of them earlier was kept nowhere.
        let Some(known) = rule.approver(names, claimant.groups, requester) else {
            return Ok(None);
        };
        // A browser gets another key with each login and proof, so this is the last line and not the only one:
        // what waits is bound to the key that the requester's browser has.
        if claimant.browser_key == Some(approval.browser_key)
            || self
                .store
                .is_same_session(approval.session, claimant.session)
                .await?
        {
            return Ok(None);
        }
        // Last, since it asks the directory: two names of one entry are one person.
        let theirs = self.names_of(requester).await?;
        Ok((!theirs.iter().any(|name| names.contains(name))).then_some(known))
    }

    /// All names of a person: the subject, and those of the same user of the directory.
    async fn names_of(&self, subject: &Subject) -> Result<Vec<Subject>, StoreError> {
        let user = self.store.user(&UserId::new(subject.as_str())).await?;
        let ids = user
            .into_iter()
            .flat_map(|user| [user.aliases, vec![user.id]].concat());
        let mut names = vec![subject.clone()];
        names.extend(ids.map(|id| Subject::new(id.as_str())));
        Ok(names)
    }
}

/// Whether a user of the directory bears the name of a subject.
fn is_named(user: &User, subject: &Subject) -> bool {
    let mut ids = user.aliases.iter().chain([&user.id]);
    ids.any(|id| id.as_str() == subject.as_str())
}

/// How many requests are shown, the newest.
const MOST_SHOWN: usize = 200;
/// How many open requests are read at once, and how often: 10,000 are looked at.
const PART: usize = 200;
const PARTS: usize = 50;
