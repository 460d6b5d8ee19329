//! What a backend brings along to be examined, and the list of cases.

use super::record::{Entry, Showing as _, Shown};
use crate::testbed::{FaultProxy, S3, proxy::Seen, unique, unique_mark};
use async_trait::async_trait;
use futures::future::LocalBoxFuture;
use gracekey::backend::http::{Endpoint, TlsOptions};
use gracekey::backend::proof::{Death, Proof, Prover, S3Prober, S3Settings};
use gracekey::backend::{BackendKind, Driver, Grantee, IssueRequest, KeyPair, NewUser, ObservedUser, Result};
use gracekey::domain::capabilities::Overlap;
use gracekey::domain::identity::Identity;
use gracekey::domain::ids::{AccessKeyId, BucketName, CredentialId, OwnerMark, UserName};
use http::Method;
use std::{fmt::Debug, io::Write as _, time::Duration, time::Instant};

/// A backend under examination. Each case gets one of its own, with a fault proxy of its own.
///
/// Cases see it as `dyn`: they are compiled once, however many backends there are.
#[async_trait]
pub(crate) trait Subject: Send + Sync + 'static {
    /// Connects to the shared server.
    async fn start() -> Self
    where
        Self: Sized;

    /// The same, as a store whose users may do nothing with buckets but what they are given: what access is tried on, and
    /// denials.
    async fn start_confined() -> Self
    where
        Self: Sized,
    {
        Self::start().await
    }

    /// The driver, whose requests go through [`proxy`](Self::proxy).
    fn driver(&self) -> &dyn Driver;

    /// What its requests go through.
    fn proxy(&self) -> &FaultProxy;

    /// Drivers with admin credentials that must not work: wrong secret, unknown key, too few rights.
    async fn drivers_without_rights(&self) -> Vec<(&'static str, Box<dyn Driver>)>;

    /// A driver that gives up after this time.
    fn driver_with_limit(&self, limit: Duration) -> Box<dyn Driver>;

    /// A driver whose endpoint nobody listens at.
    fn driver_to_nowhere(&self) -> Box<dyn Driver>;

    /// Whether a request is one that would change something.
    fn changes(&self) -> fn(&Seen) -> bool {
        |seen| seen.method != Method::GET
    }

    /// Asks whether keys work, as the operator does; `None` where nobody can be asked.
    fn prover(&self) -> Option<Box<dyn Prover>>;

    /// The store's S3 service as the holder of `pair` sees it; `None` where there is no S3.
    fn s3(&self, pair: &KeyPair) -> Option<S3>;

    /// Lets some time of the backend's pass, between two questions of whether something holds by now.
    async fn pass_time(&self) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Lets this much of the backend's time pass. Where its clock is not ours to put forward, no case asks for it.
    async fn pass_this(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }

    /// How long to wait for what the driver claims to be true within its `settle`.
    fn patience(&self) -> Duration {
        self.driver().capabilities().settle.min(Duration::from_mins(1))
    }

    /// Makes a user that is none of ours, behind the driver's back, and gives its key.
    async fn make_foreign_user(&self, name: &UserName) -> KeyPair;

    /// Adds a key to a user, behind the driver's back.
    async fn make_foreign_key(&self, name: &UserName) -> KeyPair;

    /// Makes a bucket that belongs to neither the admin nor any user of ours, with an object
    /// [`SEED`](super::access::SEED) in it. `open_to`: its owner consents to grants for this one's namespace. Asked for where
    /// `capabilities().buckets.grant`.
    async fn make_strangers_bucket(&self, bucket: &BucketName, _open_to: Option<&Grantee>) {
        unreachable!("{bucket}: nothing is granted here");
    }

    /// All that the backend tells of a user, as text, to see that nothing changed.
    async fn snapshot(&self, name: &UserName) -> String;

    /// Whether the lost answer to the first change of an issue leaves a whole key behind. Where it takes several calls, there
    /// is an unfinished one then.
    fn issues_in_one_call(&self) -> bool {
        true
    }

    /// Whether the admin that the driver calls as is a user like others. Where not, nobody is privileged.
    fn admin_is_a_user(&self) -> bool {
        true
    }

    /// The user whose key the driver signs with.
    fn admin(&self) -> UserName;

    /// Secrets that must never be printed.
    fn canaries(&self) -> Vec<String>;

    /// Why the server at hand cannot show what this case demands, though a real one would. The table names it.
    fn left_out(_case: &str) -> Option<&'static str>
    where
        Self: Sized,
    {
        None
    }
}

