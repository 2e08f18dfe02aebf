//! The counters of what programs ask their owners for, and of the codes that people type for it (RFC 8628 §5.1, §5.2).

use super::{Limit, Throttle, of};
use crate::domain::{ChallengeId, ClientNetwork, Counter, SessionId, UserId};
use crate::verification::verifier::EndpointCaller;
use std::time::Duration;

impl Throttle<'_> {
    /// The counter that lets one poll pass in an interval: in a fifth less than that, as networks delay.
    pub(in crate::verification) fn of_poll(
        &self,
        request: ChallengeId,
        interval: Duration,
    ) -> Counter {
        let once = Limit {
            attempts: 1,
            window: interval * 4 / 5,
        };
        of(self.key(POLL, &[request.as_bytes()]), once)
    }

    /// The counters of requests that are filed, by session and by user: each may be a question to the owner of the account. One that was taken
    /// up is counted no longer.
    pub(in crate::verification) fn of_device_request(
        &self,
        user: &UserId,
        session: SessionId,
    ) -> [Counter; 2] {
        let session = self.key(REQUESTS_IN_SESSION, &[session.as_bytes()]);
        let user = self.key(REQUESTS, &[user.as_str().as_bytes()]);
        [
            of(session, self.limits.devices_in_session),
            of(user, self.limits.devices),
        ]
    }

    /// The counters of codes that are typed, of which those that are right are counted no longer.
    pub(in crate::verification) fn of_user_code(
        &self,
        caller: &EndpointCaller<'_>,
    ) -> Vec<Counter> {
        let session = self.key(USER_CODES, &[caller.claimant.session.as_bytes()]);
        let address = self.limits.address.map(|limit| {
            let network = ClientNetwork::of(caller.address);
            of(self.key(USER_CODES_FROM, &[network.as_bytes()]), limit)
        });
        let mut counters = vec![of(session, self.limits.session)];
        counters.extend(address);
        counters
    }
}

const POLL: &str = "device-poll";
const REQUESTS: &str = "devices";
const REQUESTS_IN_SESSION: &str = "devices-in-session";
const USER_CODES: &str = "user-codes";
const USER_CODES_FROM: &str = "user-codes-from";
