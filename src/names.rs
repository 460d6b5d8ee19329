//! Every name that others see on objects: labels, annotations, finalizer, field managers.

/// The API group; prefix of everything below.
pub const GROUP: &str = "gracekey.dev";

/// The program, as field manager and as the label `app.kubernetes.io/managed-by`.
pub const GRACEKEY: &str = "gracekey";

/// Field manager of everything.
pub const FIELD_MANAGER: &str = "gracekey";

/// On an object whose deletion has something to do on the backend or to wait for.
pub const FINALIZER: &str = "gracekey.dev/finalizer";

/// Annotation of an `ObjectUser`: any value not handled before asks for one rotation.
pub const ROTATE: &str = "gracekey.dev/rotate";

/// Annotation of an `ObjectUser`: the grace period of the rotation that is asked for beside it.
pub const ROTATE_GRACE_PERIOD: &str = "gracekey.dev/rotate-grace-period";

/// Annotation of an object that is being deleted: `"true"` gives up what is on the backend.
pub const FORCE_DELETE: &str = "gracekey.dev/force-delete";

/// Label of every Secret we write, by which they are watched.
pub const MANAGED: &str = "gracekey.dev/managed";

/// Value of [`MANAGED`] and of other marks that are either there or not.
pub const TRUE: &str = "true";

/// Label of a Secret: the UID of the `ObjectUser` that it was written for.
pub const OWNER_UID: &str = "gracekey.dev/owner-uid";

/// Annotation of a Secret: the name of the `ObjectUser` that it was written for. (A label holds 63 characters only.)
pub const OWNER_NAME: &str = "gracekey.dev/owner-name";

/// Annotation of a Secret: the tokens handled by the time it was written, as a JSON list, newest first.
pub const HANDLED_TOKENS: &str = "gracekey.dev/handled-rotations";

/// Annotation of a Secret: when its key was first published, RFC 3339.
pub const PUBLISH_TIME: &str = "gracekey.dev/publish-time";

/// Annotation of a Secret: a digest of its key pair, by which a damaged one is known where the backend shows no secret halves.
pub const KEY_DIGEST: &str = "gracekey.dev/key-digest";

/// Annotation of a Secret: ids of the keys in grace by the time it was written, with its end, as a JSON object.
pub const RETIRING: &str = "gracekey.dev/retiring";

/// Annotation of a Secret: which credential it holds; tells two secrets on one access key apart.
pub const CREDENTIAL_ID: &str = "gracekey.dev/credential-id";

/// Annotation of a Secret: rewritten to give it a new resource version, so that a slower operator is refused.
pub const FENCE: &str = "gracekey.dev/fence";

/// Label `app.kubernetes.io/managed-by` of the recommended set; its value is [`GRACEKEY`].
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Label `app.kubernetes.io/part-of` of the recommended set; its value is [`GRACEKEY`].
pub const PART_OF: &str = "app.kubernetes.io/part-of";

/// What the name of a store's initial user ends with.
pub const INITIAL_USER_SUFFIX: &str = "-initial";
