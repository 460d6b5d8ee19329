//! What only this admin API has: policies, the two ways to attach them, and rights that hide behind a 404.

use super::super::suite::{
    Subject as _, found, fresh_name, fresh_user, has_only, is_locked_out, issued, key_order, made_with_key,
    ready, works,
};
use super::{Server, Store, boxed, named};
use crate::testbed::Fault;
use gracekey::backend::minio::MinioConfig;
use gracekey::backend::{Driver as _, ErrorKind, KeyPair, NewUser, Outcome};
use gracekey::domain::ids::UserName;
use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value;

/// One test for each fact, of its name.
macro_rules! facts {
    ($server:ty) => {
        facts! { @facts $server;
            a_user_has_its_policies_before_its_first_key
            a_user_that_was_made_halfway_is_given_its_policies
            policies_that_an_admin_chose_are_kept
            a_user_of_a_store_without_policies_can_do_nothing
            a_policy_that_is_not_there_is_told_by_the_probe
            a_policy_that_allows_admin_actions_is_refused_by_the_probe
            a_user_with_such_a_policy_is_privileged
            a_lock_holds_while_a_key_is_made_behind_it
            a_user_that_an_admin_disabled_is_locked
            a_key_is_issued_by_one_change_and_carries_its_secret_in_no_address
            a_key_of_a_service_account_serves_for_the_operator_and_is_not_revoked
            a_removal_that_is_answered_by_not_found_is_not_taken_for_done
            a_body_that_was_not_readable_is_sent_in_the_other_scheme
        }
    };
    (@facts $server:ty; $($fact:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
        async fn $fact() {
            let store = <$crate::conformance::minio::Store<$server> as $crate::conformance::suite::Subject>::start().await;
            $crate::conformance::minio::facts::$fact(&store).await;
        }
    )*};
}

/// Path and method of the requests since then, without queries.
fn since<S>(store: &Store<S>, before: usize) -> Vec<String> {
    let seen = store.proxy.seen().split_off(before);
    let path = |target: &str| {
        let path = target.split('?').next().unwrap();
        path.trim_start_matches("/minio/admin/v3/").to_owned()
    };
    seen.iter()
        .map(|seen| format!("{} {}", seen.method, path(&seen.target)))
        .collect()
}

async fn policies<S>(store: &Store<S>, name: &UserName) -> Value {
    let user = store
        .admin_does(Method::GET, "user-info", named(name), None)
        .await;
    serde_json::from_slice::<Value>(&user).unwrap()["policyName"].clone()
}

pub(super) async fn a_user_has_its_policies_before_its_first_key<S: Server>(store: &Store<S>) {
    let user = fresh_user(store);
    store.driver.create_user(&user).await.unwrap();
    assert_eq!(policies(store, &user.name).await, "readwrite");
    let mut want = vec!["GET user-info", "PUT add-user", "POST idp/builtin/policy/attach"];
    want.extend(S::IS_OF_2021.then_some("PUT set-user-or-group-policy"));
    assert_eq!(since(store, 0), want);
    // Which way a server has is asked once.
    let before = store.proxy.seen().len();
    store.driver.create_user(&fresh_user(store)).await.unwrap();
    let attaches = since(store, before)
        .iter()
        .filter(|call| call.contains("attach"))
        .count();
    assert_eq!(attaches, usize::from(!S::IS_OF_2021));
}

pub(super) async fn a_user_that_was_made_halfway_is_given_its_policies<S: Server>(store: &Store<S>) {
    let user = fresh_user(store);
    store.add_user(&user.name).await;
    store.driver.create_user(&user).await.unwrap();
    assert_eq!(policies(store, &user.name).await, "readwrite");
    let user = fresh_user(store);
    store.add_user(&user.name).await;
    let key = issued(store, &user).await;
    assert_eq!(policies(store, &user.name).await, "readwrite");
    works(store, &key).await;
    // Without them there is no key.
    let user = fresh_user(store);
    store.add_user(&user.name).await;
    let is_policy = |seen: &crate::testbed::proxy::Seen| seen.target.contains("policy");
    store.proxy.always(is_policy, Fault::answer(500, ""));
    let error = store.driver.issue(&user, &key_order(store)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Transient, Outcome::Unknown)
    );
    store.proxy.heal();
    assert!(found(store, &user.name).await.credentials.is_empty());
}

