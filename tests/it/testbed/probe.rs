//! An application that never stops: it signs with whatever key the Secret holds, and remembers each refusal.

use super::{S3, cluster::OwnNamespace, s3::S3Answer, world::pair_of};
use gracekey::backend::KeyPair;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinSet;

#[derive(Debug, Default)]
struct Seen {
    requests: usize,
    refusals: Vec<String>,
}

impl Seen {
    fn add(&mut self, pair: &KeyPair, answer: &S3Answer) {
        self.requests += 1;
        if answer.status != 200 {
            let text = String::from_utf8_lossy(&answer.body);
            self.refusals
                .push(format!("{}: {} {text}", pair.access_key_id, answer.status));
        }
    }
}

/// Such an application; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Probe {
    seen: Arc<Mutex<Seen>>,
    _task: JoinSet<()>,
}

impl Probe {
    /// Starts one that reads this Secret before each request, as an application that was just started does.
    pub(crate) fn start(namespace: &OwnNamespace, secret: &str, endpoint: &str) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (api, name): (Api<Secret>, _) = (namespace.api(), secret.to_owned());
        let (out, endpoint) = (Arc::clone(&seen), endpoint.to_owned());
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                // What nobody can read at the moment is no refusal: running applications have it already.
                if let Ok(Some(secret)) = api.get_opt(&name).await
                    && let Some(pair) = pair_of(&secret)
                {
                    let answer = S3::new(&endpoint, "us-east-1", &pair).list_buckets().await;
                    out.lock().unwrap().add(&pair, &answer);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        Self { seen, _task: task }
    }

    /// How many requests were made so far.
    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests
    }

    /// Refusals so far.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.seen.lock().unwrap().refusals.clone()
    }

    /// Fails the test if a request was refused, or if none was made.
    #[track_caller]
    pub(crate) fn assert_undisturbed(&self) {
        assert!(self.requests() > 0, "the application made no request");
        assert_eq!(
            self.refusals(),
            Vec::<String>::new(),
            "an application was refused"
        );
    }
}
