//! What only a Ceph gateway has, and what takes more than one endpoint.

use super::{Ceph, Release, boxed, config};
use crate::conformance::suite::{
    Subject as _, found, fresh_key_id, fresh_user, issued, made_with_key, ready, works,
};
use crate::testbed::{Fault, FaultProxy, TlsFront};
use gracekey::backend::ceph::{CephConfig, CephDriver};
use gracekey::backend::http::{Endpoint, Query, TlsOptions};
use gracekey::backend::proof::{Death, Proof, Prover as _, S3Prober, S3Settings};
use gracekey::backend::{BackendKind, Driver as _, ErrorKind, IssueRequest, NewUser, Outcome};
use gracekey::domain::ids::{AccessKeyId, CredentialId};
use http::Method;

macro_rules! other_facts {
    ($release:ty) => {
        facts! { facts on $release:
            two_users_cannot_carry_one_owner_mark
            a_user_that_was_given_admin_rights_becomes_privileged_and_is_not_deleted
            a_reader_is_told_by_the_probe_what_it_lacks
            a_label_is_stored_as_sent_or_reported
            the_key_that_signs_is_not_revoked
            no_request_carries_a_secret_or_asks_for_a_generated_id
            a_key_is_issued_in_two_requests_and_none_of_them_is_repeated
            a_gateway_behind_tls_is_trusted_as_told
            a_proof_takes_every_endpoint
            a_removal_that_is_answered_with_an_unknown_key_is_not_taken_for_done
        }
    };
}

pub(super) async fn two_users_cannot_carry_one_owner_mark(ceph: &Ceph<impl Release>) {
    let first = ready(ceph).await;
    let second = NewUser {
        owner: first.owner.clone(),
        ..fresh_user(ceph)
    };
    let error = ceph.driver.create_user(&second).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    assert!(ceph.driver.find_user(&second.name).await.unwrap().is_none());
}

pub(super) async fn a_user_that_was_given_admin_rights_becomes_privileged_and_is_not_deleted(
    ceph: &Ceph<impl Release>,
) {
    let user = ready(ceph).await;
    let query = Query::new()
        .flag("caps")
        .pair("uid", user.name.as_str())
        .pair("user-caps", "usage=read");
    ceph.admin_call(Method::PUT, query).await;
    assert!(found(ceph, &user.name).await.privileged);
    assert_eq!(
        ceph.driver.create_user(&user).await.unwrap_err().kind,
        ErrorKind::Conflict
    );
    assert_eq!(
        ceph.driver.delete_user(&user.name).await.unwrap_err().kind,
        ErrorKind::Conflict
    );
}

pub(super) async fn a_reader_is_told_by_the_probe_what_it_lacks(ceph: &Ceph<impl Release>) {
    let name = fresh_user(ceph).name;
    let pair = ceph.make_foreign_user(&name).await;
    let query = Query::new()
        .flag("caps")
        .pair("uid", name.as_str())
        .pair("user-caps", "users=read");
    ceph.admin_call(Method::PUT, query).await;
    let config = CephConfig {
        access_key_id: pair.access_key_id,
        secret: pair.secret,
        ..ceph.config()
    };
    let error = boxed(config).probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(error.to_string().contains("users=*"), "{error}");
}

/// 20.2.4 decodes parameters twice.
pub(super) async fn a_label_is_stored_as_sent_or_reported(ceph: &Ceph<impl Release>) {
    let user = ready(ceph).await;
    for label in ["50%", "a+b", "%41", "100% real"] {
        match ceph.driver.set_label(&user.name, label).await {
            Ok(()) => assert_eq!(found(ceph, &user.name).await.label, label),
            Err(error) => assert_eq!(error.kind, ErrorKind::Invalid, "{error}"),
        }
        // It is no reason to have no user.
        let user = NewUser {
            label: label.to_owned(),
            ..fresh_user(ceph)
        };
        ceph.driver.create_user(&user).await.unwrap();
        let before = ceph.snapshot(&user.name).await;
        ceph.driver.create_user(&user).await.unwrap();
        assert_eq!(ceph.snapshot(&user.name).await, before);
        if found(ceph, &user.name).await.label != label {
            let error = ceph.driver.set_label(&user.name, label).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        }
    }
}

/// The admin key itself may be revoked by anyone who holds it, and nothing would bring it back.
pub(super) async fn the_key_that_signs_is_not_revoked(ceph: &Ceph<impl Release>) {
    let own = CredentialId::from(&AccessKeyId::new(&ceph.gateway.admin_access_key));
    let error = ceph.driver.revoke(&ceph.admin(), &own).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    ceph.driver.probe().await.unwrap();
}

pub(super) async fn no_request_carries_a_secret_or_asks_for_a_generated_id(ceph: &Ceph<impl Release>) {
    let (user, pair) = made_with_key(ceph).await;
    ceph.driver.revoke(&user.name, &pair.id).await.unwrap();
    for seen in ceph.proxy.seen() {
        assert!(!seen.target.contains("secret-key"), "{}", seen.target);
        assert_eq!(
            seen.target.contains("?key"),
            seen.target.contains("access-key="),
            "{}",
            seen.target
        );
    }
}

