//! What only Garage has: tokens with a scope, ids that are never taken again, ends of keys, a region.

use super::{Garage, boxed};
use crate::conformance::access::{self, grantee};
use crate::conformance::suite::{
    Subject as _, found, fresh_user, is_dead, is_locked_out, issued, key_ids, made_with_key, order_for, works,
};
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::garage::GarageConfig;
use gracekey::backend::http::{Endpoint, TlsOptions};
use gracekey::backend::proof::{Proof, Prover as _, S3Prober, S3Settings};
use gracekey::backend::{BackendKind, Driver as _, ErrorKind, IssueRequest, NewUser, Outcome};
use gracekey::domain::access::Permission;
use gracekey::domain::ids::{AccessKeyId, CredentialId, OwnerMark, UserName};
use serde_json::json;

const SCOPE: [&str; 10] = [
    "ListKeys",
    "GetKeyInfo",
    "ImportKey",
    "UpdateKey",
    "DeleteKey",
    "GetBucketInfo",
    "AllowBucketKey",
    "DenyBucketKey",
    "AddBucketAlias",
    "CreateBucket",
];

#[tokio::test]
async fn the_probe_says_what_the_scope_lacks() {
    let garage = Garage::start().await;
    let token = garage
        .token(&[
            "ListKeys",
            "GetKeyInfo",
            "UpdateKey",
            "DeleteKey",
            "GetBucketInfo",
        ])
        .await;
    let error = garage.with_token(&token).probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(
        error.to_string().contains(
            "add to its scope: ImportKey, AllowBucketKey, DenyBucketKey, AddBucketAlias, CreateBucket"
        ),
        "{error}"
    );
}

/// The scope that the docs name is enough for everything.
#[tokio::test]
async fn a_token_of_the_documented_scope_is_enough_for_a_whole_life() {
    let garage = Garage::start().await;
    let driver = garage.with_token(&garage.token(&SCOPE).await);
    assert_eq!(driver.probe().await.unwrap().version, None);
    let user = fresh_user(&garage);
    let first = driver
        .issue(&user, &order_for(driver.as_ref(), &user.name))
        .await
        .unwrap();
    let bucket = super::fresh_bucket();
    let s3 = garage.s3(&first).unwrap();
    s3.create_bucket(&bucket).await.expect_success();
    let second = driver
        .issue(&user, &order_for(driver.as_ref(), &user.name))
        .await
        .unwrap();
    let (to, shared) = (grantee(&user), access::fresh_bucket());
    driver.make_bucket(&to, &shared).await.unwrap();
    for what in [Some(Permission::ReadWrite), Some(Permission::ReadOnly), None] {
        driver.set_grant(&to, &shared, what).await.unwrap();
    }
    driver.set_label(&user.name, "Another label").await.unwrap();
    driver.set_locked(&user.name, true).await.unwrap();
    driver.set_locked(&user.name, false).await.unwrap();
    driver.revoke(&user.name, &first.id).await.unwrap();
    assert_eq!(
        driver.delete_user(&user.name).await.unwrap_err().kind,
        ErrorKind::Conflict
    );
    let s3 = garage.s3(&second).unwrap();
    s3.delete_bucket(&bucket).await.expect_success();
    driver.delete_user(&user.name).await.unwrap();
}

#[tokio::test]
async fn the_probe_tells_the_version_where_it_may_ask() {
    let garage = Garage::start().await;
    let version = garage.driver.probe().await.unwrap().version.unwrap();
    assert!(version.contains("2."), "{version}");
}

#[tokio::test]
async fn an_id_that_was_deleted_is_never_taken_again() {
    let garage = Garage::start().await;
    let (user, first) = made_with_key(&garage).await;
    issued(&garage, &user).await;
    garage.driver.revoke(&user.name, &first.id).await.unwrap();
    let again = IssueRequest {
        access_key_id: Some(first.access_key_id.clone()),
        expire_previous: None,
    };
    let error = garage.driver.issue(&user, &again).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied),
        "{error}"
    );
    is_dead(&garage, &first).await;
}

/// A user is found by one call, and one more for each of its keys, whatever else there is.
#[tokio::test]
async fn a_look_at_a_user_takes_two_calls() {
    let garage = Garage::start().await;
    let (user, _) = made_with_key(&garage).await;
    let begin = garage.proxy.seen().len();
    found(&garage, &user.name).await;
    assert_eq!(garage.asked_since(begin), ["ListKeys", "GetKeyInfo"]);
    let begin = garage.proxy.seen().len();
    issued(&garage, &user).await;
    let asked = garage.asked_since(begin);
    assert_eq!(asked, ["ListKeys", "GetKeyInfo", "ImportKey", "UpdateKey"]);
}

