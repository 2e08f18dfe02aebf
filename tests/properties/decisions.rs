//! Properties of the decision: more proof never means less access, and foreign proof none at all.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::sync::Arc;
use std::time::Duration;
use stepgate::domain::{
    Action, Alternatives, ApprovalRule, Approver, Binding, BrowserKeyHash, Claim, Demand,
    Enforcement, Evidence, Factor, FactorSet, Grant, GrantId, GrantKey, Mark, Met, PurposeRule,
    RequestDigest, Requirement, RiskLevel, Scope, Session, SessionId, SessionState, Subject,
    Timestamp, Verdict, decide, unmet,
};

/// Narrow on purpose: a few of everything, so that things fit one another often enough.
const NOW: Timestamp = Timestamp::from_millis(10_000_000);
const MINUTES: u64 = 60_000;

/// [`Evidence`] in parts that can be put together twice; claims cannot be cloned.
#[derive(Clone, Debug)]
struct Parts {
    session: SessionState,
    browser_key: Option<BrowserKeyHash>,
    asserted_at: Option<Timestamp>,
    mark: Option<Mark>,
    grants: Vec<Grant>,
    taken: Vec<Grant>,
}

impl Parts {
    fn evidence(&self) -> Evidence {
        Evidence {
            session: self.session.clone(),
            browser_key: self.browser_key,
            asserted_at: self.asserted_at,
            mark: self.mark.clone(),
            grants: self.grants.clone(),
            claims: self.claims(),
            latest: [&self.grants[..], &self.taken].concat(),
        }
    }

    fn claims(&self) -> Vec<Claim> {
        let claim = |grant: &Grant| Claim {
            session: SessionId::new([1; 32]),
            grant: grant.clone(),
        };
        self.taken.iter().map(claim).collect()
    }
}

fn forwards(demands: &[Demand], parts: &Parts) -> bool {
    matches!(decide(demands, &parts.evidence(), NOW), Verdict::Pass(_))
}

fn browser() -> impl Strategy<Value = BrowserKeyHash> {
    (0..2u8).prop_map(|number| BrowserKeyHash::new([number; 32]))
}

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![Just(Subject::new("alice")), Just(Subject::new("bob"))]
}

fn factors() -> impl Strategy<Value = FactorSet> {
    (1..32u8).prop_map(FactorSet::from_bits)
}

fn level() -> impl Strategy<Value = RiskLevel> {
    (1..5i64).prop_map(|number| number.try_into().unwrap())
}

fn digest() -> impl Strategy<Value = Option<RequestDigest>> {
    prop::option::of((0..2u8).prop_map(|number| RequestDigest::new([number; 32])))
}

/// What the identity provider named.
fn acr() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[gs]")
}

/// Around now: mostly lately, sometimes long ago or to come.
fn moment() -> impl Strategy<Value = Timestamp> {
    (0..22u64)
        .prop_map(|minutes| Timestamp::from_millis(NOW.as_millis() + MINUTES - minutes * MINUTES))
}

prop_compose! {
    fn by()(subject in subject(), group in prop::option::weighted(0.3, "staff|others")) -> Approver {
        Approver { subject, group }
    }
}

prop_compose! {
    fn grant()(
        single_use in any::<bool>(), action in "[ab]", binding in digest(), level in level(),
        subject in subject(), browser_key in browser(), factors in factors(), acr in acr(),
        approved_by in prop::option::of(by()), granted_at in moment(), expires_at in moment(),
    ) -> Grant {
        Grant {
            id: GrantId::new([0; 16]),
            key: GrantKey { action: Action::new(action), binding, single_use },
            level, subject, browser_key, factors, acr, approved_by, granted_at,
            expires_at: expires_at.after(Duration::from_mins(10)),
        }
    }
}

prop_compose! {
    fn mark()(subject in subject(), browser_key in browser(), factors in factors(), acr in acr(), verified_at in moment()) -> Mark {
        Mark { subject, browser_key, factors, acr, verified_at }
    }
}

fn session() -> impl Strategy<Value = SessionState> {
    let known = (
        subject(),
        prop::option::of(moment()),
        prop::option::of(browser()),
        prop::bool::weighted(0.05),
    );
    prop_oneof![
        1 => Just(SessionState::Absent),
        1 => Just(SessionState::Unknown),
        18 => known.prop_map(|(subject, authenticated_at, browser_key, revoked)| {
            SessionState::Known(Session {
                owner: subject,
                authenticated_at,
                browser_key,
                created_at: Timestamp::default(),
                seen_at: Timestamp::default(),
                revoked,
                provenance: None,
            })
        }),
    ]
}

