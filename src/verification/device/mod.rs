//! A proof that is given elsewhere: a program asks for it, and the owner of its account gives it in their own browser
//! (the device authorization grant, RFC 8628).
//!
//! With a refusal a program gets a device code, which is sealed, and a user code, which is a keyed hash: nothing is
//! written. Its first poll files the request, under its subject and the user code, so that a code finds something
//! among the requests of whoever is signed in, and nowhere else. The owner answers an ordinary challenge in their own
//! session; that decides the request, and earns nothing there but the mark. The grant belongs to the session of the
//! program and to a key that is made for it, which the poll after that hands out, once.
//!
//! What waits in both sessions ends with their elevation: a lock or a logout of either voids the request.
//!
//! [`Verifier::offer_device`] and [`Verifier::poll_device`] know no form of the wire: whatever else a program polls by
//! goes through them.
//!
//! [`Verifier::offer_device`]: super::Verifier::offer_device
//! [`Verifier::poll_device`]: super::Verifier::poll_device

mod code;
mod decide;
mod poll;
mod said;
mod view;

pub use code::{DeviceAsker, DeviceOffer};
pub use decide::{DeviceFound, OpenedForDevice};
pub use poll::{DeviceGrant, DevicePoll};
pub use view::{DeviceState, DeviceView};
