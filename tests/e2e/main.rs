//! Tests of the whole, with real programs: a Redis, a mail server, a browser, real sockets.
//!
//! One binary, so that it is linked once. Every test has a runtime of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)] // a broken expectation is a test's way to speak

mod accessibility;
mod admin;
mod answer_tokens;
mod applications;
mod approvals;
mod attacks;
mod audit;
mod basic;
mod brand;
mod challenge;
mod choices;
mod cli;
mod client_address;
mod client_script;
mod clients;
mod compatibility;
mod connection_auth;
mod cookie_spellings;
mod cors;
mod counts;
mod credentials;
mod csrf;
mod dead_ends;
mod demo;
mod demo_app;
mod devices;
mod django_admin;
mod dozing;
mod email_code;
mod enroll;
mod enrolling;
mod forgetting;
mod forward_auth;
mod forwarding;
mod git;
mod grants;
mod guests;
mod harness;
mod http2;
mod identity;
mod injection;
mod inline;
mod interim;
mod journeys;
mod jwt;
mod learn;
mod limits;
mod living;
mod login_steps;
mod logins;
mod no_host;
mod oidc;
mod online;
mod open;
mod openapi;
mod operations;
mod outage;
mod own_sessions;
mod passkeys;
mod password;
mod people;
mod redis_sessions;
mod reload;
mod report;
mod resume;
mod rewriting;
mod sessions;
mod shutdown;
mod smuggling;
mod spellings;
mod status_and_lock;
mod stored_users;
mod support;
mod throttling;
mod totp;
mod two_keys;
mod unrecognized;
mod upgrade;
mod upstream_login;
mod whoami;
