//! What makes a session: keys beside cookies, names that vary, chunks, paths, domains and several hosts. With
//! a thief who has an account of his own and some credential of the victim's.

use crate::support::client::Client;
use crate::support::sidecar::{
    self, COOKIE, PASSWORD, POLICY, Setup, USER, application, fresh_cookie,
};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, answer, text};
use http::Method;
use serde_json::json;

const KEYS: &str = "credentials: { headers: [x-legacy-key], query: [key], json: [/auth] }";

/// An application with the cookies of chunks (ASP.NET Core) and of a name that varies (classic ASP).
fn chunks(got: &Got) -> Reply {
    let set = |name: &str| format!("{name}={}; Path=/", fresh_cookie());
    let (one, two) = (set(".AspNetCore.CookiesC1"), set("ASPSESSIONIDQQBA"));
    match (got.method.as_str(), got.target.as_str()) {
        ("POST", "/login") => answer(
            302,
            &[
                ("location", "/home"),
                ("set-cookie", ".AspNetCore.Cookies=chunks-1; Path=/"),
                ("set-cookie", &one),
                ("set-cookie", &two),
            ],
            "",
        ),
        _ => application(got),
    }
}

/// An application below `/api/`, with a cookie for that path, and one for each user's own.
fn paths(got: &Got) -> Reply {
    let token = format!("token={}; Path=/api/", fresh_cookie());
    match got.target.as_str() {
        "/api/login" if got.method == "GET" => text(200, "Who are you?"),
        "/api/login" => answer(302, &[("location", "/home"), ("set-cookie", &token)], ""),
        _ => application(got),
    }
}

/// An application that sets cookies of the session's name for other paths and hosts.
fn elsewhere(got: &Got) -> Reply {
    let set = |line: &str| answer(200, &[("set-cookie", line)], "done");
    match got.target.as_str() {
        "/path" => set("sid=other; Path=/elsewhere"),
        "/domain" => set("sid=other; Domain=other.test; Path=/"),
        "/delete-path" => set("sid=; Path=/elsewhere; Max-Age=0"),
        "/delete-domain" => set("sid=; Domain=other.test; Path=/; Max-Age=0"),
        "/delete" => set("sid=; Path=/; Max-Age=0"),
        _ => application(got),
    }
}

/// An application whose cookie has the same value for everybody.
fn everybodys(got: &Got) -> Reply {
    match (got.method.as_str(), got.target.as_str()) {
        ("POST", "/login") => answer(
            302,
            &[
                ("location", "/home"),
                ("set-cookie", "sid=chunks-2; Path=/"),
            ],
            "",
        ),
        _ => application(got),
    }
}

fn with_chunks(store: Store) -> Setup {
    sidecar::on(store)
        .with(
            "session",
            "cookies: ['.AspNetCore.Cookies', 'ASPSESSIONID*']",
        )
        .application(chunks)
}

async fn status(client: &Client, path: &str) -> u16 {
    client.clone().post(path).await.status.as_u16()
}