pub(super) async fn a_key_is_issued_in_two_requests_and_none_of_them_is_repeated(ceph: &Ceph<impl Release>) {
    let user = ready(ceph).await;
    let before = ceph.proxy.seen().len();
    issued(ceph, &user).await;
    let methods: Vec<_> = ceph
        .proxy
        .seen()
        .split_off(before)
        .into_iter()
        .map(|seen| seen.method)
        .collect();
    assert_eq!(methods, [Method::GET, Method::PUT]);
}

/// TLS of the store holds for the admin API and for S3.
pub(super) async fn a_gateway_behind_tls_is_trusted_as_told(ceph: &Ceph<impl Release>) {
    let gateway = ceph.gateway;
    let front = TlsFront::start(&gateway.endpoint).await;
    let with = |tls: TlsOptions| CephConfig {
        tls,
        ..config(gateway, &front.url())
    };
    let bundle = TlsOptions {
        ca_bundle: Some(front.ca.clone()),
        insecure_skip_verify: false,
    };
    let driver = CephDriver::new(with(bundle.clone())).unwrap();
    let user = fresh_user(ceph);
    driver.create_user(&user).await.unwrap();
    let order = IssueRequest {
        access_key_id: Some(fresh_key_id()),
        expire_previous: None,
    };
    let pair = driver.issue(&user, &order).await.unwrap();
    let settings = |tls| S3Settings {
        backend: BackendKind::Ceph,
        endpoints: vec![Endpoint::parse(&front.url()).unwrap()],
        region: gateway.region.clone(),
        tls,
    };
    let proof = S3Prober::new(settings(bundle)).unwrap().prove(&pair).await;
    assert!(matches!(proof, Proof::Accepted), "{proof:?}");

    let anybody = TlsOptions {
        ca_bundle: None,
        insecure_skip_verify: true,
    };
    boxed(with(anybody)).probe().await.unwrap();

    let error = boxed(with(TlsOptions::default()))
        .create_user(&fresh_user(ceph))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Transient, Outcome::NotApplied)
    );
    assert!(
        error.to_string().contains("certificate that is not trusted"),
        "{error}"
    );
    let proof = S3Prober::new(settings(TlsOptions::default()))
        .unwrap()
        .prove(&pair)
        .await;
    assert!(
        matches!(proof, Proof::Unclear(_)),
        "an untrusted answer proves nothing: {proof:?}"
    );
    let death = S3Prober::new(settings(TlsOptions::default()))
        .unwrap()
        .prove_dead(&pair)
        .await;
    assert!(matches!(death, Death::Unclear(_)), "{death:?}");
}

/// A key must work on every site before it is published, and be refused by every site before it is called dead.
pub(super) async fn a_proof_takes_every_endpoint(ceph: &Ceph<impl Release>) {
    let (user, pair) = made_with_key(ceph).await;
    let second = FaultProxy::start(&ceph.gateway.endpoint, None).await;
    let prober = S3Prober::new(S3Settings {
        backend: BackendKind::Ceph,
        endpoints: [&ceph.gateway.endpoint, &second.url()]
            .map(|url| Endpoint::parse(url).unwrap())
            .to_vec(),
        region: ceph.gateway.region.clone(),
        tls: TlsOptions::default(),
    })
    .unwrap();
    assert!(matches!(prober.prove(&pair).await, Proof::Accepted));
    let refusal = "<Error><Code>InvalidAccessKeyId</Code></Error>";
    second.once(|_| true, Fault::answer(403, refusal));
    let proof = prober.prove(&pair).await;
    assert!(
        matches!(&proof, Proof::Refused { endpoint, .. } if endpoint.as_str() == second.url()),
        "{proof:?}"
    );
    second.once(|_| true, Fault::CutBefore);
    assert!(matches!(prober.prove(&pair).await, Proof::Unclear(_)));
    ceph.driver.revoke(&user.name, &pair.id).await.unwrap();
    second.once(|_| true, Fault::answer(503, ""));
    assert!(matches!(prober.prove_dead(&pair).await, Death::Unclear(_)));
    second.once(|_| true, Fault::answer(200, "<ListAllMyBucketsResult/>"));
    assert!(matches!(prober.prove_dead(&pair).await, Death::Alive { .. }));
    assert!(matches!(prober.prove_dead(&pair).await, Death::Dead));
}

/// The code means that the key is gone, or that the admin key died since the read.
pub(super) async fn a_removal_that_is_answered_with_an_unknown_key_is_not_taken_for_done(
    ceph: &Ceph<impl Release>,
) {
    let (user, pair) = made_with_key(ceph).await;
    let refusal = r#"{"Code":"InvalidAccessKeyId","Message":""}"#;
    ceph.proxy.once(ceph.changes(), Fault::answer(403, refusal));
    let error = ceph.driver.revoke(&user.name, &pair.id).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Transient, Outcome::NotApplied)
    );
    works(ceph, &pair).await;
}
