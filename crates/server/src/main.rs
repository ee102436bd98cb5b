//! The `secondme` binary.

use std::process::ExitCode;

/// Requests allocate little and often, and are freed by other threads: ADR 0033.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    secondme_server::cli::main()
}
