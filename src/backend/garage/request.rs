//! Requests of the admin API v2, as pure values.
//!
//! Source: Garage's "Administration API" and its specification `garage-admin-v2.json`, corrected by what 2.5.0 was seen to
//! do. The name of each call is that of its endpoint, which is what the scope of a token names. Ids travel in the query
//! string, everything else in a body of JSON; the one secret half is in a body.

use super::wire::Permissions;
use crate::backend::{BackendKind, call::Call, http::Query};
use crate::domain::ids::{AccessKeyId, UserName};
use http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// What the token must be good for: the endpoints of this file, but for those that a probe asks.
pub(super) const SCOPE: [&str; 10] = [
    "ListKeys",
    "GetKeyInfo",
    "ImportKey",
    "UpdateKey",
    "DeleteKey",
    "GetBucketInfo",
    "AllowBucketKey",
    "DenyBucketKey",
    "AddBucketAlias",
    "CreateBucket",
];

/// How many keys are asked for at once: more than most users have, and few of others behind them.
pub(super) const PAGE: usize = 32;

/// When a locked key ended. Surprise: a date before 1970 is stored as one in the far future, and locks nothing.
const LONG_AGO: &str = "2000-01-01T00:00:00Z";

fn call(endpoint: &'static str, method: Method, query: &Query, subject: String) -> Call {
    let target = match query.as_str() {
        "" => format!("/v2/{endpoint}"),
        query => format!("/v2/{endpoint}?{query}"),
    };
    Call::new(BackendKind::Garage, endpoint, method, target, subject)
}

fn of(name: &UserName, endpoint: &'static str, method: Method, query: &Query) -> Call {
    call(endpoint, method, query, format!("user {name}"))
}

fn id(key: &str) -> Query {
    Query::new().pair("id", key)
}

/// No request: what an error is about that is found before any.
pub(super) fn none(operation: &'static str, name: &UserName) -> Call {
    Call::new(
        BackendKind::Garage,
        operation,
        Method::GET,
        "",
        format!("user {name}"),
    )
}

/// What the token is good for. Every valid token may ask this.
pub(super) fn token() -> Call {
    let subject = "the admin token".to_owned();
    call("GetCurrentAdminTokenInfo", Method::GET, &Query::new(), subject)
}

/// The version of the node that answers.
pub(super) fn node() -> Call {
    let query = Query::new().pair("node", "self");
    call("GetNodeInfo", Method::GET, &query, "the node".to_owned())
}

/// Keys from this id on, sorted by id. Surprise: the one of this id is among them.
pub(super) fn list_keys(name: &UserName, from: &str) -> Call {
    let query = Query::new().pair("limit", &PAGE.to_string()).pair("offset", from);
    of(name, "ListKeys", Method::GET, &query)
}

/// One key. 404 `NoSuchAccessKey` where there is none, or none any more.
pub(super) fn key(name: &UserName, key: &str, with_secret: bool) -> Call {
    let query = if with_secret {
        id(key).pair("showSecretKey", "true")
    } else {
        id(key)
    };
    of(name, "GetKeyInfo", Method::GET, &query)
}

/// A key with id and secret half of our choice. Surprise: 409 `KeyAlreadyExists` for an id that was deleted, for ever. It may
/// do nothing at first, and never expires.
pub(super) fn import(name: &UserName, key: &AccessKeyId, secret: &SecretString, key_name: &str) -> Call {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Import<'a> {
        access_key_id: &'a str,
        secret_access_key: &'a str,
        name: &'a str,
    }
    let body = Import {
        access_key_id: key.as_str(),
        secret_access_key: secret.expose_secret(),
        name: key_name,
    };
    // Large enough never to grow, so that no part of the secret is left behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024 + 2 * key_name.len()));
    // It cannot fail: strings into memory. What is not sent whole is refused as no JSON.
    drop(serde_json::to_writer(&mut *bytes, &body));
    let mut call = of(name, "ImportKey", Method::POST, &Query::new());
    call.body = Some(("application/json", bytes));
    call
}

/// What is to be changed about a key; the rest stays as it is.
#[derive(Debug, Default)]
pub(super) struct Change<'a> {
    /// Its name.
    pub(super) name: Option<&'a str>,
    /// Whether it is to have ended long ago, or never to end.
    pub(super) locked: Option<bool>,
    /// It may make buckets from now on.
    pub(super) create_bucket: bool,
}

/// Changes a key, all in one.
pub(super) fn update(name: &UserName, key: &str, change: &Change<'_>) -> Call {
    let mut body = Map::new();
    let mut set = |member: &str, value: Value| body.insert(member.to_owned(), value);
    if let Some(name) = change.name {
        set("name", json!(name));
    }
    match change.locked {
        Some(true) => set("expiration", json!(LONG_AGO)),
        Some(false) => set("neverExpires", json!(true)),
        None => None,
    };
    if change.create_bucket {
        set("allow", json!({ "createBucket": true }));
    }
    of(name, "UpdateKey", Method::POST, &id(key)).json(&Value::Object(body))
}

/// Deletes a key. Surprise: it never asks whether a bucket is left without any.
pub(super) fn delete(name: &UserName, key: &str) -> Call {
    of(name, "DeleteKey", Method::POST, &id(key))
}

