//! Answers of the application that are kept for seconds, over all threads; one question for many waiting.

use super::changes::{ByKeyedHash, Changes, SessionSlot};
use super::error::WhoamiError;
use crate::domain::SessionId;
use crate::session::Asserted;
use http::HeaderMap;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How many answers are kept, with the questions under way.
const MOST: usize = 16 * 1024;
/// How many sessions some application may find in a request whose answer is kept; honest ones hold a few dozen.
const MOST_SESSIONS: usize = 128;
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

/// All that is sent with a question, put together: a hasher does more for many short parts than for a long one.
pub(super) struct QuestionParts(Vec<u8>);

impl QuestionParts {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(1024))
    }

    pub(super) fn add(&mut self, part: &[u8]) {
        self.0.extend_from_slice(part);
        // In no part of a request's head (RFC 9110 §5.5), so that none can pose as two; addresses are of one length.
        self.0.push(b'\n');
    }
}

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

#[derive(Debug, Default)]
struct AnswerSlots {
    answers: ByKeyedHash<QuestionKey, KeptAnswer>,
    changes: Changes,
    /// How many questions there ever were.
    asked: u64,
    /// When what is over was last dropped, because there was no room.
    swept: Option<Instant>,
}

#[derive(Debug)]
struct KeptAnswer {
    asked: Instant,
    /// Of whoever asked: what was sent with the question is among what they sent.
    sessions: Box<[SessionSlot]>,
    state: AnswerState,
}

#[derive(Debug)]
enum AnswerState {
    /// Under way, with its number.
    Asked(u64, watch::Receiver<Option<WhoamiResult>>),
    /// Answered; good until then.
    Known(Option<Asserted>, Instant),
}

impl AnswerState {
    /// Whether it still says anything.
    fn is_good(&self, now: Instant) -> bool {
        match self {
            // One whose sender is gone is asked again.
            Self::Asked(_, waiting) => waiting.has_changed().is_ok(),
            Self::Known(_, until) => now < *until,
        }
    }
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
    /// The key of a question.
    pub(super) fn key(&self, parts: &QuestionParts) -> QuestionKey {
        let mut hasher = self.hasher;
        hasher.write(&parts.0);
        QuestionKey(hasher.finish128().as_u128())
    }

    /// What is known of a question; the caller's own if nothing is, or if what is known is older than a change of
    /// any session of the request that asked. `sessions` are all that some application may find in this one.
    pub(super) fn look_up(
        self: &Arc<Self>,
        key: QuestionKey,
        sessions: impl FnOnce() -> Vec<SessionId>,
    ) -> Lookup {
        if let Some(known) = self.lock().find(key) {
            return known;
        }
        // They cost a hash each: nobody else waits for that.
        let sessions: Box<[_]> = SessionSlot::of(&sessions()).collect();
        let mut slots = self.lock();
        // Somebody else may have asked meanwhile.
        if let Some(known) = slots.find(key) {
            return known;
        }
        slots.asked += 1;
        let number = slots.asked;
        let (tell, waiting) = watch::channel(None);
        if sessions.len() <= MOST_SESSIONS && slots.has_room() {
            let kept = KeptAnswer {
                asked: Instant::now(),
                sessions,
                state: AnswerState::Asked(number, waiting),
            };
            slots.answers.insert(key, kept);
        }
        Lookup::Yours(Ticket {
            answers: self.clone(),
            key,
            number,
            tell,
        })
    }

    /// Notes that a request goes out after which the application may act for another in these sessions.
    pub(crate) fn begin_change(&self, sessions: &[SessionId]) {
        self.lock().changes.begin(sessions);
    }

    /// Notes that it is answered.
    pub(crate) fn end_change(&self, sessions: &[SessionId]) {
        self.lock().changes.end(sessions);
    }

    /// Forgets what was answered for sessions: somebody logged in or out.
    pub(crate) fn forget(&self, sessions: &[SessionId]) {
        self.lock().changes.note(sessions);
    }

    fn lock(&self) -> MutexGuard<'_, AnswerSlots> {
        // A panic elsewhere leaves nothing half done here.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AnswerSlots {
    /// What is known of a question, or asked just now.
    fn find(&self, key: QuestionKey) -> Option<Lookup> {
        let known = self.answers.get(&key)?;
        let is_over = self.changes.reach(known.asked, &known.sessions);
        match &known.state {
            state if is_over || !state.is_good(Instant::now()) => None,
            AnswerState::Known(person, _) => Some(Lookup::Known(person.clone())),
            AnswerState::Asked(_, waiting) => Some(Lookup::Waiting(waiting.clone())),
        }
    }

