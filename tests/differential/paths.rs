//! Paths: which route a request target reaches.
//!
//! A target that any router or parser takes for a guarded path is guarded, or refused; and one that we
//! take for an exception's path is that path to all of them.

use crate::generator::{
    Chance, disturbed, inserted, other_case, percent, percent_oddly, percent_twice, with_one,
};
use crate::readers::{Ask, Kind, Readers, Seen, by_parser};
use crate::{Case, Finding, Ours, Subject, locked};
use http::{HeaderMap, Uri};
use std::sync::Mutex;
use stepgate::domain::{Accept, Groups, Leniency, Method, RequestHead, RequestPath, RouteTable};
use stepgate::policy;

const GUARDED: &str = "
version: 1
default: forward
routes:
  - { id: admin, action: a, level: 3, match: { path: /admin/delete } }
  - { id: user, action: a, level: 3, match: { path: '/users/{user}/delete' } }
";

const EXCEPTED: &str = "
version: 1
default: forward
routes:
  - { id: all, action: a, level: 3, match: { path: '/users/{rest...}', except: [{ path: /users/me/draft }] } }
";

/// Every switch on.
const LENIENT: Accept = Accept {
    backslashes: Leniency::Read,
    controls: Leniency::Read,
    dot_segments: Leniency::Read,
    fragments: Leniency::Read,
    invalid_utf8: Leniency::Read,
    malformed_escapes: Leniency::Read,
    raw_bytes: Leniency::Read,
    unicode_escapes: Leniency::Read,
};

/// What a reader names the route by that has a parameter.
const USER_ROUTE: &[u8] = b"/users/:user/delete";
const DRAFT: &[u8] = b"/users/me/draft";

/// What was seen once, or is a guarded path in other words.
const ODD: &[&[u8]] = &[
    b"/admin/delete",
    b"/users/7/delete",
    b"/users/me/draft",
    b"//x/admin/delete",
    b"///admin/delete",
    b"//admin/delete",
    b"//x@y:80/admin/delete",
    b"/\\x/admin/delete",
    b"/\\/admin/delete",
    b"/x/..//admin/delete",
    b"http://h/admin/delete",
    b"http:///admin/delete",
    b"http://h//x/admin/delete",
    b"//x/users/7/delete",
    b"/admin//delete",
    b"/admin/delete/",
    b"/admin/delete//",
    b"/admin/./delete",
    b"/admin/x/../delete",
    b"/x/../admin/delete",
    b"/admin/%2e%2e/admin/delete",
    b"/admin/x/%2e%2e/delete",
    b"/admin%2fdelete",
    b"/admin%252fdelete",
    b"/admin%5cdelete",
    b"/admin\\delete",
    b"/%61dmin/delete",
    b"/ad%6=in/delete",
    b"/adm%6@n/delete",
    b"/admin%2?delete",
    b"/users/%3?/delete",
    b"/users/%?3/delete",
    b"/%2561dmin/delete",
    b"/admin/delete;x",
    b"/admin;x=1/delete",
    b"/;/admin/delete",
    b"/admin/..;/admin/delete",
    b"/admin/delete%3bx",
    b"/admin/delete%3fx",
    b"/admin/delete%23x",
    b"/admin/delete#x",
    b"/admin/delete?x",
    b"/admin/delete%00",
    b"/admin/delete%00.png",
    b"/admin/delete%20",
    b"/admin/delete%0a",
    b"/admin/delete%09",
    b"/admin/de%0alete",
    b"/admin/delete.",
    b"/admin/delete.json",
    b"/admin/delete.html",
    b"/ADMIN/DELETE",
    b"/admin/delet%u0065",
    b"/admin/delete%c0%af",
    b"/admin%c0%afdelete",
    b"/admin/delete%ef%bc%8f",
    b"/admin+/delete",
    b"/users//delete",
    b"/users/%2f/delete",
    b"/users/a%2fb/delete",
    b"/users/7/delete;x/y",
    b"/users/me/draft/",
    b"/users/me/draft;x",
    b"/users/me/draft/../../7/delete",
    b"/users/me/draft%2f..%2f..%2f7%2fdelete",
    b"//users/me/draft",
    b"/users/me/draft?/../../7/delete",
    b"/users/me/draft%3f",
    b"/users/ME/draft",
    b"//x/users/me/draft",
];

