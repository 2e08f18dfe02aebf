//! `client.js` in Chromium: pages whose calls are refused, the prompt in a dialog, and the calls once more.

mod applications;
mod calls;
mod dialog;
mod forms;
mod frames;
mod injected;
mod page;
mod policies;

pub(crate) use applications::journeys;
