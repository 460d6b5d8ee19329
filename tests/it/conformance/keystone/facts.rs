//! What only Keystone has: tokens, roles, projects, rights that users are given elsewhere.

use super::{It, boxed, config, send, token};
use crate::conformance::suite::{
    Subject as _, found, fresh_user, has_only, issued, key_ids, key_order, made_with_key, ready, works,
};
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::keystone::KeystoneConfig;
use gracekey::backend::{Driver as _, ErrorKind, Outcome};
use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::time::Duration;

fn is_login(seen: &Seen) -> bool {
    seen.method == Method::POST && seen.target == "/v3/auth/tokens"
}

fn logins(it: &It) -> usize {
    it.proxy.seen().iter().filter(|seen| is_login(seen)).count()
}

#[tokio::test]
async fn one_login_serves_all_calls_and_is_ended_by_the_last() {
    let it = It::start().await;
    it.driver.close().await;
    assert_eq!(it.proxy.seen().len(), 0, "nothing to end");
    let nobody = fresh_user(&it).name;
    let calls = (0..6).map(|_| it.driver.find_user(&nobody));
    for found in futures::future::join_all(calls).await {
        assert!(found.unwrap().is_none());
    }
    assert_eq!(logins(&it), 1);
    it.driver.close().await;
    it.driver.close().await;
    let ended = |seen: &&Seen| seen.method == Method::DELETE && seen.target == "/v3/auth/tokens";
    assert_eq!(it.proxy.seen().iter().filter(ended).count(), 1);
    it.driver.probe().await.unwrap();
    assert_eq!(logins(&it), 2, "a later call begins anew");
}

#[tokio::test]
async fn a_token_is_replaced_when_it_grows_old_and_the_old_one_is_ended() {
    let it = It::start().await;
    let driver = boxed(KeystoneConfig {
        token_age: Duration::ZERO,
        ..it.config()
    });
    let user = fresh_user(&it);
    driver.create_user(&user).await.unwrap();
    driver.find_user(&user.name).await.unwrap().unwrap();
    assert!(logins(&it) > 3);
    let ends = it
        .proxy
        .seen()
        .iter()
        .filter(|seen| seen.method == Method::DELETE)
        .count();
    assert_eq!(ends + 1, logins(&it), "one is left");
}

/// 401 means that the call was not carried out: it is repeated once, also where a repetition would do harm.
#[tokio::test]
async fn a_key_is_issued_once_though_its_token_ends_on_the_way() {
    let it = It::start().await;
    let user = ready(&it).await;
    let refusal = r#"{"error":{"code":401,"message":"","title":"Unauthorized"}}"#;
    it.proxy.once(it.changes(), Fault::answer(401, refusal));
    let pair = issued(&it, &user).await;
    has_only(&it, &user.name, &pair).await;
    assert_eq!(logins(&it), 2);
    it.proxy.always(it.changes(), Fault::answer(401, refusal));
    let error = it.driver.issue(&user, &key_order(&it)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Auth, Outcome::NotApplied),
        "{error}"
    );
    assert_eq!(logins(&it), 3, "once");
}

#[tokio::test]
async fn a_lost_login_applies_nothing_and_is_tried_again_by_the_next_call() {
    let it = It::start().await;
    let user = fresh_user(&it);
    it.proxy.once(is_login, Fault::CutAfter);
    let error = it.driver.create_user(&user).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Transient, Outcome::NotApplied),
        "{error}"
    );
    it.driver.create_user(&user).await.unwrap();
}

/// Made in two calls. The second may be lost, or somebody may take the role away: no key would ever work.
#[tokio::test]
async fn a_user_without_its_role_is_mended_when_made_again_and_before_its_next_key() {
    let it = It::start().await;
    let user = fresh_user(&it);
    it.proxy.once(|seen| seen.method == Method::PUT, Fault::CutBefore);
    let error = it.driver.create_user(&user).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Transient, Outcome::Unknown),
        "{error}"
    );
    it.driver.create_user(&user).await.unwrap();
    let server = it.server;
    let id = it.id_of(&user.name).await;
    let (project, role) = (&server.project_id, &server.member_role_id);
    let role = format!("/v3/projects/{project}/users/{id}/roles/{role}");
    it.admin_call(Method::GET, &role, Value::Null).await;
    it.admin_call(Method::DELETE, &role, Value::Null).await;
    works(&it, &issued(&it, &user).await).await;
}