/// What is put into paths.
const JUNK: &[&[u8]] = &[
    b"/",
    b"//",
    b"/./",
    b"/../",
    b"/x/../",
    b"%2f",
    b"%2F",
    b"%252f",
    b"\\",
    b"%5c",
    b";",
    b";x",
    b";x=1",
    b"%3b",
    b"?",
    b"%3f",
    b"#",
    b"%23",
    b"%00",
    b"%20",
    b"%09",
    b"%0a",
    b"%0d",
    b" ",
    b"\t",
    b".",
    b"..",
    b"%2e",
    b"%2e%2e",
    b".json",
    b".php",
    b"/x.php",
    b"/index.php",
    b"+",
    b"@",
    b":",
    b":80",
    b"//x",
    b"//x@y",
    b"http:",
    b"http://h",
    b"http://h/",
    b"%",
    b"%u002f",
    b"%c0%af",
    b"%ef%bc%8f",
    b"%e2%81%84",
    b"\xc3\xa9",
    b"\xff",
    b"%ff",
    b"%c2%a0",
    b"%e2%80%8b",
    b"~",
    b"*",
    b"(",
    b"[",
    b"]",
    b"{",
    b"|",
    b"^",
    b"`",
    b"\"",
    b"'",
    b"<",
    b",",
    b"=",
    b"&",
    b"$",
    b"%7f",
    b"%85",
    b"%c2%85",
    b"%ef%bb%bf",
    b"..;",
    b"%2e;",
    b":x/",
    b"//[::1]",
    b"//[",
    b"//x:y",
    b"/@/",
];

const HONEST: &[&[u8]] = &[b"/admin/delete", b"/users/7/delete", DRAFT];

/// Which table, and which switches.
struct Setting {
    table: RouteTable,
    accept: Accept,
    excepts: bool,
}

pub(crate) struct Paths {
    settings: Vec<Setting>,
}

impl Paths {
    /// Makes sure that every parser reaches what is honest.
    pub(crate) fn new(readers: &Mutex<Readers>) -> Self {
        let asks: Vec<_> = HONEST.iter().map(|path| ask(path)).collect();
        let answers = locked(readers).ask(&asks);
        for (seen, path) in answers
            .iter()
            .zip(HONEST)
            .flat_map(|(all, path)| all.iter().map(move |seen| (seen, path)))
        {
            let reached = seen.all.iter().any(|read| is_guarded(read) || read == path);
            assert!(
                reached,
                "{} does not read {}",
                seen.parser,
                path.escape_ascii()
            );
        }
        let table = |text: &str| {
            let policies = policy::compile([("policy.yaml", text.as_bytes())], &Groups::default());
            policies.expect("a policy").into_table().expect("a table")
        };
        let settings = [false, true].into_iter().flat_map(|excepts| {
            [Accept::default(), LENIENT].map(|accept| Setting {
                table: table(if excepts { EXCEPTED } else { GUARDED }),
                accept,
                excepts,
            })
        });
        Self {
            settings: settings.collect(),
        }
    }

    fn ours(&self, case: &Case) -> Ours {
        let setting = &self.settings[case.setting];
        let Some(uri) = target(case) else {
            return Ours::Refused;
        };
        let Ok(path) = RequestPath::of_target(uri.path(), uri.query(), &setting.accept) else {
            return Ours::Refused;
        };
        let headers = HeaderMap::new();
        let head = RequestHead::new(Method::Post, &path, uri.query(), &headers);
        if setting.table.find(&head).is_empty() {
            Ours::Passed
        } else {
            Ours::Guarded
        }
    }
}

/// The target as hyper reads it.
fn target(case: &Case) -> Option<Uri> {
    Uri::try_from(&case.texts[0][..]).ok()
}

