//! Access to buckets and limits: exactly what was asked for, tried with the user's own key; and nothing where it is not claimed.

use super::record::Shown;
use super::suite::{Subject, fresh_name, fresh_user, issued, made_with_key, ready};
use super::users::refused;
use crate::testbed::{Fault, S3};
use gracekey::backend::{Driver, ErrorKind, FoundBucket, Grantee, NewUser, Outcome};
use gracekey::domain::access::{Held, LimitChanges, Permission, Resource};
use gracekey::domain::ids::{BucketName, NamespaceMark};
use std::time::{Duration, Instant};

/// What a bucket of a stranger has in it from the beginning.
pub(crate) const SEED: &str = "seed";

/// A user as one whom access is given to, of a namespace that no other test has.
pub(crate) fn grantee(user: &NewUser) -> Grantee {
    Grantee {
        user: user.name.clone(),
        owner: user.owner.clone(),
        namespace: NamespaceMark::new(crate::testbed::unique_mark()),
        at_home: false,
    }
}

/// The same, of the store's own namespace.
pub(crate) fn grantee_at_home(user: &NewUser) -> Grantee {
    Grantee {
        at_home: true,
        ..grantee(user)
    }
}

pub(crate) fn fresh_bucket() -> BucketName {
    BucketName::new(fresh_name().as_str())
}

/// The key of the tag by which a bucket's admin opens it to this one's namespace, as the refusal says, where tags do that.
pub(crate) async fn consent_tag(driver: &dyn Driver, to: &Grantee, bucket: &BucketName) -> String {
    let found = driver.find_bucket(to, bucket).await.unwrap();
    let FoundBucket::Closed { advice, .. } = found else {
        panic!("{bucket} is open to everybody: {found:?}")
    };
    let (_, key) = advice.split_once("the tag ").unwrap();
    key.split(' ').next().unwrap().to_owned()
}

/// A bucket of the admin's with [`SEED`] in it, opened to this one's namespace by that tag.
pub(crate) async fn bucket_opened_by_tag(
    driver: &dyn Driver,
    admin: &S3,
    bucket: &BucketName,
    open_to: Option<&Grantee>,
) {
    let name = bucket.as_str();
    admin.create_bucket(name).await.expect_success();
    admin.put_object(name, SEED, b"seed").await.expect_success();
    if let Some(to) = open_to {
        let key = consent_tag(driver, to, bucket).await;
        admin.put_bucket_tag(name, &key, "true").await.expect_success();
    }
}

/// Whether grants are claimed; where not, every call says so.
async fn grants(subject: &dyn Subject) -> bool {
    let driver = subject.driver();
    if driver.capabilities().buckets.grant {
        return true;
    }
    let (to, bucket) = (grantee(&fresh_user(subject)), fresh_bucket());
    refused(driver.find_bucket(&to, &bucket).await, ErrorKind::Unsupported);
    let grant = driver.set_grant(&to, &bucket, Some(Permission::ReadOnly)).await;
    refused(grant, ErrorKind::Unsupported);
    false
}

/// Whether buckets can be made; where not, the call says so.
async fn makes(subject: &dyn Subject) -> bool {
    let driver = subject.driver();
    if driver.capabilities().buckets.make {
        assert!(driver.capabilities().buckets.grant, "for whom?");
        return true;
    }
    let to = grantee(&fresh_user(subject));
    refused(
        driver.make_bucket(&to, &fresh_bucket()).await,
        ErrorKind::Unsupported,
    );
    false
}

async fn held(driver: &dyn Driver, to: &Grantee, bucket: &BucketName) -> Held {
    match driver.find_bucket(to, bucket).await.unwrap() {
        FoundBucket::Open(held) => held,
        found @ (FoundBucket::Missing | FoundBucket::Closed { .. }) => {
            panic!("{bucket} is not open: {found:?}")
        }
    }
}

/// What can be done with a bucket by whoever has this key: list, read, store, delete; and see its settings, which are its
/// owner's.
async fn tried(s3: &S3, bucket: &BucketName) -> ([bool; 4], bool) {
    let bucket = bucket.as_str();
    let own = fresh_name();
    let listed = s3.list_objects(bucket).await.status;
    let read = s3.get_object(bucket, SEED).await.status;
    let stored = s3.put_object(bucket, own.as_str(), b"own").await.status;
    let deleted = s3.delete_object(bucket, own.as_str()).await.status;
    let settings = s3.get_policy(bucket).await.status;
    let what = [listed, read, stored, deleted].map(|status| {
        assert!(matches!(status, 200..=299 | 403), "{status}");
        status != 403
    });
    // 501: this storage has no policies. 404: there is none, as whoever may look is told.
    assert!(matches!(settings, 200 | 403 | 404 | 501), "{settings}");
    (what, matches!(settings, 200 | 404))
}

