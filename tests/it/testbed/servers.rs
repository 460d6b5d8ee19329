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

impl Gateway {
    /// As the script wrote it.
    fn of(env: &BTreeMap<String, String>) -> Self {
        let value = |name: &str| {
            env.get(name)
                .unwrap_or_else(|| panic!("the gateway's env lacks {name}"))
                .clone()
        };
        Self {
            endpoint: value("ENDPOINT"),
            region: value("REGION"),
            admin_uid: value("ADMIN_UID"),
            admin_access_key: value("ADMIN_ACCESS_KEY"),
            admin_secret_key: value("ADMIN_SECRET_KEY"),
        }
    }
}

/// The shared gateway: the one that `GRACEKEY_TEST_CEPH_ENV` names (a file as `testbed/ceph` writes it), else one of
/// our own, which ends with this process.
pub(crate) fn gateway() -> &'static Gateway {
    static GATEWAY: OnceLock<Gateway> = OnceLock::new();
    GATEWAY.get_or_init(|| Gateway::of(&given("GRACEKEY_TEST_CEPH_ENV").unwrap_or_else(|| start("ceph"))))
}

/// The shared gateway of Ceph 16.2; likewise, with `GRACEKEY_TEST_CEPH_16_ENV`.
pub(crate) fn gateway_16() -> &'static Gateway {
    static GATEWAY: OnceLock<Gateway> = OnceLock::new();
    let own = || start_as("ceph", "ceph-16", &["--part", "ceph-16"]);
    GATEWAY.get_or_init(|| Gateway::of(&given("GRACEKEY_TEST_CEPH_16_ENV").unwrap_or_else(own)))
}

/// The shared gateway of Ceph 20.2; likewise, with `GRACEKEY_TEST_CEPH_20_ENV`. Not to be asked for where
/// [`without_gateway_20`] says why.
pub(crate) fn gateway_20() -> &'static Gateway {
    static GATEWAY: OnceLock<Gateway> = OnceLock::new();
    let own = || start_as("ceph", "ceph-20", &["--part", "ceph-20"]);
    GATEWAY.get_or_init(|| Gateway::of(&given("GRACEKEY_TEST_CEPH_20_ENV").unwrap_or_else(own)))
}

/// Why there is no gateway of Ceph 20.2 here: its part comes from a suite that moves on.
pub(crate) fn without_gateway_20() -> Option<&'static str> {
    static WHY: OnceLock<Option<String>> = OnceLock::new();
    let ask = || match given("GRACEKEY_TEST_CEPH_20_ENV") {
        Some(_) => None,
        None => not_to_be_had("ceph-20"),
    };
    WHY.get_or_init(ask).as_deref()
}

/// Makes a part of the test bed where it is missing; says why, if its source no longer has it.
fn not_to_be_had(part: &str) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed/get");
    let output = Command::new(&script).arg(part).output();
    let output = output.unwrap_or_else(|e| panic!("{} cannot be run: {e}", script.display()));
    let told = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => None,
        // `NOT_TO_BE_HAD` of `testbed/lib.sh`; its last line is for a person.
        Some(3) => Some(
            told.lines()
                .last()
                .unwrap_or_default()
                .replace("testbed/get: ", ""),
        ),
        _ => panic!("{} {part} failed: {told}", script.display()),
    }
}

/// A real Garage server.
#[derive(Clone, Debug)]
pub(crate) struct Garage {
    /// The admin API.
    pub(crate) endpoint: String,
    pub(crate) s3_endpoint: String,
    pub(crate) region: String,
    /// Good for everything.
    pub(crate) admin_token: String,
}

/// The shared server: the one that `GRACEKEY_TEST_GARAGE_ENV` names (a file as `testbed/garage` writes it), else one of
/// our own, which ends with this process.
pub(crate) fn garage() -> &'static Garage {
    static GARAGE: OnceLock<Garage> = OnceLock::new();
    GARAGE.get_or_init(|| {
        let env = given("GRACEKEY_TEST_GARAGE_ENV").unwrap_or_else(|| start("garage"));
        let value = |name: &str| {
            env.get(name)
                .unwrap_or_else(|| panic!("Garage's env lacks {name}"))
                .clone()
        };
        Garage {
            endpoint: value("ENDPOINT"),
            s3_endpoint: value("S3_ENDPOINT"),
            region: value("REGION"),
            admin_token: value("ADMIN_TOKEN"),
        }
    })
}

/// A real server that speaks the IAM query API, and S3 at the same address.
#[derive(Clone, Debug)]
pub(crate) struct IamServer {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    /// Name of the admin user.
    pub(crate) admin_uid: String,
    pub(crate) admin_access_key: String,
    pub(crate) admin_secret_key: String,
    /// A policy that applications need.
    pub(crate) policy_arn: String,
}

