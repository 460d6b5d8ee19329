//! Requests of the Identity API v3, as pure values.
//!
//! Source: the reference of the Identity API v3 and of its extension OS-EC2 (docs.openstack.org/api-ref/identity), and what
//! Keystone 30.0 was seen to do. Secrets travel in bodies and in the headers of the token only.

use super::KeystoneConfig;
use crate::backend::{BackendKind, NewUser, call::Call, http::Query};
use crate::domain::ids::{AccessKeyId, UserName};
use http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

/// Attribute of a user that holds the owner's mark. Keystone keeps any attribute that it does not know with the user
/// ("extra" in the reference), and only an admin may change one.
pub(super) const OWNER: &str = "gracekey_owner";
/// Name of the call that ends a token.
pub(super) const LOGOUT: &str = "Logout";
/// Room for a body with a secret, so that it is written in one piece and no copy is left behind.
const SECRET_BODY: usize = 2048;

fn call(operation: &'static str, method: Method, target: String, subject: String) -> Call {
    Call::new(BackendKind::Keystone, operation, method, target, subject)
}

fn about(operation: &'static str, method: Method, target: String, name: &UserName) -> Call {
    call(operation, method, target, format!("user {name}"))
}

/// A body that holds a secret: written once, into memory that is wiped.
fn with_secret(call: Call, body: &impl Serialize) -> Call {
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BODY));
    // Texts alone: nothing here can fail to be written.
    drop(serde_json::to_writer(&mut *bytes, body));
    Call {
        body: Some(("application/json", bytes)),
        ..call
    }
}

/// The forms of what goes with a secret into a body.
mod body {
    use serde::Serialize;

    #[derive(Serialize)]
    pub(super) struct Login<'a> {
        pub(super) auth: Auth<'a>,
    }

    #[derive(Serialize)]
    pub(super) struct Auth<'a> {
        pub(super) identity: Identity<'a>,
        pub(super) scope: Scope<'a>,
    }

    #[derive(Serialize)]
    pub(super) struct Identity<'a> {
        pub(super) methods: [&'a str; 1],
        pub(super) password: Password<'a>,
    }

    #[derive(Serialize)]
    pub(super) struct Password<'a> {
        pub(super) user: User<'a>,
    }

    #[derive(Serialize)]
    pub(super) struct User<'a> {
        pub(super) name: &'a str,
        pub(super) domain: Named<'a>,
        pub(super) password: &'a str,
    }

    #[derive(Serialize)]
    pub(super) struct Scope<'a> {
        pub(super) project: Project<'a>,
    }

    #[derive(Serialize)]
    pub(super) struct Project<'a> {
        pub(super) name: &'a str,
        pub(super) domain: Named<'a>,
    }

    #[derive(Serialize)]
    pub(super) struct Named<'a> {
        pub(super) name: &'a str,
    }

    #[derive(Serialize)]
    pub(super) struct Pair<'a> {
        pub(super) access: &'a str,
        pub(super) secret: &'a str,
    }

    #[derive(Serialize)]
    pub(super) struct NewKey<'a> {
        pub(super) credential: Credential<'a>,
    }

    #[derive(Serialize)]
    pub(super) struct Credential<'a> {
        #[serde(rename = "type")]
        pub(super) kind: &'a str,
        pub(super) user_id: &'a str,
        pub(super) project_id: &'a str,
        pub(super) blob: &'a str,
    }
}

/// Trades name and password for a token in the answer's header `X-Subject-Token`.
pub(super) fn login(config: &KeystoneConfig) -> Call {
    let domain = || body::Named {
        name: &config.admin_domain,
    };
    let login = body::Login {
        auth: body::Auth {
            identity: body::Identity {
                methods: ["password"],
                password: body::Password {
                    user: body::User {
                        name: &config.username,
                        domain: domain(),
                        password: config.password.expose_secret(),
                    },
                },
            },
            scope: body::Scope {
                project: body::Project {
                    name: &config.admin_project,
                    domain: domain(),
                },
            },
        },
    };
    with_secret(session("Login", Method::POST, config), &login)
}

/// Ends the token in the header `X-Subject-Token`.
pub(super) fn logout(config: &KeystoneConfig) -> Call {
    session(LOGOUT, Method::DELETE, config)
}

fn session(operation: &'static str, method: Method, config: &KeystoneConfig) -> Call {
    let subject = format!("admin user {}", config.username);
    call(operation, method, "/v3/auth/tokens".to_owned(), subject)
}

/// The version of the API. Nobody needs a token for it.
pub(super) fn version() -> Call {
    call("GetVersion", Method::GET, "/v3".to_owned(), "Keystone".to_owned())
}

/// The domains of this name: one or none.
pub(super) fn find_domain(name: &str) -> Call {
    let query = Query::new().pair("name", name);
    let target = format!("/v3/domains?{}", query.as_str());
    call("FindDomain", Method::GET, target, format!("domain {name}"))
}

