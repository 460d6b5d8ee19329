use super::{login, s3, with};
use crate::ecs::{Case, Options, Refusal, Scope, Times};
use serde_json::{Value, json};

#[test]
fn a_new_user_has_no_secret() {
    with(Options::default(), |ecs| {
        let admin = login(ecs, ecs.root());
        let body = json!({ "user": "u1", "namespace": "ns1", "tags": [{ "name": "label", "value": "x" }] });
        let answer = admin.raw("POST /object/users", &body.to_string());
        let link = json!({ "link": { "rel": "self", "href": "/object/user-secret-keys/u1" } });
        assert_eq!((answer.status, answer.json()), (200, link));
        assert_eq!(admin.keys("u1")["secret_key_1_exist"], false);
        let info = admin.get("/object/users/u1/info?namespace=ns1");
        assert_eq!((&info["tag"], &info["tags"]), (&body["tags"], &Value::Null));
    });
}

#[test]
fn the_creation_time_is_a_java_date_in_spite_of_the_text() {
    with(Options::default(), |ecs| {
        ecs.add_user("u1");
        let created = login(ecs, ecs.root()).get("/object/users/u1/info?namespace=ns1")["created"].clone();
        let words: Vec<_> = created.as_str().unwrap().split(' ').map(str::to_owned).collect();
        assert_eq!((words.len(), words[4].as_str()), (6, "UTC"));
    });
    let options = Options {
        times: Times::AsDocumented,
        ..Options::default()
    };
    with(options, |ecs| {
        ecs.add_user("u1");
        let created = login(ecs, ecs.root()).get("/object/users/u1/info?namespace=ns1")["created"].clone();
        assert!(created.as_str().unwrap().ends_with('Z'));
    });
}

#[test]
fn a_name_is_lowered_and_taken_only_in_its_namespace() {
    with(Options::default(), |ecs| {
        let admin = login(ecs, ecs.root());
        admin.make("U1");
        assert_eq!(admin.get("/object/users/u1/info?namespace=ns1")["name"], "u1");
        let create = |uid: &str, namespace: &str| {
            admin.says(
                "POST /object/users",
                &json!({ "user": uid, "namespace": namespace }),
            )
        };
        assert_eq!(create("u1", "ns1"), (400, 1015));
        assert_eq!(create("u1", "ns2"), (200, 0));
        assert_eq!(create("u1", "nowhere"), (400, 1004));
    });
    let options = Options {
        scope: Scope::Global,
        case: Case::Kept,
        taken: Refusal::new(400, 1008),
        ..Options::default()
    };
    with(options, |ecs| {
        let admin = login(ecs, ecs.root());
        admin.make("U1");
        admin.make("u1");
        assert_eq!(
            admin.says("POST /object/users", &json!({ "user": "u1", "namespace": "ns2" })),
            (400, 1008)
        );
        // The scope allows calls without a namespace.
        assert_eq!(admin.get("/object/users/u1/info")["namespace"], "ns1");
        assert_eq!(admin.get("/object/user-secret-keys/u1")["secret_key_1"], "");
    });
}

#[test]
fn an_absent_user_is_404_in_a_url_and_400_in_a_body() {
    with(Options::default(), |ecs| {
        let admin = login(ecs, ecs.root());
        let body = json!({ "user": "gone", "namespace": "ns1" });
        assert_eq!(
            admin.says("GET /object/users/gone/info?namespace=ns1", &Value::Null),
            (404, 2000)
        );
        assert_eq!(admin.says("POST /object/users/deactivate", &body), (400, 1004));
        assert_eq!(admin.add("gone", json!({})).status, 404);
    });
}

#[test]
fn lists_go_on_while_there_is_a_next_marker() {
    with(
        Options {
            page: 2,
            ..Options::default()
        },
        |ecs| {
            for uid in ["a1", "a2", "b1"] {
                ecs.add_user(uid);
            }
            let admin = login(ecs, ecs.root());
            let first = admin.get("/object/users?limit=10");
            assert_eq!(
                first["blobuser"][1],
                json!({ "userid": "a2", "namespace": "ns1" })
            );
            let marker = first["NextMarker"].as_str().unwrap();
            let second = admin.get(&format!("/object/users?marker={marker}"));
            assert_eq!(
                second["blobuser"],
                json!([{ "userid": "b1", "namespace": "ns1" }])
            );
            assert_eq!(second["NextMarker"], Value::Null);
            assert_eq!(
                admin.get("/object/users/ns1?limit=1")["blobuser"]
                    .as_array()
                    .unwrap()
                    .len(),
                1
            );
            assert_eq!(
                admin.get("/object/users?userid=b*")["blobuser"][0]["userid"],
                "b1"
            );
        },
    );
    with(
        Options {
            wraps_lists: true,
            ..Options::default()
        },
        |ecs| {
            ecs.add_user("u1");
            let list = login(ecs, ecs.root()).get("/object/users");
            assert_eq!(list["users"]["blobuser"][0]["userid"], "u1");
        },
    );
}

