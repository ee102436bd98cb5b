//! The `secondme` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    secondme_server::cli::main()
}
