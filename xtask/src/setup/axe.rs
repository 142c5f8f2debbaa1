//! axe-core, which finds what keeps people from using a page. It is for tests only, and lies in the target directory.

use crate::shell;

/// What is fetched: the major version whose rules the pages keep.
const PACKAGE: &str = "axe-core@4";
/// Where the tests look for it.
const FOLDER: &str = "target/npm";

/// Fetches it, quietly if it is there. Without a network the tests that need it say that they skipped.
pub fn ensure() {
    let folder = shell::root().join(FOLDER);
    if folder.join("node_modules/axe-core/axe.min.js").is_file() {
        return;
    }
    let folder = folder.display().to_string();
    // Nothing of a package is run on this machine: the browser reads one file of it.
    let args = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", &folder, PACKAGE];
    if let Err(error) = shell::run(&mut shell::command("npm", &args)) {
        eprintln!("SKIPPED: {PACKAGE} cannot be fetched ({error:#}), accessibility will not be tested");
    }
}