fn ask(path: &[u8]) -> Ask {
    Ask {
        kind: Kind::Path,
        name: Vec::new(),
        text: path.to_vec(),
        with: Vec::new(),
    }
}

/// Whether what a parser makes of a target is what the guarded routes match.
fn is_guarded(read: &[u8]) -> bool {
    let segments: Vec<_> = read.split(|byte| *byte == b'/').collect();
    match segments[..] {
        [b"", b"admin", b"delete"] => true,
        [b"", b"users", user, b"delete"] => !user.is_empty(),
        _ => false,
    }
}

/// Whether it is some other path below that of which the exception is one.
fn is_unexcepted(read: &[u8]) -> bool {
    read == USER_ROUTE || (read.starts_with(b"/users/") && read != DRAFT)
}

impl Subject for Paths {
    fn name(&self) -> &'static str {
        "paths"
    }

    fn odd(&self) -> Vec<Case> {
        let settings = 0..self.settings.len();
        let cases = settings.flat_map(|setting| {
            ODD.iter().map(move |odd| Case {
                setting,
                texts: vec![odd.to_vec()],
            })
        });
        cases.collect()
    }

    fn case(&self, chance: &mut Chance) -> Case {
        let setting = chance.below(self.settings.len());
        let honest = if self.settings[setting].excepts {
            &HONEST[1..]
        } else {
            HONEST
        };
        let mut text = chance.pick(honest).to_vec();
        if chance.one_in(4) {
            text = chance.pick(ODD).to_vec();
        }
        for _ in 0..=chance.below(4) {
            text = match chance.below(9) {
                0 => with_one(&text, chance, percent),
                1 => with_one(&text, chance, percent_twice),
                2 => with_one(&text, chance, other_case),
                3 => disturbed(&text, chance, JUNK),
                4 => [chance.pick(JUNK), &text].concat(),
                5 => [&text[..], chance.pick(JUNK)].concat(),
                6 => at_a_slash(&text, chance),
                7 => with_one(&text, chance, percent_oddly),
                _ => inserted(&text, chance.place(&text), chance.pick(JUNK)),
            };
        }
        Case {
            setting,
            texts: vec![text],
        }
    }

    fn asks(&self, case: &Case) -> Vec<Ask> {
        let uri = match self.ours(case) {
            Ours::Passed => target(case),
            // Nobody needs to be asked of what goes no further, or is guarded.
            Ours::Refused | Ours::Guarded => None,
        };
        // What is forwarded: without scheme, authority and fragment.
        let forwarded = uri.and_then(|uri| Some(ask(uri.path_and_query()?.as_str().as_bytes())));
        forwarded.into_iter().collect()
    }

    fn judge(&self, case: &Case, answers: &[Vec<Seen>]) -> (Ours, Vec<Finding>) {
        let (is_wrong, what): (fn(&[u8]) -> bool, _) = if self.settings[case.setting].excepts {
            (is_unexcepted, "another path than the exception's is read")
        } else {
            (is_guarded, "a guarded path is read")
        };
        let parsers = by_parser(answers).into_iter();
        let findings = parsers.filter(|(_, seen)| {
            seen.iter()
                .any(|seen| seen.all.iter().any(|read| is_wrong(read)))
        });
        let findings = findings
            .map(|(parser, _)| (what, parser.to_owned()))
            .collect();
        (self.ours(case), findings)
    }

    fn describe(&self, case: &Case) -> String {
        let lenient = self.settings[case.setting].accept != Accept::default();
        let switches = if lenient {
            " with every switch of `accept` on"
        } else {
            ""
        };
        format!("{}{switches}", case.texts[0].escape_ascii())
    }
}

/// Something odd before or behind one of the slashes.
fn at_a_slash(text: &[u8], chance: &mut Chance) -> Vec<u8> {
    let slashes: Vec<_> = (0..text.len()).filter(|at| text[*at] == b'/').collect();
    if slashes.is_empty() {
        return text.to_vec();
    }
    let at = chance.pick(&slashes) + chance.below(2);
    inserted(text, at, chance.pick(JUNK))
}
