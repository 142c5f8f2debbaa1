//! The committed description of the API is the one generated from the handlers.

use std::collections::HashSet;

use ostiary_server::http::{openapi, router::openapi_json};

#[test]
fn the_committed_description_is_current() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json")).unwrap();
    assert!(committed == openapi_json(), "docs/openapi.json is not current: run `cargo xtask gen`");
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let description = serde_json::to_value(openapi()).unwrap();
    let mut names = HashSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name.clone()), "{name} is there twice");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            let said = ["x-permission", "x-public", "x-device"].map(|word| !operation[word].is_null());
            assert_eq!(said.iter().filter(|said| **said).count(), 1, "{method} {path}: who may call it?");
            assert_eq!(operation["security"].is_array(), said[0], "{method} {path}: how does one sign in for it?");
        }
    }
    assert!(names.len() > 25);
}
