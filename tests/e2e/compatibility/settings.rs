//! The sources of sessions, and the settings with which each is tried before each application: what an
//! operator who has read `docs/sessions.md` would write.

use super::applications::{Applications, EXPRESS_SECRET, NEWCOMER, Site, THIEF};
use super::story::{POLICY, THIEFS_PASSWORD};
use crate::support::sidecar::{ORIGIN, PASSWORD, Sidecar, on};
use crate::support::store::Store;
use std::fs;

/// Where sessions and their subjects come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Learn,
    Whoami,
    LearnAndWhoami,
    Jwt,
    Basic,
    Redis,
    Headers,
}

impl Source {
    pub(super) const ALL: [Self; 7] = [
        Self::Learn,
        Self::Whoami,
        Self::LearnAndWhoami,
        Self::Jwt,
        Self::Basic,
        Self::Redis,
        Self::Headers,
    ];

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Learn => "`learn`",
            Self::Whoami => "`whoami`",
            Self::LearnAndWhoami => "`learn` and `whoami`",
            Self::Jwt => "`jwt`",
            Self::Basic => "`basic`",
            Self::Redis => "`redis`",
            Self::Headers => "`headers`",
        }
    }

    /// The sidecar with this source, in front of that application.
    pub(super) fn sidecar(self, site: Site) -> Sidecar {
        let mut setup = on(Store::Embedded)
            .in_front_of(Applications::shared().addr(site))
            .policy(POLICY)
            .without_logins()
            .with("verification", LIMITS);
        if self == Self::Headers {
            setup = setup.line("trusted_proxies: [127.0.0.1]");
        }
        for line in self.settings(site) {
            let redis = Applications::shared().redis();
            setup = setup.with("session", &line.replace(REDIS, &redis));
        }
        let mut sidecar = setup.prepare();
        fs::copy(
            Applications::shared().token_keys(),
            sidecar.path("keys.json"),
        )
        .unwrap();
        sidecar.write_private("express.secret", EXPRESS_SECRET);
        sidecar.enroll();
        sidecar.add_user(NEWCOMER, "newcomer@example.test", PASSWORD);
        sidecar.add_user(THIEF, "mallory@example.test", THIEFS_PASSWORD);
        sidecar.start();
        sidecar
    }

    /// The lines of `session`.
    pub(super) fn settings(self, site: Site) -> Vec<String> {
        let cookies = match site {
            Site::Django => "sessionid",
            Site::Express => "appSession, connect.sid",
            Site::Flask => "session, remember_token",
            Site::Ntlm if self == Self::Redis => "sessionid",
            Site::Ntlm => "",
        };
        let cookies = format!("cookies: [{cookies}]");
        let whoami = "whoami: { url: /me, subject: { json: /user/name } }".to_owned();
        let key = (site == Site::Ntlm).then(|| "key: subject".to_owned());
        let source = match self {
            Self::Learn => vec![learn(site, false)],
            Self::Whoami => [vec![whoami], Vec::from_iter(key)].concat(),
            Self::LearnAndWhoami => {
                [vec![whoami], Vec::from_iter(key), vec![learn(site, true)]].concat()
            }
            Self::Jwt => vec![format!(
                "jwt: {{ keys: {{ file: keys.json }}, issuer: {ORIGIN}, audience: shop }}"
            )],
            Self::Basic => vec!["basic: { url: /me }".to_owned()],
            Self::Redis => {
                let cookie = match site {
                    Site::Django | Site::Ntlm => "sessionid",
                    Site::Express => "connect.sid",
                    Site::Flask => "session",
                };
                let secrets = if site == Site::Express {
                    "secrets: [{ file: express.secret }], "
                } else {
                    ""
                };
                vec![format!(
                    "redis: {{ server: {{ url: {REDIS} }}, cookie: {cookie}, {secrets}key: 'sess:{{id}}', subject: /passport/user }}"
                )]
            }
            Self::Headers => vec!["headers: { subject: remote-user }".to_owned()],
        };
        [vec![cookies], source].concat()
    }
}

/// What stands on the page for the Redis in which Express keeps its sessions.
const REDIS: &str = "redis://127.0.0.1:6379";

/// The thief answers wrong more often than a person does, and a key is one session from level to level.
const LIMITS: &str = "limits: { address: { attempts: 1000 }, session: { attempts: 1000 }, session_total: { attempts: 1000 } }";

/// The logins that can be declared; with `whoami`, also those that name nobody.
fn learn(site: Site, asks: bool) -> String {
    let (named, others): (&[&str], &[&str]) = match site {
        Site::Django => (
            &[
                "{ path: /login, subject: { form: username }, success: { status: 302, location: /home, cookie: sessionid } }",
                "{ path: /api/session, subject: { json: /username }, success: { status: 200, cookie: sessionid } }",
                "{ path: /accounts/signup/, subject: { form: username }, success: { status: 302, location: /home, cookie: sessionid } }",
            ],
            &[
                "{ match: { methods: [GET], path: /sso, query: { ticket: present } }, \
                   subject: whoami, success: { status: 302, location: /home, cookie: sessionid } }",
                "{ match: { methods: [GET], path: /magic, query: { sesame: present } }, \
                   subject: whoami, success: { status: 302, location: /home, cookie: sessionid } }",
                "{ path: /accounts/login/code/confirm/, \
                   subject: whoami, success: { status: 302, location: /home, cookie: sessionid } }",
                "{ path: '/accounts/password/reset/key/{key}/', \
                   subject: whoami, success: { status: 302, location: /home, cookie: sessionid } }",
                "{ match: { path: /account/login/, form: { login_view-current_step: token } }, \
                   subject: whoami, success: { status: 302, location: /home, cookie: sessionid } }",
            ],
        ),
        Site::Express => (
            &[],
            &[
                "{ match: { methods: [GET], path: /oauth/callback, query: { code: present } }, \
                   subject: whoami, success: { status: 302, cookie: appSession } }",
                "{ match: { path: /saml/acs, form: { SAMLResponse: present } }, \
                   subject: whoami, success: { status: 302, location: /home, cookie: connect.sid } }",
            ],
        ),
        Site::Flask => (
            &[
                "{ path: /login, subject: { form: username }, success: { status: 302, location: /home, cookie: session } }",
            ],
            &[],
        ),
        Site::Ntlm => (&[], &[]),
    };
    let entries = [named, if asks { others } else { &[] }].concat();
    format!("learn: {{ logins: [{}] }}", entries.join(", "))
}
