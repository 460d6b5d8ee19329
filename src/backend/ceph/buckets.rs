//! Grants by bucket policy, and buckets, by the gateway's S3 side; signed with the admin user's own key and no other.

use super::policy::{self, Policy};
use super::{CephDriver, check_name, error, parse_user, request, wire};
use crate::backend::access::{FoundBucket, Grantee, check_bucket};
use crate::backend::call::{Call, is_success};
use crate::backend::http::Reply;
use crate::backend::turns::Turns;
use crate::backend::{ErrorKind, Result};
use crate::domain::access::{Held, LimitChanges, Permission, Resource, change_limits};
use crate::domain::ids::{BucketName, UserName};
use http::{HeaderName, HeaderValue};

/// Of policies that are read, changed and written back, by endpoint and bucket. Two stores may be one gateway.
static POLICIES: Turns = Turns::new();

/// A bucket that is there.
struct Seen {
    found: FoundBucket,
    /// `None`: it cannot be read, or is of a form that is left alone.
    policy: Option<Policy>,
}

impl Seen {
    fn open(held: Held, policy: Policy) -> Self {
        Self {
            found: FoundBucket::Open(held),
            policy: Some(policy),
        }
    }

    fn closed(held: Option<Held>, policy: Option<Policy>, advice: String) -> Self {
        Self {
            found: FoundBucket::Closed { held, advice },
            policy,
        }
    }
}

