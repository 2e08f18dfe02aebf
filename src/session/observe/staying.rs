//! What a request makes that stays open, and for how long.

use super::Watch;
use crate::session::ending::Expiry;
use crate::session::open::Opened;
use std::rc::Rc;
use tokio::sync::Notify;

impl Watch {
    /// What becomes of the request when it is upgraded, and what tells of its end. `None` if its session has as much
    /// open as it may.
    pub(crate) fn tunnel(&self) -> Option<(Option<Opened>, Rc<Notify>)> {
        let end = Rc::new(Notify::new());
        let request = self.opened.as_ref();
        let tunnel = request.and_then(|it| it.tunnel(end.clone()));
        if let Some(tunnel) = &tunnel {
            if !tunnel.stay(&self.known.shared) {
                return None;
            }
            if let Some(expiry) = self.expiry {
                expiry.apply(tunnel, &self.known);
            }
        }
        Some((tunnel, end))
    }

    /// Closes what the request opens when its time is over.
    pub(crate) fn close_at(&mut self, expiry: Expiry) {
        self.expiry = Some(expiry);
        if let Some(opened) = &self.opened {
            expiry.apply(opened, &self.known);
        }
    }
}
