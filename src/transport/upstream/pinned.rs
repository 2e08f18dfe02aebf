//! A connection to the application that is pinned to one client connection.

use super::connection::UpstreamConnection;
use crate::transport::connection_auth::AuthProgress;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The pinned connection of a client connection, from the first sign of connection-based authentication
/// (NTLM, Negotiate). It is never given to the pool, and is closed with the client connection at the latest.
#[derive(Default)]
pub(crate) struct Pinned {
    sharing: Cell<Sharing>,
    /// The connection, between two requests.
    kept: RefCell<Option<(UpstreamConnection, Kept)>>,
}

/// Whether a client connection shares connections to the application with others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Sharing {
    /// It uses the pool.
    #[default]
    Shared,
    /// Pinned: the application offered connection-based authentication.
    Private,
    /// Pinned: authentication was begun, so the application may attribute all its requests to one user.
    Authenticated,
}

/// Counts a pinned connection while it is idle.
struct Kept(Arc<AtomicUsize>);

impl Pinned {
    /// Whether the requests of this client connection go on a pinned connection.
    pub(super) fn is_private(&self) -> bool {
        self.sharing.get() >= Sharing::Private
    }

    /// Whether the application may attribute the requests of this connection to a user by the connection
    /// alone.
    pub(crate) fn is_authenticated(&self) -> bool {
        self.sharing.get() == Sharing::Authenticated
    }

    /// Records that a request begins to authenticate the connection.
    pub(super) fn begin(&self) {
        self.sharing.set(Sharing::Authenticated);
    }

    /// Records what a response says of the authentication.
    pub(super) fn record_response(&self, progress: AuthProgress) {
        let sharing = match progress {
            AuthProgress::Nothing => Sharing::Shared,
            AuthProgress::Offered => Sharing::Private,
            AuthProgress::Begun => Sharing::Authenticated,
        };
        // Never back: the application may go on to take the connection for that person's.
        self.sharing.set(self.sharing.get().max(sharing));
    }

    /// The connection, if one is kept.
    pub(super) fn take(&self) -> Option<UpstreamConnection> {
        self.kept.take().map(|(connection, _)| connection)
    }

    /// Keeps the connection for the client's next request, unless all threads keep `most` already.
    pub(super) fn keep(
        &self,
        connection: UpstreamConnection,
        count: &Arc<AtomicUsize>,
        most: usize,
    ) {
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
