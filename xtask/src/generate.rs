//! Writes `docs/generated/` from what the server binary says of itself, or checks that it is up to date.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Each generated file and the server command that prints it.
const DOCUMENTS: [(&str, &[&str]); 4] = [
    ("openapi.json", &["openapi"]),
    ("errors.md", &["docs", "errors"]),
    ("scopes.md", &["docs", "scopes"]),
    ("config.md", &["docs", "config"]),
];

const FOLDER: &str = "docs/generated";

/// `gen [--check] [--bin PATH]`. Without `--bin` the binary is built and run by cargo.
pub fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let (check, binary) = options(args)?;
    let folder = root.join(FOLDER);
    let mut stale = Vec::new();
    for (name, command) in DOCUMENTS {
        let fresh = ask(root, binary, command)?;
        let path = folder.join(name);
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(difference) = first_difference(&written, &fresh) {
            if check {
                stale.push(format!("{FOLDER}/{name}: {difference}"));
            } else {
                std::fs::create_dir_all(&folder)
                    .and_then(|()| std::fs::write(&path, &fresh))
                    .map_err(|e| format!("{}: {e}", path.display()))?;
                println!("gen: wrote {FOLDER}/{name}");
            }
        }
    }
    if stale.is_empty() {
        println!("gen: {} documents are up to date", DOCUMENTS.len());
        return Ok(());
    }
    Err(format!("{}\ngen: out of date; run `make gen` and commit the result", stale.join("\n")))
}

fn options<'a>(args: &[&'a str]) -> Result<(bool, Option<&'a str>), String> {
    let (mut check, mut binary) = (false, None);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match *arg {
            "--check" => check = true,
            "--bin" => binary = Some(*rest.next().ok_or("gen: --bin wants a path")?),
            other => return Err(format!("gen: unknown option {other}")),
        }
    }
    Ok((check, binary))
}

/// What the server prints for `command`, which must not depend on this user's configuration.
fn ask(root: &Path, binary: Option<&str>, command: &[&str]) -> Result<String, String> {
    let mut process = match binary {
        Some(path) => Command::new(path),
        None => {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
            cargo.args(["run", "--quiet", "--package", "secondme-server", "--bin", "secondme", "--"]);
            cargo
        }
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SECONDME_")) {
        process.env_remove(name);
    }
    let asked = format!("secondme {}", command.join(" "));
    let output = process
        .args(command)
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("gen: could not run `{asked}`: {e}"))?;
    if !output.status.success() {
        return Err(format!("gen: `{asked}` failed ({})", output.status));
    }
    if output.stdout.is_empty() {
        return Err(format!("gen: `{asked}` printed nothing"));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("gen: `{asked}` did not print UTF-8"))
}

/// In words, where `fresh` first differs from what is `written`; nothing when they are the same.
fn first_difference(written: &str, fresh: &str) -> Option<String> {
    if written == fresh {
        return None;
    }
    if written.is_empty() {
        return Some("is missing".to_owned());
    }
    let same = written.lines().zip(fresh.lines()).take_while(|(a, b)| a == b).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(end of file)").to_owned();
    Some(format!("line {}: is `{}`, should be `{}`", same + 1, line(written), line(fresh)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_documents_do_not_differ() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
    }

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nc\n").as_deref(), Some("line 2: is `b`, should be `c`"));
        assert_eq!(first_difference("a\n", "a\nb\n").as_deref(), Some("line 2: is `(end of file)`, should be `b`"));
        assert_eq!(first_difference("", "a\n").as_deref(), Some("is missing"));
    }

    #[test]
    fn a_missing_newline_at_the_end_is_a_difference() {
        assert!(first_difference("a", "a\n").is_some());
    }

    #[test]
    fn options_are_read_in_any_order_and_unknown_ones_refused() {
        assert_eq!(options(&["--bin", "x", "--check"]), Ok((true, Some("x"))));
        assert_eq!(options(&[]), Ok((false, None)));
        assert!(options(&["--bin"]).is_err());
        assert!(options(&["--chek"]).is_err());
    }

    #[cfg(unix)]
    mod with_a_stand_in_for_the_server {
        use super::super::run;
        use std::os::unix::fs::PermissionsExt;
        use std::path::PathBuf;

        /// A folder under the system's temporary one, removed when dropped.
        struct Folder(PathBuf);

        impl Folder {
            fn new(name: &str) -> Self {
                let path = std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id()));
                std::fs::create_dir_all(&path).unwrap();
                Self(path)
            }

            fn script(&self, text: &str) -> String {
                let path = self.0.join("server");
                std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
                path.to_string_lossy().into_owned()
            }
        }

        impl Drop for Folder {
            fn drop(&mut self) {
                std::fs::remove_dir_all(&self.0).unwrap();
            }
        }

        #[test]
        fn what_was_written_passes_the_check_until_the_server_says_something_else() {
            let folder = Folder::new("stale");
            let server = folder.script("echo \"about $*\"");
            assert!(run(&folder.0, &["--check", "--bin", &server]).is_err(), "nothing is written yet");
            run(&folder.0, &["--bin", &server]).unwrap();
            let errors = std::fs::read_to_string(folder.0.join("docs/generated/errors.md")).unwrap();
            assert_eq!(errors, "about docs errors\n");
            run(&folder.0, &["--check", "--bin", &server]).unwrap();

            let server = folder.script("echo \"news about $*\"");
            let why = run(&folder.0, &["--check", "--bin", &server]).unwrap_err();
            assert!(why.contains("docs/generated/scopes.md: line 1"), "{why}");
            let errors = std::fs::read_to_string(folder.0.join("docs/generated/errors.md")).unwrap();
            assert_eq!(errors, "about docs errors\n", "a check must not write");
        }

        #[test]
        fn a_failing_or_silent_server_writes_nothing() {
            let folder = Folder::new("failing");
            let server = folder.script("exit 3");
            assert!(run(&folder.0, &["--bin", &server]).unwrap_err().contains("`secondme openapi` failed"));
            let server = folder.script("true");
            assert!(run(&folder.0, &["--bin", &server]).unwrap_err().contains("printed nothing"));
            assert!(!folder.0.join("docs").exists());
        }
    }
}
