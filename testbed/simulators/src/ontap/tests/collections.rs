use super::client::Site;
use serde_json::Value;

async fn ten_users() -> Site {
    let site = Site::new(|options| options.has_root = false).await;
    for index in 0..10 {
        site.ontap.foreign_user(&format!("u{index}"));
    }
    site
}

/// All names, page by page, and how many pages there were.
async fn follow(site: &Site, first: &str) -> (Vec<String>, usize) {
    let (mut names, mut pages) = (Vec::new(), 0);
    let mut href = format!("/api/protocols/s3/services/{}/{first}", site.ontap.svm_uuid());
    loop {
        let reply = site.call(&format!("GET {href}"), "").await.json();
        let records = reply["records"].as_array().unwrap();
        assert_eq!(reply["num_records"], records.len());
        names.extend(
            records
                .iter()
                .map(|record| record["name"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        match &reply["_links"]["next"]["href"] {
            Value::String(next) => href.clone_from(next),
            _ => return (names, pages),
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_by_their_links() {
    let site = ten_users().await;
    let (names, pages) = follow(&site, "users?max_records=3").await;
    assert_eq!((names.len(), pages), (10, 4));
    let (reversed, _) = follow(&site, "users?max_records=4&order_by=name%20desc").await;
    assert!(reversed.iter().rev().eq(names.iter()));
}

#[tokio::test]
async fn the_cluster_ends_a_page_when_it_likes() {
    let site = ten_users().await;
    site.ontap.reconfigure(|options| options.page = 6);
    let (names, pages) = follow(&site, "users?fields=comment").await;
    assert_eq!((names.len(), pages), (10, 2));
}

#[tokio::test]
async fn a_user_that_goes_between_pages_makes_none_come_twice() {
    let site = ten_users().await;
    let first = site.s3_api("GET users?max_records=5", "").await.json();
    site.ontap.remove_user("u4");
    let next = first["_links"]["next"]["href"].as_str().unwrap();
    let second = site.call(&format!("GET {next}"), "").await.json();
    assert_eq!(second["records"][0]["name"], "u5");
}

#[tokio::test]
async fn a_page_that_was_not_offered_is_a_violation() {
    let site = ten_users().await;
    site.s3_api("GET users?max_records=5&start.name=u2", "").await;
    site.end_with_violation("never offered");
}

#[tokio::test]
async fn records_can_be_filtered() {
    let site = ten_users().await;
    let count = async |query: &str| {
        let reply = site.s3_api(&format!("GET users?{query}"), "").await.json();
        reply["num_records"].as_u64().unwrap()
    };
    assert_eq!(count("name=u3").await, 1);
    assert_eq!(count("name=u3|u4").await, 2);
    assert_eq!(count("name=!u3").await, 9);
    assert_eq!(count("name=u*").await, 10);
    assert_eq!(count("name=none").await, 0);
    assert_eq!(count("return_records=false").await, 10);
}

#[tokio::test]
async fn without_hal_only_the_next_page_is_linked() {
    let site = ten_users().await;
    let login = site.ontap.admin();
    let credentials = format!("{}:{}", login.user, login.password);
    let credentials = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, credentials);
    let headers = format!("authorization: Basic {credentials}\r\naccept: application/json\r\n");
    let path = format!(
        "/api/protocols/s3/services/{}/users?max_records=9",
        site.ontap.svm_uuid()
    );
    let reply = site.raw("GET", &path, &headers, "").await;
    assert!(reply.head.contains("content-type: application/json"));
    let body = reply.json();
    assert!(body["_links"].get("self").is_none() && body["records"][0].get("_links").is_none());
    assert!(body["_links"]["next"]["href"].is_string());
}
