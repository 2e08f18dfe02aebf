//! The edge: where requests come in and answers go out.

pub mod api;
pub mod local_path;
pub mod pages;
pub mod problem;
