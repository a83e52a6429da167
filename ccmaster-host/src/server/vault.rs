//! What DLMS clients need of a host: chance, and a file for their invocation counters.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ccm_hub::{Vault, VaultError};

/// Keeps invocation counters in a file, and hands them out to all ports. Copies share it.
///
/// A number used twice with one key breaks the cipher. So the file holds numbers *above* all that may have been used, one
/// a line behind the client's system title, and is on the disk before any of them is used. It is not to be put back from a
/// backup; where it is lost, give the client another system title.
#[derive(Clone, Debug)]
pub struct FileVault(Rc<RefCell<Counters>>);

#[derive(Debug)]
struct Counters {
    /// Nothing where they live as long as the program: for simulated meters only.
    path: Option<PathBuf>,
    free: Option<BTreeMap<u64, u32>>,
}

impl FileVault {
    /// Keeps them in this file, which need not be there yet. Nothing is read before a meter needs it.
    pub fn new(path: PathBuf) -> Self {
        Self(Rc::new(RefCell::new(Counters { path: Some(path), free: None })))
    }

    /// Keeps them for as long as the program runs: for meters that do not live longer either.
    pub fn volatile() -> Self {
        Self(Rc::new(RefCell::new(Counters { path: None, free: Some(BTreeMap::new()) })))
    }
}

impl Vault for FileVault {
    fn fill_random(&mut self, bytes: &mut [u8]) -> Result<(), VaultError> {
        let read = File::open("/dev/urandom").and_then(|mut chance| chance.read_exact(bytes));
        read.map_err(|error| {
            tracing::error!("there are no random numbers: {error}");
            VaultError
        })
    }

    fn reserve(&mut self, title: &[u8; 8], least: u32, count: u32) -> Result<u32, VaultError> {
        let mut counters = self.0.borrow_mut();
        counters.reserve(u64::from_be_bytes(*title), least, count).map_err(|error| {
            let path = counters.path.as_deref().unwrap_or(Path::new("memory"));
            tracing::error!("the invocation counters in {} cannot be kept: {error}", path.display());
            VaultError
        })
    }
}

impl Counters {
    fn reserve(&mut self, title: u64, least: u32, count: u32) -> io::Result<u32> {
        let mut free = match (&self.free, &self.path) {
            (Some(free), _) => free.clone(),
            (None, Some(path)) => read(path)?,
            (None, None) => BTreeMap::new(),
        };
        let first = free.get(&title).copied().unwrap_or_default().max(least);
        let next = first.checked_add(count).ok_or_else(|| {
            io::Error::other(format!("those of {title:016X} are at their end; the meter needs another key"))
        })?;
        free.insert(title, next);
        if let Some(path) = &self.path {
            write(path, &free)?;
        }
        self.free = Some(free);
        Ok(first)
    }
}

/// What cannot be understood is no reason to begin anew.
fn read(path: &Path) -> io::Result<BTreeMap<u64, u32>> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        text => text?,
    };
    let counter = |line: &str| {
        let (title, next) = line.split_once(' ')?;
        Some((u64::from_str_radix(title, 16).ok()?, next.parse().ok()?))
    };
    let counters = text.lines().map(|line| counter(line).ok_or(line));
    counters.collect::<Result<_, _>>().map_err(|line| {
        io::Error::new(io::ErrorKind::InvalidData, format!("\"{line}\" is no system title and number"))
    })
}

/// The new file is on the disk before it takes the place of the old one: a power cut leaves either.
fn write(path: &Path, counters: &BTreeMap<u64, u32>) -> io::Result<()> {
    let mut text = String::new();
    for (title, next) in counters {
        writeln!(text, "{title:016X} {next}").map_err(io::Error::other)?;
    }
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("ccmaster-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    #[test]
    fn no_number_is_given_twice_whatever_happens_in_between() {
        let path = path("counters");
        let (one, other) = (*b"CCC00001", *b"CCC00002");
        let mut vault = FileVault::new(path.clone());
        assert_eq!(vault.reserve(&one, 1, 256), Ok(1));
        assert_eq!(vault.clone().reserve(&one, 1, 256), Ok(257), "another port with the same title");
        assert_eq!(vault.reserve(&other, 1, 256), Ok(1));
        let mut after_restart = FileVault::new(path.clone());
        assert_eq!(after_restart.reserve(&one, 1, 256), Ok(513));
        assert_eq!(after_restart.reserve(&one, 10_000, 256), Ok(10_000), "the meter has seen more");
        assert_eq!(after_restart.reserve(&one, u32::MAX - 3, 256), Err(VaultError));
        assert_eq!(FileVault::new(path.clone()).reserve(&one, 1, 256), Ok(10_256));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_is_damaged_or_cannot_be_written_gives_no_number() {
        let path = path("damaged");
        std::fs::write(&path, "4343433030303031 12x\n").unwrap();
        assert_eq!(FileVault::new(path.clone()).reserve(b"CCC00001", 1, 256), Err(VaultError));
        std::fs::remove_file(&path).unwrap();
        let nowhere = path.join("nowhere");
        assert_eq!(FileVault::new(nowhere).reserve(b"CCC00001", 1, 256), Err(VaultError));
    }

    #[test]
    fn challenges_differ() {
        let (mut one, mut other) = ([0; 16], [0; 16]);
        FileVault::volatile().fill_random(&mut one).unwrap();
        FileVault::volatile().fill_random(&mut other).unwrap();
        assert_ne!(one, other);
    }
}