prop_compose! {
    fn parts()(
        session in session(), browser_key in prop::option::weighted(0.9, browser()),
        asserted_at in prop::option::weighted(0.2, moment()), mark in prop::option::of(mark()),
        grants in prop::collection::vec(grant(), 0..4), taken in prop::collection::vec(grant(), 0..3),
    ) -> Parts {
        Parts { session, browser_key, asserted_at, mark, grants, taken }
    }
}

/// By the other one, by both, or by one who is nobody here.
fn approval() -> impl Strategy<Value = ApprovalRule> {
    prop::sample::subsequence(vec!["alice", "bob", "carol"], 1..=3).prop_map(|names| ApprovalRule {
        group: None,
        approvers: names.into_iter().map(Subject::new).collect(),
        asserted: vec!["staff".to_owned()],
        purpose: PurposeRule::Required,
        within: Duration::from_hours(1),
    })
}

prop_compose! {
    fn demand()(
        action in "[ab]", level in level(), accepted in prop::collection::vec(factors(), 1..3),
        factors_narrowed in any::<bool>(), contexts in prop::option::weighted(0.3, "[gs]"), minutes in 1..20u64, single_use in any::<bool>(),
        sudo in any::<bool>(), report in prop::bool::weighted(0.1), binding in digest(),
        approval in prop::option::weighted(0.3, approval()),
    ) -> Demand {
        let requirement = Requirement {
            action: Action::new(action),
            title: "".into(),
            level,
            factors: Alternatives::new(accepted).unwrap(),
            factors_narrowed,
            acr: contexts.into_iter().collect(),
            max_age: Duration::from_mins(minutes),
            scope: if sudo { Scope::Session } else { Scope::Action },
            single_use,
            bind: Binding::Nothing,
            show: vec![],
            confirm: None,
            approval,
            device: true,
            anchor: None,
            inline: None,
            open_for: None,
            enforcement: if report { Enforcement::Report } else { Enforcement::Enforce },
        };
        Demand { requirement: Arc::new(requirement), binding }
    }
}

fn demands() -> impl Strategy<Value = Vec<Demand>> {
    prop::collection::vec(demand(), 1..4)
}

/// Evidence that was made for `demands`: all that they need is there, and more besides.
fn fitting(demands: &[Demand], parts: Parts) -> Parts {
    let mut parts = parts;
    let SessionState::Known(session) = &mut parts.session else {
        return parts;
    };
    let browser_key = *session
        .browser_key
        .get_or_insert(BrowserKeyHash::new([0; 32]));
    let (subject, factors) = (session.owner.clone(), Factor::ALL.into_iter().collect());
    parts.browser_key = Some(browser_key);
    for demand in demands {
        if !demand.requirement.needs_grant() {
            parts.mark = Some(Mark {
                subject: subject.clone(),
                browser_key,
                factors,
                acr: demand.requirement.acr.first().cloned(),
                verified_at: NOW,
            });
            continue;
        }
        let grant = Grant {
            id: GrantId::new([1; 16]),
            key: demand.grant_key(),
            level: demand.requirement.level,
            subject: subject.clone(),
            browser_key,
            factors,
            acr: demand.requirement.acr.first().cloned(),
            approved_by: approver(demand, &subject),
            granted_at: NOW,
            expires_at: NOW.after(Duration::from_mins(1)),
        };
        if grant.key.single_use {
            parts.taken.push(grant);
        } else {
            parts.grants.push(grant);
        }
    }
    parts
}

/// Somebody whose approval counts, if there is anybody.
fn approver(demand: &Demand, requester: &Subject) -> Option<Approver> {
    let rule = demand.requirement.approval.as_ref()?;
    rule.approver(&rule.approvers, &[], requester)
}

/// A demand and evidence, tailored to it in half of the cases.
fn cases() -> impl Strategy<Value = (Vec<Demand>, Parts)> {
    (demands(), parts(), any::<bool>()).prop_map(|(demands, parts, tailored)| {
        let parts = if tailored {
            fitting(&demands, parts)
        } else {
            parts
        };
        (demands, parts)
    })
}

fn with(demand: &Demand, change: impl FnOnce(&mut Requirement)) -> Demand {
    let mut requirement = (*demand.requirement).clone();
    change(&mut requirement);
    Demand {
        requirement: Arc::new(requirement),
        binding: demand.binding,
    }
}

