//! `docs/compatibility.md`, from what came of each pair.

use super::Outcomes;
use super::applications::{Site, packages};
use super::logins::Login;
use super::settings::Source;
use super::story::Outcome;
use std::fmt::Write;

/// The first part of the page.
pub(super) fn page(outcomes: &Outcomes) -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut notes = Vec::new();
    table(&mut page, outcomes, &mut notes);
    page.push_str(LEGEND);
    for (number, note) in notes.iter().enumerate() {
        writeln!(page, "{}. {note}", number + 1).unwrap();
    }
    page.push_str(APPLICATIONS);
    for login in Login::ALL {
        let (name, application) = (login.name(), login.application());
        writeln!(page, "| {name} | {application} |").unwrap();
    }
    let packages = packages().into_iter();
    let packages: Vec<_> = packages
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    writeln!(page, "\nThe packages: {}.", packages.join(", ")).unwrap();
    page.push_str(SETTINGS);
    for (site, source) in SHOWN {
        let name = (source.name(), site.name());
        writeln!(
            page,
            "\n{} in front of {}:\n\n```yaml\nsession:",
            name.0, name.1
        )
        .unwrap();
        for line in source.settings(site) {
            let line = line
                .replace("}, { ", "},\n    { ")
                .replace("logins: [{", "logins: [\n    {");
            writeln!(page, "  {line}").unwrap();
        }
        page.push_str("```\n");
    }
    page.push('\n');
    page
}

fn table(page: &mut String, outcomes: &Outcomes, notes: &mut Vec<&str>) {
    let names = Source::ALL.map(Source::name);
    writeln!(page, "| Login | {} |", names.join(" | ")).unwrap();
    writeln!(page, "|---|{}", "---|".repeat(names.len())).unwrap();
    for login in Login::ALL {
        write!(page, "| {} |", login.name()).unwrap();
        for source in Source::ALL {
            let found = outcomes
                .iter()
                .find(|(of, by, _)| (*of, *by) == (source, login));
            let (_, _, levels) = found.unwrap();
            write!(page, " {} |", cell(source, login, levels, notes)).unwrap();
        }
        page.push('\n');
    }
}

/// What a cell says: the levels at which the same came of it, together.
fn cell(source: Source, login: Login, levels: &[Outcome], notes: &mut Vec<&str>) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut first = 0;
    for same in levels.chunk_by(|one, next| one == next) {
        let last = first + same.len();
        let span = format!("{}–{last}", first + 1);
        let what = match &same[0] {
            Outcome::Fresh => format!("fresh {span}"),
            Outcome::Asked => format!("asked {span}"),
            Outcome::Refused(reason) => {
                let note = note(source, login, reason);
                let known = notes.iter().position(|known| *known == note);
                let number = known.unwrap_or_else(|| {
                    notes.push(note);
                    notes.len() - 1
                });
                format!("no ({})", number + 1)
            }
        };
        parts.push(what);
        first = last;
    }
    parts.join(", ")
}

/// Why a pair does not go together, and where that is documented.
fn note(source: Source, login: Login, reason: &str) -> &'static str {
    match (source, login, reason) {
        (
            Source::Learn | Source::Jwt | Source::Basic | Source::Redis,
            Login::Ntlm,
            "connection-authenticated",
        ) => {
            "421 `connection-authenticated`: the login is the connection's, not a session's. `whoami` with `key: subject` asks over \
             that connection ([operations](operations.md#what-makes-a-session))."
        }
        (
            Source::Learn,
            Login::OAuth
            | Login::Saml
            | Login::Cas
            | Login::MagicLink
            | Login::NameFirst
            | Login::OwnCode
            | Login::Reset,
            "session-required",
        ) => {
            "401 `session-required`: the request that ends the login names nobody. With `whoami`, the application says who it was \
             ([sessions](sessions.md#let-the-application-name-its-user))."
        }
        (Source::Learn, Login::RememberMe | Login::RollOut, "session-required") => {
            "401 `session-required`: nobody logged in where Stepgate could see it, so people log in once more; with `whoami` they need not \
             ([sessions](sessions.md#let-the-application-name-its-user))."
        }
        (Source::Learn, Login::Bearer | Login::ApiKey | Login::Basic, "session-required") => {
            "401 `session-required`: keys and tokens come without a login that could be watched. `whoami` asks whose they are, `jwt` reads signed tokens, `basic` user and password \
             ([sessions](sessions.md#tokens-jwt))."
        }
        (Source::Redis, _, "session-required") => {
            "401 `session-required`: the Redis has no session of it: this site keeps its own elsewhere \
             ([sessions](sessions.md#the-applications-sessions-in-redis))."
        }
        (Source::Basic, _, "session-required") => {
            "401 `session-required`: the request has no user and password of HTTP. `learn` may stand beside `basic` for those \
             ([sessions](sessions.md#passwords-of-http-basic))."
        }
        (Source::Jwt, _, "session-required") => {
            "401 `session-required`: the request has no signed token. `learn` may stand beside `jwt` for those \
             ([sessions](sessions.md#tokens-jwt))."
        }
        _ => panic!("{source:?} and {login:?} end in `{reason}`: say here why, and what to do"),
    }
}

