//! What only Redis can be asked: commands counted, bytes spoilt, ways in.

use super::support::port::HeldPort;
use super::support::temp::TempDir;
use super::support::{
    Redis, TestStore, browser, clock, grant_key, id, in_runtime, is_corrupt, is_unavailable, once,
    session,
};
use redis::Value;
use std::collections::BTreeMap;
use stepgate::domain::{Counter, CounterKey, Secret, SessionId};
use stepgate::store::{Ask, OpenError, RedisOptions, StoreOptions, open};

/// Every command that the server ran since it was last asked, but for those that ask.
fn commands_run(redis: &Redis) -> BTreeMap<String, u64> {
    let Value::BulkString(info) = redis.command(&["INFO", "commandstats"]) else {
        panic!("INFO tells");
    };
    redis.command(&["CONFIG", "RESETSTAT"]);
    String::from_utf8(info)
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="))
        .filter(|(name, _)| !matches!(*name, "info" | "config|resetstat" | "client|setinfo"))
        .map(|(name, rest)| {
            let (calls, _) = rest.split_once(',').unwrap();
            (name.to_owned(), calls.parse().unwrap())
        })
        .collect()
}

fn counts(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected
        .iter()
        .map(|(name, calls)| ((*name).to_owned(), *calls))
        .collect()
}

fn key_of(id: SessionId) -> String {
    format!("sg:s:{{{}}}", id.to_hex())
}

fn with_redis(test: impl AsyncFnOnce(&Redis, TestStore)) {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let store = TestStore::open(&StoreOptions::Redis(redis.options()));
        test(&redis, store).await;
    });
}

#[test]
fn evidence_is_one_command() {
    with_redis(async |redis, store| {
        store.login(id(1), browser(1)).await;
        store.earn(1, once("a", 1)).await;
        commands_run(redis);

        for number in 0..10 {
            store
                .held(id(number), &[grant_key("a"), grant_key("b")])
                .await;
        }
        assert_eq!(commands_run(redis), counts(&[("hmget", 10)]));

        // A thief's claim reads, and writes nothing.
        store.claim(id(1), browser(2), &[once("a", 1)]).await;
        assert_eq!(commands_run(redis), counts(&[("evalsha", 1), ("hmget", 1)]));

        store.claim(id(1), browser(1), &[once("a", 1)]).await;
        // Beside the claim, it is asked whether the session's cookie had other values.
        let taken = counts(&[
            ("evalsha", 1),
            ("hdel", 1),
            ("hget", 1),
            ("hmget", 1),
            ("hset", 1),
        ]);
        assert_eq!(commands_run(redis), taken);
    });
}

#[test]
fn a_server_that_lost_its_scripts_is_told_them_again() {
    with_redis(async |redis, store| {
        store.login(id(1), browser(1)).await;
        redis.command(&["SCRIPT", "FLUSH"]);
        store.earn(1, once("a", 1)).await;
        redis.command(&["SCRIPT", "FLUSH"]);
        assert_eq!(
            store
                .claim(id(1), browser(1), &[once("a", 1)])
                .await
                .claims
                .len(),
            1
        );
    });
}

#[test]
fn a_spoilt_record_is_an_error_and_never_evidence() {
    with_redis(async |redis, store| {
        store.login(id(1), browser(1)).await;
        store.earn(1, grant_key("a")).await;
        for field in ["s", "v", "g:a", "r"] {
            let whole = redis.command(&["HGET", &key_of(id(1)), field]);
            redis.command(&["HSET", &key_of(id(1)), field, "spoilt"]);
            assert!(
                is_corrupt(&store.ask(id(1), &[grant_key("a")]).await),
                "field {field}"
            );
            let mut restore = redis::cmd("HSET");
            if let Value::BulkString(whole) = whole {
                restore.arg(key_of(id(1))).arg(field).arg(whole);
                restore.exec(&mut redis.client()).unwrap();
            }
        }
        redis.command(&["SET", &key_of(id(2)), "not a hash"]);
        assert!(is_unavailable(&store.ask(id(2), &[]).await));
    });
}

#[test]
fn a_record_of_another_session_or_action_is_refused() {
    with_redis(async |redis, store| {
        store.login(id(1), browser(1)).await;
        store.earn(1, grant_key("a")).await;
        redis.command(&["COPY", &key_of(id(1)), &key_of(id(2))]);
        assert!(is_corrupt(&store.ask(id(2), &[]).await));

        let Value::BulkString(grant) = redis.command(&["HGET", &key_of(id(1)), "g:a"]) else {
            panic!("the grant is there");
        };
        let mut refile = redis::cmd("HSET");
        refile
            .arg(key_of(id(1)))
            .arg("g:b")
            .arg(grant)
            .exec(&mut redis.client())
            .unwrap();
        assert!(is_corrupt(&store.ask(id(1), &[grant_key("b")]).await));
    });
}

