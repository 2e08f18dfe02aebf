//! Cookies: whose session a `Cookie` header holds.
//!
//! Two people have a session each. Whose session we take a request for is the only one that a
//! parser may read from it, under the session's name as its framework looks it up; and a session
//! that was revoked is noticed wherever any parser reads it.

use crate::generator::{
    BLANKS, Chance, disturbed, inserted, octal, other_case, percent, replaced, with_one,
};
use crate::readers::{Ask, Kind, Readers, Seen};
use crate::{Case, Finding, Ours, Subject, locked};
use http::{HeaderMap, HeaderValue, Uri, header};
use std::collections::HashMap;
use std::sync::Mutex;
use stepgate::domain::{Accept, RequestPath, Secret, SessionId};
use stepgate::seal::Keys;
use stepgate::session::{CarriedLines, CredentialNames};

/// What the settings name, the cookies of a session, and two people's values of them.
const SETTINGS: &[Names] = &[
    (&["sid"], &["sid"], [&["thief1"], &["victim2"]]),
    (&["my.sid"], &["my.sid"], [&["thief1"], &["victim2"]]),
    (&["app_sid"], &["app_sid"], [&["thief1"], &["victim2"]]),
    (
        &["__Host-sid"],
        &["__Host-sid"],
        [&["thief1"], &["victim2"]],
    ),
    (
        &["JSESSIONID"],
        &["JSESSIONID"],
        [&["0A1B2C3D"], &["9F8E7D6C"]],
    ),
    (&["PHPSESSID"], &["PHPSESSID"], [&["thief1"], &["victim2"]]),
    // As connect and Laravel write theirs.
    (
        &["connect.sid"],
        &["connect.sid"],
        [&["s%3Athief1.a%2Bb"], &["s%3Avictim2.c%2Fd"]],
    ),
    // Base64, as Flask, Rails and Play do.
    (
        &["session"],
        &["session"],
        [&["dGhpZWY=.a-1"], &["dmljdGlt=.b-2"]],
    ),
    (
        &["sid", "remember"],
        &["sid", "remember"],
        [&["thief1", "thief3"], &["victim2", "victim4"]],
    ),
    // Names that vary, and chunks.
    (
        &["ASPSESSIONID*"],
        &["ASPSESSIONIDQQBA"],
        [&["THIEF1"], &["VICTIM2"]],
    ),
    (
        &["app_session_*"],
        &["app_session_a.b-c", "app_session_d"],
        [&["thief1", "thief3"], &["victim2", "victim4"]],
    ),
    (
        &["next-auth.session-token"],
        &["next-auth.session-token.0", "next-auth.session-token.1"],
        [&["thief1", "thief3"], &["victim2", "victim4"]],
    ),
    (
        &[".AspNetCore.Cookies"],
        &[".AspNetCore.Cookies", ".AspNetCore.CookiesC1"],
        [&["chunks-1", "thief3"], &["chunks-2", "victim4"]],
    ),
];

type Names = (
    &'static [&'static str],
    &'static [&'static str],
    [&'static [&'static str]; 2],
);

/// What was seen once, with `sid`, `thief1` and `victim2` for those of the setting.
const ODD: &[&[u8]] = &[
    b"sid=thief1;\xc2\xa0sid=victim2",
    b"sid=thief1;\xa0sid=victim2",
    b"sid=thief1;\x85sid=victim2",
    b"sid=thief1;\xe3\x80\x80sid=victim2",
    b"sid=thief1;\xef\xbb\xbfsid=victim2",
    b"sid=thief1; sid\xc2\xa0=victim2",
    b"sid=thief1; sid\xa0=victim2",
    b"sid=thief1; x=1 sid=victim2",
    b"sid=thief1; x=1\tsid=victim2",
    b"sid=thief1; x=1,sid=victim2",
    b"sid=thief1; x=\"1\"sid=victim2",
    b"sid=thief1; =sid=victim2",
    b"sid=thief1; =; sid=victim2",
    b"sid=thief1; junk sid=victim2",
    b"sid=thief1; junk, sid=victim2",
    b"sid=thief1; {} sid=victim2",
    b"sid=thief1; Sid=victim2",
    b"sid=thief1; %73id=victim2",
    b"sid=thief1; \"sid\"=victim2",
    b"sid=thief1; sid[]=victim2",
    b"sid=thief1; sid[x]=victim2",
    b"sid=thief1; sid[=victim2",
    b"sid=thief1; sid%00x=victim2",
    b"$Version=1; sid=thief1; $Path=/; sid=victim2",
    b"$Version=\"1\"; sid=\"thief1\", sid=\"victim2\"",
    b"sid=\"victim2\"",
    b"sid=\"victim2\"x",
    b"sid=\"victim2",
    b"sid=\"victi\\m2\"",
    b"sid=\"victi\\1552\"",
    b"sid=victim%32",
    b"sid=victim2,x",
    b"sid=victim2 x",
    b"sid=victim2 ,",
    b"sid= victim2",
    b"sid=victim2\xc2\xa0",
    b"sid=victim2\xa0",
    b"x=\"; sid=victim2; y=\"; sid=thief1",
    b"x=\"; sid=thief1; y=\"; sid=victim2",
    b"x=\"\\\"; sid=victim2; \"; sid=thief1",
    b"sid=thief1; sid=\"victim2\"",
    b"sid=thief1; __Host-sid=victim2",
    b"sid=thief1\nsid=victim2",
    b"sid=thief1\nx=1, sid=victim2",
    b"x=\"\nsid=thief1; y=\"; sid=victim2",
    b"x=1\nsid=victim2\n",
    b"sid = victim2",
    b"sid=victim2=",
    b"sid==victim2",
    b"sid",
    b"victim2",
    b"sid=",
];

