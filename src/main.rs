//! The `goroscope` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Variables that are not UTF-8 cannot be named in a config either.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    goroscope::cli::main(std::env::args_os(), environment)
}
