//! Two clusters on one gateway, each with an operator, and with objects of the same namespaces and names.
//!
//! There is one API server. The second operator sees it through a [`Renamed`] connection, on which its namespace is called as
//! that of the first: neither can tell that they share it.

use super::admin::Admin;
use crate::testbed::{
    Operator, World,
    cluster::object,
    unique,
    world::{Setup, reason, user_name},
};
use gracekey::{api::v1alpha1::ObjectUser, domain::ids::UserName};
use serde_json::{Value, json};
use std::{fs, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp},
    task::JoinSet,
};

/// Passes on what a client and a server say to each other, with one word for another of the same length. Ends when dropped.
struct Renamed {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Renamed {
    /// What the server calls `there`, the client knows as `here`.
    async fn start(server: SocketAddr, there: String, here: String) -> Self {
        assert_eq!(there.len(), here.len(), "lengths are part of what is said");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                connections.spawn(pass_on(from_client, to_server, here.clone(), there.clone()));
                connections.spawn(pass_on(from_server, to_client, there.clone(), here.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            _tasks: tasks,
        }
    }
}

async fn pass_on(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, word: String, other: String) {
    let (word, other) = (word.into_bytes(), other.into_bytes());
    let (mut held, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        held.extend_from_slice(&chunk[..read]);
        replace(&mut held, &word, &other);
        // The word may come in two parts. No message ends within it.
        let begun = (1..word.len())
            .rev()
            .find(|begun| held.ends_with(&word[..*begun]));
        let ready = held.len() - begun.unwrap_or_default();
        if to.write_all(&held[..ready]).await.is_err() {
            return;
        }
        held.drain(..ready);
    }
}

fn replace(text: &mut [u8], word: &[u8], other: &[u8]) {
    let mut at = 0;
    while at + word.len() <= text.len() {
        if text[at..].starts_with(word) {
            text[at..at + word.len()].copy_from_slice(other);
            at += word.len();
        } else {
            at += 1;
        }
    }
}

/// A world whose operator is that of the first cluster, and the operator of the second.
struct Two {
    world: World,
    second: Operator,
    _renamed: Renamed,
}

impl Two {
    async fn start() -> Self {
        let mut world = without_stores().await;
        // Names of the same length, but where the number at their end has got one more digit.
        while world.namespaces[0].name.len() != world.namespaces[1].name.len() {
            world.operator.stop().await;
            world = without_stores().await;
        }
        let [first, there] = [0, 1].map(|which| world.namespaces[which].name.clone());
        let args = |cluster: &str, namespace: &str| {
            ["--watch-namespace", namespace, "--cluster-id", cluster].map(str::to_owned)
        };
        world.operator.stop().await;
        world.operator.launch_mut().args = args("one", &first).to_vec();
        world.operator.restart().await;

        let proxy = world.kubernetes_proxy.as_ref().unwrap().url();
        let server = proxy.strip_prefix("http://").unwrap().parse().unwrap();
        let renamed = Renamed::start(server, there, first.clone()).await;
        let mut launch = world.operator.launch_mut().clone();
        launch.args = args("two", &first).to_vec();
        launch.log.set_extension("second.log");
        let config = fs::read_to_string(&launch.kubeconfig).unwrap();
        let mut config: Value = serde_saphyr::from_str(&config).unwrap();
        config["clusters"][0]["cluster"]["server"] = json!(format!("http://{}", renamed.address));
        launch.kubeconfig.set_extension("second.kubeconfig");
        fs::write(&launch.kubeconfig, serde_saphyr::to_string(&config).unwrap()).unwrap();
        let second = Operator::start(launch).await;
        for here in [0, 1] {
            world.here = here;
            world.make_store("store", json!({})).await;
            world.until_store_ready("store").await;
        }
        Self {
            world,
            second,
            _renamed: renamed,
        }
    }

    /// What follows is about this cluster.
    fn on(&mut self, cluster: usize) -> &World {
        self.world.here = cluster;
        &self.world
    }

    /// The object as its own cluster has it.
    fn as_there(&self, user: &ObjectUser) -> ObjectUser {
        let [first, second] = [0, 1].map(|which| self.world.namespaces[which].name.as_str());
        let text = serde_json::to_string(user).unwrap();
        object(serde_json::from_str(&text.replace(second, first)).unwrap())
    }

    async fn finish(mut self) {
        self.world.canaries.scan("a log", &self.second.log());
        self.world.finish().await;
        let log = self.second.log();
        let bad = |line: &&str| line.contains("this is a defect") || line.contains("panicked");
        assert_eq!(log.lines().find(bad), None);
        self.second.stop().await;
    }
}

async fn without_stores() -> World {
    let setup = Setup {
        namespaces: 2,
        proxy_kubernetes: true,
        ..Setup::default()
    };
    World::without_store(setup).await
}

#[tokio::test]
async fn the_same_object_in_two_clusters_has_a_user_in_each() {
    let mut two = Two::start().await;
    let first = two.on(0).ready_user("app", json!({})).await;
    let second = two.on(1).ready_user("app", json!({})).await;
    let second = two.as_there(&second);
    assert_eq!(
        first.metadata.namespace, second.metadata.namespace,
        "to the operators"
    );
    let (one, other) = (user_name(&first), user_name(&second));
    assert_ne!(one, other);
    let admin = Admin::of(two.world.gateway);
    let before = admin.user(other.as_str()).await.unwrap();
    assert_ne!(admin.user(one.as_str()).await.unwrap()["email"], before["email"]);
    let pair = two.on(1).pair("app").await;

    let world = two.on(0);
    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    assert!(world.observed(&first).await.is_none());
    assert_eq!(admin.user(other.as_str()).await.unwrap(), before);
    let world = two.on(1);
    world.looked_at("app").await;
    assert!(world.works(&pair).await && world.pair("app").await.id == pair.id);
    two.finish().await;
}

#[tokio::test]
async fn a_name_that_two_clusters_want_is_whose_it_was_first() {
    let mut two = Two::start().await;
    let (run, number) = unique();
    let name = UserName::new(format!("wanted-{run}-{number}"));
    let wanting = json!({ "spec": { "userName": name.as_str() } });
    let admin = Admin::of(two.world.gateway);
    let has_it = two.on(0).ready_user("app", wanting.clone()).await;
    assert_eq!(user_name(&has_it), name);
    let before = admin.user(name.as_str()).await.unwrap();
    let application = two.on(0).probe("app");

    let world = two.on(1);
    world.make_user("app", wanting.clone()).await;
    let told = |user: &ObjectUser| ["Ready", "Stalled"].map(|of| reason(user, of)) == ["UserConflict"; 2];
    let refused = world.until_user("app", "says whose the name is", told).await;
    assert!(world.secrets().get_opt("app").await.unwrap().is_none());
    assert!(refused.status.unwrap().access_key_id.is_none());
    world.rotate("app", "one").await;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    assert_eq!(admin.user(name.as_str()).await.unwrap(), before, "it was touched");
    two.on(0).looked_at("app").await;
    application.assert_undisturbed();
    drop(application);

    // Once it is free, it is anybody's: and then the first is refused.
    let world = two.on(0);
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    two.on(1).ready_user("app", wanting.clone()).await;
    let before = admin.user(name.as_str()).await.unwrap();
    let world = two.on(0);
    world.make_user("app", wanting).await;
    world.until_user("app", "says whose the name is", told).await;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    assert_eq!(admin.user(name.as_str()).await.unwrap(), before, "it was touched");
    two.finish().await;
}
