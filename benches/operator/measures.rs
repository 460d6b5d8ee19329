//! What is measured, one function each.

use crate::{
    Outcome, Sizes,
    bare::Bare,
    bed::Bed,
    cluster::{self, NAMESPACE},
    operator::Operator,
    scrape::Requests,
    stats::{Goal, Samples, Table},
};
use futures::TryStreamExt;
use gracekey::names;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    core::PartialObjectMeta,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use std::{path::PathBuf, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

/// Rotations in a row, of which the median counts.
const ROTATIONS: usize = 9;
/// Between two rotations, so that each finds everybody idle.
const IDLE: Duration = Duration::from_millis(500);
/// MiB that the operator may take, with 5 000 users and as many Secrets of others.
const MEMORY: f64 = 32.0;

/// All measures, on one bed.
pub(crate) struct Bench<'a> {
    pub(crate) bed: &'a Bed,
    pub(crate) admin: Client,
    pub(crate) bare: Bare,
    /// The operator's program.
    pub(crate) program: PathBuf,
    pub(crate) sizes: Sizes,
    pub(crate) table: Table,
    /// What a reader of the table wants to know besides.
    pub(crate) notes: Vec<String>,
}

impl Bench<'_> {
    /// Rounds of new users, by the operator and by the bare client in turn; memory and rotations on the way.
    pub(crate) async fn rounds(&mut self) -> Outcome<()> {
        let mut of: [Samples; 8] = Default::default();
        let users = self.sizes.users;
        for round in 1..=self.sizes.rounds {
            let [bare_rate, rate, ratio, empty, full, latency, own, above] = &mut of;
            let label = format!("bare-{round}");
            let taken = self.bare_round(&label, round == 1).await?;
            bare_rate.push(per_second(users, taken));
            let mut operator = Operator::start(self.bed, &self.program).await?;
            empty.push(operator.settled_memory().await?);
            let label = format!("user-{round}");
            let took = self.operator_round(&operator, &label, round == 1).await?;
            rate.push(per_second(users, took));
            ratio.push(100.0 * taken.as_secs_f64() / took.as_secs_f64());
            full.push(operator.settled_memory().await?);
            let (all, backend) = self.rotations(&label).await?;
            latency.push(all);
            own.push(backend);
            above.push(all - backend);
            say(&format!(
                "round {round}: {:.1} users/s, bare client {:.1}; rotation {all:.0} ms, backend {backend:.0} ms",
                per_second(users, took),
                per_second(users, taken)
            ));
            operator.until_reconciled("objectuser", 1.0).await?;
            cluster::delete_users(&self.admin, &label).await?;
        }
        let [bare_rate, rate, ratio, empty, full, latency, own, above] = of;
        let table = &mut self.table;
        table.put(format!("{users} users to Ready: operator"), "users/s", rate, None);
        table.put(
            format!("{users} users to Ready: bare client"),
            "users/s",
            bare_rate,
            None,
        );
        table.put(
            "operator against bare client",
            "%",
            ratio,
            Some(Goal::AtLeast(70.0)),
        );
        table.put("annotation to published key, idle", "ms", latency, None);
        table.put("the backend's own calls for it", "ms", own, None);
        table.put("on top of the backend", "ms", above, Some(Goal::AtMost(100.0)));
        table.put("memory, no users", "MiB", empty, Some(Goal::AtMost(MEMORY)));
        let goal = Some(Goal::AtMost(MEMORY));
        table.put(format!("memory, {users} users just made"), "MiB", full, goal);
        Ok(())
    }

    async fn bare_round(&mut self, label: &str, count: bool) -> Outcome<Duration> {
        let before = Requests::so_far(&self.admin).await?;
        let users = self.sizes.users;
        let (send, receive) = mpsc::unbounded_channel();
        let begun = Instant::now();
        let (ready, (), ()) = futures::try_join!(
            cluster::ready(&self.admin, label, users),
            cluster::apply_users(&self.admin, label, users, Some(send)),
            self.bare.provide(receive),
        )?;
        if count {
            let requests = Requests::so_far(&self.admin).await?.since(&before);
            self.note_requests("bare client", requests, None);
        }
        cluster::release_users(&self.admin, label).await?;
        cluster::delete_users(&self.admin, label).await?;
        Ok(ready - begun)
    }

    async fn operator_round(&mut self, operator: &Operator, label: &str, count: bool) -> Outcome<Duration> {
        let before = Requests::so_far(&self.admin).await?;
        let (calls, processor) = (operator.backend_calls().await?, operator.processor()?);
        let users = self.sizes.users;
        let begun = Instant::now();
        let (ready, ()) = futures::try_join!(
            cluster::ready(&self.admin, label, users),
            cluster::apply_users(&self.admin, label, users, None),
        )?;
        if count {
            // The last events are still on their way.
            sleep(Duration::from_secs(1)).await;
            let requests = Requests::so_far(&self.admin).await?.since(&before);
            let calls = operator.backend_calls().await? - calls;
            self.note_requests("operator", requests, Some(calls));
            let used = operator.processor()? - processor;
            self.notes.push(format!(
                "The operator used {:.1} ms of processor time for each of {users} new users.",
                used * 1000.0 / as_f64(users)
            ));
        }
        Ok(ready - begun)
    }

    fn note_requests(&mut self, who: &str, requests: Requests, calls: Option<f64>) {
        let users = as_f64(self.sizes.users);
        let requests = requests.without("APPLY objectusers", users);
        let calls = calls
            .map(|c| format!("; {:.2} calls of the admin API", c / users))
            .unwrap_or_default();
        self.notes.push(format!(
            "Requests for each new user, {who}: {:.2} to the API server ({}){calls}.",
            requests.total() / users,
            requests.each(users)
        ));
    }

    /// Medians in milliseconds: from the annotation being sent to the Secret's event, and the backend's part of it.
    async fn rotations(&self, label: &str) -> Outcome<(f64, f64)> {
        let (mut all, mut own) = (Samples::default(), Samples::default());
        let secrets = cluster::published(&self.admin);
        for i in 0..ROTATIONS.min(self.sizes.users) {
            let name = format!("{label}-{i:05}");
            sleep(IDLE).await;
            all.push(millis(self.rotate(&secrets, &name).await?));
            sleep(IDLE).await;
            own.push(millis(self.bare.rotate(&format!("rotation-{name}")).await?));
        }
        Ok((all.median(), own.median()))
    }

    async fn rotate(
        &self,
        secrets: &Api<PartialObjectMeta<k8s_openapi::api::core::v1::Secret>>,
        name: &str,
    ) -> Outcome<Duration> {
        let key = |secret: &PartialObjectMeta<_>| secret.annotations().get(names::CREDENTIAL_ID).cloned();
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut events = std::pin::pin!(
            watcher(secrets.clone(), config)
                .default_backoff()
                .applied_objects()
        );
        let old = events.try_next().await?.as_ref().and_then(key);
        let users = cluster::users(&self.admin);
        let patch = Patch::Merge(json!({"metadata": {"annotations": {names::ROTATE: "bench"}}}));
        let begun = Instant::now();
        let published = async {
            while let Some(secret) = events.try_next().await? {
                if key(&secret) != old {
                    return Ok::<_, crate::Failure>(begun.elapsed());
                }
            }
            Err("the watch ended".into())
        };
        let asked = async {
            users
                .patch_metadata(name, &PatchParams::default(), &patch)
                .await?;
            Ok(())
        };
        let both = async { futures::try_join!(published, asked) };
        let (took, ()) = timeout(Duration::from_secs(30), both)
            .await
            .map_err(|_| format!("{NAMESPACE}/{name} was not rotated in time"))??;
        Ok(took)
    }

    /// Memory with many users, and with Secrets of others of two sizes besides; the operator is started anew each time.
    pub(crate) async fn memory(&mut self) -> Outcome<()> {
        let many = self.sizes.many;
        let operator = Operator::start(self.bed, &self.program).await?;
        let begun = Instant::now();
        futures::try_join!(
            cluster::ready(&self.admin, "many", many),
            cluster::apply_users(&self.admin, "many", many, None),
        )?;
        say(&format!(
            "{many} users are ready after {:.0} s",
            begun.elapsed().as_secs_f64()
        ));
        let mut made = Samples::default();
        made.push(operator.settled_memory().await?);
        let goal = Some(Goal::AtMost(MEMORY));
        self.table
            .put(format!("memory, {many} users just made"), "MiB", made, goal);
        drop(operator);
        let restart = self.restarts(&format!("memory, {many} users")).await?;
        let what = format!("restart with {many} users until all are seen settled");
        self.table.put(what, "s", restart, Some(Goal::AtMost(60.0)));
        for bytes in [1024, 16 * 1024] {
            let foreign = self.sizes.foreign;
            cluster::foreign_secrets(&self.admin, foreign, bytes).await?;
            let what = format!("memory, and {foreign} Secrets of others of {} KiB", bytes / 1024);
            drop(self.restarts(&what).await?);
        }
        Ok(())
    }

    /// Starts the operator some times on what is there; returns how long it took to have looked at everybody.
    async fn restarts(&mut self, what: &str) -> Outcome<Samples> {
        let (mut memory, mut took, mut writes) = (Samples::default(), Samples::default(), 0.0);
        for _ in 0..self.sizes.rounds {
            let before = Requests::so_far(&self.admin).await?;
            let mut operator = Operator::start(self.bed, &self.program).await?;
            operator
                .until_reconciled("objectuser", as_f64(self.sizes.many))
                .await?;
            took.push(operator.begun.elapsed().as_secs_f64());
            memory.push(operator.settled_memory().await?);
            writes += Requests::so_far(&self.admin).await?.since(&before).writes();
        }
        say(&format!("{what}: {:.1} MiB", memory.median()));
        self.table.put(what, "MiB", memory, Some(Goal::AtMost(MEMORY)));
        if writes > 0.0 {
            self.notes.push(format!(
                "{what}: the restarts made {writes} writes to the API server; 0 are expected."
            ));
        }
        Ok(took)
    }

    /// What an idle operator asks of the API server.
    pub(crate) async fn idle(&mut self) -> Outcome<()> {
        let many = as_f64(self.sizes.many);
        let mut operator = Operator::start(self.bed, &self.program).await?;
        operator.until_reconciled("objectuser", many).await?;
        sleep(Duration::from_secs(5)).await;
        let (before, begun) = (Requests::so_far(&self.admin).await?, Instant::now());
        sleep(self.sizes.idle).await;
        let requests = Requests::so_far(&self.admin).await?.since(&before);
        let mut rate = Samples::default();
        rate.push(requests.total() / begun.elapsed().as_secs_f64());
        let what = format!("idle between resyncs, {many} users: API requests");
        self.table.put(what, "1/s", rate, Some(Goal::AtMost(1.0)));
        self.notes
            .push(format!("Idle, writes to the API server: {}.", requests.writes()));
        Ok(())
    }
}

pub(crate) fn say(text: &str) {
    use std::io::Write;
    let _unseen = writeln!(std::io::stderr(), "bench: {text}");
}

fn per_second(count: usize, took: Duration) -> f64 {
    as_f64(count) / took.as_secs_f64()
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
