//! Servers of the test bed, each started at most once and shared by all tests of the process.

use std::{collections::BTreeMap, path::Path, process::Command, sync::OnceLock};

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
    let runs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runs");
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

/// Removes run folders whose owners have ended; their servers have ended with them.
fn sweep(testbed: &Path, runs: &Path) {
    let Ok(folders) = std::fs::read_dir(runs) else {
        return;
    };
    for folder in folders.flatten().map(|entry| entry.path()) {
        let Some((name, owner)) = folder.file_name().and_then(|n| n.to_str()?.rsplit_once('-')) else {
            continue;
        };
        if !Path::new("/proc").join(owner).exists() {
            // Two processes may sweep at once: whoever comes second finds nothing.
            drop(
                Command::new(testbed.join(name))
                    .arg("down")
                    .arg(&folder)
                    .arg("--purge")
                    .status(),
            );
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
