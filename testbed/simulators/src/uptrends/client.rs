//! Requests as bytes on a socket, so that a test says all of what it sends.

use super::{Account, Login};
use base64::Engine as _;
use serde_json::Value;
use std::io::ErrorKind;
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    /// With names in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

impl Response {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A member that is text.
    pub(super) fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap().to_owned()
    }
}

/// Who sends requests, and where to.
#[derive(Clone)]
pub(super) struct Client {
    url: String,
    authorization: String,
}

impl Client {
    pub(super) fn new(url: &str, user: &str, password: &str) -> Self {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        Self {
            url: url.to_owned(),
            authorization: format!("authorization: Basic {pair}\r\n"),
        }
    }

    pub(super) fn of(url: &str, account: &Account) -> Self {
        Self::new(url, &account.user_name, &account.password)
    }

    pub(super) fn login(url: &str, login: &Login) -> Self {
        Self::new(url, &login.email, &login.password)
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.send("GET", path, "accept: application/json\r\n", "").await
    }

    pub(super) async fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, "accept: application/json\r\n", "")
            .await
    }

    /// A request with a JSON body, or with none where `body` is null.
    pub(super) async fn write(&self, method: &str, path: &str, body: Value) -> Response {
        let accept = "accept: application/json\r\n";
        if body.is_null() {
            return self.send(method, path, accept, "").await;
        }
        let headers = format!("{accept}content-type: application/json\r\n");
        self.send(method, path, &headers, &body.to_string()).await
    }

    /// A request with these headers beside `Authorization`.
    pub(super) async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Response {
        let headers = format!("{}{headers}", self.authorization);
        raw(&self.url, method, path, &headers, body).await
    }
}

/// A request with these headers and no other but those that HTTP needs.
pub(super) async fn raw(url: &str, method: &str, path: &str, headers: &str, body: &str) -> Response {
    let (address, base) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let request = format!(
        "{method} /{base}{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let stream = TcpStream::connect(address).await.unwrap();
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        stream.writable().await.unwrap();
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Response {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}
