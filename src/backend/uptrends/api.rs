//! Sending, and reading what accounts there are: for the driver and for the prover alike.

use super::{UptrendsConfig, description, error, request, wire};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::{HttpClient, HttpOptions, Reply, basic};
use crate::backend::{BackendKind, ObservedCredential, ObservedUser};
use crate::domain::access::Limits;
use crate::domain::ids::{AccessKeyId, CredentialId, OwnerMark, UserName};
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, Method};
use secrecy::SecretString;
use serde::de::IgnoredAny;

pub(super) const NO_ANSWER: &str = "this is no answer of the Uptrends API: is the endpoint right, and final?";

/// The API, as one API account may use it.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) config: UptrendsConfig,
    http: HttpClient,
}

impl Api {
    /// Nothing is sent. Fails when CA bundle, user name or operator cannot be used.
    pub(super) fn new(config: UptrendsConfig) -> Result<Self> {
        let about = Call::new(
            BackendKind::Uptrends,
            "Configure",
            Method::GET,
            "",
            "the settings",
        );
        let invalid = |text: &str| about.refuse(ErrorKind::Invalid, text);
        basic(&config.user_name, &config.password).map_err(|text| invalid(&text))?;
        if config.operator_guid.as_deref().is_some_and(|guid| !is_id(guid)) {
            return Err(invalid("operatorGuid is no GUID"));
        }
        let options = HttpOptions {
            tls: config.tls.clone(),
            timeout: config.call_limit,
        };
        let http = HttpClient::new(&options).map_err(|text| invalid(&text))?;
        Ok(Self { config, http })
    }

    /// Sends a call; any answer is a value, none is an error.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply> {
        self.send_as(call, &self.config.user_name, &self.config.password)
            .await
    }

    /// The same as another API account.
    pub(super) async fn send_as(&self, call: &Call, user: &str, password: &SecretString) -> Result<Reply> {
        let mut request = call.request(&self.config.endpoint)?;
        let login = basic(user, password).map_err(|text| call.refuse(ErrorKind::Invalid, &text))?;
        request.headers_mut().insert(AUTHORIZATION, login);
        // Else it is free to answer in XML (specification of 2022).
        request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
        let sent = self.http.send(request).await;
        sent.map_err(|e| e.into_error(call.backend, call.operation, call.changes()))
    }

    /// Sends a call and demands a success.
    pub(super) async fn succeed(&self, call: &Call) -> Result<Reply> {
        let reply = self.send(call).await?;
        if is_success(&reply) {
            Ok(reply)
        } else {
            Err(error::refused(call, &reply))
        }
    }

    /// All accounts that this store may know of.
    pub(super) async fn list(&self, call: &Call) -> Result<Accounts> {
        let reply = self.succeed(call).await?;
        let all: Vec<wire::Account> = call.parse(&reply, NO_ANSWER)?;
        // Without descriptions every account would look like somebody else's, and ours would be made again and again.
        if !all.is_empty() && all.iter().all(|account| account.description.is_none()) {
            return Err(call.misunderstood("the API lists accounts without their descriptions"));
        }
        Ok(Accounts {
            told: all.iter().any(|account| account.used.is_some()),
            operator: self.operator_among(&all),
            all: all
                .into_iter()
                .filter(|account| self.is_in_reach(account))
                .collect(),
        })
    }

    /// The operator that new accounts are made for.
    fn operator_among(&self, all: &[wire::Account]) -> Option<String> {
        let own = || {
            let own = all.iter().find(|account| self.is_own(account))?;
            own.operator.clone().filter(|guid| is_id(guid))
        };
        self.config.operator_guid.clone().or_else(own)
    }

    /// The account that calls are made with.
    pub(super) fn is_own(&self, account: &wire::Account) -> bool {
        let name = account.user_name.as_deref();
        name.is_some_and(|name| name.eq_ignore_ascii_case(&self.config.user_name))
    }

    /// Not one of an operator whose accounts were not asked for.
    fn is_in_reach(&self, account: &wire::Account) -> bool {
        match (&self.config.operator_guid, &account.operator) {
            (Some(wanted), Some(operator)) => wanted.eq_ignore_ascii_case(operator),
            _ => true,
        }
    }

    /// The accounts of one user, read now.
    pub(super) async fn accounts_of(&self, name: &UserName) -> Result<Listed> {
        let call = request::list_for(self.config.operator_guid.as_deref(), name);
        let Accounts { all, operator, told } = self.list(&call).await?;
        let mut members = Vec::new();
        for account in all {
            let described = account.description.as_deref().and_then(description::read);
            let Some(described) = described.filter(|d| d.name == name.as_str()) else {
                continue;
            };
            members.push(self.member(&call, account, described, operator.as_ref(), told)?);
        }
        Ok(Listed { operator, members })
    }

    fn member(
        &self,
        call: &Call,
        account: wire::Account,
        described: description::Described,
        operator: Option<&String>,
        told: bool,
    ) -> Result<Member> {
        let lacks =
            |what: &str| call.misunderstood(&format!("the API lists an account of it without {what}"));
        let own = self.is_own(&account);
        let last_use = account.last_use(told, described.owner.is_some());
        let guid = account.guid.filter(|guid| is_id(guid));
        let user_name = account.user_name.filter(|name| is_user_name(name));
        let access_key_id = AccessKeyId::new(user_name.ok_or_else(|| lacks("a user name"))?);
        let operator = account
            .operator
            .filter(|guid| is_id(guid))
            .or_else(|| operator.cloned());
        Ok(Member {
            guid: guid.ok_or_else(|| lacks("a GUID"))?,
            operator: operator.ok_or_else(|| lacks("its operator"))?,
            description: account.description.unwrap_or_default(),
            label: described.label,
            owner: described.owner,
            own,
            credential: ObservedCredential {
                id: CredentialId::from(&access_key_id),
                access_key_id,
                secret: None,
                last_use,
            },
        })
    }
}