/// Moves a grant out of the window that any requirement here allows.
fn expired(mut grant: Grant, by_the_store: bool) -> Grant {
    if by_the_store {
        grant.expires_at = NOW;
    } else {
        grant.granted_at = NOW.before(Duration::from_mins(30));
    }
    grant
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn more_evidence_never_turns_forward_into_a_challenge(
        (demands, few) in cases(), more in parts(), mark in mark(), at in moment(),
    ) {
        let mut many = few.clone();
        many.grants.splice(0..0, more.grants);
        many.taken.splice(0..0, more.taken);
        many.mark = many.mark.or(Some(mark));
        many.asserted_at = many.asserted_at.or(Some(at));
        if let SessionState::Known(session) = &mut many.session {
            session.authenticated_at = session.authenticated_at.or(Some(at));
        }
        if forwards(&demands, &few) {
            prop_assert!(forwards(&demands, &many));
        }
    }

    #[test]
    fn a_further_demand_never_turns_a_challenge_into_a_forward((demands, parts) in cases(), another in demand()) {
        let mut more = demands.clone();
        more.push(another);
        if forwards(&more, &parts) {
            prop_assert!(forwards(&demands, &parts));
        }
    }

    /// What opens by a fresh session does so at 1 as at 2, what opens by a grant at 3 as at 4.
    #[test]
    fn a_higher_level_never_opens_where_a_lower_one_did_not((demands, parts) in cases(), place in any::<prop::sample::Index>()) {
        let place = place.index(demands.len());
        let lower = match demands[place].requirement.level {
            RiskLevel::Low | RiskLevel::Medium => RiskLevel::Low,
            RiskLevel::High | RiskLevel::Critical => RiskLevel::High,
        };
        let mut lowered = demands.clone();
        lowered[place] = with(&demands[place], |requirement| requirement.level = lower);
        if forwards(&demands, &parts) {
            prop_assert!(forwards(&lowered, &parts));
        }
    }

    /// Every verification that earns a grant marks the session, too: with evidence that came about in
    /// this way, the step from 2 to 3 is no exception.
    #[test]
    fn a_proof_that_opens_a_high_level_opens_a_low_one(demand in demand(), parts in parts(), earned in grant()) {
        let high = with(&demand, |requirement| {
            requirement.level = RiskLevel::High;
            requirement.scope = Scope::Action;
        });
        let low = with(&high, |requirement| requirement.level = RiskLevel::Medium);
        let mark = Mark {
            subject: earned.subject.clone(),
            browser_key: earned.browser_key,
            factors: earned.factors,
            acr: earned.acr.clone(),
            verified_at: earned.granted_at,
        };
        let (grants, taken) = if earned.key.single_use { (vec![], vec![earned]) } else { (vec![earned], vec![]) };
        let parts = Parts { mark: Some(mark), grants, taken, ..fitting(&[], parts) };
        if forwards(&[high], &parts) {
            prop_assert!(forwards(&[low], &parts));
        }
    }

    #[test]
    fn an_expired_grant_never_forwards((mut demands, parts) in cases(), by_the_store in any::<bool>()) {
        let strict = with(&demands[0], |requirement| {
            requirement.enforcement = Enforcement::Enforce;
            requirement.level = requirement.level.max(RiskLevel::High);
            requirement.scope = Scope::Action;
        });
        let parts = fitting(std::slice::from_ref(&strict), parts);
        demands[0] = strict;
        let grants = parts.grants.iter().cloned().map(|grant| expired(grant, by_the_store)).collect();
        let taken = parts.taken.iter().cloned().map(|grant| expired(grant, by_the_store)).collect();
        let parts = Parts { grants, taken, ..parts };
        prop_assert!(!forwards(&demands, &parts));
    }

    /// Of another subject, or from another browser than the request's or the session's own.
    #[test]
    fn foreign_evidence_never_helps((demands, parts) in cases()) {
        let SessionState::Known(session) = &parts.session else {
            return Ok(());
        };
        let ours = |subject: &Subject, browser: BrowserKeyHash| {
            *subject == session.owner && Some(browser) == session.browser_key && Some(browser) == parts.browser_key
        };
        let mut own = parts.clone();
        own.grants.retain(|grant| ours(&grant.subject, grant.browser_key));
        own.taken.retain(|grant| ours(&grant.subject, grant.browser_key));
        own.mark = own.mark.filter(|mark| ours(&mark.subject, mark.browser_key));
        prop_assert_eq!(forwards(&demands, &parts), forwards(&demands, &own));
    }

    #[test]
    fn a_copied_cookie_without_the_browser_key_opens_nothing((mut demands, mut parts) in cases()) {
        demands[0] = with(&demands[0], |requirement| requirement.enforcement = Enforcement::Enforce);
        parts.browser_key = None;
        // The word of a trusted proxy comes with each request, and is not the cookie's.
        parts.asserted_at = None;
        prop_assert!(!forwards(&demands, &parts));
    }

    #[test]
    fn a_grant_for_another_action_or_request_never_helps((demands, parts) in cases()) {
        let asked: Vec<GrantKey> = demands.iter().map(Demand::grant_key).collect();
        let mut fitting = parts.clone();
        fitting.grants.retain(|grant| asked.contains(&grant.key));
        fitting.taken.retain(|grant| asked.contains(&grant.key));
        prop_assert_eq!(forwards(&demands, &parts), forwards(&demands, &fitting));
    }

    #[test]
    fn who_approves_is_never_who_asks_and_always_who_may((mut demands, mut parts) in cases(), rule in approval()) {
        let strict = with(&demands[0], |requirement| {
            requirement.enforcement = Enforcement::Enforce;
            requirement.level = requirement.level.max(RiskLevel::High);
            requirement.scope = Scope::Action;
            requirement.approval = Some(rule.clone());
        });
        demands[0] = strict;
        let SessionState::Known(session) = &parts.session else {
            return Ok(());
        };
        let owner = session.owner.clone();
        let counts = |grant: &Grant| grant.approved_by.as_ref().is_some_and(|by| {
            let may = match &by.group {
                None => rule.approvers.contains(&by.subject),
                Some(group) => rule.asserted.contains(group),
            };
            may && by.subject != owner
        });
        parts.grants.retain(|grant| !counts(grant));
        parts.taken.retain(|grant| !counts(grant));
        prop_assert!(!forwards(&demands, &parts));
    }

    #[test]
    fn to_ask_for_approval_as_well_opens_nothing((demands, parts) in cases(), place in any::<prop::sample::Index>(), rule in approval()) {
        let place = place.index(demands.len());
        let without = with(&demands[place], |requirement| requirement.approval = None);
        let with = with(&demands[place], |requirement| requirement.approval = Some(rule));
        let (mut less, mut more) = (demands.clone(), demands);
        (less[place], more[place]) = (without, with);
        if forwards(&more, &parts) {
            prop_assert!(forwards(&less, &parts));
        }
    }

    #[test]
    fn report_mode_never_holds_up((demands, parts) in cases()) {
        let reported: Vec<_> = demands.iter().map(|demand| with(demand, |r| r.enforcement = Enforcement::Report)).collect();
        prop_assert!(forwards(&reported, &parts));
        // Nor does a reported demand among enforced ones.
        let enforced: Vec<_> = demands.iter().filter(|d| d.requirement.enforcement == Enforcement::Enforce).cloned().collect();
        prop_assert_eq!(forwards(&demands, &parts), forwards(&enforced, &parts));
    }

    #[test]
    fn what_passes_rests_on_the_strictest_demand((demands, parts) in cases()) {
        let evidence = parts.evidence();
        let Verdict::Pass(met) = decide(&demands, &evidence, NOW) else {
            return Ok(());
        };
        let mut enforced = demands.iter().filter(|d| d.requirement.enforcement == Enforcement::Enforce);
        let Some(Met { index, proof }) = met else {
            prop_assert!(enforced.next().is_none());
            return Ok(());
        };
        let requirement = &demands[index].requirement;
        prop_assert_eq!(requirement.enforcement, Enforcement::Enforce);
        prop_assert!(enforced.all(|other| other.requirement.level <= requirement.level));
        prop_assert!(NOW.is_within(requirement.max_age, proof.at));
        // Either it was shown to us and is enough, or the application saw it.
        let fresh = proof.factors == FactorSet::EMPTY && requirement.accepts_fresh_sign_in();
        prop_assert!(fresh || requirement.factors.satisfied_by(proof.factors));
    }

    #[test]
    fn the_answer_names_the_strictest_demand_that_is_not_met((demands, parts) in cases()) {
        let (Verdict::Challenge(named) | Verdict::Deny(named)) = decide(&demands, &parts.evidence(), NOW) else {
            return Ok(());
        };
        let evidence = parts.evidence();
        let index = named.index.unwrap();
        prop_assert_eq!(unmet(&demands[index], &evidence, NOW), Some(named.reason));
        for demand in demands.iter().filter(|d| d.requirement.enforcement == Enforcement::Enforce) {
            let is_met = unmet(demand, &evidence, NOW).is_none();
            prop_assert!(is_met || demand.requirement.level <= demands[index].requirement.level);
        }
    }
}

/// Properties of what never happens here would prove nothing.
#[test]
fn the_cases_forward_and_challenge_often_enough() {
    let mut runner = TestRunner::deterministic();
    let mut forwarded = 0;
    for _ in 0..1_000 {
        let (demands, parts) = cases().new_tree(&mut runner).unwrap().current();
        forwarded += usize::from(forwards(&demands, &parts));
    }
    assert!((100..900).contains(&forwarded), "{forwarded} of 1000");
}