/// The shared `SeaweedFS`: the one that `GRACEKEY_TEST_SEAWEEDFS_ENV` names (a file as `testbed/seaweedfs` writes it), else
/// one of our own, which ends with this process.
pub(crate) fn seaweedfs() -> &'static IamServer {
    static SERVER: OnceLock<IamServer> = OnceLock::new();
    SERVER.get_or_init(|| iam_server(given("GRACEKEY_TEST_SEAWEEDFS_ENV"), "seaweedfs"))
}

/// The shared moto, which imitates AWS; likewise, with `GRACEKEY_TEST_MOTO_ENV`.
pub(crate) fn moto() -> &'static IamServer {
    static SERVER: OnceLock<IamServer> = OnceLock::new();
    SERVER.get_or_init(|| iam_server(given("GRACEKEY_TEST_MOTO_ENV"), "moto"))
}

fn iam_server(env: Option<BTreeMap<String, String>>, script: &str) -> IamServer {
    let env = env.unwrap_or_else(|| start(script));
    let value = |name: &str| {
        env.get(name)
            .unwrap_or_else(|| panic!("the env of {script} lacks {name}"))
            .clone()
    };
    IamServer {
        endpoint: value("ENDPOINT"),
        region: value("REGION"),
        admin_uid: value("ADMIN_UID"),
        admin_access_key: value("ADMIN_ACCESS_KEY"),
        admin_secret_key: value("ADMIN_SECRET_KEY"),
        policy_arn: value("POLICY_ARN"),
    }
}

/// A real server with the admin API of `MinIO`.
#[derive(Clone, Debug)]
pub(crate) struct Minio {
    /// Admin API and S3.
    pub(crate) endpoint: String,
    pub(crate) region: String,
    /// The root user.
    pub(crate) admin_access_key: String,
    pub(crate) admin_secret_key: String,
}

impl Minio {
    /// As the script wrote it.
    fn of(env: &BTreeMap<String, String>) -> Self {
        let value = |name: &str| {
            env.get(name)
                .unwrap_or_else(|| panic!("the server's env lacks {name}"))
                .clone()
        };
        Self {
            endpoint: value("ENDPOINT"),
            region: value("REGION"),
            admin_access_key: value("ADMIN_ACCESS_KEY"),
            admin_secret_key: value("ADMIN_SECRET_KEY"),
        }
    }
}

/// The shared `MinIO` server: the one that `GRACEKEY_TEST_MINIO_ENV` names, else one of our own.
pub(crate) fn minio() -> &'static Minio {
    static MINIO: OnceLock<Minio> = OnceLock::new();
    MINIO.get_or_init(|| Minio::of(&given("GRACEKEY_TEST_MINIO_ENV").unwrap_or_else(|| start("minio"))))
}

/// The shared `JuiceFS` gateway: the one that `GRACEKEY_TEST_JUICEFS_ENV` names, else one of our own.
pub(crate) fn juicefs() -> &'static Minio {
    static JUICEFS: OnceLock<Minio> = OnceLock::new();
    JUICEFS.get_or_init(|| Minio::of(&given("GRACEKEY_TEST_JUICEFS_ENV").unwrap_or_else(|| start("juicefs"))))
}

/// Starts `testbed/NAME` in a run folder of this process and reads what it wrote about itself.
pub(super) fn start(name: &str) -> BTreeMap<String, String> {
    start_as(name, name, &[])
}

/// The same with options, in a run folder of another name: the script's and more.
fn start_as(script: &str, name: &str, options: &[&str]) -> BTreeMap<String, String> {
    let testbed = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed");
    let runs = runs();
    sweep(&testbed, &runs);
    let owner = std::process::id().to_string();
    let folder = runs.join(format!("{name}-{owner}"));
    let script = testbed.join(script);
    let status = Command::new(&script)
        .arg("up")
        .arg(&folder)
        .args(options)
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
const KINDS: &[Kind] = &[
    ("ceph", &[("ceph", "")]),
    ("control-plane", &[("control-plane", "")]),
    ("garage", &[("garage", "")]),
    ("juicefs", &[("juicefs", "")]),
    ("keystone", &[("keystone", "")]),
    ("minio", &[("minio", "")]),
    ("moto", &[("moto", "")]),
    ("node", &[("node", ""), ("ceph", "ceph"), ("control-plane", "")]),
    ("seaweedfs", &[("seaweedfs", "")]),
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
        assert_eq!(scripts("ceph-16-12"), Some((vec!["ceph"], "12")));
        assert_eq!(scripts("keystone-12"), Some((vec!["keystone"], "12")));
        assert_eq!(scripts("minio-12"), Some((vec!["minio"], "12")));
        let inside_out = vec!["node", "ceph", "control-plane"];
        assert_eq!(scripts("node-12"), Some((inside_out, "12")));
        assert_eq!(scripts("somebody-elses-12"), None);
    }
}
