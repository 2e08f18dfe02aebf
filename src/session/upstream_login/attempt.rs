//! One trial: the login, what its answer shows, and the logout.

use super::client::TrialClient;
use super::error::TrialError;
use super::form::HtmlForm;
use super::naming::TrialNaming;
use super::{LoginFields, UpstreamLogin, UpstreamLoginOptions};
use crate::domain::{Field, Method, Secret, Subject, ValueTest};
use crate::session::exchange::{ApplicationAnswer, ExchangeError};
use crate::session::learn::SubjectSource;
use http::header::{LOCATION, SET_COOKIE};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

impl UpstreamLogin {
    /// Whether the application lets this subject in with this password. By then it is logged out.
    pub(super) async fn attempt(
        &self,
        mut client: TrialClient,
        naming: &TrialNaming,
        subject: &Subject,
        password: &Secret<String>,
    ) -> Result<bool, TrialError> {
        let options = &self.options;
        let deadline = Instant::now() + options.deadline;
        let late = |_| TrialError::Exchange(ExchangeError::Late);
        let permit = timeout_at(deadline, self.permits.acquire()).await;
        let _permit = permit.map_err(late)?;
        let asking = options.log_in(&mut client, subject, password, deadline);
        let answer = timeout_at(deadline, asking).await.map_err(late)??;
        let mut result = options.judge(&answer, subject);
        let is_in = matches!(result, Ok(true));
        if is_in {
            let line = options.login.token();
            client.authorize(line.and_then(|it| it.line(&answer.headers, Some(&answer.body))));
            let is_of = timeout_at(deadline, client.is_of(subject, naming, deadline)).await;
            result = is_of.map_err(late).flatten();
        }
        // Without all signs of a success there may be half a session, such as one that waits for a code.
        let is_open =
            answer.headers.contains_key(SET_COOKIE) && !options.login.is_refused_by(answer.status);
        if client.has_cookies() && (is_in || is_open) {
            options.log_out(client, &answer).await;
        }
        result
    }
}

impl UpstreamLoginOptions {
    async fn log_in(
        &self,
        client: &mut TrialClient,
        subject: &Subject,
        password: &Secret<String>,
        deadline: Instant,
    ) -> Result<ApplicationAnswer, TrialError> {
        let page = match &self.page {
            None => None,
            Some(target) => {
                let page = client.get(target, deadline).await?;
                if !(200..300).contains(&page.status) {
                    return Err(TrialError::Status(page.status));
                }
                Some((target.as_str(), page))
            }
        };
        match &self.fields {
            LoginFields::Form {
                user,
                password: field,
            } => {
                let (target, page) = page.ok_or(TrialError::NoForm)?;
                let form = HtmlForm::with_password(&page.text(), field.as_deref());
                let mut form = form.ok_or(TrialError::NoForm)?;
                for (name, value) in self.constants(|field| match field {
                    Field::Form(name) => Some(name),
                    Field::Header(_) | Field::Json(_) | Field::Path(_) | Field::Query(_) => None,
                }) {
                    form.set(name, value);
                }
                // Last, so that nothing of the page or the settings takes their place.
                form.set(user, subject.spelling());
                form.set_password(password.expose());
                client.submit(&form, target, deadline).await
            }
            LoginFields::Json {
                user,
                password: field,
            } => {
                let mut document = Value::Object(serde_json::Map::new());
                for (pointer, value) in self.constants(|field| match field {
                    Field::Json(pointer) => Some(pointer),
                    Field::Form(_) | Field::Header(_) | Field::Path(_) | Field::Query(_) => None,
                }) {
                    put(&mut document, pointer, value);
                }
                put(&mut document, user, subject.spelling());
                put(&mut document, field, password.expose());
                let body = Secret::new(document.to_string());
                let page = page.map_or("/", |(target, _)| target);
                client
                    .post_json(&self.target(), page, &body, deadline)
                    .await
            }
        }
    }