impl CephDriver {
    pub(super) async fn change_limits(&self, name: &UserName, changes: &LimitChanges) -> Result<()> {
        let call = request::find_user(name);
        check_name(&call, name)?;
        let Some(user) = self.get(name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, "there is no such user on the gateway"));
        };
        let mut limits = user.limits();
        change_limits(&mut limits, changes);
        let limit = |of| {
            limits
                .get(&of)
                .map_or(-1, |most| i64::try_from(*most).unwrap_or(-1))
        };
        if changes.keys().any(|of| *of != Resource::Buckets) {
            // What is there and does not count must not begin to: all is sent.
            let call = request::set_quota(name, limit(Resource::Bytes), limit(Resource::Objects));
            self.succeed(&call).await?;
        }
        if changes.contains_key(&Resource::Buckets) {
            let most = match limit(Resource::Buckets) {
                0 => -1,
                -1 => 0,
                most => most,
            };
            let call = request::set_max_buckets(name, most);
            let reply = self.succeed(&call).await?;
            if parse_user(&call, &reply)?.max_buckets != most {
                return Err(call.misunderstood("the gateway answered 200 and did not do it"));
            }
        }
        Ok(())
    }

    pub(super) async fn look_at_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<FoundBucket> {
        check(&request::get_policy(bucket), to, bucket)?;
        let seen = self.look(to, bucket).await?;
        Ok(seen.map_or(FoundBucket::Missing, |seen| seen.found))
    }

    pub(super) async fn put_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<()> {
        let call = request::make_bucket(bucket);
        check(&call, to, bucket)?;
        let headers = request::made_for(&to.user, self.admin().await?);
        let reply = self.send_with(&call, &headers).await?;
        let code = error::s3_code(&reply);
        match (reply.status, code.as_deref()) {
            _ if is_success(&reply) => Ok(()),
            // So it is called, oddly, where a user of the access list is not there.
            (404, Some("NoSuchKey")) => {
                Err(call.refuse(ErrorKind::NotFound, "the user is not on the gateway"))
            }
            _ => Err(error::refused_by_s3(&call, &reply)),
        }
    }

    pub(super) async fn change_grant(
        &self,
        to: &Grantee,
        bucket: &BucketName,
        what: Option<Permission>,
    ) -> Result<()> {
        let call = request::get_policy(bucket);
        check(&call, to, bucket)?;
        let _turn = POLICIES
            .take(format!("{}/{bucket}", self.config.endpoint.as_str()))
            .await;
        let Some(seen) = self.look(to, bucket).await? else {
            return what.map_or(Ok(()), |_| {
                Err(call.refuse(ErrorKind::NotFound, "there is no such bucket"))
            });
        };
        let held = match (seen.found, what) {
            (FoundBucket::Open(held), _) | (FoundBucket::Closed { held: Some(held), .. }, None) => held,
            (FoundBucket::Closed { advice, .. }, _) => {
                return Err(call.refuse(ErrorKind::Conflict, &advice));
            }
            (FoundBucket::Missing, _) => return Ok(()),
        };
        let Some(mut policy) = seen
            .policy
            .filter(|_| held != what.map_or(Held::Nothing, Held::As))
        else {
            return Ok(());
        };
        if held == Held::Nothing {
            self.finish_making(to, bucket, &mut policy).await?;
        }
        policy.set(to, bucket, what);
        self.write(bucket, policy).await
    }

    /// Writes the consent into the policy of a bucket that was made for this user, and then takes the mark off, which lets the
    /// user see that policy. Comes before the first grant, so that whoever is cut off in between comes here again.
    async fn finish_making(&self, to: &Grantee, bucket: &BucketName, policy: &mut Policy) -> Result<()> {
        let admin = self.admin().await?;
        let acl = self.acl(bucket).await?;
        let ours = |acl: wire::Acl| acl.owner.id == admin.as_str() && acl.is_as_made_for(to.user.as_str());
        if !acl.is_some_and(ours) {
            return Ok(());
        }
        policy.consent(&to.namespace, bucket, admin);
        self.write(bucket, policy.clone()).await?;
        let call = request::close_acl(bucket, admin);
        self.succeed_by_s3(&call).await
    }

    async fn write(&self, bucket: &BucketName, policy: Policy) -> Result<()> {
        if policy.is_empty() {
            return self.succeed_by_s3(&request::delete_policy(bucket)).await;
        }
        let text = policy.into_text();
        let is_long = text.len() > policy::MAX_BYTES;
        let call = request::put_policy(bucket, text);
        if is_long {
            let advice = "its policy would be longer than 20 KiB: remove statements that nobody needs";
            return Err(call.refuse(ErrorKind::Conflict, advice));
        }
        self.succeed_by_s3(&call).await
    }

    async fn succeed_by_s3(&self, call: &Call) -> Result<()> {
        let reply = self.send(call).await?;
        if is_success(&reply) {
            return Ok(());
        }
        if reply.status == 403 && error::s3_code(&reply).as_deref() == Some("AccessDenied") {
            let advice =
                "its owner lets this operator read the policy and not write it: allow s3:PutBucketPolicy too";
            return Err(call.refuse(ErrorKind::Conflict, advice));
        }
        Err(error::refused_by_s3(call, &reply))
    }

    /// The bucket as it is now; `None`: there is none.
    async fn look(&self, to: &Grantee, bucket: &BucketName) -> Result<Option<Seen>> {
        let call = request::get_policy(bucket);
        let reply = self.send(&call).await?;
        let code = error::s3_code(&reply);
        let (policy, is_absent) = match (reply.status, code.as_deref()) {
            (404, Some("NoSuchBucket")) => return Ok(None),
            (403, Some("AccessDenied")) => return self.strangers(to, bucket).await.map(Some),
            (404, Some("NoSuchBucketPolicy")) => (Some(Policy::absent()), true),
            _ if is_success(&reply) => (Policy::parse(&reply.body), false),
            _ => return Err(error::refused_by_s3(&call, &reply)),
        };
        let Some(policy) = policy else {
            let advice = format!(
                "The policy of the bucket {bucket} is longer than 20 KiB or of a form that this operator does not know, so it \
                 is left alone. Shorten it, or give the user its access there by hand and take the bucket out of `spec.access`."
            );
            return Ok(Some(Seen::closed(None, None, advice)));
        };
        let held = policy.held(to, bucket);
        if policy.consents(&to.namespace) {
            return Ok(Some(Seen::open(held, policy)));
        }
        let admin = self.admin().await?;
        let acl = self.acl(bucket).await?;
        let acl = acl.filter(|acl| acl.owner.id == admin.as_str());
        let is_new = is_absent
            && acl
                .as_ref()
                .is_some_and(|acl| acl.is_as_made_for(to.user.as_str()));
        if acl.is_some() && (is_new || to.at_home) {
            return Ok(Some(Seen::open(held, policy)));
        }
        let owner = if acl.is_some() {
            "the store's admin"
        } else {
            "somebody else"
        };
        let advice = consent(to, bucket, admin, owner);
        Ok(Some(Seen::closed(Some(held), Some(policy), advice)))
    }

    /// A bucket of an owner who lets us see nothing of it.
    async fn strangers(&self, to: &Grantee, bucket: &BucketName) -> Result<Seen> {
        let advice = consent(to, bucket, self.admin().await?, "somebody else");
        Ok(Seen::closed(None, None, advice))
    }

    /// Owner and access list; `None` where they are not for us to see.
    async fn acl(&self, bucket: &BucketName) -> Result<Option<wire::Acl>> {
        let call = request::get_acl(bucket);
        let reply = self.send(&call).await?;
        if reply.status == 403 && error::s3_code(&reply).as_deref() == Some("AccessDenied") {
            return Ok(None);
        }
        if !is_success(&reply) {
            return Err(error::refused_by_s3(&call, &reply));
        }
        let acl = wire::Acl::parse(&reply.body);
        acl.map(Some)
            .ok_or_else(|| call.misunderstood("this is no access list of a bucket"))
    }

    /// The admin user itself. Asked for once.
    async fn admin(&self) -> Result<&UserName> {
        let ask = async || {
            let call = request::find_by_key(&self.config.access_key_id);
            let reply = self.succeed(&call).await?;
            let user = parse_user(&call, &reply)?;
            if user.tenant.is_empty() {
                return Ok(UserName::new(user.name));
            }
            let advice =
                "the admin user has a tenant, whose buckets are not those of other users: use one without";
            Err(call.refuse(ErrorKind::Unsupported, advice))
        };
        self.admin.get_or_try_init(ask).await
    }

    async fn send_with(&self, call: &Call, headers: &[(&'static str, String)]) -> Result<Reply> {
        let mut request = call.request(&self.config.endpoint)?;
        for (name, value) in headers {
            let value = HeaderValue::from_str(value);
            let value = value.map_err(|_| call.refuse(ErrorKind::Invalid, "a user's name cannot be sent"))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        self.send_signed(call, request).await
    }
}

fn check(call: &Call, to: &Grantee, bucket: &BucketName) -> Result<()> {
    check_name(call, &to.user)?;
    check_bucket(call, bucket)
}

/// What the owner of a bucket has to do.
fn consent(to: &Grantee, bucket: &BucketName, admin: &UserName, owner: &str) -> String {
    let statement = policy::consent(&to.namespace, bucket, admin);
    format!(
        "The bucket {bucket} belongs to {owner} and is not open to users of this namespace. Its owner opens it by adding to its \
         policy the statement {statement}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{NamespaceMark, OwnerMark};

    #[test]
    fn an_owner_is_told_the_whole_statement_even_for_the_longest_names() {
        let to = Grantee {
            user: UserName::new("gk-a"),
            owner: OwnerMark::new("a".repeat(32)),
            namespace: NamespaceMark::new("c".repeat(32)),
            at_home: false,
        };
        let bucket = BucketName::new("b".repeat(63));
        let advice = consent(&to, &bucket, &UserName::new("u".repeat(64)), "somebody else");
        assert!(advice.len() < 900, "{}", advice.len());
        assert!(advice.contains(r#""Sid":"GracekeyTrustscccc"#), "{advice}");
    }
}
