//! Credentials in the spellings that applications disagree about: what one reads as somebody's session
//! may be another's, or nobody's, to the next.

use crate::support::becomes;
use crate::support::client::{Answer, Client};
use crate::support::scene::{
    COOKIE, KEY_COOKIE, Scene, Stage, USER, application, fresh_cookie, on_both_stores, reason,
    stepgate, token,
};
use crate::support::stepgate::add_user;
use crate::support::upstream::{Got, Reply, answer};
use http::{HeaderValue, Method};

/// A session in which somebody has proved who they are, for `/keys`.
async fn proved(scene: &Scene) -> Client {
    let client = scene.logged_in().await;
    let refused = client.post_form("/keys", &[]).await;
    scene.pass(&client, &refused).await;
    assert_eq!(client.post_form("/keys", &[]).await.status, 200);
    client
}

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
    async fn a_cookie_where_only_some_parsers_find_one_is_refused(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let (thief, victim) = (proved(&scene).await, scene.logged_in().await);
        let ((own, key), (stolen, _)) = (cookies(&thief), cookies(&victim));
        let own = format!("{KEY_COOKIE}={key}; {COOKIE}={own}");
        let before = scene.got("/keys");
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
                    let told = (refused.status.as_u16(), reason(&refused));
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
            assert_eq!((refused.status.as_u16(), reason(&refused)), (400, "ambiguous-request".into()), "{line}");
        }
        assert_eq!(scene.got("/keys"), before);
    }

    async fn honest_neighbors_of_a_session_cookie_change_nothing(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = proved(&scene).await;
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
            assert_eq!(scene.upstream.last().header("cookie"), format!("a=b; sid={value}; c=d"));
        }
    }

    async fn a_cookie_in_another_spelling_is_nobodys_proof(keeper: Keeper) {
        for escapes in [false, true] {
            let stage = Stage::on(keeper);
            let scene = if escapes { stage.application(escaping) } else { stage }.set();
            // The application sees no cookie, or another, and takes what else came along.
            let thief = proved(&scene).await.header("x-of-its-own", "the-victims");
            let (value, key) = cookies(&thief);
            let before = scene.got("/keys");
            let mut others = spellings(&value);
            if escapes {
                others.extend([value.replace("%3A", ":"), value.replace("%3D", "%3d"), value.replace("%2B", "+")]);
            }
            for other in others {
                let line = format!("sid={other}; stepgate={key}");
                let refused = with_lines(&thief, Method::POST, "/keys", std::slice::from_ref(&line)).await;
                let told = (refused.status.as_u16(), reason(&refused));
                // What other parsers take for a cookie of the name is refused before.
                assert!([(401, "session-required".into()), (400, "ambiguous-request".into())].contains(&told), "{line}: {told:?}");
            }
            assert_eq!(scene.got("/keys"), before);
            assert_eq!(thief.post_form("/keys", &[]).await.status, 200);
        }
    }

    async fn a_revoked_session_is_refused_in_every_spelling(keeper: Keeper) {
        for escapes in [false, true] {
            let stage = Stage::on(keeper);
            let scene = if escapes { stage.application(escaping) } else { stage }.set();
            let (client, rotated) = (scene.logged_in().await, scene.logged_in().await);
            assert_eq!(rotated.get("/rotate").await.status, 200);
            let untouched = scene.script();
            scene.log_in(&untouched, "bob").await;
            stepgate(&scene.dir, &["session", "revoke", "--user", USER]);
            scene.revocations_have_arrived(&[&client, &rotated]).await;
            let before = scene.upstream.got().len();
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
                    assert_eq!((refused.status.as_u16(), reason(&refused)), (401, "session-revoked".into()), "{line}");
                    let mixed = client.clone().header("authorization", "Bearer x").header("x-api-key", "y");
                    let refused = with_lines(&mixed, Method::GET, "/anything", std::slice::from_ref(&line)).await;
                    assert_eq!(refused.status, 401, "{line}");
                }
            }
            assert_eq!(scene.upstream.got().len(), before);
            for line in [format!("sid={}", untouched.cookie(COOKIE).unwrap()), "sid=s%3Aother".into(), "sid= other 1[".into(), "x=y".into()] {
                let passed = with_lines(&client, Method::GET, "/anything", std::slice::from_ref(&line)).await;
                assert_eq!(passed.status, 200, "{line}");
            }
        }
    }

    async fn a_login_in_another_spelling_takes_over_no_session(keeper: Keeper) {
        for escapes in [false, true] {
            let stage = Stage::on(keeper);
            let scene = if escapes { stage.application(escaping) } else { stage }.set();
            let (victim, rotated) = (proved(&scene).await, proved(&scene).await);
            assert_eq!(rotated.get("/rotate").await.status, 200);
            for victim in [&victim, &rotated] {
                let value = victim.cookie(COOKIE).unwrap();
                let plain = value.replace("%3A", ":").replace("%2B", "+").replace("%3D", "=");
                let others = [format!("\"{value}\""), format!("%{:02x}{}", value.as_bytes()[0], &value[1..]), plain];
                for other in others.iter().filter(|other| **other != value) {
                    let thief = scene.script();
                    thief.set_cookie(COOKIE, other);
                    // As an application answers whoever is logged in already.
                    let told = thief.post_form("/login?same", &[("user", "bob"), ("password", "any")]).await;
                    assert_eq!(told.status, 302);
                    for path in ["/low", "/keys"] {
                        let refused = thief.post_form(path, &[]).await;
                        assert_eq!(refused.status, 401, "{other}: {}", refused.text());
                    }
                }
            }
            assert!(scene.audit().iter().all(|event| event["subject"] != "bob"));
            // Whose session it is may have to log in again, without the cookie.
            for client in [&victim, &rotated] {
                if client.post_form("/low", &[]).await.status == 401 {
                    assert_eq!(client.cookie(COOKIE), None);
                    scene.log_in(client, USER).await;
                }
                let refused = client.post_form("/email", &[]).await;
                scene.pass(client, &refused).await;
            }
        }
    }

    async fn a_limit_holds_in_another_spelling(keeper: Keeper) {
        for escapes in [false, true] {
            let stage = Stage::on(keeper).session("lifetime: 3s");
            let scene = if escapes { stage.application(escaping) } else { stage }.set();
            let client = scene.logged_in().await;
            let value = client.cookie(COOKIE).unwrap();
            becomes(401, async || client.clone().get("/anything").await).await;
            let plain = value.replace("%3A", ":").replace("%2B", "+").replace("%3D", "=");
            for other in [format!("\"{value}\""), format!("%{:02x}{}", value.as_bytes()[0], &value[1..]), plain] {
                let line = format!("sid={other}");
                let over = with_lines(&client, Method::GET, "/anything", std::slice::from_ref(&line)).await;
                assert_eq!(over.status, 401, "{line}");
                assert_eq!(reason(&over), "session-timed-out", "{line}");
            }
            let stranger = with_lines(&client, Method::GET, "/anything", &["sid=s%3Aother".to_owned()]).await;
            assert_eq!(stranger.status, 200);
        }
    }

    async fn a_key_beside_a_cookie_makes_another_session(keeper: Keeper) {
        let scene = Stage::on(keeper)
            .session("credentials: { headers: [x-own-key], query: [key] }")
            .set();
        let client = proved(&scene).await;
        let before = scene.got("/keys");
        for name in ["x-own-key", "x-api-key", "private-token", "x-redmine-api-key", "x-vault-token", "x-auth-token"] {
            let mixed = client.clone().header(name, "the-admins");
            let refused = mixed.post_form("/keys", &[]).await;
            assert_eq!((refused.status.as_u16(), reason(&refused)), (401, "session-required".into()), "{name}");
            let doubled = mixed.header(name, "another").post_form("/keys", &[]).await;
            assert_eq!((doubled.status.as_u16(), reason(&doubled)), (400, "ambiguous-request".into()), "{name}");
        }
        for query in ["key=k", "a=b&key=k", "access_token=k"] {
            let refused = client.post_form(&format!("/keys?{query}"), &[]).await;
            assert_eq!((refused.status.as_u16(), reason(&refused)), (401, "session-required".into()), "{query}");
        }
        for query in ["KEY=k", "k%65y=k", "key[]=k", "key=k&key=j", "a=b;key=k", "a=b?key=k", "access.token=k", "Access_token=k"] {
            let refused = client.post_form(&format!("/keys?{query}"), &[]).await;
            assert_eq!((refused.status.as_u16(), reason(&refused)), (400, "ambiguous-request".into()), "{query}");
        }
        for target in ["/keys;key=k", "/keys;x=/y&access_token=k", "/keys%3Fkey=k"] {
            let refused = client.post_form(target, &[]).await;
            assert_eq!((refused.status.as_u16(), reason(&refused)), (400, "ambiguous-request".into()), "{target}");
        }
        assert_eq!(scene.got("/keys"), before);
        // A key alone is nobody that we saw, and elsewhere the application's own affair.
        let script = scene.script().header("x-own-key", "k");
        assert_eq!(reason(&script.post_form("/keys", &[]).await), "session-required");
        assert_eq!(script.get("/anything?key=k&key=j").await.status, 200);
        for query in ["monkey=k", "keys=k", "q=key"] {
            assert_eq!(client.post_form(&format!("/keys?{query}"), &[]).await.status, 200, "{query}");
        }
        // Nor does a key let an ended session go on.
        stepgate(&scene.dir, &["session", "revoke", "--user", USER]);
        scene.revocations_have_arrived(&[&client]).await;
        for (name, path) in [("x-own-key", "/anything"), ("x-api-key", "/anything"), ("accept", "/anything?key=k&key=j")] {
            let mixed = client.clone().header(name, "k").get(path).await;
            assert_eq!(reason(&mixed), "session-revoked", "{name} {path}");
        }
    }

    async fn common_keys_can_be_told_not_to_count(keeper: Keeper) {
        let scene = Stage::on(keeper).session("credentials: { common: false }").set();
        let client = proved(&scene).await.header("x-api-key", "one-for-all");
        assert_eq!(client.post_form("/keys?access_token=k", &[]).await.status, 200);
    }

    async fn users_whose_names_differ_in_letter_case_are_two_where_the_settings_say_so(keeper: Keeper) {
        let scene = Stage::on(keeper)
            .session("subjects: { case: sensitive }")
            .limits("factor: 2")
            .set();
        add_user(&scene.dir, "ADMIN", "one@example.test", "Pass-of-ADMIN-1!");
        add_user(&scene.dir, "Admin", "two@example.test", "Pass-of-Admin-2!");
        let log_in = async |name: &str| {
            let client = scene.script();
            scene.log_in(&client, name).await;
            let refused = client.post_form("/keys", &[]).await;
            (client, refused)
        };
        let (upper, refused) = log_in("ADMIN").await;
        let hint = |refused: &Answer| refused.json()["challenge"]["hints"]["email_code"].to_string();
        assert!(hint(&refused).contains('o'), "{}", hint(&refused));
        let (title, asked) = log_in("Admin").await;
        assert!(hint(&asked).contains('t'), "{}", hint(&asked));
        // The other's proof is none, and wrong answers are each one's own.
        for _ in 0..3 {
            let wrong = scene.verify(&title, &token(&asked), ("password", "Pass-of-ADMIN-1!")).await;
            assert_ne!(wrong.status, 200);
        }
        let locked = scene.verify(&title, &token(&asked), ("password", "Pass-of-Admin-2!")).await;
        assert_eq!(reason(&locked), "factor-locked");
        let passed = scene.verify(&upper, &token(&refused), ("password", "Pass-of-ADMIN-1!")).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(upper.post_form("/keys", &[]).await.status, 200);
        stepgate(&scene.dir, &["user", "unlock", "Admin"]);
        let passed = scene.verify(&title, &token(&asked), ("password", "Pass-of-Admin-2!")).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        let events = scene.decisions("/keys", 3);
        let subjects: Vec<_> = events.iter().map(|event| event["subject"].to_string()).collect();
        assert_eq!(subjects, ["\"ADMIN\"", "\"Admin\"", "\"ADMIN\""]);
        // A third spelling is a third user, whom nobody knows.
        let (_, refused) = log_in("admin").await;
        assert_eq!(reason(&refused), "method-not-enrolled");
        stepgate(&scene.dir, &["session", "revoke", "--user", "ADMIN"]);
        scene.revocations_have_arrived(&[&upper]).await;
        assert_eq!(title.get("/anything").await.status, 200);
    }

    async fn a_spelling_of_a_name_is_no_new_user(keeper: Keeper) {
        for (settings, names) in [
            ("", &["ÉVA", "éva", "E\u{301}va", " éVA "][..]),
            ("subjects: { normalize: nfkc }", &["\u{ff25}\u{301}va", "éva"]),
            ("subjects: { case: sensitive }", &["E\u{301}va", "Éva"]),
        ] {
            let scene = Stage::on(keeper).session(settings).set();
            add_user(&scene.dir, names[0], "eva@example.test", "Pass-of-Eva-1!");
            for name in names {
                let client = scene.script();
                scene.log_in(&client, name).await;
                let refused = client.post_form("/keys", &[]).await;
                let passed = scene.verify(&client, &token(&refused), ("password", "Pass-of-Eva-1!")).await;
                assert_eq!(passed.status, 200, "{name}: {}", passed.text());
            }
            let client = scene.script();
            scene.log_in(&client, "eva").await;
            assert_eq!(reason(&client.post_form("/keys", &[]).await), "method-not-enrolled");
        }
    }
}
