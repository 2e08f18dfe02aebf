//! Records read back, and only as what they are.

use super::session::owner;
use super::*;
use crate::domain::{
    Action, Approver, Factor, Grant, GrantId, GrantKey, Owner, Provenance, RequestDigest,
    RiskLevel, RouteId, StoredSession, Timestamp,
};
use crate::store::{Approval, ApprovalDecision, ApprovalOutcome};
use proptest::prelude::*;

fn times() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_millis)
}

fn names() -> impl Strategy<Value = String> {
    "[a-zà-ž0-9@.:{} ]{1,40}"
}

fn browsers() -> impl Strategy<Value = BrowserKeyHash> {
    any::<[u8; 32]>().prop_map(BrowserKeyHash::new)
}

fn factors() -> impl Strategy<Value = FactorSet> {
    any::<u8>().prop_map(FactorSet::from_bits)
}

fn acrs() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[a-z0-9:/.]{1,40}")
}

/// Names of subjects, and the words for whoever is none.
fn owners() -> impl Strategy<Value = String> {
    prop_oneof![4 => names(), 1 => Just("\u{1}disputed".to_owned()), 1 => Just("\u{1}spelling".to_owned())]
}

prop_compose! {
    fn sessions()(
        subject in owners(), said in proptest::option::of("[A-Z ]{1,9}"), authenticated_at in proptest::option::of(times()),
        browser_key in proptest::option::of(browsers()),
        created_at in times(), seen_at in times(), revoked in any::<bool>(),
        place in proptest::option::of(".{0,9}"),
    ) -> StoredSession {
        let owner = match (owner(&subject).unwrap(), said) {
            (Owner::Subject(subject), Some(said)) => Owner::Subject(subject.said_as(&said)),
            (owner, _) => owner,
        };
        let provenance = |place: String| Provenance::new([192, 0, 2, 7].into(), "curl/8", &place);
        StoredSession {
            owner, authenticated_at, browser_key, created_at, seen_at, revoked,
            provenance: place.map(provenance),
        }
    }
}

prop_compose! {
    fn grants()(
        id in any::<[u8; 16]>(), action in names(), subject in names(),
        binding in proptest::option::of(any::<[u8; 32]>()), single_use in any::<bool>(),
        level in 1i64..=4, browser_key in browsers(), factors in factors(), acr in acrs(),
        approver in proptest::option::of((names(), proptest::option::of(names()))),
        granted_at in times(), expires_at in times(),
    ) -> Grant {
        Grant {
            id: GrantId::new(id),
            key: GrantKey {
                action: Action::new(action),
                binding: binding.map(RequestDigest::new),
                single_use,
            },
            level: RiskLevel::try_from(level).unwrap(),
            subject: Subject::new(subject),
            browser_key, factors, acr, approved_by: approver.map(|(name, group)| Approver { subject: Subject::new(name), group }), granted_at, expires_at,
        }
    }
}

prop_compose! {
    fn credentials()(
        kind in names(), data in proptest::collection::vec(any::<u8>(), 0..80),
    ) -> Credential {
        Credential { kind, data: Secret::new(data) }
    }
}

prop_compose! {
    fn users()(
        id in names(), aliases in proptest::collection::vec(names(), 0..4),
        email in proptest::option::of(names()), password in proptest::option::of(names()),
        totp in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..80)),
        credentials in proptest::collection::vec(credentials(), 0..3), created_at in times(),
    ) -> User {
        User {
            id: UserId::new(id),
            aliases: aliases.into_iter().map(UserId::new).collect(),
            email, password: password.map(Secret::new), totp, credentials, created_at,
        }
    }
}

fn approval(grant: &Grant, bytes: [u8; 32], decision: Option<ApprovalDecision>) -> Approval {
    Approval {
        id: ChallengeId::new([7; 16]),
        session: SessionId::new(bytes),
        browser_key: grant.browser_key,
        requester: grant.subject.clone(),
        route: RouteId::new(grant.key.action.as_str()),
        binding: grant.key.binding,
        asked_at: grant.granted_at,
        expires_at: grant.expires_at,
        sealed: bytes.to_vec(),
        decision,
    }
}

