//! What a proof opens, for how long, and how often.

use crate::support::becomes;
use crate::support::client::{Answer, Client};
use crate::support::port::HeldPort;
use crate::support::sidecar::{self, PASSWORD, POLICY, Sidecar, application};
use crate::support::store::on_both_stores;
use crate::support::upstream::Reply;
use futures_util::future::join_all;
use http::{Method, Request};
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;

async fn pay(client: &Client, sum: &str) -> Answer {
    client
        .post_form("/pay", &[("to", "bob"), ("sum", sum)])
        .await
}

/// Somebody whom a proxy vouches for, and who may pay: of an application that is down nobody can
/// tell who logs in.
async fn about_to_pay_by_proxy(sidecar: &Sidecar) -> Client {
    let client = sidecar.script().header("remote-user", "alice");
    let client = client.header("authorization", "Bearer x");
    let refused = pay(&client, "10").await;
    let token = refused.token();
    let passed = client.verify(&token, ("password", PASSWORD)).await;
    let key = passed.json()["key"].as_str().unwrap().to_owned();
    client.header("step-up-key", &key)
}

/// Pays by call, changed in one way.
fn order(client: &Client) -> Request<crate::support::client::Body> {
    let mut request = client.request(Method::POST, "/api/pay/7?fast=1", r#"{"sum":1}"#);
    let kind = "application/json".parse().unwrap();
    request.headers_mut().insert("content-type", kind);
    request
}

on_both_stores! {
    async fn levels_1_and_2_pass_while_the_login_is_fresh(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        for path in ["/low", "/medium"] {
            assert_eq!(client.post(path).await.status, 200, "{path}");
        }
        // Where the policy names the factors, a sign-in alone is not enough.
        let refused = client.post("/proven").await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, "session-not-fresh".into()));
        assert_eq!(refused.json()["code"], "SENSITIVE_VERIFICATION_REQUIRED");
        client.pass(&refused).await;
        assert_eq!(client.post("/proven").await.status, 200);
    }

    async fn freshness_ends_however_busy_the_session_is(store: Store) {
        let policy = POLICY.replace("level: 2, match", "level: 2, max_age: 2s, match");
        let sidecar = sidecar::on(store).policy(&policy).run();
        let begun = std::time::Instant::now();
        let client = sidecar.logged_in().await;
        let refused = becomes(403, async || client.post("/medium").await).await;
        assert!(sidecar.got("/medium") > 1 && begun.elapsed() >= Duration::from_secs(1));
        assert_eq!(refused.reason(), "session-not-fresh");
        client.pass(&refused).await;
        assert_eq!(client.post("/medium").await.status, 200);
    }

    async fn level_3_has_no_bypass_for_a_fresh_login(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        assert_eq!(refused.reason(), "step-up-required");
        assert_eq!(sidecar.got("/keys"), 0);
    }

    async fn a_level_3_grant_opens_every_route_of_its_action_and_no_other(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post_form("/email", &[("email", "new@example.test")]).await;
        client.pass(&refused).await;
        for _ in 0..2 {
            assert_eq!(client.post_form("/email", &[("email", "b@example.test")]).await.status, 200);
        }
        assert_eq!(client.call(Method::PUT, "/api/email", json!({})).await.status, 200);
        for path in ["/keys", "/pay", "/users/1/delete"] {
            let other = client.post(path).await;
            assert_eq!((other.status.as_u16(), other.reason()), (403, "step-up-required".into()), "{path}");
        }
        // But any verification marks the session: levels 1, 2 and sudo mode are open.
        for path in ["/proven", "/settings"] {
            assert_eq!(client.post(path).await.status, 200, "{path}");
        }
        assert_eq!((sidecar.got("/keys"), sidecar.got("/pay")), (0, 0));
    }

    async fn scope_session_is_sudo_mode_but_never_by_a_login(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/settings").await;
        assert_eq!(refused.reason(), "step-up-required");
        client.pass(&refused).await;
        for _ in 0..3 {
            assert_eq!(client.post("/settings").await.status, 200);
        }
        assert_eq!(client.post("/keys").await.status, 403);
    }

    async fn a_grant_ends_with_max_age(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/brief").await;
        assert_eq!(refused.json()["challenge"]["max_age"], 3);
        client.pass(&refused).await;
        assert_eq!(client.post("/brief").await.status, 200);
        let late = becomes(403, async || client.post("/brief").await).await;
        assert_eq!(late.reason(), "grant-expired");
    }

    async fn a_level_4_grant_is_good_for_one_request(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = pay(&client, "10").await;
        assert_eq!(refused.json()["challenge"]["single_use"], true);
        client.pass(&refused).await;
        assert_eq!(pay(&client, "10").await.status, 200);
        let again = pay(&client, "10").await;
        assert_eq!((again.status.as_u16(), again.reason()), (403, "grant-spent".into()));
        assert_eq!(again.json()["code"], "SENSITIVE_VERIFICATION_REQUIRED");
        assert_eq!(sidecar.got("/pay"), 1);
    }

    async fn rule_4_one_single_use_grant_and_100_parallel_requests_give_exactly_one_forward(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = pay(&client, "10").await;
        client.pass(&refused).await;
        let answers = join_all((0..100).map(|_| pay(&client, "10"))).await;
        let passed = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((passed, sidecar.got("/pay")), (1, 1));
        for lost in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(lost.status, 403);
            assert_eq!(lost.json()["code"], "SENSITIVE_VERIFICATION_REQUIRED");
        }
    }

    async fn any_changed_byte_of_a_bound_request_is_a_grant_mismatch(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.send(order(&client)).await;
        client.pass(&refused).await;
        let mut changed = Vec::new();
        for (method, target, body) in [
            (Method::POST, "/api/pay/7?fast=1", r#"{"sum":2}"#),
            (Method::POST, "/api/pay/7?fast=1", r#"{"sum":1} "#),
            (Method::POST, "/api/pay/7?fast=1", ""),
            (Method::POST, "/api/pay/7?fast=2", r#"{"sum":1}"#),
            (Method::POST, "/api/pay/7?fast=1&", r#"{"sum":1}"#),
            (Method::POST, "/api/pay/7", r#"{"sum":1}"#),
            (Method::POST, "/api/pay/8?fast=1", r#"{"sum":1}"#),
            (Method::POST, "/api/pay/%37?fast=1", r#"{"sum":1}"#),
            (Method::PUT, "/api/pay/7?fast=1", r#"{"sum":1}"#),
        ] {
            let mut request = order(&client);
            *request.method_mut() = method;
            *request.uri_mut() = target.parse().unwrap();
            let head = request.into_parts().0;
            let (_, body) = client.request(Method::POST, "/", body).into_parts();
            changed.push(Request::from_parts(head, body));
        }
        let mut elsewhere = order(&client);
        elsewhere.headers_mut().insert("host", "other.test".parse().unwrap());
        changed.push(elsewhere);
        for request in changed {
            let what = format!("{} {} at {:?}", request.method(), request.uri(), request.headers().get("host"));
            let answer = client.send(request).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (403, "grant-mismatch".into()), "{what}");
        }
        assert!(sidecar.upstream().got().iter().all(|got| !got.target.contains("pay")));
        // The grant is still there for the request that it was given for.
        assert_eq!(client.send(order(&client)).await.status, 200);
    }

    async fn a_grant_bound_to_fields_is_for_their_values(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post_form("/users/7/delete", &[("reason", "x")]).await;
        assert_eq!(refused.json()["challenge"]["bound"], json!([["user", "7"]]));
        let body = json!({ "token": refused.token(), "factor": "password", "answer": PASSWORD, "confirm": "DELETE" });
        assert_eq!(client.call(Method::POST, "/.stepup/verify", body).await.status, 200);
        let other = client.post_form("/users/8/delete", &[("reason", "x")]).await;
        assert_eq!(other.reason(), "grant-mismatch");
        let same = client.post_form("/users/7/delete", &[("reason", "another")]).await;
        assert_eq!(same.status, 200);
    }

    async fn a_body_that_is_not_read_is_bound_with_its_coding(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let coded = |codings: &[&str]| {
            let mut request = order(&client);
            for coding in codings {
                request.headers_mut().append("content-encoding", coding.parse().unwrap());
            }
            request
        };
        let refused = client.send(coded(&["gzip"])).await;
        client.pass(&refused).await;
        for other in [&["deflate"][..], &[], &["gzip", "gzip"]] {
            let answer = client.send(coded(other)).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (403, "grant-mismatch".into()), "{other:?}");
        }
        assert_eq!(client.send(coded(&["gzip"])).await.status, 200);
    }

    async fn a_parameter_that_is_bound_is_looked_for_in_the_body_as_well(store: Store) {
        let policy = "version: 1
default: forward
routes:
  - id: give
    level: 4
    bind: [query.user]
    show: { user: query.user }
    match: { methods: [POST, PATCH], path: /give, except: [{ query: { dry: '1' } }] }
";
        let sidecar = sidecar::on(store).policy(policy).run();
        let client = sidecar.logged_in().await;
        let refused = client.post_form("/give?user=7", &[("note", "x")]).await;
        assert_eq!(refused.json()["challenge"]["bound"], json!([["user", "7"]]));
        client.pass(&refused).await;
        let other = client.post_form("/give?user=7", &[("user", "8"), ("password", "App-pass-1!")]).await;
        assert_eq!(other.reason(), "grant-mismatch");
        assert_eq!(other.json()["challenge"]["bound"], json!([["user", "7, 8"]]));
        let patched = client.call(Method::PATCH, "/give?user=7", json!({ "user": 8 })).await;
        assert_eq!(patched.reason(), "grant-mismatch");
        assert_eq!(client.post_form("/give?user=7", &[("note", "y")]).await.status, 200);

        assert_eq!(client.post("/give?dry=1").await.status, 200);
        assert_eq!(client.post_form("/give?dry=1", &[("dry", "0")]).await.status, 403);
        let patched = client.call(Method::PATCH, "/give?dry=1", json!({ "dry": 0 })).await;
        assert_eq!(patched.status, 403);
        assert_eq!(sidecar.got("/give"), 2);
    }

    async fn routes_of_one_action_share_a_grant_only_where_they_bind_the_same(store: Store) {
        let policy = "version: 1
default: forward
routes:
  - { id: name, action: user.change, level: 3, show: { user: path.id }, match: { methods: [POST], path: '/users/{id}/name' } }
  - { id: mail, action: user.change, level: 3, show: { whose: path.id }, match: { methods: [POST, PUT], path: '/users/{id}/mail' } }
  - { id: note, action: user.change, level: 3, show: { user: path.id, note: form.note }, match: { methods: [POST], path: '/users/{id}/note' } }
  - { id: form, action: user.change, level: 3, show: { user: form.id }, match: { methods: [POST], path: /user } }
  - { id: any, action: user.change, level: 3, match: { methods: [POST], path: /users } }
";
        let sidecar = sidecar::on(store).policy(policy).run();
        let all = ["/users/7/name", "/users/8/name", "/users/7/mail", "/users/7/note", "/user", "/users"];
        for (earned, open) in [
            // The label is for the person; it binds nothing.
            ("/users/7/name", &["/users/7/name", "/users/7/mail"][..]),
            ("/users/7/note", &["/users/7/note"]),
            ("/user", &["/user"]),
            ("/users", &["/users"]),
        ] {
            let client = sidecar.logged_in().await;
            let post = |path: &'static str| client.post_form(path, &[("id", "7"), ("note", "x")]);
            let refused = post(earned).await;
            client.pass(&refused).await;
            for path in all {
                assert_eq!(post(path).await.status == 200, open.contains(&path), "{earned} {path}");
            }
            assert_eq!(client.call(Method::PUT, "/users/7/mail", json!({})).await.status, 403, "{earned}");
        }
    }

    async fn what_nobody_asked_for_spends_no_grant(store: Store) {
        let policy = POLICY.replace("routes:", "routes:\n  - { id: invoice, level: 4, match: { methods: [GET], path: /invoice } }");
        let sidecar = sidecar::on(store).policy(&policy).run();
        let browser = sidecar.browser();
        browser.log_in(sidecar::USER).await;
        let prompt = browser.get("/invoice").await;
        let page = browser.get(prompt.header("location")).await;
        let fields = [("token", page.hidden("token")), ("anti_forgery", page.hidden("anti_forgery")),
            ("factor", "password".to_owned()), ("answer", PASSWORD.to_owned())];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(browser.post_form("/.stepup/verify", &fields).await.status, 303);
        for (name, value) in [("sec-purpose", "prefetch"), ("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch"), ("x-moz", "prefetch"), ("x-sec-purpose", "prefetch"), ("hx-preloaded", "true")] {
            let ahead = browser.clone().header(name, value).get("/invoice").await;
            // No prompt either: it would be shown in place of the page.
            assert_eq!(ahead.status, 403, "{name}: {value}");
        }
        let head = browser.send(browser.request(Method::HEAD, "/invoice", "")).await;
        assert_eq!(head.status, 303);
        assert_eq!(sidecar.got("/invoice"), 0);
        assert_eq!(browser.get("/invoice").await.status, 200, "the grant is still there");
        assert_eq!(browser.get("/invoice").await.status, 303);
    }

    async fn the_phrase_must_be_typed(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/users/7/delete").await;
        assert_eq!(refused.json()["challenge"]["confirm"], "DELETE");
        for (confirm, reason) in [(json!(null), "phrase-required"), (json!(""), "phrase-required"),
            (json!("delete"), "wrong-answer"), (json!("DELETE!"), "wrong-answer")] {
            let body = json!({ "token": refused.token(), "factor": "password", "answer": PASSWORD, "confirm": confirm });
            let answer = client.call(Method::POST, "/.stepup/verify", body).await;
            assert_eq!(answer.json()["reason"], reason, "{confirm}: {}", answer.text());
        }
        assert_eq!(client.post("/users/7/delete").await.status, 403);
        let body = json!({ "token": refused.token(), "factor": "password", "answer": PASSWORD, "confirm": " DELETE " });
        assert_eq!(client.call(Method::POST, "/.stepup/verify", body).await.status, 200);
        assert_eq!(client.post("/users/7/delete").await.status, 200);
    }

    async fn plus_means_both_factors_in_any_order(store: Store) {
        let sidecar = sidecar::on(store).run();
        for (first, step) in [("password", 0), ("totp", 1)] {
            let client = sidecar.logged_in().await;
            let refused = client.post("/both").await;
            assert_eq!(refused.json()["challenge"]["factors"], json!([["password", "totp"]]));
            let answers = [("password", PASSWORD.to_owned()), ("totp", sidecar.totp(step))];
            let (one, two) = if first == "password" { (0, 1) } else { (1, 0) };
            let partly = client.verify(&refused.token(), (answers[one].0, &answers[one].1)).await;
            assert_eq!(partly.json()["verified"], false, "{}", partly.text());
            assert_eq!(partly.json()["remaining"], json!([[answers[two].0]]));
            assert_eq!(client.post("/both").await.status, 403);
            let passed = client.verify(&refused.token(), (answers[two].0, &answers[two].1)).await;
            assert_eq!(passed.json()["verified"], true, "{}", passed.text());
            assert_eq!(client.post("/both").await.status, 200);
        }
    }

    async fn one_factor_of_two_shown_in_another_challenge_does_not_count(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let one = client.post("/both").await;
        let other = client.post("/both").await;
        client.verify(&one.token(), ("password", PASSWORD)).await;
        let partly = client.verify(&other.token(), ("totp", &sidecar.totp(0))).await;
        assert_eq!(partly.json()["verified"], false);
        assert_eq!(partly.json()["remaining"], json!([["password"]]));
        assert_eq!(client.post("/both").await.status, 403);
    }

    async fn rule_4_a_grant_is_given_back_when_no_byte_reached_the_application(store: Store) {
        let nobody = HeldPort::take();
        let sidecar = sidecar::on(store).in_front_of(nobody.addr()).with("session", "headers: { subject: remote-user }")
            .line("trusted_proxies: [127.0.0.1]").run();
        let client = about_to_pay_by_proxy(&sidecar).await;
        for _ in 0..3 {
            let down = pay(&client, "10").await;
            assert_eq!((down.status.as_u16(), down.reason()), (502, "upstream-unreachable".into()));
        }
    }

    async fn rule_4_a_grant_is_given_back_when_time_is_up_before_the_first_byte(store: Store) {
        // It accepts one connection, which is taken; the next one hangs.
        let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        full.listen(0).unwrap();
        let address = full.local_addr().unwrap().as_socket().unwrap();
        let _first = std::net::TcpStream::connect(address).unwrap();
        let sidecar = sidecar::on(store).in_front_of(address).with("session", "headers: { subject: remote-user }")
            .line("trusted_proxies: [127.0.0.1]").with("upstream", "connect: 1h\nrequest: 300ms").run();
        let client = about_to_pay_by_proxy(&sidecar).await;
        for _ in 0..3 {
            let late = pay(&client, "10").await;
            assert_eq!((late.status.as_u16(), late.reason()), (504, "upstream-timeout".into()));
        }
    }

    async fn rule_4_a_grant_is_not_given_back_once_bytes_were_sent(store: Store) {
        let sidecar = sidecar::on(store)
            .application(|got| match got.target.as_str() {
                "/pay" => Reply::Hang,
                _ => application(got),
            })
            .with("upstream", "response: 1s")
            .run();
        let client = sidecar.logged_in().await;
        let refused = pay(&client, "10").await;
        client.pass(&refused).await;
        let late = pay(&client, "10").await;
        assert_eq!((late.status.as_u16(), late.reason()), (504, "upstream-timeout".into()));
        let again = pay(&client, "10").await;
        assert_eq!((again.status.as_u16(), again.reason()), (403, "grant-spent".into()));
        assert_eq!(sidecar.got("/pay"), 1);
    }

    async fn report_mode_forwards_and_tells(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        assert_eq!(client.post("/watched").await.status, 200);
        let stranger = sidecar.script();
        assert_eq!(stranger.post("/watched").await.status, 200);
        let events = sidecar.decisions("/watched", 2);
        let told: Vec<_> = events.iter().map(|event| (&event["outcome"], &event["reason"])).collect();
        assert_eq!(told, [
            (&json!("reported"), &json!("step-up-required")),
            (&json!("reported"), &json!("session-required")),
        ]);
        assert_eq!(events[0]["enforcement"], "report");
    }

    async fn every_matching_route_must_be_satisfied_strictest_first(store: Store) {
        let sidecar = sidecar::on(store)
            .policy(r#"
version: 1
default: forward
routes:
  - { id: any, action: any, title: Anything here, level: 3, match: { path: "/zone/{x...}" } }
  - { id: one, action: one, title: This one, level: 4, match: { path: /zone/one } }
"#)
            .run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/zone/one").await;
        assert_eq!(refused.json()["challenge"]["action"], "one");
        client.pass(&refused).await;
        let refused = client.post("/zone/one").await;
        assert_eq!(refused.json()["challenge"]["action"], "any", "{}", refused.text());
        client.pass(&refused).await;
        // What the refused request had taken was put back.
        assert_eq!(client.post("/zone/one").await.status, 200);
        assert_eq!(client.post("/zone/one").await.status, 403);
        assert_eq!(sidecar.got("/zone/one"), 1);
    }

    async fn rule_9_a_restart_loses_no_grant(store: Store) {
        let mut sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        client.earn("/keys").await;
        let open = client.post_form("/pay", &[("sum", "3")]).await;
        sidecar.restart();
        assert_eq!(client.post("/keys").await.status, 200);
        // A challenge under way is answered all the same.
        client.pass(&open).await;
        assert_eq!(client.post_form("/pay", &[("sum", "3")]).await.status, 200);
    }

    async fn rule_2_the_bytes_of_the_path_go_as_they_came_and_every_reading_is_guarded(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        for path in ["/KEYS", "/keys/", "//keys", "/k%65ys", "/keys;x=y", "/k%2565ys", "/keys.json"] {
            assert_eq!(client.post(path).await.status, 403, "{path}");
        }
        assert_eq!(sidecar.upstream().got().len(), 1, "the login alone");
        client.earn("/k%65ys").await;
        for path in ["/k%65ys", "//keys", "/keys;x=y?a=%2F&&b", "/a%2Fb//c"] {
            assert_eq!(client.post(path).await.status, 200, "{path}");
            assert_eq!(sidecar.upstream().last().target, path);
        }
    }

    async fn rule_9_a_reload_loses_no_grant(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        client.earn("/keys").await;
        let open = client.post_form("/pay", &[("sum", "3")]).await;
        let policy = POLICY.replace("Create an API key", "Make an API key");
        sidecar.dir.write("policies/sidecar.yaml", policy);
        sidecar.process().signal("HUP");
        sidecar.events(1, |event| event["event"] == "policies-loaded");
        assert_eq!(client.post("/keys").await.status, 200);
        client.pass(&open).await;
        assert_eq!(client.post_form("/pay", &[("sum", "3")]).await.status, 200);
    }

    async fn rule_7_a_rotated_secret_still_knows_sessions_and_authenticators(store: Store) {
        let mut sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        client.earn("/keys").await;
        sidecar.rotate_the_secret();
        // The session is known by its old name; its elevation is earned anew, by any factor.
        let refused = client.post("/both").await;
        assert_eq!(refused.reason(), "step-up-required", "{}", refused.text());
        client.verify(&refused.token(), ("totp", &sidecar.totp(0))).await;
        client.pass(&refused).await;
        assert_eq!(client.post("/both").await.status, 200);
        // What was signed with the old secret is refused once it is gone.
        sidecar.forget_the_old_secret();
        assert_eq!(client.post("/both").await.status, 200);
    }

    async fn rule_1_nothing_reaches_the_application_without_a_permit(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let before = sidecar.upstream().got().len();
        for path in ["/keys", "/pay", "/email", "/both", "/totp", "/users/1/delete", "/passkey", "/settings"] {
            assert_eq!(client.post_form(path, &[("a", "b")]).await.status, 403, "{path}");
        }
        for path in ["/KEYS", "/keys/", "//keys", "/k%65ys", "/keys;x=y", "/k%2565ys"] {
            assert_eq!(client.post(path).await.status, 403, "{path}");
        }
        let override_ = client.clone().header("x-http-method-override", "PUT");
        assert_eq!(override_.post("/api/email").await.status, 403);
        assert_eq!(sidecar.upstream().got().len(), before);
    }
}