#[tokio::test]
async fn a_user_that_was_given_admin_rights_becomes_privileged_and_is_not_deleted() {
    let it = It::start().await;
    let (user, _) = made_with_key(&it).await;
    let id = it.id_of(&user.name).await;
    let server = it.server;
    it.give(&server.admin_project_id, &id, &server.admin_role_id)
        .await;
    assert!(found(&it, &user.name).await.privileged);
    for result in [
        it.driver.create_user(&user).await,
        it.driver.delete_user(&user.name).await,
        it.driver.issue(&user, &key_order(&it)).await.map(drop),
    ] {
        assert_eq!(result.unwrap_err().kind, ErrorKind::Conflict);
    }
    let right = format!(
        "/v3/projects/{}/users/{id}/roles/{}",
        server.admin_project_id, server.admin_role_id
    );
    it.admin_call(Method::DELETE, &right, Value::Null).await;
    let system = format!("/v3/system/users/{id}/roles/{}", server.member_role_id);
    it.admin_call(Method::PUT, &system, Value::Null).await;
    assert!(found(&it, &user.name).await.privileged, "any role on the system");
}

/// Somebody took it over between a look and a change.
#[tokio::test]
async fn a_user_that_lost_its_mark_is_left_alone() {
    let it = It::start().await;
    let (user, _) = made_with_key(&it).await;
    let id = it.id_of(&user.name).await;
    let theirs = json!({ "user": { "gracekey_owner": "somebody else" } });
    it.admin_call(Method::PATCH, &format!("/v3/users/{id}"), theirs)
        .await;
    let before = it.snapshot(&user.name).await;
    for result in [
        it.driver.set_label(&user.name, "Another label").await,
        it.driver.set_locked(&user.name, true).await,
        it.driver.issue(&user, &key_order(&it)).await.map(drop),
        it.driver.delete_user(&user.name).await,
    ] {
        assert_eq!(result.unwrap_err().kind, ErrorKind::Conflict);
    }
    assert_eq!(it.snapshot(&user.name).await, before);
}

/// They open another store.
#[tokio::test]
async fn keys_of_other_projects_are_not_shown_and_not_removed() {
    let it = It::start().await;
    let (user, ours) = made_with_key(&it).await;
    let id = it.id_of(&user.name).await;
    let other = it.make_key(&id, &it.server.admin_project_id).await;
    has_only(&it, &user.name, &ours).await;
    it.driver.revoke(&user.name, &other.id).await.unwrap();
    assert!(
        it.snapshot(&user.name)
            .await
            .contains(other.access_key_id.as_str())
    );
}

/// What is in the attribute may be of any form, and what else a user has is kept.
#[tokio::test]
async fn an_owner_mark_is_kept_by_changes_and_a_strange_one_is_none() {
    let it = It::start().await;
    let user = ready(&it).await;
    let target = format!("/v3/users/{}", it.id_of(&user.name).await);
    let change = json!({ "user": { "email": "a@example.com" } });
    it.admin_call(Method::PATCH, &target, change).await;
    it.driver.set_label(&user.name, "Another").await.unwrap();
    assert_eq!(found(&it, &user.name).await.owner, Some(user.owner.clone()));
    assert!(it.snapshot(&user.name).await.contains("a@example.com"));
    for strange in [json!(7), json!({ "a": [] }), json!("x"), Value::Null] {
        let change = json!({ "user": { "gracekey_owner": strange } });
        it.admin_call(Method::PATCH, &target, change).await;
        assert_eq!(found(&it, &user.name).await.owner, None);
    }
}

