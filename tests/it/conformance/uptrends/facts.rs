//! What only Uptrends has.

use super::{AsInferred, Uptrends, boxed, pair_of, plain};
use crate::conformance::suite::{
    Subject as _, found, fresh_user, is_dead, issued, key_ids, key_order, made_with_key, ready, works,
};
use crate::testbed::Fault;
use gracekey::backend::proof::{Death, Proof, Prover as _};
use gracekey::backend::uptrends::{UptrendsConfig, UptrendsDriver, UptrendsProver};
use gracekey::backend::{Driver as _, ErrorKind, KeyPair, Outcome};
use gracekey::domain::{facts::LastUse, ids::AccessKeyId};
use gracekey_simulators::uptrends::{Fault as ApiFault, ForeignAccount};
use http::{HeaderMap, StatusCode};
use secrecy::ExposeSecret as _;

fn prover(config: UptrendsConfig) -> UptrendsProver {
    UptrendsProver::new(config).unwrap()
}

#[tokio::test]
async fn the_admins_account_is_never_touched_even_with_the_mark_of_a_user_of_ours() {
    let subject = Uptrends::<AsInferred>::start().await;
    let (user, pair) = made_with_key(&subject).await;
    let admin = subject.tenant.admin();
    let text = format!("A user [gracekey:{}:{}]", user.name, user.owner);
    subject.tenant.describe_account(&admin.guid, &text);
    let before = subject.snapshot(&user.name).await;
    assert!(found(&subject, &user.name).await.privileged);
    let driver = subject.driver();
    let own = pair_of(&admin).id;
    for result in [
        driver.issue(&user, &key_order(&subject)).await.map(drop),
        driver.set_label(&user.name, "Another label").await,
        driver.delete_user(&user.name).await,
        driver.revoke(&user.name, &own).await,
    ] {
        assert_eq!(result.unwrap_err().kind, ErrorKind::Conflict);
    }
    assert_eq!(subject.snapshot(&user.name).await, before);
    works(&subject, &pair).await;
}

#[tokio::test]
async fn accounts_without_our_mark_are_left_alone() {
    let subject = Uptrends::<AsInferred>::start().await;
    let (user, _) = made_with_key(&subject).await;
    let texts = ["API", "", "A user", "gracekey", &format!("see {}", user.name)];
    let foreign: Vec<_> = texts.map(|text| pair_of(&subject.add(text.to_owned()))).into();
    let driver = subject.driver();
    for pair in &foreign {
        driver.revoke(&user.name, &pair.id).await.unwrap();
    }
    driver.set_label(&user.name, "Another label").await.unwrap();
    driver.delete_user(&user.name).await.unwrap();
    for pair in &foreign {
        works(&subject, pair).await;
    }
}

/// Somebody edited it: whose it is cannot be told, so nothing is done to the user until somebody has looked.
#[tokio::test]
async fn a_user_with_a_damaged_or_another_mark_is_nobodys() {
    let subject = Uptrends::<AsInferred>::start().await;
    let driver = subject.driver();
    for mark in ["", "0123", &"f".repeat(32)] {
        let (user, _) = made_with_key(&subject).await;
        let other = pair_of(&subject.add(format!("x [gracekey:{}:{mark}]", user.name)));
        assert_eq!(found(&subject, &user.name).await.owner, None);
        for result in [
            driver.issue(&user, &key_order(&subject)).await.map(drop),
            driver.set_label(&user.name, "Another label").await,
            driver.delete_user(&user.name).await,
        ] {
            assert_eq!(result.unwrap_err().kind, ErrorKind::Conflict);
        }
        works(&subject, &other).await;
    }
}

#[tokio::test]
async fn a_label_is_set_on_every_account_of_a_user_and_only_where_it_differs() {
    let subject = Uptrends::<AsInferred>::start().await;
    let (user, first) = made_with_key(&subject).await;
    let second = issued(&subject, &user).await;
    subject.make_foreign_key(&user.name).await;
    assert_eq!(found(&subject, &user.name).await.label, "A user | made by hand");
    let driver = subject.driver();
    driver.set_label(&user.name, "A user").await.unwrap();
    let puts = |subject: &Uptrends<AsInferred>| {
        let seen = subject.proxy().seen();
        seen.into_iter().filter(|seen| seen.method == "PUT").count()
    };
    assert_eq!(puts(&subject), 1);
    driver.set_label(&user.name, "Another label").await.unwrap();
    assert_eq!(puts(&subject), 4);
    assert_eq!(found(&subject, &user.name).await.label, "Another label");
    driver.set_label(&user.name, "Another label").await.unwrap();
    assert_eq!(puts(&subject), 4);
    works(&subject, &first).await;
    works(&subject, &second).await;
}

