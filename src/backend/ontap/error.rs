//! From an answer that is no success to an error that carries a decision. Pure, and tested by table.
//!
//! Source: the error tables of the pages of users, groups and policies, and "Interpret an ONTAP REST response".

use super::wire::Refusal;
use crate::backend::{
    Error, ErrorKind, Outcome,
    call::{self, Call},
    http::Reply,
};

/// The keys were replaced, and the rest of the change failed.
pub(super) const PARTLY: &str = "92406081";
/// The access key is in use.
pub(super) const KEY_TAKEN: &str = "92406200";
/// No right to the resource.
const NO_PERMISSION: &str = "92406096";

/// The code of a refusal, where the answer has the form of the cluster's.
pub(super) fn code(reply: &Reply) -> Option<String> {
    let refusal = serde_json::from_slice::<Refusal>(&reply.body).ok()?;
    // Shorter than any secret.
    refusal.error.code.filter(|code| code.len() <= 10)
}

/// Whether the answer says that there is no such thing. One table prints 405 for it.
pub(super) fn is_missing(reply: &Reply) -> bool {
    matches!(reply.status, 404 | 405) && code(reply).as_deref() == Some("4")
}

/// Whether the account is known and lacks the right.
pub(super) fn is_forbidden(reply: &Reply) -> bool {
    match code(reply).as_deref() {
        Some(NO_PERMISSION) => true,
        Some(_) => reply.status == 403,
        None => false,
    }
}

/// The error that an answer other than 2xx stands for.
pub(super) fn refused(call: &Call, reply: &Reply) -> Error {
    let code = code(reply);
    let code = code.as_deref();
    let known = code.and_then(meaning);
    let judgement = known.map_or_else(
        || call::judge(reply, code.is_some()),
        |(kind, outcome, _)| (kind, outcome),
    );
    let advice = match known {
        // A release says of a wrong password what it says of a right that is missing.
        _ if reply.status == 401 => {
            "the account's name or password is wrong, or it lacks a right: correct the Secret, or give its role access to \
             /api/protocols/s3/services"
        }
        Some((_, _, advice)) => advice,
        None => advice_by_kind(judgement.0),
    };
    call.refused(reply, judgement, advice, code)
}

/// What a documented code means, whatever the status.
fn meaning(code: &str) -> Option<(ErrorKind, Outcome, &'static str)> {
    of_users(code)
        .or_else(|| of_pairs(code))
        .or_else(|| of_groups(code))
        .or_else(|| generic(code))
}

fn of_users(code: &str) -> Option<(ErrorKind, Outcome, &'static str)> {
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};
    Some(match code {
        "92405787" | "92405788" => (
            K::Invalid,
            NotApplied,
            "the cluster refuses the name: choose another userName",
        ),
        "92405791" | "92405792" => (
            K::Transient,
            Unknown,
            "the cluster could not make the keys: it is read again before the next try",
        ),
        "92405817" | "92405858" => (
            K::NotFound,
            NotApplied,
            "this storage VM serves no data: correct spec.backend.ontap.svm",
        ),
        NO_PERMISSION => (
            K::Auth,
            NotApplied,
            "the account lacks a right: give its role access to /api/protocols/s3/services",
        ),
        "92406097" => (
            K::Transient,
            Unknown,
            "the cluster failed inside; the call may have been carried out",
        ),
        _ => return None,
    })
}

/// What is said of key pairs: their life, their halves, their removal.
fn of_pairs(code: &str) -> Option<(ErrorKind, Outcome, &'static str)> {
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};
    Some(match code {
        "92406080" => (
            K::Conflict,
            NotApplied,
            "S3 SnapMirror uses these keys, so they stay",
        ),
        PARTLY => (
            K::Transient,
            Unknown,
            "the keys were replaced and the rest failed: the old pair is dead, and the next try makes another",
        ),
        "92406082" | "92406088" | "92406201" | "92406202" => (
            K::Protocol,
            NotApplied,
            "the cluster takes the request for a contradiction: report this",
        ),
        "92406083" => (
            K::Invalid,
            NotApplied,
            "the cluster takes the life of the key for longer than 1095 days",
        ),
        "92406196" | "92406197" => (
            K::Invalid,
            NotApplied,
            "the S3 server limits the life of keys: unset its max_key_time_to_live, or published keys would expire",
        ),
        KEY_TAKEN => (
            K::Conflict,
            NotApplied,
            "the access key id is in use on this storage VM",
        ),
        "92406205" => (
            K::Invalid,
            NotApplied,
            "the cluster takes only digits and capital letters in an access key id",
        ),
        "92406307" => (
            K::Conflict,
            NotApplied,
            "a user without keys cannot be in a group: it gets a key first",
        ),
        "92406308" => (
            K::Conflict,
            NotApplied,
            "a user in a group keeps its last key: unlock it, and take it out of its groups",
        ),
        _ => return None,
    })
}

fn of_groups(code: &str) -> Option<(ErrorKind, Outcome, &'static str)> {
    use ErrorKind as K;
    use Outcome::NotApplied;
    Some(match code {
        "92405896" => (
            K::Conflict,
            NotApplied,
            "a group cannot be without users: delete the group, or add another user to it",
        ),
        "92405930" | "92405931" => (
            K::Invalid,
            NotApplied,
            "the cluster refuses the name of the group gracekey-locked-USER",
        ),
        "92405933" | "92405937" => (
            K::Transient,
            NotApplied,
            "a policy of the group is gone: it is read again and made anew",
        ),
        "92405934" | "92406154" => (
            K::Transient,
            NotApplied,
            "a user of the group is gone: it is read again",
        ),
        "92405942" => (
            K::Transient,
            NotApplied,
            "a group of this name was made at the same moment: it is read again",
        ),
        "262222" => (
            K::Protocol,
            NotApplied,
            "the cluster sees a user twice in a group: report this",
        ),
        "92405863" | "92405906" | "92405948" | "92405949" | "92405950" | "92405954" | "92405963" => (
            K::Invalid,
            NotApplied,
            "the cluster refuses the policy gracekey-locked: look at the policies of the storage VM",
        ),
        _ => return None,
    })
}

fn generic(code: &str) -> Option<(ErrorKind, Outcome, &'static str)> {
    use ErrorKind as K;
    use Outcome::NotApplied;
    Some(match code {
        "1" => (K::Conflict, NotApplied, "something of this name is there already"),
        "2" => (K::Invalid, NotApplied, "the cluster refuses a value"),
        "3" => (
            K::Unsupported,
            NotApplied,
            "this release does not know a field or call of the request: probe the store again",
        ),
        "4" => (
            K::NotFound,
            NotApplied,
            "it is not there; or the storage VM or its S3 server is gone",
        ),
        "6" => (
            K::Auth,
            NotApplied,
            "the account lacks a right: give its role access to /api/protocols/s3/services",
        ),
        _ => return None,
    })
}

fn advice_by_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Transient => "the cluster failed; the call may have been carried out",
        ErrorKind::RateLimited => "the cluster asks to slow down",
        ErrorKind::Auth => "refused: correct username and password in the Secret of credentialsSecretRef",
        ErrorKind::NotFound => "it is not there; or the storage VM or its S3 server is gone",
        ErrorKind::Conflict => "the cluster refuses this in the present state",
        ErrorKind::Invalid => "the cluster refuses a name or value",
        ErrorKind::Unsupported => "this release does not know the call",
        ErrorKind::Protocol => "this is no answer of an ONTAP cluster: is the endpoint right, and final?",
    }
}
