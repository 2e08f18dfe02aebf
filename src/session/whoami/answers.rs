//! Answers of the application that are kept for seconds, over all threads; one question for many waiting.

use super::error::WhoamiError;
use crate::domain::SessionId;
use crate::session::Asserted;
use http::HeaderMap;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How many answers are kept, with the questions under way.
const MOST: usize = 16 * 1024;

/// What the application said.
#[derive(Clone, Debug)]
pub(crate) struct WhoamiAnswer {
    /// Who is signed in; `None` if nobody is.
    pub(crate) person: Option<Asserted>,
    /// The cookies that it set with the answer, for the client.
    pub(crate) cookies: Arc<HeaderMap>,
}

/// What came of a question.
pub(crate) type WhoamiResult = Result<WhoamiAnswer, WhoamiError>;

/// Tells one question from another: by all that is sent with it, hashed twice under random keys of this
/// process, so that nobody can make two that collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct QuestionKey(u64, u64);

/// The answers of one sidecar.
#[derive(Debug, Default)]
pub struct WhoamiAnswers {
    slots: Mutex<AnswerSlots>,
    hashers: (RandomState, RandomState),
}

#[derive(Debug, Default)]
struct AnswerSlots {
    by_question: HashMap<QuestionKey, AnswerSlot>,
    /// How many questions there ever were.
    asked: u64,
}

#[derive(Debug)]
struct AnswerSlot {
    session: Option<SessionId>,
    state: AnswerState,
}

#[derive(Debug)]
enum AnswerState {
    /// Under way, with its number.
    Asked(u64, watch::Receiver<Option<WhoamiResult>>),
    /// Answered; good until then.
    Known(Option<Asserted>, Instant),
}

/// What is known of a question.
pub(super) enum Lookup {
    /// It was answered a moment ago.
    Known(Option<Asserted>),
    /// Somebody else asks it just now.
    Waiting(watch::Receiver<Option<WhoamiResult>>),
    /// The caller asks it.
    Yours(Ticket),
}

/// A question that the holder asks. If it is dropped before, whoever waits asks themselves.
pub(super) struct Ticket {
    answers: Arc<WhoamiAnswers>,
    key: QuestionKey,
    number: u64,
    tell: watch::Sender<Option<WhoamiResult>>,
}

impl WhoamiAnswers {
    /// The key of a question that is made of these parts.
    pub(super) fn key<'p>(&self, parts: impl Iterator<Item = &'p [u8]>) -> QuestionKey {
        // Put together first: a hasher does more for many short parts than for a long one.
        let mut whole = Vec::with_capacity(1024);
        for part in parts {
            whole.extend_from_slice(&part.len().to_ne_bytes());
            whole.extend_from_slice(part);
        }
        let finish = |hasher: &RandomState| {
            let mut hasher = hasher.build_hasher();
            hasher.write(&whole);
            hasher.finish()
        };
        QuestionKey(finish(&self.hashers.0), finish(&self.hashers.1))
    }

    /// What is known of a question; the caller's own if nothing is.
    pub(super) fn look_up(
        self: &Arc<Self>,
        key: QuestionKey,
        session: Option<SessionId>,
    ) -> Lookup {
        let mut slots = self.lock();
        match slots.by_question.get(&key).map(|slot| &slot.state) {
            Some(AnswerState::Known(person, until)) if Instant::now() < *until => {
                return Lookup::Known(person.clone());
            }
            // One whose sender is gone is asked again.
            Some(AnswerState::Asked(_, waiting)) if waiting.has_changed().is_ok() => {
                return Lookup::Waiting(waiting.clone());
            }
            Some(AnswerState::Asked(..) | AnswerState::Known(..)) | None => {}
        }
        slots.asked += 1;
        let number = slots.asked;
        let (tell, waiting) = watch::channel(None);
        slots.make_room();
        if slots.by_question.len() < MOST {
            let state = AnswerState::Asked(number, waiting);
            slots.by_question.insert(key, AnswerSlot { session, state });
        }
        Lookup::Yours(Ticket {
            answers: self.clone(),
            key,
            number,
            tell,
        })
    }

    /// Forgets what was answered for a session: somebody logged in or out.
    pub(crate) fn forget(&self, session: Option<SessionId>) {
        let mut slots = self.lock();
        slots.by_question.retain(|_, slot| slot.session != session);
    }

    fn lock(&self) -> MutexGuard<'_, AnswerSlots> {
        // A panic elsewhere leaves nothing half done here.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AnswerSlots {
    /// Drops what is over, once it is full.
    fn make_room(&mut self) {
        if self.by_question.len() >= MOST {
            let now = Instant::now();
            self.by_question.retain(|_, slot| match &slot.state {
                AnswerState::Asked(_, waiting) => waiting.has_changed().is_ok(),
                AnswerState::Known(_, until) => now < *until,
            });
        }
    }
}

