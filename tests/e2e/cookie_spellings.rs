//! Credentials in the spellings that applications disagree about: what one reads as somebody's session
//! may be another's, or nobody's, to the next.

use crate::support::becomes;
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, USER, application, fresh_cookie};
use crate::support::store::on_both_stores;
use crate::support::upstream::{Got, Reply, answer};
use http::{HeaderValue, Method};

/// A session in which somebody has proved who they are, for `/keys`.
/// Sends what the client would, with other `Cookie` lines.
async fn with_lines(client: &Client, method: Method, path: &str, lines: &[String]) -> Answer {
    let mut request = client.request(method, path, "");
    let headers = request.headers_mut();
    headers.remove("cookie");
    for line in lines {
        let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
        headers.append("cookie", line);
    }
    client.send(request).await
}

fn cookies(client: &Client) -> (String, String) {
    let of = |name| client.cookie(name).unwrap();
    (of(COOKIE), of(KEY_COOKIE))
}

/// An application that escapes what it puts into its cookie, as Express, Laravel and Rails do, and takes
/// any spelling of it. Whoever is signed in already is redirected by its login.
fn escaping(got: &Got) -> Reply {
    let fresh = format!("{COOKIE}=s%3A{}%2Bx%3D; Path=/", fresh_cookie());
    match got.target.as_str() {
        "/login" => answer(302, &[("location", "/home"), ("set-cookie", &fresh)], ""),
        "/rotate" => answer(200, &[("set-cookie", &fresh)], "rotated"),
        _ => application(got),
    }
}

/// What only some applications take for `value`.
fn spellings(value: &str) -> Vec<String> {
    let octal = |text: &str| {
        text.bytes()
            .fold(String::new(), |all, byte| format!("{all}\\{byte:03o}"))
    };
    let escaped = |text: &str| {
        text.bytes()
            .fold(String::new(), |all, byte| format!("{all}%{byte:02x}"))
    };
    let (first, rest) = value.split_at(1);
    vec![
        format!("\"{value}\""),
        format!("\"{}{rest}\"", octal(first)),
        format!("\"{}\"", octal(value)),
        format!("\"\\{value}\""),
        format!("{}{rest}", escaped(first)),
        escaped(value),
        format!("%25{}{rest}", &escaped(first)[1..]),
        format!("%u00{}{rest}", &escaped(first)[1..]),
        value.to_uppercase(),
        format!("{value} x"),
        format!("{value},x"),
        format!("{value}\"x"),
        format!("\"{value}\"x"),
        format!("{value}%00x"),
        format!("\u{a0}{value}"),
        format!("\t{value}"),
    ]
}

/// What holds `value` as a part that only some applications read alone.
fn longer(value: &str) -> Vec<String> {
    let around = [
        ["", "["],
        ["", "]"],
        ["", "\\"],
        ["", ">x"],
        [" ", " 1"],
        [" \"", "\"x"],
        ["\"", "'"],
        ["&", ""],
        ["a&", "&b"],
        ["a, ", ", b"],
    ];
    let values = around.map(|[before, after]| format!("{before}{value}{after}"));
    values.to_vec()
}