/// The projects of this name: one or none.
pub(super) fn find_project(name: &str, domain: &str) -> Call {
    let query = Query::new().pair("name", name).pair("domain_id", domain);
    let target = format!("/v3/projects?{}", query.as_str());
    call("FindProject", Method::GET, target, format!("project {name}"))
}

/// The roles of this name: one or none. Roles of domains are not among them; these are no good in a token.
pub(super) fn find_role(name: &str) -> Call {
    let query = Query::new().pair("name", name);
    let target = format!("/v3/roles?{}", query.as_str());
    call("FindRole", Method::GET, target, format!("role {name}"))
}

/// The users of this name. Surprise: where the database takes capital letters for small ones, so does this.
pub(super) fn find_user(domain: &str, name: &UserName) -> Call {
    let query = Query::new().pair("name", name.as_str()).pair("domain_id", domain);
    let target = format!("/v3/users?{}", query.as_str());
    about("FindUser", Method::GET, target, name)
}

/// What the user may do on projects and domains, by itself, by its groups and by roles that imply others. Surprise: roles on
/// the system are never among them.
pub(super) fn find_rights(user: &str, name: &UserName) -> Call {
    let query = Query::new()
        .pair("user.id", user)
        .flag("effective")
        .flag("include_names");
    let target = format!("/v3/role_assignments?{}", query.as_str());
    about("GetRights", Method::GET, target, name)
}

/// The roles that the user itself has on the system as a whole.
pub(super) fn find_system_roles(user: &str, name: &UserName) -> Call {
    let target = format!("/v3/system/users/{user}/roles");
    about("GetSystemRoles", Method::GET, target, name)
}

/// The pairs of a user, of all projects, with their secrets.
pub(super) fn find_keys(user: &str, name: &UserName) -> Call {
    about("GetKeys", Method::GET, keys(user), name)
}

fn keys(user: &str) -> String {
    format!("/v3/users/{user}/credentials/OS-EC2")
}

/// A user without password and without any right. 409 where the name is taken, whatever else is alike.
///
/// The option keeps it from being disabled for not logging in, where `[security_compliance]` says so: the use of a pair is
/// no login to that count.
pub(super) fn create_user(domain: &str, user: &NewUser) -> Call {
    let body = json!({ "user": {
        "name": user.name.as_str(),
        "domain_id": domain,
        "enabled": !user.locked,
        "description": user.label,
        OWNER: user.owner.as_str(),
        "options": { "ignore_user_inactivity": true },
    } });
    about("CreateUser", Method::POST, "/v3/users".to_owned(), &user.name).json(&body)
}

/// Gives the role. Again: no change, and the same answer.
pub(super) fn give_role(project: &str, user: &str, role: &str, name: &UserName) -> Call {
    let target = format!("/v3/projects/{project}/users/{user}/roles/{role}");
    about("GiveRole", Method::PUT, target, name)
}

/// Changes the description and nothing else.
pub(super) fn set_label(user: &str, name: &UserName, label: &str) -> Call {
    let body = json!({ "user": { "description": label } });
    about("SetLabel", Method::PATCH, format!("/v3/users/{user}"), name).json(&body)
}

/// Enables or disables.
pub(super) fn set_locked(user: &str, name: &UserName, locked: bool) -> Call {
    let body = json!({ "user": { "enabled": !locked } });
    about("SetLocked", Method::PATCH, format!("/v3/users/{user}"), name).json(&body)
}

/// Deletes the user and all its pairs.
pub(super) fn delete_user(user: &str, name: &UserName) -> Call {
    about("DeleteUser", Method::DELETE, format!("/v3/users/{user}"), name)
}

/// A pair of our choosing, bound to the project. 409 where anybody has a pair of this id. Surprise: whether the user is
/// there is not asked, nor whether it has a role on the project.
pub(super) fn issue(
    project: &str,
    user: &str,
    name: &UserName,
    id: &AccessKeyId,
    secret: &SecretString,
) -> Call {
    let pair = body::Pair {
        access: id.as_str(),
        secret: secret.expose_secret(),
    };
    let mut blob = Zeroizing::new(Vec::with_capacity(SECRET_BODY));
    // Texts alone: nothing here can fail to be written.
    drop(serde_json::to_writer(&mut *blob, &pair));
    let new = body::NewKey {
        credential: body::Credential {
            kind: "ec2",
            user_id: user,
            project_id: project,
            blob: std::str::from_utf8(&blob).unwrap_or_default(),
        },
    };
    let call = about("IssueKey", Method::POST, "/v3/credentials".to_owned(), name);
    with_secret(call, &new)
}

/// Removes a pair of this user.
pub(super) fn revoke(user: &str, name: &UserName, id: &str) -> Call {
    // Encoded as in a query, which is stricter than a path has to be: ids that others chose may hold anything.
    let id = Query::new().flag(id);
    let target = format!("{}/{}", keys(user), id.as_str());
    about("RevokeKey", Method::DELETE, target, name)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
