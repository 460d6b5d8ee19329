//! What only ONTAP has.

use super::{It, Mode, boxed, pair_of, v9_8, v9_13_1, v9_14_1, v9_16_1, v9_18_1, v9_19_1};
use crate::conformance::suite::{
    Subject, found, fresh_key_id, fresh_user, has_only, is_dead, issued, key_ids, key_order, made_with_key,
    works,
};
use crate::conformance::users::refused;
use crate::testbed::Fault;
use gracekey::backend::ontap::OntapConfig;
use gracekey::backend::{Driver as _, ErrorKind, Outcome};
use gracekey::domain::capabilities::Overlap;
use gracekey::domain::ids::UserName;
use gracekey_simulators::ontap::{Fault as Trouble, Version};
use http::Method;
use serde_json::json;

async fn claims<M: Mode>() -> (Overlap, bool) {
    let capabilities = It::<M>::start().await.driver.capabilities();
    (capabilities.overlap, capabilities.id_choosable)
}

const TWO: Overlap = Overlap::Slots { max: Some(2) };

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_it_can_do_follows_the_release() {
    assert_eq!(claims::<v9_8::Here>().await, (Overlap::None, false));
    assert_eq!(claims::<v9_13_1::Here>().await, (Overlap::None, false));
    assert_eq!(claims::<v9_14_1::Here>().await, (Overlap::None, false));
    assert_eq!(claims::<v9_16_1::Here>().await, (Overlap::None, true));
    assert_eq!(claims::<v9_18_1::Here>().await, (Overlap::None, true));
    assert_eq!(claims::<v9_19_1::Here>().await, (TWO, true));
    assert_eq!(
        claims::<super::v9_19_1_with_one_key::Here>().await,
        (Overlap::None, true)
    );
    assert_eq!(
        claims::<super::v9_19_1_that_ignores::Here>().await,
        (Overlap::None, true)
    );
    assert_eq!(
        claims::<super::without_a_release::Here>().await,
        (Overlap::None, false)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_upgrade_is_noticed_by_the_next_probe() {
    let it = It::<v9_14_1::Here>::unprobed().await;
    assert!(it.driver.needs_probe());
    let info = it.driver.probe().await.unwrap();
    assert_eq!(info.version.as_deref(), Some("9.14.1"));
    assert!(!it.driver.needs_probe());
    it.cluster
        .reconfigure(|options| options.version = Version::new(19, 1));
    assert_eq!(
        it.driver.capabilities().overlap,
        Overlap::None,
        "until it is asked again"
    );
    it.driver.probe().await.unwrap();
    assert_eq!(it.driver.capabilities().overlap, TWO);
    assert!(it.driver.capabilities().id_choosable);
}

/// 9.19.1 by its number, without the second key, on a storage VM without a single user: nothing contradicts the number
/// until the first user is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_second_key_that_is_not_there_is_noticed_before_the_first_is_cut_off() {
    let it = It::<super::v9_19_1_that_ignores::Here>::unprobed().await;
    it.cluster.remove_user(it.keeper.as_str());
    it.driver.probe().await.unwrap();
    assert_eq!(it.driver.capabilities().overlap, TWO);
    let (user, pair) = (fresh_user(&it), key_order(&it));
    let first = it.driver.issue(&user, &pair).await.unwrap();
    let second = it.driver.issue(&user, &key_order(&it)).await;
    assert_eq!(second.unwrap_err().outcome, Outcome::NotApplied);
    works(&it, &first).await;
    assert_eq!(it.driver.capabilities().overlap, Overlap::None);
    found(&it, &user.name).await;
    assert!(!it.proxy.seen().iter().any(|seen| seen.method == Method::PATCH));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_storage_vm_that_is_not_there_is_told_with_its_name() {
    let it = It::<v9_18_1::Here>::start().await;
    let driver = boxed(OntapConfig {
        svm: "vs9".to_owned(),
        ..it.config()
    });
    let error = driver.probe().await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::NotFound, Outcome::NotApplied)
    );
    assert!(
        error.to_string().contains("vs9") && error.to_string().contains("spec.backend.ontap.svm"),
        "{error}"
    );
    assert!(driver.needs_probe());
    refused(driver.find_user(&UserName::new("a")).await, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_storage_vm_is_looked_up_once() {
    let it = It::<v9_18_1::Here>::start().await;
    made_with_key(&it).await;
    let lookups = it
        .proxy
        .seen()
        .iter()
        .filter(|seen| seen.target.contains("/svms"))
        .count();
    assert_eq!(lookups, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_key_in_use_is_never_overwritten_whichever_slot_is_free() {
    let it = It::<v9_19_1::Here>::start().await;
    let (user, first) = made_with_key(&it).await;
    let second = issued(&it, &user).await;
    works(&it, &first).await;
    refused(it.driver.issue(&user, &key_order(&it)).await, ErrorKind::Conflict);
    it.driver.revoke(&user.name, &first.id).await.unwrap();
    works(&it, &second).await;
    let third = issued(&it, &user).await;
    works(&it, &second).await;
    works(&it, &third).await;
    is_dead(&it, &first).await;
    it.driver.revoke(&user.name, &second.id).await.unwrap();
    has_only(&it, &user.name, &third).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_keys_at_the_same_moment_take_no_slot_from_each_other() {
    let it = It::<v9_19_1::Here>::start().await;
    let (user, first) = made_with_key(&it).await;
    let calls = (0..4).map(|_| async { it.driver.issue(&user, &key_order(&it)).await });
    let results = futures::future::join_all(calls).await;
    assert_eq!(
        results.iter().filter(|result| result.is_ok()).count(),
        1,
        "{results:?}"
    );
    works(&it, &first).await;
    for pair in results.into_iter().flatten() {
        works(&it, &pair).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_key_is_removed_from_9_14_1_on() {
    let old = It::<v9_13_1::Here>::start().await;
    let (user, pair) = made_with_key(&old).await;
    refused(
        old.driver.revoke(&user.name, &pair.id).await,
        ErrorKind::Unsupported,
    );
    works(&old, &pair).await;
    let new = It::<v9_14_1::Here>::start().await;
    let (user, pair) = made_with_key(&new).await;
    new.driver.revoke(&user.name, &pair.id).await.unwrap();
    is_dead(&new, &pair).await;
    // A user without keys is given one again, and is still the same.
    let again = issued(&new, &user).await;
    works(&new, &again).await;
}

/// The driver asks for keys alone, and so half of it cannot fail. Here something on the way asks for more.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_partly_failed_regenerate_ends_the_old_pair_and_says_so_or_gives_the_new_one() {
    for with_keys in [false, true] {
        let it = It::<v9_14_1::Here>::start().await;
        let (user, old) = made_with_key(&it).await;
        works(&it, &old).await;
        it.cluster.fail_next(Trouble::PartialRegenerate { with_keys });
        let more = json!({ "comment": "more than keys" }).to_string();
        it.proxy.once(it.changes(), Fault::WithBody(more));
        let result = it.driver.issue(&user, &key_order(&it)).await;
        assert!(it.cluster.pending_faults().is_empty(), "{result:?}");
        is_dead(&it, &old).await;
        assert!(!key_ids(&it, &user.name).await.contains(&old.id));
        if with_keys {
            let new = result.unwrap();
            works(&it, &new).await;
            has_only(&it, &user.name, &new).await;
            continue;
        }
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Transient, Outcome::Unknown)
        );
        for part in [user.name.as_str(), "the old pair is dead", "92406081"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        // The next one is as any other.
        let new = issued(&it, &user).await;
        works(&it, &new).await;
        has_only(&it, &user.name, &new).await;
    }
}

/// The request is sent once, and the cluster carries it out before it fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_error_after_the_write_has_an_unknown_outcome() {
    let it = It::<v9_16_1::Here>::start().await;
    let user = fresh_user(&it);
    it.cluster.fail_next(Trouble::ErrorAfterWrite);
    let order = key_order(&it);
    let error = it.driver.issue(&user, &order).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Transient, Outcome::Unknown)
    );
    let ids = key_ids(&it, &user.name).await;
    assert_eq!(
        ids.first().map(|id| id.as_str().to_owned()),
        order.access_key_id.map(|id| id.as_str().to_owned())
    );
    let writes = it
        .proxy
        .seen()
        .iter()
        .filter(|seen| seen.method != Method::GET)
        .count();
    assert_eq!(writes, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keys_that_were_not_made_leave_the_old_ones() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    it.cluster.fail_next(Trouble::KeysNotMade);
    let error = it.driver.issue(&user, &key_order(&it)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Transient, Outcome::Unknown)
    );
    has_only(&it, &user.name, &pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_chosen_key_that_another_user_has_changes_nothing() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    let (_, other) = made_with_key(&it).await;
    let mut order = key_order(&it);
    order.access_key_id = Some(other.access_key_id.clone());
    refused(it.driver.issue(&user, &order).await, ErrorKind::Conflict);
    works(&it, &pair).await;
    works(&it, &other).await;
    order.access_key_id = Some(gracekey::domain::ids::AccessKeyId::new("lower"));
    refused(it.driver.issue(&user, &order).await, ErrorKind::Invalid);
    assert_ne!(fresh_key_id(), other.access_key_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_user_whose_comment_lost_the_mark_is_somebody_elses() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    let path = format!("users/{}", user.name);
    let mine = format!("Billing [gracekey:{}] ", user.owner);
    it.admin_call(Method::PATCH, &path, &json!({ "comment": mine }))
        .await;
    let seen = found(&it, &user.name).await;
    assert_eq!(
        (seen.owner, seen.label.as_str()),
        (Some(user.owner.clone()), "Billing")
    );
    let forged = format!("[gracekey:{}] is not at the end", user.owner);
    it.admin_call(Method::PATCH, &path, &json!({ "comment": forged }))
        .await;
    assert_eq!(found(&it, &user.name).await.owner, None);
    refused(it.driver.set_label(&user.name, "x").await, ErrorKind::Conflict);
    refused(it.driver.issue(&user, &key_order(&it)).await, ErrorKind::Conflict);
    works(&it, &pair).await;
}

/// A label that looks like a mark gives nobody the user.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_label_forges_no_mark() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, _) = made_with_key(&it).await;
    let label = format!("x [gracekey:{}]", "f".repeat(32));
    it.driver.set_label(&user.name, &label).await.unwrap();
    let seen = found(&it, &user.name).await;
    assert_eq!((seen.owner, seen.label), (Some(user.owner), label));
}

/// `*` are all policies there are: one that denies would lock everybody in that group.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reader_is_told_that_it_may_not_write() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    let reader = it.cluster.reader();
    let driver = boxed(OntapConfig {
        username: reader.user,
        password: reader.password.into(),
        ..it.config()
    });
    driver.probe().await.unwrap();
    refused(
        driver.issue(&fresh_user(&it), &key_order(&it)).await,
        ErrorKind::Auth,
    );
    refused(driver.revoke(&user.name, &pair.id).await, ErrorKind::Auth);
    refused(driver.set_label(&user.name, "x").await, ErrorKind::Auth);
    refused(driver.set_locked(&user.name, true).await, ErrorKind::Unsupported);
    refused(driver.delete_user(&user.name).await, ErrorKind::Auth);
    works(&it, &pair).await;
}

/// A group cannot be empty, and this one is not ours to delete.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn names_that_are_steps_in_a_path_are_refused_before_any_request() {
    let it = It::<v9_18_1::Here>::start().await;
    let before = it.proxy.seen().len();
    for name in [".", ".."] {
        refused(
            it.driver.find_user(&UserName::new(name)).await,
            ErrorKind::Invalid,
        );
        refused(
            it.driver.delete_user(&UserName::new(name)).await,
            ErrorKind::Invalid,
        );
    }
    assert_eq!(it.proxy.seen().len(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_list_that_never_ends_is_an_error() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, _) = made_with_key(&it).await;
    for href in [
        "/api/protocols/s3/services/x/groups?start.id=1",
        "https://evil.example/api/",
        "//evil.example/api/",
    ] {
        let page = json!({ "records": [], "num_records": 0, "_links": { "next": { "href": href } } });
        it.proxy.always(
            |seen| seen.target.contains("/groups"),
            Fault::answer(200, &page.to_string()),
        );
        refused(it.driver.find_user(&user.name).await, ErrorKind::Protocol);
        it.proxy.heal();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_request_carries_a_secret_in_its_target() {
    let it = It::<v9_19_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    it.driver.revoke(&user.name, &pair.id).await.unwrap();
    assert!(!it.proxy.access_log().contains("secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_foreign_hand_made_works_beside_ours() {
    let it = It::<v9_19_1::Here>::start().await;
    let (user, ours) = made_with_key(&it).await;
    let foreign = pair_of(it.cluster.foreign_key(user.name.as_str()));
    refused(it.driver.issue(&user, &key_order(&it)).await, ErrorKind::Conflict);
    works(&it, &ours).await;
    works(&it, &foreign).await;
}
