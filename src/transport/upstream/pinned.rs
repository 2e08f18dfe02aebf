//! A connection to the application that belongs to one connection of a client.

use super::connection::Connection;
use crate::transport::connection_auth::Said;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a client's connection has to itself, from the first sign that its authentication is one of
/// connections. It is never given to the pool, and ends with the client's connection at the latest.
#[derive(Default)]
pub(crate) struct Pinned {
    sharing: Cell<Sharing>,
    /// The connection, between two requests.
    kept: RefCell<Option<(Connection, Kept)>>,
}

/// With whom a client's connection shares those to the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Sharing {
    /// With everybody.
    #[default]
    Shared,
    /// With nobody: the application offered to log it in.
    Private,
    /// With nobody: a login was begun, and whoever it is may be somebody to the application.
    Authenticated,
}

/// Counts a pinned connection for as long as it waits for its client.
struct Kept(Arc<AtomicUsize>);

impl Pinned {
    /// Whether requests of this client go on a connection of their own.
    pub(super) fn is_private(&self) -> bool {
        self.sharing.get() >= Sharing::Private
    }

    /// Whether the application may take the requests of this connection for somebody's, whatever they carry.
    pub(crate) fn is_authenticated(&self) -> bool {
        self.sharing.get() == Sharing::Authenticated
    }

    /// Notes that a request begins a login of its connection.
    pub(super) fn begin(&self) {
        self.sharing.set(Sharing::Authenticated);
    }

    /// Notes what an answer says of it.
    pub(super) fn hear(&self, said: Said) {
        let sharing = match said {
            Said::Nothing => Sharing::Shared,
            Said::Offered => Sharing::Private,
            Said::Begun => Sharing::Authenticated,
        };
        self.sharing.set(self.sharing.get().max(sharing));
    }

    /// The connection, if one is kept.
    pub(super) fn take(&self) -> Option<Connection> {
        self.kept.take().map(|(connection, _)| connection)
    }

    /// Keeps the connection until the client's next request, unless `most` of all threads are kept.
    pub(super) fn keep(&self, connection: Connection, count: &Arc<AtomicUsize>, most: usize) {
        let kept = Kept::counted(count.clone());
        if count.load(Ordering::Relaxed) <= most {
            self.kept.replace(Some((connection, kept)));
        }
    }
}

impl Kept {
    fn counted(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pinned").field(&self.sharing.get()).finish()
    }
}
