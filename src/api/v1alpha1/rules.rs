//! Rules that more than one field has. The API server evaluates them; each message says what must be.

use kube::core::{Reason, Rule};

/// A value that breaks this is refused with this message.
pub(super) fn rule(condition: impl Into<String>, message: &str) -> Rule {
    Rule::new(condition)
        .message(message)
        .reason(Reason::FieldValueInvalid)
}

/// Whether the CEL expression `url` is scheme, host and optional port of a server, and nothing else.
fn is_endpoint(url: &str) -> String {
    is_address(url, "")
}

/// The same with what may follow, as a regular expression.
fn is_address(url: &str, rest: &str) -> String {
    let form = format!(
        "^https?://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[[][0-9A-Fa-f:.]+[]])(:[0-9]{{1,5}})?{rest}$"
    );
    let port = format!("url({url}).getPort()");
    format!(
        "{url}.matches('{form}') && isURL({url}) && ({port} == '' || (int({port}) >= 1 && int({port}) <= 65535))"
    )
}

const ENDPOINT: &str = "must be 'http://' or 'https://', a host, and optionally ':' and a port from 1 to 65535, with nothing before or \
     after it, such as 'https://s3.example:8443'";

/// The text is the address of a server.
pub(super) fn endpoint() -> Rule {
    rule(is_endpoint("self"), ENDPOINT)
}

/// The text is the address of a server, with a path or without.
pub(super) fn endpoint_with_path() -> Rule {
    rule(
        is_address("self", "(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?"),
        "must be 'http://' or 'https://', a host, optionally ':' and a port from 1 to 65535, and optionally a path, with \
         nothing before or after it, such as 'https://cloud.example/identity/v3'",
    )
}

/// Every text of a list is the address of a server.
pub(super) fn endpoints() -> Rule {
    rule(
        format!("self.all(endpoint, {})", is_endpoint("endpoint")),
        &format!("each {ENDPOINT}"),
    )
}

/// The text is a GUID.
pub(super) fn guid() -> Rule {
    rule(
        "self.matches('^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$')",
        "must be a GUID such as '0f8fad5b-d9cb-469f-a165-70867728950e'",
    )
}

/// The value stays what it was. `because`: users that would be lost from sight, and live on.
pub(super) fn same(field: &str, because: &str) -> Rule {
    Rule::new("self == oldSelf")
        .message(format!("`{field}` must not change, as {because}: create another ObjectStore").as_str())
        .reason(Reason::FieldValueForbidden)
}

/// The text names an object.
pub(super) fn object_name(kind: &str) -> Rule {
    rule(
        "!format.dns1123Subdomain().validate(self).hasValue()",
        &format!(
            "must be a name that {kind} can have: lower-case letters, digits, '-' and '.', with a letter or digit at both ends"
        ),
    )
}

/// The text names a namespace.
pub(super) fn namespace_name() -> Rule {
    rule(
        "!format.dns1123Label().validate(self).hasValue()",
        "must be a name that a Namespace can have: lower-case letters, digits and '-', with a letter or digit at both ends",
    )
}

/// The text is a key of a Secret.
pub(super) fn secret_key() -> Rule {
    rule(
        format!(
            "{} && !self.startsWith('..') && self != '.'",
            "self.matches('^[-._a-zA-Z0-9]+$')"
        ),
        "must be a key that a Secret can have: letters, digits, '-', '_' and '.'",
    )
}

/// The text is a single line for people.
pub(super) fn label() -> Rule {
    rule(
        "!self.matches(r'\\p{Cc}')",
        "must not have control characters such as line breaks or tabs",
    )
}

/// The text is a region.
pub(super) fn region() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9][A-Za-z0-9._-]*$')",
        "must have letters, digits, '.', '_' and '-' only, and start with a letter or digit, such as 'us-east-1'",
    )
}

/// The text is a name that users can have on every backend.
pub(super) fn user_name() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9][A-Za-z0-9._-]*$')",
        "must have letters, digits, '.', '_' and '-' only, and start with a letter or digit",
    )
}

/// The name of the user is not one that this operator may derive for another object
/// ([`Identity::user_name`](crate::domain::identity::Identity::user_name)).
pub(super) fn user_name_is_free() -> Rule {
    rule(
        "!self.lowerAscii().startsWith('gk-')",
        "must not begin with 'gk-': such names are derived from namespace and name where `userName` is not set",
    )
}

/// The text is a name that a storage VM can have.
pub(super) fn svm() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9_.-]+$')",
        "must have letters, digits, '.', '_' and '-' only, as names of storage VMs do",
    )
}

/// Each policy has a name that fits into an address.
pub(super) fn policy_names() -> Rule {
    rule(
        "self.all(policy, policy.matches('^[A-Za-z0-9_.@+:/-]+$'))",
        "must be names of policies: letters, digits and '_.@+:/-' only",
    )
}

/// None of the policies is one that this operator makes, such as the one that locks.
pub(super) fn policies_of_others() -> Rule {
    rule(
        "self.all(policy, !policy.startsWith('gracekey-'))",
        "must not name a policy that the operator makes itself, 'gracekey-…'",
    )
}

/// The text names a bucket.
pub(super) fn bucket_name() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$') && !self.contains('..') && !self.matches('^[0-9]+([.][0-9]+){3}$')",
        "must be a name that a bucket can have: 3 to 63 lower-case letters, digits, '-' and '.', with a letter or digit at both \
         ends, no '..', and no IP address",
    )
}

