//! A small client: HTTP/1.1 on a socket, and signatures made without the code that checks them.

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Access keys, sorted.
    pub(super) fn keys(&self) -> Vec<String> {
        let body = self.json();
        let pairs = body["AWSAccessKeys"].as_array().unwrap();
        let mut keys: Vec<_> = pairs.iter().map(|pair| text(&pair["AWSAccessKeyId"])).collect();
        keys.sort();
        keys
    }

    /// The only pair.
    pub(super) fn pair(&self) -> (String, String) {
        let body = self.json();
        let pairs = body["AWSAccessKeys"].as_array().unwrap();
        assert_eq!(pairs.len(), 1);
        (
            text(&pairs[0]["AWSAccessKeyId"]),
            text(&pairs[0]["AWSSecretAccessKey"]),
        )
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn now() -> Timestamp {
    Timestamp::try_from(crate::clock::Clock::default().now()).unwrap()
}

/// A client of one key.
pub(super) struct Client {
    address: String,
    id: String,
    secret: String,
}

impl Client {
    pub(super) fn new(url: &str, id: &str, secret: &str) -> Self {
        Self {
            address: url.trim_start_matches("http://").to_owned(),
            id: id.to_owned(),
            secret: secret.to_owned(),
        }
    }

    /// The same place with another key.
    pub(super) fn with(&self, pair: &(String, String)) -> Self {
        Self::new(&self.address, &pair.0, &pair.1)
    }

    /// A call of the admin API: the sub-resource alone is signed.
    pub(super) async fn call(&self, method: &str, query: &str) -> Answer {
        let service = query.split('&').find(|part| part.starts_with("ostor-")).unwrap();
        let resource = format!("/?{}", service.trim_end_matches('='));
        self.signed(method, &format!("/?{query}"), &resource, &[]).await
    }

    /// A call that must succeed.
    pub(super) async fn done(&self, method: &str, query: &str) -> Answer {
        let answer = self.call(method, query).await;
        assert!(answer.status < 300, "{method} {query}: {answer:?}");
        answer
    }

    /// A request of S3.
    pub(super) async fn s3(&self, method: &str, path: &str) -> u16 {
        self.signed(method, path, path, &[]).await.status
    }

    /// An object of S3 that is stored with this content.
    pub(super) async fn s3_with(&self, path: &str, content: &str) -> u16 {
        let length = format!("Content-Length: {}\r\n\r\n{content}", content.len());
        self.signed("PUT", path, path, &[&length]).await.status
    }

    /// A request signed with Version 2 over this resource. `more` is sent, and not signed.
    pub(super) async fn signed(&self, method: &str, target: &str, resource: &str, more: &[&str]) -> Answer {
        let date = now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let authorization = self.authorization(method, &date, resource);
        let date = format!("Date: {date}");
        let mut headers = vec![date.as_str(), authorization.as_str()];
        headers.extend(more);
        self.send(method, target, &headers).await
    }

    /// A read signed with Version 2 at another time.
    pub(super) async fn signed_at(&self, date: &str, target: &str) -> Answer {
        let authorization = self.authorization("GET", date, target);
        self.send("GET", target, &[&format!("Date: {date}"), &authorization])
            .await
    }

    fn authorization(&self, method: &str, date: &str, resource: &str) -> String {
        let to_sign = format!("{method}\n\n\n{date}\n{resource}");
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(to_sign.as_bytes());
        let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        format!("Authorization: AWS {}:{signature}", self.id)
    }

    /// A request signed with Version 4, for the query as it is encoded and sorted.
    pub(super) async fn v4(&self, method: &str, sent: &str, canonical: &str, scope: &str) -> Answer {
        let time = now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let scope = format!("{}/{scope}/aws4_request", &time[..8]);
        let hash = |text: &str| crate::signature::hex(&Sha256::digest(text));
        let payload = hash("");
        let names = "host;x-amz-content-sha256;x-amz-date";
        let headers = format!(
            "host:{}\nx-amz-content-sha256:{payload}\nx-amz-date:{time}\n",
            self.address
        );
        let request = format!("{method}\n/\n{canonical}\n{headers}\n{names}\n{payload}");
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hash(&request));
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in scope.split('/').chain([to_sign.as_str()]) {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(part.as_bytes());
            key = mac.finalize().into_bytes().to_vec();
        }
        let signature = crate::signature::hex(&key);
        let authorization = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.id
        );
        let time = format!("x-amz-date: {time}");
        let payload = format!("x-amz-content-sha256: {payload}");
        self.send(method, &format!("/?{sent}"), &[&authorization, &time, &payload])
            .await
    }

    /// A request with these headers.
    pub(super) async fn send(&self, method: &str, target: &str, headers: &[&str]) -> Answer {
        let headers = [headers, &[""]].concat().join("\r\n");
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n",
            self.address
        );
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let mut rest = request.as_bytes();
        while !rest.is_empty() {
            stream.writable().await.unwrap();
            if let Ok(sent) = stream.try_write(rest) {
                rest = &rest[sent..];
            }
        }
        let mut bytes = Vec::new();
        loop {
            stream.readable().await.unwrap();
            match read(&stream, &mut bytes) {
                Ok(0) => break,
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => panic!("{error}"),
                _ => {}
            }
        }
        let whole = String::from_utf8(bytes).unwrap();
        let (head, body) = whole.split_once("\r\n\r\n").unwrap();
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: if chunked { joined(body) } else { body.to_owned() },
        }
    }
}

/// A body out of its chunks.
fn joined(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, more)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        body.push_str(&more[..length]);
        rest = &more[length..];
        rest = rest.trim_start_matches("\r\n");
    }
    body
}

fn read(stream: &TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut part = [0; 4096];
    let count = stream.try_read(&mut part)?;
    bytes.extend(&part[..count]);
    Ok(count)
}
