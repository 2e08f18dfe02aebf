//! Whether a login is believed, and whose the session is after it.
//!
//! The application does not confirm what somebody typed: one that sends whoever is signed in away
//! from its login answers any password as it answers the right one. So a login makes a session only
//! where none was known before; a known one gets no fresher by it, and no other subject.

use crate::domain::Subject;

/// What is known of a login when the application has answered it.
#[derive(Clone, Debug)]
pub struct ObservedLogin {
    /// What the answer shows.
    pub answer: Answer,
    /// Whom the request names, and the application, where the settings say that it does.
    pub named: Named,
    /// The known sessions that the request carried, and the one that it leads to.
    pub known: Vec<KnownSession>,
    /// Whether the client carries a session after the answer.
    pub leads_to_a_session: bool,
    /// Whether the application may know the browser by a credential that we do not know, and answer
    /// as it does for that reason.
    pub may_be_signed_in: bool,
}

/// What the answer to a login shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Not all declared signs of a success.
    Failed,
    /// An error (4xx, or one in its JSON) that leaves the session's cookies as they were.
    Refused,
    /// All declared signs of a success.
    Succeeded,
}

/// Who logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// The application names this subject in its answer.
    ByApplication(Subject),
    /// Nobody is named, or several are.
    Nobody,
    /// Somebody typed this name.
    Typed(Subject),
}

/// A session that was known before the login.
#[derive(Clone, Debug)]
pub struct KnownSession {
    /// Whose it is; `None` if that is disputed.
    pub subject: Option<Subject>,
    /// Whether the request carries the key of the browser that it belongs to.
    pub of_this_browser: bool,
}

/// What a login means for the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginVerdict {
    /// The same subject again: the session drops what it had earned, and gets no fresher.
    Again,
    /// A fresh session of this subject.
    Believed(Subject),
    /// The application itself says that the session is this subject's now, but not that anybody has just
    /// given a password: it is not fresh.
    Changed(Subject),
    /// Whose it is, the application alone knows: nothing can be proved in it.
    Disputed,
    /// It did not succeed, and the application itself says that the session is still the same subject's: a page for
    /// consent behind the login.
    Kept,
    /// It changes nothing, for this reason.
    Nothing(Disregarded),
}

/// Why a login changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disregarded {
    /// It did not succeed.
    Failed,
    /// It sets none of the session's cookies.
    NoSession,
    /// The settings do not find who it is.
    NoSubject,
    /// The application may have sent on whoever was signed in already.
    SignedIn,
}

/// Judges a login.
pub fn judge_login(observed: ObservedLogin) -> LoginVerdict {
    let ObservedLogin {
        answer,
        named,
        known,
        leads_to_a_session,
        may_be_signed_in,
    } = observed;
    if !known.is_empty() {
        return judge_on_known(answer, named, &known);
    }
    match (answer, named) {
        (Answer::Failed | Answer::Refused, _) => LoginVerdict::Nothing(Disregarded::Failed),
        (Answer::Succeeded, Named::Nobody) => LoginVerdict::Nothing(Disregarded::NoSubject),
        (Answer::Succeeded, _) if !leads_to_a_session => {
            LoginVerdict::Nothing(Disregarded::NoSession)
        }
        (Answer::Succeeded, Named::ByApplication(subject)) if may_be_signed_in => {
            LoginVerdict::Changed(subject)
        }
        (Answer::Succeeded, _) if may_be_signed_in => LoginVerdict::Nothing(Disregarded::SignedIn),
        (Answer::Succeeded, Named::ByApplication(subject) | Named::Typed(subject)) => {
            LoginVerdict::Believed(subject)
        }
    }
}

