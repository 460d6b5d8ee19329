//! Access to buckets: the inline policy that holds it, and what the suite cannot ask of others.

use super::{Moto, Product, SeaweedFs, Store, text_of};
use crate::conformance::access::{SEED, fresh_bucket, grantee, grantee_at_home};
use crate::conformance::suite::{Subject as _, is_locked_out, issued, made_with_key, ready, works};
use crate::conformance::user_policy as shared;
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::{Driver as _, ErrorKind, FoundBucket, Grantee};
use gracekey::domain::access::{Held, Permission};
use gracekey::domain::ids::BucketName;

const ALL: Option<Permission> = Some(Permission::ReadWrite);

async fn held(store: &Store<impl Product>, to: &Grantee, bucket: &BucketName) -> Held {
    match store.driver.find_bucket(to, bucket).await.unwrap() {
        FoundBucket::Open(held) => held,
        found @ (FoundBucket::Missing | FoundBucket::Closed { .. }) => panic!("{bucket}: {found:?}"),
    }
}

#[tokio::test]
async fn a_store_without_s3_gives_no_access() {
    let store = Store::<Moto>::start_confined().await;
    for s3 in [
        None,
        store.config().s3.map(|(at, _)| (at, "cn-north-1".to_owned())),
    ] {
        let driver = store.driver_with(|config| config.s3 = s3).await;
        assert!(!driver.capabilities().buckets.grant);
        let (to, bucket) = (grantee(&ready(&store).await), fresh_bucket());
        let error = driver.find_bucket(&to, &bucket).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
    }
}

/// Makes a policy of this account; its ARN.
async fn policy_of(store: &Store<impl Product>, action: &str, resource: &str) -> String {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}]}}"#
    );
    let name = fresh_bucket();
    let fields = [("PolicyName", name.as_str()), ("PolicyDocument", &text)];
    text_of("Arn", &store.admin_call("CreatePolicy", &fields).await)
}

/// `ReadOnly` would be a lie.
async fn policies_that_reach_all_buckets_leave_nothing_to_grant(store: &Store<impl Product>) {
    for (action, resource, want) in [
        ("s3:GetObject", "arn:aws:s3:::*", false),
        ("s3:GetObject", "arn:aws:s3:::?*", false),
        ("s3:GetObject", "arn:aws:s3:::tenant-a/*", true),
        ("s3:ListAllMyBuckets", "arn:aws:s3:::*", true),
    ] {
        let arn = policy_of(store, action, resource).await;
        let driver = store.driver_with(|config| config.policy_arns = vec![arn]).await;
        let rights = driver.capabilities().buckets;
        assert_eq!((rights.grant, rights.make), (want, want), "{action} {resource}");
    }
    assert!(
        !store
            .driver_with(|config| config.policy_arns = vec![store.server.policy_arn.clone()])
            .await
            .capabilities()
            .buckets
            .grant
    );
}

#[tokio::test]
async fn policies_that_reach_all_buckets_leave_nothing_to_grant_on_moto() {
    policies_that_reach_all_buckets_leave_nothing_to_grant(&Store::<Moto>::start_confined().await).await;
}

#[tokio::test]
async fn policies_that_reach_all_buckets_leave_nothing_to_grant_on_seaweedfs() {
    policies_that_reach_all_buckets_leave_nothing_to_grant(&Store::<SeaweedFs>::start_confined().await).await;
}