/// The accounts of a list.
pub(super) struct Accounts {
    /// Those in reach.
    pub(super) all: Vec<wire::Account>,
    /// The operator that new ones are made for; `None`: the list does not tell.
    pub(super) operator: Option<String>,
    /// Some have a member for "last used".
    told: bool,
}

/// A user: the accounts that name it.
pub(super) struct Listed {
    /// The operator that new ones are made for; `None`: the list does not tell.
    pub(super) operator: Option<String>,
    /// They, in no particular order.
    pub(super) members: Vec<Member>,
}

/// One account of a user.
pub(super) struct Member {
    /// Its id, fit for a path.
    pub(super) guid: String,
    /// Its operator, fit for a path.
    pub(super) operator: String,
    /// Its whole description.
    pub(super) description: String,
    label: String,
    /// Whose it is; `None`: the mark is damaged.
    pub(super) owner: Option<OwnerMark>,
    /// It is the one that calls are made with.
    pub(super) own: bool,
    /// As the rest of the operator sees it.
    pub(super) credential: ObservedCredential,
}

impl Listed {
    /// Whose the user is. Where accounts disagree, or one is nobody's: nobody's.
    pub(super) fn owner(&self) -> Option<&OwnerMark> {
        let first = self.members.first()?.owner.as_ref();
        first.filter(|_| self.members.iter().all(|m| m.owner.as_ref() == first))
    }

    /// The account that calls are made with is among them.
    pub(super) fn is_privileged(&self) -> bool {
        self.members.iter().any(|member| member.own)
    }

    /// As the rest of the operator sees it; `None`: there is no account of it.
    pub(super) fn observe(self) -> Option<ObservedUser> {
        if self.members.is_empty() {
            return None;
        }
        let mut labels: Vec<&str> = self.members.iter().map(|m| m.label.as_str()).collect();
        labels.sort_unstable();
        labels.dedup();
        Some(ObservedUser {
            limits: Ok(Limits::new()),
            owner: self.owner().cloned(),
            // Several are none that was ever asked for, so that the right one is set.
            label: labels.join(" | "),
            locked: false,
            half_locked: false,
            privileged: self.is_privileged(),
            credentials: self.members.into_iter().map(|m| m.credential).collect(),
        })
    }
}

/// Fit to stand in a path, as GUIDs are.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Fit for HTTP Basic, and for an id of ours.
pub(super) fn is_user_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_graphic() && b != b':' && b != b'#';
    (1..=128).contains(&text.len()) && text.bytes().all(fits)
}

/// An answer that something else than the API would hardly give: nothing at all, or JSON.
pub(super) fn is_plausible(reply: &Reply) -> bool {
    reply.body.is_empty() || serde_json::from_slice::<IgnoredAny>(&reply.body).is_ok()
}
