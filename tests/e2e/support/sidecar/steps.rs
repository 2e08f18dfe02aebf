//! What a client does at a sidecar: it logs in, is challenged, and proves who it is.

use super::{KEY_COOKIE, PASSWORD};
use crate::support::client::{Answer, Client};
use http::Method;
use serde_json::json;

impl Client {
    /// Logs in at the application.
    pub(crate) async fn log_in(&self, user: &str) {
        let answer = self.try_log_in(user).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        assert!(self.cookie(KEY_COOKIE).is_some(), "no browser key");
    }

    /// The same where it may be that nothing of it is known.
    pub(crate) async fn try_log_in(&self, user: &str) -> Answer {
        let fields = [("user", user), ("password", "App-pass-1!")];
        self.post_form("/login", &fields).await
    }

    /// Posts an empty form.
    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.post_form(path, &[]).await
    }

    /// Answers a challenge with one factor, as in `("password", PASSWORD)`.
    pub(crate) async fn verify(&self, token: &str, (factor, answer): (&str, &str)) -> Answer {
        let body = json!({ "token": token, "factor": factor, "answer": answer });
        self.call(Method::POST, "/.stepup/verify", body).await
    }

    /// Asks for a code by mail.
    pub(crate) async fn send_code(&self, token: &str) -> Answer {
        let body = json!({ "token": token });
        self.call(Method::POST, "/.stepup/verify/send", body).await
    }

    /// Passes a challenge by password.
    pub(crate) async fn pass(&self, refused: &Answer) {
        let passed = self.verify(&refused.token(), ("password", PASSWORD)).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
    }

    /// Is refused at `path`, and earns by password what was missing.
    pub(crate) async fn earn(&self, path: &str) {
        let refused = self.post(path).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        self.pass(&refused).await;
    }
}

impl Answer {
    /// The token of the challenge that a refusal offers.
    pub(crate) fn token(&self) -> String {
        let document = self.json();
        let token = document["challenge"]["token"].as_str();
        let token = token.unwrap_or_else(|| panic!("no challenge in {document}"));
        token.to_owned()
    }

    /// The reason of a problem document.
    pub(crate) fn reason(&self) -> String {
        let document = self.json();
        let reason = document["reason"].as_str();
        let reason = reason.unwrap_or_else(|| panic!("no reason in {document}"));
        reason.to_owned()
    }

    /// Asserts that the store is said to be out, and when to come again.
    pub(crate) fn assert_unavailable(&self) {
        assert_eq!(self.status, 503, "{}", self.text());
        assert_eq!(self.reason(), "store-unavailable");
        assert!(self.header("retry-after").parse::<u32>().unwrap() > 0);
        assert_eq!(self.header("cache-control"), "no-store");
    }
}