/// The text is no alias that opens a bucket of Garage to a namespace.
pub(super) fn no_consent() -> Rule {
    rule(
        "!self.matches('^gracekey-[0-9a-f]{32}$')",
        "must not be 'gracekey-' and 32 hex digits: such a name opens a bucket to a namespace, and is none to be asked for",
    )
}

/// The value is an amount of bytes. Written as a rule beside the pattern in the schema, for the sake of the message and of
/// numbers, which a pattern says nothing about.
pub(super) fn bytes() -> Rule {
    rule(
        format!("string(self).matches('{}')", super::bytes::PATTERN),
        "must be a number of bytes, or one with a suffix such as '10G' or '512Mi': no sign, at most 15 digits, and 12 before a suffix with three decimals",
    )
}

/// The value, if it is an amount of bytes, can be a limit.
pub(super) fn bytes_within() -> Rule {
    let quantity = "quantity(string(self))";
    rule(
        format!(
            "!string(self).matches('{}') || ({quantity}.compareTo(quantity('1')) >= 0 && \
             {quantity}.compareTo(quantity('1024Pi')) <= 0)",
            super::bytes::PATTERN
        ),
        "must be from 1 to 1024Pi",
    )
}

/// The form of a duration. Written as a rule beside the pattern in the schema, for the sake of the message.
const IS_DURATION: &str = "matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')";

/// The text is a duration.
pub(super) fn duration() -> Rule {
    rule(
        format!("self.{IS_DURATION}"),
        "must be a duration such as '24h' or '1h30m': whole numbers with unit 'h', 'm', 's' or 'ms', no sign, no days",
    )
}

/// The text, if it is a duration, is neither shorter nor longer than these.
pub(super) fn duration_within(min: &str, max: &str) -> Rule {
    rule(
        format!(
            "!self.{IS_DURATION} || (duration(self) >= duration('{min}') && duration(self) <= duration('{max}'))"
        ),
        &format!("must be from {min} to {max}"),
    )
}

/// A schedule leaves room for the grace period.
pub(super) fn interval_beyond_grace() -> Rule {
    rule(
        format!(
            "!has(self.interval) || !has(self.gracePeriod) || !self.interval.{IS_DURATION} || \
             !self.gracePeriod.{IS_DURATION} || duration(self.interval) > duration(self.gracePeriod)"
        ),
        "`interval` must be longer than `gracePeriod`, so that old keys do not pile up",
    )
    .field_path(".interval")
}

/// What a template of a Secret may refer to.
const PLACEHOLDERS: &str = "accessKeyId|secretAccessKey|endpoint|host|port|scheme|region|userName|caBundle";

/// The keys of a map are keys of a Secret.
pub(super) fn template_keys() -> Rule {
    rule(
        "self.all(key, key.matches('^[-._a-zA-Z0-9]{1,253}$') && !key.startsWith('..') && key != '.')",
        "each key must be one that a Secret can have: at most 253 letters, digits, '-', '_' and '.'",
    )
}

/// The values of a map have known placeholders only.
pub(super) fn template_values() -> Rule {
    rule(
        format!("self.all(key, self[key].matches('^([^$]|[$][$]|[$][{{]({PLACEHOLDERS})[}}])*$'))"),
        "each '$' must begin one of the placeholders ${accessKeyId}, ${secretAccessKey}, ${endpoint}, ${host}, ${port}, \
         ${scheme}, ${region}, ${userName} and ${caBundle}, or be written as '$$'",
    )
}

/// Keys that the format `AWSEnv` writes.
const AWS_ENV: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "S3_ADDRESSING_STYLE",
    "ca.crt",
];

/// What the format `AWSEnv` writes is not written by the template too.
pub(super) fn template_beside_aws_env() -> Rule {
    template_beside("has(self.format) && self.format != 'AWSEnv'", &AWS_ENV)
}

/// What the format `BasicAuth` writes is not written by the template too.
pub(super) fn template_beside_basic_auth() -> Rule {
    template_beside(
        "!has(self.format) || self.format != 'BasicAuth'",
        &["username", "password", "ca.crt"],
    )
}

fn template_beside(other_format: &str, keys: &[&str]) -> Rule {
    let quoted: Vec<String> = keys.iter().map(|key| format!("'{key}'")).collect();
    let quoted = quoted.join(", ");
    rule(
        format!("!has(self.template) || ({other_format}) || self.template.all(key, !(key in [{quoted}]))"),
        &format!("`template` must not have keys that the format writes: {quoted}"),
    )
    .field_path(".template")
}

/// The keys of a map can stand in an object's metadata.
pub(super) fn metadata_keys() -> Rule {
    rule(
        "self.all(key, !format.qualifiedName().validate(key).hasValue())",
        "each key must be a name of at most 63 letters, digits, '-', '_' and '.', optionally after a DNS name and '/'",
    )
}

/// The keys of a map mean nothing to Kubernetes, GitOps tools or ourselves: they would take the Secret for theirs.
pub(super) fn metadata_prefixes() -> Rule {
    rule(
        "self.all(key, !key.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|argoproj[.]io|fluxcd[.]io|helm[.]sh|gracekey[.]dev)/'))",
        "keys must not have a prefix of Kubernetes, GitOps tools or Gracekey: 'kubernetes.io', 'k8s.io', 'argoproj.io', \
         'fluxcd.io', 'helm.sh', 'gracekey.dev' or a part of one of these",
    )
}

/// The values of a map can be values of labels.
pub(super) fn label_values() -> Rule {
    rule(
        "self.all(key, !format.labelValue().validate(self[key]).hasValue())",
        "each value must have at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends",
    )
}
