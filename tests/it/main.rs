//! One test binary, a module a room.
