//! The usual application, and the policy that guards it.

use super::COOKIE;
use crate::support::upstream::{Got, Reply, answer, text};
use std::sync::atomic::{AtomicU32, Ordering};
use stepgate::entropy::Entropy;

/// The usual policy: one route of every kind, and some on which the application misbehaves.
pub(crate) const POLICY: &str = r#"
version: 1
default: forward
routes:
  - { id: low, action: note.add, title: Add a note, level: 1, match: { methods: [POST], path: /low } }
  - { id: medium, action: note.share, title: Share a note, level: 2, match: { methods: [POST], path: /medium } }
  - { id: proven, action: note.send, title: Send a note, level: 2, factors: [password, totp, email_code], match: { methods: [POST], path: /proven } }
  - { id: email, action: account.email, title: Change the address, level: 3, match: { methods: [POST], path: /email } }
  - { id: name, action: account.name, title: Change the name, level: 3, show: { name: form.name }, match: { methods: [POST], path: /name } }
  - { id: email-api, action: account.email, title: Change the address, level: 3, match: { methods: [PUT, PATCH], path: /api/email } }
  - { id: keys, action: keys.create, title: Create an API key, level: 3, match: { methods: [POST], path: /keys } }
  - { id: brief, action: keys.rotate, title: Rotate a key, level: 3, max_age: 3s, match: { methods: [POST], path: /brief } }
  - { id: settings, action: settings.change, title: Change the settings, level: 3, scope: session, match: { methods: [POST], path: /settings } }
  - { id: secrets, action: secrets.read, title: Read the secrets, level: 3, match: { methods: [GET], path: /secrets } }
  - { id: pay, action: pay, title: Pay, level: 4, show: { to: form.to, sum: form.sum }, match: { methods: [POST], path: /pay } }
  - { id: pay-api, action: pay.api, title: Pay, level: 4, match: { methods: [POST, PUT], path: "/api/pay/{id}" } }
  - { id: delete, action: account.delete, title: Delete an account, level: 4, confirm: DELETE, show: { user: path.id }, bind: [path.id], match: { methods: [POST], path: "/users/{id}/delete" } }
  - { id: both, action: both, title: Needs both, level: 3, factors: [password+totp], match: { methods: [POST], path: /both } }
  - { id: totp, action: totp.only, title: Needs a code, level: 3, factors: [totp], match: { methods: [POST], path: /totp } }
  - { id: watched, action: watched, title: Only watched, level: 3, enforcement: report, match: { methods: [POST], path: /watched } }
  - { id: passkey, action: passkey.only, title: Needs a passkey, level: 3, factors: [passkey], match: { methods: [POST], path: /passkey } }
  - { id: hang, action: hang, title: Hang, level: 4, match: { methods: [POST], path: /pay/hang } }
  - { id: cut, action: cut, title: Cut, level: 4, match: { methods: [POST], path: /pay/cut } }
  - { id: guarded, action: thing.guarded, title: Something guarded, level: 3, match: { path: "/guarded/{rest...}" } }
  - { id: form, action: thing.delete, title: Delete a thing, level: 3, match: { path: /form, form: { delete: "1" } } }
"#;

/// What an application of the old kind answers: a login that gives a new cookie, a logout, a
/// rotation of the cookie, and `done` for everything else, but for the paths on which it misbehaves.
pub(crate) fn application(got: &Got) -> Reply {
    let (path, query) = got.target.split_once('?').unwrap_or((&got.target, ""));
    let fresh = format!("{COOKIE}={}; Path=/; HttpOnly", fresh_cookie());
    match path {
        "/login" if got.method == "GET" && ["", "failed"].contains(&query) => {
            text(200, "Who are you?")
        }
        "/login" if query == "wrong" => answer(200, &[("set-cookie", &fresh)], "Wrong password"),
        "/login" if query == "same" => answer(302, &[("location", "/home")], ""),
        "/login" => answer(302, &[("location", "/home"), ("set-cookie", &fresh)], ""),
        "/logout" => answer(302, &[("set-cookie", "sid=; Path=/; Max-Age=0")], ""),
        "/rotate" | "/revive" => answer(200, &[("set-cookie", &fresh)], "rotated"),
        "/pay/hang" => Reply::Hang,
        "/pay/cut" => Reply::CutBody("half"),
        "/events" => Reply::Events,
        _ => text(200, "done"),
    }
}

/// A session cookie that nobody can guess, and that tests can look for where it must not be.
pub(crate) fn fresh_cookie() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "cookie-value-{count}-{:032x}",
        u128::from_be_bytes(Entropy::system().bytes())
    )
}
