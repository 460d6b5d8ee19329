use super::client::Site;
use crate::ontap::{Dates, Fault, Unknown, Version};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
const REGENERATE: &str = "PATCH users/u?regenerate_keys=true";

async fn with_version(version: Version) -> Site {
    Site::new(|options| options.version = version).await
}

#[tokio::test]
async fn regenerating_replaces_both_halves_and_cuts_off_at_once() {
    for version in Version::ALL {
        let site = with_version(version).await;
        let old = site.make_user("u").await;
        let new = site.s3_api(REGENERATE, "").await.keys();
        assert_ne!((&old.0, &old.1), (&new.0, &new.1));
        assert!(!site.works(&old).await && site.works(&new).await, "{version}");
    }
}

#[tokio::test]
async fn chosen_keys_are_taken_as_they_are() {
    let site = with_version(Version::new(16, 1)).await;
    let body = r#"{"name": "u", "access_key": "AKIA1", "secret_key": "mine"}"#;
    let keys = site.s3_api("POST users", body).await.keys();
    assert_eq!((keys.0.as_str(), keys.1.as_str()), ("AKIA1", "mine"));
    assert!(site.works(&keys).await);
    let refusal = async |body: &str| site.s3_api("POST users", body).await.refusal().1;
    assert_eq!(
        refusal(r#"{"name": "v", "access_key": "AKIA2"}"#).await,
        "92406201"
    );
    let taken = r#"{"name": "v", "access_key": "AKIA1", "secret_key": "x"}"#;
    assert_eq!(refusal(taken).await, "92406200");
    let alphabet = r#"{"name": "v", "access_key": "akia_", "secret_key": "x"}"#;
    assert_eq!(refusal(alphabet).await, "92406205");
}

#[tokio::test]
async fn a_generated_key_cannot_be_given_back_as_a_chosen_one() {
    let site = with_version(Version::new(16, 1)).await;
    let (access, secret) = site.make_user("u").await;
    let body = serde_json::json!({"access_key": access, "secret_key": secret}).to_string();
    assert_eq!(site.s3_api(REGENERATE, &body).await.refusal().1, "92406205");
}

#[tokio::test]
async fn repeating_a_regenerate_may_find_the_key_in_use_by_itself() {
    let site = with_version(Version::new(16, 1)).await;
    site.make_user("u").await;
    let body = r#"{"access_key": "AKIA1", "secret_key": "mine"}"#;
    assert_eq!(site.s3_api(REGENERATE, body).await.status, 200);
    assert_eq!(site.s3_api(REGENERATE, body).await.refusal().1, "92406200");
    site.ontap
        .reconfigure(|options| options.own_access_key_is_taken = false);
    let keys = site.s3_api(REGENERATE, body).await.keys();
    assert!(site.works(&keys).await);
}

#[tokio::test]
async fn deleted_keys_are_dead_and_chosen_ones_can_be_restored() {
    let site = with_version(Version::new(16, 1)).await;
    let body = r#"{"name": "u", "access_key": "AKIA1", "secret_key": "mine"}"#;
    let keys = site.s3_api("POST users", body).await.keys();
    let deleted = site.s3_api("PATCH users/u?delete_keys=true", "").await;
    assert_eq!((deleted.status, deleted.text.as_str()), (200, "{}"));
    assert!(!site.works(&keys).await);
    let body = r#"{"access_key": "AKIA1", "secret_key": "mine"}"#;
    assert_eq!(
        site.s3_api("PATCH users/u?delete_keys=true", body)
            .await
            .refusal()
            .1,
        "92406202"
    );
    site.ontap
        .reconfigure(|options| options.spent_access_key_is_taken = true);
    assert_eq!(site.s3_api(REGENERATE, body).await.refusal().1, "92406200");
    site.ontap
        .reconfigure(|options| options.spent_access_key_is_taken = false);
    site.s3_api(REGENERATE, body).await;
    assert!(site.works(&keys).await);
}

#[tokio::test]
async fn keys_cannot_be_deleted_before_9_14_1() {
    let site = with_version(Version::new(13, 1)).await;
    let keys = site.make_user("u").await;
    let reply = site.s3_api("PATCH users/u?delete_keys=true", "").await;
    assert_eq!(reply.refusal(), (400, "3".to_owned()));
    assert!(site.works(&keys).await);
    site.end_with_violation("delete_keys");
}

#[tokio::test]
async fn regenerate_and_delete_exclude_each_other() {
    let site = Site::new(|_| {}).await;
    let keys = site.make_user("u").await;
    let both = site
        .s3_api("PATCH users/u?regenerate_keys=true&delete_keys=true", "")
        .await;
    assert_eq!(both.refusal(), (400, "92406082".to_owned()));
    assert!(site.works(&keys).await);
}

#[tokio::test]
async fn two_pairs_live_side_by_side_from_9_19_1() {
    let site = with_version(Version::new(19, 1)).await;
    let first = site.make_user("u").await;
    let one = site.s3_api("GET users/u?fields=keys", "").await.json();
    assert_eq!(one["keys"].as_array().unwrap().len(), 1);
    let second = site.s3_api(REGENERATE, r#"{"key_id": 2}"#).await.keys();
    assert!(site.works(&first).await && site.works(&second).await);
    let two = site.s3_api("GET users/u?fields=keys", "").await.json();
    assert_eq!(two["keys"][1]["access_key"], second.0.as_str());
    assert_eq!(two["keys"][1]["id"], 2);
    let third = site.s3_api(REGENERATE, "").await.keys();
    assert!(!site.works(&first).await && site.works(&second).await && site.works(&third).await);
    site.s3_api("PATCH users/u?delete_keys=true", r#"{"key_id": 2}"#)
        .await;
    assert!(!site.works(&second).await && site.works(&third).await);
}

#[tokio::test]
async fn the_probe_for_two_keys_is_refused_or_answered_without_them() {
    let site = with_version(Version::new(18, 1)).await;
    site.make_user("u").await;
    let refused = site.s3_api("GET users/u?fields=keys", "").await;
    assert_eq!(refused.refusal(), (400, "3".to_owned()));
    site.ontap.reconfigure(|options| options.unknown = Unknown::Code2);
    assert_eq!(site.s3_api("GET users/u?fields=keys", "").await.refusal().1, "2");
    site.ontap
        .reconfigure(|options| options.unknown = Unknown::Ignored);
    let silent = site.s3_api("GET users/u?fields=keys", "").await;
    assert!(silent.status == 200 && silent.json().get("keys").is_none());
}

#[tokio::test]
async fn a_key_id_that_is_ignored_cuts_off_the_first_key() {
    let site = Site::new(|options| {
        options.version = Version::new(18, 1);
        options.unknown = Unknown::Ignored;
    })
    .await;
    let keys = site.make_user("u").await;
    assert_eq!(site.s3_api(REGENERATE, r#"{"key_id": 2}"#).await.status, 200);
    assert!(!site.works(&keys).await);
    site.end_with_violation("key_id");
}

#[tokio::test]
async fn a_key_id_without_a_look_before_is_a_violation() {
    let site = with_version(Version::new(19, 1)).await;
    site.make_user("u").await;
    assert_eq!(site.s3_api(REGENERATE, r#"{"key_id": 2}"#).await.status, 200);
    site.end_with_violation("before anybody looked");
}

#[tokio::test]
async fn a_pair_ends_with_its_life() {
    let site = Site::new(|_| {}).await;
    site.make_user("u").await;
    let reply = site.s3_api(REGENERATE, r#"{"key_time_to_live": "P1D"}"#).await;
    let keys = reply.keys();
    let end = reply.json()["records"][0]["key_expiry_time"].clone();
    assert!(end.as_str().unwrap().ends_with("+00:00"));
    assert!(site.works(&keys).await);
    site.ontap.clock().advance(DAY);
    assert!(!site.works(&keys).await);
    let read = site.s3_api("GET users/u?fields=*", "").await.json();
    assert_eq!(read["key_expiry_time"], end);
    assert_eq!(read["access_key"], keys.0.as_str());
    site.ontap.reconfigure(|options| options.shows_expired = false);
    let read = site.s3_api("GET users/u?fields=*", "").await.json();
    assert!(read.get("access_key").is_none());
}

#[tokio::test]
async fn a_life_has_rules() {
    let site = Site::new(|_| {}).await;
    site.make_user("u").await;
    let refusal = async |line: &str, life: &str| {
        let body = serde_json::json!({"key_time_to_live": life}).to_string();
        site.s3_api(line, &body).await.refusal().1
    };
    assert_eq!(refusal("PATCH users/u", "P1D").await, "92406088");
    assert_eq!(refusal(REGENERATE, "P1096D").await, "92406083");
    site.ontap.reconfigure(|options| options.max_ttl = Some(10 * DAY));
    assert_eq!(refusal(REGENERATE, "P11D").await, "92406196");
    assert_eq!(refusal(REGENERATE, "PT0S").await, "92406197");
    assert_eq!(site.s3_api(REGENERATE, "").await.status, 200);
    site.ontap
        .reconfigure(|options| options.absent_ttl_is_endless = true);
    assert_eq!(site.s3_api(REGENERATE, "").await.refusal().1, "92406197");
}

#[tokio::test]
async fn times_are_written_in_several_forms() {
    let site = Site::new(|options| options.dates = Dates::Millis).await;
    let body = r#"{"name": "u", "key_time_to_live": "P1D"}"#;
    let reply = site.s3_api("POST users", body).await.json();
    let end = reply["records"][0]["key_expiry_time"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(end.ends_with(".000+0000"), "{end}");
}

#[tokio::test]
async fn a_partial_regenerate_has_killed_the_old_pair() {
    for with_keys in [false, true] {
        let site = Site::new(|_| {}).await;
        let old = site.make_user("u").await;
        site.ontap.fail_next(Fault::PartialRegenerate { with_keys });
        let reply = site.s3_api(REGENERATE, r#"{"comment": "new"}"#).await;
        assert_eq!(reply.refusal(), (400, "92406081".to_owned()));
        assert!(!site.works(&old).await);
        assert!(site.ontap.snapshot("u").contains("comment None"));
        if with_keys {
            assert!(site.works(&reply.keys()).await);
        } else {
            assert!(reply.json().get("records").is_none());
        }
    }
}

#[tokio::test]
async fn a_regenerate_that_fails_leaves_the_pair() {
    let site = Site::new(|_| {}).await;
    let keys = site.make_user("u").await;
    site.ontap.fail_next(Fault::KeysNotMade);
    assert_eq!(site.s3_api(REGENERATE, "").await.refusal().1, "92405792");
    assert!(site.works(&keys).await);
    assert!(site.ontap.pending_faults().is_empty());
}

#[tokio::test]
async fn the_s3_side_may_be_late() {
    let minute = Duration::from_mins(1);
    let site = Site::new(|options| options.dead_after = minute).await;
    site.ontap.fail_next(Fault::LateOnS3(minute));
    let keys = site.make_user("u").await;
    assert!(!site.works(&keys).await);
    site.ontap.clock().advance(minute);
    assert!(site.works(&keys).await);
    site.s3_api("PATCH users/u?delete_keys=true", "").await;
    assert!(site.works(&keys).await);
    site.ontap.clock().advance(minute);
    assert!(!site.works(&keys).await);
}

#[tokio::test]
async fn the_keys_of_root_may_be_in_use_by_a_mirror() {
    let site = Site::new(|options| options.root_is_mirrored = true).await;
    let reply = site.s3_api("PATCH users/root?regenerate_keys=true", "").await;
    assert_eq!(reply.refusal(), (400, "92406080".to_owned()));
}

#[tokio::test]
async fn somebody_else_makes_keys() {
    let site = with_version(Version::new(18, 1)).await;
    let first = site.ontap.foreign_user("u");
    let second = site.ontap.foreign_key("u");
    assert!(!site.works(&first).await && site.works(&second).await);
    site.ontap
        .reconfigure(|options| options.version = Version::new(19, 1));
    let third = site.ontap.foreign_key("u");
    assert!(site.works(&second).await && site.works(&third).await);
    let snapshot = site.ontap.snapshot("u");
    assert_eq!(snapshot, site.ontap.snapshot("u"));
    assert!(snapshot.contains(&third.0) && !snapshot.contains(&third.1));
}
