//! The direction of dependencies: the picture in `src/lib.rs`, enforced.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Which package may depend on which of ours.
const ALLOWED: &[(&str, &[&str])] = &[
    ("askbook", &[]),
    ("askbook-cache", &["askbook"]),
    ("askbook-docusaurus", &["askbook"]),
    ("askbook-edge", &["askbook"]),
    ("askbook-floor", &[]),
    ("askbook-gemini", &["askbook"]),
    ("askbook-guard", &["askbook"]),
    ("askbook-http", &["askbook"]),
    ("askbook-journal", &["askbook"]),
    ("askbook-ledger", &["askbook"]),
    (OUTSIDE, &["askbook", "askbook-memory"]),
    ("askbook-memory", &["askbook"]),
    ("askbook-qdrant", &["askbook"]),
    ("askbook-quote", &["askbook"]),
    ("askbook-redis", &["askbook"]),
    (
        "askbook-server",
        &[
            "askbook",
            "askbook-cache",
            "askbook-docusaurus",
            "askbook-edge",
            "askbook-gemini",
            "askbook-guard",
            "askbook-http",
            "askbook-journal",
            "askbook-ledger",
            "askbook-memory",
            "askbook-qdrant",
            "askbook-quote",
            "askbook-redis",
        ],
    ),
    ("askbook-tests", &[]),
];

/// All that the core may use: nothing that does I/O, no runtime, no wire format.
const CORE: &[&str] = &[
    "async-stream",
    "async-trait",
    "futures-core",
    "futures-util",
    "lru",
    "metrics",
    "rust-stemmers",
    "sha2",
    "thiserror",
    "tracing",
    "unicode-segmentation",
    "uuid",
];

/// Who alone may use a package.
const EXCLUSIVE: &[(&str, &str)] = &[
    ("clap", "askbook-server"),
    ("figment", "askbook-server"),
    ("metrics-exporter-prometheus", "askbook-server"),
    ("metrics-process", "askbook-server"),
    ("mimalloc", "askbook-server"),
    ("opentelemetry", "askbook-server"),
    ("oxc_parser", "askbook-docusaurus"),
    ("poem", "askbook-http"),
    ("poem-openapi", "askbook-http"),
    ("qdrant-client", "askbook-qdrant"),
    ("qdrant-edge", "askbook-edge"),
    ("quick_cache", "askbook-cache"),
    ("redis", "askbook-redis"),
    ("reqwest", "askbook-gemini"),
    ("scraper", "askbook-docusaurus"),
];

/// Measures the program from outside, and its store of sessions by itself, and stands in for the
/// rest of the world with whatever it takes.
const OUTSIDE: &str = "askbook-load";

struct Package {
    manifest: String,
    dependencies: BTreeSet<String>,
}

/// The packages of the workspace with their normal dependencies.
fn packages() -> BTreeMap<String, Package> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let package = |package: &Value| {
        let normal = |dependency: &&Value| dependency["kind"].is_null();
        let dependencies = package["dependencies"].as_array().unwrap().iter().filter(normal);
        let manifest = package["manifest_path"].as_str().unwrap();
        (
            package["name"].as_str().unwrap().to_owned(),
            Package {
                manifest: std::fs::read_to_string(manifest).unwrap(),
                dependencies: dependencies
                    .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                    .collect(),
            },
        )
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

#[test]
fn dependencies_point_inwards_only() {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    for (name, package) in packages() {
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| {
            panic!("{name} is new: say in ALLOWED what it may depend on");
        });
        for dependency in package.dependencies.iter().filter(|name| name.starts_with("askbook")) {
            assert!(allowed.contains(&dependency.as_str()), "{name} depends on {dependency}");
        }
    }
}

#[test]
fn the_core_uses_nothing_that_does_io() {
    let packages = packages();
    let core = packages["askbook"].dependencies.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(core, CORE, "the core's dependencies changed: is the new one pure?");
}

#[test]
fn a_technology_is_known_to_one_adapter_only() {
    for (name, package) in packages().into_iter().filter(|(name, _)| name != OUTSIDE) {
        for (technology, owner) in EXCLUSIVE {
            assert!(
                name == *owner || !package.dependencies.contains(*technology),
                "{name} uses {technology}, which belongs to {owner}"
            );
        }
    }
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    for (name, package) in packages() {
        assert!(package.manifest.contains("[lints]\nworkspace = true"), "{name} does not");
    }
}
