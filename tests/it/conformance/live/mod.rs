//! The suite on a live system of somebody's own (`make conformance`), through the same door as the operator: the backend's
//! part of an `ObjectStore` and the keys of its admin Secret. It makes only users of its own, and deletes them.

mod reach;
mod settings;

use self::settings::Settings;
use super::suite::{Subject, key_ids, left_behind};
use crate::testbed::{FaultProxy, S3, proxy::Seen, unique};
use async_trait::async_trait;
use gracekey::api::v1alpha1::{Backend, ObjectStoreSpec};
use gracekey::backend::proof::{Death, Proof, Prover};
use gracekey::backend::registry;
use gracekey::backend::{
    BackendInfo, BackendKind, Driver, FoundBucket, Grantee, IssueRequest, KeyPair, NewUser, ObservedUser,
    Result,
};
use gracekey::domain::access::{LimitChanges, Permission};
use gracekey::domain::capabilities::Capabilities;
use gracekey::domain::ids::{AccessKeyId, BucketName, CredentialId, OwnerMark, UserName};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, sync::Arc, sync::Mutex, time::Duration};

conformance!(
    #[ignore = "needs a system of yours: make conformance"]
    Live
);

/// A live system. Ends with every user gone that was made through it.
struct Live {
    settings: Settings,
    driver: Tidy,
    prover: Option<Arc<dyn Prover>>,
    /// Nothing goes through it: requests that are signed for a host, and TLS, allow nobody in between.
    idle: FaultProxy,
}

impl Live {
    async fn connect(settings: Settings) -> Self {
        let inner = settings.parts(registry::driver).unwrap();
        inner.probe().await.unwrap();
        Self {
            prover: settings.parts(registry::prover).unwrap(),
            driver: Tidy::over(inner),
            idle: FaultProxy::start("http://127.0.0.1:1", None).await,
            settings,
        }
    }
}

impl Drop for Live {
    /// Also when a case has failed: then more than ever.
    fn drop(&mut self) {
        let made = std::mem::take(&mut *self.driver.made.lock().unwrap());
        let driver = Arc::clone(&self.driver.inner);
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(tidy(driver, made)));
        if let Some(notes) = settings::notes() {
            reach::forget(&notes, self.driver.number);
        }
    }
}

