//! Private PostgreSQL servers from the installed binaries: nothing has to run beforehand, nothing stays behind.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use secondme_kit::Secret;

const WATCHDOG: &str = include_str!("watchdog.sh");

/// A PostgreSQL server on a unix socket in a folder of its own. It runs as an unprivileged user when we are root, and stops
/// soon after its last user has gone, however that ended.
pub struct PrivatePostgres {
    bin: PathBuf,
    dir: PathBuf,
    _users: File,
}

/// How a server of one's own is to be.
#[derive(Clone, Copy, Debug, Default)]
struct Kind<'k> {
    fsync: bool,
    /// Stops and goes away soon after its only user.
    own: bool,
    /// Options of its own, as the command line spells them.
    options: &'k str,
}

/// What a server shows of itself to those who ask for TLS: texts in PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its certificate, and those up to the authority's.
    pub certificate: String,
    /// The key of the certificate.
    pub key: String,
}

impl PrivatePostgres {
    /// A server of our own; `fsync` as in production, or off. `None` when PostgreSQL is not installed.
    pub fn start(fsync: bool) -> io::Result<Option<Self>> {
        let Some(bin) = binaries() else { return Ok(None) };
        let dir = tempfile::Builder::new().prefix("secondme-pg-").tempdir()?.keep();
        Self::join(&bin, dir, Kind { fsync, own: true, options: "" }).map(Some)
    }

    /// A server of our own on a port of 127.0.0.1, where it speaks TLS to those who want it.
    pub fn with_tls(identity: &Identity, port: u16) -> io::Result<Option<Self>> {
        let Some(bin) = binaries() else { return Ok(None) };
        let dir = tempfile::Builder::new().prefix("secondme-pg-").tempdir()?.keep();
        let user = unprivileged(&dir)?;
        for (name, text) in [("tls.crt", &identity.certificate), ("tls.key", &identity.key)] {
            let path = dir.join(name);
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            if let Some((uid, gid)) = user {
                chown(&path, Some(uid), Some(gid))?;
            }
        }
        let file = |name: &str| dir.join(name).display().to_string();
        let options = format!(
            "-h 127.0.0.1 -p {port} -c ssl=on -c ssl_cert_file={} -c ssl_key_file={}",
            file("tls.crt"),
            file("tls.key")
        );
        Self::join(&bin, dir, Kind { fsync: false, own: true, options: &options }).map(Some)
    }

    /// Stops the server as a power failure does and starts it again, with all that was committed. Others wait meanwhile.
    pub fn crash_and_start(&self) -> io::Result<()> {
        let user = unprivileged(&self.dir)?;
        let mut said = String::new();
        for _ in 0..60 {
            let mut command = Command::new(self.bin.join("pg_ctl"));
            command.arg("-D").arg(self.dir.join("data")).args(["-w", "-m", "immediate", "restart"]);
            // Its options, which are used again, name the folder as it is seen from there.
            command.arg("-l").arg(self.dir.join("server.log")).current_dir(&self.dir);
            // Not through a pipe, which the server would hold open as long as it lives.
            let heard = tempfile::tempfile()?;
            command.stdin(Stdio::null()).stdout(heard.try_clone()?).stderr(heard.try_clone()?);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            if command.status()?.success() {
                return Ok(());
            }
            said = read_again(heard)?;
            // On a busy machine the last of the old processes may still be there; then the new server does not start.
            std::thread::sleep(Duration::from_millis(500));
        }
        Err(io::Error::other(format!("PostgreSQL did not start again: {said}")))
    }

    /// The server that every test process of this user shares. `None` when PostgreSQL is not installed.
    pub fn shared() -> io::Result<Option<Self>> {
        let Some(bin) = binaries() else { return Ok(None) };
        let me = fs::metadata("/proc/self").map_or(0, |m| m.uid());
        let dir = std::env::temp_dir().join(format!("secondme-test-pg-{me}"));
        fs::create_dir_all(&dir)?;
        Self::join(&bin, dir, Kind::default()).map(Some)
    }

    /// Where `database` of this server is.
    pub fn url(&self, database: &str) -> Secret {
        Secret::new(format!("host={} user=postgres dbname={database}", self.dir.display()))
    }

    fn join(bin: &Path, dir: PathBuf, kind: Kind<'_>) -> io::Result<Self> {
        let user = unprivileged(&dir)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
        if let Some((uid, gid)) = user {
            chown(&dir, Some(uid), Some(gid))?;
        }
        let start = open(&dir, "start.lock")?;
        start.lock()?;
        let users = open(&dir, "users.lock")?;
        users.lock_shared()?;
        let alive = open(&dir, "alive.lock")?;
        match alive.try_lock() {
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(e)) => return Err(e),
            Ok(()) => {
                alive.unlock()?;
                launch(bin, &dir, user, kind)?;
            }
        }
        Ok(Self { bin: bin.to_owned(), dir, _users: users })
    }
}

fn read_again(mut file: File) -> io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text)
}

fn open(dir: &Path, name: &str) -> io::Result<File> {
    let path = dir.join(name);
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
    // The server's user must be able to lock it too.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    Ok(file)
}

fn launch(bin: &Path, dir: &Path, user: Option<(u32, u32)>, kind: Kind<'_>) -> io::Result<()> {
    let Kind { fsync, own, options } = kind;
    for old in ["ready", "failed"] {
        let _ = fs::remove_file(dir.join(old));
    }
    let mut command = Command::new("setsid");
    command.args(["sh", "-c", WATCHDOG, "secondme-test-pg"]).arg(bin).arg(dir);
    command.args([if own { "1" } else { "15" }, if fsync { "on" } else { "off" }, if own { "remove" } else { "keep" }]);
    command.arg(options);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    let mut child = command.spawn()?;
    for _ in 0..1_500 {
        if dir.join("ready").exists() {
            return Ok(());
        }
        if dir.join("failed").exists() || child.try_wait()?.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = fs::read_to_string(dir.join("start.log")).unwrap_or_default();
    Err(io::Error::other(format!("PostgreSQL did not start in {}: {log}", dir.display())))
}

/// Whom the server runs as when we are root, which PostgreSQL refuses to be.
fn unprivileged(dir: &Path) -> io::Result<Option<(u32, u32)>> {
    let probe = tempfile::NamedTempFile::new_in(dir.parent().unwrap_or(dir))?;
    if probe.as_file().metadata()?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(|id| id.parse().ok());
        Some((fields.next()??, fields.next()??))
    };
    Ok(Some(ids("postgres").or_else(|| ids("nobody")).unwrap_or((65_534, 65_534))))
}

/// The folder with `initdb` and `pg_ctl`: `SECONDME_PG_BIN`, the search path, or the newest that Debian installed.
fn binaries() -> Option<PathBuf> {
    let named = std::env::var_os("SECONDME_PG_BIN").map(PathBuf::from);
    let path: OsString = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<_> =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path()).collect();
    debian.sort_by_key(|dir| dir.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let debian = debian.into_iter().rev().map(|dir| dir.join("bin"));
    let mut all = named.into_iter().chain(std::env::split_paths(&path)).chain(debian);
    all.find(|dir| dir.join("initdb").exists() && dir.join("pg_ctl").exists())
}