#[tokio::test]
async fn last_use_has_three_states() {
    let subject = Uptrends::<AsInferred>::start().await;
    let (user, new) = made_with_key(&subject).await;
    let owner = &user.owner;
    let old = ForeignAccount {
        description: format!("A user [gracekey:{}:{owner}]", user.name),
        before_last_used: true,
        ..ForeignAccount::default()
    };
    let operator = subject.tenant.admin().operator_guid;
    let old = pair_of(&subject.tenant.add_foreign_account(&operator, &old));
    let busy = issued(&subject, &user).await;
    works(&subject, &busy).await;
    let observed = found(&subject, &user.name).await;
    let of = |pair: &KeyPair| {
        let mut all = observed.credentials.iter();
        all.find(|c| c.id == pair.id).unwrap().last_use
    };
    assert_eq!((of(&old), of(&new)), (LastUse::Unknown, LastUse::Never));
    assert!(matches!(of(&busy), LastUse::At(_)));
}

#[tokio::test]
async fn an_account_without_a_password_is_found_by_reading_and_removed() {
    let subject = Uptrends::<AsInferred>::start().await;
    let user = ready(&subject).await;
    subject.tenant.fail_next(ApiFault::NoPassword);
    let error = subject
        .driver()
        .issue(&user, &key_order(&subject))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Protocol, Outcome::Unknown)
    );
    let [orphan] = key_ids(&subject, &user.name).await.try_into().unwrap();
    subject.driver().revoke(&user.name, &orphan).await.unwrap();
    assert!(subject.driver().find_user(&user.name).await.unwrap().is_none());
}

#[tokio::test]
async fn a_success_with_another_status_within_is_none() {
    let subject = Uptrends::<AsInferred>::start().await;
    let user = ready(&subject).await;
    let body = r#"{"UserName":"u1","Password":"CANARY","status":"UnexpectedError","message":"CANARY"}"#;
    let answer = Fault::Answer(201, HeaderMap::new(), body.to_owned());
    subject.proxy().once(|seen| seen.method == "POST", answer);
    let error = subject
        .driver()
        .issue(&user, &key_order(&subject))
        .await
        .unwrap_err();
    assert_eq!(error.outcome, Outcome::Unknown);
    assert!(!format!("{error} {error:?}").contains("CANARY"));
}

