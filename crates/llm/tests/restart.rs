//! The program that executes itself anew: this test binary, started once more.

use std::process::Command;

use secondme_llm::ensure_passive_threads;

#[test]
#[ignore = "started by the test below"]
fn inner() {
    ensure_passive_threads().unwrap();
    println!("policy={:?}", std::env::var_os("OMP_WAIT_POLICY"));
}

#[test]
fn the_program_starts_once_more_with_the_variable_and_keeps_what_was_set() {
    for (given, expected) in [(None, "passive"), (Some("active"), "active")] {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--ignored", "--exact", "inner", "--nocapture"]).env_remove("OMP_WAIT_POLICY");
        if let Some(policy) = given {
            again.env("OMP_WAIT_POLICY", policy);
        }
        let output = again.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.matches(&format!("policy=Some(\"{expected}\")")).count(), 1, "{text}");
        assert_eq!(text.matches("running 1 test").count(), if given.is_some() { 1 } else { 2 }, "{text}");
    }
}
