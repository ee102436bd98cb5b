//! A setting that the engine's thread library reads before `main` begins. See ADR 0010.

/// The variable of the OpenMP library that says how its threads wait for each other.
const POLICY: &str = "OMP_WAIT_POLICY";

/// Whether the engine's threads sleep while they wait.
pub(crate) fn threads_are_passive() -> bool {
    std::env::var_os(POLICY).is_some_and(|policy| policy.eq_ignore_ascii_case("passive"))
}

/// Makes sure that the engine's threads sleep while they wait instead of spinning, which costs a multiple of the work as soon
/// as anything else runs on the machine. The library reads that from the environment when the program is loaded, so the
/// program is executed once more in place (same process, same arguments) with `OMP_WAIT_POLICY=passive`, unless the variable
/// is set already. Call it first in `main`, and only where a model is embedded. Does nothing on other systems than Unix.
///
/// # Errors
/// What the system says when the program cannot be executed anew; going on is safe, only slower on a busy machine.
pub fn ensure_passive_threads() -> std::io::Result<()> {
    if std::env::var_os(POLICY).is_some() {
        return Ok(());
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let mut args = std::env::args_os();
        let mut command = std::process::Command::new(std::env::current_exe()?);
        if let Some(name) = args.next() {
            command.arg0(name);
        }
        Err(command.args(args).env(POLICY, "passive").exec())
    }
    #[cfg(not(unix))]
    Ok(())
}
