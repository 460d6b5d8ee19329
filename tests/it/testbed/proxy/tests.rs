//! The proxy does what the tests of others rely on.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A proxy can stand for a server as well.
async fn server() -> FaultProxy {
    let server = FaultProxy::start("http://127.0.0.1:1", None).await;
    server.always(|_| true, Fault::answer(200, "hello"));
    server
}

async fn get(proxy: &FaultProxy, target: &str) -> reqwest::Result<String> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client
        .get(format!("{}{target}", proxy.url()))
        .send()
        .await?
        .text()
        .await
}

#[tokio::test]
async fn requests_are_counted_in_order_and_spoilt_as_told() {
    let server = server().await;
    let proxy = FaultProxy::start(&server.url(), None).await;
    proxy.once(|seen| seen.number == 2, Fault::CutBefore);
    proxy.once(|seen| seen.target == "/x?y=1", Fault::CutAfter);
    proxy.once(|seen| seen.number == 5, Fault::CutWithin);
    proxy.once(
        |seen| seen.number == 6,
        Fault::Replace(500, HeaderMap::new(), "oh".to_owned()),
    );
    let mut answers = Vec::new();
    for target in ["/", "/", "/x?y=1", "/x?y=1", "/", "/"] {
        answers.push(get(&proxy, target).await.ok());
    }
    let hello = || Some("hello".to_owned());
    assert_eq!(
        answers,
        [hello(), None, None, hello(), None, Some("oh".to_owned())]
    );
    assert_eq!((proxy.seen().len(), server.seen().len()), (6, 5));
}

#[tokio::test]
async fn a_hook_runs_before_or_after_the_request_is_carried_out() {
    let server = Arc::new(server().await);
    let proxy = FaultProxy::start(&server.url(), None).await;
    let carried_out = Arc::new(AtomicUsize::new(99));
    let hook: Hook = {
        let (server, carried_out) = (Arc::clone(&server), Arc::clone(&carried_out));
        Arc::new(move || carried_out.store(server.seen().len(), Ordering::SeqCst))
    };
    proxy.once(|_| true, Fault::RunThenCut(Arc::clone(&hook)));
    get(&proxy, "/").await.unwrap_err();
    assert_eq!(carried_out.load(Ordering::SeqCst), 0);
    proxy.once(|_| true, Fault::CarryOutThenRunThenCut(hook));
    get(&proxy, "/").await.unwrap_err();
    assert_eq!(carried_out.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_is_passed_on_as_it_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::start(&format!("http://{}", listener.local_addr().unwrap()), None).await;
    let (go_on, wait) = tokio::sync::oneshot::channel::<()>();
    let server = async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _request = socket.read(&mut [0; 4096]).await.unwrap();
        socket
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
            .await
            .unwrap();
        wait.await.unwrap();
        socket.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    };
    let client = async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut answer = client.get(proxy.url()).send().await.unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "one");
        go_on.send(()).unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "two");
        assert!(answer.chunk().await.unwrap().is_none());
    };
    let both = futures::future::join(server, client);
    tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
}

#[tokio::test]
async fn an_upstream_is_reached_by_tls() {
    let server = server().await;
    let front = crate::testbed::TlsFront::start(&server.url()).await;
    let proxy = FaultProxy::start(&front.url(), Some(&front.ca)).await;
    assert_eq!(get(&proxy, "/").await.unwrap(), "hello");
}
