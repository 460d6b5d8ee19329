//! Requests as text.

use super::{SVM, name};
use crate::backend::ontap::cluster::Version;
use crate::backend::ontap::keys::check_name;
use crate::backend::ontap::request::{self, Chosen};
use crate::backend::ontap::wire::Slot;
use crate::backend::{ErrorKind, Outcome, call::Call};
use crate::domain::ids::{AccessKeyId, UserName};

fn chosen() -> Chosen {
    Chosen {
        access_key: AccessKeyId::new("AK1"),
        secret_key: "CANARY".into(),
    }
}

const BASE: &str = "/api/protocols/s3/services/u-1";

/// The call is this one: method and target below the S3 server, and a body, or none where it is empty.
#[track_caller]
fn is_sent(call: &Call, method: &str, rest: &str, body: &str) {
    assert_eq!(
        format!("{} {}", call.method, call.target),
        format!("{method} {BASE}/{rest}")
    );
    let sent = call.body.as_ref();
    let sent = sent.map_or("", |(_, bytes)| std::str::from_utf8(bytes).unwrap());
    assert_eq!(sent, body);
    assert!(
        !format!("{call:?}").contains("CANARY"),
        "no secret half is in a target or printed"
    );
}

#[test]
fn the_cluster_is_asked_for_its_release_and_the_storage_vm() {
    assert_eq!(request::cluster().target, "/api/cluster?fields=version");
    assert_eq!(
        request::find_svm("vs1").target,
        "/api/svm/svms?name=vs1&fields=uuid"
    );
}

#[test]
fn users_are_read_made_changed_and_deleted_by_these_calls() {
    let (name, odd) = (name(), UserName::new("a+b=c,d"));
    let probe = "users?fields=name%2Caccess_key%2Ckeys&max_records=20";
    let one = "users/gk-a.b_c?fields=name%2Ccomment%2Caccess_key";
    let made = r#"{"name":"gk-a.b_c","comment":"A"}"#;
    let made_as_chosen = r#"{"name":"gk-a.b_c","comment":"A","access_key":"AK1","secret_key":"CANARY"}"#;
    let create = |chosen: Option<&Chosen>| request::create_user(SVM, &name, "A", chosen);
    is_sent(&request::probe_keys(SVM), "GET", probe, "");
    let all = "users/gk-a.b_c?fields=%2A";
    is_sent(&request::find_user(SVM, &name, false), "GET", all, "");
    is_sent(
        &request::find_user(SVM, &name, true),
        "GET",
        &format!("{one}%2Ckeys"),
        "",
    );
    is_sent(&create(None), "POST", "users?return_records=true", made);
    is_sent(
        &create(Some(&chosen())),
        "POST",
        "users?return_records=true",
        made_as_chosen,
    );
    is_sent(
        &request::set_comment(SVM, &name, "B"),
        "PATCH",
        "users/gk-a.b_c",
        r#"{"comment":"B"}"#,
    );
    is_sent(&request::delete_user(SVM, &name), "DELETE", "users/gk-a.b_c", "");
    is_sent(
        &request::delete_user(SVM, &odd),
        "DELETE",
        "users/a%2Bb%3Dc%2Cd",
        "",
    );
}

/// `key_id` is there only where a slot is named, and `return_records` only where the release documents it.
#[test]
fn keys_are_made_anew_and_removed_by_these_calls() {
    let name = name();
    let user = "users/gk-a.b_c";
    let (old, new) = (Some(Version(9, 13, 1)), Some(Version(9, 16, 1)));
    let plain = format!("{user}?regenerate_keys=true");
    let with_records = format!("{plain}&return_records=true");
    let second = r#"{"key_id":2,"access_key":"AK1","secret_key":"CANARY"}"#;
    let removed = format!("{user}?delete_keys=true");
    let regenerate =
        |version, slot, chosen: Option<&Chosen>| request::regenerate(SVM, &name, version, slot, chosen);
    is_sent(&regenerate(None, None, None), "PATCH", &plain, "{}");
    is_sent(&regenerate(old, None, None), "PATCH", &plain, "{}");
    is_sent(
        &regenerate(new, Some(Slot::Second), Some(&chosen())),
        "PATCH",
        &with_records,
        second,
    );
    is_sent(&request::delete_keys(SVM, &name, None), "PATCH", &removed, "{}");
    is_sent(
        &request::delete_keys(SVM, &name, Some(Slot::First)),
        "PATCH",
        &removed,
        r#"{"key_id":1}"#,
    );
}

#[test]
fn groups_and_policies_are_read_made_changed_and_deleted_by_these_calls() {
    let name = name();
    let groups = "groups?fields=id%2Cname%2Cusers%2Cpolicies&max_records=500";
    let policies = "policies?fields=name%2Cstatements&max_records=500";
    let policy = r#"{"comment":"Made by Gracekey: denies everything to the users that it locks.","name":"gracekey-locked","statements":[{"actions":["*"],"effect":"deny","resources":["*"]}]}"#;
    let group = r#"{"comment":"Made by Gracekey: locks this user.","name":"gracekey-locked-gk-a.b_c","policies":[{"name":"gracekey-locked"}],"users":[{"name":"gk-a.b_c"}]}"#;
    let mended = r#"{"policies":[{"name":"gracekey-locked"}],"users":[{"name":"gk-a.b_c"}]}"#;
    let others = ["user-2".to_owned()];
    is_sent(&request::list_groups(SVM), "GET", groups, "");
    is_sent(&request::list_policies(SVM), "GET", policies, "");
    is_sent(&request::create_lock_policy(SVM), "POST", "policies", policy);
    is_sent(&request::create_lock_group(SVM, &name), "POST", "groups", group);
    is_sent(
        &request::mend_lock_group(SVM, "6", &name),
        "PATCH",
        "groups/6",
        mended,
    );
    is_sent(
        &request::set_members(SVM, "5", &others, &name),
        "PATCH",
        "groups/5",
        r#"{"users":[{"name":"user-2"}]}"#,
    );
    is_sent(&request::delete_group(SVM, "6", &name), "DELETE", "groups/6", "");
}

#[test]
fn names_that_mean_something_in_a_path_or_elsewhere_are_refused() {
    let call = crate::backend::ontap::about("GetUser", &name());
    for good in ["a", "A+b=c,d.e_f-g", &"x".repeat(64)] {
        check_name(&call, &UserName::new(good)).unwrap();
    }
    for bad in [
        "",
        ".",
        "..",
        "a/b",
        "user@example.com",
        "a b",
        "ü",
        &"x".repeat(65),
    ] {
        let error = check_name(&call, &UserName::new(bad)).unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Invalid, Outcome::NotApplied),
            "{bad}"
        );
    }
}
