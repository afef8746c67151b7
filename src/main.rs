//! The `goroscope` command.

fn main() {}