pub(super) async fn policies_that_an_admin_chose_are_kept<S: Server>(store: &Store<S>) {
    let (user, _) = made_with_key(store).await;
    store.set_policies(&user.name, "readonly").await;
    store.driver.create_user(&user).await.unwrap();
    issued(store, &user).await;
    assert_eq!(policies(store, &user.name).await, "readonly");
}

pub(super) async fn a_user_of_a_store_without_policies_can_do_nothing<S: Server>(store: &Store<S>) {
    let driver = boxed(MinioConfig {
        policies: vec![],
        ..store.config()
    });
    driver.probe().await.unwrap();
    let user = fresh_user(store);
    driver.create_user(&user).await.unwrap();
    let key = driver.issue(&user, &key_order(store)).await.unwrap();
    assert_eq!(policies(store, &user.name).await, Value::Null);
    let made = store.s3(&key).unwrap().create_bucket(fresh_name().as_str()).await;
    assert_eq!(made.status, 403);
    works(store, &key).await;
}

pub(super) async fn a_policy_that_is_not_there_is_told_by_the_probe<S: Server>(store: &Store<S>) {
    let driver = boxed(MinioConfig {
        policies: vec!["readwrite".to_owned(), "not-there".to_owned()],
        ..store.config()
    });
    let error = driver.probe().await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Invalid, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("policy not-there"), "{error}");
    let error = driver.create_user(&fresh_user(store)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
}

pub(super) async fn a_policy_that_allows_admin_actions_is_refused_by_the_probe<S: Server>(store: &Store<S>) {
    let driver = boxed(MinioConfig {
        policies: vec!["consoleAdmin".to_owned()],
        ..store.config()
    });
    let error = driver.probe().await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Invalid, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("policy consoleAdmin"), "{error}");
}

pub(super) async fn a_user_with_such_a_policy_is_privileged<S: Server>(store: &Store<S>) {
    let (user, key) = made_with_key(store).await;
    store.set_policies(&user.name, "consoleAdmin").await;
    assert!(found(store, &user.name).await.privileged);
    let conflict = |error: gracekey::backend::Error| assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    conflict(store.driver.create_user(&user).await.unwrap_err());
    conflict(store.driver.issue(&user, &key_order(store)).await.unwrap_err());
    conflict(store.driver.revoke(&user.name, &key.id).await.unwrap_err());
    conflict(store.driver.delete_user(&user.name).await.unwrap_err());
}

/// Newer servers give no key to a disabled user: a policy that denies everything locks there.
pub(super) async fn a_lock_holds_while_a_key_is_made_behind_it<S: Server>(store: &Store<S>) {
    let (user, key) = made_with_key(store).await;
    store.driver.set_locked(&user.name, true).await.unwrap();
    is_locked_out(store, &key).await;
    let before = store.proxy.seen().len();
    store.driver.set_locked(&user.name, true).await.unwrap();
    if !S::IS_OF_2021 {
        // What it says, too: users are known as locked by its name.
        let last = since(store, before).pop();
        assert_eq!(last.as_deref(), Some("PUT add-canned-policy"));
    }
    let before = store.proxy.seen().len();
    let second = issued(store, &user).await;
    let changes: Vec<_> = since(store, before)
        .into_iter()
        .filter(|call| !call.starts_with("GET"))
        .collect();
    assert_eq!(changes, ["PUT add-service-account"]);
    assert!(found(store, &user.name).await.locked);
    is_locked_out(store, &key).await;
    is_locked_out(store, &second).await;
    store.driver.set_locked(&user.name, false).await.unwrap();
    assert!(!found(store, &user.name).await.locked);
    assert_eq!(policies(store, &user.name).await, "readwrite");
    works(store, &key).await;
    works(store, &second).await;
    let bucket = fresh_name();
    let made = store.s3(&second).unwrap().create_bucket(bucket.as_str()).await;
    made.expect_success();
}

