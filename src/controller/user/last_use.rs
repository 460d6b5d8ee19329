//! When keys were last used, in status. Pure.

use crate::{
    api::v1alpha1::{LastUseState, LastUseStatus, ObjectUserStatus},
    domain::{facts::LastUse, ids::CredentialId},
};
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use std::collections::BTreeMap;

/// A use is told when it is this much later than the one that was told before: status is not written for every use.
const LAST_USE_STEP: SignedDuration = SignedDuration::from_hours(1);

/// Tells of each key in status when it was last used, if that is news.
pub(super) fn tell(
    before: &ObjectUserStatus,
    seen: Option<&BTreeMap<CredentialId, LastUse>>,
    status: &mut ObjectUserStatus,
) {
    for key in &mut status.credentials {
        let told = before.credentials.iter().find(|k| k.id == key.id);
        let told = told.and_then(|key| key.last_use.clone());
        let now = seen.and_then(|seen| seen.get(&CredentialId::new(&key.id)));
        key.last_use = match (told, now.map(|now| status_of(*now))) {
            (told, None) => told,
            (Some(told), Some(now)) if is_as_good(&told, &now) => Some(told),
            (_, now) => now,
        };
    }
}

fn status_of(seen: LastUse) -> LastUseStatus {
    let (state, time) = match seen {
        LastUse::Unknown => (LastUseState::Unknown, None),
        LastUse::Never => (LastUseState::Never, None),
        LastUse::At(time) => (LastUseState::Used, Some(Time(time))),
    };
    LastUseStatus { state, time }
}

fn is_as_good(told: &LastUseStatus, now: &LastUseStatus) -> bool {
    match (&told.time, &now.time) {
        (Some(told), Some(now)) => now.0.duration_since(told.0) < LAST_USE_STEP,
        (None, None) => told.state == now.state,
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        controller::user::ledger,
        domain::ledger::{Issued, Ledger},
    };
    use jiff::Timestamp;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn last_use_has_three_states_and_is_told_again_when_it_is_much_later() {
        let id = CredentialId::new("AK");
        let issued = Issued {
            issue_time: at(0),
            verified_time: None,
            revoke_time: None,
        };
        let ledger = Ledger {
            credentials: BTreeMap::from([(id.clone(), issued)]),
            ..Ledger::default()
        };
        let say = |before: &ObjectUserStatus, seen: Option<LastUse>| {
            let uses = seen.map(|seen| BTreeMap::from([(id.clone(), seen)]));
            let mut status = ObjectUserStatus::default();
            ledger::write(&ledger, &mut status);
            tell(before, uses.as_ref(), &mut status);
            status
        };
        let told = |status: &ObjectUserStatus| {
            let told = status.credentials[0].last_use.clone();
            told.map(|told| (told.state, told.time.map(|time| time.0)))
        };
        let blank = ObjectUserStatus::default();
        assert_eq!(told(&say(&blank, None)), None);
        assert_eq!(
            told(&say(&blank, Some(LastUse::Unknown))),
            Some((LastUseState::Unknown, None))
        );
        let never = say(&blank, Some(LastUse::Never));
        assert_eq!(told(&never), Some((LastUseState::Never, None)));
        let used = say(&never, Some(LastUse::At(at(100))));
        assert_eq!(told(&used), Some((LastUseState::Used, Some(at(100)))));
        assert_eq!(
            say(&used, Some(LastUse::At(at(3000)))),
            used,
            "no write for every use"
        );
        assert_eq!(say(&used, None), used, "not asked is not forgotten");
        let later = say(&used, Some(LastUse::At(at(3700))));
        assert_eq!(told(&later), Some((LastUseState::Used, Some(at(3700)))));
    }
}
