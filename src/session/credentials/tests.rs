//! Credentials as the least careful application reads them.

use super::*;
use crate::domain::{Body, CookiePath, Secret};
use http::HeaderValue;
use http::header::COOKIE;
use std::borrow::Cow;

fn names() -> CredentialNames {
    CredentialNames::of(&["session_id"]).unwrap()
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn carried(lines: &[(&'static str, &str)]) -> CarriedLines {
    CarriedLines::of(&headers(lines), "/", &names())
}

fn keys() -> Keys {
    Keys::derive(&Secret::new((0..32).collect()), None).unwrap()
}

fn session(lines: &[(&'static str, &str)]) -> Option<SessionId> {
    let read = names().read(&carried(lines)).unwrap();
    read.session(&keys())
}

#[test]
fn the_same_cookie_is_the_same_session() {
    let one = session(&[("cookie", "a=b; session_id=x")]);
    assert!(one.is_some());
    assert_eq!(one, session(&[("cookie", "session_id=x; c=d")]));
    assert_ne!(one, session(&[("cookie", "session_id=y")]));
}

#[test]
fn no_credential_is_no_session_and_an_empty_one_is_another() {
    assert_eq!(session(&[("cookie", "a=b")]), None);
    let empty = session(&[("cookie", "session_id=")]);
    assert!(empty.is_some());
    assert_ne!(empty, session(&[("cookie", "session_id=x")]));
}

#[test]
fn a_mixed_credential_is_a_different_session() {
    let cookie = session(&[("cookie", "session_id=x")]);
    let bearer = session(&[("authorization", "Bearer x")]);
    let both = session(&[("cookie", "session_id=x"), ("authorization", "Bearer x")]);
    assert!(cookie != bearer && bearer != both && cookie != both);
}

#[test]
fn whoever_adds_a_credential_still_carries_the_old_session() {
    let keys = keys();
    let cookie = session(&[("cookie", "session_id=x")]).unwrap();
    let lines = carried(&[("cookie", "session_id=x"), ("authorization", "Bearer junk")]);
    assert!(
        names()
            .read(&lines)
            .unwrap()
            .sessions_alone(&keys)
            .contains(&cookie)
    );
    for line in [
        "session_id=junk; session_id=x",
        "session%5fid=x",
        "SESSION.ID=\"x\"",
    ] {
        let twice = carried(&[("cookie", line)]);
        assert!(
            names().sessions_in_doubt(&twice, &keys).contains(&cookie),
            "{line}"
        );
    }
}

#[test]
fn what_everybody_may_carry_is_revoked_with_no_session() {
    let keys = keys();
    let names = CredentialNames::of(&["session_id", "remembered"]).unwrap();
    let read = |lines: &[_]| names.read(&carried(lines)).unwrap();
    let of = |lines: &[_]| read(lines).session(&keys).unwrap();
    let (cookies, shared) = ("session_id=x; remembered=", ("authorization", "Basic eA=="));
    let parts = read(&[("cookie", cookies), shared]).cookies_alone(&keys);
    assert!(parts.contains(&of(&[("cookie", "session_id=x")])));
    for everybodys in [&[("cookie", "remembered=")][..], &[shared]] {
        assert!(!parts.contains(&of(everybodys)));
    }
    // An ended session is known even so, whatever is added to it.
    let with_nothing = read(&[("cookie", "remembered="), shared]);
    assert_eq!(with_nothing.sessions_alone(&keys), [of(&[shared])]);
}

/// The sessions that some application may take the lines for.
fn all_readings(lines: &[(&'static str, &str)]) -> Vec<SessionId> {
    names().all_sessions(&carried(lines), &keys())
}

#[test]
fn a_revoked_session_is_noticed_in_any_part_of_a_value() {
    let one = session(&[("cookie", "session_id=x+y")]).unwrap();
    for line in [
        "session_id=x+y[",
        "session_id=x+y]",
        "session_id=x+y\\",
        "session_id=x+y>z",
        "session_id= \"x+y\"z",
        "session_id= x+y 1",
        "session_id=\t x+y\t1 2",
        "session_id=&x+y",
        "session_id=a&b&x+y&c",
        "session_id=\"x+y'",
        "session_id=\"x+yz",
        "session_id='x+y'",
        "session_id=a, x+y, b",
        "session_id=%20x%2By%26z",
        "session_id=%22%78+y%22[",
        "session_id=X+Y[",
        "session_id=1; session_id=x+y[",
        "a=1 session_id= x+y 1",
    ] {
        let lines = [("cookie", line)];
        assert!(all_readings(&lines).contains(&one), "{line}");
        let with_another = [("cookie", line), ("authorization", "Bearer x")];
        assert!(all_readings(&with_another).contains(&one), "{line}");
    }
    for line in [
        "session_id=x+yz",
        "session_id=zx+y",
        "session_id=x+y-[",
        "session_id=x",
    ] {
        assert!(!all_readings(&[("cookie", line)]).contains(&one), "{line}");
    }
    let bearer = session(&[("authorization", "Bearer x")]).unwrap();
    for line in [
        "Bearer x y",
        "Bearer x,y",
        "bearer \"x\"y",
        "Bearer  'x'",
        "Bearer x=",
    ] {
        assert!(
            all_readings(&[("authorization", line)]).contains(&bearer),
            "{line}"
        );
    }
    let basic = session(&[("authorization", "Basic eDp5")]).unwrap();
    let revoked = |line: &str| all_readings(&[("authorization", line)]);
    let known: Vec<_> = revoked("Basic eDp5");
    assert!(known.contains(&basic));
    for line in ["Basic eDp5 x", "Basic eDp5,x", "Basic eDp5==x"] {
        let found = revoked(line);
        assert!(
            known.iter().any(|id| *id != basic && found.contains(id)),
            "{line}"
        );
    }
}

#[test]
fn another_spelling_of_a_value_is_another_session_that_ends_with_the_first() {
    let one = session(&[("cookie", "session_id=x+y")]);
    for line in [
        "session_id=\"x+y\"",
        "session_id=%78+y",
        "session_id=x%2By",
        "session_id=x%2by",
        "session_id=x y",
        "session_id=x%20y",
        "session_id= x+y",
        "session_id=x+y ; a=b",
        "session_id=\"\\170+y\"",
        "session_id=\"\\x+y\"",
        "session_id=%2578+y",
        "session_id=%u0078+y",
        "session_id=X+Y",
        "session_id=x+y,z",
        "session_id=x+y\"z",
        "session_id=\"x+y\"z",
        "session_id=\"x+y\" z",
        "session_id=x+y(z",
        "session_id=x+y=z",
        "session_id=x+y&z",
        "session_id=x+y%00z",
        "session_id=x+y\tz",
    ] {
        let lines = [("cookie", line)];
        assert_ne!(one, session(&lines), "{line}");
        assert!(all_readings(&lines).contains(&one.unwrap()), "{line}");
        let with_another = [("cookie", line), ("authorization", "Bearer x")];
        assert!(
            all_readings(&with_another).contains(&one.unwrap()),
            "{line}"
        );
    }
    let bearer = session(&[("authorization", "Bearer x")]);
    for line in ["bearer x", "Bearer  x", "BEARER\tx", "Bearer %78"] {
        let lines = [("authorization", line)];
        assert_ne!(bearer, session(&lines), "{line}");
        assert!(all_readings(&lines).contains(&bearer.unwrap()), "{line}");
    }
    assert!(!all_readings(&[("authorization", "Bearer X")]).contains(&bearer.unwrap()));
}

#[test]
fn a_value_in_escapes_ends_with_all_that_share_its_meaning() {
    let keys = keys();
    let all_of = |line: &str| {
        let lines = [("cookie", line)];
        let mut parts = names().read(&carried(&lines)).unwrap().cookies_alone(&keys);
        parts.extend(session(&lines));
        parts
    };
    // Express, Laravel, Django with quotes, and Basic.
    let revoked = all_of("session_id=s%3Aid.sig%2Bnature%3D");
    for line in [
        "session_id=s:id.sig%2Bnature%3D",
        "session_id=s%3aid.sig%2bnature=",
        "session_id=%73%3Aid.sig%2Bnature%3D",
        "session_id=\"s:id.sig+nature=\"",
    ] {
        let found = all_readings(&[("cookie", line)]);
        assert!(found.iter().any(|id| revoked.contains(id)), "{line}");
    }
    let found = all_readings(&[("cookie", "session_id=s:id.sig-nature=")]);
    assert!(!found.iter().any(|id| revoked.contains(id)));
    let basic = |line: &str| {
        let lines = [("authorization", line)];
        let read = names().read(&carried(&lines)).unwrap();
        (read.cookies_alone(&keys), all_readings(&lines))
    };
    let (parts, _) = basic("Basic YWxpY2U6cHc=");
    for line in [
        "basic YWxpY2U6cHc",
        "Basic YWxp!Y2U6cHc=",
        "Basic YWxpY2U6cHd=",
    ] {
        let (_, found) = basic(line);
        assert!(found.iter().any(|id| parts.contains(id)), "{line}");
    }
    let (_, found) = basic("Basic YWxpY2U6cHX=");
    assert!(!found.iter().any(|id| parts.contains(id)));
    assert_eq!(all_of("session_id=k3v9-_.~").len(), 1);
}

#[test]
fn a_cookie_beside_one_that_is_no_text_is_read() {
    let one = session(&[("cookie", "session_id=x+y")]);
    let mut odd = HeaderMap::new();
    let line = HeaderValue::from_bytes(b"other=\xe9; session_id=x+y").unwrap();
    odd.insert(COOKIE, line);
    let read = names()
        .read(&CarriedLines::of(&odd, "/", &names()))
        .unwrap();
    assert_eq!(one, read.session(&keys()));
}

#[test]
fn a_doubled_cookie_hides_no_other_credential() {
    let keys = keys();
    let bearer = session(&[("authorization", "Bearer x")]).unwrap();
    let lines = carried(&[
        ("cookie", "session_id=1; session_id=2"),
        ("authorization", "Bearer x"),
    ]);
    assert!(names().read(&lines).is_err());
    assert!(names().sessions_in_doubt(&lines, &keys).contains(&bearer));
}

#[test]
fn a_session_in_the_path_must_be_that_of_the_cookie() {
    let keys = keys();
    let lines = |cookie: &str, path: &str| {
        CarriedLines::of(&headers(&[("cookie", cookie)]), path, &names())
    };
    let read = |cookie: &str, path: &str| {
        let lines = lines(cookie, path);
        let read = names().read(&lines);
        read.map(|read| (read.session(&keys), lines.only_lines().is_some()))
    };
    let one = session(&[("cookie", "session_id=x")]);
    for path in ["/a;Session_Id=x", "/a;v=1;session_id=%78/b"] {
        assert_eq!(read("session_id=x", path), Ok((one, false)), "{path}");
        for cookie in ["session_id=y", "other=x"] {
            assert!(read(cookie, path).is_err(), "{path}");
            let doubted = names().sessions_in_doubt(&lines(cookie, path), &keys);
            assert!(doubted.contains(&one.unwrap()), "{path}");
        }
    }
    assert!(read("session_id=x", "/a;session_id=x;session_id=y").is_err());
    for path in ["/a;v=x", "/session_id=y", "/a;xsession_id=y"] {
        assert_eq!(read("session_id=x", path), Ok((one, true)), "{path}");
    }
}

#[test]
fn a_second_cookie_of_the_name_is_refused_in_any_spelling() {
    let doubles = [
        "session_id=x; session_id[a]=y",
        "session_id=x; session_id%5B%5D=y",
        "session_id=x; session_id%00z=y",
        "session_id=x; session_id=y",
        "session_id=x; session_id=x",
        "session_id=x; SESSION_ID=y",
        "session_id=x; session.id=y",
        "session_id=x; session%5fid=y",
        "session_id=x; session%5Fid=y",
        "a=b, session_id=y; session_id=x",
        "a=b,session_id=y",
        "session[id=y; session_id=x",
        "session_id=x; session_id",
        "session_id=x; \"session_id\"=y",
        "session_id=x; $Version session_id=y",
        "SESSION_ID=y",
        // H1: trimmed of more than ASCII blanks.
        "session_id=x;\u{a0}session_id=y",
        "session_id=x;\u{3000}session_id=y",
        "session_id=x; session_id\u{a0}=y",
        "session_id=x; session_id\u{2003}=y",
        "session_id=x;\tsession_id=y",
        // H2: a blank, a comma or a quote after a value begins another.
        "session_id=x; a=1 session_id=y",
        "session_id=x; a=1\tsession_id=y",
        "session_id=x; a=1, session_id=y",
        "session_id=x; a=\"1\"session_id=y",
        "session_id=x; a=1(session_id=y",
        "session_id=x; a=1&session_id=y",
        // H3: nameless and led by junk.
        "session_id=x; =session_id=y",
        "session_id=x; ==session_id=y",
        "session_id=x; =a; session_id =y",
        "session_id=x; $Version=1; $session_id=y",
        "session_id=x; $session_id=y",
        "session_id=x; ,session_id=y",
        "session_id=x; \"session_id\"=y",
        "session_id=x; ?session_id=y",
        "session_id=x; .session_id=y",
        "session_id=x; -session_id=y",
        "session_id=x; %20session_id=y",
        "session_id=x; +session_id=y",
        "session_id=x; session%255fid=y",
        "session_id=x; \"se\\163sion_id\"=y",
        "session_id=x; s\u{ad}ession_id=y",
        "session_id=x; session_id[=y",
        "session_id=x; session[id[a]=y",
        "session_id=x; session id=y",
        "session_id=x; session+id=y",
        "session_id=x; a=/login?session_id=5",
        "session_id=x; a=session_id=5",
        "session_id=session_id=x",
        // Alone, but not where every parser finds it.
        "a=1 session_id=x",
        "a=1,session_id=x",
        "=session_id=x",
        "\tsession_id=x",
        "session_id =x",
        "session_id\t=x",
        "session_id",
        "session_id[a]session_id",
        "a=\"; session_id=x",
        "a=\"b; session_id=x\"",
        "a=\"b\\\"; session_id=x\"",
        "a= \"b; session_id=x; c=\"",
    ];
    for line in doubles {
        assert!(
            names().read(&carried(&[("cookie", line)])).is_err(),
            "{line}"
        );
    }
    let many = format!("{}session_id=x", "a=b; ".repeat(200));
    assert!(names().read(&carried(&[("cookie", &many)])).is_err());
    // To the application they are one line.
    let quoted = [("cookie", "a=\"b"), ("cookie", "session_id=x\"")];
    assert!(names().read(&carried(&quoted)).is_err());
    let lines = [("cookie", "session_id=x"), ("cookie", "session_id=y")];
    assert!(names().read(&carried(&lines)).is_err());
    let lines = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    assert!(names().read(&carried(&lines)).is_err());
}

#[test]
fn honest_neighbors_are_no_doubles() {
    for line in [
        "session_id=x; my_session_id=y",
        "session_id=a=b; session_idx=1",
        "session_id=a==; b=c",
        "x=session_id; session_id=y",
        "session_id=y; connect.session_id=z; csrf-session_id=z; __Secure-session_id=z",
        "session_id.sig=z; session_id-legacy=z; session_id=y",
        "session_id=y; __Host-session_id=z; a--session_id=z; session_id_2=z",
        "session_id=y; back=%2Flogin%3Fsession_id%3D5",
        "cols=name,session_id,date; session_id=y",
        "prefs={\"a\":\"b, c\"}; session_id=y; size=5\"",
        "a=\"b\"; session_id=\"y\"; c=\"d; e\"",
        "a=\"b c\\\"d\"; session_id=y",
        "session_id=eyJhIjoxfQ.Zm9v:1abc:/+-_~!*'()|{}<>@#$^&",
        "a=b;session_id=y;c=d",
        "a=b;  session_id=y",
        ";session_id=y;;",
        "a; b; session_id=y",
        "$Version=1; session_id=y; $Path=/",
        "session_id=",
    ] {
        let read = names().read(&carried(&[("cookie", line)]));
        assert!(read.is_ok_and(|read| !read.is_empty()), "{line}");
    }
    let named = CredentialNames::of(&["my.sid"]).unwrap();
    for (line, is_doubled) in [
        ("my.sid=x; sid=y; my-sid=z; amy.sid=z", false),
        ("my.sid=x; my_sid=y", true),
        ("my.sid=x; My sid=y", true),
        ("my.sid=x; my[sid=y", true),
    ] {
        let read = named.read(&carried(&[("cookie", line)]));
        assert_eq!(read.is_err(), is_doubled, "{line}");
    }
}

/// What browsers send to real sites beside a session cookie, whose value stands for `SESSION`.
const HONEST: &[&str] = &[
    "_ga=GA1.2.1234567890.1700000000; _gid=GA1.2.987654321.1700000001; SESSION; _gat=1",
    "SESSION; _ga_ABC123XYZ=GS2.1.s1700000000$o3$g1$t1700000042$j18$l0$h0",
    "_fbp=fb.1.1700000000000.1234567890; _fbc=fb.1.1700000000000.IwAR0_x-y; SESSION",
    "_hjSessionUser_123456=eyJpZCI6IjEyMy00NTYiLCJjcmVhdGVkIjoxNzAwfQ==; SESSION; _hjSession_123456=eyJpZCI6ImFiYyJ9",
    "OptanonConsent=isGpcEnabled=0&datestamp=Tue+Nov+14+2023+10%3A00%3A00+GMT%2B0100&version=202310.1.0&hosts=&groups=C0001%3A1%2CC0002%3A0; SESSION",
    "OptanonAlertBoxClosed=2023-11-14T09:00:00.000Z; eupubconsent-v2=CP1abcAP1abc.YAAAAAAAAAAA; SESSION",
    "CookieConsent={stamp:'abc/d+e==',necessary:true,preferences:false,ver:1,utc:1700000000000,region:'de'}; SESSION",
    "cookieyes-consent=consentid:abc,consent:yes,action:no,necessary:yes; SESSION",
    "prefs={\"theme\":\"dark\",\"cols\":[\"id\",\"name\"]}; SESSION; last=5",
    "prefs=%7B%22theme%22%3A%22dark%22%2C%22session%22%3A1%7D; SESSION",
    "next=%2Fa%3Fsid%3D5%26session_id%3D6; SESSION; redirect=https%3A%2F%2Fexample.com%2F%3Fa%3Db",
    "connect.sid=s%3Aabc.def%2Bghi; SESSION; io=xyz",
    "connect.sid.sig=a-b_c; session_id_legacy=1; SESSION; my_session_id=2; old-session_id=3",
    "laravel_session=eyJpdiI6IkFBIiwidmFsdWUiOiJCQiJ9%3D; XSRF-TOKEN=eyJpdiI6IkNDIn0%3D; SESSION",
    "SESSION; csrftoken=abcDEF123; messages=\"W1siX19qc29uX21lc3NhZ2UiLDAsMjUsIk9rIl1d:1qXyZ:ab-cd\"",
    "SESSION; flash=\"Saved, 3 items; thanks\"; tz=Europe/Berlin",
    "AMCV_1234%40AdobeOrg=-408604571%7CMCIDTS%7C19676%7CMCMID%7C123; s_cc=true; SESSION; s_sq=%5B%5BB%5D%5D",
    "mp_abc_mixpanel=%7B%22distinct_id%22%3A%20%22abc%22%7D; ajs_user_id=null; SESSION; ajs_anonymous_id=%22abc%22",
    "intercom-session-ab12=Q0w0eFdG--abc==; intercom-id-ab12=1-2-3; SESSION",
    "wordpress_logged_in_abc=user%7C1700%7Cxyz; wp-settings-1=editor%3Dtinymce%26hidetb%3D1; SESSION",
    "wp-settings-1=editor=tinymce&hidetb=1; wp-settings-time-1=1700000000; SESSION",
    "__utmz=1.17.1.1.utmcsr=google|utmccn=(organic)|utmcmd=organic|utmctr=(not provided); SESSION",
    "JSESSIONID=0A1B2C3D.node1; SESSION; AWSALB=ab/cd+ef==; AWSALBCORS=ab/cd+ef==",
    "BIGipServerpool=!Ab/Cd+Ef==; TS01abc=0123456789abcdef; SESSION; visid_incap_1=ab/cd==",
    "__cf_bm=ab.cd_ef-1700000000-1.0.1.1-xyz; cf_clearance=a.b_c-1; SESSION",
    "lang=de-DE,de;SESSION;name=M\u{fc}ller; city=K\u{f6}ln am Rhein",
    "viewed=12,34,56; sort=name asc; recent=a|b|c; SESSION; empty=; bare",
];

#[test]
fn what_browsers_send_beside_a_session_is_not_refused() {
    let values = [
        "k3v9-_.~",
        "s%3Aj4Xw.k%2Bx%2Fy",
        "YWJj/ZGVm+Z==",
        "\"a:b\"",
        "eyJhIjoiYiJ9.Zm9v.-x_y",
        "5f1b2c:1700000000",
    ];
    let keys = keys();
    for value in values {
        let pair = format!("session_id={value}");
        let alone = session(&[("cookie", &pair)]).unwrap();
        let all = names().all_sessions(&carried(&[("cookie", &pair)]), &keys);
        for line in HONEST {
            let lines = carried(&[("cookie", &line.replace("SESSION", &pair))]);
            let read = names()
                .read(&lines)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(read.session(&keys), Some(alone), "{line}");
            // Whatever is revoked, what stands beside the session has no part in it.
            assert_eq!(names().all_sessions(&lines, &keys), all, "{line}");
        }
    }
}

#[test]
fn a_response_changes_what_the_client_carries() {
    let keys = keys();
    let before = names()
        .read(&carried(&[("cookie", "session_id=x")]))
        .unwrap();
    let carries = |line: &str| {
        let response = headers(&[("set-cookie", line)]);
        let scope = CookieScope::new("app.example.test", "/app/page");
        names().after(&before, &response, &scope).session(&keys)
    };
    assert_eq!(
        carries("session_id=y; Path=/"),
        session(&[("cookie", "session_id=y")])
    );
    assert_eq!(carries("other=y"), before.session(&keys));
    assert_eq!(carries("session_id=y; Max-Age=0"), None);
    assert_eq!(
        carries("session_id=; expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        None
    );
    assert_eq!(carries("session_id=\"\"; Path=/"), None);
    // RFC 6265 §5.2: what a browser sends back, byte for byte.
    for (set, sent) in [
        ("session_id=\"a b\"; Path=/", "session_id=\"a b\""),
        ("session_id = s%3Aa \t; HttpOnly", "session_id=s%3Aa"),
        ("session_id=a=b==;Secure", "session_id=a=b=="),
        ("session_id=\u{e9}", "session_id=\u{e9}"),
    ] {
        assert_eq!(carries(set), session(&[("cookie", sent)]), "{set}");
    }
}

#[test]
fn what_nothing_but_its_lines_can_tell_is_told_by_all_of_them() {
    let (cookie, key) = (("cookie", "a=1"), ("authorization", "Basic YTpi"));
    let all = [
        vec![cookie],
        vec![key],
        vec![cookie, key],
        vec![("cookie", ""), key],
        vec![("cookie", "Basic YTpi"), ("authorization", "a=1")],
        vec![("cookie", "b=1"), key],
    ];
    let of = |lines: &[(&'static str, &str)]| {
        let lines = CarriedLines::of(&headers(lines), "/", &names());
        lines.only_lines().map(Cow::into_owned)
    };
    let told: Vec<_> = all.iter().map(|lines| of(lines).unwrap()).collect();
    for (at, one) in told.iter().enumerate() {
        assert!(!told[at + 1..].contains(one), "{:?}", all[at]);
    }
    for lines in [&[][..], &[cookie, cookie], &[key, key], &[cookie, key, key]] {
        assert_eq!(of(lines), None, "{lines:?}");
    }
}

#[test]
fn keys_in_headers_and_the_query_are_credentials() {
    let key_names = KeyNames::new(NamedKeys {
        headers: vec!["x-own-key".parse().unwrap()],
        query: vec!["key".to_owned()],
        common: true,
        public: vec!["api_key".to_owned()],
        ..NamedKeys::default()
    });
    let read_with = |lines: &[(&'static str, &str)], query: &str, hidden: &[&str]| {
        let headers = headers(lines);
        let lines = CarriedLines::of(&headers, "/", &names());
        let hidden = hidden.iter().copied();
        let lines = lines.with_keys(&headers, Some(query), hidden, &key_names);
        let only_lines = lines.only_lines().is_some();
        let read = names().read(&lines);
        let doubted = names().sessions_in_doubt(&lines, &keys());
        (read.map(|read| read.session(&keys())), only_lines, doubted)
    };
    let read = |lines: &[(&'static str, &str)], query: &str| read_with(lines, query, &[]);
    // In a query that only some applications find, a key is in doubt however it is written.
    let (session_of_some, _, doubted) = read_with(&[], "", &["a=b", "key=k"]);
    assert!(session_of_some.is_err() && !doubted.is_empty());
    let cookie = ("cookie", "session_id=x");
    let plain = session(&[cookie]);
    let mut all = vec![plain];
    for (lines, query) in [
        (&[cookie, ("x-own-key", "k")][..], ""),
        (&[cookie, ("x-api-key", "k")], ""),
        (&[cookie, ("X-Redmine-API-Key", "k")], ""),
        (&[cookie, ("private-token", "k")], ""),
        (&[cookie, ("private-token", "j")], ""),
        (&[cookie, ("x-vault-token", "k")], ""),
        (&[cookie], "key=k"),
        (&[cookie], "a=b&access_token=k"),
        (&[cookie], "private_token=k"),
        (&[cookie], "x-plex-token=k"),
        (&[cookie], "access_token=k"),
        (&[("x-own-key", "k")], ""),
        (&[], "key=k"),
        (&[cookie, ("x-own-key", "k")], "key=k"),
    ] {
        let (session, only_lines, _) = read(lines, query);
        assert!(!only_lines, "{lines:?} {query}");
        // A parameter beside another key counts wherever it stands.
        let session = session.unwrap();
        if query != "access_token=k" {
            assert!(!all.contains(&session), "{lines:?} {query}");
        }
        all.push(session);
    }
    for (lines, query) in [
        (&[("x-own-key", "k"), ("x-own-key", "j")][..], ""),
        (&[("x-own-key", "k"), ("x_own_key", "j")], ""),
        (&[("x_own_key", "k")], ""),
        (&[("x.api.key", "k")], ""),
        (&[], "key=k&key=j"),
        (&[], "key=k&KEY=j"),
        (&[], "KEY=k"),
        (&[], "k%65y=k"),
        (&[], "k%2565y=k"),
        (&[], "key[]=k"),
        (&[], "key=k;key=j"),
        (&[], "a=1?key=k"),
        (&[], "a=1;key=k"),
        (&[], "?key=k"),
        (&[], "key=k;x"),
        (&[], "+key=k"),
        (&[], "access.token=k"),
        (&[], "Access_Token=k"),
        (&[], "access_toke%6>=k"),
        (&[], "access_t%6?ken=k"),
    ] {
        let (session, _, doubted) = read(lines, query);
        assert!(session.is_err(), "{lines:?} {query}");
        assert!(!doubted.is_empty(), "{lines:?} {query}");
    }
    for query in [
        "",
        "monkey=k",
        "keys=k",
        "q=key",
        "my_access_token=k",
        "page=1&sort=name",
        "q=50%:10",
        "token=k",
        // Public, as the settings say.
        "api_key=k",
    ] {
        let (session, only_lines, _) = read(&[cookie, ("x-csrf-token", "k")], query);
        assert_eq!((session, only_lines), (Ok(plain), true), "{query}");
    }
}

#[test]
fn keys_in_bodies_are_credentials_where_they_are_read() {
    let key_names = |json: &[&str]| {
        KeyNames::new(NamedKeys {
            query: vec!["key".to_owned()],
            json: json.iter().map(|pointer| (*pointer).to_owned()).collect(),
            common: true,
            ..NamedKeys::default()
        })
    };
    let read = |kind: &str, body: &str, json: &[&str]| {
        let headers = headers(&[("cookie", "session_id=x"), ("content-type", kind)]);
        let mut lines = CarriedLines::of(&headers, "/", &names());
        let body = Body::read_or_opaque(&headers, body.as_bytes());
        lines.add_body(&body, &key_names(json)).map(|()| {
            let read = names().read(&lines);
            read.is_ok_and(|read| read.session(&keys()) == session(&[("cookie", "session_id=x")]))
        })
    };
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    for (kind, body, pointers, is_alone) in [
        (form, "a=b", &[][..], true),
        (form, "access_token=k", &[], false),
        (form, "key=k", &[], false),
        (form, "KEY=k", &[], false),
        (form, "key=k&key=j", &[], false),
        (form, "api_key=k", &[], true),
        (json, "{\"auth\":\"k\"}", &[], true),
        (json, "{\"auth\":\"k\"}", &["/auth"], false),
        (json, "{\"AUTH\":\"k\"}", &["/auth"], false),
        (json, "[{\"id\":1},{\"auth\":\"k\"}]", &["/auth"], false),
        (json, "{\"a\":{\"auth\":\"k\"}}", &["/auth"], true),
        (json, "", &["/auth"], true),
        ("text/plain", "hello", &["/auth"], true),
    ] {
        assert_eq!(read(kind, body, pointers), Ok(is_alone), "{kind} {body}");
    }
    for (kind, body) in [
        ("text/plain", " {\"auth\":\"k\"}"),
        (form, "{\"auth\":\"k\"}"),
        ("application/octet-stream", "\u{feff}{\"auth\":\"k\"}"),
        (json, "{\"auth\":\"k\",\"auth\":\"j\"}"),
    ] {
        assert!(read(kind, body, &["/auth"]).is_err(), "{kind} {body}");
        assert_eq!(read(kind, body, &[]), Ok(true), "{kind} {body}");
    }
}

/// The sessions of two lines under these names.
fn both(names: &[&str], one: &str, other: &str) -> [Option<SessionId>; 2] {
    let names = CredentialNames::of(names).unwrap();
    [one, other].map(|line| {
        let lines = CarriedLines::of(&headers(&[("cookie", line)]), "/", &names);
        let read = names.read(&lines);
        let read = read.unwrap_or_else(|error| panic!("{line}: {error}"));
        read.session(&keys())
    })
}

#[test]
fn all_members_of_a_family_are_one_credential_in_any_order() {
    for (name, one, other) in [
        ("app_*", "app_a=1; app_b=2", "app_b=2; x=y; app_a=1"),
        (
            ".AspNetCore.Cookies",
            ".AspNetCore.Cookies=chunks-2; .AspNetCore.CookiesC1=a; .AspNetCore.CookiesC2=b",
            ".AspNetCore.CookiesC2=b; .AspNetCore.CookiesC1=a; .AspNetCore.Cookies=chunks-2",
        ),
    ] {
        let [one, other] = both(&[name], one, other);
        assert!(one.is_some() && one == other, "{name}");
    }
    for (name, one, other) in [
        ("app_*", "app_a=1", "app_b=1"),
        ("app_*", "app_a=1", "app_a=1; app_b=2"),
        ("ASPSESSIONID*", "ASPSESSIONIDQQ=1", "ASPSESSIONIDZZ=1"),
        (
            ".AspNetCore.Cookies",
            ".AspNetCore.Cookies=chunks-1; .AspNetCore.CookiesC1=a",
            ".AspNetCore.Cookies=chunks-1; .AspNetCore.CookiesC1=b",
        ),
        (
            "next-auth.session-token",
            "next-auth.session-token.0=a",
            "next-auth.session-token.0=b",
        ),
        (
            "_oauth2_proxy",
            "_oauth2_proxy_0=a; _oauth2_proxy_1=b",
            "_oauth2_proxy_0=a",
        ),
        ("FedAuth", "FedAuth=a; FedAuth1=b", "FedAuth=a; FedAuth1=c"),
        (
            "mod_auth_openidc_session",
            "mod_auth_openidc_session_chunks=2",
            "mod_auth_openidc_session_chunks=3",
        ),
    ] {
        let [one, other] = both(&[name], one, other);
        assert!(one.is_some() && one != other, "{name}: {other:?}");
    }
    // Two names of the settings for one cookie are no double.
    let [one, other] = both(
        &["session", "session_2", "sess*"],
        "session=1; session_2=3",
        "session_2=3; session=1",
    );
    assert!(one.is_some() && one == other);
}

#[test]
fn no_spelling_of_a_name_that_varies_hides_a_second_one() {
    let refused = |name: &str, line: &str| {
        let names = CredentialNames::of(&[name]).unwrap();
        let lines = CarriedLines::of(&headers(&[("cookie", line)]), "/", &names);
        names.read(&lines).is_err()
    };
    for line in [
        "app_a=x; app_a=y",
        "app_a=x; app_A=y",
        "app_a=x; APP_b=y",
        "app_a=x; app.b=y",
        "app_a=x; %61pp_b=y",
        "app_a=x; app_%62=y; app_b=z",
        "app_a=x; app_b[0]=y",
        "app_a=x;\u{a0}app_b=y",
        "app_a=x; app_b\u{a0}=y",
        "app_a=x; a=1 app_b=y",
        "app_a=x; a=1,app_b=y",
        "app_a=x; =app_b=y",
        "app_a=x; \"app_b\"=y",
        "app_a=x; $Version=1; $app_b=y",
        "app_a=x; app b=y",
        "app_a=x; back=/login?app_b=5",
        "app_a=x; app_b",
        "a=\"; app_b=y",
        "app_a.b=x; app_a_b=y",
    ] {
        assert!(refused("app_*", line), "{line}");
    }
    for line in [
        "token.0=x; token.0=y",
        "token.0=x; token_0=y",
        "token.0=x; TOKEN.1=y",
        "token.0=x; a=1 token.1=y",
        "token.0=x; token%2E1=y",
        "token=x; tokenC1=y; tokenc1=z",
    ] {
        assert!(refused("token", line), "{line}");
    }
    for line in [
        "app_a=x; my_app_b=y; app=z; application=z; happ_y=z",
        "app_a=x; __Host-app_b=y; csrf-app_b=y",
        "app_a=x; app_b=y; app_c-d.e=z; app_f%40g=h",
    ] {
        assert!(!refused("app_*", line), "{line}");
    }
    for line in [
        "token.0=x; token.1=y; token=z",
        "token=x; token_name=y; token2fa=z; tokenX1=z",
    ] {
        assert!(!refused("token", line), "{line}");
    }
}

#[test]
fn a_revoked_session_is_noticed_under_a_name_that_varies() {
    let names = CredentialNames::of(&["app_*", "token"]).unwrap();
    let all = |line: &str| {
        let lines = CarriedLines::of(&headers(&[("cookie", line)]), "/", &names);
        names.all_sessions(&lines, &keys())
    };
    for (known, lines) in [
        (
            "app_a=x",
            &[
                "APP_A=x",
                "app_b=1; app.a=x",
                "z=1 app_a=x",
                "app_a=x[",
                "%61pp_a=x",
            ][..],
        ),
        (
            "token.1=x",
            &[
                "token_1=x",
                "TOKEN.1=x",
                "token.0=y; token.1=x",
                "z=1,token.1=\"x\"",
            ],
        ),
    ] {
        let lines_of = CarriedLines::of(&headers(&[("cookie", known)]), "/", &names);
        let known = names.read(&lines_of).unwrap().session(&keys()).unwrap();
        for line in lines {
            assert!(all(line).contains(&known), "{line}");
        }
    }
}

#[test]
fn what_a_response_sets_counts_by_name_domain_and_path() {
    let keys = keys();
    let names = CredentialNames {
        cookies: vec![
            CookieName::parse("sid").unwrap(),
            CookieName::parse("app_*").unwrap(),
            CookieName::parse("user-*")
                .unwrap()
                .on_path(CookiePath::parse("/user/{name}/")),
        ],
    };
    let scope = CookieScope::new("app.example.test", "/user/bob/page");
    let read = |line: &str| {
        let lines = CarriedLines::of(&headers(&[("cookie", line)]), "/", &names);
        names.read(&lines).unwrap()
    };
    let after = |lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| ("set-cookie", *line)).collect();
        names
            .after(&read("sid=x"), &headers(&lines), &scope)
            .session(&keys)
    };
    for (lines, carried) in [
        (&["sid=y; Path=/"][..], "sid=y"),
        (&["sid=y"], "sid=y"),
        (&["sid=y; Path=/user"], "sid=y"),
        (&["sid=y; Domain=example.test; Path=/"], "sid=y"),
        (&["sid=y; Path=/other"], "sid=x"),
        (&["sid=; Path=/other; Max-Age=0"], "sid=x"),
        (&["sid=y; Domain=other.test; Path=/"], "sid=x"),
        (&["sid=; Domain=other.test; Max-Age=0"], "sid=x"),
        (&["sid=y; Path=/", "sid=; Path=/user; Max-Age=0"], "sid=y"),
        (&["sid=; Path=/user; Max-Age=0", "sid=y; Path=/"], "sid=y"),
        (&["sid=y; Path=/", "sid=z; Path=/"], "sid=z"),
        (
            &["sid=y; Path=/", "sid=; Path=/; Max-Age=0", "app_a=1"],
            "app_a=1",
        ),
        (
            &["app_a=1; Path=/", "app_b=2; Path=/"],
            "sid=x; app_a=1; app_b=2",
        ),
        (&["sid.1=c; Path=/"], "sid=x; sid.1=c"),
        (&["user-bob=1; Path=/user/bob/"], "sid=x; user-bob=1"),
        (&["user-bob=1; Path=/user/bob"], "sid=x; user-bob=1"),
        (&["user-bob=1; Path=/"], "sid=x"),
        (&["user-eve=1; Path=/user/eve/"], "sid=x"),
        (&["SID=y; Path=/"], "sid=x"),
    ] {
        assert_eq!(after(lines), read(carried).session(&keys), "{lines:?}");
    }
}