/// What stands between pairs.
const SEPARATORS: &[&[u8]] = &[
    b"; ",
    b";",
    b",",
    b", ",
    b" ",
    b"&",
    b"\t",
    b";;",
    b"; ;",
    b"; =; ",
    b";=",
    b"; x ",
    b"\n",
    b"; $Path=/; ",
    b";\xc2\xa0",
    b";\xa0",
    b"\xa0",
    b"; HttpOnly ",
    b"; \"",
    b"\" ",
    b"=",
];

/// What is put before and behind names and values.
const JUNK: &[&[u8]] = &[
    b"=",
    b",",
    b"x ",
    b"x=1 ",
    b"$",
    b"\"",
    b"'",
    b"\\",
    b"(",
    b"[",
    b"[]",
    b"[x]",
    b"]",
    b"{",
    b":",
    b"/",
    b"%00",
    b"%20",
    b"%3B",
    b"%3D",
    b"+",
    b".",
    b"_",
    b"*",
    b"\xff",
    b"\xc3\xa9",
    b"__Host-",
    b"__Secure-",
    b"%",
    b"%u0041",
    b"&",
    b"<",
    b"@",
    b"\\073",
    b"\\\"",
];

/// One of the settings.
struct Setting {
    names: CredentialNames,
    /// The cookies that there are.
    cookies: &'static [&'static str],
    people: [Person; 2],
    /// What each parser reads from an honest line, by cookie and person.
    readings: HashMap<String, Vec<[Vec<u8>; 2]>>,
}

struct Person {
    values: &'static [&'static str],
    session: SessionId,
    /// What is revoked with their session.
    revoked: Vec<SessionId>,
}

/// What we see in a request.
struct Carried {
    /// A credential is doubled.
    is_refused: bool,
    session: Option<SessionId>,
    /// What is looked up among the revoked.
    noticed: Vec<SessionId>,
}

pub(crate) struct Cookies {
    keys: Keys,
    settings: Vec<Setting>,
}

impl Cookies {
    /// Learns how each parser reads what is honest.
    pub(crate) fn new(readers: &Mutex<Readers>) -> Self {
        let keys = Keys::derive(&Secret::new((0..32).collect()), None).unwrap();
        let settings = SETTINGS.iter().map(|(names, cookies, people)| {
            let names = CredentialNames::of(names).unwrap();
            let readings = honest_readings(cookies, people, readers);
            let people = people.map(|values| Person::new((&names, cookies), values, &keys));
            Setting {
                names,
                cookies,
                people,
                readings,
            }
        });
        let settings = settings.collect();
        Self { keys, settings }
    }

    fn carried(&self, case: &Case) -> Option<Carried> {
        let (target, headers) = request(case)?;
        let names = &self.settings[case.setting].names;
        let lines = CarriedLines::of(&headers, target.path(), names);
        Some(carried(names, &lines, &self.keys))
    }
}

/// The target and the lines of a case, if they come as far as to us.
fn request(case: &Case) -> Option<(Uri, HeaderMap)> {
    let (target, lines) = case.texts.split_first()?;
    let target = if target.is_empty() { b"/" } else { &target[..] };
    let target = Uri::try_from(target).ok()?;
    RequestPath::parse(target.path(), &Accept::default()).ok()?;
    let mut headers = HeaderMap::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        headers.append(header::COOKIE, HeaderValue::from_bytes(line).ok()?);
    }
    Some((target, headers))
}

/// As `session/observe/mod.rs` looks for revoked sessions.
fn carried(names: &CredentialNames, lines: &CarriedLines, keys: &Keys) -> Carried {
    let read = names.read(lines);
    Carried {
        is_refused: read.is_err(),
        session: read.ok().and_then(|credentials| credentials.session(keys)),
        noticed: names.all_sessions(lines, keys),
    }
}