#[tokio::test]
async fn nobody_can_log_in_as_a_user_of_ours() {
    let it = It::start().await;
    let user = ready(&it).await;
    for password in ["", "password"] {
        let identity = json!({ "methods": ["password"], "password": { "user": {
            "name": user.name.as_str(), "domain": { "name": "Default" }, "password": password,
        } } });
        let body = json!({ "auth": { "identity": identity } });
        let reply = send(it.server, Method::POST, "/v3/auth/tokens", None, body).await;
        assert_eq!(reply.status, 401);
    }
}

#[tokio::test]
async fn what_the_settings_name_and_is_not_there_is_told_by_its_field() {
    let it = It::start().await;
    let nothing = || "not-there".to_owned();
    for (field, config) in [
        (
            "projectName",
            KeystoneConfig {
                project: nothing(),
                ..it.config()
            },
        ),
        (
            "projectDomain",
            KeystoneConfig {
                project_domain: nothing(),
                ..it.config()
            },
        ),
        (
            "userDomain",
            KeystoneConfig {
                user_domain: nothing(),
                ..it.config()
            },
        ),
        (
            "role",
            KeystoneConfig {
                role: nothing(),
                ..it.config()
            },
        ),
    ] {
        let error = boxed(config).probe().await.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::NotFound, Outcome::NotApplied),
            "{error}"
        );
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[tokio::test]
async fn a_probe_tells_the_version_of_the_api() {
    let it = It::start().await;
    let info = it.driver.probe().await.unwrap();
    assert_eq!(info.product, "OpenStack Keystone");
    assert!(info.version.unwrap().starts_with("v3."));
}

/// A 404 says so of a user and of a call that the server does not know.
#[tokio::test]
async fn a_removal_that_is_answered_with_not_found_is_done_only_if_a_look_confirms_it() {
    let it = It::start().await;
    let (user, pair) = made_with_key(&it).await;
    let refusal = r#"{"error":{"code":404,"message":"","title":"Not Found"}}"#;
    it.proxy.once(it.changes(), Fault::answer(404, refusal));
    let error = it.driver.revoke(&user.name, &pair.id).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::NotFound, Outcome::NotApplied),
        "{error}"
    );
    it.proxy.once(it.changes(), Fault::answer(404, refusal));
    let error = it.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    has_only(&it, &user.name, &pair).await;
}

#[tokio::test]
async fn no_request_carries_a_secret_in_its_target_and_a_key_is_issued_by_one_change() {
    let it = It::start().await;
    let user = ready(&it).await;
    let before = it.proxy.seen().len();
    let pair = issued(&it, &user).await;
    let changes: Vec<_> = it
        .proxy
        .seen()
        .split_off(before)
        .into_iter()
        .filter(it.changes())
        .collect();
    assert_eq!(changes.len(), 1, "{changes:?}");
    let token = token(it.server).await;
    let log = it.proxy.access_log();
    assert!(!log.contains(pair.secret.expose_secret()) && !log.contains(&token));
    assert_eq!(key_ids(&it, &user.name).await, [pair.id]);
}

/// All users of a project are one to the gateway.
#[tokio::test]
async fn users_of_a_project_share_its_buckets() {
    let it = It::start().await;
    let (_, first) = made_with_key(&it).await;
    let (_, second) = made_with_key(&it).await;
    works(&it, &first).await;
    works(&it, &second).await;
    let bucket = fresh_user(&it).name;
    let bucket = bucket.as_str();
    let (first, second) = (it.s3(&first).unwrap(), it.s3(&second).unwrap());
    first.create_bucket(bucket).await.expect_success();
    second.put_object(bucket, "a", b"data").await.expect_success();
    assert_eq!(first.get_object(bucket, "a").await.expect_success(), b"data");
    second.delete_object(bucket, "a").await.expect_success();
    second.delete_bucket(bucket).await.expect_success();
}

#[tokio::test]
async fn a_path_before_the_version_is_part_of_every_call() {
    let it = It::start().await;
    let driver = boxed(KeystoneConfig {
        prefix: "/identity".to_owned(),
        ..config(it.server, &it.proxy.url())
    });
    driver.probe().await.unwrap_err();
    assert_eq!(it.proxy.seen()[0].target, "/identity/v3/auth/tokens");
}
