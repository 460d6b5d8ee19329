//! The operator as a process of its own, and what can be seen of it from outside.

use crate::{Outcome, bed::Bed, scrape};
use gracekey::backend::http::{HttpClient, HttpOptions, TlsOptions};
use std::{
    fs::File,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Longest wait for anything here.
const LIMIT: Duration = Duration::from_mins(10);
/// Memory has settled when it moved by less than this part...
const STILL: f64 = 0.005;
/// ...in this many looks in a row, a look each half second.
const LOOKS: usize = 6;
const LOOK: Duration = Duration::from_millis(500);

/// The running operator; it ends when this is dropped, and with this process.
#[derive(Debug)]
pub(crate) struct Operator {
    child: Child,
    http: HttpClient,
    metrics: String,
    /// When it was started.
    pub(crate) begun: Instant,
}

impl Operator {
    /// Starts it with its defaults and waits until it has looked at the store.
    pub(crate) async fn start(bed: &Bed, program: &Path) -> Outcome<Self> {
        // Free now, and nobody else is likely to take it at once.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(bed.path("operator.log"))?;
        let begun = Instant::now();
        // Killed by the kernel when this process ends, even if it is killed itself.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program)
            .args(["run", "--http-address", &address.to_string()])
            .env("KUBECONFIG", bed.operator_kubeconfig())
            // As the image has it.
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let options = HttpOptions {
            tls: TlsOptions::default(),
            timeout: Duration::from_secs(5),
        };
        let mut operator = Self {
            child,
            http: HttpClient::new(&options)?,
            metrics: format!("http://{address}/metrics"),
            begun,
        };
        operator.until_reconciled("objectstore", 1.0).await?;
        Ok(operator)
    }

    /// Waits until that many reconciliations went through.
    pub(crate) async fn until_reconciled(&mut self, controller: &str, times: f64) -> Outcome<()> {
        let begun = Instant::now();
        while begun.elapsed() < LIMIT {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the operator ended: {status}").into());
            }
            if self.reconciled(controller).await.unwrap_or(0.0) >= times {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err(format!("{controller} was not reconciled {times} times").into())
    }

    async fn reconciled(&self, controller: &str) -> Outcome<f64> {
        let (controller, success) = (format!("controller=\"{controller}\""), "result=\"success\"");
        let name = "controller_runtime_reconcile_total{";
        Ok(scrape::sum(&self.text().await?, name, &[&controller, success]))
    }

    /// Calls to the store's admin API so far.
    pub(crate) async fn backend_calls(&self) -> Outcome<f64> {
        Ok(scrape::sum(
            &self.text().await?,
            "gracekey_backend_requests_total{",
            &[],
        ))
    }

    async fn text(&self) -> Outcome<String> {
        let request = http::Request::get(&self.metrics).body(Vec::new())?;
        let reply = self.http.send(request).await.map_err(|e| e.text)?;
        Ok(String::from_utf8(reply.body.to_vec())?)
    }

    /// Resident memory in MiB, once it holds still.
    pub(crate) async fn settled_memory(&self) -> Outcome<f64> {
        let (begun, mut still, mut last) = (Instant::now(), 0, self.memory("VmRSS")?);
        while still < LOOKS && begun.elapsed() < LIMIT {
            sleep(LOOK).await;
            let now = self.memory("VmRSS")?;
            still = if (now - last).abs() <= last * STILL {
                still + 1
            } else {
                0
            };
            last = now;
        }
        Ok(last)
    }

    /// A figure of `/proc/PID/status` in MiB.
    pub(crate) fn memory(&self, field: &str) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with(field));
        let kib = line
            .and_then(|line| line.split_whitespace().nth(1))
            .ok_or("no such field")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn processor(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        // A tick is a hundredth of a second on every Linux of today.
        Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        drop(self.child.wait());
    }
}
