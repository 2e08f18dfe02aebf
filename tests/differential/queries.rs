//! Queries and forms: which parameters a request holds.
//!
//! What any parser reads as the guarded parameter is guarded; what excepts a request, or lets a route
//! not apply by its absence, does so in the eyes of every parser.

use crate::generator::{
    BLANKS, Chance, disturbed, inserted, other_case, percent, percent_oddly, percent_twice,
    replaced, with_one,
};
use crate::readers::{Ask, Kind, Readers, Seen, by_parser};
use crate::{Case, Finding, Ours, Subject, locked, multipart};
use http::{HeaderMap, HeaderValue, Uri, header};
use std::sync::Mutex;
use stepgate::domain::{Accept, Body, Groups, Method, RequestHead, RequestPath, RouteTable};
use stepgate::policy;

/// What a route says, and what a parser has to see for it to apply.
struct Rule {
    kind: Kind,
    matcher: &'static str,
    /// The parameters that are looked up.
    names: &'static [&'static str],
    applies: fn(&[&Seen]) -> bool,
    what: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        kind: Kind::Query,
        matcher: "query: { do: delete }",
        names: &["do"],
        applies: |seen| holds(seen[0], b"delete"),
        what: "the guarded parameter is read",
    },
    Rule {
        kind: Kind::Query,
        matcher: "query: { user_id: delete }",
        names: &["user_id"],
        applies: |seen| holds(seen[0], b"delete"),
        what: "the guarded parameter with `_` is read",
    },
    Rule {
        kind: Kind::Query,
        matcher: "query: { 'user[id]': delete }",
        names: &["user[id]"],
        applies: |seen| holds(seen[0], b"delete"),
        what: "the guarded parameter with brackets is read",
    },
    Rule {
        kind: Kind::Query,
        matcher: "query: { do: delete, dry: absent }",
        names: &["do", "dry"],
        applies: |seen| holds(seen[0], b"delete") && !seen[1].refuses && seen[1].all.is_empty(),
        what: "the guarded parameter is read, and the absent one is not",
    },
    Rule {
        kind: Kind::Query,
        matcher: "except: [{ query: { dry: '1' } }]",
        names: &["dry"],
        applies: |seen| !seen[0].refuses && seen[0].first.as_deref() != Some(b"1"),
        what: "the excepting parameter is not read",
    },
    Rule {
        kind: Kind::Form,
        matcher: "form: { do: delete }",
        names: &["do"],
        applies: |seen| holds(seen[0], b"delete"),
        what: "the guarded field is read",
    },
    Rule {
        kind: Kind::Form,
        matcher: "form: { 'user[id]': delete }",
        names: &["user[id]"],
        applies: |seen| holds(seen[0], b"delete"),
        what: "the guarded field with brackets is read",
    },
    Rule {
        kind: Kind::Form,
        matcher: "form: { do: delete, dry: absent }",
        names: &["do", "dry"],
        applies: |seen| holds(seen[0], b"delete") && !seen[1].refuses && seen[1].all.is_empty(),
        what: "the guarded field is read, and the absent one is not",
    },
];