/// The same until it is so, within the time that the driver claims.
async fn can(subject: &dyn Subject, s3: &S3, bucket: &BucketName, what: [bool; 4]) {
    let is = async || {
        let (seen, sees_settings) = tried(s3, bucket).await;
        println!("{bucket}: list, read, store, delete are {seen:?}; settings: {sees_settings}");
        seen == what && !sees_settings
    };
    until(subject, is).await;
}

/// Asks until it is so, within the time that the driver claims.
async fn until(subject: &dyn Subject, mut is: impl AsyncFnMut() -> bool) {
    let limit = subject.driver().capabilities().settle.min(Duration::from_mins(1));
    let begin = Instant::now();
    while !is().await {
        assert!(begin.elapsed() < limit, "not within {limit:?}");
        subject.pass_time().await;
    }
}

const NOTHING: [bool; 4] = [false; 4];
const EVERYTHING: [bool; 4] = [true; 4];

pub(crate) async fn a_grant_allows_exactly_what_it_says(subject: &dyn Subject) -> Shown {
    if !grants(subject).await {
        return Shown::NotClaimed("access to buckets");
    }
    let (user, pair) = made_with_key(subject).await;
    let (driver, to, bucket) = (subject.driver(), grantee(&user), fresh_bucket());
    subject.make_strangers_bucket(&bucket, Some(&to)).await;
    let s3 = subject.s3(&pair).expect("a backend with buckets has S3");
    assert_eq!(held(driver, &to, &bucket).await, Held::Nothing);
    can(subject, &s3, &bucket, NOTHING).await;
    for (permission, what) in [
        (Permission::ReadOnly, [true, true, false, false]),
        (
            Permission::WriteOnly,
            [
                false,
                false,
                true,
                driver.capabilities().buckets.write_only_deletes,
            ],
        ),
        (Permission::ReadWrite, EVERYTHING),
        (Permission::ReadOnly, [true, true, false, false]),
    ] {
        driver.set_grant(&to, &bucket, Some(permission)).await.unwrap();
        assert_eq!(held(driver, &to, &bucket).await, Held::As(permission));
        can(subject, &s3, &bucket, what).await;
    }
    Shown::Met
}

pub(crate) async fn a_withdrawn_grant_is_refused_and_those_of_others_stay(subject: &dyn Subject) -> Shown {
    if !grants(subject).await {
        return Shown::NotClaimed("access to buckets");
    }
    let (first, pair) = made_with_key(subject).await;
    let (second, other_pair) = made_with_key(subject).await;
    let (driver, bucket) = (subject.driver(), fresh_bucket());
    let to = grantee(&first);
    let other = Grantee {
        namespace: to.namespace.clone(),
        ..grantee(&second)
    };
    subject.make_strangers_bucket(&bucket, Some(&to)).await;
    for to in [&to, &other] {
        let all = Some(Permission::ReadWrite);
        driver.set_grant(to, &bucket, all).await.unwrap();
    }
    let s3 = |pair| subject.s3(pair).unwrap();
    can(subject, &s3(&pair), &bucket, EVERYTHING).await;
    driver.set_grant(&to, &bucket, None).await.unwrap();
    can(subject, &s3(&pair), &bucket, NOTHING).await;
    can(subject, &s3(&other_pair), &bucket, EVERYTHING).await;
    assert_eq!(held(driver, &to, &bucket).await, Held::Nothing);
    driver.set_grant(&to, &bucket, None).await.unwrap();
    let still = held(driver, &other, &bucket).await;
    assert_eq!(still, Held::As(Permission::ReadWrite));
    Shown::Met
}

pub(crate) async fn a_grant_that_is_there_is_not_written_again(subject: &dyn Subject) -> Shown {
    if !grants(subject).await {
        return Shown::NotClaimed("access to buckets");
    }
    let (user, _) = made_with_key(subject).await;
    let (driver, to, bucket) = (subject.driver(), grantee(&user), fresh_bucket());
    subject.make_strangers_bucket(&bucket, Some(&to)).await;
    for what in [Some(Permission::ReadOnly), None] {
        driver.set_grant(&to, &bucket, what).await.unwrap();
        let before = subject.proxy().seen().len();
        driver.set_grant(&to, &bucket, what).await.unwrap();
        let seen = subject.proxy().seen().split_off(before);
        assert!(!seen.iter().any(subject.changes()), "{seen:?}");
    }
    Shown::Met
}