/// What carries another mark by now is somebody else's: not every driver looks before it deletes.
async fn tidy(driver: Arc<dyn Driver>, made: impl IntoIterator<Item = (UserName, OwnerMark)>) {
    for (user, mark) in made {
        let gone = match driver.find_user(&user).await {
            Ok(Some(found)) if found.owner.as_ref() == Some(&mark) => driver.delete_user(&user).await,
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = gone {
            left_behind(&format!("the user {user} ({error})"));
        }
    }
    driver.close().await;
}

/// A driver that remembers which users it made.
#[derive(Debug)]
struct Tidy {
    inner: Arc<dyn Driver>,
    made: Mutex<BTreeSet<(UserName, OwnerMark)>>,
    /// Tells it from others of this process.
    number: u32,
}

impl Tidy {
    fn over(inner: Arc<dyn Driver>) -> Self {
        Self {
            inner,
            made: Mutex::default(),
            number: unique().1,
        }
    }

    /// Before the call: its answer may be lost.
    fn note(&self, user: &NewUser) {
        // The driver refuses any other name unasked.
        if !self.capabilities().user_name.accept(user.name.as_str()) {
            return;
        }
        let made = (user.name.clone(), user.owner.clone());
        if self.made.lock().unwrap().insert(made)
            && let Some(notes) = settings::notes()
        {
            reach::note(&notes, self.number, &user.name, &user.owner);
        }
    }
}

#[async_trait]
impl Driver for Tidy {
    fn kind(&self) -> BackendKind {
        self.inner.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn probe(&self) -> Result<BackendInfo> {
        self.inner.probe().await
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        self.inner.find_user(name).await
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        self.note(user);
        self.inner.create_user(user).await
    }

    async fn set_label(&self, name: &UserName, label: &str) -> Result<()> {
        self.inner.set_label(name, label).await
    }

    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()> {
        self.inner.set_locked(name, locked).await
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        self.inner.delete_user(name).await
    }

    fn key_id(&self, user: &UserName, word: AccessKeyId) -> AccessKeyId {
        self.inner.key_id(user, word)
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        self.note(user);
        self.inner.issue(user, request).await
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        self.inner.revoke(name, id).await
    }

    async fn set_limits(&self, name: &UserName, changes: &LimitChanges) -> Result<()> {
        self.inner.set_limits(name, changes).await
    }

    async fn find_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<FoundBucket> {
        self.inner.find_bucket(to, bucket).await
    }

    async fn make_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<()> {
        self.inner.make_bucket(to, bucket).await
    }

    async fn set_grant(&self, to: &Grantee, bucket: &BucketName, what: Option<Permission>) -> Result<()> {
        self.inner.set_grant(to, bucket, what).await
    }
}

/// What the operator would ask.
#[derive(Debug)]
struct Shared(Arc<dyn Prover>);

#[async_trait]
impl Prover for Shared {
    async fn prove(&self, pair: &KeyPair) -> Proof {
        self.0.prove(pair).await
    }

    async fn prove_dead(&self, pair: &KeyPair) -> Death {
        self.0.prove_dead(pair).await
    }
}

#[async_trait]
impl Subject for Live {
    async fn start() -> Self {
        Self::connect(Settings::given().unwrap()).await
    }

    fn driver(&self) -> &dyn Driver {
        &self.driver
    }

    fn proxy(&self) -> &FaultProxy {
        &self.idle
    }

    async fn drivers_without_rights(&self) -> Vec<(&'static str, Box<dyn Driver>)> {
        Vec::new()
    }

    fn driver_with_limit(&self, _: Duration) -> Box<dyn Driver> {
        unreachable!("left out")
    }

    fn driver_to_nowhere(&self) -> Box<dyn Driver> {
        unreachable!("left out")
    }

    fn changes(&self) -> fn(&Seen) -> bool {
        |_| false
    }

    fn prover(&self) -> Option<Box<dyn Prover>> {
        let shared = self.prover.clone().map(Shared);
        shared.map(|prover| Box::new(prover) as Box<dyn Prover>)
    }

    fn s3(&self, pair: &KeyPair) -> Option<S3> {
        let s3 = self.settings.spec.s3.as_ref()?;
        Some(S3::new(&s3.endpoint, &s3.region, pair))
    }

    async fn pass_time(&self) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    fn patience(&self) -> Duration {
        self.driver().capabilities().settle
    }

    async fn make_foreign_user(&self, _: &UserName) -> KeyPair {
        unreachable!("left out")
    }

    async fn make_foreign_key(&self, _: &UserName) -> KeyPair {
        unreachable!("left out")
    }

    async fn snapshot(&self, name: &UserName) -> String {
        let found = self.driver().find_user(name).await.unwrap();
        let told = found.map(|user| (user.owner, user.label, user.locked));
        format!("{told:?} {:?}", key_ids(self, name).await)
    }

    fn admin(&self) -> UserName {
        unreachable!("left out")
    }

    fn canaries(&self) -> Vec<String> {
        let admin = self.settings.admin.iter();
        // User names and public halves are no secrets.
        let secrets = admin.filter(|(key, _)| matches!(key.as_str(), "password" | "secretKey" | "token"));
        secrets
            .map(|(_, value)| value.expose_secret().to_owned())
            .collect()
    }

    fn left_out(case: &str) -> Option<&'static str> {
        match case {
            "a_foreign_user_is_a_conflict_and_nothing_changes" | "foreign_keys_are_left_alone" => {
                Some("needs users and keys that somebody else has made")
            }
            "without_rights_every_call_is_refused_as_the_admins_to_mend" => {
                Some("wrong passwords may lock your administrator out")
            }
            "the_admins_own_user_is_privileged_and_cannot_be_claimed" => {
                Some("which user your administrator is, only you know")
            }
            "a_grant_allows_exactly_what_it_says"
            | "a_withdrawn_grant_is_refused_and_those_of_others_stay"
            | "a_grant_that_is_there_is_not_written_again"
            | "a_rotation_changes_no_grant"
            | "a_bucket_without_consent_is_left_alone"
            | "a_bucket_that_is_made_is_open_to_its_namespace_alone"
            | "a_lost_answer_about_access_is_mended_by_repeating"
            | "permission_denied_is_not_a_bad_key" => Some("makes buckets, which nothing here could delete"),
            "a_call_that_never_arrives_is_not_applied"
            | "a_change_that_is_lost_on_the_way_has_an_unknown_outcome"
            | "a_lost_answer_to_a_new_key_is_found_by_reading"
            | "a_lost_answer_to_any_other_change_is_mended_by_repeating"
            | "an_answer_that_breaks_off_has_an_unknown_outcome"
            | "an_answer_that_comes_too_late_has_an_unknown_outcome"
            | "an_answer_that_says_to_wait_is_passed_on"
            | "a_failing_server_is_nobodys_fault"
            | "an_answer_of_something_else_is_not_understood"
            | "a_failing_read_applies_nothing" => Some("needs somebody in between who spoils answers"),
            "a_user_with_data_is_not_deleted" => lacks_policy(&Settings::given().unwrap().spec),
            _ => None,
        }
    }
}

/// Why the suite's users may make no bucket, where they may not.
fn lacks_policy(spec: &ObjectStoreSpec) -> Option<&'static str> {
    let Backend::Iam(iam) = &spec.backend else {
        return None;
    };
    let none = iam.policy_arns.is_empty();
    none.then_some("needs a policy that allows s3:*, named by policyArns in SETTINGS")
}

