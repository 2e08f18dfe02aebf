//! Back to what one was doing: the client retries, we never replay.

use crate::support::becomes;
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, KEY_COOKIE, ORIGIN, PASSWORD, Sidecar, USER};
use crate::support::store::on_both_stores;
use bytes::Bytes;
use http::Method;
use stepgate::demo::{self, ALICE, Legacy};

async fn person(sidecar: &Sidecar) -> Client {
    let browser = sidecar.browser();
    browser.log_in(USER).await;
    browser
}

/// Types the password into the prompt and presses the button.
async fn answer_prompt(browser: &Client, page: &Answer, more: &[(&str, &str)]) -> Answer {
    let hidden = ["token", "anti_forgery"].map(|name| (name, page.hidden(name)));
    let mut fields: Vec<(&str, &str)> = hidden
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let carried = page
        .text()
        .contains("name=\"carried\"")
        .then(|| page.hidden("carried"));
    if let Some(carried) = &carried {
        fields.push(("carried", carried));
    }
    fields.extend([("factor", "password"), ("answer", PASSWORD)]);
    fields.extend(more);
    browser.post_form("/.stepup/verify", &fields).await
}

/// Waits until the challenge of a prompt is over.
async fn expired(browser: &Client, page: &Answer) {
    let shown = format!("/.stepup/challenge?t={}", page.hidden("token"));
    becomes(403, async || browser.get(&shown).await).await;
}

