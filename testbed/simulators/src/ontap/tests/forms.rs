use super::client::Site;

#[tokio::test]
async fn what_the_documents_do_not_have_is_a_violation() {
    let cases = [
        ("GET users?fields=secret_key", "", 400, "no field secret_key"),
        ("GET users?limit=3", "", 400, "no parameter limit"),
        ("GET users?max_records=0", "", 400, "max_records"),
        (
            "POST users",
            r#"{"name": "u", "regenerate_keys": true}"#,
            400,
            "regenerate_keys",
        ),
        ("POST users", r#"{"name": 1}"#, 400, "wrong type"),
        ("POST users", r#"["u"]"#, 400, "no JSON object"),
        (
            "PATCH users/root?regenerate_keys=yes",
            "",
            400,
            "neither true nor false",
        ),
        (
            "PATCH users/root",
            r#"{"access_key": "A", "secret_key": "s"}"#,
            400,
            "mean nothing",
        ),
        ("PATCH users?name=root&delete_keys=true", "", 405, "every record"),
        ("PUT users/root", "", 405, "no such method"),
        ("GET tenants", "", 404, "no such path"),
        ("GET users/a@b", "", 404, "percent-encoded"),
        ("GET groups/admins", "", 400, "by its id"),
    ];
    for (line, body, status, violation) in cases {
        let site = Site::new(|_| {}).await;
        let reply = site.s3_api(line, body).await;
        assert_eq!(reply.status, status, "{line}");
        site.end_with_violation(violation);
    }
}

#[tokio::test]
async fn a_body_needs_its_content_type() {
    let site = Site::new(|_| {}).await;
    let login = site.ontap.admin();
    let credentials = format!("{}:{}", login.user, login.password);
    let credentials = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, credentials);
    let path = format!("/api/protocols/s3/services/{}/users", site.ontap.svm_uuid());
    let headers = format!("authorization: Basic {credentials}\r\ncontent-type: text/plain\r\n");
    site.raw("POST", &path, &headers, r#"{"name": "u"}"#).await;
    site.end_with_violation("Content-Type");
}

#[tokio::test]
async fn a_malformed_authorization_is_a_violation_and_a_missing_one_is_not() {
    let site = Site::new(|_| {}).await;
    assert_eq!(site.raw("GET", "/api/cluster", "", "").await.status, 401);
    assert!(site.ontap.violations().all().is_empty());
    let reply = site
        .raw("GET", "/api/cluster", "authorization: Basic %%%\r\n", "")
        .await;
    assert_eq!(reply.refusal(), (401, "6".to_owned()));
    site.end_with_violation("malformed");
}

#[tokio::test]
async fn a_secret_in_the_url_is_a_violation_that_does_not_repeat_it() {
    let site = Site::new(|_| {}).await;
    let keys = site.make_user("u").await;
    site.s3_api(&format!("GET users?comment={}", keys.1), "").await;
    let all = site.ontap.violations().all();
    assert!(!all[0].contains(&keys.1));
    site.end_with_violation("a secret is in the URL");
}

#[tokio::test]
async fn requests_are_counted() {
    let site = Site::new(|_| {}).await;
    let keys = site.make_user("u").await;
    site.s3(&keys, "GET /").await;
    site.s3_api("GET users", "").await;
    let counts = site.ontap.counts();
    assert_eq!((counts.requests, counts.writes, counts.s3_requests), (2, 1, 1));
}
