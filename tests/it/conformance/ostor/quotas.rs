//! Quotas, where the store has them and where it only was said to.

use super::facts::{Any, failed, probed, refused};
use super::{Store, Variant, boxed};
use crate::conformance::suite::{Subject, found, issued, made_with_key};
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::ostor::OstorConfig;
use gracekey::backend::{Driver, ErrorKind as K, Outcome, Result};
use gracekey::domain::access::{LimitChanges, Resource};
use gracekey::domain::ids::UserName;
use gracekey_simulators::ostor::{Fault as Inside, NoQuota, Options, Refusal};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

const GIGABYTE: u64 = 1_000_000_000;

fn about_quotas<V: Variant>(store: &Store<V>) -> Vec<Seen> {
    let mut seen = store.proxy.seen();
    seen.retain(|seen| seen.target.starts_with("/?ostor-quotas"));
    seen
}

async fn set(driver: &dyn Driver, name: &UserName, gigabytes: Option<u64>) -> Result<()> {
    let changes = LimitChanges::from([(Resource::Bytes, gigabytes.map(|most| most * GIGABYTE))]);
    driver.set_limits(name, &changes).await
}

async fn quota<V: Variant>(store: &Store<V>, name: &UserName) -> Option<u64> {
    let limits = found(store, name).await.limits.unwrap();
    limits.get(&Resource::Bytes).copied()
}

/// A driver that was told that there are quotas.
fn told(store: &Any) -> Box<dyn Driver> {
    boxed(OstorConfig {
        quotas: true,
        ..store.config()
    })
}

#[tokio::test]
async fn a_user_stores_no_more_than_its_quota() {
    let store = probed(Options {
        gigabyte: 1000,
        ..Options::default()
    })
    .await;
    let (user, pair) = made_with_key(&store).await;
    let s3 = store.s3(&pair).unwrap();
    s3.create_bucket("bucket").await.expect_success();
    set(&store.driver, &user.name, Some(2)).await.unwrap();
    for (bytes, status) in [(2001, 403), (2000, 200)] {
        let put = s3.put_object("bucket", "object", &vec![b'x'; bytes]).await;
        assert_eq!(put.status, status, "{bytes} bytes");
    }
    set(&store.driver, &user.name, None).await.unwrap();
    let put = s3.put_object("bucket", "object", &vec![b'x'; 2001]).await;
    assert_eq!(put.status, 200, "lifted");
}

#[tokio::test]
async fn without_the_switch_nobody_asks_about_quotas() {
    let store = probed(Options::default()).await;
    let driver = boxed(OstorConfig {
        quotas: false,
        ..store.config()
    });
    let before = about_quotas(&store).len();
    driver.probe().await.unwrap();
    let (user, _) = made_with_key(&store).await;
    set(&store.driver, &user.name, Some(3)).await.unwrap();
    let between = about_quotas(&store).len();
    let there = driver.find_user(&user.name).await.unwrap().unwrap();
    assert!(there.limits.unwrap().is_empty());
    let error = refused(set(&*driver, &user.name, Some(4)).await, K::Unsupported);
    assert!(error.to_string().contains("set `quotas: true`"), "{error}");
    refused(set(&*driver, &user.name, None).await, K::Unsupported);
    assert!(before < between, "the other driver asks");
    assert_eq!(about_quotas(&store).len(), between);
}

#[tokio::test]
async fn a_store_that_has_no_quotas_is_found_out_by_the_probe() {
    for status in [400, 403, 405, 501] {
        let store = Any::unasked(Options {
            quotas: false,
            quotas_off: Refusal::new(StatusCode::from_u16(status).unwrap(), "NoQuotas"),
            ..Options::default()
        })
        .await;
        let error = refused(told(&store).probe().await, K::Unsupported);
        assert!(error.to_string().contains("`ostor-ctl add-acc`"), "{error}");
        store.driver.probe().await.unwrap();
    }
}

/// Some may say the same of a store without quotas as of a user without one.
#[tokio::test]
async fn a_store_that_has_none_to_be_found_says_so_when_one_is_set() {
    let store = Any::unasked(Options {
        quotas: false,
        quotas_off: Refusal::new(StatusCode::NOT_FOUND, "NotFound"),
        ..Options::default()
    })
    .await;
    let driver = told(&store);
    driver.probe().await.unwrap();
    let (user, _) = made_with_key(&store).await;
    assert!(
        driver
            .find_user(&user.name)
            .await
            .unwrap()
            .unwrap()
            .limits
            .unwrap()
            .is_empty()
    );
    let error = refused(set(&*driver, &user.name, Some(1)).await, K::Unsupported);
    assert!(error.to_string().contains("take `quotas` out"), "{error}");
    set(&*driver, &user.name, None).await.unwrap();
}

