//! Answers as the vendor's pages show them.

use super::{MARK, SVM, recorded};
use crate::backend::ontap::access::{Group, Policy};
use crate::backend::ontap::cluster::{self, Known, Version};
use crate::backend::ontap::wire::{self, Cluster, Page, Slot, Svm, User};
use crate::domain::capabilities::Overlap;
use crate::domain::ids::{OwnerMark, UserName};
use secrecy::ExposeSecret as _;

#[test]
fn a_release_is_read_compared_and_printed() {
    let cluster: Cluster = recorded("cluster");
    let version = cluster.version.parsed().unwrap();
    assert_eq!(version, Version(9, 17, 1));
    assert!(version < Version(9, 19, 1) && version > Version(9, 9, 1));
    assert_eq!(
        [version.to_string(), Version(9, 8, 0).to_string()],
        ["9.17.1", "9.8"]
    );
    let without: Cluster = serde_json::from_str(r#"{"version":{"full":"x"}}"#).unwrap();
    assert_eq!(without.version.parsed(), None);
}

#[test]
fn what_is_claimed_follows_what_is_known() {
    let known = |version, two_keys| Known {
        svm: SVM.to_owned(),
        version,
        two_keys,
    };
    let two = Overlap::Slots { max: Some(2) };
    for (known, overlap, chosen, deletes) in [
        (known(None, false), Overlap::None, false, false),
        (known(Some(Version(9, 13, 1)), false), Overlap::None, false, false),
        (known(Some(Version(9, 14, 1)), false), Overlap::None, false, true),
        (known(Some(Version(9, 16, 1)), false), Overlap::None, true, true),
        (known(Some(Version(9, 19, 1)), true), two, true, true),
        (known(Some(Version(9, 19, 1)), false), Overlap::None, true, true),
    ] {
        let claimed = cluster::capabilities(Some(&known));
        assert_eq!(
            (claimed.overlap, claimed.id_choosable),
            (overlap, chosen),
            "{known:?}"
        );
        assert_eq!(known.deletes_keys(), deletes, "{known:?}");
    }
    assert_eq!(cluster::capabilities(None).overlap, Overlap::None);
}

#[test]
fn a_storage_vm_is_found_or_not() {
    let found: Page<Svm> = recorded("svm");
    assert_eq!(
        found.records.unwrap().0[0].uuid,
        "02c9e252-41be-11e9-81d5-00a0986138f7"
    );
    let none: Page<Svm> = recorded("no_svm");
    assert!(none.records.unwrap().0.is_empty());
}

#[test]
fn a_new_pair_is_found_in_every_form() {
    for (which, slot, want) in [
        ("created", None, "HJAKU28M3SXTE2UXUACV"),
        ("created_with_life", None, "hH_5Xs"),
        ("one_object", None, "HJAKU28M3SXTE2UXUACV"),
        ("partly_with_keys", None, "HJAKU28M3SXTE2UXUACV"),
        ("second", Some(Slot::Second), "SECOND"),
    ] {
        let page: Page<User> = recorded(which);
        let user = page.records.unwrap().0.remove(0);
        let (access_key, secret) = user.issued(slot).unwrap();
        assert_eq!(
            (access_key.as_str(), secret.expose_secret()),
            (want, "BcA_HNEs5g4N9W6Vv3"),
            "{which}"
        );
    }
    let second: Page<User> = recorded("second");
    assert!(
        second
            .records
            .unwrap()
            .0
            .remove(0)
            .issued(Some(Slot::First))
            .is_none(),
        "of another slot"
    );
}

#[test]
fn a_user_is_read_with_the_keys_that_it_has() {
    for (which, keys, shown) in [
        ("user", vec![("HJAKU28M3SXTE2UXUACV", Slot::First)], false),
        (
            "user_with_two",
            vec![("FIRST", Slot::First), ("SECOND", Slot::Second)],
            true,
        ),
        ("user_with_second_only", vec![("SECOND", Slot::Second)], true),
        ("user_without_keys", vec![], false),
        ("user_without_keys_as_text", vec![], true),
    ] {
        let user: User = recorded(which);
        let pairs = user.pairs();
        let seen: Vec<_> = pairs
            .iter()
            .map(|pair| (pair.access_key.as_str(), pair.slot.unwrap()))
            .collect();
        assert_eq!((seen, user.shows_keys()), (keys, shown), "{which}");
    }
    let user = recorded::<User>("user").observe(false);
    assert_eq!(
        (user.owner, user.label.as_str()),
        (Some(OwnerMark::new(MARK)), "Billing")
    );
    assert!(!user.privileged && user.credentials[0].secret.is_none());
    let other = recorded::<User>("user_without_keys").observe(true);
    assert_eq!(
        (other.owner, other.label.as_str(), other.locked),
        (None, "somebody's", true)
    );
    let root: User = serde_json::from_str(r#"{"name":"root"}"#).unwrap();
    assert!(root.observe(false).privileged);
}

#[test]
fn a_comment_holds_label_and_mark_and_a_label_forges_none() {
    let mark = OwnerMark::new(MARK);
    let user = |comment: &str| -> User {
        serde_json::from_value(serde_json::json!({ "name": "u", "comment": comment })).unwrap()
    };
    let other = format!("x [gracekey:{}]", "f".repeat(32));
    for label in ["Billing", " a  b ", "請求書", &other, "]", &"ü".repeat(128)] {
        let comment = wire::comment_of(label, &mark);
        assert!(comment.chars().count() <= 256);
        let seen = user(&comment).observe(false);
        assert_eq!((seen.owner, seen.label.as_str()), (Some(mark.clone()), label));
        assert_eq!(
            user(&format!("{comment}\n")).owner(),
            Some(mark.clone()),
            "an editor's line end"
        );
    }
    for comment in [
        "",
        "Billing",
        "Billing [gracekey:0123]",
        "Billing [gracekey:0123456789ABCDEF0123456789abcdef]",
        "Billing [gracekey:0123456789abcdef0123456789abcdef] moved",
    ] {
        assert_eq!(user(comment).owner(), None, "{comment}");
    }
}

#[test]
fn groups_and_policies_are_told_apart_by_what_they_do() {
    let page: Page<Group> = recorded("groups");
    assert_eq!(page.next(), Some("/api/resourcelink"));
    let groups = page.records.unwrap().0;
    let user = UserName::new("user-1");
    let facts: Vec<_> = groups
        .iter()
        .map(|group| {
            (
                group.id.as_deref(),
                group.holds(&user),
                group.locks(),
                group.has_every_policy(),
                group.others(&user),
            )
        })
        .collect();
    let others = vec!["user-2".to_owned()];
    assert_eq!(
        facts,
        [
            (Some("5"), true, false, true, others),
            (Some("6"), true, true, false, vec![])
        ]
    );
    let policies: Page<Policy> = recorded("policies");
    let denies: Vec<_> = policies
        .records
        .unwrap()
        .0
        .iter()
        .map(Policy::denies_all)
        .collect();
    assert_eq!(denies, [true, false, false]);
}
