//! The application's own sessions in its Redis: their user is who must prove it, and what cannot be read or was
//! made by somebody else names nobody.

mod site;

use crate::support::client::Client;
use crate::support::redis::Redis;
use crate::support::sidecar::{self, PASSWORD, Setup, Sidecar, fresh_cookie};
use crate::support::store::{Store, on_both_stores};
use crate::support::until;
use crate::support::upstream::{Reply, answer};
use data_encoding::BASE64_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use serde_json::{Value, json};
use site::Site;
use std::time::{Duration, Instant};

const NAME: &str = "connect.sid";
const SECRET: &str = "keyboard cat";
const CHALLENGED: &str = "step-up-required";
const NOBODY: &str = "session-required";
const UNREAD: &str = "subject-unavailable";

/// The application's Redis, into which it writes sessions.
struct Records(Redis);

impl Records {
    fn start() -> Self {
        Self(Redis::start())
    }

    fn write(&self, key: &str, record: impl AsRef<[u8]>) {
        let mut set = redis::cmd("SET");
        set.arg(key).arg(record.as_ref());
        set.exec(&mut self.0.connect()).unwrap();
    }

    fn delete(&self, key: &str) {
        redis::cmd("DEL")
            .arg(key)
            .exec(&mut self.0.connect())
            .unwrap();
    }

    /// A session of somebody; its id.
    fn sign_in(&self, name: &str) -> String {
        let id = fresh_cookie();
        self.write(&format!("sess:{id}"), of(name).to_string());
        id
    }

    fn setup(&self, store: Store, more: &str) -> Setup {
        let server = format!("{{ url: '{}', deadline: 1s }}", self.0.url());
        let redis = format!("redis: {{ server: {server}, cookie: {NAME}, {more} }}");
        let setup = sidecar::on(store).without_logins();
        setup
            .with("session", &format!("cookies: [{NAME}, other]"))
            .with("session", &redis)
    }

    /// A sidecar for cookies that are signed.
    fn run(&self, store: Store) -> Sidecar {
        let mut sidecar = self.setup(store, SIGNED).prepare();
        std::fs::write(sidecar.path("express.secret"), format!("{SECRET}\n")).unwrap();
        sidecar.enroll();
        sidecar.add_user("mallory", "mallory@example.test", "Mallory-own-pass-2!");
        sidecar.start();
        sidecar
    }
}

const SIGNED: &str = "secrets: [{ file: express.secret }], key: 'sess:{id}', subject: /user/name, authenticated_at: /user/since";

fn of(name: &str) -> Value {
    json!({ "cookie": { "path": "/" }, "user": { "name": name } })
}

/// The value of a cookie, as express-session makes it.
fn signed(id: &str, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = BASE64_NOPAD.encode(hmac::sign(&key, id.as_bytes()).as_ref());
    utf8_percent_encode(&format!("s:{id}.{signature}"), NON_ALPHANUMERIC).to_string()
}

fn with_cookie(sidecar: &Sidecar, value: &str) -> Client {
    let client = sidecar.script();
    client.set_cookie(NAME, value);
    client
}

/// What became of a request: that it was done, or why it was not.
async fn told(client: &Client, path: &str) -> String {
    let answer = client.post(path).await;
    match answer.status.as_u16() {
        200 => answer.text().to_owned(),
        _ => answer.reason(),
    }
}