#[tokio::test]
async fn more_keys_than_a_page_holds_are_all_found() {
    let garage = Garage::start().await;
    let user = fresh_user(&garage);
    let name = format!("A user [gracekey:{}:{}]", user.name, user.owner);
    let mut ids = Vec::new();
    for _ in 0..70 {
        ids.push(garage.import(&user.name, &name).await.id);
    }
    ids.sort();
    let begin = garage.proxy.seen().len();
    assert_eq!(key_ids(&garage, &user.name).await, ids);
    let pages = garage
        .asked_since(begin)
        .into_iter()
        .filter(|name| name == "ListKeys")
        .count();
    assert_eq!(pages, 3);
}

/// Else a page that repeats itself would be read for ever, and one out of order would hide keys.
#[tokio::test]
async fn a_list_that_is_out_of_order_is_not_understood() {
    let garage = Garage::start().await;
    let user = fresh_user(&garage);
    let key =
        |id: String| json!({ "id": id, "name": "n", "created": null, "expiration": null, "expired": false });
    let prefix = garage.prefix(&user.name);
    let same: Vec<_> = (0..32).map(|_| key(format!("{prefix}A"))).collect();
    let back = vec![key(format!("{prefix}B")), key(format!("{prefix}A"))];
    let before = vec![key("GK0".to_owned())];
    for list in [same, back, before] {
        let fault = Fault::answer(200, &json!(list).to_string());
        garage.proxy.always(|_: &Seen| true, fault);
        let error = garage.driver.find_user(&user.name).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
        garage.proxy.heal();
    }
}

/// A lock or an unlock that broke off, or a key that a person expired.
#[tokio::test]
async fn a_lock_that_holds_for_some_keys_only_is_done_again_either_way() {
    let garage = Garage::start().await;
    let (user, first) = made_with_key(&garage).await;
    let second = issued(&garage, &user).await;
    for wish in [true, false] {
        for (pair, locked) in [(&first, true), (&second, false)] {
            let body = if locked {
                json!({ "expiration": "2000-01-01T00:00:00Z" })
            } else {
                json!({ "neverExpires": true })
            };
            garage.update(&pair.access_key_id, body).await;
        }
        let seen = found(&garage, &user.name).await;
        assert!(seen.half_locked);
        assert_eq!(seen.seen_by_who_wishes(wish).locked, !wish);
        garage.driver.set_locked(&user.name, wish).await.unwrap();
        let seen = found(&garage, &user.name).await;
        assert_eq!((seen.locked, seen.half_locked), (wish, false));
        for pair in [&first, &second] {
            if wish {
                is_locked_out(&garage, pair).await;
            } else {
                works(&garage, pair).await;
            }
        }
    }
}

/// An end that a person gave a key, and that has not come, is left alone.
#[tokio::test]
async fn an_end_that_has_not_come_is_no_lock() {
    let garage = Garage::start().await;
    let (user, pair) = made_with_key(&garage).await;
    let end = "2100-01-01T00:00:00Z";
    garage
        .update(&pair.access_key_id, json!({ "expiration": end }))
        .await;
    let seen = found(&garage, &user.name).await;
    assert!(!seen.locked && !seen.half_locked);
    garage.driver.set_locked(&user.name, false).await.unwrap();
    let key = garage.key(&pair.access_key_id).await;
    assert_eq!(key["expiration"], json!(end));
}

#[tokio::test]
async fn labels_that_differ_between_keys_are_set_on_all() {
    let garage = Garage::start().await;
    let (user, first) = made_with_key(&garage).await;
    issued(&garage, &user).await;
    let other = format!("Another [gracekey:{}:{}]", user.name, user.owner);
    garage
        .update(&first.access_key_id, json!({ "name": other }))
        .await;
    let seen = found(&garage, &user.name).await.label;
    assert!(seen != user.label && seen != "Another", "{seen}");
    garage.driver.set_label(&user.name, &user.label).await.unwrap();
    assert_eq!(found(&garage, &user.name).await.label, user.label);
}

