//! A request as it came: who sent it and how, its body, and which of its headers pass.
//!
//! Knows no policy and no session.

mod accept;
pub(crate) mod body;
pub(crate) mod brand;
pub(crate) mod client_address;
pub(crate) mod client_kind;
pub(crate) mod connection;
pub(crate) mod context;
pub(crate) mod headers;
pub(crate) mod library;
pub(crate) mod program;
pub(crate) mod question;
pub(crate) mod remembered;
pub(crate) mod request_id;
mod return_page;
pub(crate) mod rpc;
pub(crate) mod site;
pub(crate) mod upgrade;

pub use brand::{Brand, Logo, Picture};
pub use client_address::TrustedProxies;
pub use headers::{
    ForwardedStyle, HeaderRules, NotPassed, RewriteUrls, may_pass, may_remove, may_tell,
};
pub use question::{AskingProxies, ToldBodies};
pub use remembered::RememberedCookies;
pub use site::{Site, SiteOptions};
