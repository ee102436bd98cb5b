//! The place for `make bench`. Nothing is measured here yet.

/// Runs the benchmarks that `args` name, or all of them.
pub fn run(_args: &[&str]) -> Result<(), String> {
    Err("bench: not written yet".to_owned())
}
