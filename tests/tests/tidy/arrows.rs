//! The one-way dependency graph of the crates, and which foreign crate only some of ours may name.

use crate::workspace::packages;

/// Which packages of the workspace each package may name, in tests as elsewhere; but see [`RIG`].
const OURS: [(&str, &[&str]); 8] = [
    ("passquorum-domain", &[]),
    ("passquorum-storage", &[]),
    ("passquorum-raft", &["passquorum-domain", "passquorum-storage"]),
    ("passquorum-ad-sync", &["passquorum-domain"]),
    ("passquorum-sites", &["passquorum-domain"]),
    (
        "passquorum",
        &[
            "passquorum-domain",
            "passquorum-raft",
            "passquorum-storage",
            "passquorum-ad-sync",
            "passquorum-sites",
        ],
    ),
    (
        "passquorum-simulation",
        &[
            "passquorum",
            "passquorum-domain",
            "passquorum-raft",
            "passquorum-storage",
            "passquorum-ad-sync",
            "passquorum-sites",
        ],
    ),
    ("passquorum-tests", &[]),
];

/// The rig is a library that links none of ours, and that the tests of any of ours may start.
const RIG: &str = "passquorum-tests";

/// Foreign crates that stay behind one wall, and who stands at it. The domain names none of them.
const FOREIGN: [(&str, &[&str]); 11] = [
    ("fluent-bundle", &["passquorum-sites"]),
    ("fluent-syntax", &["passquorum-sites"]),
    ("lettre", &["passquorum"]),
    ("sled", &["passquorum-storage"]),
    ("bincode", &["passquorum-storage"]),
    ("ldap3", &["passquorum-ad-sync"]),
    ("hickory-resolver", &["passquorum-ad-sync"]),
    ("axum", &["passquorum-sites", "passquorum", "passquorum-simulation"]),
    ("opentelemetry-proto", &["passquorum", "passquorum-tests"]),
    ("prost", &["passquorum", "passquorum-tests"]),
    ("openraft", &["passquorum-raft", "passquorum-storage"]),
];

/// What only tests of a package may name besides: the domain shows that its types survive an encoding.
const FOREIGN_IN_TESTS: [(&str, &str); 1] = [("passquorum-domain", "bincode")];

/// Input and output, which the domain must not know at all.
const IMPURE: [&str; 7] = ["tokio", "rand", "time", "chrono", "reqwest", "hyper", "rustls"];

#[test]
fn crates_depend_on_one_another_only_along_the_arrows() {
    let packages = packages();
    let mut wrong = Vec::new();
    for package in &packages {
        let Some((_, allowed)) = OURS.iter().find(|(name, _)| *name == package.name) else {
            wrong.push(format!("{}: a package that the arrows do not know", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let ours = OURS.iter().any(|(name, _)| *name == dependency.name);
            let rig = dependency.name == RIG && dependency.is_for_tests();
            if ours && !rig && !allowed.contains(&dependency.name.as_str()) {
                wrong.push(format!("{} must not depend on {}", package.name, dependency.name));
            }
        }
    }
    assert_eq!(packages.len(), OURS.len(), "a package is missing from the workspace");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_walled_crate_is_named_only_by_those_who_stand_at_its_wall() {
    let mut wrong = Vec::new();
    for package in packages() {
        for dependency in &package.dependencies {
            let Some((_, allowed)) = FOREIGN.iter().find(|(name, _)| *name == dependency.name) else {
                continue;
            };
            let pair = (package.name.as_str(), dependency.name.as_str());
            let for_tests = dependency.is_for_tests() && FOREIGN_IN_TESTS.contains(&pair);
            if !allowed.contains(&package.name.as_str()) && !for_tests {
                wrong.push(format!("{} must not name {}", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_domain_knows_no_clock_no_randomness_and_no_network() {
    let packages = packages();
    let domain = packages.iter().find(|package| package.name == "passquorum-domain");
    let named = domain.map(|package| &package.dependencies).into_iter().flatten();
    let impure: Vec<_> = named
        .filter(|one| IMPURE.contains(&one.name.as_str()) && !one.is_for_tests())
        .map(|one| &one.name)
        .collect();
    assert!(impure.is_empty(), "{impure:?}");
}
