use super::client::Site;
use crate::ontap::{Unpoliced, Version};

const DENIED: &str = "403 AccessDenied";
const DENY_ALL: &str = r#"{"name": "deny", "statements": [{"effect": "deny", "actions": ["*"], "resources": ["*"], "sid": "lock"}]}"#;

/// The id of a group, which only a read tells.
async fn id(site: &Site, name: &str) -> u64 {
    let reply = site
        .s3_api(&format!("GET groups?name={name}&fields=id"), "")
        .await;
    reply.json()["records"][0]["id"].as_u64().unwrap()
}

async fn lock(site: &Site) {
    assert_eq!(site.s3_api("POST policies", DENY_ALL).await.status, 201);
    let body = r#"{"name": "locked", "users": [{"name": "u"}], "policies": [{"name": "deny"}]}"#;
    assert_eq!(site.s3_api("POST groups", body).await.status, 201);
}

#[tokio::test]
async fn a_deny_all_group_locks_what_was_granted_and_keeps_the_keys() {
    let site = Site::new(|_| {}).await;
    let keys = site.make_user("u").await;
    site.ontap.grant("u", "FullAccess");
    assert_eq!(site.s3(&keys, "PUT /b").await, "200");
    lock(&site).await;
    for line in [
        "GET /",
        "GET /b",
        "PUT /b/k",
        "GET /b/k",
        "DELETE /b/k",
        "PUT /c",
        "DELETE /b",
    ] {
        assert_eq!(site.s3(&keys, line).await, DENIED, "{line}");
    }
    assert!(site.ontap.snapshot("u").contains("locked true"));
    let id = id(&site, "locked").await;
    assert_eq!(site.s3_api(&format!("DELETE groups/{id}"), "").await.status, 200);
    assert_eq!(site.s3(&keys, "GET /b").await, "200");
    assert!(site.ontap.snapshot("u").contains("locked false"));
}

#[tokio::test]
async fn the_built_in_policy_without_access_locks_too() {
    let site = Site::new(|options| options.unpoliced = Unpoliced::OwnBuckets).await;
    let keys = site.make_user("u").await;
    assert_eq!(site.s3(&keys, "GET /").await, "200");
    site.ontap.grant("u", "NoS3Access");
    assert_eq!(site.s3(&keys, "GET /").await, DENIED);
    let change = site
        .s3_api("PATCH policies/NoS3Access", r#"{"comment": "x"}"#)
        .await;
    assert_eq!(change.status, 400);
    assert_eq!(site.s3_api("DELETE policies/NoS3Access", "").await.status, 400);
}

#[tokio::test]
async fn where_deny_does_not_win_a_user_has_to_leave_its_other_groups() {
    let site = Site::new(|options| options.deny_wins = false).await;
    let keys = site.make_user("u").await;
    let grant = site.ontap.grant("u", "FullAccess");
    lock(&site).await;
    assert_eq!(site.s3(&keys, "GET /").await, "200");
    assert!(site.ontap.snapshot("u").contains("locked false"));
    site.s3_api(&format!("DELETE groups/{grant}"), "").await;
    assert_eq!(site.s3(&keys, "GET /").await, DENIED);
}

#[tokio::test]
async fn without_a_policy_only_root_has_access() {
    let site = Site::new(|_| {}).await;
    let keys = site.make_user("u").await;
    assert_eq!(site.s3(&keys, "GET /").await, DENIED);
    let root = site.ontap.foreign_key("root");
    assert_eq!(site.s3(&root, "GET /").await, "200");
}

#[tokio::test]
async fn a_policy_is_for_its_actions_and_resources() {
    let site = Site::new(|_| {}).await;
    let (owner, guest) = (site.make_user("owner").await, site.make_user("guest").await);
    site.ontap.grant("owner", "FullAccess");
    for line in ["PUT /b", "PUT /b/k", "PUT /other", "PUT /other/k"] {
        assert_eq!(site.s3(&owner, line).await, "200");
    }
    let policy = r#"{"name": "read-b", "statements":
        [{"effect": "allow", "actions": ["GetObject", "ListBucket"], "resources": ["b", "b/*"]}]}"#;
    assert_eq!(site.s3_api("POST policies", policy).await.status, 201);
    site.ontap.grant("guest", "read-b");
    assert_eq!(site.s3(&guest, "GET /b").await, "200");
    assert_eq!(site.s3(&guest, "GET /b/k").await, "200");
    assert_eq!(site.s3(&guest, "PUT /b/k").await, DENIED);
    assert_eq!(site.s3(&guest, "GET /other/k").await, DENIED);
}

#[tokio::test]
async fn keys_cannot_be_deleted_in_a_group_nor_a_keyless_user_join_one() {
    let site = Site::new(|_| {}).await;
    let keys = site.make_user("u").await;
    lock(&site).await;
    let reply = site.s3_api("PATCH users/u?delete_keys=true", "").await;
    assert_eq!(reply.refusal(), (400, "92406308".to_owned()));
    assert!(site.works(&keys).await);
    let body = r#"{"name": "g", "users": [{"name": "root"}], "policies": [{"name": "deny"}]}"#;
    assert_eq!(site.s3_api("POST groups", body).await.refusal().1, "92406307");
}

