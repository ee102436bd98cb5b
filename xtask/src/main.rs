//! The repository's own chores: layer checks, generated documents, benchmarks. Run as `cargo run -p xtask -- <chore>`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[cfg(feature = "bench")]
mod bench;
mod generate;
mod layers;

const USAGE: &str = "usage: cargo run -p xtask -- <chore>
  layers                      check that imports only ever run downwards (and file names and sizes)
  gen [--check] [--bin PATH]  write, or with --check compare, docs/generated/ from the server binary
  bench [--help]              measure this machine (several minutes)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["layers"] => root().and_then(|root| layers::run(&root)),
        ["gen", rest @ ..] => root().and_then(|root| generate::run(&root, rest)),
        ["bench", rest @ ..] => root().and_then(|root| bench(&root, rest)),
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

#[cfg(feature = "bench")]
fn bench(root: &Path, args: &[&str]) -> Result<(), String> {
    bench::run(root, args)
}

/// The benchmark is behind a feature, so that the other chores do not wait for its dependencies: this starts it through cargo.
#[cfg(not(feature = "bench"))]
fn bench(root: &Path, args: &[&str]) -> Result<(), String> {
    let status = std::process::Command::new("cargo")
        .current_dir(root)
        .args(["run", "--release", "--package", "xtask", "--features", "bench", "--", "bench"])
        .args(args)
        .status()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("bench: {status}")) }
}

/// The repository's root: the nearest folder at or above the current one that holds `Cargo.lock`.
fn root() -> Result<PathBuf, String> {
    let here = std::env::current_dir().map_err(|e| format!("no current folder: {e}"))?;
    here.ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .map(PathBuf::from)
        .ok_or_else(|| format!("{} is not inside the repository", here.display()))
}
