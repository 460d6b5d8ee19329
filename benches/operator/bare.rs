//! A client that makes the operator's calls for a new user and nothing else: no watch, no cache, no plan.

use crate::{
    Outcome,
    bed::Bed,
    cluster::{self, NAMESPACE, secrets},
};
use gracekey::{
    api::v1alpha1::{ObjectStore, ObjectUser, ObjectUserStatus},
    backend::{
        Driver, IssueRequest, NewUser,
        layer::{Layered, Limits},
        proof::{Proof, Prover},
        registry::{self, Parts},
    },
    clock::{Clock, SystemClock},
    controller::status,
    domain::{
        condition::{self, Status},
        identity::Identity,
        ids::UserName,
        reason::Reason,
    },
    entropy::{Entropy, OsEntropy},
    names,
    telemetry::metrics::Metrics,
};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Client, Resource, ResourceExt,
    api::PostParams,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use prometheus_client::registry::Registry;
use secrecy::ExposeSecret;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};

/// The operator's default of `--concurrency`.
const WORKERS: usize = 32;

/// The bare client.
#[derive(Clone)]
pub(crate) struct Bare {
    client: Client,
    recorder: Recorder,
    driver: Arc<dyn Driver>,
    prover: Arc<dyn Prover>,
    store: ObjectStore,
}

