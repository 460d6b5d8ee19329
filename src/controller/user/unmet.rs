//! What of access and quota cannot be had, in words.

use super::{
    access::Buckets,
    quota::{Quota, field_of},
};
use crate::{
    controller::error::Trouble,
    domain::{ids::BucketName, plan::Unmet, reason::Reason},
    names,
};
use std::collections::BTreeSet;

/// How many buckets are named in a condition.
const NAMED: usize = 5;

/// What of access and quota cannot be had, as one text for a person. What nobody but a person can mend comes first.
pub(super) fn trouble(unmet: &BTreeSet<Unmet>, buckets: &Buckets, quota: &Quota) -> Option<Trouble> {
    let missing: Vec<_> = unmet.iter().filter_map(missing_bucket).collect();
    let mut all: Vec<_> = unmet
        .iter()
        .filter_map(|unmet| one_trouble(unmet, buckets, quota))
        .collect();
    if !missing.is_empty() {
        all.push(missing_trouble(&missing));
    }
    all.sort_by_key(|trouble| !trouble.stalled);
    all.into_iter().reduce(|first, next| beside(first, &next))
}

fn missing_bucket(unmet: &Unmet) -> Option<&str> {
    if let Unmet::BucketMissing(name) = unmet {
        Some(name.as_str())
    } else {
        None
    }
}

fn missing_trouble(missing: &[&str]) -> Trouble {
    let named: Vec<&str> = missing.iter().take(NAMED).copied().collect();
    let more = if missing.len() > NAMED { ", and more" } else { "" };
    let text = format!(
        "Buckets of `spec.access.buckets` are not there: {}{more}. Make them, take them out, or set `create: true` where the \
         ObjectStore can make buckets.",
        named.join(", ")
    );
    Trouble::stalled(Reason::BucketMissing, text)
}

fn one_trouble(unmet: &Unmet, buckets: &Buckets, quota: &Quota) -> Option<Trouble> {
    let said = |name: &BucketName, otherwise: &str| {
        let unclear = || Trouble::passing(Reason::ProgressingWithRetry, format!("{otherwise} {name}."));
        buckets.said.get(name).cloned().unwrap_or_else(unclear)
    };
    Some(match unmet {
        Unmet::GrantsUnsupported => Trouble::stalled(
            Reason::Unsupported,
            "This store cannot give users access to single buckets: its backend cannot, or what the ObjectStore gives each user (`policies`, \
             `policyArns`) reaches all buckets already, and has to be narrower first. Or take `spec.access.buckets` out, and give access on the backend.",
        ),
        Unmet::LimitUnsupported(of) => Trouble::stalled(
            Reason::Unsupported,
            format!(
                "The backend cannot limit this for a user, or its ObjectStore does not say that it can: take `spec.quota.{}` out.",
                field_of(*of)
            ),
        ),
        Unmet::LimitNotWhole(of, step) => Trouble::stalled(
            Reason::Unsupported,
            format!(
                "The backend limits `spec.quota.{}` to whole multiples of {step} alone, and nothing is rounded: set such a number, or take \
                 it out. Until then it stays as it was.",
                field_of(*of)
            ),
        ),
        Unmet::BucketMissing(_) => return None,
        Unmet::BucketClosed(name) => said(name, "There is no consent to grants on the bucket"),
        Unmet::BucketUnknown(name) => said(name, "The backend did not answer for the bucket"),
        Unmet::BucketRefused(name) => said(name, "The backend refuses what is asked of the bucket"),
        Unmet::GrantLeft(name) => Trouble::stalled(
            Reason::BucketClosed,
            format!(
                "The access to the bucket {name} is to be withdrawn, and its owner does not let this operator look any more. Let its \
                 owner open it again, or delete the bucket; an object that is being deleted goes without that where it is annotated with \
                 `{}: \"true\"`.",
                names::FORCE_DELETE
            ),
        ),
        Unmet::LimitsUnknown => return quota.said().cloned(),
    })
}

/// Both troubles, under the reason of the first.
fn beside(first: Trouble, next: &Trouble) -> Trouble {
    if first.message.contains(&next.message) {
        return first;
    }
    Trouble {
        message: format!("{} {}", first.message, next.message),
        retry_after: first.retry_after.max(next.retry_after),
        ..first
    }
}

/// What stands in the way of a key, and of access: the first in front where a person has to end it and the other not. One
/// that waits for a known time must not keep the other from being tried again.
pub(super) fn together(blocked: Option<Trouble>, unmet: Option<Trouble>) -> Option<Trouble> {
    match (blocked, unmet) {
        (Some(blocked), Some(unmet)) if blocked.stalled && !unmet.stalled => Some(beside(blocked, &unmet)),
        (Some(blocked), Some(unmet)) => Some(beside(unmet, &blocked)),
        (blocked, unmet) => blocked.or(unmet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::Limits;

    fn names_of(names: &[&str]) -> Vec<BucketName> {
        names.iter().map(|name| BucketName::new(*name)).collect()
    }

    fn told(unmet: &BTreeSet<Unmet>) -> Option<Trouble> {
        trouble(unmet, &Buckets::default(), &Quota::of(Ok(Limits::new())))
    }

    #[test]
    fn missing_buckets_are_named_in_one_sentence_that_says_what_to_do() {
        let names = names_of(&["b1", "b2", "b3", "b4", "b5", "b6"]);
        let unmet = names.into_iter().map(Unmet::BucketMissing).collect();
        let said = told(&unmet).unwrap();
        assert!(said.stalled);
        assert_eq!(said.reason, Reason::BucketMissing);
        assert!(
            said.message.contains("b1, b2, b3, b4, b5, and more"),
            "{}",
            said.message
        );
        assert!(said.message.contains("`create: true`"));
    }

    #[test]
    fn what_a_person_has_to_mend_comes_before_what_time_heals() {
        let [late, gone] = names_of(&["late", "gone"]).try_into().unwrap();
        let unmet = BTreeSet::from([Unmet::BucketUnknown(late), Unmet::BucketMissing(gone)]);
        let said = told(&unmet).unwrap();
        assert_eq!((said.reason, said.stalled), (Reason::BucketMissing, true));
        assert!(said.message.contains("gone") && said.message.contains("late"));
        assert_eq!(told(&BTreeSet::new()), None);
    }

    #[test]
    fn a_rotation_that_waits_does_not_keep_access_from_being_tried_again() {
        let queued = Trouble::passing(Reason::RotationQueued, "Queued.");
        let unclear = Trouble::passing(Reason::BackendUnavailable, "Unclear.");
        let conflict = Trouble::stalled(Reason::SecretConflict, "Conflict.");
        let reason = |a: &Trouble, b: &Trouble| together(Some(a.clone()), Some(b.clone())).unwrap();
        assert_eq!(reason(&queued, &unclear).reason, Reason::BackendUnavailable);
        let both = reason(&conflict, &unclear);
        assert_eq!(both.reason, Reason::SecretConflict);
        assert_eq!(both.message, "Conflict. Unclear.");
        assert_eq!(together(Some(queued.clone()), None), Some(queued));
    }
}
