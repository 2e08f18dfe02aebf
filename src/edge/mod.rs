//! The edge: where requests come in and answers go out.

pub mod local_path;
pub mod pages;