#[test]
fn nothing_is_counted_nor_taken_where_nothing_can_be_written() {
    with_redis(async |redis, store| {
        store.login(id(1), browser(1)).await;
        store.earn(1, once("a", 1)).await;
        let key = CounterKey::new("a");
        let counters = [Counter {
            key,
            limit: 5,
            window: None,
        }];
        let claims = [once("a", 1)];
        let ask = Ask {
            session: id(1),
            browser: Some(browser(1)),
            grants: &[],
            claims: &claims,
        };

        redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
        assert!(is_unavailable(
            &store.count_attempt(&counters, store.now()).await
        ));
        assert!(is_unavailable(&store.ping().await));
        assert!(is_unavailable(&store.evidence(ask, store.now()).await));
        assert!(
            store.held(id(1), &[]).await.session.is_some(),
            "reading goes on"
        );

        redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
        assert_eq!(
            store.evidence(ask, store.now()).await.unwrap().claims.len(),
            1
        );
    });
}

#[test]
fn a_server_that_evicts_is_told_apart() {
    with_redis(async |redis, store| {
        let store = store.redis().unwrap();
        assert_eq!(store.evicting_policy().await.unwrap(), None);
        redis.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
        assert_eq!(
            store.evicting_policy().await.unwrap().as_deref(),
            Some("allkeys-lru")
        );
    });
}

#[test]
fn everything_of_a_session_expires() {
    with_redis(async |redis, store| {
        store.login(id(1), browser(1)).await;
        store.verify(id(1), browser(1), None).await;
        store.revoke(id(2)).await;
        let Value::Array(keys) = redis.command(&["KEYS", "sg:*"]) else {
            panic!("KEYS tells");
        };
        assert!(keys.len() >= 4);
        for key in keys {
            let Value::BulkString(key) = key else {
                panic!("a key is a string")
            };
            let key = String::from_utf8(key).unwrap();
            if key != "sg:revoked" {
                let ttl = redis.command(&["PTTL", &key]);
                assert!(matches!(ttl, Value::Int(1..=3_700_000)), "{key}: {ttl:?}");
            }
        }
    });
}

#[test]
fn two_houses_share_a_server_by_prefix() {
    with_redis(async |redis, store| {
        let options = RedisOptions {
            prefix: "other:".to_owned(),
            ..redis.options()
        };
        let other = TestStore::open(&StoreOptions::Redis(options));
        store.login(id(1), browser(1)).await;
        assert_eq!(other.held(id(1), &[]).await.session, None);
        assert!(other.sessions(None, 9).await.unwrap().is_empty());
    });
}

#[test]
fn an_acl_user_needs_its_password() {
    let redis = Redis::start(&[]);
    redis.command(&[
        "ACL",
        "SETUSER",
        "gate",
        "on",
        ">opensesame",
        "~sg:*",
        "&sg:*",
        "+@all",
    ]);
    in_runtime(async || {
        let mut options = redis.options();
        options.username = Some("gate".to_owned());
        options.password = Some(Secret::new("wrong".to_owned()));
        let source = open(&StoreOptions::Redis(options.clone()), &clock()).unwrap();
        assert!(is_unavailable(&source.handle().ping().await));
        options.password = Some(Secret::new("opensesame".to_owned()));
        TestStore::open(&StoreOptions::Redis(options))
            .ping()
            .await
            .unwrap();
    });
}

#[test]
fn a_password_in_the_address_is_refused() {
    let options = RedisOptions::new("redis://:hunter2@localhost/");
    let refused = open(&StoreOptions::Redis(options), &clock()).unwrap_err();
    assert!(matches!(refused, OpenError::PasswordInUrl));
    assert!(!refused.to_string().contains("hunter2"));
    let options = RedisOptions::new("ftp://localhost/");
    let refused = open(&StoreOptions::Redis(options), &clock()).unwrap_err();
    assert!(matches!(refused, OpenError::Url(_)));
}

#[test]
fn tls_needs_a_certificate_that_the_authority_signed() {
    let folder = TempDir::new("tls");
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = folder.write("cert.pem", certified.cert.pem());
    folder.write("key.pem", certified.signing_key.serialize_pem());
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let stranger = folder.write("stranger.pem", other.cert.pem());
    let held = HeldPort::take();
    let port = held.addr().port();
    let redis = Redis::start_in(
        folder,
        &[
            "--tls-port",
            &port.to_string(),
            "--tls-auth-clients",
            "no",
            "--tls-cert-file",
            "cert.pem",
            "--tls-key-file",
            "key.pem",
        ],
    );
    in_runtime(async || {
        let mut options = redis.options();
        options.url = format!("rediss://localhost:{port}/3");
        options.ca_file = Some(certificate);
        let store = TestStore::open(&StoreOptions::Redis(options.clone()));
        let session = session("alice", browser(1), store.now());
        store.record(id(1), session).await;
        assert!(store.held(id(1), &[]).await.session.is_some());

        options.ca_file = Some(stranger);
        let store = TestStore::open(&StoreOptions::Redis(options.clone()));
        assert!(is_unavailable(&store.ping().await));
        options.ca_file = Some("/nowhere.pem".into());
        let refused = open(&StoreOptions::Redis(options), &clock()).unwrap_err();
        assert!(matches!(refused, OpenError::CaFile { .. }));
    });
}
