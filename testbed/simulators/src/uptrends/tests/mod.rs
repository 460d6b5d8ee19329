//! Each test names a fact of the documents, or a switch for what they leave open, over a real socket.

mod accounts;
mod faults;
mod operators;
mod shapes;
mod violations;

use super::client::Client;
use super::{Account, NewOperator, Options, Uptrends};
use serde_json::json;

/// A tenant and its administrator.
async fn tenant(options: Options) -> (Uptrends, Client) {
    let uptrends = Uptrends::start(options).await;
    let admin = Client::of(&uptrends.url(), &uptrends.admin());
    (uptrends, admin)
}

/// An operator who is no administrator.
fn plain(email: &str) -> NewOperator {
    NewOperator {
        full_name: "Pat Plain".to_owned(),
        email: email.to_owned(),
        ..NewOperator::default()
    }
}

/// Makes an account for the administrator by the API. The default names are in use.
async fn created(uptrends: &Uptrends, admin: &Client, description: &str) -> Account {
    let operator_guid = uptrends.admin().operator_guid;
    let body = json!({"OperatorGuid": operator_guid, "Description": description});
    let response = admin.write("POST", "/ApiUser", body).await;
    assert_eq!(response.status, 201, "{}", response.body);
    Account {
        guid: response.text("ApiUserGuid"),
        operator_guid,
        user_name: response.text("UserName"),
        password: response.text("Password"),
    }
}

/// What was noted. The tenant is not dropped, as it would fail the test for that.
fn noted(uptrends: Uptrends) -> Vec<String> {
    let all = uptrends.violations().all();
    std::mem::forget(uptrends);
    all
}