on_both_stores! {
    async fn a_get_returns_to_its_own_url(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = person(&sidecar).await;
        let away = browser.get("/secrets?page=2&x=%2F").await;
        let page = browser.get(away.header("location")).await;
        let back = answer_prompt(&browser, &page, &[]).await;
        assert_eq!((back.status.as_u16(), back.header("location")), (303, "/secrets?page=2&x=%2F"));
        assert_eq!(browser.get(back.header("location")).await.status, 200);
        assert_eq!(sidecar.upstream().last().target, "/secrets?page=2&x=%2F");
    }

    async fn a_wrong_answer_shows_the_prompt_again_and_the_right_one_still_works(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = person(&sidecar).await;
        let page = browser.post_form("/keys", &[("name", "ci")]).await;
        let fields = [("token", page.hidden("token")), ("anti_forgery", page.hidden("anti_forgery")),
            ("carried", page.hidden("carried")), ("factor", "password".into()), ("answer", "wrong".into())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let again = browser.post_form("/.stepup/verify", &fields).await;
        assert_eq!(again.status, 403);
        assert!(again.text().contains("role=\"alert\"") && again.text().contains("4 attempts left"));
        assert!(!again.text().contains("wrong\""), "the answer is echoed");
        let confirm = answer_prompt(&browser, &again, &[]).await;
        assert!(confirm.text().contains("action=\"/keys\""), "{}", confirm.text());
    }

    async fn a_form_post_carries_its_fields_to_one_explicit_button(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = person(&sidecar).await;
        let fields = [("to", "bob <b>"), ("sum", "10"), ("csrfmiddlewaretoken", "app-token"), ("tag", "a"), ("tag", "b")];
        let page = browser.post_form("/pay?from=cart", &fields).await;
        assert_eq!(page.status, 403);
        // Sealed: nothing of the form can be read in the page, except what the policy shows.
        assert!(!page.text().contains("app-token"));
        assert!(page.text().contains("bob &#60;b&#62;"));
        let confirm = answer_prompt(&browser, &page, &[]).await;
        assert_eq!(confirm.status, 200);
        assert!(confirm.text().contains("action=\"/pay?from=cart\""), "{}", confirm.text());
        assert!(confirm.text().contains("method=\"post\""));
        assert!(!confirm.text().contains("<script"), "it submits by itself");
        assert_eq!(confirm.text().matches("<button").count(), 1);
        assert_eq!(sidecar.got("/pay"), 0, "we never replay");
        // The button names the action and its values.
        let button = confirm.text().split("<button").nth(1).unwrap().split("</button").next().unwrap();
        assert!(button.contains("Pay") && button.contains("bob &#60;b&#62;") && button.contains("10"), "{button}");
        // Pressing it posts the original fields to the original address.
        for (name, value) in [("sum", "10"), ("csrfmiddlewaretoken", "app-token"), ("tag", "a")] {
            assert_eq!(confirm.hidden(name), value);
        }
        let done = browser.post_form("/pay?from=cart", &fields).await;
        assert_eq!(done.status, 200);
        let got = sidecar.upstream().last();
        assert_eq!(got.target, "/pay?from=cart");
        assert_eq!(got.body, "to=bob+%3Cb%3E&sum=10&csrfmiddlewaretoken=app-token&tag=a&tag=b");
    }

    async fn what_was_filled_in_outlasts_the_prompt(store: Store) {
        let sidecar = sidecar::on(store).with("verification", "challenge_life: 3s").run();
        let browser = person(&sidecar).await;
        let script = sidecar.script();
        for name in ["sid", KEY_COOKIE] {
            script.set_cookie(name, &browser.cookie(name).unwrap());
        }
        let fields = [("to", "bob <b>"), ("sum", "10")];
        let page = browser.post_form("/pay?from=cart", &fields).await;
        expired(&browser, &page).await;
        let late = answer_prompt(&browser, &page, &[]).await;
        assert_eq!(late.status, 200, "{}", late.text());
        for told in ["This took too long", "Nothing has happened", "action=\"/pay?from=cart\"", "value=\"bob &#60;b&#62;\""] {
            assert!(late.text().contains(told), "{told} is missing in {}", late.text());
        }
        assert_eq!(sidecar.got("/pay"), 0);
        // The button asks anew, with the same fields, and nothing is proved by it.
        let again = browser.post_form("/pay?from=cart", &fields).await;
        assert_eq!(again.status, 403);
        let confirm = answer_prompt(&browser, &again, &[]).await;
        assert!(confirm.text().contains("You are verified"), "{}", confirm.text());
        assert_eq!(browser.post_form("/pay?from=cart", &fields).await.status, 200);

        // Another browser of the session, somebody else, and a form of another challenge see nothing.
        let hidden = ["token", "anti_forgery", "carried"].map(|name| (name, page.hidden(name)));
        let mut sent: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sent.extend([("factor", "password"), ("answer", PASSWORD)]);
        let thief = sidecar.browser_of(&sidecar.thief_of(&script));
        let stranger = person(&sidecar).await;
        for other in [&thief, &stranger] {
            let refused = other.post_form("/.stepup/verify", &sent).await;
            assert_eq!(refused.status, 403);
            assert!(!refused.text().contains("bob"), "{}", refused.text());
        }
        let gone = browser.post_form("/keys", &[("name", "ci")]).await;
        expired(&browser, &gone).await;
        let swapped = [("token", gone.hidden("token")), ("anti_forgery", gone.hidden("anti_forgery")), ("carried", page.hidden("carried")), ("factor", "password".into()), ("answer", PASSWORD.into())];
        let swapped = swapped.each_ref().map(|(name, value)| (*name, value.as_str()));
        let refused = browser.post_form("/.stepup/verify", &swapped).await;
        assert_eq!(refused.status, 403);
        assert!(!refused.text().contains("bob"), "{}", refused.text());
    }

    async fn what_looks_like_a_password_is_never_carried(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = person(&sidecar).await;
        let fields = [("name", "ci"), ("new_password", "hunter2-hunter2"), ("pin", "4711"), ("api_token", "tok-secret")];
        let page = browser.post_form("/keys", &fields).await;
        let confirm = answer_prompt(&browser, &page, &[]).await;
        for (secret, name) in [("hunter2-hunter2", "new_password"), ("4711", "pin"), ("tok-secret", "api_token")] {
            assert!(!page.text().contains(secret) && !confirm.text().contains(secret));
            // The person types it again.
            assert!(confirm.text().contains(&format!("name=\"{name}\" type=\"password\"")), "{name}: {}", confirm.text());
        }
        assert_eq!(confirm.hidden("name"), "ci");
        assert!(!sidecar.dump().contains("hunter2"));
    }

    async fn files_are_not_carried(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = person(&sidecar).await;
        let body = "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA photo\r\n--b\r\n\
            Content-Disposition: form-data; name=\"photo\"; filename=\"p.png\"\r\nContent-Type: image/png\r\n\r\nPIXELS\r\n--b--\r\n";
        let mut request = browser.request(Method::POST, "/keys", Bytes::from_static(body.as_bytes()));
        let kind = "multipart/form-data; boundary=b".parse().unwrap();
        request.headers_mut().insert("content-type", kind);
        let page = browser.send(request).await;
        let confirm = answer_prompt(&browser, &page, &[]).await;
        assert!(confirm.text().contains("enctype=\"multipart/form-data\""), "{}", confirm.text());
        assert!(!confirm.text().contains("PIXELS"));
        assert!(confirm.text().contains("name=\"photo\" type=\"file\""));
        assert_eq!(confirm.hidden("title"), "A photo");
    }

    async fn the_post_of_another_site_is_not_carried(store: Store) {
        let sidecar = sidecar::on(store).run();
        for (site, origin) in [
            (Some("cross-site"), None), (Some("same-site"), None), (Some("none"), Some("https://evil.test")),
            (Some("same-origin"), Some("null")), (None, None), (None, Some("https://evil.test")),
        ] {
            let browser = person(&sidecar).await;
            let mut request = browser.request(Method::POST, "/keys", "name=planted");
            let headers = request.headers_mut();
            headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
            headers.remove("sec-fetch-site");
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            if let Some(origin) = origin {
                headers.insert("origin", origin.parse().unwrap());
            }
            let page = browser.send(request).await;
            assert_eq!(page.status, 403);
            assert!(!page.text().contains("name=\"carried\""), "{site:?} {origin:?}");
            let after = answer_prompt(&browser, &page, &[]).await;
            assert!(!after.text().contains("planted") && !after.text().contains("action=\"/keys\""));
        }
        // Our own origin is enough where a browser does not tell the site.
        let browser = person(&sidecar).await;
        let mut request = browser.request(Method::POST, "/keys", "name=own");
        let headers = request.headers_mut();
        headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        headers.remove("sec-fetch-site");
        headers.insert("origin", ORIGIN.parse().unwrap());
        let page = browser.send(request).await;
        assert!(page.text().contains("name=\"carried\""), "{}", page.text());
    }

    async fn a_tampered_or_foreign_form_is_refused(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = person(&sidecar).await;
        let other = person(&sidecar).await;
        let foreign = other.post_form("/email", &[("email", "evil@example.test")]).await;
        let page = browser.post_form("/email", &[("email", "mine@example.test")]).await;
        let own = page.hidden("carried");
        let mut tampered = own.clone().into_bytes();
        let middle = tampered.len() / 2;
        tampered[middle] = if tampered[middle] == b'A' { b'B' } else { b'A' };
        let elsewhere = browser.post_form("/keys", &[("name", "x")]).await.hidden("carried");
        for carried in [String::from_utf8(tampered).unwrap(), foreign.hidden("carried"), elsewhere, "x".into()] {
            let page = browser.post_form("/name", &[("name", "Al")]).await;
            let fields = [("token", page.hidden("token")), ("anti_forgery", page.hidden("anti_forgery")),
                ("carried", carried), ("factor", "password".into()), ("answer", PASSWORD.into())];
            let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
            let answer = browser.post_form("/.stepup/verify", &fields).await;
            assert!(!answer.text().contains("evil@example.test") && !answer.text().contains("action=\"/"), "{}", answer.text());
            assert_eq!(answer.status, 403, "{}", answer.text());
        }
    }

    async fn a_form_that_the_person_did_not_send_from_here_is_not_opened_by_a_thief(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = person(&sidecar).await;
        let page = browser.post_form("/keys", &[("name", "carried-name")]).await;
        let thief = sidecar.browser_of(&sidecar.thief_of(&browser));
        thief.drop_cookie(KEY_COOKIE);
        let answer = answer_prompt(&thief, &page, &[]).await;
        assert_eq!(answer.status, 403);
        assert!(!answer.text().contains("carried-name"));
    }

    async fn targets_off_this_origin_are_dropped(store: Store) {
        let sidecar = sidecar::on(store)
            .policy(r#"
version: 1
default: forward
routes:
  - { id: all, action: all, title: All of it, level: 3, match: { methods: [GET], path: "/{x...}" } }
"#)
            .run();
        for target in ["//evil.test/x", "//evil.test", "/%5cevil.test", "/\\evil.test", "///evil.test"] {
            let browser = person(&sidecar).await;
            let raw = format!("GET {target} HTTP/1.1\r\nhost: app.test\r\naccept: text/html\r\ncookie: sid={}; stepgate={}\r\nconnection: close\r\n\r\n",
                browser.cookie("sid").unwrap(), browser.cookie(KEY_COOKIE).unwrap());
            let answer = crate::support::raw::send(sidecar.addr(), &raw).await;
            if answer.starts_with("HTTP/1.1 400") {
                continue;
            }
            let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
            assert!(location.starts_with("/.stepup/challenge?t="), "{target}: {location}");
            let page = browser.get(location).await;
            let after = answer_prompt(&browser, &page, &[]).await;
            let to = after.header("location");
            assert!(to.is_empty() || (to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\")), "{target} leads to {to}");
        }
    }

    async fn an_anchor_names_the_page_to_return_to(store: Store) {
        let sidecar = sidecar::on(store)
            .policy(r"
version: 1
default: forward
routes:
  - { id: key, action: key, title: A key, level: 3, anchor: /keys/new, match: { methods: [POST], path: /keys } }
")
            .run();
        let browser = person(&sidecar).await;
        // A form that cannot be carried: another site's, or too large.
        let mut request = browser.request(Method::POST, "/keys", "a=b");
        request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        let page = browser.send(request).await;
        let back = answer_prompt(&browser, &page, &[]).await;
        assert!(back.status == 200 && back.text().contains("href=\"/keys/new\""), "{}", back.text());
    }

    async fn a_form_without_fields_is_one_button(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = person(&sidecar).await;
        let page = browser.post_form("/keys", &[]).await;
        assert!(!page.text().contains("fill it in again"), "{}", page.text());
        let confirm = answer_prompt(&browser, &page, &[]).await;
        assert!(confirm.text().contains("action=\"/keys\""), "{}", confirm.text());
        assert_eq!(browser.post_form("/keys", &[]).await.status, 200);
    }

    async fn who_filled_in_what_cannot_be_carried_is_told_before_and_after(store: Store) {
        let sidecar = sidecar::on(store).run();
        let long = format!("name={}", "x".repeat(100_000));
        let form = "application/x-www-form-urlencoded";
        for (site, kind, body, referer, leads_to) in [
            ("same-origin", form, &*long, Some(format!("{ORIGIN}/keys/new?for=ci#top")), "/keys/new?for=ci"),
            ("same-origin", "application/json", "{}", Some(format!("{ORIGIN}/keys/new")), "/keys/new"),
            ("same-origin", "text/plain", "name=x", None, "/"),
            // A page of another site, or what pretends to be one of ours, leads nowhere else.
            ("cross-site", form, "name=x", Some("https://evil.test/keys/new".to_owned()), "/"),
            ("cross-site", form, "name=x", Some(format!("{ORIGIN}.evil.test/")), "/"),
            ("cross-site", form, "name=x", Some(format!("{ORIGIN}//evil.test/")), "/"),
            ("cross-site", form, "name=x", Some("not an address".to_owned()), "/"),
        ] {
            let browser = person(&sidecar).await;
            let mut request = browser.request(Method::POST, "/keys", body.to_owned());
            let headers = request.headers_mut();
            headers.insert("content-type", kind.parse().unwrap());
            headers.insert("sec-fetch-site", site.parse().unwrap());
            if let Some(referer) = &referer {
                headers.insert("referer", referer.parse().unwrap());
            }
            let page = browser.send(request).await;
            assert_eq!(page.status, 403, "{kind} {referer:?}: {}", page.text());
            assert!(page.text().contains("fill it in again"), "{kind} {referer:?}: {}", page.text());
            let after = answer_prompt(&browser, &page, &[]).await;
            assert!(after.status == 200 && after.text().contains("nothing was sent"), "{}", after.text());
            let button = format!("class=\"button\" href=\"{leads_to}\"");
            assert!(after.text().contains(&button), "{referer:?}: {}", after.text());
        }
        assert_eq!(sidecar.got("/keys"), 0);
    }

    async fn a_person_without_scripts_deletes_their_account_in_the_old_application(store: Store) {
        let legacy = Legacy::start(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let sidecar = sidecar::on(store)
            .policy(demo::policy())
            .in_front_of(legacy.addr())
            .with("session", &format!("cookies: [{}]", demo::COOKIE))
            .with("session", "learn: { logins: [{ path: /login, subject: { form: user }, success: { status: 302, location: / } }] }")
            .run();
        let browser = sidecar.browser();
        browser.post_form("/login", &[("user", ALICE.name), ("password", ALICE.password)]).await;
        let account = browser.get("/account").await;
        let csrf = account.hidden("csrf");
        let page = browser.post_form("/account/delete", &[("csrf", &csrf), ("reason", "moving on")]).await;
        assert_eq!(page.status, 403);
        assert!(page.text().contains("moving on") && page.text().contains("DELETE"));
        let unconfirmed = answer_prompt(&browser, &page, &[("confirm", "delete")]).await;
        assert_eq!(unconfirmed.status, 403);
        let confirm = answer_prompt(&browser, &unconfirmed, &[("confirm", "DELETE")]).await;
        assert!(confirm.text().contains("action=\"/account/delete\""), "{}", confirm.text());
        let (csrf, reason) = (confirm.hidden("csrf"), confirm.hidden("reason"));
        let gone = browser.post_form("/account/delete", &[("csrf", &csrf), ("reason", &reason)]).await;
        assert_eq!(gone.header("location"), "/login?said=deleted", "{}", gone.text());
        let again = browser.post_form("/login", &[("user", ALICE.name), ("password", ALICE.password)]).await;
        assert!(again.text().contains("do not belong together"));
    }
}
