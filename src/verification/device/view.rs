//! The request of a program, as its owner is shown it.

use super::code::DeviceAsker;
use crate::domain::{Action, ClientNetwork, RiskLevel, Timestamp, Title, UserCode};
use std::net::IpAddr;

/// The request of a program, as its owner is shown it.
#[derive(Clone, Debug)]
pub struct DeviceView {
    /// The code that the program shows as well.
    pub user_code: UserCode,
    /// What became of it.
    pub state: DeviceState,
    /// The action.
    pub action: Action,
    /// What that is called.
    pub title: Title,
    /// How dangerous it is.
    pub level: RiskLevel,
    /// What was refused, to whom.
    pub asker: DeviceAsker,
    /// What the grant will be bound to: label and value.
    pub shown: Vec<(String, String)>,
    /// When it was refused.
    pub asked_at: Timestamp,
    /// When it can no longer be approved, nor taken up.
    pub expires_at: Timestamp,
}

/// What became of the request of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Its owner said yes.
    Approved,
    /// Its owner said no.
    Denied,
    /// Nobody has decided yet.
    Pending,
    /// It is worth nothing any more: its session was locked or ended, or the policy has changed.
    Void,
}

impl DeviceState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Pending => "pending",
            Self::Void => "void",
        }
    }
}

impl DeviceView {
    /// Whether the program is where this address is: a request from elsewhere may be a thief's (RFC 8628 §5.4).
    pub fn is_from_network_of(&self, address: IpAddr) -> bool {
        ClientNetwork::of(self.asker.address) == ClientNetwork::of(address)
    }
}