on_both_stores! {
    async fn a_cookie_where_only_some_parsers_find_one_is_refused(store: Store) {
        let sidecar = sidecar::on(store).run();
        let (thief, victim) = (sidecar.elevated().await, sidecar.logged_in().await);
        let ((own, key), (stolen, _)) = (cookies(&thief), cookies(&victim));
        let own = format!("{KEY_COOKIE}={key}; {COOKIE}={own}");
        let before = sidecar.got("/keys");
        for second in [
            // Trimmed of more than ASCII blanks: `str.strip()`, `String.trim()`.
            ";\u{a0}sid=", ";\u{3000}sid=", "; sid\u{a0}=", "; sid\u{2003}=",
            // A blank, a comma or a quote after a value begins another cookie.
            "; x=1 sid=", "; x=1\tsid=", "; x=1,sid=", "; x=\"1\"sid=", "; x=1(sid=",
            // Nameless, and led by junk.
            "; =sid=", "; =x; sid =", "; ,sid=", "; $Version=1; $sid=", "; ?sid=", "; \"sid\"=", "; .sid=",
            // Other spellings of the name.
            "; SID=", "; s%69d=", "; %20sid=", "; s%2569d=", "; \"s\\151d\"=", "; sid[x]=", "; sid[=", "; sid%00=",
            // Within a value.
            "; back=/login?sid=",
        ] {
            for lines in [vec![format!("{own}{second}{stolen}")], vec![own.clone(), second[1..].trim_start_matches(' ').to_owned() + &stolen]] {
                for client in [thief.clone(), thief.clone().http2()] {
                    let refused = with_lines(&client, Method::POST, "/keys", &lines).await;
                    let told = (refused.status.as_u16(), refused.reason());
                    assert_eq!(told, (400, "ambiguous-request".to_owned()), "{lines:?}");
                }
            }
        }
        // One that only some parsers find: the others look for another credential.
        let (value, key) = cookies(&thief);
        for line in [
            format!("x=\"; sid={value}; stepgate={key}"),
            format!("x=\"y; sid={value}\"; stepgate={key}"),
            format!("x=\"y\\\"; sid={value}; z=\"; stepgate={key}"),
            format!("stepgate={key}; x=1 sid={value}"),
            format!("stepgate={key};\tsid={value}"),
            format!("stepgate={key}; SID={value}"),
            format!("stepgate={key}; {}sid={value}", "x=y; ".repeat(200)),
        ] {
            let refused = with_lines(&thief, Method::POST, "/keys", std::slice::from_ref(&line)).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (400, "ambiguous-request".into()), "{line}");
        }
        assert_eq!(sidecar.got("/keys"), before);
    }

    async fn honest_neighbors_of_a_session_cookie_change_nothing(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        let (value, key) = cookies(&client);
        for line in [
            format!("connect.sid=x; csrf-sid=y; __Secure-sid=z; sid={value}; sid.sig=q; stepgate={key}"),
            format!("prefs={{\"a\": \"b, c\"}}; sid={value}; size=5\"; stepgate={key}"),
            format!("back=%2Flogin%3Fsid%3D5; sid={value}; cols=name,sid; stepgate={key}"),
            format!("x=\"a b\"; y=caf\u{e9}; stepgate={key};sid={value}"),
        ] {
            let passed = with_lines(&client, Method::POST, "/keys", std::slice::from_ref(&line)).await;
            assert_eq!(passed.status, 200, "{line}: {}", passed.text());
        }
        // As browsers send cookies over HTTP/2.
        let crumbs = [format!("a=b; stepgate={key}"), format!("sid={value}"), "c=d".to_owned()];
        for client in [client.clone(), client.http2()] {
            let passed = with_lines(&client, Method::POST, "/keys", &crumbs).await;
            assert_eq!(passed.status, 200, "{}", passed.text());
            assert_eq!(sidecar.upstream().last().header("cookie"), format!("a=b; sid={value}; c=d"));
        }
    }

    async fn a_cookie_in_another_spelling_is_nobodys_proof(store: Store) {
        for escapes in [false, true] {
            let setup = sidecar::on(store);
            let sidecar = if escapes { setup.application(escaping) } else { setup }.run();
            // The application sees no cookie, or another, and takes what else came along.
            let thief = sidecar.elevated().await.header("x-of-its-own", "the-victims");
            let (value, key) = cookies(&thief);
            let before = sidecar.got("/keys");
            let mut others = spellings(&value);
            if escapes {
                others.extend([value.replace("%3A", ":"), value.replace("%3D", "%3d"), value.replace("%2B", "+")]);
            }
            for other in others {
                let line = format!("sid={other}; stepgate={key}");
                let refused = with_lines(&thief, Method::POST, "/keys", std::slice::from_ref(&line)).await;
                let told = (refused.status.as_u16(), refused.reason());
                // What other parsers take for a cookie of the name is refused before.
                assert!([(401, "session-required".into()), (400, "ambiguous-request".into())].contains(&told), "{line}: {told:?}");
            }
            assert_eq!(sidecar.got("/keys"), before);
            assert_eq!(thief.post("/keys").await.status, 200);
        }
    }

    async fn a_revoked_session_is_refused_in_every_spelling(store: Store) {
        for escapes in [false, true] {
            let setup = sidecar::on(store);
            let sidecar = if escapes { setup.application(escaping) } else { setup }.run();
            let (client, rotated) = (sidecar.logged_in().await, sidecar.logged_in().await);
            assert_eq!(rotated.get("/rotate").await.status, 200);
            let untouched = sidecar.script();
            untouched.log_in("bob").await;
            sidecar.command(&["session", "revoke", "--user", USER]);
            sidecar.revocations_have_arrived(&[&client, &rotated]).await;
            let before = sidecar.upstream().got().len();
            for client in [&client, &rotated] {
                let value = client.cookie(COOKIE).unwrap();
                let mut lines: Vec<String> = Vec::new();
                for other in spellings(&value).into_iter().chain(longer(&value)).chain([value.clone()]) {
                    // Letter case is not folded where it tells values apart.
                    if !(escapes && other == value.to_uppercase()) {
                        lines.extend([format!("sid={other}"), format!("x=1 sid={other}"), format!("sid=other; SID={other}")]);
                    }
                }
                if escapes {
                    let plain = value.replace("%3A", ":").replace("%2B", "+").replace("%3D", "=");
                    lines.extend([format!("sid={plain}"), format!("sid=\"{plain}\""), format!("sid={plain},x")]);
                    lines.extend([format!("sid={}", value.to_lowercase()), format!("sid={}", value.replace("%3A", ":"))]);
                }
                for line in lines {
                    let refused = with_lines(client, Method::GET, "/anything", std::slice::from_ref(&line)).await;
                    assert_eq!((refused.status.as_u16(), refused.reason()), (401, "session-revoked".into()), "{line}");
                    let mixed = client.clone().header("authorization", "Bearer x").header("x-api-key", "y");
                    let refused = with_lines(&mixed, Method::GET, "/anything", std::slice::from_ref(&line)).await;
                    assert_eq!(refused.status, 401, "{line}");
                }
            }
            assert_eq!(sidecar.upstream().got().len(), before);
            for line in [format!("sid={}", untouched.cookie(COOKIE).unwrap()), "sid=s%3Aother".into(), "sid= other 1[".into(), "x=y".into()] {
                let passed = with_lines(&client, Method::GET, "/anything", std::slice::from_ref(&line)).await;
                assert_eq!(passed.status, 200, "{line}");
            }
        }
    }

    async fn a_login_in_another_spelling_takes_over_no_session(store: Store) {
        for escapes in [false, true] {
            let setup = sidecar::on(store);
            let sidecar = if escapes { setup.application(escaping) } else { setup }.run();
            let (victim, rotated) = (sidecar.elevated().await, sidecar.elevated().await);
            assert_eq!(rotated.get("/rotate").await.status, 200);
            for victim in [&victim, &rotated] {
                let value = victim.cookie(COOKIE).unwrap();
                let plain = value.replace("%3A", ":").replace("%2B", "+").replace("%3D", "=");
                let others = [format!("\"{value}\""), format!("%{:02x}{}", value.as_bytes()[0], &value[1..]), plain];
                for other in others.iter().filter(|other| **other != value) {
                    let thief = sidecar.script();
                    thief.set_cookie(COOKIE, other);
                    // As an application answers whoever is logged in already.
                    let told = thief.post_form("/login?same", &[("user", "bob"), ("password", "any")]).await;
                    assert_eq!(told.status, 302);
                    for path in ["/low", "/keys"] {
                        let refused = thief.post(path).await;
                        assert_eq!(refused.status, 401, "{other}: {}", refused.text());
                    }
                }
            }
            assert!(sidecar.audit().iter().all(|event| event["subject"] != "bob"));
            // Whose session it is may have to log in again, without the cookie.
            for client in [&victim, &rotated] {
                if client.post("/low").await.status == 401 {
                    assert_eq!(client.cookie(COOKIE), None);
                    client.log_in(USER).await;
                }
                client.earn("/email").await;
            }
        }
    }

    async fn a_limit_holds_in_another_spelling(store: Store) {
        for escapes in [false, true] {
            let setup = sidecar::on(store).with("session", "lifetime: 3s");
            let sidecar = if escapes { setup.application(escaping) } else { setup }.run();
            let client = sidecar.logged_in().await;
            let value = client.cookie(COOKIE).unwrap();
            becomes(401, async || client.clone().get("/anything").await).await;
            let plain = value.replace("%3A", ":").replace("%2B", "+").replace("%3D", "=");
            for other in [format!("\"{value}\""), format!("%{:02x}{}", value.as_bytes()[0], &value[1..]), plain] {
                let line = format!("sid={other}");
                let over = with_lines(&client, Method::GET, "/anything", std::slice::from_ref(&line)).await;
                assert_eq!(over.status, 401, "{line}");
                assert_eq!(over.reason(), "session-timed-out", "{line}");
            }
            let stranger = with_lines(&client, Method::GET, "/anything", &["sid=s%3Aother".to_owned()]).await;
            assert_eq!(stranger.status, 200);
        }
    }

    async fn a_key_beside_a_cookie_makes_another_session(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "credentials: { headers: [x-own-key], query: [key] }")
            .run();
        let client = sidecar.elevated().await;
        let before = sidecar.got("/keys");
        for name in ["x-own-key", "x-api-key", "private-token", "x-redmine-api-key", "x-vault-token", "x-auth-token"] {
            let mixed = client.clone().header(name, "the-admins");
            let refused = mixed.post("/keys").await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (401, "session-required".into()), "{name}");
            let doubled = mixed.header(name, "another").post("/keys").await;
            assert_eq!((doubled.status.as_u16(), doubled.reason()), (400, "ambiguous-request".into()), "{name}");
        }
        for query in ["key=k", "a=b&key=k", "access_token=k"] {
            let refused = client.post(&format!("/keys?{query}")).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (401, "session-required".into()), "{query}");
        }
        for query in ["KEY=k", "k%65y=k", "key[]=k", "key=k&key=j", "a=b;key=k", "a=b?key=k", "access.token=k", "Access_token=k"] {
            let refused = client.post(&format!("/keys?{query}")).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (400, "ambiguous-request".into()), "{query}");
        }
        for target in ["/keys;key=k", "/keys;x=/y&access_token=k", "/keys%3Fkey=k"] {
            let refused = client.post(target).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (400, "ambiguous-request".into()), "{target}");
        }
        assert_eq!(sidecar.got("/keys"), before);
        // A key alone is nobody that we saw, and elsewhere the application's own affair.
        let script = sidecar.script().header("x-own-key", "k");
        assert_eq!(script.post("/keys").await.reason(), "session-required");
        assert_eq!(script.get("/anything?key=k&key=j").await.status, 200);
        for query in ["monkey=k", "keys=k", "q=key"] {
            assert_eq!(client.post(&format!("/keys?{query}")).await.status, 200, "{query}");
        }
        // Nor does a key let an ended session go on.
        sidecar.command(&["session", "revoke", "--user", USER]);
        sidecar.revocations_have_arrived(&[&client]).await;
        for (name, path) in [("x-own-key", "/anything"), ("x-api-key", "/anything"), ("accept", "/anything?key=k&key=j")] {
            let mixed = client.clone().header(name, "k").get(path).await;
            assert_eq!(mixed.reason(), "session-revoked", "{name} {path}");
        }
    }

    async fn common_keys_can_be_told_not_to_count(store: Store) {
        let sidecar = sidecar::on(store).with("session", "credentials: { common: false }").run();
        let client = sidecar.elevated().await.header("x-api-key", "one-for-all");
        assert_eq!(client.post("/keys?access_token=k").await.status, 200);
    }

    async fn users_whose_names_differ_in_letter_case_are_two_where_the_settings_say_so(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "subjects: { case: sensitive }")
            .with("verification", "limits: { factor: 2 }")
            .run();
        sidecar.add_user("ADMIN", "one@example.test", "Pass-of-ADMIN-1!");
        sidecar.add_user("Admin", "two@example.test", "Pass-of-Admin-2!");
        let log_in = async |name: &str| {
            let client = sidecar.script();
            client.log_in(name).await;
            let refused = client.post("/keys").await;
            (client, refused)
        };
        let (upper, refused) = log_in("ADMIN").await;
        let hint = |refused: &Answer| refused.json()["challenge"]["hints"]["email_code"].to_string();
        assert!(hint(&refused).contains('o'), "{}", hint(&refused));
        let (title, asked) = log_in("Admin").await;
        assert!(hint(&asked).contains('t'), "{}", hint(&asked));
        // The other's proof is none, and wrong answers are each one's own.
        for _ in 0..3 {
            let wrong = title.verify(&asked.token(), ("password", "Pass-of-ADMIN-1!")).await;
            assert_ne!(wrong.status, 200);
        }
        let locked = title.verify(&asked.token(), ("password", "Pass-of-Admin-2!")).await;
        assert_eq!(locked.reason(), "factor-locked");
        let passed = upper.verify(&refused.token(), ("password", "Pass-of-ADMIN-1!")).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(upper.post("/keys").await.status, 200);
        sidecar.command(&["user", "unlock", "Admin"]);
        let passed = title.verify(&asked.token(), ("password", "Pass-of-Admin-2!")).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        let events = sidecar.decisions("/keys", 3);
        let subjects: Vec<_> = events.iter().map(|event| event["subject"].to_string()).collect();
        assert_eq!(subjects, ["\"ADMIN\"", "\"Admin\"", "\"ADMIN\""]);
        // A third spelling is a third user, whom nobody knows.
        let (_, refused) = log_in("admin").await;
        assert_eq!(refused.reason(), "method-not-enrolled");
        sidecar.command(&["session", "revoke", "--user", "ADMIN"]);
        sidecar.revocations_have_arrived(&[&upper]).await;
        assert_eq!(title.get("/anything").await.status, 200);
    }

    async fn a_spelling_of_a_name_is_no_new_user(store: Store) {
        for (settings, names) in [
            ("", &["ÉVA", "éva", "E\u{301}va", " éVA "][..]),
            ("subjects: { normalize: nfkc }", &["\u{ff25}\u{301}va", "éva"]),
            ("subjects: { case: sensitive }", &["E\u{301}va", "Éva"]),
        ] {
            let sidecar = sidecar::on(store).with("session", settings).run();
            sidecar.add_user(names[0], "eva@example.test", "Pass-of-Eva-1!");
            for name in names {
                let client = sidecar.script();
                client.log_in(name).await;
                let refused = client.post("/keys").await;
                let passed = client.verify(&refused.token(), ("password", "Pass-of-Eva-1!")).await;
                assert_eq!(passed.status, 200, "{name}: {}", passed.text());
            }
            let client = sidecar.script();
            client.log_in("eva").await;
            assert_eq!(client.post("/keys").await.reason(), "method-not-enrolled");
        }
    }
}
