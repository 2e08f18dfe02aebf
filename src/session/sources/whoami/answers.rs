//! Answers of the application that are kept for seconds, over all threads; one question for many waiting.

use super::error::WhoamiError;
use crate::domain::SessionId;
use crate::session::Asserted;
use http::HeaderMap;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How many answers are kept, with the questions under way.
const MOST: usize = 16 * 1024;
/// How often what is over is looked for, at most.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What the application said.
#[derive(Clone, Debug)]
pub(crate) struct WhoamiAnswer {
    /// Who is signed in; `None` if nobody is.
    pub(crate) person: Option<Asserted>,
    /// The cookies that it set with the answer, for the client; `None` if it set none.
    pub(crate) cookies: Option<Arc<HeaderMap>>,
}

/// What came of a question.
pub(crate) type WhoamiResult = Result<WhoamiAnswer, WhoamiError>;

/// Tells one question from another: by all that is sent with it, hashed to 128 bits under a random key of this
/// process, so that nobody can make two that collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct QuestionKey(u128);

/// The answers of one sidecar.
#[derive(Debug)]
pub struct WhoamiAnswers {
    slots: Mutex<AnswerSlots>,
    /// Under the key of this process.
    hasher: SipHasher13,
}

impl Default for WhoamiAnswers {
    fn default() -> Self {
        // Its keys come from the system, and no one of them can be told from what it makes.
        let random = RandomState::new();
        Self {
            slots: Mutex::default(),
            hasher: SipHasher13::new_with_keys(random.hash_one(0), random.hash_one(1)),
        }
    }
}

/// A hash table by what is a hash under a secret key already: nobody can choose where in it they come to lie.
type ByKeyedHash<K, V> = HashMap<K, V, BuildHasherDefault<KeyedHash>>;

/// Where the answers of a session are: half of its id, which is a keyed hash as well; 0 for those without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SessionSlot(u128);

impl SessionSlot {
    fn of(session: Option<SessionId>) -> Self {
        let half = session.and_then(|id| id.as_bytes().first_chunk().copied());
        Self(half.map_or(0, u128::from_ne_bytes))
    }
}

/// The first 64 bits of a keyed hash.
#[derive(Clone, Copy, Debug, Default)]
struct KeyedHash(u64);

impl Hasher for KeyedHash {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 ^= u64::from_ne_bytes(*first);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// By session, so that what was said of one is forgotten without a look at the others.
#[derive(Debug, Default)]
struct AnswerSlots {
    by_session: ByKeyedHash<SessionSlot, ByKeyedHash<QuestionKey, AnswerState>>,
    /// How many there are, over all sessions.
    count: usize,
    /// How many questions there ever were.
    asked: u64,
    /// When what is over was last dropped, because there was no room.
    swept: Option<Instant>,
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
    session: SessionSlot,
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
            whole.extend_from_slice(part);
            // In no part of a request's head (RFC 9110 §5.5), so that none can pose as two; addresses are of one length.
            whole.push(b'\n');
        }
        let mut hasher = self.hasher;
        hasher.write(&whole);
        QuestionKey(hasher.finish128().as_u128())
    }

    /// What is known of a question; the caller's own if nothing is.
    pub(super) fn look_up(
        self: &Arc<Self>,
        key: QuestionKey,
        session: Option<SessionId>,
    ) -> Lookup {
        let mut slots = self.lock();
        let known = slots.by_session.get(&SessionSlot::of(session));
        match known.and_then(|answers| answers.get(&key)) {
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
        if slots.has_room() {
            let asked = AnswerState::Asked(number, waiting);
            let before = slots
                .by_session
                .entry(SessionSlot::of(session))
                .or_default()
                .insert(key, asked);
            slots.count += usize::from(before.is_none());
        }
        Lookup::Yours(Ticket {
            answers: self.clone(),
            session: SessionSlot::of(session),
            key,
            number,
            tell,
        })
    }

    /// Forgets what was answered for a session: somebody logged in or out.
    pub(crate) fn forget(&self, session: Option<SessionId>) {
        let mut slots = self.lock();
        let dropped = slots.by_session.remove(&SessionSlot::of(session));
        slots.count -= dropped.map_or(0, |dropped| dropped.len());
    }

    fn lock(&self) -> MutexGuard<'_, AnswerSlots> {
        // A panic elsewhere leaves nothing half done here.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AnswerSlots {
    /// Whether one more fits. Where none does, what is over is dropped, but not with every question: a flood of
    /// them would be answered ever more slowly.
    fn has_room(&mut self) -> bool {
        let now = Instant::now();
        let may_sweep = self.swept.is_none_or(|at| now - at >= SWEEP_INTERVAL);
        if self.count >= MOST && may_sweep {
            self.swept = Some(now);
            for answers in self.by_session.values_mut() {
                answers.retain(|_, state| match state {
                    AnswerState::Asked(_, waiting) => waiting.has_changed().is_ok(),
                    AnswerState::Known(_, until) => now < *until,
                });
            }
            self.by_session.retain(|_, answers| !answers.is_empty());
            self.count = self.by_session.values().map(HashMap::len).sum();
        }
        self.count < MOST
    }
}

