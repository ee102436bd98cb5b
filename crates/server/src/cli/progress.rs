//! The progress of a download in a terminal: size, speed, time left; where there is no terminal, a line now and then.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use secondme_llm::catalogue::{Phase, Progress};

use super::say;

const TEMPLATE: &str = "{wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";

/// A progress bar on standard error.
pub(super) struct Bar {
    bar: ProgressBar,
    /// The last tenth that was printed where there is no terminal.
    tenth: AtomicU64,
}

impl Bar {
    pub(super) fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Self { bar, tenth: AtomicU64::new(0) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn phase(&self, phase: Phase) {
        let text = match phase {
            Phase::Waiting => "waiting for another process that fetches the same model".to_owned(),
            Phase::Downloading(source) => format!("from {source}"),
            Phase::Checking => "checking the sum".to_owned(),
            Phase::SourceFailed(attempt) => {
                format!("{} failed ({}); trying the next source", attempt.source, attempt.why)
            }
        };
        self.bar.suspend(|| say(&format!("  {text}")));
    }

    fn bytes(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        let tenth = done * 10 / total.max(1);
        if self.bar.is_hidden() && self.tenth.swap(tenth, Ordering::Relaxed) < tenth {
            say(&format!("  {} of {} MB", done / 1_000_000, total / 1_000_000));
        }
    }
}
