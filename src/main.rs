//! The `stepgate` command.

fn main() {}
