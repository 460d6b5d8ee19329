//! Access to buckets on `MinIO` and the gateway of `JuiceFS`: the policy that holds it, and what the suite cannot ask of others.

use super::facts::{admin_with, all_but, with};
use super::{Server, Store, boxed, named};
use crate::conformance::access::{SEED, consent_tag, fresh_bucket, grantee};
use crate::conformance::suite::{Subject as _, issued, made_with_key, ready};
use crate::conformance::users::is_deleted_or_not_seen;
use crate::testbed::proxy::Seen;
use crate::testbed::{Fault, S3};
use gracekey::backend::http::Query;
use gracekey::backend::minio::MinioConfig;
use gracekey::backend::{Driver, ErrorKind, FoundBucket, Grantee, KeyPair, NewUser};
use gracekey::domain::access::{Held, Permission};
use gracekey::domain::ids::{BucketName, UserName};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

macro_rules! access_facts {
    ($server:ty; $($fact:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
        async fn $fact() {
            let store = <$crate::conformance::minio::Store<$server> as $crate::conformance::suite::Subject>::start_confined().await;
            $crate::conformance::minio::access::$fact(&store).await;
        }
    )*};
    ($server:ty) => {
        access_facts! { $server;
            a_policy_that_reaches_all_buckets_leaves_nothing_to_grant
            a_grant_that_was_edited_by_hand_is_seen_and_put_right
            grants_of_one_user_are_in_one_policy_that_goes_with_it
            a_policy_that_is_left_over_gives_nothing_to_the_next_user
            policies_of_the_store_and_grants_stand_side_by_side
            a_grant_that_outlived_its_bucket_is_taken_away
            a_bucket_that_somebody_else_fills_first_is_not_taken
            buckets_are_open_to_the_stores_own_namespace
            a_user_may_not_open_a_bucket
            the_documented_rights_are_enough
        }
    };
}

const ALL: Option<Permission> = Some(Permission::ReadWrite);

fn policy_name(to: &Grantee) -> String {
    let digest = Sha256::digest(to.user.as_str());
    let digits = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
    format!(
        "gracekey-access-{}-{}",
        to.owner,
        digits.collect::<Vec<_>>().concat()
    )
}

/// The text of the policy that holds a user's grants; `None`: there is none.
pub(super) async fn text_of<S: Server>(store: &Store<S>, to: &Grantee) -> Option<Value> {
    let query = Query::new().pair("name", &policy_name(to));
    let (status, body) = store
        .admin_call(Method::GET, "info-canned-policy", query, None)
        .await;
    (status == 200).then(|| serde_json::from_slice(&body).unwrap())
}

async fn attached<S: Server>(store: &Store<S>, to: &Grantee) -> Value {
    policies_of(store, &to.user).await
}

/// The names of the policies of a user, with commas between.
pub(super) async fn policies_of<S>(store: &Store<S>, name: &UserName) -> Value {
    let user = store
        .admin_does(Method::GET, "user-info", named(name), None)
        .await;
    serde_json::from_slice::<Value>(&user).unwrap()["policyName"].clone()
}

async fn held<S: Server>(store: &Store<S>, to: &Grantee, bucket: &BucketName) -> Held {
    match store.driver.find_bucket(to, bucket).await.unwrap() {
        FoundBucket::Open(held) => held,
        found @ (FoundBucket::Missing | FoundBucket::Closed { .. }) => panic!("{bucket}: {found:?}"),
    }
}

/// A user with a key, and a bucket that is open to it.
async fn with_bucket<S: Server>(store: &Store<S>) -> (NewUser, KeyPair, Grantee, BucketName) {
    let (user, pair) = made_with_key(store).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    store.make_strangers_bucket(&bucket, Some(&to)).await;
    (user, pair, to, bucket)
}

async fn reads(s3: &S3, bucket: &BucketName) -> bool {
    let status = s3.get_object(bucket.as_str(), SEED).await.status;
    assert!(matches!(status, 200 | 403), "{status}");
    status == 200
}

