//! Parse: from what the object says to what is wished. Pure.

use crate::{
    api::v1alpha1::{self as api, GoDuration, ObjectUser},
    controller::{context::id_of, error::Trouble, user::ledger::permission},
    domain::{
        access::{Limits, Resource, WantedGrant},
        facts::{Deletion, Desired, OnKeyLimit, RotateRequest},
        ids::{BucketName, RotateToken},
        reason::Reason,
    },
    names,
};
use kube::ResourceExt;
use std::time::Duration;

/// Longest token, in characters.
const TOKEN_MAX: usize = 253;
/// Longest label, in characters; the same bound as the schema's.
const LABEL_MAX: usize = 128;
/// Longest grace period; the same bound as the schema's.
const GRACE_MAX: Duration = Duration::from_hours(2160);

/// What is wished, and what about the annotations cannot be read. A bad annotation asks for nothing and stops nothing.
pub(super) fn parse(user: &ObjectUser, provable: bool, closed: bool) -> (Desired, Option<Trouble>) {
    let spec = &user.spec;
    let (rotate, trouble) = match rotate(user) {
        Ok(rotate) => (rotate, None),
        Err(message) => (None, Some(Trouble::stalled(Reason::InvalidAnnotation, message))),
    };
    let desired = Desired {
        deleting: user.metadata.deletion_timestamp.is_some(),
        deletion: match spec.deletion_policy {
            api::DeletionPolicy::Delete => Deletion::Delete,
            api::DeletionPolicy::Retain => Deletion::Retain,
        },
        suspend: spec.suspend,
        closed,
        label: spec
            .label
            .clone()
            .unwrap_or_else(|| id_of(user).chars().take(LABEL_MAX).collect()),
        locked: spec.locked,
        rotate,
        grace: spec.rotation.grace_period.to_duration(),
        interval: spec.rotation.interval.as_ref().map(GoDuration::to_duration),
        allow_interruption: spec.rotation.allow_interruption,
        on_key_limit: match spec.rotation.on_key_limit {
            api::OnKeyLimit::Wait => OnKeyLimit::Wait,
            api::OnKeyLimit::RevokeOldest => OnKeyLimit::RevokeOldest,
        },
        provable,
        grants: spec.access.buckets.iter().map(grant).collect(),
        limits: limits(&spec.quota),
    };
    (desired, trouble)
}

fn grant(bucket: &api::BucketAccess) -> (BucketName, WantedGrant) {
    let wanted = WantedGrant {
        permission: permission(bucket.permission),
        create: bucket.create,
    };
    (BucketName::new(&bucket.name), wanted)
}

fn limits(quota: &api::Quota) -> Limits {
    let all = [
        (
            Resource::Bytes,
            quota.max_bytes.as_ref().map(api::Bytes::to_bytes),
        ),
        (
            Resource::Objects,
            quota.max_objects.and_then(|most| u64::try_from(most).ok()),
        ),
        (
            Resource::Buckets,
            quota.max_buckets.and_then(|most| u64::try_from(most).ok()),
        ),
    ];
    all.into_iter()
        .filter_map(|(of, most)| Some((of, most?)))
        .collect()
}

fn rotate(user: &ObjectUser) -> Result<Option<RotateRequest>, String> {
    let Some(token) = user.annotations().get(names::ROTATE) else {
        return Ok(None);
    };
    let long = token.chars().count() > TOKEN_MAX;
    if token.is_empty() || long || token.chars().any(char::is_control) {
        let rule = format!("must have 1 to {TOKEN_MAX} characters and no control characters");
        return Err(format!(
            "The annotation `{}` {rule}; no rotation was begun.",
            names::ROTATE
        ));
    }
    let grace = user
        .annotations()
        .get(names::ROTATE_GRACE_PERIOD)
        .map(|text| grace(text))
        .transpose()?;
    Ok(Some(RotateRequest {
        token: RotateToken::new(token),
        grace,
    }))
}

fn grace(text: &str) -> Result<Duration, String> {
    let parsed = text
        .parse::<GoDuration>()
        .ok()
        .map(|d| d.to_duration())
        .filter(|d| *d <= GRACE_MAX);
    parsed.ok_or_else(|| {
        let rule = "must be a duration such as '10m' or '24h', at most '2160h'";
        format!(
            "The annotation `{}` {rule}; no rotation was begun.",
            names::ROTATE_GRACE_PERIOD
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::Permission;

    fn user(annotations: &serde_json::Value) -> ObjectUser {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "gracekey.dev/v1alpha1", "kind": "ObjectUser",
            "metadata": {"name": "billing", "namespace": "shop", "annotations": annotations},
            "spec": {"objectStoreRef": {"name": "prod"}},
        }))
        .unwrap()
    }

    #[test]
    fn an_annotation_asks_for_a_rotation_with_its_grace_period() {
        let annotations = serde_json::json!({names::ROTATE: "2026-11", names::ROTATE_GRACE_PERIOD: "10m"});
        let (desired, trouble) = parse(&user(&annotations), true, false);
        let request = desired.rotate.unwrap();
        assert_eq!(request.token.as_str(), "2026-11");
        assert_eq!(request.grace, Some(Duration::from_mins(10)));
        assert_eq!(trouble, None);
    }

    #[test]
    fn a_grace_period_without_a_token_asks_for_nothing() {
        let annotations = serde_json::json!({names::ROTATE_GRACE_PERIOD: "nonsense"});
        let (desired, trouble) = parse(&user(&annotations), true, false);
        assert_eq!((desired.rotate, trouble), (None, None));
    }

    #[test]
    fn an_annotation_that_cannot_be_read_is_told_and_asks_for_nothing() {
        let long = "x".repeat(254);
        for (token, grace) in [
            ("", "1h"),
            (long.as_str(), "1h"),
            ("a\nb", "1h"),
            ("a", "-1h"),
            ("a", ""),
            ("a", "3000h"),
        ] {
            let annotations = serde_json::json!({names::ROTATE: token, names::ROTATE_GRACE_PERIOD: grace});
            let (desired, trouble) = parse(&user(&annotations), true, false);
            assert_eq!(desired.rotate, None, "{token:?} {grace:?}");
            assert_eq!(
                trouble.map(|t| t.reason),
                Some(Reason::InvalidAnnotation),
                "{token:?} {grace:?}"
            );
        }
    }

    #[test]
    fn access_and_quota_are_what_the_spec_says() {
        let mut user = user(&serde_json::json!({}));
        let (desired, _) = parse(&user, true, false);
        assert!(desired.grants.is_empty() && desired.limits.is_empty());
        let buckets = serde_json::json!([{ "name": "a-b" }, { "name": "c-d", "permission": "WriteOnly", "create": true }]);
        user.spec.access.buckets = serde_json::from_value(buckets).unwrap();
        user.spec.quota =
            serde_json::from_value(serde_json::json!({ "maxBytes": "10G", "maxBuckets": 0 })).unwrap();
        let (desired, _) = parse(&user, true, false);
        let wanted = |permission, create| WantedGrant { permission, create };
        let want = [
            (BucketName::new("a-b"), wanted(Permission::ReadWrite, false)),
            (BucketName::new("c-d"), wanted(Permission::WriteOnly, true)),
        ];
        assert_eq!(desired.grants, want.into());
        assert_eq!(
            desired.limits,
            [(Resource::Bytes, 10_000_000_000), (Resource::Buckets, 0)].into()
        );
    }

    #[test]
    fn the_default_label_names_the_object() {
        assert_eq!(
            parse(&user(&serde_json::json!({})), true, false).0.label,
            "shop/billing"
        );
    }
}
