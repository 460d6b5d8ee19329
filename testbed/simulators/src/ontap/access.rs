//! The S3 side: which pair works now, and what its user may do by the policies of its groups.

use super::options::Unpoliced;
use super::state::{Pair, Policy, State, Statement};
use crate::s3::Known;
use crate::server::{Answer, Incoming, path};
use axum::http::Method;

/// What a request wants to do, in the words of a policy.
struct Wanted {
    action: &'static str,
    /// `*`, `bucket` or `bucket/object`.
    resource: String,
    bucket: Option<String>,
}

impl Wanted {
    fn of(request: &Incoming) -> Self {
        let segments = path(request);
        let (bucket, object) = match segments.as_slice() {
            [bucket, object @ ..] if !bucket.is_empty() => (bucket, object.join("/")),
            _ => {
                return Self {
                    action: "ListMyBuckets",
                    resource: "*".to_owned(),
                    bucket: None,
                };
            }
        };
        let action = match (request.method(), object.is_empty()) {
            (&Method::PUT, true) => "CreateBucket",
            (&Method::DELETE, true) => "DeleteBucket",
            (_, true) => "ListBucket",
            (&Method::PUT, false) => "PutObject",
            (&Method::DELETE, false) => "DeleteObject",
            (_, false) => "GetObject",
        };
        let resource = if object.is_empty() {
            bucket.clone()
        } else {
            format!("{bucket}/{object}")
        };
        Self {
            action,
            resource,
            bucket: Some(bucket.clone()),
        }
    }
}

/// Answers an S3 request.
pub(super) fn serve(state: &mut State, request: &Incoming) -> Answer {
    state.counts.s3_requests += 1;
    let wanted = Wanted::of(request);
    let mut buckets = std::mem::take(&mut state.buckets);
    let owner = wanted.bucket.as_ref().and_then(|bucket| {
        let owns = |user: &&String| buckets.of(user).contains(bucket);
        state.ever.iter().find(owns).cloned()
    });
    let answer = buckets.serve(request, &state.options.refusals, |access_key| {
        known(state, access_key, &wanted, owner.as_deref())
    });
    state.buckets = buckets;
    answer
}

fn known(state: &State, access_key: &str, wanted: &Wanted, owner: Option<&str>) -> Known {
    let found = working(state, access_key);
    let Some((user, _)) = found.first() else {
        return Known::Unknown;
    };
    let may = may(state, user, wanted, owner);
    // The buckets let nobody in but the owner; what a policy allows is done in the owner's name.
    let acts_as = owner
        .filter(|_| may && wanted.action != "CreateBucket")
        .unwrap_or(user);
    Known::Key {
        user: acts_as.to_owned(),
        secrets: found.iter().map(|(_, pair)| pair.secret_key.clone()).collect(),
        locked: !may,
    }
}

/// The pairs with this access key that work now, those that the S3 side has not yet forgotten among them.
fn working<'a>(state: &'a State, access_key: &str) -> Vec<(&'a str, &'a Pair)> {
    let now = state.clock.now();
    let living = state.users.iter().flat_map(|(name, user)| {
        let pairs = user.pairs.iter().flatten();
        pairs.map(move |pair| (name.as_str(), pair))
    });
    let buried = state.buried.iter().filter(|buried| now < buried.until);
    living
        .chain(buried.map(|buried| (buried.user.as_str(), &buried.pair)))
        .filter(|(_, pair)| pair.access_key == access_key)
        .filter(|(_, pair)| pair.usable_from <= now && pair.expires.is_none_or(|end| now < end))
        .collect()
}

fn may(state: &State, user: &str, wanted: &Wanted, owner: Option<&str>) -> bool {
    let statements = statements(state, user);
    let says = |denies: bool| {
        let mut matching = statements.iter().filter(|statement| statement.denies == denies);
        matching.any(|statement| applies(statement, wanted))
    };
    let (denied, allowed) = (says(true), says(false));
    if denied && (state.options.deny_wins || !allowed) {
        return false;
    }
    allowed
        || user == "root"
        || match state.options.unpoliced {
            Unpoliced::Denied => false,
            Unpoliced::OwnBuckets => owner.is_none_or(|owner| owner == user),
        }
}

/// Whether a policy keeps a user from everything.
pub(super) fn is_locked(state: &State, user: &str) -> bool {
    let statements = statements(state, user);
    let of_all = |denies: bool| {
        let is_all = |list: &[String]| list.iter().any(|entry| entry == "*");
        let mut matching = statements
            .iter()
            .filter(move |statement| statement.denies == denies);
        matching.any(|statement| is_all(&statement.actions) && is_all(&statement.resources))
    };
    of_all(true) && (state.options.deny_wins || !statements.iter().any(|statement| !statement.denies))
}

fn statements<'a>(state: &'a State, user: &str) -> Vec<&'a Statement> {
    let groups = state.groups_of(user);
    let attached = |name: &str| {
        let mut attached = groups.iter().flat_map(|group| &group.policies);
        attached.any(|policy| policy == name || policy == "*")
    };
    let policies = state.policies.iter().filter(|(name, _)| attached(name));
    policies
        .flat_map(|(_, Policy { statements, .. })| statements)
        .collect()
}

fn applies(statement: &Statement, wanted: &Wanted) -> bool {
    let is_action = |action: &String| match action.as_str() {
        "*" => true,
        "ListAllMyBuckets" => wanted.action == "ListMyBuckets",
        action => action == wanted.action,
    };
    let is_resource = |resource: &String| wildcard(resource, &wanted.resource);
    statement.actions.iter().any(is_action) && statement.resources.iter().any(is_resource)
}

/// Whether a text is of a pattern, where `*` stands for anything.
pub(super) fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    let mut ends = text.char_indices().map(|(index, _)| index).chain([text.len()]);
    ends.any(|index| wildcard(rest, &text[index..]))
}

#[cfg(test)]
mod tests {
    use super::wildcard;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(wildcard("*", ""));
        assert!(wildcard("b/*", "b/x/y"));
        assert!(wildcard("b/*_readme.txt", "b/1_readme.txt"));
        assert!(!wildcard("b/*", "b"));
        assert!(!wildcard("b", "bc"));
    }
}
