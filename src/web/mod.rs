//! What we answer ourselves: our endpoints, challenges, pages and problem documents.

pub mod api;
pub(crate) mod endpoints;
pub mod openapi;
mod own_action;
pub mod pages;
pub mod problem;
mod program;
pub(crate) mod respond;
mod rpc;
mod state;
mod unmet;

pub(crate) use state::Web;
pub use state::{SharedWeb, WebOptions};
pub(crate) use unmet::UnmetDemand;
