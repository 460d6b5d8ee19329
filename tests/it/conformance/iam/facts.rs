//! What only this API has: marks in two places, policies, limits, and deletions that others stand in the way of.

use super::{Moto, Product, SeaweedFs, Store, blank, boxed};
use crate::conformance::suite::{
    Subject as _, fresh_foreign_name, fresh_name, fresh_user, is_dead, issued, key_ids, key_order,
    made_with_key, ready, works,
};
use crate::testbed::{Fault, proxy::Seen};
use gracekey::api::v1alpha1::IamOwnerMark;
use gracekey::backend::iam::{IamConfig, IamDriver};
use gracekey::backend::{Driver as _, ErrorKind, NewUser, Outcome};
use gracekey::domain::ids::UserName;

/// Its answers to `CreateUser` and `GetUser` have a path, which is always `/`.
#[tokio::test]
async fn a_store_that_keeps_no_path_is_told_and_left_as_it_was() {
    let store = Store::<SeaweedFs>::start().await;
    let config = IamConfig {
        owner_mark: IamOwnerMark::Path,
        ..store.config()
    };
    let driver = IamDriver::new(config).unwrap();
    let user = NewUser {
        name: fresh_name(),
        ..fresh_user(&store)
    };
    for error in [
        driver.probe().await.unwrap_err(),
        driver.create_user(&user).await.unwrap_err(),
    ] {
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Unsupported, Outcome::NotApplied)
        );
        assert!(error.to_string().contains("ownerMark: Name"), "{error}");
    }
    assert!(driver.find_user(&user.name).await.unwrap().is_none());
}

#[tokio::test]
async fn a_name_without_its_mark_is_refused_before_any_request() {
    let store = Store::<SeaweedFs>::start().await;
    let before = store.proxy.seen().len();
    let user = NewUser {
        name: fresh_foreign_name(&store),
        ..fresh_user(&store)
    };
    assert_eq!(
        store.driver.create_user(&user).await.unwrap_err().kind,
        ErrorKind::Conflict
    );
    assert_eq!(store.proxy.seen().len(), before);
}

#[tokio::test]
async fn a_probe_tells_product_and_version() {
    let info = Store::<SeaweedFs>::start().await.driver.probe().await.unwrap();
    assert_eq!(info.product, "SeaweedFS");
    assert!(info.version.is_some_and(|version| version.starts_with("4.")));
    let info = Store::<Moto>::start().await.driver.probe().await.unwrap();
    assert_eq!((info.product.as_str(), info.version), ("IAM query API", None));
}

#[tokio::test]
async fn last_use_is_claimed_where_the_store_tells_it_and_to_us() {
    assert!(!Store::<SeaweedFs>::start().await.driver.capabilities().last_use);
    let store = Store::<Moto>::start().await;
    assert!(store.driver.capabilities().last_use);
    let name = fresh_name();
    let pair = store.make_foreign_user(&name).await;
    let rights = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:GetUser","iam:ListUserPolicies"],"Resource":"*"}]}"#;
    let fields = [
        ("UserName", name.as_str()),
        ("PolicyName", "some"),
        ("PolicyDocument", rights),
    ];
    store.admin_call("PutUserPolicy", &fields).await;
    let less = store.driver_with(|config| {
        config.access_key_id = pair.access_key_id.clone();
        config.secret = pair.secret.clone();
    });
    let capabilities = less.await.capabilities();
    assert!(capabilities.lock && !capabilities.last_use);
}

async fn a_key_comes_after_its_policies<P: Product>() {
    let store = Store::<P>::start().await;
    let user = blank(&store).await;
    let is_attaching = |seen: &Seen| seen.action.as_deref() == Some("AttachUserPolicy");
    store.proxy.once(is_attaching, Fault::CutAfter);
    let error = store.driver.issue(&user, &key_order(&store)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Transient, Outcome::NotApplied)
    );
    assert!(key_ids(&store, &user.name).await.is_empty());
    let pair = issued(&store, &user).await;
    let attached = store
        .admin_call("ListAttachedUserPolicies", &[("UserName", user.name.as_str())])
        .await;
    assert!(attached.contains(&store.server.policy_arn), "{attached}");
    works(&store, &pair).await;
    let absent =
        store.driver_with(|config| config.policy_arns = vec!["arn:aws:iam::123456789012:policy/none".into()]);
    let error = absent.await.issue(&user, &key_order(&store)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Invalid, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("policy/none"), "{error}");
    assert_eq!(key_ids(&store, &user.name).await, [pair.id]);
}

#[tokio::test]
async fn a_key_comes_after_its_policies_on_seaweedfs() {
    a_key_comes_after_its_policies::<SeaweedFs>().await;
}

