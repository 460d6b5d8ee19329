//! Buckets: the list that tells who owns what, and the S3 side.

use super::Shared;
use super::call::{Call, forbidden};
use super::session::{Caller, Role};
use super::state::{State, owner};
use super::users::limit;
use super::wire::{Outcome, Reply};
use crate::server::{Answer, Incoming, header};
use serde_json::json;

/// `GET /object/bucket`: buckets of a namespace with their owners, who may be gone.
pub(super) fn list(call: &Call, state: &State, caller: &Caller) -> Outcome {
    let query = call.query(&["namespace", "marker", "limit", "name"]);
    let get = |name: &str| query.get(name).map(String::as_str);
    if matches!(caller.role, Role::NamespaceAdmin(_)) && !call.options.namespace_admin_lists_buckets {
        return Err(forbidden(
            "buckets are listed by system administrators and monitors",
        ));
    }
    let namespace = call.namespace(caller, get("namespace"))?;
    let page = limit(call, get("limit"))?;
    let pattern = get("name").unwrap_or("*");
    let is_named = |name: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    let mut found = Vec::new();
    let owners = state
        .owners
        .iter()
        .filter(|name| namespace.as_ref().is_none_or(|wanted| *wanted == name.0));
    for name in owners {
        let buckets = state.buckets.of(&owner(call.options, name));
        found.extend(
            buckets
                .into_iter()
                .filter(|bucket| is_named(bucket))
                .map(|bucket| (bucket, name)),
        );
    }
    found.sort();
    // A marker refers to the last entry that was returned.
    let is_before = |name: &str| get("marker").is_some_and(|marker| name <= marker);
    let mut rest = found.into_iter().skip_while(|(bucket, _)| is_before(bucket));
    let page: Vec<_> = rest.by_ref().take(page).collect();
    let has_more = rest.next().is_some();
    let entries = page.iter().map(|(bucket, (namespace, uid))| {
        let id = format!("{namespace}.{bucket}");
        json!({ "name": bucket, "id": id, "namespace": namespace, "owner": uid, "locked": false, "api_type": "S3" })
    });
    let body = json!({
        "object_bucket": entries.collect::<Vec<_>>(),
        "MaxBuckets": get("limit").and_then(|limit| limit.parse::<u64>().ok()),
        "NextMarker": page.last().filter(|_| has_more).map(|(bucket, _)| bucket),
    });
    Ok(Reply::Of("object_buckets", body))
}

/// Answers a request on the S3 port. The access key is the uid, and only the secret proves anything.
pub(super) fn on_s3(shared: &Shared, request: &Incoming) -> Answer {
    let mut state = shared.state.lock().unwrap();
    let decoded = percent_encoding::percent_decode_str(request.uri().path()).decode_utf8_lossy();
    if state.has_secret(&decoded) {
        let sentence = format!(
            "{} on S3: a secret or a token stands in the URL",
            request.method()
        );
        shared.violations.note(sentence);
    }
    let now = shared.clock.now();
    let namespace = header(request, "x-emc-namespace");
    let mut buckets = std::mem::take(&mut state.buckets);
    let lookup = |id: &str| state.on_s3(&shared.options, namespace, id, now);
    let answer = buckets.serve(request, &shared.options.refusals, lookup);
    state.buckets = buckets;
    answer
}