fn decision(user: &User, bytes: [u8; 32]) -> ApprovalDecision {
    ApprovalDecision {
        outcome: [
            ApprovalOutcome::Approved,
            ApprovalOutcome::Refused,
            ApprovalOutcome::Withdrawn,
        ][usize::from(bytes[0]) % 3],
        by: Approver {
            subject: Subject::new(user.id.as_str()),
            group: user.email.clone(),
        },
        at: user.created_at,
        sealed: bytes.to_vec(),
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        id in any::<[u8; 32]>(), session in sessions(), grant in grants(), user in users(),
        browser_key in browsers(), factors in factors(), verified_at in times(),
        hash in any::<[u8; 32]>(),
    ) {
        let id = SessionId::new(id);
        let read = decode_session(&id, &encode_session(&id, &session)).unwrap();
        prop_assert_eq!(&read, &session);
        let spelling = |session: &StoredSession| session.owner.subject().map(|one| one.spelling().to_owned());
        prop_assert_eq!(spelling(&read), spelling(&session));

        let mark = Mark { subject: grant.subject.clone(), browser_key, factors, acr: grant.acr.clone(), verified_at };
        prop_assert_eq!(decode_mark(&id, &encode_mark(&id, &mark)).unwrap(), mark);

        let read = decode_grant(&id, &grant.key, &encode_grant(&id, &grant)).unwrap();
        prop_assert_eq!(&read, &grant);

        let read = decode_user(&user.id, user.aliases.clone(), &encode_user(&user)).unwrap();
        prop_assert_eq!(&read, &user);

        let challenge = ChallengeId::new([7; 16]);
        for decision in [None, Some(decision(&user, hash))] {
            let approval = approval(&grant, hash, decision);
            let decided = approval.decision.as_ref().map(encode_decision);
            let read = decode_approval(&approval.id, &encode_approval(&approval), decided.as_deref());
            prop_assert_eq!(read.unwrap(), approval);
        }

        let code = SentCode { hash, expires_at: verified_at };
        prop_assert_eq!(decode_code(&challenge, &encode_code(&challenge, &code)).unwrap(), code);
    }

    #[test]
    fn any_bytes_read_as_a_record_or_as_corrupt(
        tag in proptest::sample::select(b"SMGUCAD".to_vec()),
        bytes in proptest::collection::vec(any::<u8>(), 0..300), headed in any::<bool>(),
        version in 1u8..=3,
    ) {
        let bytes = if headed { [&[version, tag], &bytes[..]].concat() } else { bytes };
        let id = SessionId::new([0; 32]);
        let key = GrantKey { action: Action::new("a"), binding: None, single_use: false };
        let _ = decode_session(&id, &bytes);
        let _ = decode_mark(&id, &bytes);
        let _ = decode_grant(&id, &key, &bytes);
        let _ = decode_user(&UserId::new("a"), Vec::new(), &bytes);
        let _ = decode_code(&ChallengeId::new([0; 16]), &bytes);
        let _ = decode_approval(&ChallengeId::new([0; 16]), &bytes, Some(&bytes));
    }

    #[test]
    fn a_record_cut_short_is_corrupt(grant in grants(), cut in 1usize..140) {
        let id = SessionId::new([3; 32]);
        let whole = encode_grant(&id, &grant);
        // Only what is cut off the subject still leaves a record, of another subject.
        let subject = grant.subject.as_str().len();
        prop_assume!(cut >= subject || grant.approved_by.is_some());
        let short = &whole[..whole.len().saturating_sub(cut)];
        prop_assert!(decode_grant(&id, &grant.key, short).is_err());
    }

    #[test]
    fn the_fixed_parts_lie_where_the_scripts_look(session in sessions(), grant in grants()) {
        let id = SessionId::new([5; 32]);
        let bytes = encode_session(&id, &session);
        let time = |time: Timestamp| time.as_millis().to_be_bytes();
        prop_assert_eq!(&bytes[offset::SESSION_ID..][..32], id.as_bytes());
        prop_assert_eq!(&bytes[34..][..8], time(session.seen_at));
        let authenticated = u8::from(session.authenticated_at.is_some());
        prop_assert_eq!(bytes[42], authenticated);
        prop_assert_eq!(bytes[51], u8::from(session.browser_key.is_some()));
        let (owner, said) = bytes[93..].split_at(owner_text(&session.owner).len());
        prop_assert_eq!(owner, owner_text(&session.owner).as_bytes());
        prop_assert!(said.is_empty() || said[0] == b'\n');

        let bytes = encode_grant(&id, &grant);
        prop_assert_eq!(&bytes[offset::BROWSER..][..32], grant.browser_key.as_bytes());
        prop_assert_eq!(&bytes[66..][..8], time(grant.expires_at));
        prop_assert_eq!(&bytes[74..][..16], grant.id.as_bytes());
    }
}

#[test]
fn a_record_of_another_session_is_refused() {
    let (mine, yours) = (SessionId::new([1; 32]), SessionId::new([2; 32]));
    let mark = Mark {
        subject: Subject::new("alice"),
        browser_key: BrowserKeyHash::new([3; 32]),
        factors: FactorSet::EMPTY,
        acr: None,
        verified_at: Timestamp::from_millis(1),
    };
    assert!(decode_mark(&yours, &encode_mark(&mine, &mark)).is_err());
}

