//! What is open on a thread, and for whom: tunnels, answers and uploads end with their session.
//!
//! Whoever begins something calls [`Open::register`] with the credentials that it came with, and holds the
//! [`Opened`] for as long as it lasts. Whoever hears of an ending calls [`Open::end`]. Nothing is hashed
//! until then: most of what is open is over before any session ends.

use crate::domain::SessionId;
use crate::request::context::RequestContext;
use crate::seal::Keys;
use crate::session::live::Live;
use crate::session::{Asserted, CarriedLines, SessionOptions, SharedSessions};
use crate::store::Ending;
use crate::transport::streams::Stream;
use crate::transport::wire::ConnectionState;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What is open on one thread.
#[derive(Default)]
pub(crate) struct Open(RefCell<Entries>);

#[derive(Default)]
struct Entries {
    places: Vec<Option<Entry>>,
    free: Vec<usize>,
    /// How many there ever were.
    count: u64,
}

/// Something open.
struct Entry {
    number: u64,
    carried: CarriedLines,
    asserted: Option<Box<Asserted>>,
    /// The sessions that it belongs to by a token, or by the word of the application.
    named: Vec<SessionId>,
    /// Once it was asked for.
    sessions: Option<Box<Owners>>,
    close: Close,
    /// Its session has ended, and it will, too.
    ended: bool,
    /// Counts among what stays open, if it does.
    live: Option<Live>,
    /// Closes it when its time is over.
    closer: Option<OwnedTask>,
}

/// A task that ends with what holds it.
struct OwnedTask(JoinHandle<()>);

/// How something open is closed.
#[derive(Clone, Debug)]
pub(crate) enum Close {
    /// A request of HTTP/1, with its connection.
    Connection(Arc<ConnectionState>),
    /// A request of HTTP/2, by a reset (RFC 9113 §5.4.2).
    Stream(Rc<Stream>),
    /// A tunnel, both sides of it.
    Tunnel(Rc<Notify>),
}

/// The sessions that something belongs to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Owners {
    /// That of all its credentials, and those that each of its cookies would make.
    own: Vec<SessionId>,
    /// That of its `Authorization` alone, which may be everybody's, and those that only some applications
    /// read in a part of a value.
    shared: Vec<SessionId>,
}

/// Something open, until this is dropped.
pub(crate) struct Opened {
    open: Rc<Open>,
    place: usize,
}

/// Something whose session has ended, if it is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    place: usize,
    number: u64,
}

impl Open {
    /// Notes that something is open for whoever carries these credentials.
    pub(crate) fn register(
        self: &Rc<Self>,
        carried: &CarriedLines,
        asserted: Option<Asserted>,
        close: Close,
    ) -> Opened {
        self.put(Entry {
            number: 0,
            carried: carried.clone(),
            asserted: asserted.map(Box::new),
            named: Vec::new(),
            sessions: None,
            close,
            ended: false,
            live: None,
            closer: None,
        })
    }

    /// Marks all that is open for the session of `ending`: tunnels, and the rest.
    pub(crate) fn end(
        &self,
        ending: &Ending,
        options: &SessionOptions,
        keys: &Keys,
    ) -> (Vec<Ended>, Vec<Ended>) {
        let mut entries = self.0.borrow_mut();
        let (mut tunnels, mut others) = (Vec::new(), Vec::new());
        for (place, entry) in entries.places.iter_mut().enumerate() {
            if let Some(entry) = entry
                && !entry.ended
                && entry.belongs_to(ending, options, keys)
            {
                entry.ended = true;
                let kind = match entry.close {
                    Close::Tunnel(_) => &mut tunnels,
                    Close::Connection(_) | Close::Stream(_) => &mut others,
                };
                kind.push(Ended {
                    place,
                    number: entry.number,
                });
            }
        }
        (tunnels, others)
    }

    /// Closes those that are still open; tells how many.
    pub(crate) fn close(&self, ended: &[Ended]) -> usize {
        let entries = self.0.borrow();
        let open = ended.iter().filter_map(|ended| {
            let entry = entries.places.get(ended.place)?.as_ref()?;
            (entry.number == ended.number).then_some(&entry.close)
        });
        open.map(Close::close).count()
    }

    fn put(self: &Rc<Self>, mut entry: Entry) -> Opened {
        let mut entries = self.0.borrow_mut();
        entries.count += 1;
        entry.number = entries.count;
        let place = entries.free.pop().unwrap_or(entries.places.len());
        match entries.places.get_mut(place) {
            Some(vacant) => *vacant = Some(entry),
            None => entries.places.push(Some(entry)),
        }
        Opened {
            open: self.clone(),
            place,
        }
    }
}

impl Close {
    /// That of a request: a stream by itself, HTTP/1 with its connection.
    pub(crate) fn of(context: &RequestContext<'_>) -> Self {
        match &context.stream {
            Some(stream) => Self::Stream(stream.clone()),
            None => Self::Connection(context.connection.state.clone()),
        }
    }

