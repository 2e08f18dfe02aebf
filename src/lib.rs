//! Stepgate: step-up authentication for web applications that nobody can change.

pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod demo;
pub mod domain;
pub mod edge;
pub mod entropy;
pub mod gate;
pub mod identity;
pub mod locale;
pub mod mail;
pub mod policy;
pub mod seal;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod verification;
pub mod yaml;
