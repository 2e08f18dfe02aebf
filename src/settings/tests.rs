//! What the file may say, and how each mistake in it is told.

use super::*;
use crate::admin::AdminAddress;
use crate::audit::AuditTarget;
use crate::domain::{Accept, Groups, Leniency, Origin, RouteTable};
use crate::entropy::Entropy;
use crate::session::{LoginFields, SessionKey};
use crate::store::StoreOptions;
use crate::transport::{ListenAddress, Target};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

mod brand;
mod forward_auth;
mod injection;
mod oidc;
mod reach;
mod step;

/// A folder with a secret and a policy, gone with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = data_encoding::HEXLOWER.encode(&Entropy::system().bytes::<8>());
        let folder = Self(std::env::temp_dir().join(format!("stepgate-settings-{name}")));
        std::fs::create_dir(&folder.0).unwrap();
        folder.write("p.yaml", "version: 1\ndefault: forward\nroutes: []\n");
        folder.write(
            "s",
            &data_encoding::HEXLOWER.encode(&(0..32).collect::<Vec<u8>>()),
        );
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.0.join("s"), private).unwrap();
        folder
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn parse(&self, text: &str) -> Result<Settings, String> {
        let parsed = parse(&self.0.join("stepgate.yaml"), text.as_bytes());
        let folder = format!("{}/", self.0.display());
        parsed.map_err(|mistakes| mistakes.to_string().replace(&folder, ""))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The least that may be written, and `more`.
fn with(more: &str) -> String {
    format!("version: 1\nupstream: {{ url: \"http://app:8000\" }}\npolicies: p.yaml\n{more}")
}

fn read(more: &str) -> Settings {
    Folder::new()
        .parse(&with(more))
        .unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// What is said of a file that is wrong.
fn wrong(more: &str) -> String {
    Folder::new()
        .parse(&with(more))
        .expect_err("this must not be taken")
}

fn warnings(more: &str) -> String {
    read(more).remarks.to_string()
}

#[test]
fn three_lines_are_enough() {
    let settings = read("");
    assert_eq!(settings.listeners[0].address.to_string(), "127.0.0.1:8080");
    let upstream = &settings.proxy.upstream.target;
    assert_eq!(
        upstream,
        &Target::Http {
            host: "app".to_owned(),
            port: 8000
        }
    );
    assert_eq!(settings.web.site.prefix, "/.stepup/");
    assert_eq!(settings.web.accept, Accept::default());
    assert_eq!(settings.browser_key.name(), "stepgate");
    assert_eq!(settings.audit.target, AuditTarget::Stdout);
    assert!(matches!(settings.store, StoreOptions::Embedded(_)));
    assert!(matches!(
        settings.secrets.current,
        RootSecret::ToBeMade { .. }
    ));
}

#[test]
fn an_empty_file_lacks_three_things() {
    let told = Folder::new().parse("{}").unwrap_err();
    for field in ["version", "upstream", "policies"] {
        assert!(told.contains(&format!("`{field}` is missing")), "{told}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_each_where_it_stands() {
    let text = "version: 2
listen: [127.0.0.1, 127.0.0.1:8080, 127.0.0.1:8080]
public_url: app.example.com
prefix: stepup
upstream: { url: ftp://app, conect: 5s, response: 0s }
policies: nowhere/
deadlines: { idle: 75 }
trusted_proxies: [10.0.0.0/8, proxy]
session:
  cookies: [sid]
  learn:
    logins:
      - { path: login, subject: { form: a, json: b }, success: { status: 99 } }
";
    let told = Folder::new().parse(text).unwrap_err();
    for line in [
        "stepgate.yaml:1:10: version 2 is not known",
        "stepgate.yaml:2:10: `127.0.0.1` is not an address with a port",
        "stepgate.yaml:2:37: `127.0.0.1:8080` is listened on twice",
        "stepgate.yaml:3:13: `app.example.com` is not an origin",
        "stepgate.yaml:4:9: `stepup` cannot be our prefix",
        "stepgate.yaml:5:18: `ftp://app` is not an upstream",
        "stepgate.yaml:5:29: unknown field `conect`",
        "did you mean `connect`?",
        "stepgate.yaml:5:51: must be longer than `0s`",
        "stepgate.yaml:6:11: `nowhere/` cannot be read",
        "stepgate.yaml:7:20: `75` has no unit",
        "stepgate.yaml:8:31: `proxy` is not a network",
        "stepgate.yaml:13:17: ",
        "stepgate.yaml:13:33: expected `whoami`, or one of `form`, `json`",
        "stepgate.yaml:13:74: `99` is not a status",
    ] {
        assert!(told.contains(line), "`{line}` is missing in\n{told}");
    }
}

#[test]
fn a_login_is_asked_about_only_where_the_application_is() {
    let login = |source: &str| {
        wrong(&format!(
            "session: {{ cookies: [sid], {source}learn: {{ logins: [{{ path: /callback, methods: [GET], \
             subject: whoami, success: {{ status: 302, location: /home, cookie: sid }} }}] }} }}"
        ))
    };
    let redis =
        "redis: { server: { url: redis://127.0.0.1 }, cookie: sid, key: 's:{id}', subject: /u }, ";
    for (source, is_timed) in [("", false), (redis, true)] {
        let told = login(source);
        assert!(told.contains("`whoami` needs `session.whoami`"), "{told}");
        let hints = told.contains("by `session.redis.authenticated_at`");
        assert_eq!(hints, is_timed, "{told}");
    }
}

#[test]
fn the_code_of_a_callback_is_no_name_of_a_user() {
    let login = |subject: &str| {
        format!(
            "session: {{ cookies: [sid], learn: {{ logins: [{{ path: /callback, methods: [GET], \
             subject: {subject}, success: {{ status: 302, location: /home, cookie: sid }} }}] }} }}"
        )
    };
    let told = wrong(&login("{ query: code }"));
    assert!(
        told.contains("`code` of a callback or link is new with each login"),
        "{told}"
    );
    assert!(
        told.contains("`subject: whoami` asks the application"),
        "{told}"
    );
    for name in ["access_token", "SAMLResponse", "confirmationToken", "key"] {
        let told = wrong(&login(&format!("{{ query: {name} }}")));
        assert!(told.contains("no name of a user"), "{told}");
    }
    read(&login("{ query: email }"));
    // A GET has no body, and a password is nobody's name.
    for subject in ["{ form: user }", "{ json: /user }"] {
        let told = wrong(&login(subject));
        assert!(
            told.contains("the methods of this login have none"),
            "{told}"
        );
    }
    let posted = |subject: &str| login(subject).replace("GET", "GET, POST");
    read(&posted("{ form: user }"));
    for subject in ["{ form: passwd }", "{ json: /auth/password }"] {
        let told = wrong(&posted(subject));
        assert!(told.contains("is named like a password"), "{told}");
    }
    let tested = login("{ query: user }")
        .replace("path: /callback", "path: /callback, form: { a: present }");
    assert!(wrong(&tested).contains("`form` reads the body"));
    for (pointer, meant) in [
        ("user", "/user"),
        ("user.name", "/user/name"),
        ("$.user.name", "/user/name"),
    ] {
        let told = wrong(&login(&format!("{{ response_json: {pointer} }}")));
        assert!(told.contains(&format!("did you mean `{meant}`?")), "{told}");
    }
    read(&login("{ response_json: /user }"));
}

#[test]
fn an_origin_is_one_origin_and_never_a_pattern() {
    for written in [
        "'*'",
        "'null'",
        "'https://*.example.com'",
        "https://a.example.com/path",
        "a.example.com",
    ] {
        let told = wrong(&format!("cors_origins: [{written}]"));
        assert!(told.contains("is not an origin"), "{written}: {told}");
    }
}

#[test]
fn what_is_wrong_with_basic_is_told() {
    let basic = |basic: &str| wrong(&format!("session: {{ basic: {basic} }}"));
    for (written, line) in [
        (
            "{}",
            "what it shows only to its users, such as `url: /private/`",
        ),
        ("{ url: private }", "is no path of the application"),
        ("{ url: /x, keep: 2m }", "longer than 1m"),
        (
            "{ url: /x, subject: { json: /a } }",
            "unknown field `subject`",
        ),
        ("[{ url: /x }, { url: /y }]", "is never asked"),
    ] {
        let told = basic(written);
        assert!(told.contains(line), "{written}: {told}");
    }
    let both = wrong("session: { basic: { url: /x }, whoami: { url: /y, subject: { json: /z } } }");
    assert!(both.contains("stands beside `session.basic`"), "{both}");
    let alone = warnings("session: { basic: { url: /x }, key: subject }");
    assert!(!alone.contains("session"), "{alone}");
}

#[test]
fn what_is_wrong_with_sessions_in_redis_is_told() {
    let redis = |redis: &str| wrong(&format!("session: {{ cookies: [sid], redis: {redis} }}"));
    let server = "server: { url: 'redis://10.0.0.1' }";
    let usual = "cookie: sid, subject: /user, key: 'sess:{id}'";
    for (written, line) in [
        (
            "{}".to_owned(),
            "such as `server: { url: redis://127.0.0.1:6379 }`",
        ),
        ("{}".to_owned(), "such as `connect.sid`"),
        ("{}".to_owned(), "a JSON pointer such as `/passport/user`"),
        ("{}".to_owned(), "`key: \"sess:{id}\"` of connect-redis"),
        (
            format!("{{ {server}, key: 'sess:' }}"),
            "does not have `{id}` once",
        ),
        (
            format!("{{ {server}, key: '{{id}}{{id}}' }}"),
            "does not have `{id}` once",
        ),
        (
            format!("{{ {server}, cookie: other }}"),
            "is none of `session.cookies`",
        ),
        (
            format!("{{ {server}, subject: user }}"),
            "did you mean `/user`?",
        ),
        (
            format!("{{ {server}, {usual}, secrets: {{ file: none }} }}"),
            "cannot be read",
        ),
        (
            format!("{{ {server}, {usual}, secrets: {{}} }}"),
            "expected one of `{ file: … }`",
        ),
        (
            format!("{{ server: {{ url: 'http://x' }}, {usual} }}"),
            "the address of redis is none",
        ),
        (
            format!("{{ server: {{ url: 'redis://a:b@x' }}, {usual} }}"),
            "holds a user name or password",
        ),
        (
            format!("{{ server: {{ url: 'redis://x', prefix: a }}, {usual} }}"),
            "as `session.redis.key` says",
        ),
    ] {
        let told = redis(&written);
        assert!(told.contains(line), "{written}: {told}");
    }
    let fine = warnings(&format!(
        "session: {{ cookies: [sid], redis: {{ {server}, {usual} }} }}"
    ));
    assert!(!fine.contains("session"), "{fine}");
}

#[test]
fn what_is_wrong_with_the_token_of_a_login_is_told() {
    let login = |token: &str| {
        format!(
            "session: {{ learn: {{ logins: [{{ path: /login, subject: {{ json: /user }}, token: {token} }}] }} }}"
        )
    };
    for (token, line) in [
        ("{}", "expected one of `json`, `header` and `cookie`"),
        (
            "{ json: /a, cookie: b }",
            "expected one of `json`, `header` and `cookie`",
        ),
        ("{ json: token }", "did you mean `/token`?"),
        ("{ header: 'a b' }", "is not a header name"),
        (
            "{ json: /a, scheme: 'To ken' }",
            "is no scheme of `Authorization`",
        ),
    ] {
        let told = wrong(&login(token));
        assert!(told.contains(line), "{token}: {told}");
    }
    let fine = warnings(&login("{ json: /a }"));
    assert!(!fine.contains("session"), "{fine}");
}

#[test]
fn what_is_wrong_with_tokens_is_told() {
    let jwt = |jwt: &str| wrong(&format!("session: {{ jwt: {{ {jwt} }} }}"));
    let told =
        jwt("cookie: token, header: x_token, algorithms: [none, RS256], leeway: 10m, subject: sub");
    for line in [
        "`keys` is missing",
        "`issuer` is missing",
        "`audience: any` does not check it",
        "stands beside `cookie`",
        "`none` is no algorithm that tokens may be signed by",
        "longer than 5m",
        "did you mean `/sub`?",
    ] {
        assert!(told.contains(line), "`{line}` is missing in\n{told}");
    }
    for (keys, line) in [
        (
            "{ url: http://id.example/keys }",
            "keys that come in the clear can be replaced",
        ),
        ("{ url: id.example }", "is not a URL"),
        (
            "{ url: https://id.example/k, file: s }",
            "expected one of `url` and `file`",
        ),
        ("{ file: nowhere }", "cannot be read"),
        ("{ file: s }", "it is no set of keys (RFC 7517)"),
    ] {
        let told = jwt(&format!("keys: {keys}, issuer: any, audience: any"));
        assert!(told.contains(line), "{keys}: {told}");
    }
    let url = "keys: { url: https://id.example/k }, issuer: any, audience: any";
    let shared = jwt(&format!("{url}, algorithms: HS256"));
    assert!(shared.contains("is never taken from a URL"), "{shared}");
    let stranger = jwt(&format!("{url}, cookie: token"));
    assert!(
        stranger.contains("`token` is none of `session.cookies`"),
        "{stranger}"
    );
    let minted = warnings(&format!(
        "session: {{ jwt: {{ {url}, authenticated_at: /iat }} }}"
    ));
    assert!(
        minted.contains("`iat` is when a token was made"),
        "{minted}"
    );
    let both = wrong(&format!(
        "session: {{ jwt: {{ {url} }}, whoami: {{ url: /me, subject: {{ json: /n }} }} }}"
    ));
    assert!(both.contains("stands beside `session.jwt`"), "{both}");
}

#[test]
fn a_secret_comes_by_file_or_environment_and_is_never_shown() {
    assert!(matches!(
        read("secret: { file: s }").secrets.current,
        RootSecret::Given(_)
    ));
    let both = wrong("secret: { file: s, env: X }");
    assert!(
        both.contains("expected one of `{ file: … }` and `{ env: … }`"),
        "{both}"
    );
    let unset = wrong("secret: { env: STEPGATE_TEST_NOBODY_SETS_THIS }");
    assert!(unset.contains("has no variable"), "{unset}");
    let written = wrong("store: { redis: { url: \"redis://r\", password: hunter2 } }");
    assert!(!written.contains("hunter2"), "{written}");
    let in_url = wrong("store: { redis: { url: \"redis://u:p@r\" } }\nsecret: { file: s }");
    assert!(in_url.contains("holds a user name or password"), "{in_url}");
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let folder = Folder::new();
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.0.join("s"), open).unwrap();
    let told = folder.parse(&with("secret: { file: s }")).unwrap_err();
    assert!(
        told.contains("can be read by others") && told.contains("`chmod 600 "),
        "{told}"
    );
}

/// A Kubernetes Secret: links through `..data` to a file of root's that the group may read.
#[test]
fn a_secret_of_a_kubernetes_volume_is_read() {
    let folder = Folder::new();
    std::fs::create_dir(folder.0.join("..v1")).unwrap();
    let file = folder.0.join("..v1/s");
    std::fs::rename(folder.0.join("s"), &file).unwrap();
    symlink("..v1", folder.0.join("..data")).unwrap();
    symlink("..data/s", folder.0.join("s")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o440)).unwrap();
    let is_of_root = file.metadata().unwrap().uid() == 0;
    let parsed = folder.parse(&with("secret: { file: s }"));
    assert_eq!(parsed.is_ok(), is_of_root, "{:?}", parsed.err());
}

#[test]
fn a_short_secret_is_refused() {
    let folder = Folder::new();
    folder.write("s", "5a1b5a1b");
    let told = folder.parse(&with("secret: { file: s }")).unwrap_err();
    assert!(told.contains("the secret has 4 bytes"), "{told}");
}

#[test]
fn sidecars_that_share_a_redis_must_be_given_the_secret() {
    let told = wrong("store: { redis: { url: \"redis://r\" } }");
    assert!(told.contains("`secret` is missing"), "{told}");
    let told = wrong("store: { redis: { url: \"redis://r\" } }\nsecret: { file: none }");
    assert!(told.contains("`none` cannot be read"), "{told}");
    read("store: { redis: { url: \"redis://r\" } }\nsecret: { file: s }");
}

#[test]
fn a_password_is_asked_for_where_somebody_knows_whose_it_is() {
    let asks = |session: &str| {
        let settings = read(&format!("session: {{ {session} }}"));
        settings.sessions.asks_for_password
    };
    let whoami = "whoami: { url: /me, subject: { json: /name } }";
    assert!(!asks(whoami));
    assert!(asks(&format!("{whoami}, ask_for_password: true")));
    assert!(asks("basic: { url: /private/ }"));
    assert!(!asks("basic: { url: /private/ }, ask_for_password: false"));
    let told = wrong("session: { cookies: sid, ask_for_password: true }");
    assert!(
        told.contains("nothing here would know whose a password of HTTP is"),
        "{told}"
    );
}

#[test]
fn headers_are_believed_only_from_a_proxy_that_is_named() {
    let headers = "session: { key: subject, headers: { subject: Remote-User } }";
    assert!(wrong(headers).contains("trusted_proxies: [10.0.0.1]"));
    let settings = read(&format!("{headers}\ntrusted_proxies: 10.0.0.1\n"));
    assert_eq!(settings.sessions.key, SessionKey::Subject);
    assert_eq!(settings.proxy.headers.identity, ["remote-user"]);
    let folded = headers.replace("Remote-User", "Remote_User");
    let folded = wrong(&format!("{folded}\ntrusted_proxies: 10.0.0.1\n"));
    assert!(folded.contains("`Remote_User` never arrives"), "{folded}");
    assert!(wrong("session: { key: subject }").contains("needs `session.headers`"));
    assert!(wrong("trusted_proxies: 0.0.0.0/0").contains("trusts everybody"));
}

#[test]
fn a_login_needs_a_sign_of_its_success() {
    let login = |rest: &str| {
        format!(
            "session: {{ cookies: sid, learn: {{ logins: [{{ path: /login, subject: {{ form: u }}{rest} }}] }} }}"
        )
    };
    assert!(wrong(&login("")).contains("`success` is missing"));
    assert!(wrong(&login(", success: {}")).contains("names no sign of a success"));
    assert!(wrong(&login(", success: { body: \"(\" }")).contains("not a regex"));
    let settings = read(&login(", success: { status: [302, 303] }"));
    assert_eq!(settings.sessions.learn.as_ref().unwrap().logins.len(), 1);
    let without_cookies = login(", success: { status: 302 }").replace("cookies: sid, ", "");
    assert!(wrong(&without_cookies).contains("`session.cookies` is missing"));
}

#[test]
fn a_login_told_by_its_status_alone_is_warned_of() {
    let told = |success: &str| {
        warnings(&format!(
            "session:\n  cookies: sid\n  learn:\n    logins:\n      - path: /login\n        \
             subject: {{ form: user }}\n        success: {{ {success} }}"
        ))
    };
    for weak in [
        "status: 302",
        "status: 200, not_body: Wrong",
        "status: 302, cookie: sid",
    ] {
        let told = told(weak);
        let place =
            "stepgate.yaml:10:18: warning: nothing here is shown after the right password alone";
        assert!(
            told.contains(place) && told.contains("add `location:`"),
            "{told}"
        );
    }
    for clear in ["location: /home.*", "body: ^Welcome"] {
        let told = told(&format!("status: [200, 302], {clear}"));
        assert!(!told.contains("right password"), "{told}");
        assert!(!told.contains("stepgate.yaml:10"), "{told}");
    }
    // An application may repeat what it was sent.
    let unanchored = told("body: Welcome");
    assert!(
        unanchored.contains("stepgate.yaml:10:26: warning: matches anywhere in the answer"),
        "{unanchored}"
    );
    // A cookie that a login sets is a credential.
    let other = told("location: /, cookie: remember");
    assert!(
        other.contains("a login sets `remember`, which is none of `session.cookies`"),
        "{other}"
    );
}

#[test]
fn a_login_may_be_told_by_more_than_its_path() {
    let of = |entry: &str| {
        format!(
            "session:\n  cookies: sid\n  learn:\n    logins:\n      - {{ {entry}, subject: {{ form: \
             user }}, success: {{ location: /home }} }}\n"
        )
        .replace("JSON, subject: { form", "subject: { json")
        .replace("json: user", "json: /user")
    };
    for entry in [
        "path: /ucp.php, query: { mode: login }",
        "match: { methods: [POST], path: /index.php, form: { task: user.login } }",
        "match: { path: /api.php, json: { /method: user.login, /id: 1 }, headers: { x-a: present } }, JSON",
    ] {
        let settings = read(&of(entry));
        let learn = settings.sessions.learn.as_ref().unwrap();
        assert!(learn.logins[0].needs_secret(), "{entry}");
        assert!(!warnings(&of(entry)).contains("stepgate.yaml:8"), "{entry}");
    }
    let settings = read(&of("path: /enter, form: { code: present }"));
    assert!(!settings.sessions.learn.as_ref().unwrap().logins[0].needs_secret());
    for (entry, mistake) in [
        (
            "path: '/ucp.php?mode=login'",
            "8:17: `/ucp.php?mode=login` has a query",
        ),
        (
            "path: /l, match: { path: /l }",
            "8:11: `path` stands beside `match`",
        ),
        ("match: { query: { a: b } }", "8:18: `path` is missing"),
        (
            "path: /l, json: { method: a }",
            "8:29: `method` is not a JSON pointer",
        ),
        (
            "path: /l, query: { a: 1 }",
            "8:33: expected text, found `1`",
        ),
    ] {
        let told = wrong(&of(entry));
        assert!(told.contains(mistake), "{entry}: {told}");
    }
    for one_script in ["/index.php", "/api.php", "/", "/jsonrpc"] {
        let told = warnings(&of(&format!("path: {one_script}")));
        assert!(
            told.contains("looks like one script for many actions"),
            "{told}"
        );
    }
    for other in ["/login", "/wp-login.php", "/users/sign_in"] {
        let told = warnings(&of(&format!("path: {other}")));
        assert!(!told.contains("one script"), "{told}");
    }
}

#[test]
fn plain_http_costs_our_cookie_its_prefix_and_only_if_it_is_said() {
    assert_eq!(
        read("public_url: http://127.0.0.1:8080").browser_key.name(),
        "stepgate"
    );
    let settings = read("public_url: https://App.example.com:443/");
    assert_eq!(settings.browser_key.name(), "__Host-stepgate");
    assert_eq!(
        settings.web.site.public_origin.as_ref().map(Origin::as_str),
        Some("https://app.example.com")
    );
    assert!(warnings("").contains("`public_url` is missing"));
}

#[test]
fn what_weakens_is_warned_of() {
    let accepting = "session: { cookies: sid }\n";
    let told = warnings(&format!(
        "{accepting}verification: {{ argon2: {{ memory: 8MiB }} }}"
    ));
    assert!(told.contains("OWASP"), "{told}");
    let text = with("").replace(
        "\" }",
        "\", rewrite_urls: pass, accept: { dot_segments: true } }",
    );
    let settings = Folder::new().parse(&text).unwrap();
    assert_eq!(settings.web.accept.dot_segments, Leniency::Read);
    let told = settings.remarks.to_string();
    assert!(
        told.contains("disagree") && told.contains("no route guards"),
        "{told}"
    );
}

#[test]
fn headers_are_passed_and_removed_by_name() {
    let folder = Folder::new();
    let parse = |headers: &str, more: &str| {
        let upstream = format!("\", headers: {{ {headers} }} }}");
        folder.parse(&with(more).replacen("\" }", &upstream, 1))
    };
    let settings = parse("pass: [Api_Key, x.version], remove: X-Tenant-Path", "").unwrap();
    assert_eq!(settings.proxy.headers.pass, ["api_key", "x.version"]);
    assert_eq!(settings.proxy.headers.remove, ["x-tenant-path"]);
    let told = parse("pass: X-Base-Url", "").unwrap().remarks.to_string();
    assert!(told.contains("no route guards against that"), "{told}");
    let mistakes = parse(
        "pass: [SCRIPT_NAME, X_Forwarded_For, remote_user, Content_Type, X-Version, a b], remove: [Cookie]",
        "",
    );
    let mistakes = mistakes.unwrap_err();
    for line in [
        "`SCRIPT_NAME` cannot be named here: it is read as a name that asks for another path",
        "`X_Forwarded_For` cannot be named here: it says from where",
        "`remote_user` cannot be named here: it says who somebody is",
        "`Content_Type` cannot be named here: it is needed by every request",
        "`X-Version` cannot be named here: it is passed on anyway",
        "`a b` is not a header name",
        "`Cookie` cannot be named here: it is needed by every request",
        "docs/headers.md lists what is removed",
    ] {
        assert!(
            mistakes.contains(line),
            "`{line}` is missing in\n{mistakes}"
        );
    }
    let told = parse("pass: x_staff", "identity_headers: X-Staff").unwrap_err();
    assert!(told.contains("`x_staff` cannot be named here"), "{told}");
}

#[test]
fn the_application_is_told_under_names_that_nobody_else_uses() {
    let told = |identity: &str, more: &str| {
        let upstream = format!("upstream: {{ url: 'http://app:8000', identity: {identity} }}");
        Folder::new().parse(&format!("version: 1\npolicies: p.yaml\n{upstream}\n{more}"))
    };
    let public = "public_url: https://app.test\n";
    let settings = told(
        "{ assertion: {}, headers: { subject: Remote-User, level: X-Level } }",
        public,
    )
    .unwrap();
    let rules = &settings.proxy.headers;
    assert_eq!(rules.told, ["step-up-assertion", "remote-user", "x-level"]);
    let assertion = settings.identity.unwrap().assertion.unwrap();
    assert_eq!(
        (&*assertion.audience, &*assertion.issuer),
        ("https://app.test", "https://app.test")
    );
    for (identity, more, said) in [
        (
            "{}",
            "",
            "nothing is told: expected `assertion`, `headers` or both",
        ),
        ("{ assertion: {} }", "", "`audience` is missing"),
        (
            "{ assertion: { algorithm: RS256 } }",
            public,
            "`RS256` is not known here",
        ),
        (
            "{ headers: { subject: Remote_User } }",
            "",
            "`Remote_User` cannot be named here: it has marks",
        ),
        (
            "{ headers: { subject: Step-Up-Key } }",
            "",
            "`Step-Up-Key` cannot be named here: it is needed",
        ),
        (
            "{ headers: { level: X-Forwarded-Proto } }",
            "",
            "it says from where",
        ),
        (
            "{ headers: { level: Script-Name } }",
            "",
            "it is read as a name that asks for another path",
        ),
        (
            "{ headers: { level: X-L, amr: x-l } }",
            "",
            "`x-l` cannot be named here: it says something else already",
        ),
        (
            "{ headers: { subject: X-Api-Key } }",
            "",
            "`X-Api-Key` cannot be named here: it is a credential",
        ),
        (
            "{ headers: { subject: X-Who } }",
            "trusted_proxies: [10.0.0.1]\nsession: { headers: { subject: X-Who } }",
            "`X-Who` cannot be named here: it is one by which `session` tells whose a request is",
        ),
    ] {
        let mistakes = told(identity, more).unwrap_err();
        assert!(
            mistakes.contains(said),
            "`{said}` is missing in\n{mistakes}"
        );
    }
}

#[test]
fn a_session_cannot_outlive_what_we_remember_of_it() {
    let told = wrong("session: { cookies: sid, remember: 1h, lifetime: 2h }");
    assert!(
        told.contains("longer than `remember`, which is 1h"),
        "{told}"
    );
}

#[test]
fn numbers_have_ends() {
    for (more, said) in [
        ("threads: 0", "expected at least 1"),
        ("threads: 4096", "are more than"),
        ("limits: { header_bytes: 1KiB }", "at least `8KiB`"),
        ("limits: { body_limit: 1GiB }", "expected 1 to"),
        ("verification: { totp_skew: 2 }", "expected 0 or 1"),
        ("verification: { limits: { factor: 101 } }", "NIST"),
        ("verification: { code_life: 2h }", "longer than 10m"),
        (
            "verification: { argon2: { lanes: 65 } }",
            "at most 64 lanes",
        ),
        (
            "verification: { argon2: { memory: 3GiB } }",
            "`8KiB` to `2GiB`",
        ),
        (
            "verification: { argon2: { memory: 2GiB, passes: 5 } }",
            "a check takes over ten seconds",
        ),
        (
            "mail: { smtp: \"a b\", from: x@example.com }",
            "is not a mail server",
        ),
        (
            "mail: { smtp: mail, from: nobody }",
            "`nobody` is not a sender",
        ),
        ("log: { level: \"loud=very\" }", "is not a level"),
        (
            "store: { redis: { url: \"redis://r\" }, embedded: {} }",
            "there is one store",
        ),
    ] {
        let told = wrong(more);
        assert!(told.contains(said), "{more}: {told}");
    }
}

fn table(policy: &str) -> RouteTable {
    let policies =
        crate::policy::compile([("p.yaml", policy.as_bytes())], &Groups::default()).unwrap();
    policies.into_table().unwrap()
}

#[test]
fn a_sender_that_is_none_is_shown_where_it_stands() {
    let told = wrong("mail:\n  smtp: mail\n  from: nobody\n");
    assert!(
        told.contains("stepgate.yaml:6:9: `nobody` is not a sender"),
        "{told}"
    );
}

#[test]
fn codes_without_a_mail_server_are_warned_of() {
    let policy =
        "version: 1\ndefault: forward\nroutes:\n  - { id: a, level: 3, match: { path: /a } }\n";
    let table = table(policy);
    let told = read("").remarks_on(&table).to_string();
    assert!(
        told.contains("route `a` accepts e-mailed codes, and there is no `mail`"),
        "{told}"
    );
    let mail = read("mail: { smtp: mail, from: a@example.com, security: plain }");
    assert!(mail.remarks_on(&table).is_empty());
}

#[test]
fn a_route_that_guards_the_page_of_the_login_is_warned_of() {
    let table = table(
        "version: 1\ndefault: forward\nroutes:\n  - { id: all, level: 1, match: { path: \"/app/{rest...}\" } }\n  \
         - { id: sends, level: 1, match: { methods: [POST], path: /login } }\n",
    );
    let of = |page: &str| {
        let settings = format!("session: {{ cookies: sid, login_page: \"{page}\" }}");
        read(&settings).remarks_on(&table).to_string()
    };
    let told = of("/app/login?next={path}");
    assert!(
        told.contains("route `all` guards the login page `/app/login`"),
        "{told}"
    );
    assert!(!of("/login").contains("guards the login page"));
}

#[test]
fn a_route_that_guards_the_login_itself_is_warned_of() {
    let policy = "version: 1\ndefault: forward\nroutes:\n  - { id: posts, level: 3, match: { methods: \
                  [POST], path: /index.php } }\n  - { id: other, level: 3, match: { path: /index.php, \
                  query: { do: delete } } }\n";
    let table = table(policy);
    let of = |path: &str| {
        let settings = read(&format!(
            "session:\n  cookies: sid\n  learn:\n    logins: [{{ path: {path}, query: {{ do: login }}, \
             subject: {{ form: user }}, success: {{ location: /home }} }}]"
        ));
        settings.remarks_on(&table).to_string()
    };
    let told = of("/index.php");
    assert!(
        told.contains("route `posts` guards the login at `/index.php` as well"),
        "{told}"
    );
    assert!(
        !told.contains("`other` guards") && !of("/login").contains("guards"),
        "{told}"
    );
}

#[test]
fn the_admin_endpoints_have_an_address_of_their_own() {
    assert!(read("").admin.is_none());
    let admin = |listen: &str| read(&format!("admin: {{ listen: '{listen}' }}\n"));
    let settings = admin("127.0.0.1:9901");
    let told = settings.remarks.to_string();
    assert!(!told.contains("admin"), "{told}");
    let own = settings.admin.unwrap();
    assert_eq!(own.address.to_string(), "http://127.0.0.1:9901");
    assert_eq!(own.drain_delay, std::time::Duration::from_secs(5));
    let unix = admin("unix:run/admin.sock").admin.unwrap();
    assert!(
        matches!(unix.address, AdminAddress(ListenAddress::Unix(path)) if path.ends_with("run/admin.sock"))
    );
    for open in ["0.0.0.0:9901", "[::]:9901", "192.0.2.1:9901"] {
        let told = admin(open).remarks.to_string();
        assert!(told.contains("can read the admin endpoints"), "{told}");
    }
    for (listen, expected) in [
        (
            "127.0.0.1:8080",
            "`127.0.0.1:8080` is where the public comes",
        ),
        ("0.0.0.0:8080", "`0.0.0.0:8080` is where the public comes"),
        ("9901", "`9901` is not an address with a port"),
        ("unix:", "`unix:` is not an address with a port"),
    ] {
        let told = wrong(&format!("admin: {{ listen: '{listen}' }}\n"));
        assert!(told.contains(expected), "{told}");
        assert!(told.contains("| admin: { listen: "), "{told}");
    }
    let told = wrong("admin: {}\n");
    assert!(told.contains("`listen` is missing"), "{told}");
}

#[test]
fn keys_and_names_of_users_are_told_where_they_are_wrong() {
    let told = wrong(
        "session:
  cookies: [sid]
  credentials: { headers: [Authorization, cookie, 'a b'], query: ['', 'a b', key] }
  subjects: { case: lower, normalize: nfd }
",
    );
    for expected in [
        "`Authorization` always counts",
        "name the cookies in `session.cookies`",
        "`a b` is not a header name",
        "`` is not the name of a parameter",
        "`a b` is not the name of a parameter",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let settings =
        read("session: { cookies: [sid], subjects: { case: sensitive, normalize: none } }\n");
    let naming = settings.sessions.naming;
    assert_eq!(naming.subject("Eve").unwrap().as_str(), "Eve");
    let settings = read("session: { credentials: { headers: X-Key } }\n");
    assert!(!settings.remarks.to_string().contains("nothing tells"));
}

#[test]
fn names_and_paths_of_cookies_are_told_where_they_are_wrong() {
    let told = wrong(
        "session:
  cookies:
    - app_*_x
    - ab*
    - a b
    - { path: /api/ }
    - { name: sid, path: api }
    - { name: sid, path: \"/user/{na me}/\" }
    - { name: sid, on: /api/ }
  credentials: { json: [auth], public: [x-my-key] }
",
    );
    for part in [
        "stepgate.yaml:6:7: `app_*_x` has a `*` that is not its end",
        "stepgate.yaml:7:7: `ab*` stands for nearly every cookie",
        "what varies stands at the end, behind three letters or more: `ASPSESSIONID*`",
        "stepgate.yaml:8:7: `a b` is not the name of a cookie",
        "`name` is missing",
        "`api` is not the path of a cookie",
        "`/user/{na me}/` is not the path of a cookie",
        "`auth` is not a JSON pointer",
        "`x-my-key` is none of the common keys",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let settings = read(
        "session:
  cookies: [{ name: token, path: /api/ }, app_*]
  credentials: { public: [X-Api-Key] }
",
    );
    assert!(settings.web.site.session_cookies[0].path.is_some());
    let doubled = wrong("session: { cookies: [sid, sid] }");
    assert!(doubled.contains("`sid` is named twice"), "{doubled}");
}

#[test]
fn a_domain_of_our_cookie_has_several_hosts() {
    for bad in [
        "com",
        "10.0.0.1",
        "https://example.com",
        "example.com:80",
        "a b.c",
    ] {
        let told = wrong(&format!("session: {{ cookie_domain: '{bad}' }}"));
        assert!(
            told.contains("is not a domain with several hosts"),
            "{told}"
        );
    }
    let other = "public_url: https://app.example.com\nsession: { cookie_domain: example.org }";
    assert!(wrong(other).contains("names a host that is not below `example.org`"));
    let settings =
        read("public_url: https://app.example.com\nsession: { cookie_domain: .example.com }");
    assert_eq!(settings.browser_key.name(), "__Secure-stepgate");
}

#[test]
fn a_password_can_be_tried_only_where_a_login_and_a_logout_are_declared() {
    let learned = |logins: &str, logouts: &str, trial: &str| {
        format!(
            "session: {{ cookies: sid, learn: {{ logins: [{logins}], logouts: [{logouts}] }} }}\n\
             verification: {{ upstream_login: {trial} }}"
        )
    };
    let form = "{ path: /login, subject: { form: user }, success: { status: 302, location: /, cookie: sid } }";
    let json =
        "{ path: /api/login, subject: { json: /user }, success: { status: 200, cookie: sid } }";
    let open = "{ path: \"/{tenant}/login\", subject: { form: user }, success: { status: 302, cookie: sid, location: / } }";
    let logout = "{ path: /logout }";
    let read = |logins: &str, trial: &str| read(&learned(logins, logout, trial)).upstream_login;
    let options = read(&format!("{open}, {form}, {json}"), "{}").unwrap();
    assert_eq!(options.page.as_deref(), Some("/login"));
    assert!(matches!(options.fields, LoginFields::Form { user, password: None } if user == "user"));
    let options = read(&format!("{form}, {json}"), "{ login: /api/login }").unwrap();
    assert_eq!(options.page, None);
    assert!(
        matches!(options.fields, LoginFields::Json { user, password } if user == "/user" && password == "/password")
    );
    for (logins, logouts, trial, said) in [
        (form, "", "{}", "no logout is declared"),
        (open, logout, "{}", "no login is declared"),
        (
            form,
            logout,
            "{ login: /other }",
            "`/other` is the path of no login",
        ),
        (form, logout, "{ page: login }", "`login` is not a page"),
        (
            form,
            logout,
            "{ password_field: /password }",
            "stand in one form",
        ),
        (
            json,
            logout,
            "{ csrf: { cookie: x, header: x } }",
            "none is named",
        ),
        (
            json,
            logout,
            "{ csrf: { cookie: x } }",
            "`header` is missing",
        ),
        (
            "{ path: /login, subject: { form: user }, success: { status: 302, location: /, cookie: sid } }, \
             { path: /sso, subject: { response_json: /id }, success: { status: 200, cookie: sid } }",
            logout,
            "{}",
            "and another one by its answer",
        ),
        (form, logout, "{ deadline: 2m }", "longer than `1m`"),
        (form, logout, "{ at_once: 65 }", "at most 64"),
        (form, logout, "{ pages: /login }", "unknown field `pages`"),
    ] {
        let told = wrong(&learned(logins, logouts, trial));
        assert!(told.contains(said), "{trial}: {told}");
    }
    for (source, said) in [
        ("basic: { url: /private/ }", "`session.basic` names people"),
        (
            "headers: { subject: x-user }",
            "`session.headers` names people",
        ),
    ] {
        let settings =
            learned(form, logout, "{}").replace("cookies: sid", &format!("{source}, cookies: sid"));
        let told = wrong(&format!("trusted_proxies: [10.0.0.1]\n{settings}"));
        assert!(told.contains(said), "{source}: {told}");
    }
}

#[test]
fn passkeys_belong_to_the_host_or_a_domain_above_it() {
    let id = |more: &str| read(more).passkeys.map(|party| party.id().to_owned());
    let origin = "public_url: https://app.example.com\n";
    assert_eq!(id(origin).as_deref(), Ok("app.example.com"));
    let above = format!("{origin}verification: {{ passkeys: {{ rp_id: example.com }} }}");
    assert_eq!(id(&above).as_deref(), Ok("example.com"));
    let other = format!("{origin}verification: {{ passkeys: {{ rp_id: example.org }} }}");
    let told = wrong(&other);
    assert!(
        told.contains("`example.org` is not `app.example.com`, and no domain above it"),
        "{told}"
    );
    for (origin, why) in [
        ("", "there is no `public_url`"),
        (
            "public_url: http://127.0.0.1:8080\n",
            "`127.0.0.1` is an IP address",
        ),
        (
            "public_url: http://app.example.com\n",
            "not at `http://app.example.com`",
        ),
    ] {
        // Nobody asked for them; then somebody does.
        assert!(read(origin).passkeys.is_err());
        let told = wrong(&format!("{origin}verification: {{ passkeys: {{}} }}"));
        assert!(told.contains(why), "{told}");
    }
}
