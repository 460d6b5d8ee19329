//! Texts with placeholders for the Secret: `${name}` and `$$`, nothing else. No functions, no conditions: what a
//! template can do is what this page says.

use secrecy::{ExposeSecret, SecretString};

/// A template that can be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

/// What can stand in `${}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum Placeholder {
    /// Public half of the key.
    AccessKeyId,
    /// Secret half of the key.
    SecretAccessKey,
    /// S3 endpoint as the store has it.
    Endpoint,
    /// Its host.
    Host,
    /// Its port, the scheme's own where it names none.
    Port,
    /// `http` or `https`.
    Scheme,
    /// Region.
    Region,
    /// Name of the user on the backend.
    UserName,
    /// CA bundle of the store in PEM; empty where it has none.
    CaBundle,
}

/// What a template is rendered with.
#[derive(Debug)]
pub struct Values<'a> {
    /// See [`Placeholder`].
    pub access_key_id: &'a str,
    /// See [`Placeholder`].
    pub secret_access_key: &'a SecretString,
    /// See [`Placeholder`].
    pub endpoint: &'a str,
    /// See [`Placeholder`].
    pub region: &'a str,
    /// See [`Placeholder`].
    pub user_name: &'a str,
    /// See [`Placeholder`].
    pub ca_bundle: &'a str,
}

/// Why a text is no template, as a sentence part for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `$` before something else than `{` or `$`.
    #[error("a `$` must begin a placeholder such as `${{accessKeyId}}`, or be written `$$`")]
    Stray,
    /// `${` without `}`.
    #[error("a `${{` has no `}}`")]
    Unclosed,
    /// A name that stands for nothing.
    #[error("`${{{0}}}` is not a placeholder")]
    Unknown(String),
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// A `$` that begins no placeholder, or a placeholder that there is not.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut parts = text.split('$');
        pieces.extend(
            parts
                .next()
                .filter(|t| !t.is_empty())
                .map(|t| Piece::Text(t.to_owned())),
        );
        while let Some(part) = parts.next() {
            if part.is_empty() {
                // "$$": the next part is plain text after one `$`.
                let rest = parts.next().ok_or(TemplateError::Stray)?;
                pieces.push(Piece::Text(format!("${rest}")));
                continue;
            }
            let inner = part.strip_prefix('{').ok_or(TemplateError::Stray)?;
            let (name, rest) = inner.split_once('}').ok_or(TemplateError::Unclosed)?;
            let value = name
                .parse()
                .map_err(|_| TemplateError::Unknown(name.chars().take(64).collect()))?;
            pieces.push(Piece::Value(value));
            if !rest.is_empty() {
                pieces.push(Piece::Text(rest.to_owned()));
            }
        }
        Ok(Self(pieces))
    }

    /// How many bytes the text with its values has. Without making it: a short text can name a long value again and
    /// again.
    pub fn length(&self, values: &Values<'_>) -> usize {
        self.0.iter().map(|piece| piece.text(values).len()).sum()
    }

    /// The text with its values. What a value contains is never read as a placeholder.
    pub fn render(&self, values: &Values<'_>) -> SecretString {
        // Of the final size from the start: growing would leave copies of the secret half behind.
        let mut text = String::with_capacity(self.length(values));
        text.extend(self.0.iter().map(|piece| piece.text(values)));
        text.into()
    }
}

impl Piece {
    fn text<'a>(&'a self, values: &Values<'a>) -> &'a str {
        match self {
            Self::Text(plain) => plain,
            Self::Value(value) => value.of(values),
        }
    }
}

impl Placeholder {
    fn of<'a>(self, values: &Values<'a>) -> &'a str {
        let (scheme, host, port) = split(values.endpoint);
        match self {
            Self::AccessKeyId => values.access_key_id,
            Self::SecretAccessKey => values.secret_access_key.expose_secret(),
            Self::Endpoint => values.endpoint,
            Self::Host => host,
            Self::Port => port,
            Self::Scheme => scheme,
            Self::Region => values.region,
            Self::UserName => values.user_name,
            Self::CaBundle => values.ca_bundle,
        }
    }
}