pub(crate) async fn a_rotation_changes_no_grant(subject: &dyn Subject) -> Shown {
    if !grants(subject).await {
        return Shown::NotClaimed("access to buckets");
    }
    let (user, pair) = made_with_key(subject).await;
    let (driver, to, bucket) = (subject.driver(), grantee(&user), fresh_bucket());
    subject.make_strangers_bucket(&bucket, Some(&to)).await;
    let all = Some(Permission::ReadWrite);
    driver.set_grant(&to, &bucket, all).await.unwrap();
    let second = issued(subject, &user).await;
    driver.revoke(&user.name, &pair.id).await.unwrap();
    let s3 = subject.s3(&second).unwrap();
    can(subject, &s3, &bucket, EVERYTHING).await;
    let still = held(driver, &to, &bucket).await;
    assert_eq!(still, Held::As(Permission::ReadWrite));
    Shown::Met
}

pub(crate) async fn a_bucket_without_consent_is_left_alone(subject: &dyn Subject) -> Shown {
    if !grants(subject).await {
        return Shown::NotClaimed("access to buckets");
    }
    let (user, pair) = made_with_key(subject).await;
    let (driver, to) = (subject.driver(), grantee(&user));
    let (closed, for_others) = (fresh_bucket(), fresh_bucket());
    subject.make_strangers_bucket(&closed, None).await;
    let others = grantee(&fresh_user(subject));
    subject.make_strangers_bucket(&for_others, Some(&others)).await;
    let before = subject.proxy().seen().len();
    for bucket in [&closed, &for_others] {
        let found = driver.find_bucket(&to, bucket).await.unwrap();
        let FoundBucket::Closed { held, advice } = found else {
            panic!("{bucket} is open to everybody: {found:?}")
        };
        assert!(matches!(held, None | Some(Held::Nothing)), "{held:?}");
        assert!(advice.contains(bucket.as_str()), "{advice}");
        let grant = driver.set_grant(&to, bucket, Some(Permission::ReadOnly)).await;
        refused(grant, ErrorKind::Conflict);
    }
    let seen = subject.proxy().seen().split_off(before);
    assert!(!seen.iter().any(subject.changes()), "{seen:?}");
    let s3 = subject.s3(&pair).unwrap();
    assert_eq!(tried(&s3, &closed).await, (NOTHING, false));
    assert_eq!(tried(&s3, &for_others).await, (NOTHING, false));
    Shown::Met
}

pub(crate) async fn a_bucket_that_is_not_there_is_missing(subject: &dyn Subject) -> Shown {
    if !grants(subject).await {
        return Shown::NotClaimed("access to buckets");
    }
    let user = ready(subject).await;
    let (driver, to, bucket) = (subject.driver(), grantee(&user), fresh_bucket());
    let found = driver.find_bucket(&to, &bucket).await.unwrap();
    assert_eq!(found, FoundBucket::Missing);
    let grant = driver.set_grant(&to, &bucket, Some(Permission::ReadOnly)).await;
    refused(grant, ErrorKind::NotFound);
    driver.set_grant(&to, &bucket, None).await.unwrap();
    Shown::Met
}

pub(crate) async fn a_bucket_that_is_made_is_open_to_its_namespace_alone(subject: &dyn Subject) -> Shown {
    if !makes(subject).await {
        return Shown::NotClaimed("making buckets");
    }
    let (user, pair) = made_with_key(subject).await;
    let (driver, to, bucket) = (subject.driver(), grantee(&user), fresh_bucket());
    driver.make_bucket(&to, &bucket).await.unwrap();
    // An operator that dies here goes on from what it finds.
    assert_eq!(held(driver, &to, &bucket).await, Held::Nothing);
    driver.make_bucket(&to, &bucket).await.unwrap();
    let all = Some(Permission::ReadWrite);
    driver.set_grant(&to, &bucket, all).await.unwrap();
    let s3 = subject.s3(&pair).unwrap();
    let (other, other_pair) = made_with_key(subject).await;
    let neighbour = Grantee {
        namespace: to.namespace.clone(),
        ..grantee(&other)
    };
    assert_eq!(held(driver, &neighbour, &bucket).await, Held::Nothing);
    driver.set_grant(&neighbour, &bucket, all).await.unwrap();
    // Whoever stores an object may own it, and read it for ever.
    let seed = subject.s3(&other_pair).unwrap();
    let stored = async || seed.put_object(bucket.as_str(), SEED, b"seed").await.status == 200;
    until(subject, stored).await;
    can(subject, &s3, &bucket, EVERYTHING).await;
    let stranger = grantee(&ready(subject).await);
    let found = driver.find_bucket(&stranger, &bucket).await.unwrap();
    assert!(matches!(found, FoundBucket::Closed { .. }), "{found:?}");
    let taken = driver.make_bucket(&stranger, &bucket).await;
    refused(taken, ErrorKind::Conflict);
    driver.set_grant(&to, &bucket, None).await.unwrap();
    can(subject, &s3, &bucket, NOTHING).await;
    assert_eq!(held(driver, &to, &bucket).await, Held::Nothing);
    Shown::Met
}

