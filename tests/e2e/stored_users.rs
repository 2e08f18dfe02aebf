//! Users that an earlier version wrote: they sign in, and are edited. See tests/fixtures/users-1.

use crate::support::sidecar::{self, Sidecar, now_secs};
use crate::support::store::{Store, on_both_stores};
use std::fs;
use stepgate::domain::Timestamp;
use stepgate::verification::TotpSecret;

const EMBEDDED: &str = include_str!("../fixtures/users-1/embedded.sql");
const REDIS: &str = include_str!("../fixtures/users-1/redis.txt");

/// The usual sidecar, with the directory of version 0.1.0 in place of its own.
fn with_old_users(store: Store) -> Sidecar {
    let mut sidecar = sidecar::on(store).run();
    sidecar.end();
    match store {
        Store::Embedded => {
            let state = sidecar.path("state");
            fs::remove_dir_all(&state).unwrap();
            fs::create_dir(&state).unwrap();
            let connection = rusqlite::Connection::open(state.join("state.db")).unwrap();
            connection.execute_batch(EMBEDDED).unwrap();
        }
        Store::Redis => fill_redis(&mut sidecar.redis().connect()),
    }
    sidecar.start();
    sidecar
}

fn fill_redis(connection: &mut redis::Connection) {
    redis::cmd("FLUSHALL").exec(connection).unwrap();
    for line in REDIS.lines() {
        let [key, field, value] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let value = value.trim_matches('-').as_bytes();
        let value = data_encoding::HEXLOWER.decode(value).unwrap();
        let mut command = redis::cmd("HSET");
        command.arg(key).arg(field).arg(value);
        command.exec(connection).unwrap();
    }
}

/// A code of the authenticator that `secret` belongs to, `steps` after the present one.
fn code(secret: &str, steps: u64) -> String {
    let secret = TotpSecret::from_base32(secret).unwrap();
    let code = secret.code_at(Timestamp::from_millis((now_secs() + 30 * steps) * 1000));
    code.expose().clone()
}

on_both_stores! {
    async fn users_of_version_1_sign_in_and_are_edited(store: Store) {
        let mut sidecar = with_old_users(store);
        let listed = sidecar.command(&["user", "list"]);
        for told in ["password, totp, email_code", "alice@corp.example", "bob@example.test", "carol"] {
            assert!(listed.contains(told), "{listed}");
        }
        let client = sidecar.logged_in().await;
        let refused = client.post("/both").await;
        let secret = match store {
            Store::Embedded => "SRGVM6WZBNCWU7K4OHNQAACLQXGJUY3O",
            Store::Redis => "LDSB3TYZ5E7RWTL4N4EWPMHGHFNJNBKI",
        };
        client.verify(&refused.token(), ("password", sidecar::PASSWORD)).await;
        let passed = client.verify(&refused.token(), ("totp", &code(secret, 0))).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());

        // A hash is renewed, and an authenticator replaced, in the old record.
        sidecar.restart_with("passes: 1 }", "passes: 2 }");
        client.earn("/keys").await;
        sidecar.process().wait_for_line("a password hash was renewed");
        let told = sidecar.command(&["user", "totp", "alice@corp.example", "--replace"]);
        let secret = told.lines().find_map(|line| line.strip_prefix("secret  ")).unwrap();
        let refused = client.post("/totp").await;
        let passed = client.verify(&refused.token(), ("totp", &code(secret, 1))).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        client.earn("/email").await;
    }
}