pub(super) async fn a_policy_that_reaches_all_buckets_leaves_nothing_to_grant<S: Server>(store: &Store<S>) {
    let with = |policies: &[&str]| {
        boxed(MinioConfig {
            policies: policies.iter().map(ToString::to_string).collect(),
            ..store.config()
        })
    };
    let grants = |driver: &dyn Driver| driver.capabilities().buckets.grant;
    assert!(grants(&store.driver) && !store.driver.needs_probe());
    let open = with(&["readwrite"]);
    assert!(!grants(open.as_ref()) && !open.needs_probe());
    let (to, bucket) = (grantee(&ready(store).await), fresh_bucket());
    let error = open.set_grant(&to, &bucket, ALL).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
    for (resource, want) in [("arn:aws:s3:::*", false), ("arn:aws:s3:::tenant-a/*", true)] {
        let name = fresh_bucket();
        let policy = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [resource] },
        ] });
        store.add_policy(name.as_str(), &policy).await;
        let driver = with(&[name.as_str()]);
        assert!(driver.needs_probe() && !grants(driver.as_ref()));
        driver.probe().await.unwrap();
        assert_eq!((driver.needs_probe(), grants(driver.as_ref())), (false, want));
    }
}

pub(super) async fn a_grant_that_was_edited_by_hand_is_seen_and_put_right<S: Server>(store: &Store<S>) {
    let (_, pair, to, bucket) = with_bucket(store).await;
    store.driver.set_grant(&to, &bucket, ALL).await.unwrap();
    let mut edited = text_of(store, &to).await.unwrap();
    edited["Statement"][0]["Action"] = json!(["s3:GetObject"]);
    store.add_policy(&policy_name(&to), &edited).await;
    assert_eq!(held(store, &to, &bucket).await, Held::Otherwise);
    let s3 = store.s3(&pair).unwrap();
    assert_eq!(s3.list_objects(bucket.as_str()).await.status, 403);
    store.driver.set_grant(&to, &bucket, ALL).await.unwrap();
    assert_eq!(held(store, &to, &bucket).await, Held::As(Permission::ReadWrite));
    s3.list_objects(bucket.as_str()).await.expect_success();
}

pub(super) async fn grants_of_one_user_are_in_one_policy_that_goes_with_it<S: Server>(store: &Store<S>) {
    let (user, pair, to, first) = with_bucket(store).await;
    let second = fresh_bucket();
    store.make_strangers_bucket(&second, Some(&to)).await;
    let s3 = store.s3(&pair).unwrap();
    // At the same moment, each is read, changed and written back.
    let driver = &store.driver;
    let read = Some(Permission::ReadOnly);
    let (one, two) = tokio::join!(
        driver.set_grant(&to, &first, ALL),
        driver.set_grant(&to, &second, read)
    );
    one.and(two).unwrap();
    assert!(reads(&s3, &first).await && reads(&s3, &second).await);
    assert_eq!(attached(store, &to).await, policy_name(&to));
    driver.set_grant(&to, &first, None).await.unwrap();
    assert!(!reads(&s3, &first).await && reads(&s3, &second).await);
    driver.set_grant(&to, &second, None).await.unwrap();
    assert!(text_of(store, &to).await.is_none());
    assert!(matches!(attached(store, &to).await.as_str(), None | Some("")));

    driver.set_grant(&to, &first, ALL).await.unwrap();
    driver.delete_user(&user.name).await.unwrap();
    assert!(text_of(store, &to).await.is_none());
}

