//! Requests as text.

use super::{SVM, name};
use crate::backend::ontap::cluster::Version;
use crate::backend::ontap::keys::check_name;
use crate::backend::ontap::request::{self, Chosen};
use crate::backend::ontap::wire::Slot;
use crate::backend::{ErrorKind, Outcome};
use crate::domain::ids::{AccessKeyId, UserName};

fn chosen() -> Chosen {
    Chosen {
        access_key: AccessKeyId::new("AK1"),
        secret_key: "CANARY".into(),
    }
}

#[test]
fn each_call_has_exactly_this_method_target_and_body() {
    let base = "/api/protocols/s3/services/u-1";
    let user = format!("{base}/users/gk-a.b_c");
    let (v13, v16) = (Some(Version(9, 13, 1)), Some(Version(9, 16, 1)));
    let locking = r#"{"comment":"Made by Gracekey: locks this user.","name":"gracekey-locked-gk-a.b_c","policies":[{"name":"gracekey-locked"}],"users":[{"name":"gk-a.b_c"}]}"#;
    let policy = r#"{"comment":"Made by Gracekey: denies everything to the users that it locks.","name":"gracekey-locked","statements":[{"actions":["*"],"effect":"deny","resources":["*"]}]}"#;
    for (call, want, body) in [
        (
            request::cluster(),
            "GET /api/cluster?fields=version".to_owned(),
            "",
        ),
        (
            request::find_svm("vs1"),
            "GET /api/svm/svms?name=vs1&fields=uuid".to_owned(),
            "",
        ),
        (
            request::probe_keys(SVM),
            format!("GET {base}/users?fields=name%2Caccess_key%2Ckeys&max_records=20"),
            "",
        ),
        (
            request::find_user(SVM, &name(), false),
            format!("GET {user}?fields=name%2Ccomment%2Caccess_key"),
            "",
        ),
        (
            request::find_user(SVM, &name(), true),
            format!("GET {user}?fields=name%2Ccomment%2Caccess_key%2Ckeys"),
            "",
        ),
        (
            request::create_user(SVM, &name(), "A", None),
            format!("POST {base}/users?return_records=true"),
            r#"{"name":"gk-a.b_c","comment":"A"}"#,
        ),
        (
            request::create_user(SVM, &name(), "A", Some(&chosen())),
            format!("POST {base}/users?return_records=true"),
            r#"{"name":"gk-a.b_c","comment":"A","access_key":"AK1","secret_key":"CANARY"}"#,
        ),
        (
            request::set_comment(SVM, &name(), "B"),
            format!("PATCH {user}"),
            r#"{"comment":"B"}"#,
        ),
        (
            request::regenerate(SVM, &name(), None, None, None),
            format!("PATCH {user}?regenerate_keys=true"),
            "{}",
        ),
        (
            request::regenerate(SVM, &name(), v13, None, None),
            format!("PATCH {user}?regenerate_keys=true"),
            "{}",
        ),
        (
            request::regenerate(SVM, &name(), v16, Some(Slot::Second), Some(&chosen())),
            format!("PATCH {user}?regenerate_keys=true&return_records=true"),
            r#"{"key_id":2,"access_key":"AK1","secret_key":"CANARY"}"#,
        ),
        (
            request::delete_keys(SVM, &name(), None),
            format!("PATCH {user}?delete_keys=true"),
            "{}",
        ),
        (
            request::delete_keys(SVM, &name(), Some(Slot::First)),
            format!("PATCH {user}?delete_keys=true"),
            r#"{"key_id":1}"#,
        ),
        (request::delete_user(SVM, &name()), format!("DELETE {user}"), ""),
        (
            request::delete_user(SVM, &UserName::new("a+b=c,d")),
            format!("DELETE {base}/users/a%2Bb%3Dc%2Cd"),
            "",
        ),
        (
            request::list_groups(SVM),
            format!("GET {base}/groups?fields=id%2Cname%2Cusers%2Cpolicies&max_records=500"),
            "",
        ),
        (
            request::list_policies(SVM),
            format!("GET {base}/policies?fields=name%2Cstatements&max_records=500"),
            "",
        ),
        (
            request::create_lock_policy(SVM),
            format!("POST {base}/policies"),
            policy,
        ),
        (
            request::create_lock_group(SVM, &name()),
            format!("POST {base}/groups"),
            locking,
        ),
        (
            request::mend_lock_group(SVM, "6", &name()),
            format!("PATCH {base}/groups/6"),
            r#"{"policies":[{"name":"gracekey-locked"}],"users":[{"name":"gk-a.b_c"}]}"#,
        ),
        (
            request::set_members(SVM, "5", &["user-2".to_owned()], &name()),
            format!("PATCH {base}/groups/5"),
            r#"{"users":[{"name":"user-2"}]}"#,
        ),
        (
            request::delete_group(SVM, "6", &name()),
            format!("DELETE {base}/groups/6"),
            "",
        ),
    ] {
        assert_eq!(format!("{} {}", call.method, call.target), want);
        let sent = call
            .body
            .as_ref()
            .map_or("", |(_, bytes)| std::str::from_utf8(bytes).unwrap());
        assert_eq!(sent, body, "{want}");
        assert!(!call.target.contains("CANARY") && !format!("{call:?}").contains("CANARY"));
    }
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