pub(crate) async fn a_name_that_no_bucket_has_is_refused_before_any_request(subject: &dyn Subject) -> Shown {
    if !grants(subject).await {
        return Shown::NotClaimed("access to buckets");
    }
    let (driver, to) = (subject.driver(), grantee(&fresh_user(subject)));
    let before = subject.proxy().seen().len();
    let long = "x".repeat(64);
    for name in [
        "", "ab", &long, "Upper", "a_b", "a/b", "a?policy", "..", "-ab", "a b",
    ] {
        let bucket = BucketName::new(name);
        refused(driver.find_bucket(&to, &bucket).await, ErrorKind::Invalid);
        refused(driver.make_bucket(&to, &bucket).await, ErrorKind::Invalid);
        refused(driver.set_grant(&to, &bucket, None).await, ErrorKind::Invalid);
    }
    assert_eq!(subject.proxy().seen().len(), before);
    Shown::Met
}

pub(crate) async fn a_lost_answer_about_access_is_mended_by_repeating(subject: &dyn Subject) -> Shown {
    if !makes(subject).await {
        return Shown::NotClaimed("making buckets");
    }
    let (user, _) = made_with_key(subject).await;
    let (driver, to, bucket) = (subject.driver(), grantee(&user), fresh_bucket());
    let lost = |result: gracekey::backend::Result<()>| {
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Transient, Outcome::Unknown)
        );
    };
    let lose_next = || subject.proxy().once(subject.changes(), Fault::CutAfter);
    lose_next();
    lost(driver.make_bucket(&to, &bucket).await);
    // Where it takes several calls, the rest of them is still to be made.
    if driver.find_bucket(&to, &bucket).await.unwrap() == FoundBucket::Missing {
        driver.make_bucket(&to, &bucket).await.unwrap();
    }
    assert_eq!(held(driver, &to, &bucket).await, Held::Nothing);
    for what in [Some(Permission::WriteOnly), None] {
        lose_next();
        lost(driver.set_grant(&to, &bucket, what).await);
        driver.set_grant(&to, &bucket, what).await.unwrap();
        let now = held(driver, &to, &bucket).await;
        assert_eq!(now, what.map_or(Held::Nothing, Held::As));
    }
    Shown::Met
}

pub(crate) async fn limits_are_set_told_and_lifted_as_claimed(subject: &dyn Subject) -> Shown {
    let driver = subject.driver();
    let quota = driver.capabilities().quota;
    let all = [Resource::Bytes, Resource::Objects, Resource::Buckets];
    let covered: Vec<_> = all.into_iter().filter(|of| quota.covers(*of)).collect();
    if covered.is_empty() {
        let user = ready(subject).await;
        for of in all {
            let changes = LimitChanges::from([(of, Some(1))]);
            let set = driver.set_limits(&user.name, &changes).await;
            refused(set, ErrorKind::Unsupported);
        }
        return Shown::NotClaimed("quota");
    }
    // Where a user comes with its key, it is not there before.
    let (user, _) = made_with_key(subject).await;
    let limits = async |of| {
        let user = driver.find_user(&user.name).await.unwrap().unwrap();
        user.limits.unwrap().get(&of).copied()
    };
    for of in &covered {
        let before = async |others: &[Resource]| {
            let mut told = Vec::new();
            for other in others {
                told.push(limits(*other).await);
            }
            told
        };
        let others: Vec<_> = covered.iter().copied().filter(|other| other != of).collect();
        let untouched = before(&others).await;
        let step = quota.step(*of);
        for most in [Some(1001), Some(1), Some(1 << 20), None, Some(7)] {
            let most = most.map(|steps: u64| steps * step);
            let changes = LimitChanges::from([(*of, most)]);
            driver.set_limits(&user.name, &changes).await.unwrap();
            driver.set_limits(&user.name, &changes).await.unwrap();
            assert_eq!(limits(*of).await, most, "{of:?}");
        }
        if step > 1 {
            let between = LimitChanges::from([(*of, Some(7 * step + 1))]);
            refused(driver.set_limits(&user.name, &between).await, ErrorKind::Invalid);
            assert_eq!(limits(*of).await, Some(7 * step), "nothing is rounded");
        }
        assert_eq!(before(&others).await, untouched, "others stay");
    }
    let (nobody, of) = (fresh_user(subject).name, covered[0]);
    for most in [Some(quota.step(of)), None] {
        let changes = LimitChanges::from([(of, most)]);
        refused(driver.set_limits(&nobody, &changes).await, ErrorKind::NotFound);
    }
    Shown::Met
}