/// All cases, handed to another macro.
macro_rules! with_cases {
    ($then:ident: $given:tt) => {
        $then! { $given
            users: a_user_that_is_not_there_is_none
            users: a_created_user_is_found_as_it_was_ordered
            users: creating_a_user_again_changes_nothing
            users: a_user_can_be_made_locked
            users: a_label_may_hold_any_script
            users: a_label_has_limits
            users: a_name_may_be_as_long_and_odd_as_claimed
            users: a_name_past_its_limits_is_refused_before_any_request
            users: a_name_of_63_64_128_or_253_characters_is_made_or_refused_unasked
            users: a_user_comes_with_its_first_key_only_where_claimed
            users: a_deleted_user_is_gone_with_its_keys_and_may_be_deleted_again
            users: a_user_with_data_is_not_deleted
            users: a_user_that_is_not_there_cannot_be_changed
            users: a_foreign_user_is_a_conflict_and_nothing_changes
            users: a_user_of_another_owner_is_a_conflict_and_nothing_changes
            keys: an_issued_key_works_and_is_found
            keys: a_chosen_id_is_honoured
            keys: an_id_that_is_taken_is_refused_and_its_key_lives_on
            keys: as_many_keys_work_side_by_side_as_claimed
            keys: two_secrets_of_one_access_key_work_side_by_side_where_claimed
            keys: the_backend_ends_the_previous_secret_by_itself_where_it_was_asked_to
            keys: a_new_key_ends_the_one_before_it_where_there_is_no_overlap
            keys: last_use_is_told_only_where_claimed
            keys: a_revoked_key_dies_in_time_and_the_other_lives
            keys: a_key_that_is_gone_may_be_revoked_again
            keys: a_key_of_another_user_is_not_revoked
            keys: a_locked_user_can_do_nothing_and_keeps_its_keys
            keys: foreign_keys_are_left_alone
            keys: keys_issued_at_the_same_moment_are_there_or_refused
            keys: nothing_prints_a_secret
            proof: permission_denied_is_not_a_bad_key
            refusals: a_probe_learns_the_product
            refusals: without_rights_every_call_is_refused_as_the_admins_to_mend
            refusals: the_admins_own_user_is_privileged_and_cannot_be_claimed
            access: a_grant_allows_exactly_what_it_says
            access: a_withdrawn_grant_is_refused_and_those_of_others_stay
            access: a_grant_that_is_there_is_not_written_again
            access: a_rotation_changes_no_grant
            access: a_bucket_without_consent_is_left_alone
            access: a_bucket_that_is_not_there_is_missing
            access: a_bucket_that_is_made_is_open_to_its_namespace_alone
            access: a_name_that_no_bucket_has_is_refused_before_any_request
            access: a_lost_answer_about_access_is_mended_by_repeating
            access: limits_are_set_told_and_lifted_as_claimed
            faults: a_call_that_never_arrives_is_not_applied
            faults: a_change_that_is_lost_on_the_way_has_an_unknown_outcome
            faults: a_lost_answer_to_a_new_key_is_found_by_reading
            faults: a_lost_answer_to_any_other_change_is_mended_by_repeating
            faults: an_answer_that_breaks_off_has_an_unknown_outcome
            faults: an_answer_that_comes_too_late_has_an_unknown_outcome
            faults: an_answer_that_says_to_wait_is_passed_on
            faults: a_failing_server_is_nobodys_fault
            faults: an_answer_of_something_else_is_not_understood
            faults: a_failing_read_applies_nothing
        }
    };
}