#[tokio::test]
async fn a_page_where_a_quota_ought_to_be_is_not_taken_for_none_and_the_user_is_seen_all_the_same() {
    let store = probed(Options::default()).await;
    let (user, _) = made_with_key(&store).await;
    set(&store.driver, &user.name, Some(1)).await.unwrap();
    let is_read = |seen: &Seen| seen.method == Method::GET && seen.target.starts_with("/?ostor-quotas");
    for (fault, kind) in [
        (Fault::answer(200, "<ListAllMyBucketsResult/>"), K::Protocol),
        (Fault::answer(404, "<html>"), K::Protocol),
        (Fault::answer(500, ""), K::Transient),
    ] {
        store.proxy.once(is_read, fault);
        let there = found(&store, &user.name).await;
        refused(there.limits, kind);
        assert_eq!(there.credentials.len(), 1);
    }
    assert_eq!(quota(&store, &user.name).await, Some(GIGABYTE));
}

#[tokio::test]
async fn a_gigabyte_of_another_size_is_told_where_the_store_shows_it() {
    let store = probed(Options {
        quota_in_bytes: true,
        gigabyte: 1 << 30,
        ..Options::default()
    })
    .await;
    let (user, _) = made_with_key(&store).await;
    let error = failed(
        set(&store.driver, &user.name, Some(10)).await,
        K::Unsupported,
        Outcome::Unknown,
    );
    assert!(error.to_string().contains("2^30 bytes"), "{error}");
    assert_eq!(
        quota(&store, &user.name).await,
        Some(10 << 30),
        "what is there is told as it is"
    );
    set(&store.driver, &user.name, None).await.unwrap();
    assert_eq!(quota(&store, &user.name).await, None);
}

#[tokio::test]
async fn a_quota_that_is_gone_is_lifted_whatever_the_store_says_of_it() {
    for status in [400, 403, 404, 409] {
        let mut by_product = HeaderMap::new();
        by_product.insert("x-amz-err-message", HeaderValue::from_static("There is no quota"));
        let store = probed(Options::default()).await;
        let (user, _) = made_with_key(&store).await;
        let answer = Fault::Answer(status, by_product, String::new());
        store.proxy.once(|seen| seen.method == Method::DELETE, answer);
        set(&store.driver, &user.name, None).await.unwrap();
    }
}

#[tokio::test]
async fn a_quota_that_stays_is_not_called_lifted() {
    let store = probed(Options::default()).await;
    let (user, _) = made_with_key(&store).await;
    set(&store.driver, &user.name, Some(5)).await.unwrap();
    for (fault, kind) in [
        (Inside::ErrorInsteadOfWrite, K::Transient),
        (Inside::ErrorAfterWrite, K::Transient),
    ] {
        store.ostor.fail_next(fault);
        let error = set(&store.driver, &user.name, Some(6)).await.unwrap_err();
        assert_eq!((error.kind, error.outcome), (kind, Outcome::Unknown), "{fault:?}");
    }
    assert_eq!(
        quota(&store, &user.name).await,
        Some(6 * GIGABYTE),
        "the second was carried out"
    );
    store.ostor.fail_next(Inside::ErrorInsteadOfWrite);
    failed(
        set(&store.driver, &user.name, None).await,
        K::Transient,
        Outcome::Unknown,
    );
    assert_eq!(quota(&store, &user.name).await, Some(6 * GIGABYTE));
}

#[tokio::test]
async fn a_user_that_goes_while_its_quota_is_changed_is_gone() {
    let store = probed(Options::default()).await;
    for gigabytes in [Some(1), None] {
        let (user, _) = made_with_key(&store).await;
        store.ostor.fail_next(Inside::ForeignUserChangeFirst);
        refused(set(&store.driver, &user.name, gigabytes).await, K::NotFound);
    }
}

#[tokio::test]
async fn a_quota_lives_through_a_change_of_keys_and_ends_with_its_user() {
    for no_quota in [Options::default().no_quota, NoQuota::Zero] {
        let store = probed(Options {
            no_quota,
            ..Options::default()
        })
        .await;
        let (user, old) = made_with_key(&store).await;
        set(&store.driver, &user.name, Some(9)).await.unwrap();
        issued(&store, &user).await;
        store.driver.revoke(&user.name, &old.id).await.unwrap();
        assert_eq!(quota(&store, &user.name).await, Some(9 * GIGABYTE));
        store.driver.delete_user(&user.name).await.unwrap();
        issued(&store, &user).await;
        assert_eq!(quota(&store, &user.name).await, None);
    }
}