/// Scheme, host and port of an endpoint; where it names no port, the scheme's own.
fn split(endpoint: &str) -> (&str, &str, &str) {
    let (scheme, authority) = endpoint.split_once("://").unwrap_or(("", endpoint));
    let authority = authority.split('/').next().unwrap_or_default();
    match (authority.rsplit_once(':'), scheme) {
        // Not a colon of an IPv6 address, which is within brackets.
        (Some((host, port)), _) if !port.contains(']') => (scheme, host, port),
        (_, "https") => (scheme, authority, "443"),
        (_, "http") => (scheme, authority, "80"),
        _ => (scheme, authority, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use strum::IntoEnumIterator;

    fn render(text: &str, endpoint: &str) -> String {
        let secret = SecretString::from("s/e+c");
        let values = Values {
            access_key_id: "AK",
            secret_access_key: &secret,
            endpoint,
            region: "r1",
            user_name: "u",
            ca_bundle: "",
        };
        Template::parse(text)
            .unwrap()
            .render(&values)
            .expose_secret()
            .to_owned()
    }

    #[test]
    fn placeholders_are_replaced_and_double_dollars_are_one() {
        assert_eq!(
            render("a ${accessKeyId}:${secretAccessKey} $$5 $$", "http://h"),
            "a AK:s/e+c $5 $"
        );
        assert_eq!(render("$${accessKeyId}", "http://h"), "${accessKeyId}");
    }

    #[test]
    fn an_endpoint_is_taken_apart() {
        let all = "${scheme} ${host} ${port}";
        assert_eq!(render(all, "https://s3.example"), "https s3.example 443");
        assert_eq!(render(all, "http://127.0.0.1:7480/"), "http 127.0.0.1 7480");
        assert_eq!(render(all, "http://[::1]:7480"), "http [::1] 7480");
        assert_eq!(render(all, "http://[::1]"), "http [::1] 80");
    }

    #[test]
    fn what_is_no_placeholder_is_refused() {
        assert_eq!(
            Template::parse("${nope}"),
            Err(TemplateError::Unknown("nope".into()))
        );
        assert_eq!(Template::parse("${accessKeyId"), Err(TemplateError::Unclosed));
        assert_eq!(Template::parse("5$"), Err(TemplateError::Stray));
        assert_eq!(Template::parse("$x"), Err(TemplateError::Stray));
    }

    #[test]
    fn every_placeholder_can_be_written() {
        for placeholder in Placeholder::iter() {
            let name: &str = placeholder.into();
            assert_eq!(name.parse(), Ok(placeholder));
        }
    }

    #[test]
    fn a_value_is_never_read_as_a_placeholder() {
        let secret = SecretString::from("${caBundle}$$");
        let values = Values {
            access_key_id: "AK",
            secret_access_key: &secret,
            endpoint: "",
            region: "",
            user_name: "",
            ca_bundle: "PEM",
        };
        let template = Template::parse("${secretAccessKey}|${caBundle}|${host}${port}").unwrap();
        assert_eq!(template.render(&values).expose_secret(), "${caBundle}$$|PEM|");
        assert_eq!(template.length(&values), "${caBundle}$$|PEM|".len());
    }

    proptest! {
        #[test]
        fn only_dollars_can_be_wrong(text in "([$]|[{]|[}]|host|\\PC){0,40}") {
            prop_assert!(text.contains('$') || Template::parse(&text).is_ok());
        }

        #[test]
        fn any_text_can_be_written_by_doubling_its_dollars(text in "\\PC*") {
            prop_assert_eq!(render(&text.replace('$', "$$"), "http://h"), text);
        }

        #[test]
        fn what_stands_around_a_placeholder_stays(before in "[^$]*", after in "[^$]*") {
            prop_assert_eq!(render(&format!("{before}${{region}}{after}"), ""), format!("{before}r1{after}"));
        }
    }
}
