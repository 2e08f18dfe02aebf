//! What a decision costs, and what stands around it: whose request it is, and the sealed challenge.

#![allow(clippy::expect_used)] // a bench ends where its own input is wrong

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::HeaderMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use stepgate::domain::{
    Action, Alternatives, Binding, BrowserKeyHash, Challenge, ChallengeId, Claim, Demand,
    Enforcement, Evidence, Factor, FactorSet, Grant, GrantId, GrantKey, LocalPath, Mark,
    RequestDigest, Requirement, ReturnTarget, RiskLevel, RouteId, Scope, Secret, Session,
    SessionId, SessionState, Subject, Timestamp, Verdict, decide,
};
use stepgate::entropy::Entropy;
use stepgate::seal::Keys;
use stepgate::session::{CarriedLines, CredentialNames};
use stepgate::verification::{open_challenge, seal_challenge};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const BROWSER: BrowserKeyHash = BrowserKeyHash::new([2; 32]);
const SESSION: SessionId = SessionId::new([1; 32]);

fn requirement(level: RiskLevel) -> Arc<Requirement> {
    Arc::new(Requirement {
        action: Action::new("user.delete"),
        title: "Delete a user".into(),
        level,
        factors: Alternatives::any_of(&[Factor::Passkey, Factor::Password, Factor::EmailCode])
            .expect("three factors"),
        factors_narrowed: false,
        acr: Vec::new(),
        max_age: Duration::from_mins(5),
        scope: Scope::Action,
        single_use: level == RiskLevel::Critical,
        bind: Binding::Request,
        show: vec![],
        confirm: None,
        approval: None,
        device: true,
        anchor: None,
        inline: None,
        open_for: None,
        enforcement: Enforcement::Enforce,
    })
}

fn demand(level: RiskLevel) -> Demand {
    let binding = (level == RiskLevel::Critical).then(|| RequestDigest::new([3; 32]));
    Demand {
        requirement: requirement(level),
        binding,
    }
}

fn grant(key: GrantKey) -> Grant {
    Grant {
        id: GrantId::new([4; 16]),
        key,
        level: RiskLevel::Critical,
        subject: Subject::new("alice"),
        browser_key: BROWSER,
        factors: FactorSet::EMPTY.with(Factor::Password),
        acr: None,
        approved_by: None,
        granted_at: NOW,
        expires_at: NOW.after(Duration::from_mins(5)),
    }
}

/// What opens all `demands`, among `others` that open nothing here.
fn evidence(demands: &[Demand], others: usize) -> Evidence {
    let mut evidence = Evidence {
        session: SessionState::Known(Session {
            owner: Subject::new("alice"),
            authenticated_at: Some(NOW.before(Duration::from_hours(8))),
            browser_key: Some(BROWSER),
            created_at: NOW.before(Duration::from_hours(8)),
            seen_at: NOW,
            revoked: false,
            provenance: None,
        }),
        browser_key: Some(BROWSER),
        asserted_at: None,
        mark: Some(Mark {
            subject: Subject::new("alice"),
            browser_key: BROWSER,
            factors: FactorSet::EMPTY.with(Factor::Password),
            acr: None,
            verified_at: NOW,
        }),
        grants: (0..others)
            .map(|number| {
                let action = Action::new(format!("other.action{number}"));
                grant(GrantKey {
                    action,
                    binding: None,
                    single_use: false,
                })
            })
            .collect(),
        claims: vec![],
        latest: vec![],
    };
    for demand in demands {
        let grant = grant(demand.grant_key());
        if grant.key.single_use {
            evidence.claims.push(Claim {
                session: SESSION,
                grant,
            });
        } else {
            evidence.grants.push(grant);
        }
    }
    evidence
}

fn deciding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    let critical = [demand(RiskLevel::Critical)];
    let several: Vec<_> = [RiskLevel::Low, RiskLevel::High, RiskLevel::Critical]
        .map(demand)
        .into();
    let high = [demand(RiskLevel::High)];
    for (name, demands, others) in [
        ("level 2", &[demand(RiskLevel::Medium)][..], 0),
        ("level 3", &high, 0),
        ("level 4", &critical, 0),
        ("level 3 among 16 grants", &high, 16),
        ("three routes", &several, 2),
    ] {
        assert!(matches!(
            decide(demands, &evidence(demands, others), NOW),
            Verdict::Pass(_)
        ));
        group.bench_function(name, |bencher| {
            let setup = || evidence(demands, others);
            bencher.iter_batched(
                setup,
                // Handed back, so that dropping it is not measured.
                |evidence| (decide(black_box(demands), &evidence, NOW), evidence),
                BatchSize::SmallInput,
            );
        });
    }
    group.bench_function("level 4, challenged", |bencher| {
        let setup = || evidence(&[], 4);
        bencher.iter_batched(
            setup,
            |evidence| (decide(black_box(&critical), &evidence, NOW), evidence),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn keys() -> Keys {
    let secret = Secret::new((0..64).collect());
    Keys::derive(&secret, None).expect("a secret that is long enough")
}

fn sealing(criterion: &mut Criterion) {
    let (keys, entropy) = (keys(), Entropy::system());
    let challenge = Challenge {
        id: ChallengeId::new([5; 16]),
        session: SESSION,
        subject: Subject::new("alice@example.com"),
        browser_key: Some(BROWSER),
        in_own_session: true,
        route: RouteId::new("delete-user"),
        demand: demand(RiskLevel::Critical),
        shown: vec![("user".to_owned(), "42".to_owned())],
        return_to: LocalPath::parse("/admin/users?page=2")
            .map_or(ReturnTarget::Caller, ReturnTarget::Path),
        device: None,
        back: None,
        opened_at: NOW,
        expires_at: NOW.after(Duration::from_mins(10)),
    };
    let token = seal_challenge(&challenge, &keys, &entropy);
    let route = challenge.demand.requirement.clone();
    let open = |token: &str| open_challenge(token, |_| Some(route.clone()), &keys, NOW);
    assert!(open(&token).is_some());
    let foreign = token.replace(&token[20..24], "AAAA");
    assert!(open(&foreign).is_none());
    let mut group = criterion.benchmark_group("challenge");
    group.bench_function("seal", |bencher| {
        bencher.iter(|| seal_challenge(black_box(&challenge), &keys, &entropy));
    });
    group.bench_function("open", |bencher| bencher.iter(|| open(black_box(&token))));
    group.bench_function("open, forged", |bencher| {
        bencher.iter(|| open(black_box(&foreign)));
    });
    group.finish();
}

fn identifying(criterion: &mut Criterion) {
    let keys = keys();
    let names = CredentialNames::of(&["sessionid"]).unwrap_or_default();
    let session = "k3v9".repeat(8);
    let among = (0..20).map(|number| format!("preference{number}=value{number}"));
    let many = among.chain([format!("sessionid={session}")]);
    let many = many.collect::<Vec<_>>().join("; ");
    let mut group = criterion.benchmark_group("session of a request");
    for (name, header, value) in [
        ("one cookie", "cookie", format!("sessionid={session}")),
        ("among twenty cookies", "cookie", many),
        (
            "a bearer token",
            "authorization",
            format!("Bearer {}", "x".repeat(800)),
        ),
        ("a stranger", "cookie", "theme=dark".to_owned()),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header, value.parse().expect("a sound header"));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let lines = CarriedLines::of(black_box(&headers), "/users/5/delete", &names);
                let credentials = names.read(&lines).expect("nothing doubled");
                credentials.session(&keys)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, deciding, sealing, identifying);
criterion_main!(benches);