/// One key without our mark makes the whole user somebody else's, and none of its keys is touched.
#[tokio::test]
async fn a_user_with_a_damaged_name_is_left_alone() {
    let garage = Garage::start().await;
    let (user, pair) = made_with_key(&garage).await;
    let names = [
        "a person's name".to_owned(),
        format!("A user [gracekey:{}]", user.name),
        format!("A user [gracekey:another:{}]", user.owner),
    ];
    for name in names {
        garage.update(&pair.access_key_id, json!({ "name": name })).await;
        let before = garage.snapshot(&user.name).await;
        let seen = found(&garage, &user.name).await;
        assert!(seen.owner.is_none() && seen.credentials.iter().all(|key| key.secret.is_none()));
        let order = order_for(&garage.driver, &user.name);
        for result in [
            garage.driver.issue(&user, &order).await.map(drop),
            garage.driver.set_label(&user.name, "x").await,
            garage.driver.set_locked(&user.name, true).await,
            garage.driver.revoke(&user.name, &pair.id).await,
            garage.driver.delete_user(&user.name).await,
        ] {
            assert_eq!(result.unwrap_err().kind, ErrorKind::Conflict, "{name}");
        }
        assert_eq!(garage.snapshot(&user.name).await, before);
    }
}

#[tokio::test]
async fn an_id_of_another_form_is_refused_before_any_request() {
    let garage = Garage::start().await;
    let (user, other) = (fresh_user(&garage), fresh_user(&garage));
    let theirs = order_for(&garage.driver, &other.name).access_key_id;
    let begin = garage.proxy.seen().len();
    for (id, kind) in [
        (theirs, ErrorKind::Conflict),
        (Some(AccessKeyId::new("GKWHATEVER")), ErrorKind::Conflict),
        (Some(AccessKeyId::new("a/b")), ErrorKind::Invalid),
        (None, ErrorKind::Invalid),
    ] {
        let order = IssueRequest {
            access_key_id: id,
            expire_previous: None,
        };
        let error = garage.driver.issue(&user, &order).await.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (kind, Outcome::NotApplied),
            "{error}"
        );
    }
    assert!(garage.asked_since(begin).is_empty());
}

#[tokio::test]
async fn a_label_with_the_words_of_our_part_is_refused() {
    let garage = Garage::start().await;
    let (user, _) = made_with_key(&garage).await;
    let victim = OwnerMark::new("e".repeat(32));
    let label = format!("x [gracekey:{}:{victim}]", UserName::new("victim"));
    let error = garage.driver.set_label(&user.name, &label).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    let order = NewUser {
        label,
        ..fresh_user(&garage)
    };
    let key = order_for(&garage.driver, &order.name);
    let error = garage.driver.issue(&order, &key).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

/// `spec.s3.region` must be the cluster's own, and the message says so.
#[tokio::test]
async fn a_wrong_region_is_told_as_such() {
    let garage = Garage::start().await;
    let (_, pair) = made_with_key(&garage).await;
    let prober = S3Prober::new(S3Settings {
        backend: BackendKind::Garage,
        endpoints: vec![Endpoint::parse(&garage.server.s3_endpoint).unwrap()],
        region: "elsewhere".to_owned(),
        tls: TlsOptions::default(),
    });
    let proof = prober.unwrap().prove(&pair).await;
    let Proof::Unclear(error) = proof else {
        panic!("{proof:?}")
    };
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("spec.s3.region"), "{error}");
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_refused_at_once() {
    let garage = Garage::start().await;
    for token in ["", "a b", "a\nb"] {
        let config = GarageConfig {
            token: token.into(),
            ..garage.config()
        };
        let error = gracekey::backend::garage::GarageDriver::new(config).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
    }
    let padded = GarageConfig {
        token: format!("{}\n", garage.server.admin_token).into(),
        ..garage.config()
    };
    boxed(padded).probe().await.unwrap();
}

/// The secret half is asked for by a name in the query, and is in no query itself.
#[tokio::test]
async fn no_request_carries_a_secret_in_its_address() {
    let garage = Garage::start().await;
    let (user, pair) = made_with_key(&garage).await;
    garage
        .driver
        .revoke(&user.name, &CredentialId::new("GKNOBODY"))
        .await
        .unwrap();
    garage.driver.delete_user(&user.name).await.unwrap();
    let secret = secrecy::ExposeSecret::expose_secret(&pair.secret).to_owned();
    let told = garage
        .proxy
        .seen()
        .into_iter()
        .any(|seen| seen.target.contains(&secret));
    assert!(!told);
}