/// One test for each case, of its name.
macro_rules! conformance {
    (@ [$(#[$attribute:meta])* @ $subject:ty] $file:ident $case:ident) => {
        $(#[$attribute])*
        #[test]
        fn $case() {
            let about = (stringify!($file), stringify!($case));
            $crate::conformance::suite::examine::<$subject>(module_path!(), about);
        }
    };
    ($given:tt $($file:ident: $case:ident)+) => {
        $(conformance! { @ $given $file $case })+
    };
    ($(#[$attribute:meta])* $subject:ty) => {
        with_cases! { conformance: [$(#[$attribute])* @ $subject] }
    };
}

/// A case, whoever is examined.
type Case = for<'a> fn(&'a dyn Subject) -> LocalBoxFuture<'a, Shown>;

/// The case of this name.
macro_rules! table {
    ([] $($file:ident: $case:ident)*) => {
        fn case(name: &str) -> Case {
            match name {
                $(stringify!($case) => |subject| {
                    Box::pin(async move { super::$file::$case(subject).await.shown() })
                },)*
                _ => panic!("there is no case {name}"),
            }
        }
    };
}
with_cases! { table: [] }

/// Examines one backend by one case of a file, and records what it showed. `module`: that of the subject.
pub(crate) fn examine<S: Subject>(module: &str, (file, name): (&str, &str)) {
    let entry = Entry::open(module, name);
    if let Some(why) = S::left_out(name) {
        return entry.left_out(why);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let shown = runtime.unwrap().block_on(async {
        let subject = if matches!(file, "access" | "proof") {
            S::start_confined().await
        } else {
            S::start().await
        };
        case(name)(&subject).await
    });
    entry.shown(shown);
}

/// Proves keys on one S3 endpoint without TLS, as the operator does.
pub(crate) fn s3_prover(backend: BackendKind, endpoint: &str, region: &str) -> Box<dyn Prover> {
    let settings = S3Settings {
        backend,
        endpoints: vec![Endpoint::parse(endpoint).unwrap()],
        region: region.to_owned(),
        tls: TlsOptions::default(),
    };
    Box::new(S3Prober::new(settings).unwrap())
}

/// Tells people what they have to remove themselves: past the capture of the test's output, which is not shown of a test that
/// passes.
pub(crate) fn left_behind(what: &str) {
    drop(writeln!(std::io::stderr(), "{}", line_of(what)));
}

/// One line, whatever characters a name has: nobody is to look for the half of one.
fn line_of(what: &str) -> String {
    let seen = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.into()
        }
    };
    let what: String = what.chars().map(seen).collect();
    format!("left behind, and yours to delete: {what}")
}

#[test]
fn what_was_left_behind_is_told_on_one_line() {
    assert!(line_of("the user \"a\nb\"").ends_with(": the user \"a\\nb\""));
}

/// A name that no other test has. The prefix is that of the suite alone, since it may run on somebody's live system.
pub(crate) fn fresh_name() -> UserName {
    let (run, number) = unique();
    UserName::new(format!("{}{number}", prefix_of(run)))
}

/// How the names of a run begin.
pub(crate) fn prefix_of(run: &str) -> String {
    format!("gktest-{run}-")
}

/// An access key id that no other test has.
pub(crate) fn fresh_key_id() -> AccessKeyId {
    let (run, number) = unique();
    AccessKeyId::new(format!("GKTEST{}{number:07}", run.to_uppercase()))
}

/// An order for a user that no other test has.
pub(crate) fn fresh_user(subject: &dyn Subject) -> NewUser {
    let owner = OwnerMark::new(unique_mark());
    NewUser {
        name: name_for(subject, &fresh_name(), &owner),
        label: "A user".to_owned(),
        owner,
        locked: false,
    }
}

/// The name on the backend of a user whom its owner calls so.
pub(crate) fn name_for(subject: &dyn Subject, name: &UserName, owner: &OwnerMark) -> UserName {
    if subject.driver().capabilities().mark_in_name {
        Identity::marked(name, owner)
    } else {
        name.clone()
    }
}

/// A name such as somebody else would choose.
pub(crate) fn fresh_foreign_name(subject: &dyn Subject) -> UserName {
    if subject.driver().capabilities().mark_in_name {
        UserName::new(format!("{}@example.com", fresh_name()))
    } else {
        fresh_name()
    }
}

/// An order for a key, with an id of our choice where the driver wants one; for drivers whose ids need no form.
pub(crate) fn key_order(subject: &dyn Subject) -> IssueRequest {
    order_from(subject.driver(), |word| word)
}

/// An order for a key of this user, with an id in the form that the driver gives it.
pub(crate) fn order_for(driver: &dyn Driver, user: &UserName) -> IssueRequest {
    order_from(driver, |word| driver.key_id(user, word))
}

fn order_from(driver: &dyn Driver, form: impl FnOnce(AccessKeyId) -> AccessKeyId) -> IssueRequest {
    let chosen = driver.capabilities().id_choosable;
    IssueRequest {
        access_key_id: chosen.then(|| form(fresh_key_id())),
        expire_previous: None,
    }
}

/// Makes this user: by itself, or with its first key where it comes with it.
pub(crate) async fn make(driver: &dyn Driver, user: &NewUser) -> Result<Option<KeyPair>> {
    if driver.capabilities().user_comes_with_key {
        let order = order_for(driver, &user.name);
        driver.issue(user, &order).await.map(Some)
    } else {
        driver.create_user(user).await.map(|()| None)
    }
}

/// A fresh user without keys, ready to be issued one: there already, unless it comes with its first key.
pub(crate) async fn ready(subject: &dyn Subject) -> NewUser {
    let user = fresh_user(subject);
    if !subject.driver().capabilities().user_comes_with_key {
        subject.driver().create_user(&user).await.unwrap();
    }
    user
}

/// Makes a fresh user with a key.
pub(crate) async fn made_with_key(subject: &dyn Subject) -> (NewUser, KeyPair) {
    let user = ready(subject).await;
    let pair = issued(subject, &user).await;
    (user, pair)
}

/// Issues a key.
pub(crate) async fn issued(subject: &dyn Subject, user: &NewUser) -> KeyPair {
    let order = order_for(subject.driver(), &user.name);
    subject.driver().issue(user, &order).await.unwrap()
}

/// The user, who must be there.
pub(crate) async fn found(subject: &dyn Subject, name: &UserName) -> ObservedUser {
    subject
        .driver()
        .find_user(name)
        .await
        .unwrap()
        .unwrap_or_else(|| panic!("{name} is not there"))
}

/// The ids of a user's keys, in order; none for a user that is not there.
pub(crate) async fn key_ids(subject: &dyn Subject, name: &UserName) -> Vec<CredentialId> {
    let found = subject.driver().find_user(name).await.unwrap();
    let keys = found.into_iter().flat_map(|user| user.credentials);
    let mut ids: Vec<_> = keys.map(|key| key.id).collect();
    ids.sort();
    ids
}

/// The user has this key and no other.
pub(crate) async fn has_only(subject: &dyn Subject, name: &UserName, pair: &KeyPair) {
    assert_eq!(key_ids(subject, name).await, std::slice::from_ref(&pair.id));
}

/// Whether two keys of one user live side by side on this backend, each with its own access key or not.
pub(crate) fn overlaps(subject: &dyn Subject) -> bool {
    match subject.driver().capabilities().overlap {
        Overlap::Slots { max } => max.is_none_or(|max| max > 1),
        Overlap::TwoSecrets { .. } => true,
        Overlap::None => false,
    }
}

/// The key works on S3 within the time that the driver claims.
pub(crate) async fn works(subject: &dyn Subject, pair: &KeyPair) {
    let is_proof = |proof: &Proof| matches!(proof, Proof::Accepted);
    within(
        subject,
        "the key works",
        async |prover| prover.prove(pair).await,
        is_proof,
    )
    .await;
}

/// The key does not work on S3, because its user is locked, within the time that the driver claims.
pub(crate) async fn is_locked_out(subject: &dyn Subject, pair: &KeyPair) {
    let ask = async |prover: &dyn Prover| {
        let proof = prover.prove(pair).await;
        let listed = match subject.s3(pair) {
            Some(s3) => Some(s3.list_buckets().await.status),
            None => None,
        };
        (proof, listed)
    };
    let is_proof = |(proof, listed): &(Proof, Option<u16>)| match proof {
        // Some services cannot tell a locked user from one that is gone.
        Proof::Locked | Proof::Refused { .. } => true,
        // Some deny everything, as they would to a user without any right: known to them, and locked out.
        Proof::Accepted => matches!(listed, Some(401 | 403)),
        Proof::Unclear(_) => false,
    };
    within(subject, "the key is locked out", ask, is_proof).await;
}

/// The key is refused on S3 within the time that the driver claims.
pub(crate) async fn is_dead(subject: &dyn Subject, pair: &KeyPair) {
    let is_proof = |death: &Death| matches!(death, Death::Dead);
    within(
        subject,
        "the key is dead",
        async |prover| prover.prove_dead(pair).await,
        is_proof,
    )
    .await;
}

/// Asks S3 again and again until the claimed `settle` has passed; where nobody can be asked, nothing is.
async fn within<P: Debug>(
    subject: &dyn Subject,
    fact: &str,
    ask: impl AsyncFn(&dyn Prover) -> P,
    is_proof: impl Fn(&P) -> bool,
) {
    let Some(prover) = subject.prover() else { return };
    let limit = subject.patience();
    let begin = Instant::now();
    loop {
        let answer = ask(prover.as_ref()).await;
        if is_proof(&answer) {
            return;
        }
        assert!(
            begin.elapsed() < limit,
            "not true within {limit:?}: {fact}; at last: {answer:?}"
        );
        subject.pass_time().await;
    }
}