/// What was seen once; `NAME=VALUE` is the parameter that is looked up, and `dry=1` that which excepts.
const ODD: &[&[u8]] = &[
    b"NAME=VALUE",
    b"?NAME=VALUE",
    b"??NAME=VALUE",
    b"%3FNAME=VALUE",
    b"&NAME=VALUE",
    b"x=1;NAME=VALUE",
    b"x=1&NAME=VALUE",
    b"x=1&amp;NAME=VALUE",
    b"x=1%26NAME=VALUE",
    b"x=1%3bNAME=VALUE",
    b"x=1,NAME=VALUE",
    b"x=1\nNAME=VALUE",
    b"x=1?NAME=VALUE",
    b"x=1#NAME=VALUE",
    b"NAME=x&NAME=VALUE",
    b"NAME=VALUE&NAME=x",
    b"NAME[]=VALUE",
    b"NAME[0]=VALUE",
    b"NAME[x]=VALUE",
    b"NAME[x][y]=VALUE",
    b"[NAME]=VALUE",
    b"[NAME]x=VALUE",
    b"NAME]=VALUE",
    b"NAME%5B%5D=VALUE",
    b"NAME%5B0%5D%5Bx%5D=VALUE",
    b"NAME[=VALUE",
    b"NAME[x=VALUE",
    b"NAME[]x=VALUE",
    b"NAME.x=VALUE",
    b"NAME%00=VALUE",
    b"NAME%00x=VALUE",
    b"NAME=VALUE%00",
    b"+NAME=VALUE",
    b"%20NAME=VALUE",
    b"NAME+=VALUE",
    b"NAME=+VALUE",
    b"NAME=VALUE+",
    b"NAME=VALUE%20",
    b"NAME=VALUE%0a",
    b"NAME=VALUE\r\n",
    b"NAME=%EF%BB%BFVALUE",
    b"%EF%BB%BFNAME=VALUE",
    b"\xef\xbb\xbfNAME=VALUE",
    b"%C2%A0NAME=VALUE",
    b"NAME==VALUE",
    b"NAME%3DVALUE",
    b"=NAME=VALUE",
    b"%4eAME=VALUE",
    b"x=1&d%6?=delete",
    b"NAME%=VALUE",
    b"%zz=1&NAME=VALUE",
    b"%ff=1&NAME=VALUE",
    b"NAME=VALUE&%ff",
    b"NAME=VALUE&x[=1",
    b"NAME=x,VALUE",
    b"NAME=VALUE&dry=1",
    b"NAME=VALUE&DRY=1",
    b"NAME=VALUE&dry[]=1",
    b"NAME=VALUE&dry",
    b"NAME=VALUE&dry=",
    b"NAME=VALUE&;dry=1",
    b"NAME=VALUE;dry=1",
    b"NAME=VALUE&?dry=1",
    b"NAME=VALUE&dry%00=1",
    b"NAME=VALUE&+dry=1",
    b"NAME=VALUE&dry+=1",
    b"NAME=VALUE&dry=0&dry=1",
    b"NAME=VALUE&dry=1&dry=0",
    b"NAME=VALUE&dry=1;dry=0",
    b"NAME=VALUE&dry=1&dry[]=0",
    b"NAME=VALUE&dry=1&dry[x]=0",
    b"?dry=1",
    b"dry=1&?dry=0",
    b"dry=1&DRY=0",
    b"dry=1&d%72y=0",
    b"dry=1#",
    b"dry=1&dry",
    b"dry=1&dry%00=0",
    b"dry=1&dry.=0",
    b"dry=%31",
    b"dry=+1",
    b"dry=1+",
    b"dry=1%00",
    b"DRY=1",
    b"__proto__[dry]=1",
    b"dry[__proto__]=1",
    b"NAME[__proto__]=VALUE",
    b"__proto__=x&NAME=VALUE",
    b"hasOwnProperty=1&NAME=VALUE",
    b"utf8=%E2%9C%93&NAME=VALUE",
    b"_charset_=utf-16&NAME=VALUE",
    b"+ADw-&NAME=VALUE",
];

/// What stands between pairs.
const SEPARATORS: &[&[u8]] = &[
    b"&", b";", b"&&", b"&amp;", b"&?", b"?", b",", b"\n", b"\r\n", b"&%00", b"&=", b";;", b"&;",
    b"#", b"%26", b"|", b"&+", b"& ",
];

/// What is put before, behind and into names and values.
const JUNK: &[&[u8]] = &[
    b"?",
    b"[]",
    b"[0]",
    b"[x]",
    b"[",
    b"]",
    b"][",
    b"%5B%5D",
    b"%5b",
    b"%5D",
    b".",
    b"_",
    b"+",
    b"%20",
    b"%00",
    b"%00x",
    b"%",
    b"%u0064",
    b"%ff",
    b"%c0%a0",
    b"%C2%A0",
    b"%EF%BB%BF",
    b"%E2%80%8B",
    b"%0a",
    b"%0d%0a",
    b"%09",
    b"%0b",
    b"=",
    b"%3d",
    b"&",
    b";",
    b",",
    b"\"",
    b"'",
    b"\\",
    b"$",
    b"#",
    b"x",
    b"\xff",
    b"\xc3\xa9",
    b":",
    b"%2B",
    b"%25",
    b"{",
    b"}",
    b"/",
    b"<",
    b"|",
    b"~",
];

/// The type of forms that are no others.
const URLENCODED: &[u8] = b"application/x-www-form-urlencoded";

