//! A bare HTTP client, and S3 by Signature Version 2.

use crate::ontap::{Login, Ontap, Options};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use tokio::net::TcpStream;

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Status and error code.
    pub(super) fn refusal(&self) -> (u16, String) {
        (
            self.status,
            self.json()["error"]["code"].as_str().unwrap().to_owned(),
        )
    }

    /// Access key and secret of the only record.
    pub(super) fn keys(&self) -> (String, String) {
        let record = self.json()["records"][0].clone();
        let field = |name: &str| record[name].as_str().unwrap().to_owned();
        (field("access_key"), field("secret_key"))
    }
}

pub(super) async fn send(url: &str, head: String, body: &str) -> Reply {
    let stream = TcpStream::connect(url.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    let length = body.len();
    let request = format!("{head}host: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        stream.writable().await.unwrap();
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    let mut answer = Vec::new();
    loop {
        stream.readable().await.unwrap();
        let mut buffer = [0; 4096];
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    let answer = String::from_utf8(answer).unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    Reply {
        status: head[9..12].parse().unwrap(),
        head: head.to_lowercase(),
        text: text.to_owned(),
    }
}

/// A cluster and its admin.
pub(super) struct Site {
    pub(super) ontap: Ontap,
}

impl Site {
    pub(super) async fn new(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::default();
        change(&mut options);
        Self {
            ontap: Ontap::start(options).await,
        }
    }

    pub(super) async fn raw(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        send(
            &self.ontap.url(),
            format!("{method} {path} HTTP/1.1\r\n{headers}"),
            body,
        )
        .await
    }

    pub(super) async fn call_as(&self, login: &Login, line: &str, body: &str) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let credentials = STANDARD.encode(format!("{}:{}", login.user, login.password));
        let mut headers = format!("authorization: Basic {credentials}\r\naccept: application/hal+json\r\n");
        if !body.is_empty() {
            headers.push_str("content-type: application/json\r\n");
        }
        self.raw(method, path, &headers, body).await
    }

    /// `line` is method and path from `/api` on.
    pub(super) async fn call(&self, line: &str, body: &str) -> Reply {
        self.call_as(&self.ontap.admin(), line, body).await
    }

    /// `line` is method and path from the S3 service on.
    pub(super) async fn s3_api(&self, line: &str, body: &str) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let uuid = self.ontap.svm_uuid();
        let line = format!("{method} /api/protocols/s3/services/{uuid}/{path}");
        self.call(&line, body).await
    }

    pub(super) async fn make_user(&self, name: &str) -> (String, String) {
        let body = format!(r#"{{"name": "{name}"}}"#);
        let reply = self.s3_api("POST users?return_records=true", &body).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.keys()
    }

    /// What S3 says to a key: `200`, or status and code.
    pub(super) async fn s3(&self, keys: &(String, String), line: &str) -> String {
        let (method, path) = line.split_once(' ').unwrap();
        let date = "Thu, 26 Nov 2026 00:00:00 +0000";
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(keys.1.as_bytes()).unwrap();
        mac.update(format!("{method}\n\n\n{date}\n{path}").as_bytes());
        let (id, signature) = (&keys.0, STANDARD.encode(mac.finalize().into_bytes()));
        let head =
            format!("{method} {path} HTTP/1.1\r\ndate: {date}\r\nauthorization: AWS {id}:{signature}\r\n");
        let reply = send(&self.ontap.s3_url(), head, "").await;
        let code = reply
            .text
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split('<').next());
        match code {
            Some(code) => format!("{} {code}", reply.status),
            None => reply.status.to_string(),
        }
    }

    /// Whether the S3 side knows the pair; what it may do is another question.
    pub(super) async fn works(&self, keys: &(String, String)) -> bool {
        match self.s3(keys, "GET /").await.as_str() {
            "200" | "403 AccessDenied" => true,
            "403 InvalidAccessKeyId" | "403 SignatureDoesNotMatch" => false,
            other => panic!("{other}"),
        }
    }

    /// Ends it, with the one violation that was to be noted.
    pub(super) fn end_with_violation(self, part: &str) {
        let all = self.ontap.violations().all();
        let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(self)));
        assert!(all.len() == 1 && all[0].contains(part), "{all:#?}");
        assert!(end.is_err(), "a violation fails the test");
    }
}