    fn close(&self) {
        match self {
            Self::Connection(line) => line.end(),
            Self::Stream(stream) => stream.cut_off(),
            Self::Tunnel(end) => end.notify_one(),
        }
    }
}

impl Opened {
    /// Notes that it belongs to these sessions as well.
    pub(crate) fn belongs_to(&self, sessions: impl Iterator<Item = SessionId>) {
        let mut entries = self.open.0.borrow_mut();
        if let Some(Some(entry)) = entries.places.get_mut(self.place) {
            entry.named.extend(sessions);
        }
    }

    /// Counts it among what stays open for its sessions; tells whether it may.
    pub(crate) fn stay(&self, shared: &SharedSessions) -> bool {
        let mut entries = self.open.0.borrow_mut();
        let Some(Some(entry)) = entries.places.get_mut(self.place) else {
            return true;
        };
        let mut sessions = entry.owners(&shared.options, &shared.keys).own.clone();
        sessions.extend(&entry.named);
        sessions.sort_unstable();
        sessions.dedup();
        entry.live = shared.live.enter(sessions);
        entry.live.is_some()
    }

    /// Has it closed by a task, which waits for as long as it is open at most.
    pub(crate) fn close_by<F>(&self, task: impl FnOnce(Ended) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        let mut entries = self.open.0.borrow_mut();
        if let Some(Some(entry)) = entries.places.get_mut(self.place) {
            let this = Ended {
                place: self.place,
                number: entry.number,
            };
            entry.closer = Some(OwnedTask(tokio::task::spawn_local(task(this))));
        }
    }

    /// What an upgrade makes of a request: a tunnel, which ends when `end` is told.
    pub(crate) fn tunnel(&self, end: Rc<Notify>) -> Option<Self> {
        let entries = self.open.0.borrow();
        let request = entries.places.get(self.place)?.as_ref()?;
        if request.ended {
            end.notify_one();
        }
        let tunnel = Entry {
            number: 0,
            carried: request.carried.clone(),
            asserted: request.asserted.clone(),
            named: request.named.clone(),
            sessions: None,
            close: Close::Tunnel(end),
            ended: request.ended,
            live: None,
            closer: None,
        };
        drop(entries);
        Some(self.open.put(tunnel))
    }
}

impl Drop for OwnedTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut entries = self.open.0.borrow_mut();
        if let Some(entry) = entries.places.get_mut(self.place) {
            *entry = None;
            entries.free.push(self.place);
        }
    }
}

impl Entry {
    fn belongs_to(&mut self, ending: &Ending, options: &SessionOptions, keys: &Keys) -> bool {
        let sessions = self.owners(options, keys);
        sessions.own.contains(&ending.session)
            || (ending.known && sessions.shared.contains(&ending.session))
            || self.named.contains(&ending.session)
    }

    fn owners(&mut self, options: &SessionOptions, keys: &Keys) -> &Owners {
        let Self {
            carried, asserted, ..
        } = self;
        self.sessions.get_or_insert_with(|| {
            Box::new(Owners::of(carried, asserted.as_deref(), options, keys))
        })
    }
}

