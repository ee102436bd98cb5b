//! Settings that libraries read before `main` begins. See ADR 0010 and ADR 0033.

/// The variable of the OpenMP library that says how its threads wait for each other.
const POLICY: &str = "OMP_WAIT_POLICY";

/// Whether the engine's threads sleep while they wait.
pub(crate) fn threads_are_passive() -> bool {
    std::env::var_os(POLICY).is_some_and(|policy| policy.eq_ignore_ascii_case("passive"))
}

/// Says that the engine's threads sleep while they wait instead of spinning, which costs a multiple of the work as soon as
/// anything else runs on the machine.
pub const PASSIVE_THREADS: (&str, &str) = (POLICY, "passive");

/// [`ensure_environment`] for [`PASSIVE_THREADS`].
///
/// # Errors
/// As [`ensure_environment`].
pub fn ensure_passive_threads() -> std::io::Result<()> {
    ensure_environment(&[PASSIVE_THREADS])
}

/// Makes sure that variables are set that libraries read when the program is loaded, before `main`: the program is executed once
/// more in place (same process, same arguments) with those that are missing. What is set already stays as it is. Call it first
/// in `main`. Does nothing on other systems than Unix.
///
/// # Errors
/// What the system says when the program cannot be executed anew; going on is safe, with the libraries' defaults.
pub fn ensure_environment(variables: &[(&str, &str)]) -> std::io::Result<()> {
    let missing: Vec<_> = variables.iter().filter(|(name, _)| std::env::var_os(name).is_none()).copied().collect();
    if missing.is_empty() {
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
        Err(command.args(args).envs(missing).exec())
    }
    #[cfg(not(unix))]
    Ok(())
}
