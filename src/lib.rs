//! Stepgate: step-up authentication for web applications that nobody can change.
//!
//! A reverse-proxy sidecar stands in front of an application and asks people to prove who they are
//! again before its dangerous routes. A policy says which routes those are; a request that matches
//! one is forwarded only if its session is fresh enough or holds a live grant. Otherwise the client
//! gets a challenge, which our own endpoints satisfy, and then repeats its call.
//!
//! # The life of a request
//!
//! [`proxy`] is where to begin: its `handle` and `walk` are the life of a request in one screen.
//! The decision itself is [`domain::decide`], which takes values and the time and touches nothing.
//!
//! # The layers
//!
//! Imports go downward only; `tests/tidy/architecture.rs` keeps it so.
//!
//! | Layer | Modules | What lives there |
//! |---|---|---|
//! | 5 | [`app`], [`cli`], [`settings`], `demo` | composition: files and flags become a running sidecar |
//! | 4 | [`proxy`], [`web`], [`admin`] | the life of a request; our own answers, and the one place of status codes; health and metrics |
//! | 3 | [`gate`], [`session`], [`verification`] | whether a request may pass, whose it is, how people prove it |
//! | 2 | [`store`], [`mail`], [`audit`], [`metrics`], [`request`], [`transport`] | what outlives a request, what came, and how it is carried |
//! | 1 | [`yaml`], [`policy`], [`clock`], [`entropy`], [`seal`], [`locale`], [`telemetry`], [`tls`] | text, time, chance, keys |
//! | 0 | [`domain`] | the rules: no I/O, no clock, no async, nothing that can fail |
//!
//! # What must stay true
//!
//! - Nothing reaches the application without a [`domain::Permit`]; only [`domain::decide`] makes one
//!   and forwarding consumes it.
//! - The bytes of a path go upstream as they came; a guarded route is guarded under every reading.
//! - An unguarded request makes no round trip to the store, a guarded one at most one, and a refused
//!   one writes nothing: a challenge is a sealed token until somebody begins to answer it.
//! - What can be taken once (a grant, a code, a challenge, a TOTP step) is taken in the store,
//!   atomically; what can be guessed is counted before it is judged.
//! - When in doubt the answer is no, with a [`domain::Reason`].
//!
//! Each worker thread runs everything of a connection: a current-thread runtime, its own listening
//! socket, upstream pool and store handle. Threads share [`proxy::SharedProxy`] and nothing else.

pub mod admin;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
#[cfg(feature = "demo")]
pub mod demo;
pub mod domain;
pub mod entropy;
pub mod gate;
pub mod locale;
pub mod mail;
pub mod metrics;
pub mod policy;
pub mod proxy;
pub mod request;
pub mod seal;
pub mod session;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod transport;
pub mod verification;
pub mod web;
pub mod yaml;
