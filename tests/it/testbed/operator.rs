//! The operator as a process: the real program, started, killed, paused and stopped as a kubelet would, and read as
//! its users would. It ends with the thread that started it, and so with its test.

use super::Http;
use std::{
    fmt, fs,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};
use tokio::{net::TcpStream, time::Instant};

/// A start or a stop that takes longer than this has failed.
const START_LIMIT: Duration = Duration::from_secs(20);
/// What a kubelet, too, would be told to expect.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How an operator is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Launch {
    pub(crate) kubeconfig: PathBuf,
    /// Where its output goes, one after another start.
    pub(crate) log: PathBuf,
    /// Arguments of `gracekey run`.
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
}

/// A running operator, or one that was ended and can be started again.
pub(crate) struct Operator {
    launch: Launch,
    child: Option<Child>,
    address: String,
    /// How much of the log is of starts before this one.
    old_log: usize,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Operator({:?} at {})",
            self.child.as_ref().map(Child::id),
            self.address
        )
    }
}

impl Operator {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(launch: Launch) -> Self {
        let mut operator = Self {
            launch,
            child: None,
            address: String::new(),
            old_log: 0,
        };
        operator.restart().await;
        operator
    }

    /// Starts it again after it was ended, with the same options.
    pub(crate) async fn restart(&mut self) {
        self.restart_unready();
        self.wait_until_ready().await;
    }

    /// As [`restart`](Self::restart), without waiting for anything.
    pub(crate) fn restart_unready(&mut self) {
        assert!(self.child.is_none(), "the operator is still running");
        self.old_log = self.log().len();
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(&self.launch.log)
            .unwrap();
        // It must not outlive the test: unless it is stopped, the kernel ends it with the thread that starts it.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", env!("CARGO_BIN_EXE_gracekey"), "run"])
            .args(["--http-address", "127.0.0.1:0", "--log-format", "json"])
            .args(&self.launch.args)
            .env(
                "RUST_LOG",
                "info,gracekey=debug,kube_client=error,kube_lease_manager=info",
            )
            .env("KUBECONFIG", &self.launch.kubeconfig)
            .envs(self.launch.env.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap_or_else(|e| panic!("setpriv (of util-linux) cannot be run: {e}")));
        self.address.clear();
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + START_LIMIT;
        while self.readiness().await != Some(200) {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "the operator is not ready ({ended:?}):\n{}",
                self.log_end()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Status of `/readyz`; none as long as nobody answers.
    pub(crate) async fn readiness(&mut self) -> Option<u16> {
        if self.address.is_empty() {
            let log = self.log();
            // A line without its end is still being written.
            let served = log
                .get(self.old_log..)
                .unwrap_or_default()
                .split_inclusive('\n')
                .find(|line| line.contains("serving /metrics") && line.ends_with('\n'));
            let line: serde_json::Value = served
                .map(|line| serde_json::from_str(line).unwrap())
                .unwrap_or_default();
            self.address = line["address"].as_str().unwrap_or_default().to_owned();
        }
        if self.address.is_empty() {
            return None;
        }
        self.try_get("/readyz").await.map(|(status, _)| status)
    }

    /// Answer of its HTTP server; `None` if there is none.
    pub(crate) async fn try_get(&self, path: &str) -> Option<(u16, String)> {
        Http::new()
            .get(&format!("http://{}{path}", self.address))
            .await
            .ok()
    }

    /// A connection to its HTTP server, as a scraper keeps one.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// What `/metrics` prints.
    pub(crate) async fn metrics(&self) -> String {
        let (status, text) = self
            .try_get("/metrics")
            .await
            .expect("the operator serves metrics");
        assert_eq!(status, 200, "{text}");
        text
    }

    /// Sum of all samples of a metric whose labels contain all of these.
    pub(crate) async fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let text = self.metrics().await;
        let samples = text.lines().filter(|line| {
            line.split(['{', ' ']).next() == Some(name) && labels.iter().all(|label| line.contains(label))
        });
        samples
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM: it must end by itself, without an error, within five seconds.
    pub(crate) async fn stop(&mut self) {
        let begun = Instant::now();
        self.signal("TERM");
        let status = self.ended(STOP_LIMIT).await;
        assert!(
            status.success(),
            "the operator ended with {status} after a stop:\n{}",
            self.log_end()
        );
        assert!(begun.elapsed() <= STOP_LIMIT);
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let deadline = Instant::now() + limit;
        loop {
            let child = self.child.as_mut().expect("the operator runs");
            if let Some(status) = child.try_wait().unwrap() {
                self.child = None;
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the operator has not ended after {limit:?}:\n{}",
                self.log_end()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether its process is there.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// SIGSTOP: it stands still, and its connections with it.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("the operator runs").id().to_string();
        let run = Command::new("sh")
            .args(["-c", r#"kill -s "$1" "$2""#, "sh", name, &pid])
            .status();
        assert!(run.unwrap().success(), "the signal {name} was not sent");
    }

    /// Sends a signal by number at once, for hooks of the fault proxy: SIGKILL without waiting.
    pub(crate) fn killer(&self) -> impl Fn() + Send + Sync + 'static {
        let pid = self.child.as_ref().expect("the operator runs").id().to_string();
        move || {
            // It may have ended already.
            drop(
                Command::new("sh")
                    .args(["-c", r#"kill -s KILL "$1""#, "sh", &pid])
                    .stderr(Stdio::null())
                    .status(),
            );
        }
    }

    /// What `ps` shows of it to everybody on its host; nothing if it has ended.
    pub(crate) fn command_line(&self) -> String {
        let pid = self.child.as_ref().map(Child::id);
        let read = pid.and_then(|pid| fs::read(format!("/proc/{pid}/cmdline")).ok());
        String::from_utf8_lossy(&read.unwrap_or_default()).replace('\0', " ")
    }

    /// Everything that it ever wrote, all starts together.
    pub(crate) fn log(&self) -> String {
        fs::read(&self.launch.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The end of it, for people.
    pub(crate) fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Changes the options of the next start.
    pub(crate) fn launch_mut(&mut self) -> &mut Launch {
        &mut self.launch
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.kill();
    }
}