    /// Ends the session of a trial, with a form of the page that the login led to if there is one.
    async fn log_out(&self, mut client: TrialClient, answer: &ApplicationAnswer) {
        let deadline = Instant::now() + self.deadline;
        let logout = &self.logout;
        let ending = async {
            // A link needs no token of a page.
            if logout.methods().contains(Method::Get) {
                return client.get(logout.path(), deadline).await;
            }
            // Frameworks change the CSRF token with the login: the form of a page after it has the new one.
            let landing = location(answer)
                .and_then(|to| client.local(to))
                .unwrap_or("/".to_owned());
            let page = client.get(&landing, deadline).await?;
            let form = HtmlForm::sent_to(&page.text(), |action| {
                let to = client.resolve(&landing, action).ok();
                let path = to.as_deref().and_then(|to| to.split('?').next());
                path == Some(logout.path())
            });
            // An application without tokens may post its logout by a script.
            let form = form.unwrap_or_else(|| HtmlForm::empty(logout.path()));
            client.submit(&form, &landing, deadline).await
        };
        match timeout_at(deadline, ending).await {
            Ok(Ok(ended)) if ended.status < 400 => {}
            Ok(Ok(ended)) => tracing::warn!(
                status = ended.status,
                "the session of a password trial was not logged out"
            ),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the session of a password trial was not logged out");
            }
            Err(_) => tracing::warn!("the session of a password trial was not logged out in time"),
        }
    }

    /// The values that a login must have by its `match`, of one kind of field.
    fn constants<'s>(
        &'s self,
        of: impl Fn(&'s Field) -> Option<&'s String>,
    ) -> impl Iterator<Item = (&'s str, &'s str)> {
        let tests = self.login.request.tests().iter();
        tests.filter_map(move |(field, test)| match test {
            ValueTest::Equals(value) => Some((of(field)?.as_str(), value.as_str())),
            ValueTest::Absent | ValueTest::Present | ValueTest::Regex(_) => None,
        })
    }

    /// Where a login is posted to.
    fn target(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.constants(|field| match field {
            Field::Query(name) => Some(name),
            Field::Form(_) | Field::Header(_) | Field::Json(_) | Field::Path(_) => None,
        }));
        let query = query.finish();
        let path = self.login.request.path();
        if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        }
    }

    /// Whether an answer shows that the application let this subject in.
    fn judge(&self, answer: &ApplicationAnswer, subject: &Subject) -> Result<bool, TrialError> {
        let login = &self.login;
        let (status, headers) = (answer.status, &answer.headers);
        if let Some(missing) = login.missing_sign(status, headers, Some(&answer.body)) {
            // RFC 6585 §4, RFC 9110 §15.6: it did not look at the password.
            if status == 429 || status >= 500 {
                return Err(TrialError::Status(status));
            }
            tracing::debug!(
                status,
                ?missing,
                "a password was not taken by the application"
            );
            return Ok(false);
        }
        // An application may let somebody in under another name than the one that was typed.
        let named = login.subject_in_response(headers, Some(&answer.body));
        let is_named = matches!(
            login.subject,
            SubjectSource::ResponseCookie(_)
                | SubjectSource::ResponseHeader(_)
                | SubjectSource::ResponseJson(_)
        );
        Ok(!login.success.is_empty() && (!is_named || named.as_ref() == Some(subject)))
    }
}

/// Where an answer leads.
fn location(answer: &ApplicationAnswer) -> Option<&str> {
    answer.headers.get(LOCATION)?.to_str().ok()
}

/// Puts a text at a pointer of a document, and objects and lists on the way as they are missing.
fn put(document: &mut Value, pointer: &str, text: &str) {
    let mut place = document;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let index = token
            .parse::<usize>()
            .ok()
            .filter(|index| *index < MOST_ITEMS);
        if let (Some(index), true) = (index, place.is_null() || place.is_array()) {
            if place.is_null() {
                *place = Value::Array(Vec::new());
            }
            let Some(items) = place.as_array_mut() else {
                return;
            };
            if items.len() <= index {
                items.resize(index + 1, Value::Null);
            }
            let Some(item) = items.get_mut(index) else {
                return;
            };
            place = item;
        } else {
            if !place.is_object() {
                *place = Value::Object(serde_json::Map::new());
            }
            let Some(fields) = place.as_object_mut() else {
                return;
            };
            place = fields.entry(token).or_insert(Value::Null);
        }
    }
    *place = Value::String(text.to_owned());
}

/// How long a list may get that a pointer asks for.
const MOST_ITEMS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_grows_to_what_pointers_ask_for() {
        let mut document = json!({});
        for (pointer, text) in [
            ("/method", "user.login"),
            ("/params/0", "alice"),
            ("/params/1", "secret"),
            ("/a~1b/c~0d", "x"),
            ("/n/99", "y"),
        ] {
            put(&mut document, pointer, text);
        }
        assert_eq!(
            document,
            json!({ "method": "user.login", "params": ["alice", "secret"], "a/b": { "c~d": "x" }, "n": { "99": "y" } })
        );
    }
}
