//! Access to buckets where grants are a policy of the user's own: whom a bucket belongs to that is being made. What the suites of
//! such storage have in common.

use super::access::{SEED, fresh_bucket, grantee};
use super::suite::{Subject, ready};
use crate::testbed::{Fault, S3, proxy::Seen};
use gracekey::backend::{Driver, ErrorKind, FoundBucket, Grantee};
use gracekey::domain::access::{Held, Permission};
use gracekey::domain::ids::BucketName;
use http::Method;
use std::time::Duration;

const ALL: Option<Permission> = Some(Permission::ReadWrite);
const A_WHILE: Fault = Fault::Delay(Duration::from_secs(1));

fn makes(bucket: &BucketName) -> impl Fn(&Seen) -> bool + Send + use<> {
    puts(format!("/{bucket}"))
}

fn puts(target: String) -> impl Fn(&Seen) -> bool + Send + use<> {
    move |seen| seen.method == Method::PUT && seen.target == target
}

async fn is_closed(driver: &dyn Driver, to: &Grantee, bucket: &BucketName) -> bool {
    let found = driver.find_bucket(to, bucket).await.unwrap();
    matches!(found, FoundBucket::Closed { .. })
}

/// Users of two namespaces.
async fn two(subject: &dyn Subject) -> (Grantee, Grantee) {
    let (one, other) = (ready(subject).await, ready(subject).await);
    (grantee(&one), grantee(&other))
}

/// Not every server refuses to make a bucket of the account's own once more.
pub(crate) async fn a_bucket_that_two_namespaces_make_at_once_is_for_one_of_them(subject: &dyn Subject) {
    let ((one, other), bucket) = (two(subject).await, fresh_bucket());
    let driver = subject.driver();
    subject.proxy().once(makes(&bucket), A_WHILE);
    let made = tokio::join!(
        driver.make_bucket(&one, &bucket),
        driver.make_bucket(&other, &bucket)
    );
    println!("{made:?}");
    assert_ne!(made.0.is_ok(), made.1.is_ok(), "both have made it, or none");
    let (winner, loser) = if made.0.is_ok() {
        (one, other)
    } else {
        (other, one)
    };
    assert!(is_closed(driver, &loser, &bucket).await);
    let found = driver.find_bucket(&winner, &bucket).await.unwrap();
    assert_eq!(found, FoundBucket::Open(Held::Nothing));
    driver.set_grant(&winner, &bucket, ALL).await.unwrap();
}

/// As after a lost answer, by which it is on record for two.
pub(crate) async fn a_bucket_that_is_on_record_for_two_is_given_to_one(subject: &dyn Subject) {
    let ((one, other), bucket) = (two(subject).await, fresh_bucket());
    let driver = subject.driver();
    subject.proxy().once(makes(&bucket), Fault::CutBefore);
    driver.make_bucket(&other, &bucket).await.unwrap_err();
    driver.make_bucket(&one, &bucket).await.unwrap();
    subject.proxy().once(puts(format!("/{bucket}?tagging")), A_WHILE);
    let set = tokio::join!(
        driver.set_grant(&one, &bucket, ALL),
        driver.set_grant(&other, &bucket, ALL)
    );
    println!("{set:?}");
    assert_ne!(set.0.is_ok(), set.1.is_ok(), "both have got it, or none");
    let (loser, error) = if set.0.is_ok() {
        (other, set.1)
    } else {
        (one, set.0)
    };
    assert_eq!(error.unwrap_err().kind, ErrorKind::Conflict);
    assert!(is_closed(driver, &loser, &bucket).await);
}

/// The making was lost, and somebody else made the bucket and used it. One that is made later is not the user's either.
pub(crate) async fn a_bucket_that_was_somebody_elses_once_is_not_taken_later(
    subject: &dyn Subject,
    root: &S3,
) {
    let driver = subject.driver();
    for is_made_again in [false, true] {
        let (to, bucket) = (grantee(&ready(subject).await), fresh_bucket());
        subject.proxy().once(makes(&bucket), Fault::CutBefore);
        driver.make_bucket(&to, &bucket).await.unwrap_err();
        subject.make_strangers_bucket(&bucket, None).await;
        if is_made_again {
            let error = driver.make_bucket(&to, &bucket).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
        } else {
            assert!(is_closed(driver, &to, &bucket).await);
        }
        let name = bucket.as_str();
        root.delete_object(name, SEED).await.expect_success();
        root.delete_bucket(name).await.expect_success();
        root.create_bucket(name).await.expect_success();
        assert!(is_closed(driver, &to, &bucket).await, "{is_made_again}");
    }
}

/// Whoever is told nothing of the grant cannot take it back. `reads`: a policy that the user has beside its grants.
pub(crate) async fn a_grant_beside_rights_that_cannot_be_read_can_be_taken_back(
    subject: &dyn Subject,
    to: &Grantee,
    reads: impl Fn(&Seen) -> bool + Clone + Send + 'static,
    throttled: Fault,
) {
    let (driver, proxy) = (subject.driver(), subject.proxy());
    let (bucket, other) = (fresh_bucket(), fresh_bucket());
    for bucket in [&bucket, &other] {
        subject.make_strangers_bucket(bucket, Some(to)).await;
    }
    let read = Held::As(Permission::ReadOnly);
    for (fault, kind) in [
        (throttled, ErrorKind::RateLimited),
        (Fault::answer(200, "<html>"), ErrorKind::Protocol),
    ] {
        let some = Some(Permission::ReadOnly);
        driver.set_grant(to, &bucket, some).await.unwrap();
        proxy.always(reads.clone(), fault);
        let found = driver.find_bucket(to, &bucket).await.unwrap();
        if kind == ErrorKind::RateLimited {
            assert_eq!(found, FoundBucket::Open(read), "time heals it");
        } else {
            let FoundBucket::Closed { held, advice } = found else {
                panic!("{found:?}")
            };
            assert_eq!(held, Some(read));
            assert!(advice.contains(to.user.as_str()), "{advice}");
        }
        let fresh = fresh_bucket();
        for result in [
            driver.find_bucket(to, &other).await.map(drop),
            driver.make_bucket(to, &fresh).await,
            driver.set_grant(to, &bucket, ALL).await,
        ] {
            assert_eq!(result.unwrap_err().kind, kind);
        }
        // Of one that is not there, nothing more is to be known.
        let found = driver.find_bucket(to, &fresh).await.unwrap();
        assert_eq!(found, FoundBucket::Missing);
        driver.set_grant(to, &bucket, None).await.unwrap();
        proxy.heal();
        let found = driver.find_bucket(to, &bucket).await.unwrap();
        assert_eq!(found, FoundBucket::Open(Held::Nothing));
    }
}

/// A withdrawal ends the record as well.
pub(crate) async fn a_bucket_that_is_given_up_while_it_is_made_is_not_taken_later(
    subject: &dyn Subject,
    root: &S3,
) {
    let (driver, bucket) = (subject.driver(), fresh_bucket());
    let to = grantee(&ready(subject).await);
    subject.proxy().once(makes(&bucket), Fault::CutBefore);
    driver.make_bucket(&to, &bucket).await.unwrap_err();
    driver.set_grant(&to, &bucket, None).await.unwrap();
    root.create_bucket(bucket.as_str()).await.expect_success();
    assert!(is_closed(driver, &to, &bucket).await);
}
