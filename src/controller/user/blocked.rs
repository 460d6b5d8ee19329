//! Why a plan is blocked, and what to do about it, in sentences for a person. Pure.

use crate::{
    controller::error::Trouble,
    domain::{plan::Blocked, reason::Reason},
    names,
};
use jiff::Timestamp;

const STORE_CLOSED: &str = "The ObjectStore takes no users from this namespace any more. The published key stays valid, old ones are \
                            revoked in time, and no new one is issued. Ask the store's owner to allow this namespace in \
                            `spec.allowedNamespaces`, or delete this object.";
const NO_OVERLAP: &str = "The backend cannot hold two keys, so a rotation would break applications until they have the new one. Set \
                          `spec.rotation.allowInterruption: true` to rotate all the same.";

/// What stands in the way, for a person.
pub(super) fn trouble(blocked: &Blocked, user_name: &str, secret_name: &str) -> Trouble {
    match blocked {
        Blocked::Suspended => Trouble::passing(
            Reason::Suspended,
            "`spec.suspend` is true: nothing is changed until it is false, or the object is deleted.",
        ),
        Blocked::UserConflict => Trouble::stalled(
            Reason::UserConflict,
            format!(
                "The backend has a user {user_name} that was not made for this object, or has admin rights, and it is left alone. Choose another \
                 `spec.userName` in a new ObjectUser, or ask the storage's admin whose that user is."
            ),
        ),
        Blocked::StoreClosed => Trouble::stalled(Reason::StoreNotAvailable, STORE_CLOSED),
        Blocked::SecretConflict => Trouble::stalled(
            Reason::SecretConflict,
            format!(
                "The Secret {secret_name} was not written for this object, and it is left alone. Choose another \
                 `spec.secret.name`, remove that Secret, or set `spec.secret.adoptionPolicy: Always`."
            ),
        ),
        Blocked::NoOverlap => Trouble::stalled(Reason::NoOverlap, NO_OVERLAP),
        Blocked::RotationQueued(at) => queued(*at),
        Blocked::KeyLimitReached => Trouble::stalled(
            Reason::KeyLimitReached,
            "A new key is wanted and no key slot is free: one or more keys were not issued by this operator. Remove one of these on the backend.",
        ),
        Blocked::UnknownKeys => Trouble::stalled(
            Reason::UnknownKeys,
            "More keys appeared on the backend than were asked for, so ours cannot be told from others'. Remove those \
             that the condition UnknownKeys names and nobody needs.",
        ),
        Blocked::AttemptsExhausted(at) => {
            try_waits(*at, "Issuing a key failed many times without a clear answer")
        }
        Blocked::GracePeriodRuns(at) => deletion_waits(
            *at,
            "then the last old key is revoked, and the user is retained after that",
            "; the old keys then stay valid",
        ),
        Blocked::AnswerOutstanding(at) => deletion_waits(
            *at,
            &format!(
                "the user {user_name} was asked for without an answer, and may still come up on the backend"
            ),
            "",
        ),
        Blocked::KeyOutstanding(at) => key_outstanding(*at, user_name),
        Blocked::AnswerLags(at) => {
            let why = "A key was asked for without a clear answer, and the backend may not show it at once";
            try_waits(*at, why)
        }
        Blocked::KeyUnseen(at) => unseen(*at),
        Blocked::AbsenceLags(at) => deletion_waits(
            *at,
            &format!(
                "the user {user_name} was given a key a short while ago, and the backend may not show yet all that there is"
            ),
            "",
        ),
        Blocked::LockUnsupported => Trouble::stalled(
            Reason::Unsupported,
            "The backend cannot lock a user without losing its keys. Set `spec.locked: false`.",
        ),
    }
}

fn queued(at: Timestamp) -> Trouble {
    let text = format!(
        "A new key is wanted and no key slot is free: it is issued at {at}, when an old key is revoked. \
         `spec.rotation.onKeyLimit: RevokeOldest` revokes the old one at once."
    );
    Trouble::passing(Reason::RotationQueued, text)
}

fn unseen(at: Timestamp) -> Trouble {
    let text = format!(
        "The backend does not show the key of this user: it is gone, or not shown yet. If it is not seen by {at}, a new one is issued."
    );
    Trouble::passing(Reason::ProgressingWithRetry, text)
}

fn try_waits(at: Timestamp, why: &str) -> Trouble {
    let text = format!("{why}; the next try is made at {at}.");
    Trouble::passing(Reason::ProgressingWithRetry, text)
}

fn key_outstanding(at: Timestamp, user_name: &str) -> Trouble {
    deletion_waits(
        at,
        &format!(
            "a key of the user {user_name} was asked for without an answer, and goes if it still comes up by then; make none by hand \
             meanwhile, it could not be told from that one"
        ),
        "; such a key then stays valid, and nobody looks for it",
    )
}

fn deletion_waits(at: Timestamp, why: &str, price: &str) -> Trouble {
    let force = names::FORCE_DELETE;
    Trouble::passing(
        Reason::GracePeriod,
        format!(
            "The deletion waits until {at}: {why}. Annotate with `{force}: \"true\"` not to wait{price}."
        ),
    )
}