pub(super) async fn a_policy_that_is_left_over_gives_nothing_to_the_next_user<S: Server>(store: &Store<S>) {
    let (user, _, to, first) = with_bucket(store).await;
    let second = fresh_bucket();
    store.make_strangers_bucket(&second, Some(&to)).await;
    store.driver.set_grant(&to, &first, ALL).await.unwrap();
    store
        .admin_does(Method::DELETE, "remove-user", named(&user.name), None)
        .await;
    assert!(text_of(store, &to).await.is_some());
    store.driver.create_user(&user).await.unwrap();
    let pair = issued(store, &user).await;
    assert_eq!(held(store, &to, &first).await, Held::Nothing);
    store.driver.set_grant(&to, &second, ALL).await.unwrap();
    let s3 = store.s3(&pair).unwrap();
    assert!(!reads(&s3, &first).await && reads(&s3, &second).await);
    store
        .admin_does(Method::DELETE, "remove-user", named(&user.name), None)
        .await;
    is_deleted_or_not_seen(store, &user.name).await;
    assert!(
        text_of(store, &to).await.is_none(),
        "a deletion that broke off is ended"
    );
}

pub(super) async fn policies_of_the_store_and_grants_stand_side_by_side<S: Server>(store: &Store<S>) {
    let (user, pair, to, bucket) = with_bucket(store).await;
    let narrow = fresh_bucket();
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::tenant-a/*"] },
    ] });
    store.add_policy(narrow.as_str(), &policy).await;
    store.set_policies(&user.name, narrow.as_str()).await;
    store.driver.set_grant(&to, &bucket, ALL).await.unwrap();
    let both = attached(store, &to).await;
    let both = both.as_str().unwrap();
    assert!(
        both.contains(narrow.as_str()) && both.contains(&policy_name(&to)),
        "{both}"
    );
    let s3 = store.s3(&pair).unwrap();
    assert!(reads(&s3, &bucket).await);
    store.driver.set_locked(&user.name, true).await.unwrap();
    assert!(!reads(&s3, &bucket).await, "a lock stands above grants");
    store.driver.set_locked(&user.name, false).await.unwrap();
    assert!(reads(&s3, &bucket).await);
    store.driver.set_grant(&to, &bucket, None).await.unwrap();
    assert_eq!(attached(store, &to).await, narrow.as_str());

    // A user that was made halfway gets those of the store although it has a grant.
    let halfway = ready(store).await;
    let to = Grantee {
        namespace: to.namespace.clone(),
        ..grantee(&halfway)
    };
    store.driver.set_grant(&to, &bucket, ALL).await.unwrap();
    let driver = boxed(MinioConfig {
        policies: vec![narrow.to_string()],
        ..store.config()
    });
    driver.create_user(&halfway).await.unwrap();
    let both = attached(store, &to).await;
    let both = both.as_str().unwrap();
    assert!(
        both.contains(narrow.as_str()) && both.contains(&policy_name(&to)),
        "{both}"
    );
}

pub(super) async fn a_grant_that_outlived_its_bucket_is_taken_away<S: Server>(store: &Store<S>) {
    let (_, pair, to, bucket) = with_bucket(store).await;
    let s3 = store.s3(&pair).unwrap();
    for what in [ALL, None] {
        store.driver.set_grant(&to, &bucket, ALL).await.unwrap();
        let root = store.root();
        root.delete_object(bucket.as_str(), SEED).await.expect_success();
        root.delete_bucket(bucket.as_str()).await.expect_success();
        assert_eq!(held(store, &to, &bucket).await, Held::Otherwise);
        let set = store.driver.set_grant(&to, &bucket, what).await;
        let missing = set.err().map(|error| error.kind);
        assert_eq!(missing, what.map(|_| ErrorKind::NotFound));
        let found = store.driver.find_bucket(&to, &bucket).await.unwrap();
        assert_eq!(found, FoundBucket::Missing);
        // Consent went with the bucket.
        store.make_strangers_bucket(&bucket, Some(&to)).await;
        assert!(!reads(&s3, &bucket).await);
    }
}

/// The answer to the making of a bucket was lost, or it was never asked for: somebody else may have made it.
pub(super) async fn a_bucket_that_somebody_else_fills_first_is_not_taken<S: Server>(store: &Store<S>) {
    let (user, _) = made_with_key(store).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    let path = format!("/{bucket}");
    let makes = move |seen: &Seen| seen.method == Method::PUT && seen.target == path;
    store.proxy.once(makes, Fault::CutBefore);
    store.driver.make_bucket(&to, &bucket).await.unwrap_err();
    store.make_strangers_bucket(&bucket, None).await;
    let found = store.driver.find_bucket(&to, &bucket).await.unwrap();
    assert!(matches!(found, FoundBucket::Closed { .. }), "{found:?}");
    for result in [
        store.driver.make_bucket(&to, &bucket).await,
        store.driver.set_grant(&to, &bucket, ALL).await,
    ] {
        assert_eq!(result.unwrap_err().kind, ErrorKind::Conflict);
    }
    // One that is refused leaves nothing behind.
    let refused = fresh_bucket();
    let path = format!("/{refused}");
    let makes = move |seen: &Seen| seen.method == Method::PUT && seen.target == path;
    let refusal = "<Error><Code>BucketAlreadyOwnedByYou</Code></Error>";
    store.proxy.once(makes, Fault::answer(409, refusal));
    let error = store.driver.make_bucket(&to, &refused).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    store
        .root()
        .create_bucket(refused.as_str())
        .await
        .expect_success();
    let found = store.driver.find_bucket(&to, &refused).await.unwrap();
    assert!(matches!(found, FoundBucket::Closed { .. }), "{found:?}");
}

pub(super) async fn buckets_are_open_to_the_stores_own_namespace<S: Server>(store: &Store<S>) {
    let (user, pair) = made_with_key(store).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    store.make_strangers_bucket(&bucket, None).await;
    let home = Grantee {
        at_home: true,
        ..to.clone()
    };
    store.driver.set_grant(&home, &bucket, ALL).await.unwrap();
    assert!(reads(&store.s3(&pair).unwrap(), &bucket).await);
    // That is no consent for anybody else.
    let found = store.driver.find_bucket(&to, &bucket).await.unwrap();
    let want = Some(Held::As(Permission::ReadWrite));
    assert!(
        matches!(found, FoundBucket::Closed { held, .. } if held == want),
        "{found:?}"
    );
    store.driver.set_grant(&to, &bucket, None).await.unwrap();
    assert!(!reads(&store.s3(&pair).unwrap(), &bucket).await);
}

pub(super) async fn a_user_may_not_open_a_bucket<S: Server>(store: &Store<S>) {
    let (_, pair, to, bucket) = with_bucket(store).await;
    store.driver.set_grant(&to, &bucket, ALL).await.unwrap();
    let other = grantee(&ready(store).await);
    let key = consent_tag(&store.driver, &other, &bucket).await;
    let s3 = store.s3(&pair).unwrap();
    let tagged = s3.put_bucket_tag(bucket.as_str(), &key, "true").await;
    assert_eq!(tagged.status, 403);
    let found = store.driver.find_bucket(&other, &bucket).await.unwrap();
    assert!(matches!(found, FoundBucket::Closed { .. }), "{found:?}");
    // Another owner's user of that name is none of ours.
    let foreign = Grantee {
        owner: other.owner.clone(),
        ..to
    };
    let found = store.driver.find_bucket(&foreign, &bucket).await.unwrap();
    assert!(matches!(found, FoundBucket::Open(Held::Nothing)), "{found:?}");
    store.driver.set_grant(&foreign, &bucket, ALL).await.unwrap_err();
}

pub(super) async fn the_documented_rights_are_enough<S: Server>(store: &Store<S>) {
    if S::IS_OF_2021 {
        return; // It takes the root user.
    }
    let driver = boxed(MinioConfig {
        policies: Vec::new(),
        ..with(store, admin_with(store, &all_but("")).await)
    });
    let user = ready(store).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    driver.make_bucket(&to, &bucket).await.unwrap();
    driver.set_grant(&to, &bucket, ALL).await.unwrap();
    assert_eq!(held(store, &to, &bucket).await, Held::As(Permission::ReadWrite));
    driver.set_grant(&to, &bucket, None).await.unwrap();
    driver.delete_user(&user.name).await.unwrap();
}
