//! The repository's own chores: layer checks, generated documents, benchmarks. Run as `cargo run -p xtask -- <chore>`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

use std::path::PathBuf;
use std::process::ExitCode;

mod bench;
mod generate;
mod layers;

const USAGE: &str = "usage: cargo run -p xtask -- <chore>
  layers                      check that imports only ever run downwards (and file names and sizes)
  gen [--check] [--bin PATH]  write, or with --check compare, docs/generated/ from the server binary
  bench [ARGS]                measure this machine";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["layers"] => root().and_then(|root| layers::run(&root)),
        ["gen", rest @ ..] => root().and_then(|root| generate::run(&root, rest)),
        ["bench", rest @ ..] => bench::run(rest),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root: the nearest folder at or above the current one that holds `Cargo.lock`.
fn root() -> Result<PathBuf, String> {
    let here = std::env::current_dir().map_err(|e| format!("no current folder: {e}"))?;
    here.ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .map(PathBuf::from)
        .ok_or_else(|| format!("{} is not inside the repository", here.display()))
}
