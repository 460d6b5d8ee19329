//! A deadline for requests to the API server. The client has none of its own, and one answer that is lost would hold
//! up its object for minutes.

use futures::future::BoxFuture;
use std::{
    task::{Context, Poll},
    time::Duration,
};
use tower::Service;

/// An API server that is at work answers within milliseconds.
const LIMIT: Duration = Duration::from_secs(15);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Ends requests that are not answered in time: not by so much as the head of an answer. How long its body takes is
/// the caller's to bound, since that of a watch never ends.
#[derive(Clone, Debug)]
pub struct Deadline<S>(S);

impl<S> Deadline<S> {
    /// Around a client's service.
    pub fn new(service: S) -> Self {
        Self(service)
    }
}

impl<S, B> Service<http::Request<B>> for Deadline<S>
where
    S: Service<http::Request<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move {
            match tokio::time::timeout(LIMIT, answer).await {
                Ok(answered) => answered.map_err(Into::into),
                Err(_) => Err("the API server did not answer in time".into()),
            }
        })
    }
}
