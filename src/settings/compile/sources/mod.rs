//! `session.NAME` of each source of subjects.

pub(super) mod jwt;
pub(super) mod whoami;
