//! Who may call: the admin's rights, and the admin's own user.

use super::record::Shown;
use super::suite::{Subject, found, fresh_user, made_with_key, make, works};
use super::users::{call_everything, refused};
use gracekey::backend::{ErrorKind, NewUser};

pub(crate) async fn a_probe_learns_the_product(subject: &dyn Subject) {
    let info = subject.driver().probe().await.unwrap();
    assert!(!info.product.is_empty());
    assert!(
        !subject.proxy().seen().iter().any(subject.changes()),
        "a probe changes nothing"
    );
}

pub(crate) async fn without_rights_every_call_is_refused_as_the_admins_to_mend(subject: &dyn Subject) {
    let (user, pair) = made_with_key(subject).await;
    let before = subject.snapshot(&user.name).await;
    for (which, driver) in subject.drivers_without_rights().await {
        let mut results = call_everything(driver.as_ref(), &user).await;
        results.push(driver.probe().await.map(drop));
        // A key that is there, and whose removal must not be taken for done.
        results.push(driver.revoke(&user.name, &pair.id).await);
        for result in results {
            let error = result.expect_err(which);
            assert_eq!(error.kind, ErrorKind::Auth, "{which}: {error}");
            refused(Err::<(), _>(error), ErrorKind::Auth);
        }
    }
    assert_eq!(subject.snapshot(&user.name).await, before);
    works(subject, &pair).await;
}

pub(crate) async fn the_admins_own_user_is_privileged_and_cannot_be_claimed(subject: &dyn Subject) -> Shown {
    if !subject.admin_is_a_user() {
        return Shown::NotClaimed("an admin that is a user");
    }
    let (driver, name) = (subject.driver(), subject.admin());
    let before = subject.snapshot(&name).await;
    let admin = found(subject, &name).await;
    assert!(admin.privileged);
    let order = NewUser {
        name: name.clone(),
        ..fresh_user(subject)
    };
    refused(make(driver, &order).await, ErrorKind::Conflict);
    refused(driver.delete_user(&name).await, ErrorKind::Conflict);
    for credential in admin.credentials {
        refused(driver.revoke(&name, &credential.id).await, ErrorKind::Conflict);
    }
    assert_eq!(subject.snapshot(&name).await, before);
    driver.probe().await.unwrap();
    Shown::Met
}
