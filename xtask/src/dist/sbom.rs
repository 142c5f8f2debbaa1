//! What is in a program: every crate it is built from, with version, licence and sum, as CycloneDX 1.5.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::build::Target;
use crate::shell;

/// Lists what `package` is built from for `target`, as JSON.
///
/// # Errors
/// If cargo cannot tell.
pub fn list(package: &str, target: Target) -> Result<String> {
    let mut ask = shell::cargo(&["metadata", "--format-version=1", "--locked", "--filter-platform", target.triple()]);
    let metadata: Value = serde_json::from_str(&shell::output(&mut ask)?)?;
    let packages = by_id(&metadata["packages"])?;
    let root = packages.iter().find(|(_, p)| p["name"] == package).map(|(id, _)| id.clone());
    let root = root.with_context(|| format!("cargo knows no package {package}"))?;
    let edges = edges(&metadata["resolve"]["nodes"]);
    let sums = sums()?;
    let mut components: Vec<Value> = Vec::new();
    let mut dependencies: Vec<Value> = Vec::new();
    for id in reached(&root, &edges) {
        let found = packages.get(&id).with_context(|| format!("cargo names {id} and does not describe it"))?;
        dependencies.push(json!({"ref": id, "dependsOn": edges.get(&id).cloned().unwrap_or_default()}));
        if id != root {
            components.push(component(&id, found, &sums));
        }
    }
    let main = packages.get(&root).map(|found| component(&root, found, &sums));
    let whole = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": main, "tools": {"components": [{"type": "application", "name": "cargo metadata"}]}},
        "components": components,
        "dependencies": dependencies,
    });
    Ok(serde_json::to_string_pretty(&whole)? + "\n")
}

fn by_id(packages: &Value) -> Result<BTreeMap<String, Value>> {
    let packages = packages.as_array().context("cargo lists packages")?;
    Ok(packages.iter().filter_map(|p| Some((p["id"].as_str()?.to_owned(), p.clone()))).collect())
}

/// What each package is built with; what only its tests need is left out.
fn edges(nodes: &Value) -> BTreeMap<String, Vec<String>> {
    let normal = |dependency: &Value| {
        let kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
        kinds.map(|kind| &kind["kind"]).any(|kind| kind.is_null() || kind == "build")
    };
    let of = |node: &Value| {
        let dependencies = node["deps"].as_array().into_iter().flatten().filter(|dependency| normal(dependency));
        dependencies.filter_map(|dependency| Some(dependency["pkg"].as_str()?.to_owned())).collect()
    };
    let nodes = nodes.as_array().into_iter().flatten();
    nodes.filter_map(|node| Some((node["id"].as_str()?.to_owned(), of(node)))).collect()
}

fn reached(root: &str, edges: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![root.to_owned()]);
    while let Some(id) = open.pop() {
        if found.insert(id.clone()) {
            open.extend(edges.get(&id).into_iter().flatten().cloned());
        }
    }
    found
}

fn component(id: &str, package: &Value, sums: &BTreeMap<(String, String), String>) -> Value {
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let (name, version, licence) = (text("name"), text("version"), text("license"));
    let mut component = json!({
        "type": if package["source"].is_null() { "application" } else { "library" },
        "bom-ref": id,
        "name": name,
        "version": version,
        "purl": format!("pkg:cargo/{name}@{version}"),
    });
    if !licence.is_empty() {
        component["licenses"] = json!([{"expression": licence.replace('/', " OR ")}]);
    }
    if let Some(sum) = sums.get(&(name, version)) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
    }
    component
}

/// The sums in `Cargo.lock`, by name and version.
fn sums() -> Result<BTreeMap<(String, String), String>> {
    let lock: toml::Table = fs::read_to_string(shell::root().join("Cargo.lock"))?.parse()?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let text = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    Ok(packages.filter_map(|p| Some(((text(p, "name")?, text(p, "version")?), text(p, "checksum")?))).collect())
}
