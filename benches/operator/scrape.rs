//! Reads metrics in Prometheus' text form.

use crate::Outcome;
use kube::Client;
use std::collections::BTreeMap;

/// Sum of the samples whose line begins with `name` and holds all `labels`.
pub(crate) fn sum(text: &str, name: &str, labels: &[&str]) -> f64 {
    let lines = text.lines().filter(|line| line.starts_with(name));
    let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    lines.filter_map(value).sum()
}

fn value(line: &str) -> Option<f64> {
    line.rsplit(' ').next()?.parse().ok()
}

/// What the API server has carried out on our objects so far: requests by verb and resource, without lists and watches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(BTreeMap<String, f64>);

const RESOURCES: [&str; 5] = ["objectusers", "objectstores", "secrets", "events", "namespaces"];

impl Requests {
    pub(crate) async fn so_far(client: &Client) -> Outcome<Self> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        let text = client.request_text(request).await?;
        let mut requests = BTreeMap::new();
        for line in text.lines().filter(|l| l.starts_with("apiserver_request_total{")) {
            let label = |name: &str| line.split(&format!("{name}=\"")).nth(1)?.split('"').next();
            let (Some(verb), Some(resource)) = (label("verb"), label("resource")) else {
                continue;
            };
            if matches!(verb, "WATCH" | "LIST" | "DELETECOLLECTION") || !RESOURCES.contains(&resource) {
                continue;
            }
            let sub = label("subresource")
                .filter(|s| !s.is_empty())
                .map(|s| format!("/{s}"));
            let what = format!("{verb} {resource}{}", sub.unwrap_or_default());
            *requests.entry(what).or_default() += value(line).unwrap_or_default();
        }
        Ok(Self(requests))
    }

    /// How many of each since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let more = self.0.iter().map(|(what, count)| {
            let past = before.0.get(what).copied().unwrap_or_default();
            (what.clone(), count - past)
        });
        Self(more.filter(|(_, count)| *count > 0.0).collect())
    }

    /// Without the requests that made the objects themselves.
    pub(crate) fn without(mut self, what: &str, count: f64) -> Self {
        *self.0.entry(what.to_owned()).or_default() -= count;
        self.0.retain(|_, count| *count > 0.0);
        self
    }

    pub(crate) fn total(&self) -> f64 {
        self.0.values().sum::<f64>() + 0.0
    }

    /// Those that change something.
    pub(crate) fn writes(&self) -> f64 {
        let writes = self.0.iter().filter(|(what, _)| !what.starts_with("GET"));
        // The sum of nothing is -0.
        writes.map(|(_, count)| count).sum::<f64>() + 0.0
    }

    /// One line, each divided by `users`.
    pub(crate) fn each(&self, users: f64) -> String {
        let parts = self
            .0
            .iter()
            .map(|(what, count)| format!("{what} {:.2}", count / users));
        parts.collect::<Vec<_>>().join(", ")
    }
}
