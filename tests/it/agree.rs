//! What must agree and no compiler compares: which part of the code may know which, and what every backend comes with.

use gracekey::backend::BackendKind;
use std::{
    fs,
    path::{Path, PathBuf},
};
use strum::IntoEnumIterator as _;

/// Lines of one file, above which it is asked what two things it is.
const LINES_MAX: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "{folder} holds no source");
    found
}

/// Lines of code of a folder, in which one of these is named.
fn naming(folder: &str, names: &[String]) -> Vec<String> {
    let names_one = |line: &&str| names.iter().any(|name| names_it(line, name));
    sources(folder)
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let said = |line: &str| format!("{}: {}", path.display(), line.trim());
            code.filter(names_one).map(said).collect::<Vec<_>>()
        })
        .collect()
}

/// `kube` is named by `kube::Client` and `{kube, …}`, and not by `my_kube::x` or `kubernetes`.
fn names_it(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        let (_, after) = rest.split_at(name.len());
        let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
        !before.ends_with(inside) && after.starts_with("::") && !after.starts_with(":::")
    })
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_name_is_found_where_it_is_one() {
    for line in [
        "use kube::Client;",
        "    kube::{Api, Client},",
        "let a = kube::x();",
    ] {
        assert!(names_it(line, "kube"), "{line}");
    }
    for line in [
        "use my_kube::x;",
        "use kubernetes::x;",
        "let kube = 1;",
        "\"kube::x\"",
        "arn:kube:::x",
    ] {
        assert!(!names_it(line, "kube"), "{line}");
    }
    assert!(!naming("src/controller", &owned(&["kube"])).is_empty());
}

/// Of our own, only what is below this module.
fn beyond(folder: &str, own: &str) -> Vec<String> {
    let ours = owned(&["crate"]);
    let others = |line: &String| {
        let named = line.matches("crate::").count();
        named != line.matches(&format!("crate::{own}")).count()
    };
    naming(folder, &ours).into_iter().filter(others).collect()
}

/// The planner is walked through every interleaving, which a call, a clock or a random number would break.
#[test]
fn the_domain_knows_nothing_but_itself() {
    let world = [
        "kube",
        "tokio",
        "reqwest",
        "futures",
        "tracing",
        "rand",
        "fs",
        "net",
        "env",
        "Instant",
        "SystemTime",
    ];
    let found = [
        naming("src/domain", &owned(&world)),
        beyond("src/domain", "domain"),
    ];
    assert_eq!(found.concat(), Vec::<String>::new());
}

#[test]
fn the_api_knows_nothing_of_what_is_done_with_it() {
    let found = [
        naming("src/api", &owned(&["tokio", "reqwest"])),
        beyond("src/api", "api"),
    ];
    assert_eq!(found.concat(), Vec::<String>::new());
}

#[test]
fn a_driver_knows_no_other_driver_and_nothing_of_kubernetes() {
    let shared = ["kube", "k8s_openapi", "tracing", "controller"];
    for kind in BackendKind::iter() {
        let others = BackendKind::iter()
            .filter(|other| *other != kind)
            .map(|other| other.to_string());
        let names: Vec<_> = others.chain(owned(&shared)).collect();
        assert_eq!(
            naming(&format!("src/backend/{kind}"), &names),
            Vec::<String>::new()
        );
    }
}

#[test]
fn every_backend_comes_with_its_files_its_example_its_page_and_its_rows() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (page, common_example) = (read("docs/backends/README.md"), read("examples/objectstore.yaml"));
    // Of the tables, the first has a row for each.
    let (overview, _) = page.split_once("\n## ").unwrap();
    for kind in BackendKind::iter() {
        let files = [
            "docs.md",
            "config.rs",
            "request.rs",
            "wire.rs",
            "error.rs",
            "mod.rs",
            "recorded",
        ]
        .map(|file| format!("src/backend/{kind}/{file}"));
        let mut wanted = files.to_vec();
        wanted.push(format!("src/api/v1alpha1/backend/{kind}.rs"));
        wanted.push(format!("docs/backends/{kind}.md"));
        wanted.push(format!("tests/it/conformance/{kind}/mod.rs"));
        if !common_example.contains(&format!("{kind}:")) {
            wanted.push(format!("examples/objectstore-{kind}.yaml"));
        }
        for path in wanted {
            assert!(root().join(&path).exists(), "{path} is missing");
        }
        assert!(
            overview.contains(&format!("| [`{kind}`]({kind}.md) |")),
            "{kind} has no row"
        );
    }
}

#[test]
fn no_file_is_longer_than_can_be_read_at_once() {
    for path in ["src", "tests", "benches", "testbed/simulators"]
        .iter()
        .flat_map(|f| sources(f))
    {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}

/// What the bench measures, and what the node runs, is the image that people build.
#[test]
fn the_images_have_the_same_environment_and_the_bench_has_it_too() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (dockerfile, assembled, bench) = (
        read("Dockerfile"),
        read("testbed/image"),
        read("benches/operator/operator.rs"),
    );
    let last = dockerfile.lines().rfind(|line| line.starts_with("ENV "));
    let settings: Vec<_> = last.unwrap().split_whitespace().skip(1).collect();
    assert!(settings.len() > 2, "{settings:?}");
    for setting in settings {
        assert!(assembled.contains(&format!("\"{setting}\"")), "{setting}");
        let (name, value) = setting.split_once('=').unwrap();
        let is_a_place = value.starts_with('/');
        assert!(
            is_a_place || bench.contains(&format!("\"{name}\", \"{value}\"")),
            "{setting}"
        );
    }
}
