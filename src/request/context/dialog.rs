//! The prompt in a dialog of a page of the application: a frame of its own origin.

use super::RequestContext;
use crate::request::client_kind::{ClientKind, Destination, FetchSite};
use http::uri::PathAndQuery;

/// What a person meets between a refusal and the proof. No other page of ours may be framed.
const OF_PROMPT: [&str; 4] = ["challenge", "verify", "verify/approval", "verify/send"];

impl RequestContext<'_> {
    /// Whether a page of the prompt is asked for, for a frame of our own origin (`dialog=1`).
    ///
    /// The browser holds `frame-ancestors` against whoever frames it, whatever is asked for. Browsers tell over https and
    /// at localhost what for and from where (Fetch Metadata §2), but not what a service worker passes on; then anything else
    /// than a frame of this origin gets the page that all others get.
    pub(crate) fn is_in_dialog(&self) -> bool {
        let query = self.target.as_ref().and_then(PathAndQuery::query);
        let mut pairs = query.unwrap_or_default().split('&');
        let name = self.options.endpoint(self.path());
        let suits = match self.hints.kind {
            ClientKind::Framed => self.hints.site == FetchSite::Own,
            ClientKind::Navigation => match self.hints.destination {
                Destination::Told => self.hints.site == FetchSite::Absent,
                Destination::Untold => self.hints.site == FetchSite::Own,
            },
            ClientKind::Api
            | ClientKind::Bearer
            | ClientKind::Fetch
            | ClientKind::Library(_)
            | ClientKind::Rpc(_)
            | ClientKind::WebSocket => false,
        };
        suits
            && pairs.any(|pair| pair == "dialog=1")
            && name.is_some_and(|name| OF_PROMPT.contains(&name))
    }
}