    /// Whether one more fits. Where none does, what is over is dropped, but not with every question: a flood of
    /// them would be answered ever more slowly.
    fn has_room(&mut self) -> bool {
        let now = Instant::now();
        let may_sweep = self.swept.is_none_or(|at| now - at >= SWEEP_INTERVAL);
        if self.answers.len() >= MOST && may_sweep {
            self.swept = Some(now);
            self.answers.retain(|_, answer| answer.state.is_good(now));
        }
        self.answers.len() < MOST
    }
}

impl Ticket {
    /// Tells everybody who waits, and keeps an answer for so long; no error is kept.
    pub(super) fn answered(self, result: &WhoamiResult, keep: Duration) {
        let mut slots = self.answers.lock();
        // Whoever asked later has taken its place.
        if let Some(kept) = slots.answers.get_mut(&self.key)
            && matches!(kept.state, AnswerState::Asked(number, _) if number == self.number)
        {
            match result {
                Ok(answer) if !keep.is_zero() => {
                    kept.state = AnswerState::Known(answer.person.clone(), Instant::now() + keep);
                }
                Ok(_) | Err(_) => {
                    slots.answers.remove(&self.key);
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
        let mut whole = QuestionParts::new();
        for part in parts {
            whole.add(part.as_bytes());
        }
        answers.key(&whole)
    }

    #[test]
    fn an_answer_is_kept_for_its_question_and_session() {
        let answers = Arc::new(WhoamiAnswers::default());
        let session = SessionId::new([1; 32]);
        let key = question(&answers, &["/me", "sid=1"]);
        assert_ne!(key, question(&answers, &["/mes", "id=1"]));
        let Lookup::Yours(ticket) = answers.look_up(key, || vec![session]) else {
            panic!("nothing is known yet")
        };
        assert!(matches!(
            answers.look_up(key, || vec![session]),
            Lookup::Waiting(_)
        ));
        ticket.answered(&Ok(alice()), Duration::from_mins(1));
        let Lookup::Known(person) = answers.look_up(key, || vec![session]) else {
            panic!("it was answered")
        };
        assert_eq!(person, alice().person);
        answers.forget(&[SessionId::new([2; 32])]);
        assert!(matches!(
            answers.look_up(key, || vec![session]),
            Lookup::Known(_)
        ));
        answers.forget(&[session]);
        assert!(matches!(
            answers.look_up(key, || vec![session]),
            Lookup::Yours(_)
        ));
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let answers = Arc::new(WhoamiAnswers::default());
        let ask = |number: usize, keep| {
            let key = question(&answers, &[&number.to_string()]);
            let Lookup::Yours(ticket) = answers.look_up(key, Vec::new) else {
                panic!("{number} was asked already")
            };
            ticket.answered(&Ok(alice()), keep);
        };
        for number in 0..MOST {
            ask(number, Duration::from_nanos(1));
        }
        assert_eq!(answers.lock().answers.len(), MOST);
        // All of them are over, and make room; then none is.
        for number in 0..=MOST {
            ask(number, Duration::from_mins(1));
        }
        assert_eq!(answers.lock().answers.len(), MOST);
    }

    #[test]
    fn no_answer_is_kept_for_a_request_in_which_too_many_sessions_may_be() {
        let answers = Arc::new(WhoamiAnswers::default());
        let key = question(&answers, &["/me"]);
        let asked_by = |number: usize| {
            let sessions = (0..number).map(|at| SessionId::new([u8::try_from(at).unwrap(); 32]));
            let Lookup::Yours(ticket) = answers.look_up(key, || sessions.collect()) else {
                panic!("nothing is kept yet")
            };
            ticket.answered(&Ok(alice()), Duration::from_mins(1));
        };
        asked_by(MOST_SESSIONS + 1);
        asked_by(MOST_SESSIONS);
        assert!(matches!(
            answers.look_up(key, Vec::new),
            Lookup::Known(Some(_))
        ));
    }

    #[test]
    fn no_error_is_kept_and_no_answer_that_was_asked_before_a_login() {
        let answers = Arc::new(WhoamiAnswers::default());
        let session = SessionId::new([1; 32]);
        let key = question(&answers, &["/me"]);
        let ask = || match answers.look_up(key, || vec![session]) {
            Lookup::Yours(ticket) => Some(ticket),
            Lookup::Known(_) | Lookup::Waiting(_) => None,
        };
        ask()
            .unwrap()
            .answered(&Err(WhoamiError::NoQuestion), Duration::from_mins(1));
        ask().unwrap().answered(&Ok(alice()), Duration::ZERO);
        let before = ask().unwrap();
        answers.forget(&[session]);
        before.answered(&Ok(alice()), Duration::from_mins(1));
        // Dropped without an answer.
        drop(ask().unwrap());
        assert!(ask().is_some());
    }
}
