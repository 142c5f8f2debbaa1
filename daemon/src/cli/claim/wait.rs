//! `ostiaryd claim --wait`: a board without keyboard waits for its claim file, and for the server. On its screen, if it
//! has one, stands which board it is, as text and as QR code, for whoever stands before a shelf of them.

use std::path::Path;
use std::time::Duration;

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use sha2::{Digest, Sha256};

use super::file::{self, ClaimFile, PLACES};

/// Between two looks.
const ROUND: Duration = Duration::from_secs(3);

/// Waits for a claim file and hands it to `claim` until that succeeds. What goes wrong is said once, until it changes.
pub fn wait<T>(named: Option<&Path>, mut claim: impl FnMut(&ClaimFile) -> anyhow::Result<T>) -> T {
    println!("{}", notice(&board()));
    let mut said = String::new();
    loop {
        match file::find(named).map(|path| file::read(&path).and_then(|file| claim(&file))) {
            Some(Ok(claimed)) => return claimed,
            Some(Err(error)) => {
                let words = format!("{error:#}");
                if words != said {
                    eprintln!("not claimed yet, trying again: {words}");
                    said = words;
                }
            }
            None => {}
        }
        std::thread::sleep(ROUND);
    }
}

/// Which board this is: eight digits that follow from its machine id, the same as long as its system is.
#[must_use]
pub fn board() -> String {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    name_of(id.trim())
}

fn name_of(machine_id: &str) -> String {
    // A machine id is not to be shown to others as it is.
    let sum = Sha256::digest(format!("ostiary board {machine_id}"));
    let digits = hex::encode_upper(&sum[..4]);
    format!("{}-{}", &digits[..4], &digits[4..])
}

fn notice(board: &str) -> String {
    let code = QrCode::new(format!("OSTIARY BOARD {board}")).map_or_else(
        |_| String::new(),
        |code| code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build(),
    );
    format!(
        "{code}\nThis is board {board}. It waits to be claimed.\nMake a device at the server \
         (`ostiary-server device add`) and write what it says into {}:\n  server = \"https://…\"\n  code = \"…\"\n  \
         ca_sha256 = \"…\"",
        PLACES[0]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_has_one_name_and_tries_until_it_is_claimed() {
        assert_eq!(name_of("a"), name_of("a"));
        assert_ne!(name_of("a"), name_of("b"));
        let notice = notice("12AB-34CD");
        assert!(notice.contains("board 12AB-34CD") && notice.contains('█'), "{notice}");
    }
}
