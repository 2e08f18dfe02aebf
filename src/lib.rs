//! Stepgate: step-up authentication for web applications that nobody can change.
//!
//! A reverse-proxy sidecar stands in front of an application and asks people to prove who they are
//! again before its dangerous routes. A policy says which routes those are; a request that matches
//! one is forwarded only if its session is fresh enough or holds a live grant. Otherwise the client
//! gets a challenge, which our own endpoints satisfy, and then repeats its call.
//!
//! [`proxy`] is where to begin: its `handle` and `walk` show what happens to a request in one screen.
//! The decision itself is [`domain::decide`], which takes values and the time and touches nothing.
//!
//! | Layer | Modules | What is there |
//! |---|---|---|
//! | 5 | [`app`], [`cli`], `demo`, `fuzzing`, [`settings`] | composition: files and flags become a running sidecar |
//! | 4 | [`admin`], [`proxy`], [`web`] | the life of a request; our own answers, and the one place of status codes; health and metrics |
//! | 3 | [`gate`], [`session`], [`verification`] | whether a request may pass, whose it is, how people prove it |
//! | 2 | [`audit`], [`identity`], [`jwt`], [`mail`], [`metrics`], [`request`], [`store`], [`transport`] | what outlives a request, what came, and how it is carried |
//! | 1 | [`clock`], [`entropy`], [`locale`], [`policy`], [`seal`], [`telemetry`], [`tls`], [`yaml`] | text, time, chance, keys |
//! | 0 | [`domain`] | the rules: no I/O, no clock, no async, nothing that can fail |
//!
//! `docs/architecture.md` has the rest: each step with its file, the invariants with the tests that keep
//! them, what threads share, and how to add a factor, a setting, a store operation and more.

pub mod admin;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
#[cfg(feature = "demo")]
pub mod demo;
pub mod domain;
pub mod entropy;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod gate;
pub mod identity;
pub mod jwt;
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
