//! Bits of a scan, and the codes in them.

/// Bits that are looked up at once; longer codes are rare and counted out.
const QUICK: u32 = 10;

/// What the next bits are, in one word: in the low byte the bits of the code, and of the number behind it where that was
/// looked up with it (bit 7 says so), 0 for longer codes; then the symbol; then the number.
#[derive(Clone, Copy, Default)]
struct Quick(u32);

impl Quick {
    const WHOLE: u32 = 0x80;

    const fn new(bits: u32, symbol: u8, number: Option<i32>) -> Self {
        match number {
            Some(number) => Self(bits | Self::WHOLE | (symbol as u32) << 8 | (number as u32) << 16),
            None => Self(bits | (symbol as u32) << 8),
        }
    }

    const fn bits(self) -> u32 {
        self.0 & 0x7f
    }

    const fn symbol(self) -> u8 {
        (self.0 >> 8) as u8
    }

    const fn is_whole(self) -> bool {
        self.0 & Self::WHOLE != 0
    }

    const fn number(self) -> i32 {
        self.0.cast_signed() >> 16
    }
}

/// A table of codes.
#[derive(Clone)]
pub struct Table {
    /// By the next bits: the code's length and its symbol; length 0 for longer codes.
    quick: Box<[Quick; 1 << QUICK]>,
    /// By length: one past the last code of that length, in 16 bits from the left; and what to add to a code to find its
    /// symbol.
    ends: [u32; 17],
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// From how many codes there are of each length, and their symbols in order; `None` if codes overflow.
    pub fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            quick: Box::new([Quick::default(); 1 << QUICK]),
            ends: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut seen) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = u32::from(counts[length as usize - 1]);
            table.offsets[length as usize] = i32::try_from(seen).ok()? - i32::try_from(code).ok()?;
            for n in 0..count {
                if length <= QUICK {
                    let first = ((code + n) << (QUICK - length)) as usize;
                    let same = table.quick.get_mut(first..first + (1 << (QUICK - length)))?;
                    fill(same, length, *symbols.get(seen + n as usize)?);
                }
            }
            code += count;
            seen += count as usize;
            if code > 1 << length {
                return None;
            }
            table.ends[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(table)
    }

    /// The length and symbol of a code too long to be looked up, in the next 16 bits.
    #[cold]
    fn long(&self, bits: u32) -> Option<(u32, u8)> {
        let length = (QUICK + 1..=16).find(|length| bits < self.ends[*length as usize])?;
        let at = i32::try_from(bits >> (16 - length)).ok()? + self.offsets[length as usize];
        Some((length, *self.symbols.get(usize::try_from(at).ok()?)?))
    }
}

/// Notes a code of `length` with every bits that may follow it.
fn fill(same: &mut [Quick], length: u32, symbol: u8) {
    let (size, left) = (u32::from(symbol & 15), QUICK - length);
    for (following, quick) in same.iter_mut().enumerate() {
        *quick = match size <= left {
            true => Quick::new(length + size, symbol, Some(signed((following as u32 >> (left - size)) as i32, size))),
            false => Quick::new(length, symbol, None),
        };
    }
}

/// A number of `size` bits: those with a leading 0 are negative.
#[inline(always)]
const fn signed(bits: i32, size: u32) -> i32 {
    if size == 0 || bits >> (size - 1) != 0 { bits } else { bits - (1 << size) + 1 }
}

/// Bits of a scan from one restart to the next, stuffing taken out.
pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
}

/// Zeros after the end, so that whole words can be read to the last bit.
pub const PAD: usize = 16;

impl<'a> Bits<'a> {
    /// `bytes` end in [`PAD`] zeros that do not belong to the scan.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, count: 0 }
    }

    /// Whether more was read than there is.
    pub const fn is_over(&self) -> bool {
        self.at * 8 > (self.bytes.len() - PAD) * 8 + self.count as usize
    }

    /// Makes at least 32 bits ready; zeros after the end.
    #[inline(always)]
    fn fill(&mut self) {
        if self.count < 32 {
            let four = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<4>());
            let word = four.map_or(0, |four| u32::from_be_bytes(*four));
            self.held |= u64::from(word) << (32 - self.count);
            self.count += 32;
            self.at += 4;
        }
    }

    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.held <<= count;
        self.count -= count;
    }

    /// The next symbol of `table` and the number of bits its low half says, right behind it; `None` for a code there is
    /// not.
    #[inline(always)]
    pub fn next(&mut self, table: &Table) -> Option<(u8, i32)> {
        self.fill();
        let quick = table.quick[(self.held >> (64 - QUICK)) as usize];
        if quick.is_whole() {
            self.skip(quick.bits());
            return Some((quick.symbol(), quick.number()));
        }
        let (length, symbol) = match quick.bits() {
            0 => table.long((self.held >> 48) as u32)?,
            bits => (bits, quick.symbol()),
        };
        self.skip(length);
        let size = u32::from(symbol & 15);
        // A shift by all 64 bits, for a size of 0, in two steps.
        let number = signed(((self.held >> 1) >> (63 - size)) as i32, size);
        self.skip(size);
        Some((symbol, number))
    }
}
