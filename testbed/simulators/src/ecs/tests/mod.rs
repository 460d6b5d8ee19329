//! The simulator over its real sockets: one test for each oddity of the documents.

mod keys;
mod s3;
mod session;
mod strict;
mod users;

use super::{Credentials, Ecs, Options};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Runs a test against a simulator, and gives the violations.
fn ended(options: Options, test: impl FnOnce(&Ecs) + Send + 'static) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let ecs = runtime.block_on(Ecs::start(options));
    // The client blocks, so that the test reads from top to bottom; the simulator answers from this thread.
    let client = tokio::task::spawn_blocking;
    let ended = runtime.block_on(async move {
        client(move || {
            test(&ecs);
            ecs
        })
        .await
    });
    let ecs = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    let violations = ecs.violations().all();
    // Dropping it would judge, and some tests want the violations.
    std::mem::forget(ecs);
    violations
}

/// Runs a test that stays within the documents.
fn with(options: Options, test: impl FnOnce(&Ecs) + Send + 'static) {
    assert_eq!(ended(options, test), Vec::<String>::new());
}

#[derive(Clone, Debug)]
struct Response {
    status: u16,
    head: String,
    body: String,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(there, _)| there.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

fn send(url: &str, line: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let headers = headers.concat();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: ecs\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Response {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// One who has logged in, and speaks JSON.
struct Admin<'a> {
    ecs: &'a Ecs,
    token: String,
}

fn try_login(ecs: &Ecs, credentials: Credentials) -> Response {
    let basic = STANDARD.encode(format!("{}:{}", credentials.user, credentials.password));
    let authorization = format!("Basic {basic}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("accept", "application/json"),
    ];
    send(&ecs.url(), "GET /login", &headers, "")
}

fn login(ecs: &Ecs, credentials: Credentials) -> Admin<'_> {
    let answer = try_login(ecs, credentials);
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "user": credentials.user }))
    );
    let token = answer.header("x-sds-auth-token").unwrap().to_owned();
    Admin { ecs, token }
}

impl Admin<'_> {
    fn raw(&self, line: &str, body: &str) -> Response {
        let mut headers = vec![
            ("x-sds-auth-token", self.token.as_str()),
            ("accept", "application/json"),
        ];
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        send(&self.ecs.url(), line, &headers, body)
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.raw(&format!("GET {path}"), "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// Status, and code of the error or 0.
    fn says(&self, line: &str, body: &Value) -> (u16, u64) {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = self.raw(line, &text);
        (answer.status, answer.json()["code"].as_u64().unwrap_or(0))
    }

    fn make(&self, uid: &str) {
        assert_eq!(
            self.says("POST /object/users", &json!({ "user": uid, "namespace": "ns1" })),
            (200, 0)
        );
    }

    fn add(&self, uid: &str, mut body: Value) -> Response {
        body["namespace"] = json!("ns1");
        self.raw(&format!("POST /object/user-secret-keys/{uid}"), &body.to_string())
    }

    fn keys(&self, uid: &str) -> Value {
        self.get(&format!("/object/user-secret-keys/{uid}/ns1"))
    }

    fn drop_key(&self, uid: &str, mut body: Value) -> (u16, u64) {
        body["namespace"] = json!("ns1");
        self.says(&format!("POST /object/user-secret-keys/{uid}/deactivate"), &body)
    }
}

/// Asks S3 for something, signed with Version 2.
fn s3(ecs: &Ecs, line: &str, id: &str, secret: &str) -> Response {
    let (method, path) = line.split_once(' ').unwrap();
    let date = "Wed, 28 Mar 2007 01:29:59 +0000";
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{method}\n\n\n{date}\n{path}").as_bytes());
    let authorization = format!("AWS {id}:{}", STANDARD.encode(mac.finalize().into_bytes()));
    send(
        &ecs.s3_url(),
        line,
        &[("date", date), ("authorization", &authorization)],
        "",
    )
}

fn works(ecs: &Ecs, id: &str, secret: &str) -> bool {
    s3(ecs, "GET /", id, secret).status == 200
}