/// A bucket with the keys that may use it.
pub(super) fn bucket(name: &UserName, bucket: &str) -> Call {
    of(name, "GetBucketInfo", Method::GET, &id(bucket))
}

/// Lets a key use a bucket. Only what is true acts.
pub(super) fn allow(name: &UserName, key: &str, bucket: &str, what: Permissions) -> Call {
    let permissions = json!({ "read": what.read, "write": what.write, "owner": what.owner });
    let body = json!({ "bucketId": bucket, "accessKeyId": key, "permissions": permissions });
    of(name, "AllowBucketKey", Method::POST, &Query::new()).json(&body)
}

/// Takes rights on a bucket from a key. Only what is true acts.
pub(super) fn deny(name: &UserName, key: &str, bucket: &str, what: Permissions) -> Call {
    let permissions = json!({ "read": what.read, "write": what.write, "owner": what.owner });
    let body = json!({ "bucketId": bucket, "accessKeyId": key, "permissions": permissions });
    of(name, "DenyBucketKey", Method::POST, &Query::new()).json(&body)
}

/// The bucket of a name that holds for every key.
pub(super) fn bucket_named(name: &UserName, alias: &str) -> Call {
    let query = Query::new().pair("globalAlias", alias);
    of(name, "GetBucketInfo", Method::GET, &query)
}

/// A bucket with this name for every key. 409 `BucketAlreadyExists` where the name is taken.
pub(super) fn make_bucket(name: &UserName, alias: &str) -> Call {
    let body = json!({ "globalAlias": alias });
    of(name, "CreateBucket", Method::POST, &Query::new()).json(&body)
}

/// Gives a bucket one more name for every key.
pub(super) fn name_bucket(name: &UserName, bucket: &str, alias: &str) -> Call {
    let body = json!({ "bucketId": bucket, "globalAlias": alias });
    of(name, "AddBucketAlias", Method::POST, &Query::new()).json(&body)
}

/// Gives a bucket a name for one key alone.
pub(super) fn alias(name: &UserName, key: &str, bucket: &str, alias: &str) -> Call {
    let body = json!({ "bucketId": bucket, "accessKeyId": key, "localAlias": alias });
    of(name, "AddBucketAlias", Method::POST, &Query::new()).json(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(call: &Call) -> String {
        let body = call
            .body
            .as_ref()
            .map(|(_, bytes)| String::from_utf8_lossy(bytes));
        let text = format!("{} {} {}", call.method, call.target, body.unwrap_or_default());
        text.trim_end().to_owned()
    }

    #[test]
    fn each_call_has_exactly_this_method_target_and_body() {
        let name = UserName::new("gk-a");
        let read = Permissions {
            read: true,
            ..Permissions::default()
        };
        for (call, want) in [
            (token(), "GET /v2/GetCurrentAdminTokenInfo"),
            (node(), "GET /v2/GetNodeInfo?node=self"),
            (list_keys(&name, "GK1"), "GET /v2/ListKeys?limit=32&offset=GK1"),
            (key(&name, "GK1", false), "GET /v2/GetKeyInfo?id=GK1"),
            (
                key(&name, "GK1", true),
                "GET /v2/GetKeyInfo?id=GK1&showSecretKey=true",
            ),
            (
                import(&name, &AccessKeyId::new("GK1"), &"S".into(), "a \"b\""),
                r#"POST /v2/ImportKey {"accessKeyId":"GK1","secretAccessKey":"S","name":"a \"b\""}"#,
            ),
            (delete(&name, "GK1"), "POST /v2/DeleteKey?id=GK1"),
            (bucket(&name, "b1"), "GET /v2/GetBucketInfo?id=b1"),
            (
                allow(&name, "GK1", "b1", read),
                r#"POST /v2/AllowBucketKey {"accessKeyId":"GK1","bucketId":"b1","permissions":{"owner":false,"read":true,"write":false}}"#,
            ),
            (
                alias(&name, "GK1", "b1", "data"),
                r#"POST /v2/AddBucketAlias {"accessKeyId":"GK1","bucketId":"b1","localAlias":"data"}"#,
            ),
        ] {
            assert_eq!(text(&call), want);
        }
    }

    #[test]
    fn a_change_names_nothing_but_what_is_changed() {
        let name = UserName::new("gk-a");
        let change = |name, locked, create_bucket| Change {
            name,
            locked,
            create_bucket,
        };
        for (change, want) in [
            (change(None, None, false), "{}"),
            (change(Some("n"), None, false), r#"{"name":"n"}"#),
            (
                change(None, Some(true), false),
                r#"{"expiration":"2000-01-01T00:00:00Z"}"#,
            ),
            (change(None, Some(false), false), r#"{"neverExpires":true}"#),
            (
                change(Some("n"), Some(true), true),
                r#"{"allow":{"createBucket":true},"expiration":"2000-01-01T00:00:00Z","name":"n"}"#,
            ),
        ] {
            let want = format!("POST /v2/UpdateKey?id=GK1 {want}");
            assert_eq!(text(&update(&name, "GK1", &change)), want);
        }
    }

    #[test]
    fn no_call_shows_a_secret() {
        let call = import(
            &UserName::new("a"),
            &AccessKeyId::new("GK1"),
            &"CANARY".into(),
            "n",
        );
        assert!(!format!("{call:?} {}", call.target).contains("CANARY"));
    }
}
