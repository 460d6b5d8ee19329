//! The watch over secrets: every secret half that was ever in a Secret of the test, and where none may appear.

use super::cluster::OwnNamespace;
use futures::TryStreamExt as _;
use gracekey::names;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, ResourceExt as _,
    runtime::{WatchStreamExt as _, watcher},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::task::JoinSet;

/// Keys of Secrets that hold secret halves: of users, and of the admin.
const HALVES: [&str; 3] = ["AWS_SECRET_ACCESS_KEY", "secretKey", "password"];

/// Collects secret halves as long as it lives.
#[derive(Debug, Default)]
pub(crate) struct Canaries {
    found: Arc<Mutex<BTreeSet<String>>>,
    published: Arc<AtomicBool>,
    watches: JoinSet<()>,
}

impl Canaries {
    /// Looks at every Secret that ever is in this namespace.
    pub(crate) fn watch(&mut self, namespace: &OwnNamespace) {
        let (api, found): (Api<Secret>, _) = (namespace.api(), Arc::clone(&self.found));
        let published = Arc::clone(&self.published);
        self.watches.spawn(async move {
            let secrets = watcher(api, watcher::Config::default())
                .default_backoff()
                .applied_objects();
            let collected = secrets.try_for_each(|secret| {
                let ours = secret.labels().contains_key(names::MANAGED);
                published.fetch_or(ours, Ordering::Relaxed);
                found.lock().unwrap().extend(halves_of(&secret));
                std::future::ready(Ok(()))
            });
            // It ends with the runtime, in the middle of whatever it is.
            drop(collected.await);
        });
    }

    /// One more, of the admin or of a key that may never have been published.
    pub(crate) fn add(&self, half: &str) {
        self.found.lock().unwrap().insert(half.to_owned());
    }

    /// Whether the half of a user's key was ever in a Secret.
    pub(crate) fn has_published(&self) -> bool {
        self.published.load(Ordering::Relaxed)
    }

    /// Fails the test if a secret half is in this text, as it is or encoded.
    #[track_caller]
    pub(crate) fn scan(&self, place: &str, text: &str) {
        // The half itself is not printed.
        let before = self
            .find(text)
            .map(|at| text.get(..at).and_then(|t| t.lines().last()));
        assert_eq!(before, None, "I11: a secret half is in {place}, after this text");
    }

    /// Where the first of them begins.
    fn find(&self, text: &str) -> Option<usize> {
        let found = self.found.lock().unwrap();
        assert!(
            !found.is_empty(),
            "no secret half was ever seen: the scan would prove nothing"
        );
        let forms: BTreeSet<String> = found.iter().flat_map(|half| forms(half)).collect();
        first_of(&forms, text.as_bytes())
    }
}

/// Where the first of these begins. There may be a thousand of them, and megabytes to look through: most places are
/// passed by their first two bytes.
fn first_of(forms: &BTreeSet<String>, text: &[u8]) -> Option<usize> {
    let mut by_begin = vec![Vec::new(); 1 << 16];
    let index = |begin: &[u8]| usize::from(begin[0]) << 8 | usize::from(begin[1]);
    for form in forms {
        by_begin[index(form.as_bytes())].push(form.as_bytes());
    }
    let mut places = text.windows(2).enumerate();
    let found = places.find(|(at, begin)| {
        let likely = &by_begin[index(begin)];
        likely.iter().any(|form| text[*at..].starts_with(form))
    });
    found.map(|(at, _)| at)
}

/// What a half looks like where somebody wrote it down: as it is, in a URL, or within base64, where it depends on how
/// many bytes are before it.
fn forms(half: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([half.to_owned(), percent_encoded(half)]);
    for (before, mixed) in [(0, 0), (1, 2), (2, 3)] {
        let bytes = [&[0; 2][..before], half.as_bytes()].concat();
        let encoded = serde_json::to_value(ByteString(bytes)).unwrap();
        // Characters at both ends are made of neighbours, too.
        let whole = encoded.as_str().unwrap().trim_end_matches('=');
        let own = whole.get(mixed..whole.len() - 1).unwrap_or_default();
        forms.insert(own.to_owned());
    }
    forms
}

fn percent_encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    encoded.collect()
}

fn halves_of(secret: &Secret) -> impl Iterator<Item = String> {
    let data = secret.data.clone().unwrap_or_default();
    HALVES.into_iter().filter_map(move |key| {
        String::from_utf8(data.get(key)?.0.clone())
            .ok()
            .filter(|half| half.len() >= 16)
    })
}

mod tests {
    use super::*;

    fn base64(text: &str) -> String {
        let encoded = serde_json::to_value(ByteString(text.as_bytes().to_vec())).unwrap();
        encoded.as_str().unwrap().to_owned()
    }

    #[test]
    fn a_half_is_found_in_whatever_form_it_was_written() {
        let half = "q+Vb/0123456789abcdefWXYZ";
        let canaries = Canaries::default();
        canaries.add(half);
        let mut places = vec![
            format!("key={half}"),
            "secret=q%2BVb%2F0123456789abcdefWXYZ&".to_owned(),
        ];
        for before in ["", "a", "ab", "abc"] {
            places.push(format!("data: {}", base64(&format!("{before}{half}"))));
            places.push(format!("data: {}", base64(&format!("{before}{half}, and more"))));
        }
        for place in places {
            assert!(canaries.find(&place).is_some(), "not found in {place}");
        }
    }

    #[test]
    fn what_holds_no_half_passes() {
        let canaries = Canaries::default();
        canaries.add("q+Vb/0123456789abcdefWXYZ");
        assert_eq!(canaries.find("0123456789abcdef"), None);
    }
}
