//! Keys that a body holds.

use super::Watch;
use crate::domain::{Body, BodyRefusal, RequestHead};
use crate::request::body::RequestBody;

impl Watch {
    /// Adds the keys that the body holds, as far as it was read.
    pub(crate) fn read_keys(
        &mut self,
        head: &RequestHead<'_>,
        content: &RequestBody,
    ) -> Result<(), BodyRefusal> {
        let Some(bytes) = content.as_read() else {
            return Ok(());
        };
        let body = Body::read_or_opaque(head.headers, bytes);
        let names = &self.known.shared.options.key_names;
        self.carried.add_body(&body, names)
    }
}