on_both_stores! {
    async fn a_password_counts_for_whom_the_record_of_its_login_names(store: Store) {
        let records = Records::start();
        let [hers, again, his] = ["7", "7", "8"].map(|number| records.sign_in(number));
        let lets_in = [("her-pass", again), ("his-pass", his)];
        let sidecar = records
            .setup(store, "key: 'sess:{id}', subject: /user/name")
            .logins(&[])
            .application(move |got| {
                let lets_in = lets_in.clone();
                match (got.method.as_str(), got.target.as_str()) {
                    ("GET", "/login") => {
                        let form = "<form method=post><input name=user><input name=password type=password></form>";
                        answer(200, &[("content-type", "text/html")], form)
                    }
                    // By number or by name, and one of the names is a number.
                    ("POST", "/login") => Reply::ByBody(Box::new(move |got| {
                        let body = String::from_utf8_lossy(&got.body).into_owned();
                        let session = lets_in.iter().find(|(password, _)| body == format!("user=7&password={password}"));
                        let cookie = session.map(|(_, id)| format!("{NAME}={id}; Path=/"));
                        match cookie {
                            Some(cookie) => answer(302, &[("location", "/home"), ("set-cookie", &cookie)], ""),
                            None => answer(200, &[], "wrong"),
                        }
                    })),
                    _ => answer(200, &[], "done"),
                }
            })
            .with("verification", "upstream_login: {}")
            .run();
        let client = with_cookie(&sidecar, &hers);
        let refused = client.post("/keys").await;
        let wrong = client.verify(&refused.token(), ("password", "his-pass")).await;
        assert_eq!((wrong.status.as_u16(), wrong.reason()), (403, "wrong-answer".into()));
        let passed = client.verify(&refused.token(), ("password", "her-pass")).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(told(&client, "/keys").await, "done");
    }

    async fn people_of_an_express_site_are_who_its_session_says(store: Store) {
        let records = Records::start();
        let site = Site::start(&records.0, SECRET);
        let mut sidecar = records.setup(store, SIGNED).in_front_of(site.addr()).prepare();
        std::fs::write(sidecar.path("express.secret"), SECRET).unwrap();
        sidecar.enroll();
        sidecar.start();
        let client = sidecar.script();
        assert_eq!(told(&client, "/keys").await, NOBODY);
        let logged_in = client.post_form("/login", &[("user", "alice")]).await;
        assert_eq!(logged_in.status, 302);
        assert_eq!(told(&client, "/page").await, "done for alice");
        // The site notes when somebody logged in: that makes the session fresh.
        assert_eq!(told(&client, "/low").await, "done for alice");
        let refused = client.post("/keys").await;
        assert_eq!(refused.reason(), CHALLENGED);
        client.pass(&refused).await;
        assert_eq!(told(&client, "/keys").await, "done for alice");
        // Another user on the same cookie voids everything, also when the first one is back.
        client.post_form("/become", &[("user", "bob")]).await;
        assert_eq!(told(&client, "/keys").await, "method-not-enrolled");
        client.post_form("/become", &[("user", "alice")]).await;
        assert_eq!(told(&client, "/keys").await, CHALLENGED);
        let kept = client.cookie(NAME).unwrap();
        client.post("/logout").await;
        client.set_cookie(NAME, &kept);
        assert_eq!(told(&client, "/keys").await, NOBODY, "the session is deleted");
    }

    async fn no_cookie_that_is_forged_stale_or_not_alone_names_anybody(store: Store) {
        let records = Records::start();
        let sidecar = records.run(store);
        let id = records.sign_in("alice");
        let right = signed(&id, SECRET);
        let owner = with_cookie(&sidecar, &right);
        let refused = owner.post("/keys").await;
        owner.pass(&refused).await;
        assert_eq!(told(&owner, "/keys").await, "done");
        let other = records.sign_in("mallory");
        let signature = right.rsplit_once("%2E").unwrap().1;
        for (why, value) in [
            ("another secret", signed(&id, "other")),
            ("an empty secret", signed(&id, "")),
            ("another's signature", format!("s%3A{other}%2E{signature}")),
            ("no signature", format!("s%3A{id}")),
            ("bare", id.clone()),
            ("no such session", signed("nothing", SECRET)),
            ("a key of another kind", signed("../sess:x", SECRET)),
            ("a pattern", signed("*", SECRET)),
            ("a line break", signed("a\r\nb", SECRET)),
            ("nothing", String::new()),
            ("a long id", signed(&"a".repeat(300), SECRET)),
        ] {
            let client = with_cookie(&sidecar, &value);
            assert_eq!(told(&client, "/keys").await, NOBODY, "{why}");
            assert_eq!(told(&client, "/page").await, "done", "{why}: not guarded");
            assert_eq!(client.get("/.stepup/status").await.status, 401, "{why}");
        }
        // Beside another credential the application may go by that one.
        let thief = with_cookie(&sidecar, &signed(&other, SECRET));
        let refused = thief.post("/keys").await;
        let passed = thief.verify(&refused.token(), ("password", "Mallory-own-pass-2!")).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(told(&thief, "/keys").await, "done");
        let mixed = thief.clone();
        mixed.set_cookie("other", &right);
        assert_eq!(told(&mixed, "/keys").await, NOBODY);
        mixed.drop_cookie("other");
        let with_key = thief.clone().header("x-api-key", "of-alice");
        assert_eq!(told(&with_key, "/keys").await, NOBODY);
        let doubled = sidecar.script().header("cookie", &format!("{NAME}={right}; {NAME}={}", signed(&other, SECRET)));
        assert_eq!(told(&doubled, "/keys").await, "ambiguous-request");
        // Swapped: her cookie in his browser, with his key.
        thief.set_cookie(NAME, &right);
        assert_eq!(told(&thief, "/keys").await, CHALLENGED);
        records.delete(&format!("sess:{id}"));
        assert_eq!(told(&owner, "/keys").await, NOBODY, "deleted");
    }

    async fn a_session_that_changes_hands_voids_what_was_proved_and_asked(store: Store) {
        let records = Records::start();
        let sidecar = records.run(store);
        let id = records.sign_in("alice");
        let (key, client) = (format!("sess:{id}"), with_cookie(&sidecar, &signed(&id, SECRET)));
        let token = client.post("/keys").await.token();
        records.write(&key, of("mallory").to_string());
        for answer in [PASSWORD, "Mallory-own-pass-2!"] {
            assert_ne!(client.verify(&token, ("password", answer)).await.status, 200);
        }
        records.write(&key, of("alice").to_string());
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        assert_eq!(told(&client, "/keys").await, "done");
        for (record, expected) in [(of("mallory"), "subject-mismatch"), (json!({ "cookie": {} }), NOBODY)] {
            records.write(&key, record.to_string());
            assert_eq!(told(&client, "/keys").await, expected);
        }
        records.write(&key, of("alice").to_string());
        assert_eq!(told(&client, "/keys").await, CHALLENGED, "what was proved is void");
    }

    async fn only_the_time_of_a_login_makes_a_session_fresh(store: Store) {
        let records = Records::start();
        let sidecar = records.run(store);
        let now = sidecar::now_secs();
        for (since, expected) in [
            (json!(null), "session-not-fresh"),
            (json!(now - 3600), "session-not-fresh"),
            (json!(now + 600), "session-not-fresh"),
            (json!("today"), "session-not-fresh"),
            (json!(now), "done"),
            (json!(now * 1000), "done"),
        ] {
            let id = fresh_cookie();
            let record = json!({ "user": { "name": "alice", "since": since } });
            records.write(&format!("sess:{id}"), record.to_string());
            let client = with_cookie(&sidecar, &signed(&id, SECRET));
            assert_eq!(told(&client, "/medium").await, expected, "{since}");
        }
    }

    async fn a_record_that_cannot_be_understood_is_refused_with_a_word_for_it(store: Store) {
        let records = Records::start();
        let sidecar = records.run(store);
        let long = json!({ "user": { "name": "alice" }, "x": "x".repeat(70_000) }).to_string();
        for (record, word) in [
            (&b"\x80\x05\x95\x10\x00"[..], "pickled, which is never read"),
            (br#"user|s:5:"alice";"#, "PHP-serialized, which is not read"),
            (br#"a:1:{s:4:"user";s:5:"alice";}"#, "PHP-serialized, which is not read"),
            (b"\x1f\x8b\x08\x00", "compressed"),
            (br#"{"user":{"name":"ali"#, "no JSON"),
            (br#"{"user":{"name":["alice"]}}"#, "neither a text nor a number"),
            (long.as_bytes(), "longer than 64 KiB"),
        ] {
            let id = fresh_cookie();
            records.write(&format!("sess:{id}"), record);
            let client = with_cookie(&sidecar, &signed(&id, SECRET));
            assert_eq!(told(&client, "/keys").await, UNREAD, "{word}");
            assert_eq!(client.post("/keys").await.status, 503);
            assert_eq!(told(&client, "/page").await, "done", "{word}: not guarded");
            sidecar.process().wait_for_line(word);
        }
        // Of another type than a text.
        let id = fresh_cookie();
        redis::cmd("HSET").arg(format!("sess:{id}")).arg("user").arg("alice").exec(&mut records.0.connect()).unwrap();
        assert_eq!(told(&with_cookie(&sidecar, &signed(&id, SECRET)), "/keys").await, UNREAD);
    }

    async fn without_its_redis_guarded_requests_are_refused_in_time(store: Store) {
        let mut records = Records::start();
        let sidecar = records.run(store);
        let id = records.sign_in("alice");
        let client = with_cookie(&sidecar, &signed(&id, SECRET));
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        assert_eq!(told(&client, "/keys").await, "done");
        records.0.freeze();
        let begun = Instant::now();
        assert_eq!(told(&client, "/keys").await, UNREAD, "hung");
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert_eq!(told(&client, "/page").await, "done");
        records.0.thaw();
        until("it is read again", async || (told(&client, "/keys").await == "done").then_some(())).await;
        records.0.kill();
        assert_eq!(told(&client, "/keys").await, UNREAD, "stopped");
        assert_eq!(client.get("/.stepup/status").await.status, 503);
        assert_eq!(told(&client, "/page").await, "done");
    }

    async fn an_id_without_signature_chooses_no_key(store: Store) {
        let records = Records::start();
        let more = "key: ':1:django.contrib.sessions.cache{id}', subject: /_auth_user_id";
        let sidecar = records.setup(store, more).run();
        let django = |name: &str| json!({ "_auth_user_id": name, "_auth_user_hash": "x" }).to_string();
        records.write(":1:django.contrib.sessions.cacheabc123", django("alice"));
        let client = with_cookie(&sidecar, "abc123");
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        assert_eq!(told(&client, "/keys").await, "done");
        for odd in ["*", "a*", "abc12?", "../abc", "a%2Fb", "a b", "abc%0d%0aSET", "a:b", "[a]", "abc123.", "abc123%00"] {
            records.write(&format!(":1:django.contrib.sessions.cache{odd}"), django("alice"));
            assert_eq!(told(&with_cookie(&sidecar, odd), "/keys").await, NOBODY, "{odd}");
        }
        assert_eq!(told(&with_cookie(&sidecar, "abc124"), "/keys").await, NOBODY);
        // Nothing was asked but whether it is there, and what is under one key.
        let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut records.0.connect()).unwrap();
        for line in stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")) {
            let command = line.split(':').next().unwrap();
            let known = ["getrange", "ping", "set", "info", "client|setinfo", "config|set", "shutdown"];
            assert!(known.contains(&command), "{command}");
        }
    }

    async fn a_subject_may_be_the_session_whatever_the_cookie_is(store: Store) {
        let records = Records::start();
        let setup = records.setup(store, "key: 'sess:{id}', subject: /user/name").with("session", "key: subject");
        let sidecar = setup.run();
        let client = with_cookie(&sidecar, &records.sign_in("alice"));
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        client.set_cookie(NAME, &records.sign_in("alice"));
        assert_eq!(told(&client, "/keys").await, "done");
        client.set_cookie(NAME, &records.sign_in("bob"));
        assert_eq!(told(&client, "/keys").await, "method-not-enrolled");
    }
}
