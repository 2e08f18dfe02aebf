//! Behind the proxies that people have: each asks before it forwards, with the configuration of
//! `examples/forward-auth/`, and a prompt is answered on the same host.

mod attacks;
mod checks;
mod front;
mod journey;
mod questions;
mod ways;
