//! What was measured: printed as it comes, kept as Markdown, and held against the goals at the end.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::machine::{self, Meter};
use super::samples::median;

/// Above this many cores used by others, figures are marked.
const NOISY: f64 = 0.25;

/// A bound that a figure is held against.
#[derive(Clone, Copy)]
pub enum Goal {
    /// No less than this.
    AtLeast(f64),
    /// No more than this.
    AtMost(f64),
}

struct Outcome {
    what: String,
    goal: Goal,
    reached: f64,
    unit: &'static str,
}

/// The results of a run.
pub struct Report {
    markdown: String,
    outcomes: Vec<Outcome>,
    section: Option<Section>,
    noisy: bool,
    /// How long to wait for quiet before a round, and in all to repeat rounds that were disturbed.
    patience: Duration,
}

/// The section that is being measured.
struct Section {
    title: String,
    load_before: String,
    /// Cores that others used in each round that counts.
    others: Vec<f64>,
    repeated: usize,
}

impl Report {
    /// An empty report that begins with the machine's facts.
    pub fn new(facts: &[String], command: &str, patience: Duration) -> Self {
        let now = machine::output("date", &["-u", "+%Y-%m-%d %H:%M UTC"], Path::new("/"));
        let mut report = Self { markdown: String::new(), outcomes: Vec::new(), section: None, noisy: false, patience };
        report.line(&format!("## {now}\n"));
        for fact in facts {
            report.line(&format!("- {fact}"));
        }
        report.line(&format!("- command: `{}`", command.replace(" ARGS=\"\"", "")));
        report
    }

    /// Begins a section.
    pub fn begin(&mut self, title: &str, commands: &[String]) {
        self.line(&format!("\n### {title}\n"));
        for command in commands {
            self.line(&format!("    {command}"));
        }
        self.line("\n| figure | median |\n|---|---|");
        self.section =
            Some(Section { title: title.to_owned(), load_before: machine::load(), others: Vec::new(), repeated: 0 });
    }

    /// Runs a round while others leave the cores alone: waits for that first, and repeats a round that was disturbed.
    /// When patience ends, the round counts all the same, and the section says so.
    pub async fn round<T>(&mut self, mut measure: impl AsyncFnMut() -> Result<T, String>) -> Result<T, String> {
        let begun = Instant::now();
        loop {
            machine::wait_for_quiet(self.patience.saturating_sub(begun.elapsed())).await;
            let meter = Meter::start();
            let result = measure().await?;
            let others = meter.others();
            let Some(section) = &mut self.section else { return Ok(result) };
            if others <= NOISY || begun.elapsed() >= self.patience {
                section.others.push(others);
                return Ok(result);
            }
            section.repeated += 1;
        }
    }

    /// One figure of the section.
    pub fn row(&mut self, what: &str, value: &str) {
        self.line(&format!("| {what} | {value} |"));
    }

    /// Ends the section with the load of the machine; figures taken beside much other load are marked as such.
    pub fn end(&mut self) {
        let Some(Section { title, load_before, others, repeated }) = self.section.take() else { return };
        let (rounds, worst) = (others.len(), others.iter().copied().fold(0.0, f64::max));
        let others = median(others);
        self.line(&format!(
            "\nLoad average before {load_before}, after {} (this run's own load included). Others used {others:.2} cores in the \
             median of {rounds} rounds, {worst:.2} in the worst; {repeated} rounds were repeated because of others.",
            machine::load()
        ));
        if others > NOISY {
            self.noisy = true;
            self.line(&format!(
                "**{title}: others kept {others:.2} cores busy; repeat this when the machine is quiet.**"
            ));
        }
    }

    /// A sentence of its own.
    pub fn note(&mut self, text: &str) {
        self.line(&format!("\n{text}"));
    }

    /// Holds a figure against its goal.
    pub fn goal(&mut self, what: &str, goal: Goal, reached: f64, unit: &'static str) {
        self.outcomes.push(Outcome { what: what.to_owned(), goal, reached, unit });
    }

    /// The table of goals.
    pub fn finish(&mut self) {
        self.line("\n### Goals\n\n| what | goal | reached | met? |\n|---|---|---|---|");
        for Outcome { what, goal, reached, unit } in std::mem::take(&mut self.outcomes) {
            let (sign, bound, met) = match goal {
                Goal::AtLeast(bound) => ("≥", bound, reached >= bound),
                Goal::AtMost(bound) => ("≤", bound, reached <= bound),
            };
            let met = if met { "yes" } else { "**no**" };
            self.line(&format!("| {what} | {sign} {}{unit} | {}{unit} | {met} |", number(bound), number(reached)));
        }
        if self.noisy {
            self.line("\n**Some sections were measured beside other load: see their notes.**");
        }
    }

    /// Appends the report to a file, below what earlier runs wrote.
    pub fn append_to(&self, path: &Path) -> Result<(), String> {
        let mut text = std::fs::read_to_string(path).unwrap_or_else(|_| "# Benchmarks\n".to_owned());
        let _ = write!(text, "\n{}", self.markdown);
        std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("\nappended to {}", path.display());
        Ok(())
    }

    fn line(&mut self, text: &str) {
        println!("{text}");
        self.markdown.push_str(text);
        self.markdown.push('\n');
    }
}

/// As many digits as say something; thousands are set apart.
pub fn number(value: f64) -> String {
    if value.abs() < 10.0 {
        return format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    if value.abs() < 1_000.0 {
        return format!("{value:.1}").trim_end_matches(".0").to_owned();
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}
