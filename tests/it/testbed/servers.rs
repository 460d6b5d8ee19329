//! Servers of the test bed, each started at most once and shared by all tests of the process.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// A real Ceph RADOS Gateway.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    /// Admin Ops API and S3.
    pub(crate) endpoint: String,
    pub(crate) region: String,
    /// Name of the admin user.
    pub(crate) admin_uid: String,
    pub(crate) admin_access_key: String,
    pub(crate) admin_secret_key: String,
}

/// The shared gateway: the one that `GRACEKEY_TEST_CEPH_ENV` names (a file as `testbed/ceph` writes it), else one of
/// our own, which ends with this process.
pub(crate) fn gateway() -> &'static Gateway {
    static GATEWAY: OnceLock<Gateway> = OnceLock::new();
    GATEWAY.get_or_init(|| {
        let env = given("GRACEKEY_TEST_CEPH_ENV").unwrap_or_else(|| start("ceph"));
        let value = |name: &str| {
            env.get(name)
                .unwrap_or_else(|| panic!("the gateway's env lacks {name}"))
                .clone()
        };
        Gateway {
            endpoint: value("ENDPOINT"),
            region: value("REGION"),
            admin_uid: value("ADMIN_UID"),
            admin_access_key: value("ADMIN_ACCESS_KEY"),
            admin_secret_key: value("ADMIN_SECRET_KEY"),
        }
    })
}

/// Starts `testbed/NAME` in a run folder of this process and reads what it wrote about itself.
pub(super) fn start(name: &str) -> BTreeMap<String, String> {
    let testbed = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed");
    let runs = runs();
    sweep(&testbed, &runs);
    let owner = std::process::id().to_string();
    let folder = runs.join(format!("{name}-{owner}"));
    let script = testbed.join(name);
    let status = Command::new(&script)
        .arg("up")
        .arg(&folder)
        .args(["--owner", &owner])
        .status();
    let status = status.unwrap_or_else(|e| panic!("{} cannot be run: {e}", script.display()));
    assert!(
        status.success(),
        "{} up failed: see its messages above",
        script.display()
    );
    read(&folder.join("env"))
}

/// Folder in which everything of a test process runs; the next one removes what is left of it.
pub(crate) fn runs() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("runs")
}

/// What is taken down of a run folder of this kind: script and subfolder, the innermost first.
type Kind = (&'static str, &'static [(&'static str, &'static str)]);
const KINDS: [Kind; 3] = [
    ("control-plane", &[("control-plane", "")]),
    ("ceph", &[("ceph", "")]),
    ("node", &[("node", ""), ("ceph", "ceph"), ("control-plane", "")]),
];

/// The parts of a run folder, and the process that it belongs to.
fn parse(folder: &str) -> Option<(Kind, &str)> {
    let kind = KINDS.iter().find(|(kind, _)| {
        folder
            .strip_prefix(kind)
            .is_some_and(|rest| rest.starts_with('-'))
    })?;
    Some((*kind, folder.rsplit_once('-')?.1))
}

/// Removes run folders whose owners have ended; their servers have ended with them.
fn sweep(testbed: &Path, runs: &Path) {
    let Ok(folders) = std::fs::read_dir(runs) else {
        return;
    };
    for folder in folders.flatten().map(|entry| entry.path()) {
        let Some(((_, parts), owner)) = folder.file_name().and_then(|name| parse(name.to_str()?)) else {
            continue;
        };
        if Path::new("/proc").join(owner).exists() {
            continue;
        }
        for (script, part) in parts {
            let mut down = Command::new(testbed.join(script));
            down.arg("down").arg(folder.join(part)).arg("--purge");
            // Two processes may sweep at once: whoever comes second finds nothing.
            drop(down.status());
        }
    }
}

pub(super) fn given(variable: &str) -> Option<BTreeMap<String, String>> {
    #[expect(clippy::disallowed_methods, reason = "tests have no cli.rs")]
    let file = std::env::var(variable).ok()?;
    Some(read(Path::new(&file)))
}

/// Lines of `KEY=VALUE`, without quotes.
fn read(file: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    text.lines()
        .filter_map(|l| l.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

mod tests {
    use super::parse;

    #[test]
    fn a_run_folder_tells_what_runs_in_it_and_for_whom() {
        let scripts = |folder| {
            let ((_, parts), owner) = parse(folder)?;
            let scripts: Vec<&str> = parts.iter().map(|(script, _)| *script).collect();
            Some((scripts, owner))
        };
        assert_eq!(scripts("control-plane-12"), Some((vec!["control-plane"], "12")));
        assert_eq!(scripts("ceph-3-12"), Some((vec!["ceph"], "12")));
        let inside_out = vec!["node", "ceph", "control-plane"];
        assert_eq!(scripts("node-12"), Some((inside_out, "12")));
        assert_eq!(scripts("somebody-elses-12"), None);
    }
}