#[tokio::test]
async fn a_label_cannot_carry_a_mark() {
    let subject = Uptrends::<AsInferred>::start().await;
    let (victim, _) = made_with_key(&subject).await;
    let mut user = fresh_user(&subject);
    user.label = format!("x [gracekey:{}:{}]", victim.name, victim.owner);
    let error = subject
        .driver()
        .issue(&user, &key_order(&subject))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn accounts_of_a_given_operator_are_made_for_it_and_those_of_others_left_alone() {
    let subject = Uptrends::<AsInferred>::start().await;
    let (user, first) = made_with_key(&subject).await;
    let other = subject.tenant.add_operator(plain());
    let given = UptrendsConfig {
        operator_guid: Some(other.operator_guid.clone()),
        ..subject.config()
    };
    let driver = UptrendsDriver::new(given.clone()).unwrap();
    assert!(driver.find_user(&user.name).await.unwrap().is_none());
    let second = driver.issue(&user, &key_order(&subject)).await.unwrap();
    assert_eq!(subject.tenant.accounts_of(&other.operator_guid).len(), 1);
    // One that is told of no operator sees what another admin's account has made.
    let mut both = [first.id.clone(), second.id.clone()];
    both.sort();
    assert_eq!(key_ids(&subject, &user.name).await, both);
    driver.revoke(&user.name, &first.id).await.unwrap();
    works(&subject, &first).await;

    // It may do less than the administrator's, and that is no less of a proof.
    let prover = prover(given);
    assert!(matches!(prover.prove(&second).await, Proof::Accepted));
    assert!(matches!(prover.prove_dead(&second).await, Death::Alive { .. }));
    driver.delete_user(&user.name).await.unwrap();
    assert!(matches!(prover.prove_dead(&second).await, Death::Dead));
    let refused = prover.prove(&second).await;
    assert!(
        matches!(&refused, Proof::Refused { endpoint, code }
            if endpoint.as_str() == subject.proxy().url() && code == "401"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_operator_that_is_not_there_is_told_by_the_probe() {
    let subject = Uptrends::<AsInferred>::start().await;
    let nobody = UptrendsConfig {
        operator_guid: Some("0f8fad5b-d9cb-469f-a165-70867728950e".to_owned()),
        ..subject.config()
    };
    let error = boxed(nobody).probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.to_string().contains("operatorGuid"), "{error}");
    let no_guid = UptrendsConfig {
        operator_guid: Some("a/../b".to_owned()),
        ..subject.config()
    };
    assert_eq!(UptrendsDriver::new(no_guid).unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn an_admin_account_that_dies_is_the_admins_to_mend() {
    let subject = Uptrends::<AsInferred>::start().await;
    let (user, pair) = made_with_key(&subject).await;
    subject.tenant.delete_account(&subject.tenant.admin().guid);
    let error = subject.driver().revoke(&user.name, &pair.id).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Auth, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("credentialsSecretRef"), "{error}");
}

#[tokio::test]
async fn a_failure_after_a_write_is_unknown_and_mended_by_repeating() {
    let subject = Uptrends::<AsInferred>::start().await;
    let (user, pair) = made_with_key(&subject).await;
    let second = issued(&subject, &user).await;
    let fail = || {
        subject
            .tenant
            .fail_next(ApiFault::FailAfterWrite(StatusCode::BAD_GATEWAY));
    };
    fail();
    let error = subject.driver().revoke(&user.name, &pair.id).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Transient, Outcome::Unknown)
    );
    subject.driver().revoke(&user.name, &pair.id).await.unwrap();
    is_dead(&subject, &pair).await;
    works(&subject, &second).await;
}

#[tokio::test]
async fn what_is_not_an_answer_of_the_api_proves_nothing() {
    let subject = Uptrends::<AsInferred>::start().await;
    let (_, pair) = made_with_key(&subject).await;
    let prover = prover(subject.config());
    let page = "<html>please log in</html>";
    for (status, body, kind) in [
        (200, page, ErrorKind::Protocol),
        (200, "", ErrorKind::Protocol),
        (302, page, ErrorKind::Protocol),
        (403, page, ErrorKind::Protocol),
        (404, page, ErrorKind::Protocol),
        (429, "", ErrorKind::RateLimited),
        (500, page, ErrorKind::Transient),
    ] {
        subject.proxy().always(|_| true, Fault::answer(status, body));
        let (proof, death) = (prover.prove(&pair).await, prover.prove_dead(&pair).await);
        assert!(
            matches!(&proof, Proof::Unclear(error) if error.kind == kind),
            "{status}: {proof:?}"
        );
        assert!(
            matches!(&death, Death::Unclear(error) if error.kind == kind),
            "{status}: {death:?}"
        );
        subject.proxy().heal();
    }
    for body in ["", page, r#"{"Messages":[]}"#] {
        subject.proxy().always(|_| true, Fault::answer(401, body));
        assert!(matches!(prover.prove(&pair).await, Proof::Refused { .. }));
        assert!(matches!(prover.prove_dead(&pair).await, Death::Dead));
        subject.proxy().heal();
    }
    let nobody = KeyPair {
        access_key_id: AccessKeyId::new("a:b"),
        ..pair.clone()
    };
    assert!(matches!(prover.prove(&nobody).await, Proof::Unclear(_)));
    assert!(matches!(prover.prove(&pair).await, Proof::Accepted));
}

#[tokio::test]
async fn a_key_is_issued_in_two_requests_and_no_request_line_holds_a_secret() {
    let subject = Uptrends::<AsInferred>::start().await;
    let user = ready(&subject).await;
    let before = subject.proxy().seen().len();
    let pair = issued(&subject, &user).await;
    let seen = subject.proxy().seen().split_off(before);
    let methods: Vec<_> = seen.iter().map(|seen| seen.method.as_str()).collect();
    assert_eq!(methods, ["GET", "POST"]);
    assert!(seen.iter().all(|seen| seen.accept == "application/json"));
    assert!(!subject.proxy().access_log().contains(pair.secret.expose_secret()));
}