#[test]
fn tags_are_added_by_post_changed_by_put_and_removed_by_a_body() {
    with(Options::default(), |ecs| {
        ecs.add_user("u1");
        ecs.add_user("u2");
        let admin = login(ecs, ecs.root());
        let tags = |method: &str, value: &Value| {
            admin.says(
                &format!("{method} /object/users/u1/tags?namespace=ns1"),
                &json!({ "tags": [value] }),
            )
        };
        let (old, new) = (
            json!({ "name": "label", "value": "x" }),
            json!({ "name": "label", "value": "y" }),
        );
        assert_eq!(tags("PUT", &old), (400, 1004));
        assert_eq!(tags("POST", &old), (200, 0));
        assert_eq!(tags("POST", &new), (400, 1015));
        assert_eq!(tags("PUT", &new), (200, 0));
        let shown = admin.get("/object/users/u1/tags?namespace=ns1");
        assert_eq!(shown, json!({ "user_name": "u1", "tags": [new] }));
        let found = admin.get("/object/users/query?namespace=ns1&tag=label&value=y");
        assert_eq!(found["blobuser"], json!([{ "userid": "u1", "namespace": "ns1" }]));
        assert_eq!(tags("DELETE", &json!({ "name": "label" })), (200, 0));
        assert_eq!(
            admin.get("/object/users/u1/tags?namespace=ns1")["tags"],
            json!([])
        );
    });
}

#[test]
fn a_lock_takes_a_boolean_or_its_word() {
    with(Options::default(), |ecs| {
        ecs.add_user("u1");
        let admin = login(ecs, ecs.root());
        for (sent, held) in [(json!(true), true), (json!("false"), false)] {
            let body = json!({ "user": "u1", "namespace": "ns1", "isLocked": sent });
            assert_eq!(admin.says("PUT /object/users/lock", &body), (200, 0));
            let lock = admin.get("/object/users/lock/u1/ns1");
            assert_eq!(lock, json!({ "user_name": "u1", "isLocked": held }));
        }
    });
}

#[test]
fn a_deleted_owner_leaves_the_buckets_behind() {
    let test = |ecs: &crate::ecs::Ecs| {
        let (id, secret) = ecs.add_user("u1");
        assert_eq!(s3(ecs, "PUT /pictures", &id, &secret).status, 200);
        let admin = login(ecs, ecs.root());
        let body = json!({ "user": "u1", "namespace": "ns1" });
        let (status, _) = admin.says("POST /object/users/deactivate", &body);
        let list = admin.get("/object/bucket?namespace=ns1");
        assert_eq!(list["object_bucket"][0]["owner"], "u1");
        assert_eq!(ecs.snapshot("u1") == "absent", status == 200);
        assert_eq!(s3(ecs, "GET /", &id, &secret).status == 403, status == 200);
        status
    };
    with(Options::default(), move |ecs| assert_eq!(test(ecs), 200));
    let owner_deletion = Some(Refusal::new(400, 1020));
    with(
        Options {
            owner_deletion,
            ..Options::default()
        },
        move |ecs| assert_eq!(test(ecs), 400),
    );
}

#[test]
fn tags_can_be_limited_in_number_and_length() {
    let options = Options {
        max_tags: Some(1),
        max_tag_chars: Some(5),
        blank_key_fields: true,
        ..Options::default()
    };
    with(options, |ecs| {
        let admin = login(ecs, ecs.root());
        let create = |tags: &Value| {
            let body = json!({ "user": "u1", "namespace": "ns1", "tags": tags });
            admin.raw("POST /object/users", &body.to_string()).json()
        };
        let (label, owner) = (
            json!({ "name": "label", "value": "x" }),
            json!({ "name": "owner", "value": "" }),
        );
        assert_eq!(create(&json!([label, owner]))["code"], 1031);
        assert_eq!(
            create(&json!([{ "name": "label", "value": "longer" }]))["code"],
            1014
        );
        assert_eq!(ecs.snapshot("u1"), "absent");
        assert_eq!(create(&json!([label]))["secret_key"], "");
        let more = json!({ "tags": [owner] });
        assert_eq!(
            admin.says("POST /object/users/u1/tags?namespace=ns1", &more),
            (400, 1031)
        );
    });
}

#[test]
fn a_namespace_administrator_may_be_let_at_the_bucket_list() {
    let options = Options {
        namespace_admin_lists_buckets: true,
        ..Options::default()
    };
    with(options, |ecs| {
        let (id, secret) = ecs.add_user("u1");
        for bucket in ["b1", "b2"] {
            s3(ecs, &format!("PUT /{bucket}"), &id, &secret);
        }
        let admin = login(ecs, ecs.namespace_admin());
        let first = admin.get("/object/bucket?namespace=ns1&limit=1");
        assert_eq!(
            (&first["object_bucket"][0]["name"], &first["NextMarker"]),
            (&json!("b1"), &json!("b1"))
        );
        let second = admin.get("/object/bucket?namespace=ns1&limit=1&marker=b1");
        assert_eq!(
            (&second["object_bucket"][0]["name"], &second["NextMarker"]),
            (&json!("b2"), &Value::Null)
        );
        let found = admin.get("/object/bucket?namespace=ns1&name=b2*");
        assert_eq!(found["object_bucket"].as_array().unwrap().len(), 1);
    });
}
