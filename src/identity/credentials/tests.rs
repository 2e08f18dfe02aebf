//! Credentials as the least careful application reads them.

use super::*;
use crate::domain::Secret;

fn names() -> CredentialNames {
    CredentialNames {
        cookies: vec!["session_id".to_owned()],
    }
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

fn carried(lines: &[(&'static str, &str)]) -> CarriedLines {
    CarriedLines::of(&headers(lines), "/", &names())
}

fn session(lines: &[(&'static str, &str)]) -> Option<SessionId> {
    let keys = Keys::derive(&Secret::new((0..32).collect()), None).unwrap();
    names().read(&carried(lines)).unwrap().session(&keys)
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
    let keys = Keys::derive(&Secret::new((0..32).collect()), None).unwrap();
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
    let keys = Keys::derive(&Secret::new((0..32).collect()), None).unwrap();
    let names = CredentialNames {
        cookies: vec!["session_id".to_owned(), "remembered".to_owned()],
    };
    let read = |lines: &[_]| names.read(&carried(lines)).unwrap();
    let of = |lines: &[_]| read(lines).session(&keys).unwrap();
    let (cookies, shared) = ("session_id=x; remembered=", ("authorization", "Basic eA=="));
    let parts = read(&[("cookie", cookies), shared]).cookies_alone(&keys);
    assert_eq!(parts, [of(&[("cookie", "session_id=x")])]);
    // An ended session is known even so, whatever is added to it.
    let with_nothing = read(&[("cookie", "remembered="), shared]);
    assert_eq!(with_nothing.sessions_alone(&keys), [of(&[shared])]);
}

#[test]
fn no_spelling_of_a_credential_is_another_session() {
    let one = session(&[("cookie", "session_id=x+y")]);
    for line in [
        "session_id=\"x+y\"",
        "session_id=%78+y",
        "session_id= x%2By ",
    ] {
        assert_eq!(one, session(&[("cookie", line)]), "{line}");
    }
    let mut odd = HeaderMap::new();
    let line = HeaderValue::from_bytes(b"other=\xe9; session_id=x+y").unwrap();
    odd.insert(COOKIE, line);
    let keys = Keys::derive(&Secret::new((0..32).collect()), None).unwrap();
    let read = names()
        .read(&CarriedLines::of(&odd, "/", &names()))
        .unwrap();
    assert_eq!(one, read.session(&keys));
    let bearer = session(&[("authorization", "Bearer x")]);
    for line in ["bearer x", "Bearer  x", "BEARER\tx"] {
        assert_eq!(bearer, session(&[("authorization", line)]), "{line}");
    }
    assert_ne!(bearer, session(&[("authorization", "Bearer X")]));
}

#[test]
fn a_session_in_the_path_must_be_that_of_the_cookie() {
    let keys = Keys::derive(&Secret::new((0..32).collect()), None).unwrap();
    let lines = |cookie: &str, path: &str| {
        CarriedLines::of(&headers(&[("cookie", cookie)]), path, &names())
    };
    let read = |cookie: &str, path: &str| {
        let lines = lines(cookie, path);
        let read = names().read(&lines);
        read.map(|read| (read.session(&keys), lines.only_cookies().is_some()))
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
    ];
    for line in doubles {
        assert!(
            names().read(&carried(&[("cookie", line)])).is_err(),
            "{line}"
        );
    }
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
        "x=session_id; session_id=y",
    ] {
        assert!(
            names().read(&carried(&[("cookie", line)])).is_ok(),
            "{line}"
        );
    }
}

#[test]
fn a_response_changes_what_the_client_carries() {
    let keys = Keys::derive(&Secret::new((0..32).collect()), None).unwrap();
    let before = names()
        .read(&carried(&[("cookie", "session_id=x")]))
        .unwrap();
    let carries = |line: &str| {
        let response = headers(&[("set-cookie", line)]);
        names().after(&before, &response).session(&keys)
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
}