#[tokio::test]
async fn one_of_two_keys_may_go_while_the_user_is_in_a_group() {
    let site = Site::new(|options| options.version = Version::new(19, 1)).await;
    site.make_user("u").await;
    site.ontap.grant("u", "FullAccess");
    site.s3_api("GET users/u?fields=keys", "").await;
    site.s3_api("PATCH users/u?regenerate_keys=true", r#"{"key_id": 2}"#)
        .await;
    site.ontap.reconfigure(|options| options.guards_each_pair = true);
    let reply = site.s3_api("PATCH users/u?delete_keys=true", "").await;
    assert_eq!(reply.refusal().1, "92406308");
    site.ontap.reconfigure(|options| options.guards_each_pair = false);
    assert_eq!(
        site.s3_api("PATCH users/u?delete_keys=true", "").await.status,
        200
    );
    let last = site
        .s3_api("PATCH users/u?delete_keys=true", r#"{"key_id": 2}"#)
        .await;
    assert_eq!(last.refusal().1, "92406308");
}

#[tokio::test]
async fn groups_refuse_what_is_not_there() {
    let site = Site::new(|_| {}).await;
    site.make_user("u").await;
    lock(&site).await;
    let id = id(&site, "locked").await;
    let refusal = async |line: &str, users: &str, policies: &str| {
        let body = format!(r#"{{"name": "g", "users": [{users}], "policies": [{policies}]}}"#);
        site.s3_api(line, &body).await.refusal().1
    };
    let (user, deny) = (r#"{"name": "u"}"#, r#"{"name": "deny"}"#);
    let (nobody, patch) = (r#"{"name": "nobody"}"#, format!("PATCH groups/{id}"));
    assert_eq!(refusal("POST groups", "", deny).await, "92405896");
    assert_eq!(refusal(&patch, "", deny).await, "92405896");
    assert_eq!(refusal("POST groups", nobody, deny).await, "92405934");
    assert_eq!(refusal(&patch, nobody, deny).await, "92406154");
    assert_eq!(refusal("POST groups", user, nobody).await, "92405933");
    assert_eq!(refusal(&patch, user, nobody).await, "92405937");
    assert_eq!(
        refusal("POST groups", &format!("{user}, {user}"), deny).await,
        "262222"
    );
    let taken = format!(r#"{{"name": "locked", "users": [{user}], "policies": [{deny}]}}"#);
    assert_eq!(
        site.s3_api("POST groups", &taken).await.refusal(),
        (400, "92405942".to_owned())
    );
}

#[tokio::test]
async fn a_group_patch_replaces_its_lists_or_adds_to_them() {
    let site = Site::new(|_| {}).await;
    for name in ["u", "v", "w"] {
        site.make_user(name).await;
    }
    lock(&site).await;
    let path = format!("groups/{}", id(&site, "locked").await);
    let members = async || {
        let reply = site.s3_api(&format!("GET {path}?fields=users"), "").await.json();
        let users = reply["users"].as_array().unwrap().iter();
        users
            .map(|user| user["name"].as_str().unwrap().to_owned())
            .collect::<String>()
    };
    let line = format!("PATCH {path}");
    assert_eq!(
        site.s3_api(&line, r#"{"users": [{"name": "v"}]}"#).await.status,
        200
    );
    assert_eq!(members().await, "v");
    site.ontap.reconfigure(|options| options.patch_adds = true);
    site.s3_api(&line, r#"{"users": [{"name": "w"}]}"#).await;
    assert_eq!(members().await, "vw");
}

#[tokio::test]
async fn policies_have_rules() {
    let site = Site::new(|_| {}).await;
    site.make_user("u").await;
    lock(&site).await;
    let refusal = async |body: &str| site.s3_api("POST policies", body).await.refusal().1;
    assert_eq!(refusal(DENY_ALL).await, "92405950");
    assert_eq!(refusal(r#"{"name": "a b"}"#).await, "92405948");
    assert_eq!(refusal(r#"{"name": ""}"#).await, "92405949");
    let action =
        r#"{"name": "p", "statements": [{"effect": "deny", "actions": ["s3:*"], "resources": ["*"]}]}"#;
    assert_eq!(refusal(action).await, "92405906");
    assert_eq!(site.s3_api("DELETE policies/deny", "").await.status, 400);
    let read = site.s3_api("GET policies/deny?fields=*", "").await.json();
    assert_eq!(read["statements"][0]["effect"], "deny");
    site.s3_api("PATCH policies/deny", r#"{"statements": []}"#).await;
    let read = site
        .s3_api("GET policies/deny?fields=statements", "")
        .await
        .json();
    assert_eq!(read["statements"].as_array().unwrap().len(), 0);
}
