//! What S3 means by a refusal, in one table for all drivers that ask it about buckets. What to do about it is theirs to say.
//!
//! Source: Amazon S3 API Reference, "Error responses", as `MinIO`, `JuiceFS`, `SeaweedFS`, moto and RADOS Gateway were seen to
//! answer.

use super::call;
use super::http::{Reply, client::is_code};
use super::{ErrorKind, Outcome};
use serde::Deserialize;

/// The code of a refusal: `<Error><Code>…</Code></Error>`.
pub fn code(reply: &Reply) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Refusal {
        code: String,
    }
    let text = std::str::from_utf8(&reply.body).ok()?;
    let refusal: Option<Refusal> = quick_xml::de::from_str(text).ok();
    refusal.map(|refusal| refusal.code).filter(|code| is_code(code))
}

/// Kind and outcome of an answer other than 2xx with this code.
pub fn judge(reply: &Reply, code: Option<&str>) -> (ErrorKind, Outcome) {
    use ErrorKind as K;
    use Outcome::NotApplied;
    match (reply.status, code) {
        (503, Some("SlowDown")) => (K::RateLimited, NotApplied),
        (409, Some("OperationAborted" | "ConcurrentModification")) => (K::Transient, NotApplied),
        (400, Some("TooManyBuckets")) => (K::Conflict, NotApplied),
        _ => call::judge(reply, code.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_became_of_the_call() {
        use ErrorKind as K;
        use Outcome::{NotApplied, Unknown};
        for (status, name, kind, outcome) in [
            (400, "TooManyBuckets", K::Conflict, NotApplied),
            (400, "InvalidBucketName", K::Invalid, NotApplied),
            (403, "AccessDenied", K::Auth, NotApplied),
            (409, "BucketAlreadyOwnedByYou", K::Conflict, NotApplied),
            (409, "BucketAlreadyExists", K::Conflict, NotApplied),
            (409, "ConcurrentModification", K::Transient, NotApplied),
            (409, "OperationAborted", K::Transient, NotApplied),
            (500, "InternalError", K::Transient, Unknown),
            (501, "NotImplemented", K::Unsupported, NotApplied),
            (503, "SlowDown", K::RateLimited, NotApplied),
        ] {
            let reply = Reply::made_up(status, &format!("<Error><Code>{name}</Code></Error>"));
            let code = code(&reply);
            assert_eq!(code.as_deref(), Some(name));
            assert_eq!(judge(&reply, code.as_deref()), (kind, outcome), "{name}");
        }
        let page = Reply::made_up(404, "<html></html>");
        assert_eq!((code(&page), judge(&page, None)), (None, (K::Protocol, Unknown)));
    }
}
