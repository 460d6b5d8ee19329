//! What is asked of S3 about a bucket, with the admin's own key.
//!
//! Source: Amazon S3 API Reference, `ListObjectsV2`, `GetBucketTagging`, `PutBucketTagging`, `CreateBucket`, as `MinIO` of
//! 2026-02-12, `JuiceFS` 1.4.2, `SeaweedFS` 4.48 and moto 5.2.5 were seen to answer.

use crate::backend::call::{Call, is_success};
use crate::backend::http::{Endpoint, HttpClient, Reply, Signer};
use crate::backend::{BackendKind, Error, ErrorKind, Result, s3};
use crate::domain::ids::BucketName;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Where buckets are, as the store's admin sees them.
#[derive(Debug)]
pub struct Buckets {
    /// Whose driver asks.
    pub backend: BackendKind,
    /// Where S3 answers.
    pub endpoint: Endpoint,
    /// Region of new buckets.
    pub region: String,
    /// With the admin's key, for S3.
    pub signer: Signer,
    /// What sends.
    pub http: HttpClient,
}

/// A bucket, as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Missing,
    /// It is not for the admin to see.
    Refused,
    There(Settings),
}

/// What is seen of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// It has no object.
    pub(super) is_empty: bool,
    /// Its tags.
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    name: String,
    #[serde(default)]
    contents: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagging {
    tag_set: TagSet,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TagSet {
    tag: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

impl Buckets {
    /// A call about a bucket, for what is refused before anything is asked.
    pub(super) fn call(&self, operation: &'static str, bucket: &BucketName) -> Call {
        self.of_bucket(operation, Method::GET, bucket, "")
    }

    /// The first call tells whether it is there: not every server says so of a bucket without tags.
    pub(super) async fn look(&self, bucket: &BucketName) -> Result<Look> {
        let call = self.of_bucket("ListObjects", Method::GET, bucket, "?list-type=2&max-keys=1");
        let reply = self.send(&call).await?;
        match (reply.status, s3::code(&reply).as_deref()) {
            (404, Some("NoSuchBucket")) => return Ok(Look::Missing),
            (403, Some("AccessDenied")) => return Ok(Look::Refused),
            _ if is_success(&reply) => {}
            _ => return Err(refused(&call, &reply)),
        }
        let listed = parse::<Listed>(&reply).filter(|listed| listed.name == bucket.as_str());
        let listed = listed.ok_or_else(|| call.misunderstood("this is no list of the bucket's objects"))?;
        let call = self.of_bucket("GetBucketTagging", Method::GET, bucket, "?tagging");
        let reply = self.send(&call).await?;
        let tags = match (reply.status, s3::code(&reply).as_deref()) {
            (404, Some("NoSuchBucket")) => return Ok(Look::Missing),
            (404, Some("NoSuchTagSet")) => Vec::new(),
            (403, Some("AccessDenied")) => return Ok(Look::Refused),
            _ if is_success(&reply) => {
                let tagging = parse::<Tagging>(&reply);
                tagging
                    .ok_or_else(|| call.misunderstood("these are no tags of a bucket"))?
                    .tag_set
                    .tag
            }
            _ => return Err(refused(&call, &reply)),
        };
        Ok(Look::There(Settings {
            is_empty: listed.contents.is_empty(),
            tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        }))
    }

    /// Gives a bucket without tags this one.
    pub(super) async fn tag(&self, bucket: &BucketName, key: &str, value: &str) -> Result<()> {
        let body = format!(
            "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet><Tag><Key>{key}</Key><Value>{value}</Value>\
             </Tag></TagSet></Tagging>"
        );
        let call = Call {
            body: Some(("application/xml", Zeroizing::new(body.into_bytes()))),
            ..self.of_bucket("PutBucketTagging", Method::PUT, bucket, "?tagging")
        };
        self.succeed(&call).await
    }

    /// Makes a bucket. Surprise: AWS says 200 in its first region where the account has it already.
    pub(super) async fn make(&self, bucket: &BucketName) -> Result<()> {
        let mut call = self.of_bucket("CreateBucket", Method::PUT, bucket, "");
        // AWS refuses the name of its first region there, and demands that of any other.
        if self.region != "us-east-1" {
            let region = quick_xml::escape::escape(self.region.as_str());
            let body = format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{region}\
                 </LocationConstraint></CreateBucketConfiguration>"
            );
            call.body = Some(("application/xml", Zeroizing::new(body.into_bytes())));
        }
        self.succeed(&call).await
    }

    async fn succeed(&self, call: &Call) -> Result<()> {
        let reply = self.send(call).await?;
        if is_success(&reply) {
            Ok(())
        } else {
            Err(refused(call, &reply))
        }
    }

    fn of_bucket(&self, operation: &'static str, method: Method, bucket: &BucketName, query: &str) -> Call {
        let (target, subject) = (format!("/{bucket}{query}"), format!("bucket {bucket}"));
        Call::new(self.backend, operation, method, target, subject)
    }

    async fn send(&self, call: &Call) -> Result<Reply> {
        let mut request = call.request(&self.endpoint)?;
        if let Some((_, body)) = &call.body {
            // AWS takes no tags without a checksum.
            let sum = HeaderValue::from_str(&STANDARD.encode(Sha256::digest(body)));
            let sum = sum.map_err(|_| call.refuse(ErrorKind::Invalid, "the request cannot be sent"))?;
            let name = HeaderName::from_static("x-amz-checksum-sha256");
            request.headers_mut().insert(name, sum);
        }
        let signed = self.signer.sign(&mut request);
        signed.map_err(|text| call.refuse(ErrorKind::Invalid, &text))?;
        let sent = self.http.send(request).await;
        sent.map_err(|e| e.into_error(call.backend, call.operation, call.changes()))
    }
}

fn parse<T: for<'de> Deserialize<'de>>(reply: &Reply) -> Option<T> {
    quick_xml::de::from_str(std::str::from_utf8(&reply.body).ok()?).ok()
}

/// The error that an answer other than 2xx stands for.
fn refused(call: &Call, reply: &Reply) -> Error {
    let code = s3::code(reply);
    let judgement = s3::judge(reply, code.as_deref());
    call.refused(
        reply,
        judgement,
        advice(judgement.0, code.as_deref()),
        code.as_deref(),
    )
}

/// What happened and what to do, for a person.
fn advice(kind: ErrorKind, code: Option<&str>) -> &'static str {
    match (code, kind) {
        (Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists"), _) => {
            "a bucket of this name is there already"
        }
        (Some("TooManyBuckets"), _) => "the account has as many buckets as it may: raise its limit",
        (Some("AccessDenied"), _) => {
            "the admin lacks a right on buckets: the backend's page in docs/backends lists what is needed"
        }
        (Some("PermanentRedirect" | "AuthorizationHeaderMalformed"), _) => {
            "the bucket is in another region than spec.s3.region"
        }
        (_, ErrorKind::Transient) => "S3 failed; the call may have been carried out",
        (_, ErrorKind::RateLimited) => "S3 asks to slow down",
        (_, ErrorKind::Auth) => "S3 refused the admin's key: is it that of this store?",
        (_, ErrorKind::Unsupported) => "S3 of this store does not offer this",
        (_, ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Invalid) => "S3 refuses this",
        (_, ErrorKind::Protocol) => "this is no answer of S3: is the endpoint right?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_tags_are_read_as_servers_give_them() {
        let list = |contents: &str| {
            format!(
                r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix><KeyCount>0</KeyCount><MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"#
            )
        };
        let listed =
            |body: &str| parse::<Listed>(&Reply::made_up(200, body)).map(|l| (l.name, l.contents.len()));
        assert_eq!(listed(&list("")), Some(("b".to_owned(), 0)));
        let one = "<Contents><Key>k</Key><Size>1</Size><Owner><ID>x</ID></Owner></Contents>";
        assert_eq!(listed(&list(one)), Some(("b".to_owned(), 1)));
        assert_eq!(listed("<html></html>"), None);
        let tags = |body: &str| {
            let tagging = parse::<Tagging>(&Reply::made_up(200, body))?;
            let pairs = tagging.tag_set.tag.into_iter();
            Some(
                pairs
                    .map(|tag| format!("{}={}", tag.key, tag.value))
                    .collect::<Vec<_>>(),
            )
        };
        let two = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag><Tag><Key>c</Key><Value/></Tag></TagSet></Tagging>";
        assert_eq!(tags(two).unwrap(), ["a=b", "c="]);
        assert_eq!(
            tags("<Tagging><TagSet></TagSet></Tagging>").unwrap(),
            Vec::<String>::new()
        );
        assert_eq!(tags("<html></html>"), None);
    }
}
