//! The ledger as it stands in status, and back. Pure.

use crate::{
    api::v1alpha1::{self as api, BucketPermission, GoDuration, ObjectUserStatus},
    domain::{
        access::{Limits, Permission, Resource},
        ids::{AccessKeyId, BucketName, CredentialId, RotateToken},
        ledger::{Cause, Intent, Issued, Ledger},
    },
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use std::collections::BTreeMap;

/// The ledger that a status holds.
pub(super) fn read(status: &ObjectUserStatus) -> Ledger {
    let credentials = status.credentials.iter().map(|c| {
        let issued = Issued {
            issue_time: c.issue_time.0,
            verified_time: c.verified_time.as_ref().map(|t| t.0),
            revoke_time: c.revoke_time.as_ref().map(|t| t.0),
        };
        (CredentialId::new(&c.id), issued)
    });
    let abandoned = status
        .abandoned_credentials
        .iter()
        .map(|a| (CredentialId::new(&a.id), a.until_time.0));
    let rotation = status.rotation.clone().unwrap_or_default();
    let access = status.access.clone().unwrap_or_default();
    let granted = access.buckets.iter();
    let withdrawn = access.withdrawn.iter();
    Ledger {
        handled: rotation.handled_tokens.iter().map(RotateToken::new).collect(),
        intent: status.intent.as_ref().map(read_intent),
        credentials: credentials.collect(),
        abandoned: abandoned.collect(),
        last_rotation: rotation.last_rotation_time.map(|t| t.0),
        next_rotation: rotation.next_rotation_time.map(|t| t.0),
        grants: granted
            .map(|grant| (BucketName::new(&grant.name), permission(grant.permission)))
            .collect(),
        withdrawn: withdrawn
            .map(|gone| (BucketName::new(&gone.name), gone.until_time.0))
            .collect(),
        limits: status.quota.as_ref().map(read_limits).unwrap_or_default(),
    }
}

fn read_limits(quota: &api::QuotaStatus) -> Limits {
    let all = [
        (Resource::Bytes, quota.max_bytes),
        (Resource::Objects, quota.max_objects),
        (Resource::Buckets, quota.max_buckets),
    ];
    all.into_iter()
        .filter_map(|(of, most)| Some((of, u64::try_from(most?).ok()?)))
        .collect()
}

/// From the word of the API to ours.
pub(super) fn permission(word: BucketPermission) -> Permission {
    match word {
        BucketPermission::ReadOnly => Permission::ReadOnly,
        BucketPermission::WriteOnly => Permission::WriteOnly,
        BucketPermission::ReadWrite => Permission::ReadWrite,
    }
}

fn word(permission: Permission) -> BucketPermission {
    match permission {
        Permission::ReadOnly => BucketPermission::ReadOnly,
        Permission::WriteOnly => BucketPermission::WriteOnly,
        Permission::ReadWrite => BucketPermission::ReadWrite,
    }
}

fn read_intent(intent: &api::IntentStatus) -> Intent {
    Intent {
        cause: match intent.cause {
            api::IntentCause::First => Cause::First,
            api::IntentCause::Rotate => Cause::Rotate,
            api::IntentCause::Repair => Cause::Repair,
        },
        token: intent.token.as_ref().map(RotateToken::new),
        grace: intent
            .grace_period
            .as_ref()
            .unwrap_or(&GoDuration::DAY)
            .to_duration(),
        access_key_id: intent.access_key_id.as_ref().map(AccessKeyId::new),
        before: intent.before.iter().map(CredentialId::new).collect(),
        attempt: u32::try_from(intent.attempt).unwrap_or(1),
        start: intent.start_time.0,
        attempt_time: intent.attempt_time.as_ref().unwrap_or(&intent.start_time).0,
    }
}

/// Puts a ledger into a status.
pub(super) fn write(ledger: &Ledger, status: &mut ObjectUserStatus) {
    status.credentials = ledger
        .credentials
        .iter()
        .map(|(id, key)| credential(id, key))
        .collect();
    status.abandoned_credentials = abandoned(&ledger.abandoned);
    status.intent = ledger.intent.as_ref().map(write_intent);
    status.access_key_id = ledger.current().map(|id| id.access_key_id().to_string());
    status.previous_key_revoke_time = ledger.retiring().map(|(_, at)| at).max().map(Time);
    let rotation = api::RotationStatus {
        last_handled_token: ledger.handled.first().map(ToString::to_string),
        handled_tokens: ledger.handled.iter().map(ToString::to_string).collect(),
        last_rotation_time: ledger.last_rotation.map(Time),
        next_rotation_time: ledger.next_rotation.map(Time),
    };
    status.rotation = (rotation != api::RotationStatus::default()).then_some(rotation);
    let access = write_access(ledger);
    status.access = (access != api::AccessStatus::default()).then_some(access);
    let limit = |of| ledger.limits.get(&of).and_then(|most| i64::try_from(*most).ok());
    let quota = api::QuotaStatus {
        max_bytes: limit(Resource::Bytes),
        max_objects: limit(Resource::Objects),
        max_buckets: limit(Resource::Buckets),
    };
    status.quota = (quota != api::QuotaStatus::default()).then_some(quota);
}

fn write_access(ledger: &Ledger) -> api::AccessStatus {
    let granted = ledger.grants.iter().map(|(name, permission)| api::GrantStatus {
        name: name.to_string(),
        permission: word(*permission),
    });
    let withdrawn = ledger.withdrawn.iter().map(|(name, until)| api::WithdrawnStatus {
        name: name.to_string(),
        until_time: Time(*until),
    });
    api::AccessStatus {
        buckets: granted.collect(),
        withdrawn: withdrawn.collect(),
    }
}

fn credential(id: &CredentialId, key: &Issued) -> api::CredentialStatus {
    api::CredentialStatus {
        id: id.to_string(),
        access_key_id: id.access_key_id().to_string(),
        issue_time: Time(key.issue_time),
        verified_time: key.verified_time.map(Time),
        revoke_time: key.revoke_time.map(Time),
        last_use: None,
    }
}

fn abandoned(ids: &BTreeMap<CredentialId, Timestamp>) -> Vec<api::AbandonedCredential> {
    ids.iter()
        .map(|(id, at)| api::AbandonedCredential {
            id: id.to_string(),
            until_time: Time(*at),
        })
        .collect()
}

fn write_intent(intent: &Intent) -> api::IntentStatus {
    api::IntentStatus {
        cause: match intent.cause {
            Cause::First => api::IntentCause::First,
            Cause::Rotate => api::IntentCause::Rotate,
            Cause::Repair => api::IntentCause::Repair,
        },
        token: intent.token.as_ref().map(ToString::to_string),
        grace_period: Some(GoDuration::from_duration(intent.grace)),
        access_key_id: intent.access_key_id.as_ref().map(ToString::to_string),
        before: intent.before.iter().map(ToString::to_string).collect(),
        attempt: i32::try_from(intent.attempt).unwrap_or(i32::MAX),
        start_time: Time(intent.start),
        attempt_time: (intent.attempt > 1).then_some(Time(intent.attempt_time)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_ledger_survives_its_way_through_status() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let old = Issued {
            issue_time: at(1),
            verified_time: Some(at(2)),
            revoke_time: Some(at(90)),
        };
        let ledger = Ledger {
            handled: vec![RotateToken::new("b"), RotateToken::new("a")],
            intent: Some(Intent {
                cause: Cause::Rotate,
                token: Some(RotateToken::new("c")),
                grace: Duration::from_millis(90_061_001),
                access_key_id: Some(AccessKeyId::new("NEW")),
                before: [CredentialId::new("OLD")].into(),
                attempt: 3,
                start: at(50),
                attempt_time: at(55),
            }),
            credentials: [(CredentialId::new("OLD"), old)].into(),
            abandoned: [(CredentialId::new("LOST"), at(99))].into(),
            last_rotation: Some(at(40)),
            next_rotation: Some(at(400)),
            grants: [
                (BucketName::new("a-b"), Permission::ReadOnly),
                (BucketName::new("c-d"), Permission::WriteOnly),
                (BucketName::new("e-f"), Permission::ReadWrite),
            ]
            .into(),
            withdrawn: [(BucketName::new("g-h"), at(500))].into(),
            limits: [(Resource::Bytes, 1 << 60), (Resource::Buckets, 0)].into(),
        };
        let mut status = ObjectUserStatus::default();
        write(&ledger, &mut status);
        let through_json: ObjectUserStatus =
            serde_json::from_value(serde_json::to_value(&status).unwrap()).unwrap();
        assert_eq!(read(&through_json), ledger);
    }
}
