//! One test binary, a module a room.

mod config;