/// None that the driver refuses unasked, such as the names of a demand about odd ones.
#[tokio::test]
async fn only_what_may_have_been_made_is_noted() {
    let s3 = Some(("http://127.0.0.1:1".to_owned(), None));
    let settings = Settings {
        spec: settings::spec("ceph", "http://127.0.0.1:1", Map::new(), s3).unwrap(),
        admin: settings::keys("accessKey=a\nsecretKey=b").unwrap(),
        ca: None,
    };
    let driver = Tidy::over(settings.parts(registry::driver).unwrap());
    for name in ["a%b", "\u{fc}", "a\nb", "", "gktest-made"] {
        let user = NewUser {
            name: UserName::new(name),
            label: "A user".to_owned(),
            owner: OwnerMark::new("f".repeat(32)),
            locked: false,
        };
        driver.create_user(&user).await.unwrap_err();
    }
    let made: Vec<_> = driver.made.lock().unwrap().iter().cloned().collect();
    let names: Vec<_> = made.iter().map(|(user, _)| user.as_str()).collect();
    assert_eq!(names, ["gktest-made"]);
}

#[test]
fn without_a_policy_no_bucket_is_asked_for() {
    let reason = |backend: &str, own: Value| {
        let s3 = Some(("https://s3.example".to_owned(), None));
        let own = own.as_object().unwrap().clone();
        lacks_policy(&settings::spec(backend, "https://a.example", own, s3).unwrap())
    };
    assert!(reason("iam", json!({})).is_some());
    let named = json!({ "policyArns": ["arn:aws:iam:::policy/application"] });
    assert!(reason("iam", named).is_none() && reason("ceph", json!({})).is_none());
}

/// On the gateway of the test bed, in place of somebody's live system.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_made_on_a_live_system_is_gone_at_the_end() {
    let gateway = crate::testbed::gateway();
    let lines = format!(
        "# of the admin\naccessKey={}\nsecretKey = {}\n",
        gateway.admin_access_key, gateway.admin_secret_key
    );
    let s3 = (gateway.endpoint.clone(), Some(gateway.region.clone()));
    let settings = || Settings {
        spec: settings::spec("ceph", &gateway.endpoint, Map::new(), Some(s3.clone())).unwrap(),
        admin: settings::keys(&lines).unwrap(),
        ca: None,
    };
    let live = Live::connect(settings()).await;
    super::keys::a_revoked_key_dies_in_time_and_the_other_lives(&live).await;
    let made: Vec<_> = live.driver.made.lock().unwrap().iter().cloned().collect();
    assert_eq!(made.len(), 1);
    assert!(live.driver().find_user(&made[0].0).await.unwrap().is_some());
    drop(live);
    let after = Live::connect(settings()).await;
    assert!(after.driver().find_user(&made[0].0).await.unwrap().is_none());
}
