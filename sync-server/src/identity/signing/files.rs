//! The files of token keys, as servers hand them to each other.

use std::fs;
use std::path::Path;

use super::listed;
use crate::identity::{IdentityError, files as secret_files};

/// Whether this is the name of a token key's file, and of nothing else.
pub fn is_key_file(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    matches!(extension, "pem" | "pub") && stem.len() == 15 && stem.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a name is of a retired key.
pub fn is_retired(name: &str) -> bool {
    name.ends_with(".pub")
}

/// The same key's name while it is in use.
pub fn in_use_name(name: &str) -> String {
    name.strip_suffix(".pub").map_or_else(|| name.to_owned(), |stem| format!("{stem}.pem"))
}

/// The same key's name once it is retired.
pub fn retired_name(name: &str) -> String {
    name.strip_suffix(".pem").map_or_else(|| name.to_owned(), |stem| format!("{stem}.pub"))
}

/// Every key's file: name and text.
///
/// # Errors
/// [`IdentityError`] if one cannot be read.
pub fn files(dir: &Path) -> Result<Vec<(String, String)>, IdentityError> {
    let mut found = Vec::new();
    for path in [listed(dir, "pem")?, listed(dir, "pub")?].concat() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        // One that went in between was retired in between.
        if let (Some(name), Some(text)) = (name.filter(|name| is_key_file(name)), secret_files::read(&path)?) {
            found.push((name, text));
        }
    }
    Ok(found)
}

/// Takes a key's file from another server, unless it is here already. With a retired key's, the private half goes.
///
/// # Errors
/// [`IdentityError`] if it cannot be written.
pub fn take(dir: &Path, name: &str, text: &str) -> Result<(), IdentityError> {
    let path = dir.join(name);
    if is_retired(name) {
        if !path.exists() {
            secret_files::write_public(&path, text)?;
        }
        let private = dir.join(in_use_name(name));
        return match fs::remove_file(&private) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(IdentityError::File { doing: "remove", path: private, source })
            }
            _ => Ok(()),
        };
    }
    // One that was retired here is not taken back.
    if path.exists() || dir.join(retired_name(name)).exists() {
        return Ok(());
    }
    secret_files::write_secret(&path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_key_files_are_taken() {
        let check = |name: &str, expected: bool| assert_eq!(is_key_file(name), expected, "{name}");
        check("001790000000000.pem", true);
        check("001790000000000.pub", true);
        check("001790000000000.new", false);
        check("../../1790000000.pem", false);
        check("1.pem", false);
        check("", false);
    }
}
