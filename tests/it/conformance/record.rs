//! What each case showed of each backend: one small file each, from which `testbed/matrix` makes its table.

use std::{fs, path::PathBuf, time::Instant};

/// What a case that did not fail has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The demand is met.
    Met,
    /// The driver does not claim to be able to, and refuses where somebody asks all the same.
    NotClaimed(&'static str),
}

/// What a case may give back: most have nothing to say but that they did not fail.
pub(crate) trait Showing {
    fn shown(self) -> Shown;
}

impl Showing for () {
    fn shown(self) -> Shown {
        Shown::Met
    }
}

impl Showing for Shown {
    fn shown(self) -> Shown {
        self
    }
}

/// A case that has begun. It counts as failed until something else is written.
#[derive(Debug)]
pub(crate) struct Entry {
    file: PathBuf,
    begun: Instant,
}

impl Entry {
    /// `module`: that of the subject, `…::conformance::<backend>` or below.
    pub(crate) fn open(module: &str, case: &str) -> Self {
        let subject = module
            .split_once("conformance::")
            .map_or(module, |(_, after)| after);
        let folder = folder().join(subject.replace("::", "."));
        fs::create_dir_all(&folder).unwrap();
        let entry = Self {
            file: folder.join(case),
            begun: Instant::now(),
        };
        entry.write("failed");
        entry
    }

    pub(crate) fn shown(self, shown: Shown) {
        match shown {
            Shown::Met => self.write("met"),
            Shown::NotClaimed(what) => self.write(&format!("not claimed: {what}")),
        }
    }

    /// This server cannot be asked for that.
    pub(crate) fn left_out(self, why: &str) {
        self.write(&format!("left out: {why}"));
    }

    fn write(&self, what: &str) {
        let line = format!("{what}\t{:.3}\n", self.begun.elapsed().as_secs_f64());
        fs::write(&self.file, line).unwrap();
    }
}

/// Where `testbed/matrix` looks.
fn folder() -> PathBuf {
    let given = std::env::var_os("GRACEKEY_CONFORMANCE_RECORD");
    given.map_or_else(
        || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("conformance"),
        PathBuf::from,
    )
}
