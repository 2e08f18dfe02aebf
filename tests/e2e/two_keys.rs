//! Two keys: the application's cookie alone is never enough.

use crate::support::becomes;
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, PASSWORD, USER, application};
use crate::support::store::on_both_stores;
use crate::support::upstream::Got;

on_both_stores! {
    async fn a_copied_cookie_alone_is_refused_even_while_its_owner_is_fresh(store: Store) {
        let sidecar = sidecar::on(store).run();
        let owner = sidecar.logged_in().await;
        owner.earn("/keys").await;
        let thief = sidecar.thief_of(&owner);
        let before = sidecar.upstream().got().len();
        for path in ["/low", "/medium", "/proven", "/keys", "/settings"] {
            let answer = thief.post(path).await;
            assert_eq!(answer.status, 403, "{path}");
            assert_eq!(answer.json()["code"], "SENSITIVE_VERIFICATION_REQUIRED");
        }
        // Nor with a key that is somebody else's, or made up.
        let other = sidecar.logged_in().await;
        for key in [other.cookie(KEY_COOKIE).unwrap(), "AAAAAAAAAAAAAAAAAAAAAA".into(), "x".into()] {
            thief.set_cookie(KEY_COOKIE, &key);
            assert_eq!(thief.post("/keys").await.status, 403);
        }
        assert_eq!(sidecar.upstream().got().len() - before, 1, "the other's login alone");
        for path in ["/low", "/medium", "/proven", "/keys", "/settings"] {
            assert_eq!(owner.post(path).await.status, 200, "{path}");
        }
    }

    async fn no_proof_counts_for_a_session_in_the_path(store: Store) {
        let sidecar = sidecar::on(store).run();
        let owner = sidecar.logged_in().await;
        let stolen = owner.cookie(COOKIE).unwrap();
        // Somebody with a session of their own, all of whose proof is fresh.
        let thief = sidecar.logged_in().await;
        let refused = thief.post("/keys").await;
        thief.pass(&refused).await;
        assert_eq!(thief.post("/keys;v=1").await.status, 200);
        for target in [format!("/keys;sid={stolen}"), format!("/keys;v=1;SID={stolen}")] {
            let answer = thief.post(&target).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (400, "ambiguous-request".into()), "{target}");
        }
        // A servlet container writes it into its own links; with the same cookie it is the same.
        let own = thief.cookie(COOKIE).unwrap();
        assert_eq!(thief.post(&format!("/keys;sid={own}")).await.status, 200);
        // Alone it is no session: an application that looks elsewhere takes them for somebody else.
        let bare = sidecar.script();
        bare.set_cookie(KEY_COOKIE, &thief.cookie(KEY_COOKIE).unwrap());
        assert_eq!(bare.post(&format!("/low;sid={own}")).await.status, 400);
        // Revoked means refused, wherever the session stands.
        sidecar.command(&["session", "revoke", "--user", USER]);
        let bare = sidecar.script();
        let refused = becomes(401, async || bare.get(&format!("/open;sid={stolen}")).await).await;
        assert_eq!(refused.reason(), "session-revoked");
    }

    async fn a_login_on_the_same_cookie_voids_what_it_held_however_it_is_hidden(store: Store) {
        // An application that keeps the cookie when another logs in, and cuts parameters off its paths.
        let cutting = |got: &Got| {
            let mut got = got.clone();
            got.target = got.target.replace(";sid=junk", "").replace("&user=somebody", "");
            application(&got)
        };
        let sidecar = sidecar::on(store).application(cutting).run();
        for (target, key, cookie) in [
            ("/login?same", true, "none=1"),
            ("/login?same", false, "none=1"),
            ("/login;sid=junk?same", true, "none=1"),
            ("/login?same", true, "SID=junk"),
            ("/login?same", true, "sid[x]=1"),
            // Named twice, it is nobody whom the settings find.
            ("/login?same&user=somebody", false, "none=1"),
        ] {
            // Somebody with proof of their own, who then logs in as another.
            let client = sidecar.logged_in().await;
            client.earn("/keys").await;
            let kept = client.cookie(KEY_COOKIE).unwrap();
            let (name, value) = cookie.split_once('=').unwrap();
            client.set_cookie(name, value);
            if !key {
                client.drop_cookie(KEY_COOKIE);
            }
            let login = [("user", "mallory"), ("password", "right")];
            assert_eq!(client.post_form(target, &login).await.status, 302);
            client.drop_cookie(name);
            client.set_cookie(KEY_COOKIE, &kept);
            let refused = client.post("/keys").await;
            assert_ne!(refused.status, 200, "{target} {cookie}");
            // Nor is it the first one's, to be proved anew.
            if refused.json()["challenge"].is_object() {
                let answer = client.verify(&refused.token(), ("password", PASSWORD)).await;
                assert_ne!(answer.status, 200, "{target} {cookie}");
            }
        }
    }

    async fn a_login_with_a_copied_cookie_makes_nothing_fresh(store: Store) {
        let sidecar = sidecar::on(store).run();
        let owner = sidecar.logged_in().await;
        let thief = sidecar.thief_of(&owner);
        // The application answers whoever is logged in already as it answers the right password.
        for user in [USER, "mallory"] {
            let guess = [("user", user), ("password", "guess")];
            assert_eq!(thief.post_form("/login?same", &guess).await.status, 302);
            assert_eq!(thief.cookie(KEY_COOKIE), None, "{user}");
            // Whose session it is now, the application alone knows.
            assert_eq!(thief.post("/low").await.status, 401, "{user}");
        }
        let claimed = thief.get("/login?_method=POST&user=mallory").await;
        assert!(claimed.headers.get_all("set-cookie").iter().all(|line| !line.to_str().unwrap().starts_with("stepgate=")));
    }

    async fn a_single_use_grant_is_not_used_up_by_a_copied_cookie(store: Store) {
        let sidecar = sidecar::on(store).run();
        let owner = sidecar.logged_in().await;
        owner.earn("/pay").await;
        let thief = sidecar.thief_of(&owner);
        for _ in 0..3 {
            assert_eq!(thief.post("/pay").await.status, 403);
        }
        assert_eq!(owner.post("/pay").await.status, 200);
        assert_eq!(sidecar.got("/pay"), 1);
    }

    async fn a_verification_in_another_browser_voids_what_the_first_had_earned(store: Store) {
        let sidecar = sidecar::on(store).run();
        let first = sidecar.logged_in().await;
        first.earn("/keys").await;
        // The same session elsewhere, by somebody who knows the password.
        let second = sidecar.thief_of(&first);
        second.earn("/email").await;
        assert_eq!(second.post("/email").await.status, 200);
        // Neither side holds what the other earned.
        assert_eq!(second.post("/keys").await.status, 403);
        for path in ["/keys", "/low", "/settings", "/email"] {
            assert_eq!(first.post(path).await.status, 403, "{path}");
        }
    }

    async fn the_key_is_renewed_at_every_verification_and_the_old_one_is_worth_nothing(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let old = client.cookie(KEY_COOKIE).unwrap();
        client.earn("/keys").await;
        let stale = sidecar.thief_of(&client);
        stale.set_cookie(KEY_COOKIE, &old);
        assert_eq!(stale.post("/keys").await.status, 403);
        // What was earned before goes on under the new key.
        client.earn("/email").await;
        for path in ["/keys", "/email"] {
            assert_eq!(client.post(path).await.status, 200, "{path}");
        }
    }

    async fn the_cookie_has_the_host_prefix_unless_the_site_is_plain_http(store: Store) {
        let plain = sidecar::on(store).run();
        let answer = plain.script().try_log_in(USER).await;
        let cookies = || answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        let ours = cookies().find(|line| line.starts_with("stepgate=")).unwrap();
        assert!(ours.contains("; HttpOnly") && ours.contains("; SameSite=Lax") && ours.contains("; Path=/"));
        assert!(!ours.contains("Secure"), "{ours}");
        // The application's own come first, as it sent them.
        assert!(cookies().next().unwrap().starts_with(COOKIE));

        let tls = sidecar::on(store).line("public_url: https://app.test").run();
        let answer = tls.script().try_log_in(USER).await;
        let mut cookies = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        let ours = cookies.next_back().unwrap();
        assert!(ours.starts_with("__Host-stepgate=") && ours.ends_with("; Secure"), "{ours}");
        assert!(!ours.contains("Domain"));
    }

    async fn the_application_never_sees_our_key(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        client.set_cookie("theme", "dark");
        client.post("/low").await;
        let got = sidecar.upstream().last();
        assert!(got.header("cookie").contains("theme=dark") && got.header("cookie").contains(COOKIE));
        assert!(!got.header("cookie").contains(&client.cookie(KEY_COOKIE).unwrap()));
        assert!(!got.header("cookie").contains("stepgate"));
    }

    async fn two_browser_keys_are_none(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        client.earn("/keys").await;
        let mut request = client.request(http::Method::POST, "/keys", "");
        let line = format!("{}; {KEY_COOKIE}=AAAAAAAAAAAAAAAAAAAAAA", request.headers()["cookie"].to_str().unwrap());
        request.headers_mut().insert("cookie", line.parse().unwrap());
        let answer = client.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.reason()), (403, "step-up-required".into()));
        assert!(!answer.token().is_empty());
    }
}