impl Owners {
    /// Every session that some application may find in the credentials.
    fn of(
        carried: &CarriedLines,
        asserted: Option<&Asserted>,
        options: &SessionOptions,
        keys: &Keys,
    ) -> Self {
        let names = &options.credentials;
        let read = names.read(carried);
        let mut sessions = Self::default();
        match &read {
            Ok(all) => {
                sessions.own = all.cookies_alone(keys);
                sessions.own.extend(all.sessions(keys));
            }
            Err(_) => sessions.own = names.sessions_in_doubt(carried, keys),
        }
        // A part of a value may be somebody's session, and is of nobody's login.
        sessions.shared = names.all_sessions(carried, keys);
        sessions.shared.retain(|id| !sessions.own.contains(id));
        sessions.shared.sort_unstable();
        sessions.shared.dedup();
        if asserted.is_some()
            && let Ok(all) = read.or_else(|_| names.read(&CarriedLines::default()))
        {
            let (now, earlier) = options.identify(&all, asserted, keys);
            sessions.own.extend(now.into_iter().chain(earlier));
        }
        sessions
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({})", self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Naming, Secret};
    use crate::session::{CredentialNames, KeyNames, RotatedProofs, RotationOptions, SessionKey};
    use crate::store::EndingCause::{self, LoggedOut, Revoked};
    use http::{HeaderMap, HeaderName, HeaderValue};
    use std::time::Duration;

    fn options() -> SessionOptions {
        SessionOptions {
            credentials: CredentialNames::of(&["sid", "kept"]).unwrap(),
            key: SessionKey::Credential,
            key_names: KeyNames::default(),
            naming: Naming::default(),
            rotation: RotationOptions {
                proofs: RotatedProofs::Auto,
                grace: Duration::from_mins(1),
            },
            remember: Duration::from_mins(1),
            lifetime: None,
            idle: None,
            login_page: None,
            asks_for_password: false,
            source: None,
            learn: None,
        }
    }

    fn keys() -> Keys {
        Keys::derive(&Secret::new((0..32).collect()), None).unwrap()
    }

    fn carried(lines: &[(&'static str, &'static str)]) -> CarriedLines {
        let lines = lines.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        CarriedLines::of(&lines.collect::<HeaderMap>(), "/", &options().credentials)
    }

    fn session(lines: &[(&'static str, &'static str)]) -> SessionId {
        let all = options().credentials.read(&carried(lines)).unwrap();
        all.session(&keys()).unwrap()
    }

    fn open(
        open: &Rc<Open>,
        lines: &[(&'static str, &'static str)],
    ) -> (Opened, Arc<ConnectionState>) {
        let line = Arc::new(ConnectionState::default());
        let close = Close::Connection(line.clone());
        (open.register(&carried(lines), None, close), line)
    }

    fn end(open: &Open, session: SessionId, cause: EndingCause, known: bool) -> usize {
        let ending = Ending {
            session,
            cause,
            known,
        };
        let (tunnels, others) = open.end(&ending, &options(), &keys());
        open.close(&tunnels) + open.close(&others)
    }

    const SID: (&str, &str) = ("cookie", "sid=1");
    const TOKEN: (&str, &str) = ("authorization", "Bearer x");

    #[test]
    fn what_ends_is_the_sessions_own_and_once() {
        let all = Rc::new(Open::default());
        let (_own, line) = open(&all, &[SID]);
        let (_other, others) = open(&all, &[("cookie", "sid=2")]);
        let (nobodys, theirs) = open(&all, &[]);
        assert_eq!(end(&all, session(&[SID]), Revoked, true), 1);
        assert_eq!(end(&all, session(&[SID]), LoggedOut, true), 0);
        assert!(line.is_ended() && !others.is_ended() && !theirs.is_ended());
        // Whose something is may be known by the word of the application alone.
        let named = SessionId::new([9; 32]);
        nobodys.belongs_to([named].into_iter());
        assert_eq!(end(&all, named, Revoked, true), 1);
        assert!(theirs.is_ended() && !others.is_ended());
    }

    #[test]
    fn credentials_beside_it_keep_nothing_open() {
        let all = Rc::new(Open::default());
        let lines: [&[_]; 4] = [
            &[SID, TOKEN],
            &[("cookie", "kept=2; sid=1")],
            &[("cookie", "sid=1; SID=2")],
            &[("cookie", "sid=2; sid=1")],
        ];
        let kept = lines.map(|lines| open(&all, lines));
        assert_eq!(end(&all, session(&[SID]), LoggedOut, false), kept.len());
    }

    #[test]
    fn what_only_some_applications_read_keeps_nothing_open() {
        let all = Rc::new(Open::default());
        let lines = [
            "sid=1[",
            "sid= 1 x",
            "sid=\"1'",
            "sid=&1",
            "sid=%31",
            "kept=2; sid=1,x",
            "sid=2 1; sid=3",
        ];
        let kept = lines.map(|line| open(&all, &[("cookie", line)]));
        let (_other, other) = open(&all, &[("cookie", "sid=11[")]);
        assert_eq!(end(&all, session(&[SID]), Revoked, true), kept.len());
        assert!(!other.is_ended());
    }

    #[test]
    fn an_authorization_alone_is_a_session_only_where_it_is_on_record() {
        let all = Rc::new(Open::default());
        let (_both, line) = open(&all, &[SID, TOKEN]);
        assert_eq!(end(&all, session(&[TOKEN]), LoggedOut, false), 0);
        let (_alone, _) = open(&all, &[TOKEN]);
        assert_eq!(end(&all, session(&[TOKEN]), LoggedOut, false), 1);
        assert!(!line.is_ended());
        assert_eq!(end(&all, session(&[TOKEN]), LoggedOut, true), 1);
        assert!(line.is_ended());
    }

    #[test]
    fn whoever_comes_to_a_place_that_was_left_is_not_closed_for_another() {
        let all = Rc::new(Open::default());
        let (gone, _) = open(&all, &[SID]);
        let ending = Ending {
            session: session(&[SID]),
            cause: Revoked,
            known: true,
        };
        let (_, ended) = all.end(&ending, &options(), &keys());
        assert_eq!(ended.len(), 1);
        drop(gone);
        let (_next, line) = open(&all, &[SID]);
        assert_eq!(all.close(&ended), 0);
        assert!(!line.is_ended());
        assert_eq!(all.0.borrow().places.len(), 1);
    }

    #[test]
    fn a_tunnel_ends_with_the_request_that_it_was() {
        let all = Rc::new(Open::default());
        let (request, _) = open(&all, &[SID]);
        let before = Rc::new(Notify::new());
        let tunnel = request.tunnel(before.clone());
        assert_eq!(end(&all, session(&[SID]), Revoked, true), 2);
        // One that is switched to while its session ends does not begin.
        let late = Rc::new(Notify::new());
        let _late = request.tunnel(late.clone());
        for end in [before, late] {
            use std::future::Future as _;
            let mut told = std::pin::pin!(end.notified());
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(told.as_mut().poll(&mut cx).is_ready());
        }
        drop((request, tunnel));
    }
}
