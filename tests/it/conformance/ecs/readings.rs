//! The suite once more for each way to read what the documents leave open or say in two ways.

use super::{It, Reading};
use gracekey_simulators::ecs::{
    Case, IdWithoutSecret, Options, Refusal, Scope, Slots, ThirdKey, Times, TurnedAway, ZeroExpiry,
};
use std::time::Duration;

/// A module with the whole suite under these options.
macro_rules! reading {
    ($module:ident, $doc:literal, $options:expr) => {
        #[doc = $doc]
        mod $module {
            use super::*;

            pub(crate) struct This;

            impl Reading for This {
                fn options() -> Options {
                    $options
                }
            }

            conformance!(It<This>);
        }
    };
}

reading!(
    cegedim,
    "401 for a dead secret, and two minutes until nodes know.",
    Options::cegedim()
);

reading!(
    hidden,
    "Secrets are hidden, and their ids all that is shown.",
    Options {
        hide_secrets: true,
        slots: Slots::NewestFirst,
        ..Options::default()
    }
);

reading!(
    older,
    "An older release: no ids of secrets, one object around each list, blank fields, times of another form.",
    Options {
        scope: Scope::Global,
        case: Case::Kept,
        key_ids: false,
        wraps_lists: true,
        blank_key_fields: true,
        times: Times::AsDocumented,
        slots: Slots::OldestFirst,
        ..Options::default()
    }
);

reading!(
    codes,
    "Every refusal by another code or status than is likely.",
    Options {
        taken: Refusal::new(400, 1008),
        absent: Refusal::new(400, 1004),
        absent_in_body: Refusal::new(404, 2000),
        absent_key: Refusal::new(404, 2000),
        third_key: ThirdKey::Refused(Refusal::new(400, 1013)),
        taken_tag: Refusal::new(400, 1008),
        absent_tag: Refusal::new(404, 2000),
        owner_deletion: Some(Refusal::new(400, 1020)),
        expiry_without_key: Some(Refusal::new(400, 1008)),
        without_token: TurnedAway::Redirected,
        dead_token: TurnedAway::Redirected,
        over_token_limit: Refusal::new(403, 3000),
        absent_namespace: Refusal::new(404, 2000),
        max_tags: Some(2),
        ..Options::default()
    }
);

reading!(
    silent,
    "What is refused elsewhere goes through: a third secret ends the oldest, the same secret may come twice; an id beside a value decides.",
    Options {
        third_key: ThirdKey::DropsOldest,
        same_secret: None,
        zero_expiry: ZeroExpiry::Never,
        answers_old_expiry: false,
        deletion_needs_both: true,
        id_without_secret: IdWithoutSecret::RemovesOne,
        hours_ahead: 9,
        page: 2,
        dead_token: TurnedAway::RedirectedOnce,
        namespace_admin_lists_buckets: true,
        new_key_lag: Duration::from_secs(90),
        old_key_lag: Duration::from_secs(30),
        ..Options::default()
    }
);