impl Ticket {
    /// Tells everybody who waits, and keeps an answer for so long; no error is kept.
    pub(super) fn answered(self, result: &WhoamiResult, keep: Duration) {
        let mut slots = self.answers.lock();
        let is_own = |slot: &AnswerSlot| matches!(slot.state, AnswerState::Asked(number, _) if number == self.number);
        // Forgotten meanwhile, it is told to who waited, and not kept.
        if let Some(slot) = slots
            .by_question
            .get_mut(&self.key)
            .filter(|slot| is_own(slot))
        {
            match result {
                Ok(answer) if !keep.is_zero() => {
                    slot.state = AnswerState::Known(answer.person.clone(), Instant::now() + keep);
                }
                Ok(_) | Err(_) => {
                    slots.by_question.remove(&self.key);
                }
            }
        }
        drop(slots);
        self.tell.send_replace(Some(result.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Subject;
    use crate::session::exchange::ExchangeError;

    fn alice() -> WhoamiAnswer {
        WhoamiAnswer {
            person: Some(Asserted::named(Subject::new("alice"))),
            cookies: Arc::default(),
        }
    }

    fn question(answers: &WhoamiAnswers, parts: &[&str]) -> QuestionKey {
        answers.key(parts.iter().map(|part| part.as_bytes()))
    }

    #[test]
    fn an_answer_is_kept_for_its_question_and_session() {
        let answers = Arc::new(WhoamiAnswers::default());
        let session = SessionId::new([1; 32]);
        let key = question(&answers, &["/me", "sid=1"]);
        assert_ne!(key, question(&answers, &["/mes", "id=1"]));
        let Lookup::Yours(ticket) = answers.look_up(key, Some(session)) else {
            panic!("nothing is known yet")
        };
        assert!(matches!(answers.look_up(key, None), Lookup::Waiting(_)));
        ticket.answered(&Ok(alice()), Duration::from_mins(1));
        let Lookup::Known(person) = answers.look_up(key, None) else {
            panic!("it was answered")
        };
        assert_eq!(person, alice().person);
        answers.forget(Some(SessionId::new([2; 32])));
        assert!(matches!(answers.look_up(key, None), Lookup::Known(_)));
        answers.forget(Some(session));
        assert!(matches!(answers.look_up(key, None), Lookup::Yours(_)));
    }

    #[test]
    fn no_error_is_kept_and_no_answer_that_was_asked_before_a_login() {
        let answers = Arc::new(WhoamiAnswers::default());
        let session = SessionId::new([1; 32]);
        let key = question(&answers, &["/me"]);
        let ask = || match answers.look_up(key, Some(session)) {
            Lookup::Yours(ticket) => Some(ticket),
            Lookup::Known(_) | Lookup::Waiting(_) => None,
        };
        ask()
            .unwrap()
            .answered(&Err(ExchangeError::Late.into()), Duration::from_mins(1));
        ask().unwrap().answered(&Ok(alice()), Duration::ZERO);
        let before = ask().unwrap();
        answers.forget(Some(session));
        before.answered(&Ok(alice()), Duration::from_mins(1));
        // Dropped without an answer.
        drop(ask().unwrap());
        assert!(ask().is_some());
    }
}