/// The texts of a case are a query, or a body and its content type.
struct Setting {
    table: RouteTable,
    rule: &'static Rule,
}

pub(crate) struct Queries {
    settings: Vec<Setting>,
}

impl Queries {
    /// Makes sure that every parser reads what is honest.
    pub(crate) fn new(readers: &Mutex<Readers>) -> Self {
        for kind in [Kind::Query, Kind::Form] {
            let asks = [ask(kind, "do", b"x=1&do=delete&y", URLENCODED)];
            for seen in locked(readers).ask(&asks).concat() {
                let read = seen.first.as_deref() == Some(b"delete");
                assert!(read, "{} does not read a plain {kind:?}", seen.parser);
            }
        }
        let settings = RULES.iter().map(|rule| Setting {
            table: table(rule),
            rule,
        });
        Self {
            settings: settings.collect(),
        }
    }

    fn ours(&self, case: &Case) -> Ours {
        let Setting { table, rule } = &self.settings[case.setting];
        let text = &case.texts[0];
        let Some(uri) = target(rule.kind, text) else {
            return Ours::Refused;
        };
        let mut headers = HeaderMap::new();
        if let Some(kind) = case.texts.get(1).filter(|kind| !kind.is_empty()) {
            let Ok(kind) = HeaderValue::from_bytes(kind) else {
                return Ours::Refused;
            };
            headers.insert(header::CONTENT_TYPE, kind);
        }
        let path = RequestPath::parse(uri.path(), &Accept::default()).expect("a plain path");
        let head = RequestHead::new(Method::Post, &path, uri.query(), &headers);
        let found = table.find(&head);
        let body = if rule.kind == Kind::Form {
            &text[..]
        } else {
            b""
        };
        let applies = if found.awaits_body() {
            let body = Body::read(&headers, body);
            body.and_then(|body| Ok(!found.settle(&head, &body)?.is_empty()))
        } else {
            Ok(!found.is_empty())
        };
        match applies {
            Ok(true) => Ours::Guarded,
            Ok(false) => Ours::Passed,
            Err(_) => Ours::Refused,
        }
    }
}

fn table(rule: &Rule) -> RouteTable {
    let text = format!(
        "version: 1\ndefault: forward\nroutes:\n  - {{ id: r, action: a, level: 3, match: {{ path: /do, {} }} }}\n",
        rule.matcher
    );
    let policies = policy::compile([("policy.yaml", text.as_bytes())], &Groups::default());
    policies.expect("a policy").into_table().expect("a table")
}

/// The request's target as hyper reads it.
fn target(kind: Kind, text: &[u8]) -> Option<Uri> {
    match kind {
        Kind::Query => Uri::try_from([b"/do?", text].concat()).ok(),
        Kind::Cookies | Kind::Path | Kind::Form => Some(Uri::from_static("/do")),
    }
}

fn ask(kind: Kind, name: &str, text: &[u8], with: &[u8]) -> Ask {
    Ask {
        kind,
        name: name.as_bytes().to_vec(),
        text: text.to_vec(),
        with: with.to_vec(),
    }
}

fn holds(seen: &Seen, value: &[u8]) -> bool {
    seen.all.iter().any(|read| read == value)
}

