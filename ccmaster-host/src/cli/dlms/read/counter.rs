//! The own invocation counter, kept in a file above all that may have been used.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use ccm_dlms::security::InvocationCounter;

use crate::cli::stop::Stop;

/// Where the counter's ceiling is stored, if anywhere.
#[derive(Clone, Debug)]
pub(super) struct Store(Option<PathBuf>);

impl Store {
    pub(super) const fn new(path: Option<PathBuf>) -> Self {
        Self(path)
    }

    /// The ceiling that was stored last; nothing without a file.
    pub(super) fn load(&self) -> Result<Option<u32>, Stop> {
        let Some(path) = self.0.as_deref().filter(|path| path.exists()) else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?;
        let ceiling = text.trim().parse();
        ceiling.map(Some).map_err(|_| Stop::Misuse(format!("{} holds no counter", path.display())))
    }

    /// A counter that goes on from `next`; with a file, only from what is stored there first.
    pub(super) fn counter(&self, next: u32) -> InvocationCounter {
        match self.0 {
            Some(_) => InvocationCounter::resume(next, MARGIN),
            None => InvocationCounter::volatile(next),
        }
    }

    /// Stores a ceiling so that a power cut finds the old one or the new one.
    pub(super) fn save(&self, ceiling: u32) -> Result<(), Stop> {
        let Some(path) = &self.0 else { return Ok(()) };
        replace(path, ceiling).map_err(|error| cannot("write", path, &error))
    }
}

fn replace(path: &Path, ceiling: u32) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = File::create(&new)?;
    writeln!(file, "{ceiling}")?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Stop {
    Stop::Misuse(format!("cannot {what} {}: {error}", path.display()))
}

/// Numbers that a power cut may leave out.
const MARGIN: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceiling_is_found_again_and_nothing_else_is_taken_for_one() {
        let path = std::env::temp_dir().join(format!("ccmaster-counter-{}", std::process::id()));
        let store = Store::new(Some(path.clone()));
        assert_eq!(store.load(), Ok(None));
        store.save(4_000_000_000).unwrap();
        assert_eq!(store.load(), Ok(Some(4_000_000_000)));
        assert_eq!(store.counter(7).due(), Some(7 + MARGIN), "nothing is used before it is stored");
        std::fs::write(&path, "many").unwrap();
        assert!(matches!(store.load(), Err(Stop::Misuse(_))));
        std::fs::remove_file(path).unwrap();
        assert_eq!(Store::new(None).counter(7).due(), None);
    }
}
