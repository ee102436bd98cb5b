//! The machine: what it is, how busy it is, and how much of that is not ours.

use std::fs::{File, read_to_string};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::samples::Samples;

/// Clock ticks a second in `/proc`; Linux has not shown another value for decades.
const TICKS: f64 = 100.0;

/// Lines about the machine, the tools and the binary.
pub fn facts(root: &Path, bin: &Path, work: &Path) -> Vec<String> {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let size = std::fs::metadata(bin).map_or(0.0, |m| m.len() as f64 / 1e6);
    vec![
        format!("{} cores of {cpu}, {memory} memory, Linux {}", cores(), output("uname", &["-r"], root)),
        format!("{}; commit {}", output("rustc", &["--version"], root), commit(root)),
        format!("server binary {size:.1} MB; data folders on {}", disk(work)),
        "the load generator and the scripted upstream share the cores with the server; logs are at their default (`info`, one \
         line a request), written to a file"
            .to_owned(),
    ]
}

fn commit(root: &Path) -> String {
    let dirty = !output("git", &["status", "--porcelain", "--untracked-files=no"], root).is_empty();
    let commit = output("git", &["rev-parse", "--short", "HEAD"], root);
    if dirty { format!("{commit} with uncommitted changes") } else { commit }
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The first line of a program's output; empty when it cannot be had.
pub fn output(program: &str, args: &[&str], folder: &Path) -> String {
    let output = Command::new(program).args(args).current_dir(folder).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The file system's type and the time of one small durable write, which bounds every durable request.
fn disk(work: &Path) -> String {
    let kind = output("stat", &["-f", "-c", "%T", &work.display().to_string()], work);
    let mut samples = Samples::default();
    if let Ok(mut file) = File::create(work.join("sync")) {
        for _ in 0..200 {
            let begun = Instant::now();
            if file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).is_ok() {
                samples.add(begun.elapsed());
            }
        }
    }
    format!("{kind}, 4 KiB + fdatasync {:.2} ms (p50), {:.2} ms (p99)", samples.ms(0.5), samples.ms(0.99))
}

/// The three load averages.
pub fn load() -> String {
    let text = read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// A span of time, and the processor time that others used in it.
pub struct Meter {
    begun: Instant,
    busy: f64,
    own: f64,
}

impl Meter {
    /// Begins now.
    pub fn start() -> Self {
        Self { begun: Instant::now(), busy: busy(), own: own() }
    }

    /// Cores that anything but this process and its children kept busy.
    pub fn others(&self) -> f64 {
        let seconds = self.begun.elapsed().as_secs_f64().max(0.01);
        ((busy() - self.busy) - (own() - self.own)).max(0.0) / seconds
    }
}

/// Waits until others leave the cores alone for a moment, at most `limit`.
pub async fn wait_for_quiet(limit: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        let meter = Meter::start();
        tokio::time::sleep(Duration::from_millis(500)).await;
        if meter.others() < 0.15 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Busy seconds of all cores: user, nice, system, irq, softirq, steal.
fn busy() -> f64 {
    let text = read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> =
        text.lines().next().unwrap_or_default().split_whitespace().skip(1).flat_map(str::parse).collect();
    [0, 1, 2, 5, 6, 7].iter().filter_map(|i| fields.get(*i)).sum::<f64>() / TICKS
}

/// Processor seconds of this process, of its children that ended, and of those that run.
fn own() -> f64 {
    let me = std::process::id();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = processes.filter_map(|entry| {
        let (parent, seconds) = times(&entry.path().join("stat"))?;
        (parent == me).then_some(seconds)
    });
    children.sum::<f64>() + times(Path::new("/proc/self/stat")).map_or(0.0, |(_, seconds)| seconds)
}

/// The parent, and the seconds of a process with those of its ended children.
fn times(stat: &Path) -> Option<(u32, f64)> {
    let text = read_to_string(stat).ok()?;
    // The name, in brackets, may hold spaces.
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: f64 = fields.get(11..15)?.iter().flat_map(|f| f.parse::<f64>()).sum();
    Some((fields.get(1)?.parse().ok()?, ticks / TICKS))
}

/// Processor seconds of a running process so far, all its threads together.
pub fn processor(pid: u32) -> f64 {
    let text = read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = text.rsplit_once(") ").map(|(_, rest)| rest.split(' ').skip(11).take(2).flat_map(str::parse::<f64>));
    fields.map_or(0.0, Iterator::sum) / TICKS
}

/// Resident memory of a process in MB, and of that what is not a mapped file.
pub fn memory(pid: u32) -> (f64, f64) {
    let status = format!("/proc/{pid}/status");
    let mb = |name: &str| {
        let text = field(&status, name).unwrap_or_default();
        text.split(' ').next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0 / 1e6
    };
    (mb("VmRSS"), mb("RssAnon"))
}