impl Person {
    fn new(
        (names, cookies): (&CredentialNames, &[&str]),
        values: &'static [&'static str],
        keys: &Keys,
    ) -> Self {
        let line = honest_line(cookies, values);
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_bytes(&line).unwrap());
        let carried = CarriedLines::of(&headers, "/", names);
        let credentials = names.read(&carried).expect("an honest line");
        let session = credentials.session(keys).expect("an honest line");
        let mut revoked = credentials.cookies_alone(keys);
        revoked.push(session);
        Self {
            values,
            session,
            revoked,
        }
    }
}

fn honest_line(cookies: &[&str], values: &[&str]) -> Vec<u8> {
    let pairs = cookies.iter().zip(values);
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("; ").into_bytes()
}

fn honest_readings(
    names: &[&str],
    people: &[&[&str]; 2],
    readers: &Mutex<Readers>,
) -> HashMap<String, Vec<[Vec<u8>; 2]>> {
    let asks = people.iter().flat_map(|values| {
        let line = honest_line(names, values);
        names.iter().map(move |name| ask(name, line.clone(), "/"))
    });
    let asks: Vec<_> = asks.collect();
    let answers = locked(readers).ask(&asks);
    let (one, other) = answers.split_at(names.len());
    let mut readings: HashMap<String, Vec<[Vec<u8>; 2]>> = HashMap::new();
    for (one, other) in one.iter().flatten().zip(other.iter().flatten()) {
        let both = [one, other].map(|seen| {
            let value = seen.all.first().cloned();
            value.unwrap_or_else(|| panic!("{} reads nothing of {names:?}", seen.parser))
        });
        readings.entry(one.parser.clone()).or_default().push(both);
    }
    readings
}

fn ask(name: &str, line: Vec<u8>, target: &str) -> Ask {
    Ask {
        kind: Kind::Cookies,
        name: name.as_bytes().to_vec(),
        text: line,
        with: target.as_bytes().to_vec(),
    }
}

/// What applications get of several lines: one of them, or all in one, as their servers join them.
fn as_one_line(lines: &HeaderMap) -> Vec<Vec<u8>> {
    let lines = lines.get_all(header::COOKIE).iter();
    let lines: Vec<_> = lines
        .map(|line| line.as_bytes().trim_ascii().to_vec())
        .collect();
    match lines.len() {
        0 => vec![Vec::new()],
        1 => lines,
        _ => {
            let joined = ["; ", ", ", ","].map(|by| lines.join(by.as_bytes()));
            joined.into_iter().chain(lines).collect()
        }
    }
}

impl Subject for Cookies {
    fn name(&self) -> &'static str {
        "cookies"
    }

    fn odd(&self) -> Vec<Case> {
        let cases = SETTINGS
            .iter()
            .enumerate()
            .flat_map(|(setting, (_, names, people))| {
                ODD.iter().map(move |odd| {
                    let mut text = replaced(odd, b"sid", names[0].as_bytes());
                    for (known, values) in [&b"thief1"[..], b"victim2"].iter().zip(people) {
                        text = replaced(&text, known, values[0].as_bytes());
                    }
                    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
                    Case {
                        setting,
                        texts: std::iter::once(b"/".to_vec()).chain(lines).collect(),
                    }
                })
            });
        cases.collect()
    }

    fn case(&self, chance: &mut Chance) -> Case {
        let setting = chance.below(self.settings.len());
        let of = &self.settings[setting];
        // Half of all cases hold an honest session, and try to hide another behind it.
        let hides = chance.one_in(2);
        let mut text = Vec::new();
        if hides {
            text = honest_line(of.cookies, of.people[0].values);
        }
        for _ in 0..=chance.below(4) {
            if !text.is_empty() {
                text.extend(if chance.one_in(2) {
                    b"; "
                } else {
                    chance.pick(SEPARATORS)
                });
            }
            text.extend(pair(of, hides, chance));
        }
        while chance.one_in(3) {
            text = disturbed(&text, chance, JUNK);
        }
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
        let target = target(of, chance);
        Case {
            setting,
            texts: std::iter::once(target).chain(lines).collect(),
        }
    }

    fn asks(&self, case: &Case) -> Vec<Ask> {
        let Some((target, headers)) = request(case) else {
            return Vec::new();
        };
        let target = target
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        let names = self.settings[case.setting].cookies;
        let lines = as_one_line(&headers);
        let asks = names
            .iter()
            .flat_map(|name| lines.iter().map(|line| ask(name, line.clone(), target)));
        asks.collect()
    }

    fn judge(&self, case: &Case, answers: &[Vec<Seen>]) -> (Ours, Vec<Finding>) {
        let Some(carried) = self.carried(case) else {
            return (Ours::Refused, Vec::new());
        };
        let setting = &self.settings[case.setting];
        let session = carried.session;
        let known = setting.people.iter().map(|person| person.session);
        let ours = if carried.is_refused {
            Ours::Refused
        } else if known.map(Some).any(|known| known == session) {
            Ours::Passed
        } else {
            Ours::Guarded
        };
        let mut findings = Vec::new();
        let lines = answers.len() / setting.cookies.len();
        for (at, seen) in answers.iter().enumerate() {
            for seen in seen {
                let honest = &setting.readings[&seen.parser][at / lines.max(1)];
                for (which, person) in setting.people.iter().enumerate() {
                    if !seen.all.contains(&honest[which]) {
                        continue;
                    }
                    let other = &setting.people[1 - which];
                    if session == Some(other.session) {
                        findings.push(("another's session is read", seen.parser.clone()));
                    }
                    if !person.revoked.iter().any(|id| carried.noticed.contains(id)) {
                        findings.push(("a revoked session is read", seen.parser.clone()));
                    }
                }
            }
        }
        findings.sort();
        findings.dedup();
        (ours, findings)
    }

    fn describe(&self, case: &Case) -> String {
        let names = self.settings[case.setting].cookies;
        let texts = case
            .texts
            .iter()
            .map(|text| format!("\"{}\"", text.escape_ascii()));
        let texts: Vec<_> = texts.collect();
        format!("{names:?}: {}", texts.join(" "))
    }
}