impl Login {
    /// What is logged in to, and by what.
    fn application(self) -> &'static str {
        match self {
            Self::Form => "Django's own `LoginView`, with its CSRF token",
            Self::Json => "a JSON view over Django's `authenticate` and `login`",
            Self::OAuth => {
                "Express with express-openid-connect (its session is an encrypted cookie); oidc-provider is the OpenID provider"
            }
            Self::Saml => {
                "Express with passport-saml, its sessions in Redis by connect-redis; samlp is the identity provider"
            }
            Self::Cas => "Django with django-cas-ng; django-mama-cas is the CAS server",
            Self::MagicLink => "Django with django-sesame: a link in a mail",
            Self::NameFirst => "Django with django-allauth: an address, then a code from a mail",
            Self::SignUp => "Django with django-allauth, which signs in who signs up",
            Self::Reset => {
                "Django with django-allauth: a link in a mail, and a new password, which signs in"
            }
            Self::OwnCode => {
                "Django with django-two-factor-auth: name and password, then a code from a mail"
            }
            Self::RememberMe => {
                "Flask with Flask-Login: its `remember_token` after the browser was closed"
            }
            Self::Bearer => "Django REST framework with Simple JWT, RS256",
            Self::ApiKey => "Flask with Flask-HTTPAuth: `X-API-Key`",
            Self::Basic => "Flask with Flask-HTTPAuth: `Authorization: Basic`",
            Self::Ntlm => "Python's `http.server` with pyspnego: NTLM for a connection",
            Self::RollOut => "Django, logged in to past Stepgate",
        }
    }
}

impl Site {
    fn name(self) -> &'static str {
        match self {
            Self::Django => "the Django site",
            Self::Express => "the Express site",
            Self::Flask => "the Flask site",
            Self::Ntlm => "the NTLM site",
        }
    }
}

/// Whose settings stand on the page: with them, those of the others can be written.
const SHOWN: [(Site, Source); 8] = [
    (Site::Django, Source::LearnAndWhoami),
    (Site::Express, Source::LearnAndWhoami),
    (Site::Flask, Source::LearnAndWhoami),
    (Site::Ntlm, Source::Whoami),
    (Site::Django, Source::Jwt),
    (Site::Flask, Source::Basic),
    (Site::Express, Source::Redis),
    (Site::Django, Source::Headers),
];

const INTRODUCTION: &str = "
Which source of sessions (`session` in `stepgate.yaml`, explained in [sessions.md](sessions.md)) goes with which kind of login. Tests run every
pair at every [level](policy.md), with real applications behind Stepgate, and write this page.

";

const LEGEND: &str = "
- **asked**: at these levels somebody who has just signed in is challenged, answers, and gets through; at level 4 once.
- **fresh**: the same, but the login itself is proof enough for levels 1 and 2, within `max_age`. After it they are asked.
- **no**: guarded requests are refused. Nothing else is.

Everywhere, somebody who has stolen all by which the application knows a person (cookies, key, token), with or without a session of their own
beside it, is refused, and so is their own password in answer to the person's challenge. With `headers` people sign in at a proxy in front, which
names them to Stepgate and to the application.

";

const APPLICATIONS: &str = "
## What was logged in to

| Login | Application |
|---|---|
";

const SETTINGS: &str = "
## With which settings

`whoami` alone is `learn` and `whoami` without the logins; `learn` alone is it without `whoami` and the logins that need it.
";