on_both_stores! {
    async fn a_key_beside_a_session_is_another_session(store: Store) {
        let sidecar = sidecar::on(store).with("session", KEYS).run();
        let client = sidecar.elevated().await;
        for header in [
            "x-api-key",
            "x-auth-token",
            "private-token",
            "x-redmine-api-key",
            "x-vault-token",
            "x-legacy-key",
        ] {
            let mixed = client.clone().header(header, "stolen");
            assert_eq!(mixed.post("/keys").await.reason(), "session-required", "{header}");
        }
        for query in ["key=k", "access_token=k", "private_token=k", "api_key=k", "KEY=k"] {
            let refused = client.clone().post(&format!("/keys?{query}")).await;
            let reason = refused.reason();
            assert!(["session-required", "ambiguous-request"].contains(&&*reason), "{query}: {reason}");
        }
        for form in [("key", "k"), ("access_token", "k")] {
            let refused = client.clone().post_form("/keys", &[form]).await;
            assert_eq!(refused.reason(), "session-required", "{form:?}");
        }
        let refused = client.clone().call(Method::POST, "/keys", json!({ "auth": "k" })).await;
        assert_eq!(refused.reason(), "session-required");
        let plain = client.clone().call(Method::POST, "/keys", json!({ "other": "k" })).await;
        assert_eq!(plain.status, 200);
        let mut request = client.request(Method::POST, "/keys", "{\"auth\":\"k\"}");
        request.headers_mut().insert("content-type", "text/plain".parse().unwrap());
        assert_eq!(client.send(request).await.status, 400);
        assert_eq!(status(&client, "/keys?token=k").await, 200);
        assert_eq!(sidecar.got("/keys"), 3);
    }

    async fn a_public_key_tells_nobody_apart(store: Store) {
        let sidecar = sidecar::on(store).with("session", "credentials: { public: [x-api-key] }").run();
        let client = sidecar.elevated().await;
        assert_eq!(status(&client.clone().header("x-api-key", "everybodys"), "/keys").await, 200);
        assert_eq!(status(&client.clone().header("x-auth-token", "stolen"), "/keys").await, 401);
    }

    async fn a_key_beside_whoever_a_proxy_names_is_another_session(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "key: subject\nheaders: { subject: remote-user }")
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let client = sidecar.script().header("remote-user", USER);
        client.earn("/keys").await;
        client.set_cookie(COOKIE, "changes");
        assert_eq!(status(&client, "/keys").await, 200);
        for (name, value) in [("x-api-key", "hers"), ("authorization", "Bearer hers")] {
            let refused = status(&client.clone().header(name, value), "/keys").await;
            assert!([401, 403].contains(&refused), "{name}: {refused}");
        }
        assert_eq!(sidecar.got("/keys"), 1);
    }

    // The login page looks at no key, and other pages obey it.
    async fn a_login_with_somebodys_key_makes_no_session_of_both(store: Store) {
        for (name, value) in [("x-api-key", "hers"), ("authorization", "Bearer hers")] {
            let sidecar = sidecar::on(store).run();
            let thief = sidecar.script().header(name, value);
            assert_eq!(thief.get("/login").await.status, 200);
            assert_eq!(thief.try_log_in(USER).await.status, 302);
            assert_eq!(status(&thief, "/keys").await, 401, "{name}");
            assert_eq!(sidecar.got("/keys"), 0);
        }
    }

    async fn chunks_and_names_that_vary_make_one_session(store: Store) {
        let sidecar = with_chunks(store).run();
        let (client, other) = (sidecar.elevated().await, sidecar.elevated().await);
        assert_eq!(status(&client, "/keys").await, 200);
        let names = [".AspNetCore.CookiesC1", "ASPSESSIONIDQQBA"];
        for name in names {
            let mixed = client.clone();
            mixed.set_cookie(name, &other.cookie(name).unwrap());
            assert_eq!(status(&mixed, "/keys").await, 401, "{name}");
            let without = client.clone();
            without.drop_cookie(name);
            assert_eq!(status(&without, "/keys").await, 401, "{name}");
        }
        for further in [".AspNetCore.CookiesC2", "ASPSESSIONIDZZZZ", "aspsessionidqqba"] {
            let mixed = client.clone();
            mixed.set_cookie(further, "hers");
            let refused = status(&mixed, "/keys").await;
            assert!([400, 401].contains(&refused), "{further}: {refused}");
        }
        // A value that everybody has is nobody's.
        let bare = sidecar.script();
        bare.set_cookie(".AspNetCore.Cookies", "chunks-1");
        assert_eq!(status(&bare, "/low").await, 401);
        // All of them are taken from a browser that is refused.
        sidecar.command(&["session", "revoke", "--user", USER]);
        sidecar.revocations_have_arrived(&[&client]).await;
        client.get("/anything").await;
        for name in names {
            assert_eq!(client.cookie(name), None, "{name}");
        }
    }

    async fn a_value_that_everybody_has_is_nobodys_session(store: Store) {
        let sidecar = sidecar::on(store).application(everybodys).run();
        let thief = sidecar.script();
        thief.log_in("mallory").await;
        let client = sidecar.script();
        assert_eq!(client.try_log_in(USER).await.status, 302);
        for client in [&thief, &client] {
            assert_eq!(client.clone().post("/keys").await.reason(), "session-disputed");
        }
    }

    async fn somebodys_other_cookie_beside_a_proved_session_is_another_session(store: Store) {
        let names = "cookies: [sid, { name: 'user-*', path: '/user/{name}/' }]";
        let policy = format!("{POLICY}  - {{ id: shell, action: shell, level: 3, title: Open a shell, match: {{ path: '/user/{{name}}/shell' }} }}\n");
        let sidecar = sidecar::on(store).with("session", names).policy(&policy).run();
        let thief = sidecar.elevated().await;
        assert_eq!(status(&thief, "/keys").await, 200);
        thief.set_cookie("user-alice", "hers");
        for path in ["/keys", "/user/alice/shell"] {
            assert_eq!(status(&thief, path).await, 401, "{path}");
        }
        assert_eq!(sidecar.got("/user/alice/shell"), 0);
    }

    async fn a_cookie_of_a_path_is_proved_below_it(store: Store) {
        let policy = format!("{POLICY}  - {{ id: api-keys, action: api.keys, level: 3, title: Create a key, match: {{ methods: [POST], path: /api/keys }} }}\n");
        let sidecar = sidecar::on(store)
            .with("session", "cookies: [{ name: token, path: /api/ }]")
            .with("session", "login_page: /api/login")
            .with("session", "learn: { logins: [{ path: /api/login, subject: { form: user }, success: { status: 302, location: /home, cookie: token } }] }")
            .policy(&policy)
            .application(paths)
            .run();
        let client = sidecar.script();
        let fields = [("user", USER), ("password", "App-pass-1!")];
        assert_eq!(client.post_form("/api/login", &fields).await.status, 302);
        let refused = client.post("/api/keys").await;
        let challenge = &refused.json()["challenge"];
        assert_eq!(challenge["verify_url"], "/api/.stepup/verify");
        assert!(challenge["page_url"].as_str().unwrap().starts_with("/api/.stepup/challenge?"));
        let proof = json!({ "token": refused.token(), "factor": "password", "answer": PASSWORD });
        let verified = client.call(Method::POST, "/api/.stepup/verify", proof).await;
        assert_eq!(verified.status, 200, "{}", verified.text());
        assert_eq!(status(&client, "/api/keys").await, 200);
        // No request for our endpoints goes further, wherever they are.
        for path in ["/api/.stepup/nothing", "/api/.STEPUP/verify", "/.stepup/nothing"] {
            assert_eq!(client.clone().get(path).await.status, 404, "{path}");
        }
        // Signing out takes the cookie where it is.
        let signed_out = client.clone().call(Method::POST, "/api/.stepup/sign-out", json!({})).await;
        let set: Vec<_> = signed_out.headers.get_all("set-cookie").iter().collect();
        assert!(set.iter().any(|line| *line == "token=; Path=/api/; Max-Age=0"), "{set:?}");
    }

    async fn a_cookie_for_another_path_or_host_replaces_and_ends_nothing(store: Store) {
        let sidecar = sidecar::on(store).application(elsewhere).run();
        let client = sidecar.elevated().await;
        for path in ["/path", "/domain", "/delete-path", "/delete-domain"] {
            // What the client keeps of it is not what a browser would.
            client.clone().get(path).await;
            assert_eq!(status(&client, "/keys").await, 200, "{path}");
        }
        client.clone().get("/delete").await;
        assert_eq!(status(&client, "/keys").await, 401);
    }

    async fn our_cookie_may_be_for_all_hosts_of_a_domain(store: Store) {
        let sidecar = sidecar::on(store).with("session", "cookie_domain: app.test").run();
        let client = sidecar.script();
        let login = client.try_log_in(USER).await;
        let set: Vec<_> = login.headers.get_all("set-cookie").iter().collect();
        let is_ours = |line: &&&http::HeaderValue| line.to_str().unwrap().starts_with("stepgate=");
        let ours = set.iter().find(is_ours).unwrap().to_str().unwrap();
        assert!(ours.ends_with("; Domain=app.test"), "{ours}");
        let elsewhere = client.clone().host("b.app.test");
        assert_eq!(elsewhere.post("/low").await.status, 200);
        elsewhere.earn("/keys").await;
        assert_eq!(status(&elsewhere, "/keys").await, 200);
        assert!(elsewhere.cookie(COOKIE).is_some());
    }

    async fn a_cookie_that_does_not_reach_our_endpoints_is_warned_of(store: Store) {
        let sidecar = sidecar::on(store).application(|got| match got.target.as_str() {
            "/app/login" => answer(302, &[("location", "/home"), ("set-cookie", "sid=x; Path=/app")], ""),
            _ => application(got),
        }).run();
        sidecar.script().post_form("/app/login", &[("user", USER), ("password", "x")]).await;
        sidecar.process().wait_for_line("browsers do not bring the session's cookie to our endpoints");
    }
}