pub(super) async fn a_user_that_an_admin_disabled_is_locked<S: Server>(store: &Store<S>) {
    let (user, key) = made_with_key(store).await;
    let query = named(&user.name).pair("status", "disabled");
    store
        .admin_does(Method::PUT, "set-user-status", query, None)
        .await;
    assert!(found(store, &user.name).await.locked);
    is_locked_out(store, &key).await;
    store.driver.set_locked(&user.name, true).await.unwrap();
    if !S::IS_OF_2021 {
        let error = store.driver.issue(&user, &key_order(store)).await.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Conflict, Outcome::NotApplied),
            "{error}"
        );
    }
    store.driver.set_locked(&user.name, false).await.unwrap();
    assert!(!found(store, &user.name).await.locked);
    works(store, &key).await;
}

pub(super) async fn a_key_is_issued_by_one_change_and_carries_its_secret_in_no_address<S: Server>(
    store: &Store<S>,
) {
    let user = ready(store).await;
    // Of the own key, the first one asks once.
    issued(store, &user).await;
    let before = store.proxy.seen().len();
    let key = issued(store, &user).await;
    let want = ["GET user-info", "GET user-info", "PUT add-service-account"];
    assert_eq!(since(store, before), want);
    let secret = key.secret.expose_secret();
    assert!(
        store
            .proxy
            .seen()
            .iter()
            .all(|seen| !seen.target.contains(secret))
    );
}

/// The usual way to give an operator rights on a server is a service account of an admin.
pub(super) async fn a_key_of_a_service_account_serves_for_the_operator_and_is_not_revoked<S: Server>(
    store: &Store<S>,
) {
    let admin = fresh_name();
    store.add_user(&admin).await;
    store.set_policies(&admin, "consoleAdmin").await;
    let key = store.make_foreign_key(&admin).await;
    let own = boxed(with(store, key.clone()));
    if S::IS_OF_2021 {
        // The key would be one of the admin's.
        let user = ready(store).await;
        for result in [
            own.probe().await.map(drop),
            own.issue(&user, &key_order(store)).await.map(drop),
        ] {
            let error = result.unwrap_err();
            assert_eq!(
                (error.kind, error.outcome),
                (ErrorKind::Auth, Outcome::NotApplied),
                "{error}"
            );
        }
        return has_only(store, &admin, &key).await;
    }
    own.probe().await.unwrap();
    let user = fresh_user(store);
    own.create_user(&user).await.unwrap();
    let first = own.issue(&user, &key_order(store)).await.unwrap();
    works(store, &first).await;
    let seen = own.find_user(&user.name).await.unwrap().unwrap();
    assert_eq!(seen.credentials[0].id, first.id);
    for name in [&admin, &UserName::new(key.access_key_id.as_str())] {
        assert!(own.find_user(name).await.unwrap().unwrap().privileged);
        let error = own.revoke(name, &key.id).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    }
    own.revoke(&user.name, &first.id).await.unwrap();
    own.delete_user(&user.name).await.unwrap();
    own.probe().await.unwrap();
}

pub(super) fn with<S>(store: &Store<S>, key: KeyPair) -> MinioConfig {
    MinioConfig {
        access_key_id: key.access_key_id,
        secret: key.secret,
        ..store.config()
    }
}

