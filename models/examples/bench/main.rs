//! The worker of `cargo xtask bench`: times parts of this crate on one thread, alternated with a peer by the
//! caller. One program for all of them, since each is linked with whole-program optimisation.

mod attacks;
mod faces;
mod groups;
mod near;
mod net;
mod pad;
mod quality;
mod search;

use std::path::Path;

/// What a part gives.
type Answer<T> = Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: bench net PACK FRAME DETECTOR_INPUT CHIP
             bare-nets PACK DETECTOR_INPUT CHIP KERNELS
             frames FRAME DIR COUNT
             faces PACK
             pad PACK FACES develop|report PHOTOS_A_PERSON
             attacks PACK PHOTO DIR
             quality PACK FACES
             groups PACK FACES ORDERS
             near PACK FACES
             search DIR ROWS A_PERSON DIMENSION";

fn main() -> Answer<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["net", pack, frame] => net::rounds(pack, frame),
        ["bare-nets", pack, input, chip, kernels] => net::bare(pack, input, chip, kernels),
        ["frames", frame, dir, count] => net::frames(Path::new(frame), Path::new(dir), count.parse()?),
        ["faces", pack] => faces::answer(pack),
        ["pad", pack, faces, half, photos] => pad::run(pack, Path::new(faces), half.parse()?, photos.parse()?),
        ["attacks", pack, photo, dir] => attacks::write(pack, Path::new(photo), Path::new(dir)),
        ["groups", pack, faces, orders] => groups::run(pack, Path::new(faces), orders.parse()?),
        ["near", pack, faces] => near::run(pack, Path::new(faces)),
        ["quality", pack, faces] => quality::run(pack, Path::new(faces)),
        ["search", dir, rows, a_person, dimension] => {
            search::rounds(Path::new(dir), rows.parse()?, a_person.parse()?, dimension.parse()?)
        }
        _ => Err(USAGE.into()),
    }
}