fn judge_on_known(answer: Answer, named: Named, known: &[KnownSession]) -> LoginVerdict {
    let is_of_this_browser = known.iter().all(|session| session.of_this_browser);
    let is_disputed = known.iter().any(|session| session.subject.is_none());
    let are_all_of = |subject: &Subject| {
        known
            .iter()
            .all(|known| known.subject.as_ref() == Some(subject))
    };
    let is_another =
        |named: &Named| matches!(named, Named::ByApplication(subject) if !are_all_of(subject));
    match (answer, named) {
        // Unless the application, which was asked after it, names somebody else.
        (Answer::Refused, named) if !is_another(&named) => {
            LoginVerdict::Nothing(Disregarded::Failed)
        }
        _ if !is_of_this_browser || is_disputed => LoginVerdict::Disputed,
        (_, Named::Typed(subject)) if are_all_of(&subject) => LoginVerdict::Again,
        (Answer::Succeeded, Named::ByApplication(subject)) if are_all_of(&subject) => {
            LoginVerdict::Again
        }
        (Answer::Failed, Named::ByApplication(subject)) if are_all_of(&subject) => {
            LoginVerdict::Kept
        }
        (_, Named::ByApplication(subject)) => LoginVerdict::Changed(subject),
        (Answer::Failed | Answer::Refused | Answer::Succeeded, _) => LoginVerdict::Disputed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject::new(name)
    }

    fn typed(name: &str) -> Named {
        Named::Typed(subject(name))
    }

    fn known(name: &str) -> KnownSession {
        KnownSession {
            subject: Some(subject(name)),
            of_this_browser: true,
        }
    }

    fn judged(answer: Answer, named: Named, known: &[KnownSession]) -> LoginVerdict {
        judge_login(ObservedLogin {
            answer,
            named,
            known: known.to_vec(),
            leads_to_a_session: true,
            may_be_signed_in: false,
        })
    }

    #[test]
    fn a_login_where_no_session_was_known_is_believed_if_it_succeeded() {
        let believed = LoginVerdict::Believed(subject("alice"));
        assert_eq!(judged(Answer::Succeeded, typed("alice"), &[]), believed);
        for (answer, named, why) in [
            (Answer::Failed, typed("alice"), Disregarded::Failed),
            (Answer::Refused, typed("alice"), Disregarded::Failed),
            (Answer::Succeeded, Named::Nobody, Disregarded::NoSubject),
        ] {
            assert_eq!(judged(answer, named, &[]), LoginVerdict::Nothing(why));
        }
    }

    #[test]
    fn a_login_that_leads_nowhere_or_may_be_signed_in_is_none() {
        for (leads_to_a_session, may_be_signed_in, why) in [
            (false, false, Disregarded::NoSession),
            (true, true, Disregarded::SignedIn),
        ] {
            let verdict = judge_login(ObservedLogin {
                answer: Answer::Succeeded,
                named: typed("alice"),
                known: Vec::new(),
                leads_to_a_session,
                may_be_signed_in,
            });
            assert_eq!(verdict, LoginVerdict::Nothing(why));
        }
    }

    #[test]
    fn no_login_makes_a_known_session_fresher_or_anothers() {
        for answer in [Answer::Succeeded, Answer::Failed] {
            assert_eq!(
                judged(answer, typed("alice"), &[known("alice")]),
                LoginVerdict::Again
            );
            for named in [typed("bob"), Named::Nobody] {
                assert_eq!(
                    judged(answer, named, &[known("alice")]),
                    LoginVerdict::Disputed
                );
            }
            let both = [known("alice"), known("bob")];
            assert_eq!(
                judged(answer, typed("alice"), &both),
                LoginVerdict::Disputed
            );
        }
        let refused = judged(Answer::Refused, typed("bob"), &[known("alice")]);
        assert_eq!(refused, LoginVerdict::Nothing(Disregarded::Failed));
    }

    #[test]
    fn the_application_itself_may_say_that_it_is_anothers() {
        let by = |name| Named::ByApplication(subject(name));
        let judged = |name| judged(Answer::Succeeded, by(name), &[known("alice")]);
        assert_eq!(judged("alice"), LoginVerdict::Again);
        assert_eq!(judged("bob"), LoginVerdict::Changed(subject("bob")));
        // It was asked after a login that shows no sign of a success.
        let failed = |name| {
            judge_login(ObservedLogin {
                answer: Answer::Failed,
                named: by(name),
                known: vec![known("alice")],
                leads_to_a_session: true,
                may_be_signed_in: true,
            })
        };
        assert_eq!(failed("alice"), LoginVerdict::Kept);
        // Nor does an error say that nothing has changed.
        let refused = |name| judge_on_known(Answer::Refused, by(name), &[known("alice")]);
        let nothing = LoginVerdict::Nothing(Disregarded::Failed);
        assert_eq!(refused("alice"), nothing);
        assert_eq!(refused("bob"), LoginVerdict::Changed(subject("bob")));
        assert_eq!(failed("bob"), LoginVerdict::Changed(subject("bob")));
    }

    #[test]
    fn a_disputed_session_stays_so_and_one_of_another_browser_becomes_so() {
        let disputed = KnownSession {
            subject: None,
            of_this_browser: true,
        };
        let elsewhere = KnownSession {
            of_this_browser: false,
            ..known("alice")
        };
        let by = Named::ByApplication(subject("alice"));
        for session in [disputed, elsewhere] {
            for named in [typed("alice"), typed("bob"), Named::Nobody, by.clone()] {
                let verdict = judged(Answer::Succeeded, named, std::slice::from_ref(&session));
                assert_eq!(verdict, LoginVerdict::Disputed);
            }
        }
    }
}