/// All that an operator needs, as `docs/backends/minio.md` has it, but for this one.
pub(super) fn all_but(missing: &str) -> Value {
    let page = include_str!("../../../../docs/backends/minio.md");
    let (_, policy) = page.split_once("```json\n").unwrap();
    let (policy, _) = policy.split_once("```").unwrap();
    let mut policy: Value = serde_json::from_str(policy).unwrap();
    let actions = policy["Statement"][0]["Action"].as_array_mut().unwrap();
    actions.retain(|action| action != missing);
    policy
}

pub(super) async fn admin_with<S>(store: &Store<S>, policy: &Value) -> KeyPair {
    let name = fresh_name();
    let admin = store.add_user(&name).await;
    store.add_policy(name.as_str(), policy).await;
    store.set_policies(&name, name.as_str()).await;
    admin
}

/// A server says "not found" to an admin who may not remove service accounts.
pub(super) async fn a_removal_that_is_answered_by_not_found_is_not_taken_for_done<S: Server>(
    store: &Store<S>,
) {
    let NewUser { name, .. } = &made_with_key(store).await.0;
    let key = found(store, name).await.credentials[0].clone();
    if S::IS_OF_2021 {
        let refusal = r#"{"Code":"XMinioInvalidIAMCredentials","Message":"The specified service account is not found"}"#;
        store
            .proxy
            .once(|seen| seen.method == Method::DELETE, Fault::answer(404, refusal));
        let error = store.driver.revoke(name, &key.id).await.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Auth, Outcome::NotApplied)
        );
    } else {
        let admin = admin_with(store, &all_but("admin:RemoveServiceAccount")).await;
        let driver = boxed(with(store, admin));
        let error = driver.revoke(name, &key.id).await.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Auth, Outcome::NotApplied)
        );
        assert!(
            error.to_string().contains("admin:RemoveServiceAccount"),
            "{error}"
        );
        an_admin_with_the_documented_rights_can_do_all(store).await;
    }
    assert_eq!(found(store, name).await.credentials[0].id, key.id);
    store.driver.revoke(name, &key.id).await.unwrap();
}

async fn an_admin_with_the_documented_rights_can_do_all<S: Server>(store: &Store<S>) {
    let driver = boxed(with(store, admin_with(store, &all_but("")).await));
    driver.probe().await.unwrap();
    let user = fresh_user(store);
    driver.create_user(&user).await.unwrap();
    let key = driver.issue(&user, &key_order(store)).await.unwrap();
    has_only(store, &user.name, &key).await;
    assert!(driver.find_user(&user.name).await.unwrap().is_some());
    driver.set_locked(&user.name, true).await.unwrap();
    driver.set_locked(&user.name, false).await.unwrap();
    driver.revoke(&user.name, &key.id).await.unwrap();
    driver.delete_user(&user.name).await.unwrap();
    assert!(driver.find_user(&user.name).await.unwrap().is_none());
}

/// Both servers read both schemes; one that did not would say so, and nothing of the call would be carried out.
pub(super) async fn a_body_that_was_not_readable_is_sent_in_the_other_scheme<S: Server>(store: &Store<S>) {
    let refusal = r#"{"Code":"XMinioAdminConfigBadJSON","Message":"JSON configuration provided is of incorrect format"}"#;
    store.proxy.once(store.changes(), Fault::answer(400, refusal));
    let user = fresh_user(store);
    store.driver.create_user(&user).await.unwrap();
    let calls = since(store, 0);
    assert_eq!(
        calls[..3],
        ["GET user-info", "PUT add-user", "PUT add-user"],
        "{calls:?}"
    );
    works(store, &issued(store, &user).await).await;
    // One that is never readable is told, and not tried for ever.
    store.proxy.always(store.changes(), Fault::answer(400, refusal));
    let before = store.proxy.seen().len();
    let error = store.driver.issue(&user, &key_order(store)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Protocol, Outcome::NotApplied)
    );
    let sent = since(store, before)
        .iter()
        .filter(|call| call.starts_with("PUT"))
        .count();
    assert_eq!(sent, 2);
    store.proxy.heal();
}