/// One pair, honest or not; of another name than the session's if it has to hide.
fn pair(setting: &Setting, hides: bool, chance: &mut Chance) -> Vec<u8> {
    let which = chance.below(setting.cookies.len());
    let name = setting.cookies[which].as_bytes();
    let value = match chance.below(5) {
        0 => &b"x"[..],
        1 | 2 => setting.people[0].values[which].as_bytes(),
        _ => setting.people[1].values[which].as_bytes(),
    };
    let name = if hides || chance.one_in(2) {
        odd_name(name, chance)
    } else {
        name.to_vec()
    };
    let value = if chance.one_in(2) {
        value.to_vec()
    } else {
        odd_value(value, chance)
    };
    [name, value].join(if chance.one_in(20) { &b" = "[..] } else { b"=" })
}

fn odd_name(name: &[u8], chance: &mut Chance) -> Vec<u8> {
    match chance.below(13) {
        0 => b"x".to_vec(),
        1 => [chance.pick(BLANKS), name].concat(),
        2 => [name, chance.pick(BLANKS)].concat(),
        3 => [chance.pick(JUNK), name].concat(),
        4 => [name, chance.pick(JUNK)].concat(),
        5 => with_one(name, chance, percent),
        6 => with_one(name, chance, other_case),
        7 => with_one(name, chance, octal),
        8 => with_one(&with_one(name, chance, percent), chance, percent),
        9 => inserted(name, chance.place(name), chance.pick(BLANKS)),
        10 => inserted(name, chance.place(name), chance.pick(JUNK)),
        11 => replaced(name, b".", chance.pick(&[&b"_"[..], b" ", b"[", b"+"])),
        _ => replaced(name, b"_", chance.pick(&[&b"."[..], b" ", b"[", b"+"])),
    }
}

fn odd_value(value: &[u8], chance: &mut Chance) -> Vec<u8> {
    let quoted = |inside: &[u8]| [b"\"", inside, b"\""].concat();
    match chance.below(10) {
        0 => quoted(value),
        1 => quoted(&with_one(value, chance, octal)),
        2 => quoted(&with_one(value, chance, |byte| vec![b'\\', byte])),
        3 => with_one(value, chance, percent),
        4 => [chance.pick(BLANKS), value].concat(),
        5 => [value, chance.pick(BLANKS)].concat(),
        6 => [chance.pick(JUNK), value].concat(),
        7 => [value, chance.pick(JUNK)].concat(),
        8 => [&quoted(value)[..], chance.pick(JUNK)].concat(),
        _ => inserted(value, chance.place(value), chance.pick(JUNK)),
    }
}

/// Mostly the root; servlet containers find a session in a path.
fn target(setting: &Setting, chance: &mut Chance) -> Vec<u8> {
    if !chance.one_in(8) {
        return b"/".to_vec();
    }
    let name = setting.cookies[0].to_lowercase().into_bytes();
    let value = setting.people[chance.below(2)].values[0].as_bytes();
    let parameter = [&b"/a;"[..], &name, b"=", value].concat();
    if chance.one_in(2) {
        parameter
    } else {
        disturbed(&parameter, chance, JUNK)
    }
}
