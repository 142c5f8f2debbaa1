//! The segments of a JPEG up to its scan: sizes, tables, which component uses which.
//!
//! Taken is what cameras send: baseline, 8 bit, three components, colours as fine as light or halved across or both ways.
//! Everything else is left to the library.

use std::sync::OnceLock;

use super::huffman::Table;

/// What stands before the scan.
pub struct Header<'a> {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Y, U, V.
    pub components: [Component; 3],
    /// Units between restarts; 0 for none.
    pub restart: usize,
    /// The coded scan and everything after it.
    pub scan: &'a [u8],
}

/// How a component is coded.
#[derive(Clone)]
pub struct Component {
    /// Its blocks in a unit of the scan, across.
    pub across: usize,
    /// Its blocks in a unit of the scan, down.
    pub down: usize,
    /// What each value is multiplied with, in zigzag order.
    pub factors: [u16; 64],
    /// For the first value of a block.
    pub first: Table,
    /// For the others.
    pub others: Table,
}

/// Tables as they come.
struct Tables {
    factors: [Option<[u16; 64]>; 4],
    first: [Option<Table>; 4],
    others: [Option<Table>; 4],
}

impl<'a> Header<'a> {
    /// Reads it; `None` for what is left to the library, damaged files among them.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (mut tables, mut frame, mut restart) = (Tables::standard(), None, 0);
        let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
        loop {
            let (marker, segment, after) = segment(rest)?;
            rest = after;
            match marker {
                0xdb => tables.take_factors(segment)?,
                0xc4 => tables.take_codes(segment)?,
                0xc0 => frame = Some(Frame::read(segment)?),
                0xdd => restart = usize::from(word(segment, 0)?),
                0xda => return frame?.with(&tables, segment, restart, rest),
                // Comments and what programs add.
                0xe0..=0xef | 0xfe => {}
                _ => return None,
            }
        }
    }
}

/// A frame's size and components: name, blocks across and down, which factors.
struct Frame {
    width: usize,
    height: usize,
    components: [(u8, usize, usize, usize); 3],
}

impl Frame {
    fn read(segment: &[u8]) -> Option<Self> {
        let (height, width) = (usize::from(word(segment, 1)?), usize::from(word(segment, 3)?));
        let side = super::super::MAX_SIDE as usize;
        if segment.first() != Some(&8) || segment.get(5) != Some(&3) || width.max(height) > side || width * height == 0
        {
            return None;
        }
        let component = |n: usize| {
            let [name, blocks, factors] = *segment.get(6 + 3 * n..)?.first_chunk::<3>()?;
            Some((name, usize::from(blocks >> 4), usize::from(blocks & 15), usize::from(factors)))
        };
        let components = [component(0)?, component(1)?, component(2)?];
        Some(Self { width, height, components })
    }

    fn with<'a>(self, tables: &Tables, segment: &[u8], restart: usize, scan: &'a [u8]) -> Option<Header<'a>> {
        let Self { width, height, components: [light, u, v] } = self;
        // Programs write colours halved across as 2x2 beside 1x2 blocks, too.
        let halved = |light: usize, colour: usize| colour > 0 && (light == colour || light == 2 * colour);
        let few = light.1 <= 2 && light.2 <= 2 && (u.1, u.2) == (v.1, v.2);
        let fits = few && halved(light.1, u.1) && halved(light.2, u.2) && (light.1 > u.1 || light.2 == u.2);
        // All three in one scan, in the frame's order, of all values at once.
        if !fits || segment.first() != Some(&3) || segment.get(7..10) != Some(&[0, 63, 0]) {
            return None;
        }
        let component = |n: usize, (name, across, down, factors): (u8, usize, usize, usize)| {
            let [scanned, codes] = *segment.get(1 + 2 * n..)?.first_chunk::<2>()?;
            let of = |set: &[Option<Table>; 4], which: u8| set.get(usize::from(which)).cloned().flatten();
            (scanned == name).then_some(())?;
            Some(Component {
                across,
                down,
                factors: (*tables.factors.get(factors)?)?,
                first: of(&tables.first, codes >> 4)?,
                others: of(&tables.others, codes & 15)?,
            })
        };
        let components = [component(0, light)?, component(1, u)?, component(2, v)?];
        Some(Header { width, height, components, restart, scan })
    }
}

impl Tables {
    /// Those a file may leave out: cameras do, for all of them would send the same.
    fn standard() -> Self {
        static CODES: OnceLock<Option<[[Option<Table>; 4]; 2]>> = OnceLock::new();
        let none = || [const { None }; 4];
        let known = CODES.get_or_init(|| {
            // Our own encoder uses them.
            let picture = ostiary_models::frame::RgbImage::black(8, 8);
            let bytes = super::encode_within(&picture, 4096)?;
            let (mut tables, mut rest) = (Self { factors: [None; 4], first: none(), others: none() }, &bytes[2..]);
            loop {
                let (marker, segment, after) = segment(rest)?;
                rest = after;
                match marker {
                    0xc4 => tables.take_codes(segment)?,
                    0xda => return Some([tables.first, tables.others]),
                    _ => {}
                }
            }
        });
        let [first, others] = known.clone().unwrap_or([none(), none()]);
        Self { factors: [None; 4], first, others }
    }

    fn take_factors(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((kind, after)) = segment.split_first() {
            let wide = kind >> 4 == 1;
            let (values, after) = after.split_at_checked(if wide { 128 } else { 64 })?;
            let value = |n: usize| if wide { word(values, 2 * n).unwrap_or(0) } else { u16::from(values[n]) };
            *self.factors.get_mut(usize::from(kind & 15))? = Some(std::array::from_fn(value));
            segment = after;
        }
        Some(())
    }

    fn take_codes(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((kind, after)) = segment.split_first() {
            let (counts, after) = after.split_first_chunk::<16>()?;
            let count = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, after) = after.split_at_checked(count)?;
            let set = if kind >> 4 == 0 { &mut self.first } else { &mut self.others };
            *set.get_mut(usize::from(kind & 15))? = Some(Table::new(counts, symbols)?);
            segment = after;
        }
        Some(())
    }
}

/// The next segment: its marker, what is in it, and what comes after.
fn segment(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let at = bytes.strip_prefix(&[0xff])?;
    // Any number of fill bytes may stand before a marker.
    let at = &at[at.iter().position(|byte| *byte != 0xff)?..];
    let (marker, rest) = at.split_first()?;
    let length = usize::from(word(rest, 0)?);
    Some((*marker, rest.get(2..length)?, rest.get(length..)?))
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