impl Ticket {
    /// Tells everybody who waits, and keeps an answer for so long; no error is kept.
    pub(super) fn answered(self, result: &WhoamiResult, keep: Duration) {
        let mut slots = self.answers.lock();
        let of_session = slots.by_session.get_mut(&self.session);
        // Forgotten meanwhile, it is told to who waited, and not kept.
        if let Some(answers) = of_session
            && let Some(state) = answers.get_mut(&self.key)
            && matches!(state, AnswerState::Asked(number, _) if *number == self.number)
        {
            match result {
                Ok(answer) if !keep.is_zero() => {
                    *state = AnswerState::Known(answer.person.clone(), Instant::now() + keep);
                }
                Ok(_) | Err(_) => {
                    answers.remove(&self.key);
                    slots.count -= 1;
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

    fn alice() -> WhoamiAnswer {
        WhoamiAnswer {
            person: Some(Asserted::named(Subject::new("alice"))),
            cookies: None,
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
        assert!(matches!(
            answers.look_up(key, Some(session)),
            Lookup::Waiting(_)
        ));
        ticket.answered(&Ok(alice()), Duration::from_mins(1));
        let Lookup::Known(person) = answers.look_up(key, Some(session)) else {
            panic!("it was answered")
        };
        assert_eq!(person, alice().person);
        answers.forget(Some(SessionId::new([2; 32])));
        assert!(matches!(
            answers.look_up(key, Some(session)),
            Lookup::Known(_)
        ));
        answers.forget(Some(session));
        assert!(matches!(
            answers.look_up(key, Some(session)),
            Lookup::Yours(_)
        ));
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let answers = Arc::new(WhoamiAnswers::default());
        let ask = |number: usize, keep| {
            let key = question(&answers, &[&number.to_string()]);
            let Lookup::Yours(ticket) = answers.look_up(key, None) else {
                panic!("{number} was asked already")
            };
            ticket.answered(&Ok(alice()), keep);
        };
        for number in 0..MOST {
            ask(number, Duration::from_nanos(1));
        }
        assert_eq!(answers.lock().count, MOST);
        // All of them are over, and make room; then none is.
        for number in 0..=MOST {
            ask(number, Duration::from_mins(1));
        }
        assert_eq!(answers.lock().count, MOST);
        answers.forget(None);
        assert_eq!(answers.lock().count, 0);
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
            .answered(&Err(WhoamiError::NoQuestion), Duration::from_mins(1));
        ask().unwrap().answered(&Ok(alice()), Duration::ZERO);
        let before = ask().unwrap();
        answers.forget(Some(session));
        before.answered(&Ok(alice()), Duration::from_mins(1));
        // Dropped without an answer.
        drop(ask().unwrap());
        assert!(ask().is_some());
    }
}