#[test]
fn a_proof_without_an_authentication_context_is_written_as_it_always_was() {
    let id = SessionId::new([1; 32]);
    let mark = Mark {
        subject: Subject::new("alice"),
        browser_key: BrowserKeyHash::new([3; 32]),
        factors: FactorSet::EMPTY.with(Factor::Totp),
        acr: None,
        verified_at: Timestamp::from_millis(1),
    };
    let mut written = vec![1, b'M'];
    written.extend([1; 32]);
    written.extend([3; 32]);
    written.extend([0, 0, 0, 0, 0, 0, 0, 1, 1 << 4]);
    written.extend(b"alice");
    assert_eq!(encode_mark(&id, &mark), written);
    assert_eq!(decode_mark(&id, &written).unwrap(), mark);
}

/// A record as another version wrote it.
fn written_by_another(version: u8, rest: &[u8]) -> Vec<u8> {
    let user = User {
        password: Some(Secret::new("$argon2id$".to_owned())),
        ..User::new(UserId::new("alice"), Timestamp::from_millis(1))
    };
    let mut record = encode_user(&user);
    record[0] = version;
    record.extend_from_slice(rest);
    record
}

fn read(record: &[u8]) -> Result<User, StoreError> {
    decode_user(&UserId::new("alice"), Vec::new(), record)
}

#[test]
fn what_a_later_version_enrolled_is_kept_by_every_edit() {
    let mut added = ByteWriter::default();
    added
        .text("hologram")
        .bytes(b"\x00\xff")
        .text("locale")
        .bytes(b"de");
    let record = written_by_another(USER_WITH_CREDENTIALS, added.as_bytes());
    let mut user = read(&record).unwrap();
    assert_eq!(
        encode_user(&user),
        record,
        "to the byte: it is swapped by comparison"
    );
    user.password = None;
    let edited = read(&encode_user(&user)).unwrap();
    let kinds: Vec<_> = edited
        .credentials
        .iter()
        .map(|one| one.kind.as_str())
        .collect();
    assert_eq!(kinds, ["hologram", "locale"]);
    assert_eq!(edited.credentials, user.credentials);
}

#[test]
fn a_user_without_further_credentials_is_written_as_version_1() {
    let record = written_by_another(VERSION, b"");
    assert_eq!(encode_user(&read(&record).unwrap()), record);
}

#[test]
fn what_is_no_credential_or_no_known_version_is_corrupt() {
    let mut added = ByteWriter::default();
    added.text("hologram").bytes(b"\x00\xff");
    let added = added.as_bytes();
    assert!(
        read(&written_by_another(
            USER_WITH_CREDENTIALS,
            &added[..added.len() - 1]
        ))
        .is_err()
    );
    assert!(read(&written_by_another(VERSION, added)).is_err());
    assert!(read(&written_by_another(3, added)).is_err());
}

/// As builds wrote it that knew nothing of where a session was begun.
#[test]
fn sessions_of_versions_1_and_2_are_read() {
    for (version, text, said) in [(1, "alice", "alice"), (2, "alice\nAlice", "Alice")] {
        let mut record = vec![version, b'S'];
        record.extend([7; 32]);
        record.extend(5_000_u64.to_be_bytes());
        record.push(1);
        record.extend(4_000_u64.to_be_bytes());
        record.push(1);
        record.extend([9; 32]);
        record.extend(3_000_u64.to_be_bytes());
        record.push(0);
        record.extend(text.as_bytes());
        let session = decode_session(&SessionId::new([7; 32]), &record).unwrap();
        let owner = session.owner.subject().unwrap();
        assert_eq!((owner.as_str(), owner.spelling()), ("alice", said));
        assert_eq!(
            session.authenticated_at,
            Some(Timestamp::from_millis(4_000))
        );
        assert_eq!(session.browser_key, Some(BrowserKeyHash::new([9; 32])));
        assert_eq!(
            (session.created_at, session.seen_at),
            (Timestamp::from_millis(3_000), Timestamp::from_millis(5_000))
        );
        assert_eq!(session.provenance, None);
        // And written as they were, so that such a build reads them.
        assert_eq!(encode_session(&SessionId::new([7; 32]), &session), record);
    }
}

#[test]
fn no_subject_is_taken_for_an_owner_that_is_none() {
    let naming = crate::domain::Naming::default();
    for unowned in [Owner::Disputed, Owner::Doubtful, Owner::Spelling] {
        let text = owner_text(&unowned);
        assert_eq!(naming.subject(text), None);
        assert_eq!(owner(text), Some(unowned));
    }
    for nameless in ["", "\n", "\nA", "a\n"] {
        assert_eq!(owner(nameless), None, "{nameless:?}");
    }
}
