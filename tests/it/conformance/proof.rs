//! What the answer to a proof says of the key: that its user may do little is nothing against it.

use super::access::fresh_bucket;
use super::record::Shown;
use super::suite::{Subject, made_with_key, s3_prover, works};
use crate::testbed::{Fault, FaultProxy, proxy::Seen};
use gracekey::backend::{
    KeyPair,
    proof::{Death, Proof},
};

/// As most services write it.
const DENIED: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message><RequestId>tx1</RequestId></Error>"#;
const UNKNOWN: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidAccessKeyId</Code><Message>no such key</Message></Error>"#;

pub(crate) async fn permission_denied_is_not_a_bad_key(subject: &dyn Subject) -> Shown {
    let (_, pair) = made_with_key(subject).await;
    // Where users have no right before they are given one, this is the first denial.
    works(subject, &pair).await;
    if subject.s3(&pair).is_none() {
        return Shown::NotClaimed("S3");
    }
    let site = FaultProxy::start("http://127.0.0.1:1", None).await;
    let prover = s3_prover(subject.driver().kind(), &site.url(), "us-east-1");
    let own = denial(subject, &pair).await;
    for denied in own.iter().map(String::as_str).chain([DENIED]) {
        site.always(Seen::is_proof, Fault::answer(403, denied));
        let (proof, death) = (prover.prove(&pair).await, prover.prove_dead(&pair).await);
        assert!(matches!(proof, Proof::Accepted), "{proof:?} after {denied}");
        assert!(matches!(death, Death::Alive { .. }), "{death:?} after {denied}");
        site.heal();
    }
    // A proxy or firewall that lets nobody through says nothing of the key either way.
    for page in ["", "<html><body>forbidden</body></html>"] {
        site.always(Seen::is_proof, Fault::answer(403, page));
        let (proof, death) = (prover.prove(&pair).await, prover.prove_dead(&pair).await);
        assert!(matches!(proof, Proof::Unclear(_)), "{proof:?} after {page:?}");
        assert!(matches!(death, Death::Unclear(_)), "{death:?} after {page:?}");
        site.heal();
    }
    site.always(Seen::is_proof, Fault::answer(403, UNKNOWN));
    let (proof, death) = (prover.prove(&pair).await, prover.prove_dead(&pair).await);
    assert!(matches!(proof, Proof::Refused { .. }), "{proof:?}");
    assert!(matches!(death, Death::Dead), "{death:?}");
    Shown::Met
}

/// What the storage itself says to this key about a bucket of somebody else; `None` where it may look into that.
async fn denial(subject: &dyn Subject, pair: &KeyPair) -> Option<String> {
    let bucket = fresh_bucket();
    if subject.driver().capabilities().buckets.grant {
        subject.make_strangers_bucket(&bucket, None).await;
    } else {
        let (_, other) = made_with_key(subject).await;
        works(subject, &other).await;
        let made = subject.s3(&other)?.create_bucket(bucket.as_str()).await;
        made.expect_success();
    }
    let answer = subject.s3(pair)?.list_objects(bucket.as_str()).await;
    (answer.status == 403).then(|| String::from_utf8(answer.body).unwrap())
}