/// What its store does not give it, a user may have all the same: by hand, or by what `policyArns` named earlier.
async fn a_user_that_reaches_all_buckets_is_given_none(store: &Store<impl Product>) {
    let user = ready(store).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    store.make_strangers_bucket(&bucket, Some(&to)).await;
    let some = Some(Permission::ReadOnly);
    store.driver.set_grant(&to, &bucket, some).await.unwrap();
    let narrow = policy_of(store, "s3:GetObject", "arn:aws:s3:::tenant-a/*").await;
    let of_user = |rest: &[(&'static str, &str)]| {
        let mut fields = vec![("UserName", user.name.to_string())];
        fields.extend(rest.iter().map(|(name, value)| (*name, (*value).to_owned())));
        fields
    };
    let wide = store.server.policy_arn.as_str();
    let inline = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::*"}]}"#;
    for (name, put, take) in [
        (
            wide,
            ("AttachUserPolicy", of_user(&[("PolicyArn", wide)])),
            ("DetachUserPolicy", of_user(&[("PolicyArn", wide)])),
        ),
        (
            "by-hand",
            (
                "PutUserPolicy",
                of_user(&[("PolicyName", "by-hand"), ("PolicyDocument", inline)]),
            ),
            ("DeleteUserPolicy", of_user(&[("PolicyName", "by-hand")])),
        ),
    ] {
        let call = async |(action, fields): (&str, Vec<(&str, String)>)| {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            store.admin_call(action, &fields).await
        };
        store.driver.set_grant(&to, &bucket, some).await.unwrap();
        call(("AttachUserPolicy", of_user(&[("PolicyArn", &narrow)]))).await;
        assert_eq!(held(store, &to, &bucket).await, Held::As(Permission::ReadOnly));
        call(put).await;
        let found = store.driver.find_bucket(&to, &bucket).await.unwrap();
        let FoundBucket::Closed {
            held: Some(has),
            advice,
        } = found
        else {
            panic!("{name}: {found:?}")
        };
        assert_eq!(has, Held::As(Permission::ReadOnly));
        assert!(advice.contains(name), "{advice}");
        let error = store.driver.set_grant(&to, &bucket, ALL).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
        let error = store.driver.make_bucket(&to, &fresh_bucket()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
        // What was given can be taken.
        store.driver.set_grant(&to, &bucket, None).await.unwrap();
        call(take).await;
        assert_eq!(held(store, &to, &bucket).await, Held::Nothing);
    }
}

#[tokio::test]
async fn a_user_that_reaches_all_buckets_is_given_none_on_moto() {
    a_user_that_reaches_all_buckets_is_given_none(&Store::<Moto>::start_confined().await).await;
}

#[tokio::test]
async fn a_user_that_reaches_all_buckets_is_given_none_on_seaweedfs() {
    a_user_that_reaches_all_buckets_is_given_none(&Store::<SeaweedFs>::start_confined().await).await;
}

/// Without the right to read them, the admin's word is taken; so it is of one that is not there.
#[tokio::test]
async fn policies_that_cannot_be_read_are_taken_for_narrow() {
    let store = Store::<Moto>::start_confined().await;
    let arn = policy_of(&store, "s3:GetObject", "arn:aws:s3:::*").await;
    for (status, code) in [
        (403, "AccessDenied"),
        (404, "NoSuchEntity"),
        (501, "NotImplemented"),
    ] {
        let refusal = format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>");
        for action in ["GetPolicy", "GetPolicyVersion"] {
            let is = move |seen: &Seen| seen.action.as_deref() == Some(action);
            store.proxy.once(is, Fault::answer(status, &refusal));
            let driver = store
                .driver_with(|config| config.policy_arns = vec![arn.clone()])
                .await;
            assert!(driver.capabilities().buckets.grant, "{code}");
        }
    }
}

/// An answer that is not understood is no word of anybody's. The store is of use all the same, but for access to buckets.
#[tokio::test]
async fn policies_that_are_not_understood_are_not_taken_for_narrow() {
    let store = Store::<Moto>::start_confined().await;
    let arn = policy_of(&store, "s3:GetObject", "arn:aws:s3:::*").await;
    for action in ["GetPolicy", "GetPolicyVersion"] {
        let is = move |seen: &Seen| seen.action.as_deref() == Some(action);
        store.proxy.once(is, Fault::answer(200, "<html>"));
        let driver = store
            .driver_with(|config| config.policy_arns = vec![arn.clone()])
            .await;
        assert!(!driver.capabilities().buckets.grant, "{action}");
    }
}

#[tokio::test]
async fn a_grant_beside_a_policy_that_cannot_be_read_can_be_taken_back() {
    let store = Store::<Moto>::start_confined().await;
    let user = ready(&store).await;
    let narrow = policy_of(&store, "s3:GetObject", "arn:aws:s3:::tenant-a/*").await;
    let fields = [("UserName", user.name.as_str()), ("PolicyArn", &narrow)];
    store.admin_call("AttachUserPolicy", &fields).await;
    let reads = |seen: &Seen| seen.action.as_deref() == Some("GetPolicy");
    let throttled = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
    shared::a_grant_beside_rights_that_cannot_be_read_can_be_taken_back(
        &store,
        &grantee(&user),
        reads,
        Fault::answer(400, throttled),
    )
    .await;
}

async fn access_goes_with_its_user_and_a_lock_stands_above_it(store: &Store<impl Product>) {
    let (user, pair) = made_with_key(store).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    store.make_strangers_bucket(&bucket, Some(&to)).await;
    store.driver.set_grant(&to, &bucket, ALL).await.unwrap();
    works(store, &pair).await;
    let reads = async || {
        let s3 = store.s3(&pair).unwrap();
        s3.get_object(bucket.as_str(), SEED).await.status
    };
    assert_eq!(reads().await, 200);
    store.driver.set_locked(&user.name, true).await.unwrap();
    is_locked_out(store, &pair).await;
    assert!(matches!(reads().await, 401 | 403));
    store.driver.set_locked(&user.name, false).await.unwrap();
    assert_eq!(reads().await, 200);
    assert_eq!(held(store, &to, &bucket).await, Held::As(Permission::ReadWrite));

    store.driver.delete_user(&user.name).await.unwrap();
    let found = store.driver.find_bucket(&to, &bucket).await.unwrap();
    assert_eq!(found, FoundBucket::Open(Held::Nothing));
    store.driver.create_user(&user).await.unwrap();
    issued(store, &user).await;
    assert_eq!(held(store, &to, &bucket).await, Held::Nothing);
}

#[tokio::test]
async fn access_goes_with_its_user_on_seaweedfs() {
    access_goes_with_its_user_and_a_lock_stands_above_it(&Store::<SeaweedFs>::start_confined().await).await;
}

#[tokio::test]
async fn access_goes_with_its_user_on_moto() {
    access_goes_with_its_user_and_a_lock_stands_above_it(&Store::<Moto>::start_confined().await).await;
}

async fn an_edited_policy_is_put_right(store: &Store<impl Product>) {
    let (to, bucket) = (grantee(&ready(store).await), fresh_bucket());
    store.make_strangers_bucket(&bucket, Some(&to)).await;
    store.driver.set_grant(&to, &bucket, ALL).await.unwrap();
    let edited = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::{bucket}/*"]}}]}}"#
    );
    let fields = [
        ("UserName", to.user.as_str()),
        ("PolicyName", "gracekey-access"),
        ("PolicyDocument", edited.as_str()),
    ];
    store.admin_call("PutUserPolicy", &fields).await;
    assert_eq!(held(store, &to, &bucket).await, Held::Otherwise);
    store.driver.set_grant(&to, &bucket, ALL).await.unwrap();
    assert_eq!(held(store, &to, &bucket).await, Held::As(Permission::ReadWrite));
}

#[tokio::test]
async fn an_edited_policy_is_put_right_on_seaweedfs() {
    an_edited_policy_is_put_right(&Store::<SeaweedFs>::start_confined().await).await;
}

#[tokio::test]
async fn an_edited_policy_is_put_right_on_moto() {
    an_edited_policy_is_put_right(&Store::<Moto>::start_confined().await).await;
}

/// AWS has a limit; others might keep what they take no notice of.
#[tokio::test]
async fn more_buckets_than_a_policy_has_room_for_are_refused() {
    let store = Store::<Moto>::start_confined().await;
    let to = grantee_at_home(&ready(&store).await);
    for number in 0..40 {
        let bucket = BucketName::new(format!("{}-{}{number:02}", fresh_bucket(), "x".repeat(20)));
        store.make_strangers_bucket(&bucket, None).await;
        let Err(error) = store.driver.set_grant(&to, &bucket, ALL).await else {
            continue;
        };
        assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("fewer buckets"), "{error}");
        assert!(number > 10, "{number}");
        assert_eq!(held(&store, &to, &bucket).await, Held::Nothing);
        return;
    }
    panic!("it never ends");
}

#[tokio::test]
async fn a_grant_that_outlived_its_bucket_is_taken_away() {
    let store = Store::<SeaweedFs>::start_confined().await;
    let (to, bucket) = (grantee(&ready(&store).await), fresh_bucket());
    store.make_strangers_bucket(&bucket, Some(&to)).await;
    store.driver.set_grant(&to, &bucket, ALL).await.unwrap();
    let root = store.root();
    root.delete_object(bucket.as_str(), SEED).await.expect_success();
    root.delete_bucket(bucket.as_str()).await.expect_success();
    assert_eq!(held(&store, &to, &bucket).await, Held::Otherwise);
    let error = store.driver.set_grant(&to, &bucket, ALL).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    let found = store.driver.find_bucket(&to, &bucket).await.unwrap();
    assert_eq!(found, FoundBucket::Missing);
    root.create_bucket(bucket.as_str()).await.expect_success();
    let found = store.driver.find_bucket(&to, &bucket).await.unwrap();
    assert!(
        matches!(
            found,
            FoundBucket::Closed {
                held: Some(Held::Nothing),
                ..
            }
        ),
        "{found:?}"
    );
}
