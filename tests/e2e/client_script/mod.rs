//! `client.js` in Chromium: pages whose calls are refused, the prompt in a dialog, and the calls once more.

mod applications;
mod calls;
mod dialog;
mod forms;
mod frames;
mod injected;
mod libraries;
mod page;
mod policies;
mod workers;

pub(crate) use applications::journeys;
pub(crate) use libraries::journeys as library_journeys;
pub(crate) use page::WITH_SCRIPT;
