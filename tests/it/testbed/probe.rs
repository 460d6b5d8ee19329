//! An application that never stops: it signs with whatever key the Secret holds, and remembers each
//! refusal and each request that got no answer.

use super::{S3, cluster::OwnNamespace, s3::S3Answer, world::pair_of};
use gracekey::backend::KeyPair;
use gracekey::backend::proof::{Proof, Prover};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::{AbortHandle, JoinSet};

/// One request every so often: enough to meet any gap that an application would, and little enough for two cores.
pub(crate) const PACE: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
struct Seen {
    requests: usize,
    refusals: Vec<String>,
    /// Requests without an answer.
    failures: Vec<String>,
}

impl Seen {
    fn add(&mut self, pair: &KeyPair, answer: Result<S3Answer, String>) {
        self.requests += 1;
        match answer {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => {
                let text = String::from_utf8_lossy(&answer.body);
                self.refusals
                    .push(format!("{}: {} {text}", pair.access_key_id, answer.status));
            }
            Err(why) => self.failures.push(why),
        }
    }
}

enum Keys {
    From(Box<Api<Secret>>, String),
    Held(KeyPair),
}

impl Keys {
    /// What nobody can read at the moment is no refusal: running applications have it already.
    async fn pair(&self) -> Option<KeyPair> {
        match self {
            Self::From(secrets, name) => pair_of(&secrets.get_opt(name).await.ok()??),
            Self::Held(pair) => Some(pair.clone()),
        }
    }
}

/// Such an application; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Probe {
    seen: Arc<Mutex<Seen>>,
    task: AbortHandle,
    _tasks: JoinSet<()>,
}

impl Probe {
    /// Starts one that reads this Secret before each request, as an application that was just started does.
    pub(crate) fn start(namespace: &OwnNamespace, secret: &str, endpoint: &str) -> Self {
        Self::run(Keys::From(Box::new(namespace.api()), secret.to_owned()), endpoint)
    }

    /// Starts one that has its key already, as an application that was started before has.
    pub(crate) fn with(pair: KeyPair, endpoint: &str) -> Self {
        Self::run(Keys::Held(pair), endpoint)
    }

    /// One that reads this Secret before each request, where there is no S3: it asks whatever proves a key there.
    pub(crate) fn by(prover: Arc<dyn Prover>, namespace: &OwnNamespace, secret: &str) -> Self {
        let keys = Keys::From(Box::new(namespace.api()), secret.to_owned());
        let ask = move |pair: KeyPair| {
            let prover = Arc::clone(&prover);
            async move {
                let status = match prover.prove(&pair).await {
                    Proof::Accepted => 200,
                    Proof::Locked | Proof::Refused { .. } => 403,
                    Proof::Unclear(error) => return Err(error.to_string()),
                };
                let body = Vec::new();
                Ok(S3Answer { status, body })
            }
        };
        Self::ask(keys, ask)
    }

    fn run(keys: Keys, endpoint: &str) -> Self {
        let endpoint = endpoint.to_owned();
        Self::ask(keys, move |pair| {
            let s3 = S3::new(&endpoint, "us-east-1", &pair);
            async move { s3.try_list_buckets().await }
        })
    }

    fn ask<F>(keys: Keys, ask: impl Fn(KeyPair) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<S3Answer, String>> + Send,
    {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let out = Arc::clone(&seen);
        let mut tasks = JoinSet::new();
        let task = tasks.spawn(async move {
            loop {
                if let Some(pair) = keys.pair().await {
                    let answer = ask(pair.clone()).await;
                    out.lock().unwrap().add(&pair, answer);
                }
                tokio::time::sleep(PACE).await;
            }
        });
        Self {
            seen,
            task,
            _tasks: tasks,
        }
    }

    /// Fails the test if a request was refused or not answered, if none was made, or if the application has ended.
    #[track_caller]
    pub(crate) fn assert_undisturbed(&self) {
        assert_runs(&self.task);
        let seen = self.seen.lock().unwrap();
        assert!(seen.requests > 0, "the application made no request");
        let none = Vec::<String>::new();
        assert_eq!(seen.refusals, none, "an application was refused");
        assert_eq!(seen.failures, none, "an application got no answer");
    }
}

/// An application that died would see no refusal any more: nothing that it saw would prove anything.
#[track_caller]
pub(crate) fn assert_runs(application: &AbortHandle) {
    assert!(!application.is_finished(), "the application has ended");
}

mod tests {
    use super::*;
    use gracekey::domain::ids::{AccessKeyId, CredentialId};

    fn probe(task: impl Future<Output = ()> + Send + 'static, seen: Seen) -> Probe {
        let mut tasks = JoinSet::new();
        let task = tasks.spawn(task);
        Probe {
            seen: Arc::new(Mutex::new(seen)),
            task,
            _tasks: tasks,
        }
    }

    fn seen(answers: impl IntoIterator<Item = Result<u16, String>>) -> Seen {
        let (id, mut seen) = (AccessKeyId::new("AKIA"), Seen::default());
        let pair = KeyPair {
            id: CredentialId::from(&id),
            access_key_id: id,
            secret: String::new().into(),
        };
        for answer in answers {
            let answer = answer.map(|status| S3Answer {
                status,
                body: Vec::new(),
            });
            seen.add(&pair, answer);
        }
        seen
    }

    #[tokio::test]
    async fn an_application_that_is_served_is_undisturbed() {
        probe(std::future::pending(), seen([Ok(200)])).assert_undisturbed();
    }

    #[tokio::test]
    #[should_panic(expected = "an application was refused")]
    async fn a_refusal_is_told() {
        probe(std::future::pending(), seen([Ok(200), Ok(403)])).assert_undisturbed();
    }

    #[tokio::test]
    #[should_panic(expected = "an application got no answer")]
    async fn a_request_without_an_answer_is_told() {
        probe(std::future::pending(), seen([Err("cut".to_owned()), Ok(200)])).assert_undisturbed();
    }

    #[tokio::test]
    #[should_panic(expected = "made no request")]
    async fn an_application_that_made_no_request_proves_nothing() {
        probe(std::future::pending(), seen([])).assert_undisturbed();
    }

    #[tokio::test]
    #[should_panic(expected = "the application has ended")]
    async fn an_application_that_died_proves_nothing() {
        let dead = probe(async {}, seen([Ok(200)]));
        while !dead.task.is_finished() {
            tokio::task::yield_now().await;
        }
        dead.assert_undisturbed();
    }
}