impl Subject for Queries {
    fn name(&self) -> &'static str {
        "queries and forms"
    }

    fn odd(&self) -> Vec<Case> {
        let cases = RULES.iter().enumerate().flat_map(|(setting, rule)| {
            // More parameters than PHP, qs and Tomcat read.
            let many = [&b"x&".repeat(1001)[..], b"NAME=VALUE"].concat();
            let odd = ODD.iter().map(|odd| odd.to_vec()).chain([many]);
            let mut odd: Vec<_> = odd.map(|odd| vec![odd]).collect();
            if rule.kind == Kind::Form {
                for texts in &mut odd {
                    texts.push(URLENCODED.to_vec());
                }
                odd.extend(multipart::odd().map(|[kind, body]| vec![body, kind]));
            }
            odd.into_iter().map(move |texts| Case {
                setting,
                texts: texts.iter().map(|text| named(text, rule)).collect(),
            })
        });
        cases.collect()
    }

    fn case(&self, chance: &mut Chance) -> Case {
        let setting = chance.below(self.settings.len());
        let rule = self.settings[setting].rule;
        if rule.kind == Kind::Form && chance.one_in(2) {
            let [kind, body] = multipart::case(chance);
            let texts = [body, kind].map(|text| named(&text, rule)).to_vec();
            return Case { setting, texts };
        }
        let mut text = Vec::new();
        for at in 0..=chance.below(4) {
            if at > 0 {
                text.extend(if chance.one_in(2) {
                    b"&"
                } else {
                    chance.pick(SEPARATORS)
                });
            }
            text.extend(pair(rule, chance));
        }
        while chance.one_in(3) {
            text = disturbed(&text, chance, JUNK);
        }
        let mut texts = vec![text];
        if rule.kind == Kind::Form {
            texts.push(URLENCODED.to_vec());
        }
        Case { setting, texts }
    }

    fn asks(&self, case: &Case) -> Vec<Ask> {
        let rule = self.settings[case.setting].rule;
        if self.ours(case) != Ours::Passed {
            return Vec::new();
        }
        let forwarded = match rule.kind {
            Kind::Query => target(rule.kind, &case.texts[0])
                .and_then(|uri| Some(uri.query()?.as_bytes().to_vec()))
                .unwrap_or_default(),
            Kind::Cookies | Kind::Path | Kind::Form => case.texts[0].clone(),
        };
        let kind = case.texts.get(1).map_or(&b""[..], |kind| &kind[..]);
        let asks = rule
            .names
            .iter()
            .map(|name| ask(rule.kind, name, &forwarded, kind));
        asks.collect()
    }

    fn judge(&self, case: &Case, answers: &[Vec<Seen>]) -> (Ours, Vec<Finding>) {
        let rule = self.settings[case.setting].rule;
        let parsers = by_parser(answers).into_iter();
        let findings = parsers.filter(|(_, seen)| (rule.applies)(seen));
        let findings = findings
            .map(|(parser, _)| (rule.what, parser.to_owned()))
            .collect();
        (self.ours(case), findings)
    }

    fn describe(&self, case: &Case) -> String {
        let rule = self.settings[case.setting].rule;
        let texts = case
            .texts
            .iter()
            .map(|text| text.escape_ascii().to_string());
        let texts: Vec<_> = texts.collect();
        format!("`{}`: {}", rule.matcher, texts.join(" as "))
    }
}

/// A text of a table about the parameter of a rule.
fn named(text: &[u8], rule: &Rule) -> Vec<u8> {
    let (name, value) = parameter(rule);
    replaced(&replaced(text, b"NAME", name), b"VALUE", value)
}

/// The parameter that a rule is about.
fn parameter(rule: &Rule) -> (&'static [u8], &'static [u8]) {
    match rule.names[0] {
        "dry" => (b"dry", b"1"),
        name => (name.as_bytes(), b"delete"),
    }
}

/// One pair, honest or not.
fn pair(rule: &Rule, chance: &mut Chance) -> Vec<u8> {
    let (name, value) = match chance.below(4) {
        0 => (&b"dry"[..], &b"1"[..]),
        1 => (&b"x"[..], &b"0"[..]),
        _ => parameter(rule),
    };
    let name = if chance.one_in(2) {
        name.to_vec()
    } else {
        odd(name, chance)
    };
    let value = if chance.one_in(2) {
        value.to_vec()
    } else {
        odd(value, chance)
    };
    match chance.below(20) {
        0 => name,
        1 => [name, value].join(&b"=="[..]),
        2 => [name, value].join(&b"%3d"[..]),
        _ => [name, value].join(&b'='),
    }
}

fn odd(text: &[u8], chance: &mut Chance) -> Vec<u8> {
    match chance.below(10) {
        0 => b"0".to_vec(),
        1 => with_one(text, chance, percent),
        2 => with_one(text, chance, percent_twice),
        3 => with_one(text, chance, other_case),
        4 => [chance.pick(JUNK), text].concat(),
        5 => [text, chance.pick(JUNK)].concat(),
        6 => inserted(text, chance.place(text), chance.pick(JUNK)),
        7 => with_one(text, chance, percent_oddly),
        8 => [
            chance
                .pick(BLANKS)
                .iter()
                .flat_map(|byte| percent(*byte))
                .collect(),
            text.to_vec(),
        ]
        .concat(),
        _ => replaced(text, b"_", chance.pick(&[&b"."[..], b"+", b"["])),
    }
}
