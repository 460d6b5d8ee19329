//! The S3 side of a simulator: signatures checked, buckets with an owner, objects in memory. Path style only.

use crate::server::{Answer, Incoming, empty, path, reply};
use crate::signature::{V2, V4};
use axum::http::{Method, StatusCode};
use quick_xml::escape::escape;
use std::collections::BTreeMap;

/// What the admin side knows of an access key at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// There is none of this id, or none that works yet.
    Unknown,
    /// There is.
    Key {
        /// Whose it is.
        user: String,
        /// The secrets that are valid with it now.
        secrets: Vec<String>,
        /// Its user may do nothing.
        locked: bool,
    },
}

/// How refusals look where the documents differ or say nothing.
#[derive(Clone, Debug)]
pub struct Refusals {
    /// Status and code for an access key that is not there.
    pub unknown_key: (StatusCode, &'static str),
    /// Status and code for a wrong secret.
    pub wrong_secret: (StatusCode, &'static str),
    /// Status and code for a locked user.
    pub locked: (StatusCode, &'static str),
}

impl Default for Refusals {
    /// As Amazon S3 does it.
    fn default() -> Self {
        Self {
            unknown_key: (StatusCode::FORBIDDEN, "InvalidAccessKeyId"),
            wrong_secret: (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
            locked: (StatusCode::FORBIDDEN, "AccessDenied"),
        }
    }
}

#[derive(Clone, Debug)]
struct Bucket {
    owner: String,
    objects: BTreeMap<String, Vec<u8>>,
}

impl Bucket {
    fn size(&self) -> u64 {
        self.objects.values().map(|content| content.len() as u64).sum()
    }
}

/// Buckets and objects, and how much each user may store.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    all: BTreeMap<String, Bucket>,
    most: BTreeMap<String, u64>,
}

impl Buckets {
    /// Names of the buckets of a user.
    pub fn of(&self, user: &str) -> Vec<String> {
        let owned = self.all.iter().filter(|(_, bucket)| bucket.owner == user);
        owned.map(|(name, _)| name.clone()).collect()
    }

    /// From now on a user may store this many bytes in all its buckets together; `None`: as many as it likes. What is
    /// there stays.
    pub fn limit(&mut self, user: &str, most: Option<u64>) {
        self.most.remove(user);
        self.most.extend(most.map(|most| (user.to_owned(), most)));
    }

    /// Whether a user may store so many bytes in place of what this object has.
    fn has_room(&self, user: &str, bucket: &str, key: &str, bytes: usize) -> bool {
        let Some(most) = self.most.get(user) else {
            return true;
        };
        let owned = self.all.values().filter(|bucket| bucket.owner == user);
        let stored: u64 = owned.map(Bucket::size).sum();
        let object = self.all.get(bucket).and_then(|bucket| bucket.objects.get(key));
        let replaced = object.map_or(0, Vec::len) as u64;
        stored + bytes as u64 <= *most + replaced
    }

    /// Answers an S3 request: who signed it, and may it? `lookup` asks the admin side about an access key.
    pub fn serve(
        &mut self,
        request: &Incoming,
        refusals: &Refusals,
        lookup: impl FnOnce(&str) -> Known,
    ) -> Answer {
        match authenticate(request, refusals, lookup) {
            Ok(user) => self.carry_out(request, &user),
            Err((status, code)) => error(status, code),
        }
    }

    fn carry_out(&mut self, request: &Incoming, user: &str) -> Answer {
        let segments = path(request);
        let (bucket, key) = match segments.as_slice() {
            [root] if root.is_empty() => return self.list(request, user),
            [bucket] => (bucket.as_str(), None),
            [bucket, key @ ..] => (bucket.as_str(), Some(key.join("/"))),
            [] => return error(StatusCode::BAD_REQUEST, "InvalidURI"),
        };
        match key.filter(|key| !key.is_empty()) {
            None => self.on_bucket(request, user, bucket),
            Some(key) => self.on_object(request, user, bucket, key),
        }
    }

    fn list(&self, request: &Incoming, user: &str) -> Answer {
        if request.method() != Method::GET {
            return error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed");
        }
        let bucket = |name: String| format!("<Bucket><Name>{}</Name></Bucket>", escape(&name));
        let buckets = self.of(user).into_iter().map(bucket).collect::<Vec<_>>().concat();
        let owner = escape(user);
        xml(&format!(
            "<ListAllMyBucketsResult><Owner><ID>{owner}</ID></Owner><Buckets>{buckets}</Buckets></ListAllMyBucketsResult>"
        ))
    }

    fn on_bucket(&mut self, request: &Incoming, user: &str, name: &str) -> Answer {
        let there = self.all.get(name);
        let is_own = there.is_some_and(|bucket| bucket.owner == user);
        match (request.method(), there) {
            (&Method::PUT, None) => {
                let bucket = Bucket {
                    owner: user.to_owned(),
                    objects: BTreeMap::new(),
                };
                self.all.insert(name.to_owned(), bucket);
                empty(StatusCode::OK)
            }
            (&Method::PUT, Some(_)) if is_own => empty(StatusCode::OK),
            (&Method::PUT, Some(_)) => error(StatusCode::CONFLICT, "BucketAlreadyExists"),
            (_, None) => error(StatusCode::NOT_FOUND, "NoSuchBucket"),
            (_, Some(_)) if !is_own => error(StatusCode::FORBIDDEN, "AccessDenied"),
            (&Method::GET | &Method::HEAD, Some(_)) => xml("<ListBucketResult></ListBucketResult>"),
            (&Method::DELETE, Some(bucket)) if !bucket.objects.is_empty() => {
                error(StatusCode::CONFLICT, "BucketNotEmpty")
            }
            (&Method::DELETE, Some(_)) => {
                self.all.remove(name);
                empty(StatusCode::NO_CONTENT)
            }
            _ => error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        }
    }

    fn on_object(&mut self, request: &Incoming, user: &str, bucket: &str, key: String) -> Answer {
        match self.all.get(bucket).map(|bucket| bucket.owner == user) {
            None => return error(StatusCode::NOT_FOUND, "NoSuchBucket"),
            Some(false) => return error(StatusCode::FORBIDDEN, "AccessDenied"),
            Some(true) => {}
        }
        let has_room = self.has_room(user, bucket, &key, request.body().len());
        let bucket = self.all.get_mut(bucket).unwrap();
        match *request.method() {
            Method::PUT if !has_room => error(StatusCode::FORBIDDEN, "QuotaExceeded"),
            Method::PUT => {
                bucket.objects.insert(key, request.body().to_vec());
                empty(StatusCode::OK)
            }
            Method::GET => match bucket.objects.get(&key) {
                Some(content) => reply(StatusCode::OK, "application/octet-stream", content.clone()),
                None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
            },
            Method::DELETE => {
                bucket.objects.remove(&key);
                empty(StatusCode::NO_CONTENT)
            }
            _ => error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        }
    }
}

fn authenticate(
    request: &Incoming,
    refusals: &Refusals,
    lookup: impl FnOnce(&str) -> Known,
) -> Result<String, (StatusCode, &'static str)> {
    let (v4, v2) = (V4::of(request), V2::of(request));
    let id = match (&v4, &v2) {
        (Some(v4), _) => &v4.access_key_id,
        (None, Some(v2)) => &v2.access_key_id,
        (None, None) => return Err((StatusCode::FORBIDDEN, "AccessDenied")),
    };
    let Known::Key {
        user,
        secrets,
        locked,
    } = lookup(id)
    else {
        return Err(refusals.unknown_key);
    };
    let is_by = |secret: &String| match (&v4, &v2) {
        (Some(v4), _) => v4.is_by(request, secret),
        (None, Some(v2)) => v2.is_by(request, request.uri().path(), secret),
        (None, None) => false,
    };
    if !secrets.iter().any(is_by) {
        return Err(refusals.wrong_secret);
    }
    if locked { Err(refusals.locked) } else { Ok(user) }
}

fn xml(body: &str) -> Answer {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{body}");
    reply(StatusCode::OK, "application/xml", body)
}

/// An error of S3.
pub fn error(status: StatusCode, code: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
    );
    reply(status, "application/xml", body)
}