#[tokio::test]
async fn a_key_comes_after_its_policies_on_moto() {
    a_key_comes_after_its_policies::<Moto>().await;
}

#[tokio::test]
async fn a_limit_of_the_stores_own_is_told_as_such() {
    let store = Store::<Moto>::start().await;
    let user = ready(&store).await;
    let driver = store.driver_with(|config| config.keys_per_user = 4).await;
    for _ in 0..2 {
        driver.issue(&user, &key_order(&store)).await.unwrap();
    }
    let error = driver.issue(&user, &key_order(&store)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("AccessKeysPerUser"), "{error}");
    assert_eq!(key_ids(&store, &user.name).await.len(), 2);
}

#[tokio::test]
async fn a_user_that_has_as_many_policies_as_it_may_is_told_as_such() {
    let store = Store::<Moto>::start().await;
    let user = blank(&store).await;
    let full = "<ErrorResponse><Error><Type>Sender</Type><Code>LimitExceeded</Code><Message>Cannot exceed quota for \
                PoliciesPerUser: 10</Message></Error></ErrorResponse>";
    let attaches = |seen: &Seen| seen.action.as_deref() == Some("AttachUserPolicy");
    store.proxy.once(attaches, Fault::answer(409, full));
    let error = store.driver.issue(&user, &key_order(&store)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("policyArns"), "{error}");
}

#[tokio::test]
async fn a_deletion_that_may_not_see_all_takes_nothing() {
    let store = Store::<Moto>::start().await;
    let (user, pair) = made_with_key(&store).await;
    let refusal =
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code></Error></ErrorResponse>";
    let lists = |seen: &Seen| seen.action.as_deref() == Some("ListAttachedUserPolicies");
    store.proxy.once(lists, Fault::answer(403, refusal));
    let error = store.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Auth, Outcome::NotApplied)
    );
    assert_eq!(key_ids(&store, &user.name).await, [pair.id]);
}

async fn what_others_put_on_a_user_is_not_destroyed<P: Product>() {
    let store = Store::<P>::start().await;
    let (user, pair) = made_with_key(&store).await;
    let name = ("UserName", user.name.as_str());
    let rights = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}"#;
    let policy = [name, ("PolicyName", "theirs"), ("PolicyDocument", rights)];
    store.admin_call("PutUserPolicy", &policy).await;
    let before = store.snapshot(&user.name).await;
    let error = store.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("theirs"), "{error}");
    assert_eq!(store.snapshot(&user.name).await, before);
    store
        .admin_call("DeleteUserPolicy", &[name, ("PolicyName", "theirs")])
        .await;
    store.driver.delete_user(&user.name).await.unwrap();
    is_dead(&store, &pair).await;
}

#[tokio::test]
async fn what_others_put_on_a_user_is_not_destroyed_on_seaweedfs() {
    what_others_put_on_a_user_is_not_destroyed::<SeaweedFs>().await;
}

#[tokio::test]
async fn what_others_put_on_a_user_is_not_destroyed_on_moto() {
    what_others_put_on_a_user_is_not_destroyed::<Moto>().await;
}

#[tokio::test]
async fn a_user_is_deleted_with_its_lock_and_the_policies_attached_to_it() {
    let store = Store::<Moto>::start().await;
    let (user, _) = made_with_key(&store).await;
    store.driver.set_locked(&user.name, true).await.unwrap();
    let attached = || async {
        store
            .ask("ListAttachedUserPolicies", &[("UserName", user.name.as_str())])
            .await
    };
    assert!(attached().await.1.contains(&store.server.policy_arn));
    store.driver.delete_user(&user.name).await.unwrap();
    assert_eq!(attached().await.0, 404);
}

/// AWS names no cause in a way that can be read; moto never says so of what the driver leaves.
#[tokio::test]
async fn a_deletion_that_the_store_refuses_says_what_may_stand_in_its_way() {
    let store = Store::<Moto>::start().await;
    let (user, _) = made_with_key(&store).await;
    let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>DeleteConflict</Code><Message>Cannot delete entity, must \
                   remove users from group first.</Message></Error></ErrorResponse>";
    let deletes = |seen: &Seen| seen.action.as_deref() == Some("DeleteUser");
    store.proxy.once(deletes, Fault::answer(409, refusal));
    let error = store.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("groups"), "{error}");
    // A list that lags may have lacked it.
    assert!(
        error.to_string().contains("a key that is not told yet"),
        "{error}"
    );
    store.driver.delete_user(&user.name).await.unwrap();
}

/// Nobody else can take the place of the admin by choosing a name in other capitals.
#[tokio::test]
async fn a_name_with_capitals_is_refused() {
    let store = Store::<Moto>::start().await;
    let name = UserName::new("Admin");
    let error = boxed(store.config()).find_user(&name).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}