impl Bare {
    /// With the drivers of the operator and the limits of the store.
    pub(crate) async fn new(bed: &Bed, store: &ObjectStore) -> Outcome<Self> {
        let admin = [
            ("accessKey", "ADMIN_ACCESS_KEY"),
            ("secretKey", "ADMIN_SECRET_KEY"),
        ]
        .map(|(key, env)| (key.to_owned(), bed.ceph(env).to_owned().into()));
        let admin = BTreeMap::from(admin);
        let parts = Parts::new(&store.spec, &admin, None);
        let driver = registry::driver(&parts)?;
        let limits = Limits {
            concurrency: usize::try_from(store.spec.limits.concurrency)?,
            requests_per_second: 0,
        };
        let metrics = Metrics::new(&mut Registry::default());
        let name = (NAMESPACE.to_owned(), store.name_any());
        let client = bed.as_operator().await?;
        let reporter = Reporter {
            controller: "bench".to_owned(),
            instance: None,
        };
        Ok(Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            driver: Arc::new(Layered::new(driver, name, limits, metrics)),
            prover: registry::prover(&parts)?.ok_or("the store has no S3")?,
            store: store.clone(),
        })
    }

    /// Provides for the users that come in, as many at once as the operator does.
    pub(crate) async fn provide(&self, mut made: mpsc::UnboundedReceiver<ObjectUser>) -> Outcome<()> {
        let (workers, mut tasks) = (Arc::new(Semaphore::new(WORKERS)), JoinSet::new());
        while let Some(user) = made.recv().await {
            let (slot, this) = (Arc::clone(&workers).acquire_owned().await?, self.clone());
            tasks.spawn(async move {
                let result = this.provide_one(user).await;
                drop(slot);
                result
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// In the operator's order.
    async fn provide_one(&self, user: ObjectUser) -> Outcome<()> {
        let new = self.new_user(&user.name_any());
        let user = cluster::users(&self.client).get(&user.name_any()).await?;
        drop(self.driver.find_user(&new.name).await?);
        let _absent = secrets(&self.client).get_opt(&user.name_any()).await?;
        let user = status::set_finalizer(&self.client, &user, true).await?;
        self.driver.create_user(&new).await?;
        self.tell(
            &user,
            Reason::UserCreated,
            format!("Created the user {} on the backend.", new.name),
        )
        .await?;
        let key = OsEntropy.draw().access_key_id;
        let user = status::apply(&self.client, &user, &intent(&new.name, key.as_str())).await?;
        let request = IssueRequest {
            access_key_id: Some(key.clone()),
            expire_previous: None,
        };
        let pair = self.driver.issue(&new, &request).await?;
        if !matches!(self.prover.prove(&pair).await, Proof::Accepted) {
            return Err("the key was not accepted".into());
        }
        let secret = self.secret(&user, key.as_str(), pair.secret.expose_secret())?;
        secrets(&self.client)
            .create(&PostParams::default(), &secret)
            .await?;
        let user = status::apply(&self.client, &user, &done(&user, key.as_str())).await?;
        let note = format!("Issued and published the key {key}.");
        self.tell(&user, Reason::CredentialsIssued, note).await
    }

    /// Named as the operator would in another cluster.
    fn new_user(&self, name: &str) -> NewUser {
        let identity = Identity {
            cluster: "bare",
            namespace: NAMESPACE,
            name,
        };
        NewUser {
            name: identity.user_name(&self.driver.capabilities().user_name),
            label: format!("{NAMESPACE}/{name}"),
            owner: identity.owner_mark(),
            locked: false,
        }
    }

    async fn tell(&self, user: &ObjectUser, reason: Reason, note: String) -> Outcome<()> {
        let event = Event {
            type_: EventType::Normal,
            reason: reason.to_string(),
            note: Some(note),
            action: reason.to_string(),
            secondary: None,
        };
        Ok(self.recorder.publish(&event, &user.object_ref(&())).await?)
    }

    fn secret(&self, user: &ObjectUser, id: &str, half: &str) -> Outcome<Secret> {
        let s3 = self.store.spec.s3.as_ref().ok_or("the store has no S3")?;
        Ok(serde_json::from_value(json!({
            "metadata": {
                "name": user.name_any(),
                "namespace": NAMESPACE,
                "labels": {
                    names::MANAGED_BY: "bench",
                    names::PART_OF: "bench",
                    names::OWNER_UID: user.uid(),
                },
                "annotations": {
                    names::OWNER_NAME: user.name_any(),
                    names::CREDENTIAL_ID: id,
                    names::HANDLED_TOKENS: "[]",
                    names::RETIRING: "{}",
                    names::PUBLISH_TIME: SystemClock.now().to_string(),
                },
                "ownerReferences": [user.controller_owner_ref(&())],
            },
            "stringData": {
                "AWS_ACCESS_KEY_ID": id,
                "AWS_SECRET_ACCESS_KEY": half,
                "AWS_ENDPOINT_URL_S3": s3.endpoint,
                "AWS_REGION": s3.region,
                "AWS_DEFAULT_REGION": s3.region,
                "S3_ADDRESSING_STYLE": "path",
            },
        }))?)
    }

    /// The backend's own time for a rotation, nothing else under way: read the user, issue a key, prove it.
    pub(crate) async fn rotate(&self, name: &str) -> Outcome<Duration> {
        let new = self.new_user(name);
        self.driver.create_user(&new).await?;
        let issue = || IssueRequest {
            access_key_id: Some(OsEntropy.draw().access_key_id),
            expire_previous: None,
        };
        self.driver.issue(&new, &issue()).await?;
        let begun = Instant::now();
        drop(self.driver.find_user(&new.name).await?);
        let pair = self.driver.issue(&new, &issue()).await?;
        let proof = self.prover.prove(&pair).await;
        let took = begun.elapsed();
        self.driver.delete_user(&new.name).await?;
        match proof {
            Proof::Accepted => Ok(took),
            other @ (Proof::Locked | Proof::Refused { .. } | Proof::Unclear(_)) => {
                Err(format!("the key was not accepted: {other:?}").into())
            }
        }
    }
}

fn intent(name: &UserName, key: &str) -> ObjectUserStatus {
    let now = SystemClock.now();
    let mut status: ObjectUserStatus = serde_json::from_value(json!({
        "observedGeneration": 1,
        "userName": name.as_str(),
        "intent": {"cause": "First", "accessKeyId": key, "attempt": 1, "startTime": now.to_string(), "gracePeriod": "24h"},
    }))
    .unwrap_or_default();
    for type_ in ["Ready", "Synced", "Reconciling"] {
        let text = "The first key is being issued.";
        condition::set(
            &mut status.conditions,
            type_,
            Status::Unknown,
            Reason::Progressing,
            text,
            (1, now),
        );
    }
    status
}

fn done(user: &ObjectUser, key: &str) -> ObjectUserStatus {
    let now = SystemClock.now();
    let mut status: ObjectUserStatus = serde_json::from_value(json!({
        "observedGeneration": 1,
        "userName": user.status.as_ref().and_then(|s| s.user_name.clone()),
        "secretName": user.name_any(),
        "binding": {"name": user.name_any()},
        "accessKeyId": key,
        "credentials": [{
            "id": key, "accessKeyId": key, "issueTime": now.to_string(), "verifiedTime": now.to_string(),
        }],
    }))
    .unwrap_or_default();
    for type_ in ["Ready", "Synced"] {
        let text = "The Secret holds a key that works.";
        condition::set(
            &mut status.conditions,
            type_,
            Status::True,
            Reason::Succeeded,
            text,
            (1, now),
        );
    }
    status
}
