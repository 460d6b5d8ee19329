//! Lists in pages, and answers that are about somebody else. No server at hand gives either, so a proxy does.

use super::{Moto, Store};
use crate::conformance::suite::{Subject as _, is_dead, key_ids, key_order, made_with_key, ready};
use crate::conformance::users::refused;
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::{Driver as _, ErrorKind, NewUser, Outcome};
use gracekey::domain::ids::CredentialId;

fn keys_page(user: &str, id: &str, marker: &str) -> String {
    format!(
        "<ListAccessKeysResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListAccessKeysResult><UserName>{user}\
         </UserName><AccessKeyMetadata><member><UserName>{user}</UserName><AccessKeyId>{id}</AccessKeyId><Status>Active\
         </Status></member></AccessKeyMetadata><IsTruncated>true</IsTruncated><Marker>{marker}</Marker>\
         </ListAccessKeysResult></ListAccessKeysResponse>"
    )
}

fn lists_keys(seen: &Seen) -> bool {
    seen.action.as_deref() == Some("ListAccessKeys")
}

#[tokio::test]
async fn a_list_is_read_page_by_page_to_its_end() {
    let store = Store::<Moto>::start().await;
    let (user, pair) = made_with_key(&store).await;
    let first = keys_page(user.name.as_str(), "AKIAONTHEFIRSTPAGE00", "next");
    store.proxy.once(lists_keys, Fault::answer(200, &first));
    let found = store.driver.find_user(&user.name).await.unwrap().unwrap();
    let ids: Vec<_> = found.credentials.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["AKIAONTHEFIRSTPAGE00", pair.id.as_str()]);
}

#[tokio::test]
async fn a_list_that_never_ends_is_not_read_for_ever() {
    let store = Store::<Moto>::start().await;
    let (user, _) = made_with_key(&store).await;
    let same = keys_page(user.name.as_str(), "AKIAONEVERYPAGE00000", "same");
    store.proxy.always(lists_keys, Fault::answer(200, &same));
    let error = store.driver.find_user(&user.name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Protocol, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("again and again"), "{error}");
}

/// The planner counts it as gone from then on.
#[tokio::test]
async fn a_key_that_a_late_list_lacks_is_removed_all_the_same() {
    let store = Store::<Moto>::start().await;
    let (user, pair) = made_with_key(&store).await;
    let late = keys_page(user.name.as_str(), "AKIAOFALATELIST00000", "");
    let late = late.replace("<IsTruncated>true", "<IsTruncated>false");
    store.proxy.once(lists_keys, Fault::answer(200, &late));
    store.driver.revoke(&user.name, &pair.id).await.unwrap();
    assert!(key_ids(&store, &user.name).await.is_empty());
}

/// AWS may not show a user that it knows. A revocation of one that is truly gone must end all the same.
#[tokio::test]
async fn a_key_of_a_user_that_a_late_answer_lacks_is_removed_all_the_same() {
    let store = Store::<Moto>::start().await;
    let absent = "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>";
    let lose = |action: &'static str| {
        let is = move |seen: &Seen| seen.action.as_deref() == Some(action);
        store.proxy.once(is, Fault::answer(404, absent));
    };
    for action in ["GetUser", "ListAccessKeys", "ListUserPolicies"] {
        let (user, pair) = made_with_key(&store).await;
        lose(action);
        store.driver.revoke(&user.name, &pair.id).await.unwrap();
        assert!(key_ids(&store, &user.name).await.is_empty(), "{action}");
    }
    let user = ready(&store).await;
    let name = [("UserName", user.name.as_str())];
    let pair = store.make_foreign_key(&user.name).await;
    let key = [name[0], ("AccessKeyId", pair.access_key_id.as_str())];
    store.admin_call("DeleteAccessKey", &key).await;
    store.admin_call("DeleteUser", &name).await;
    store.driver.revoke(&user.name, &pair.id).await.unwrap();
    // Whose keys are not told is not taken for ours.
    let own = CredentialId::new(&store.server.admin_access_key);
    lose("ListAccessKeys");
    let error = store.driver.revoke(&store.admin(), &own).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
}

/// Whoever deletes it would look for it no more, and its key would live on.
#[tokio::test]
async fn a_user_that_a_late_answer_lacks_is_not_taken_for_deleted() {
    let store = Store::<Moto>::start().await;
    let (user, pair) = made_with_key(&store).await;
    let absent = "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>";
    for action in ["GetUser", "ListAccessKeys", "ListUserPolicies"] {
        let is = move |seen: &Seen| seen.action.as_deref() == Some(action);
        store.proxy.once(is, Fault::answer(404, absent));
        refused(store.driver.delete_user(&user.name).await, ErrorKind::NotFound);
        let keys = key_ids(&store, &user.name).await;
        assert_eq!(keys, std::slice::from_ref(&pair.id), "{action}");
    }
    store.driver.delete_user(&user.name).await.unwrap();
    is_dead(&store, &pair).await;
}

/// A store that overlooks `UserName` answers for the admin.
#[tokio::test]
async fn keys_of_another_user_are_not_taken_for_ours() {
    let store = Store::<Moto>::start().await;
    let (user, pair) = made_with_key(&store).await;
    let other = keys_page("admin", "AKIAOFTHEADMIN000000", "x");
    store.proxy.always(lists_keys, Fault::answer(200, &other));
    for error in [
        store.driver.find_user(&user.name).await.unwrap_err(),
        store.driver.revoke(&user.name, &pair.id).await.unwrap_err(),
        store.driver.delete_user(&user.name).await.unwrap_err(),
    ] {
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Protocol, Outcome::NotApplied),
            "{error}"
        );
    }
    let fresh = ready_elsewhere(&store).await;
    let new = "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>admin</UserName><AccessKeyId>AKIA1\
               </AccessKeyId><SecretAccessKey>CANARY</SecretAccessKey></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>";
    let issues = |seen: &Seen| seen.action.as_deref() == Some("CreateAccessKey");
    store.proxy.once(issues, Fault::answer(200, new));
    let error = store.driver.issue(&fresh, &key_order(&store)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Protocol, Outcome::Unknown)
    );
    assert!(!format!("{error} {error:?}").contains("CANARY"));
}

async fn ready_elsewhere(store: &Store<Moto>) -> NewUser {
    store.proxy.heal();
    ready(store).await
}
