//! An application that acts for the owner as soon as anything in a request is hers.

use super::OWNER;
use crate::support::redis::Redis;
use crate::support::sidecar::{COOKIE, fresh_cookie};
use crate::support::upstream::{Got, Reply, answer, text};
use data_encoding::BASE64;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub(super) struct Application {
    /// What it knows people by.
    known: Arc<Mutex<BTreeMap<String, String>>>,
    /// Where it keeps its sessions.
    records: Option<Arc<Redis>>,
}

impl Application {
    pub(super) fn new(records: Option<Arc<Redis>>) -> Self {
        Self {
            known: Arc::default(),
            records,
        }
    }

    /// Knows somebody by this, in place of whoever it was before.
    pub(super) fn knows(&self, what: &str, name: &str) {
        self.takes(what, name);
        if let Some(redis) = &self.records {
            let mut set = redis::cmd("SET");
            set.arg(format!("sess:{what}"))
                .arg(json!({ "name": name }).to_string());
            set.exec(&mut redis.connect()).unwrap();
        }
    }

    /// The same, and no record of it.
    pub(super) fn takes(&self, what: &str, name: &str) {
        let mut known = self.known.lock().unwrap();
        known.insert(what.to_owned(), name.to_owned());
    }

    /// Knows nobody by this any more.
    pub(super) fn forgets(&self, what: &str) {
        self.known.lock().unwrap().remove(what);
        if let Some(redis) = &self.records {
            let mut delete = redis::cmd("DEL");
            let delete = delete.arg(format!("sess:{what}"));
            delete.exec(&mut redis.connect()).unwrap();
        }
    }

    /// Whom it acts for: anything counts, wherever it stands.
    fn user(&self, got: &Got) -> Option<String> {
        let body = String::from_utf8_lossy(&got.body).into_owned();
        let mut lines = vec![got.target.clone(), body];
        let mut names = Vec::new();
        for (header, value) in &got.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            // As CGI spells it (RFC 3875 §4.1.18).
            if header.as_str().replace(['_', '.'], "-") == "remote-user" {
                names.push(value.clone());
            }
            lines.push(value);
        }
        let known = self.known.lock().unwrap();
        let by_these = known
            .iter()
            .filter(|(what, _)| lines.iter().any(|line| line.contains(*what)));
        names.extend(by_these.map(|(_, name)| name.clone()));
        let hers = names.iter().position(|name| name == OWNER);
        (!names.is_empty()).then(|| names.swap_remove(hers.unwrap_or(0)))
    }

    pub(super) fn answer(&self, got: &Got) -> Reply {
        let path = got.target.split('?').next().unwrap();
        let application = self.clone();
        match (path, self.user(got)) {
            ("/me", Some(user)) => text(200, &json!({ "name": user }).to_string()),
            ("/me", None) => answer(401, &[("www-authenticate", "Basic realm=x")], "who?"),
            ("/login" | "/api/login", _) if got.method == "POST" => {
                Reply::ByBody(Box::new(move |got| application.log_in(got)))
            }
            _ => Reply::ByBody(Box::new(move |got| {
                let user = application.user(got).unwrap_or_else(|| "nobody".to_owned());
                text(200, &format!("done for {user}"))
            })),
        }
    }

    /// Takes every password, and makes the session that there is, or the token of the device, the person's.
    fn log_in(&self, got: &Got) -> Reply {
        let mut fields = form_urlencoded::parse(&got.body);
        let (_, name) = fields.find(|(key, _)| key == "user").unwrap();
        if got.target == "/api/login" {
            let token = match got.header("x-device") {
                "" => fresh_cookie(),
                device => format!("token-of-{device}"),
            };
            self.knows(&token, &name);
            return text(200, &json!({ "access_token": token }).to_string());
        }
        let mut cookies = got.header("cookie").split("; ");
        let session = cookies.find_map(|pair| pair.strip_prefix("sid="));
        let session = session.map_or_else(fresh_cookie, str::to_owned);
        self.knows(&session, &name);
        let cookie = format!("{COOKIE}={session}; Path=/; HttpOnly");
        answer(302, &[("location", "/home"), ("set-cookie", &cookie)], "")
    }
}

/// The line of HTTP's own passwords.
pub(super) fn basic(name: &str, password: &str) -> String {
    let pair = format!("{name}:{password}");
    format!("Basic {}", BASE64.encode(pair.as_bytes()))
}
