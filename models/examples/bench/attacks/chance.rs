//! Numbers that look random and come out the same every time (splitmix64).

/// A source of numbers.
pub struct Chance(u64);

impl Chance {
    /// Starts the row that belongs to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from `low` to `high`.
    pub const fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.bits() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// About normal, mean 0, deviation 1: the sum of four bytes.
    pub fn normal(&mut self) -> f32 {
        let bits = self.bits();
        let sum: f32 = (0..4).map(|byte| ((bits >> (16 * byte)) & 0xffff) as f32 / 65_535.0).sum();
        (sum - 2.0) * 1.732
    }

    /// A swing that a person makes without meaning to: three sines of random phase, within about -1 to 1.
    pub fn sway(&mut self) -> Sway {
        let wave =
            |chance: &mut Self, low, high| (chance.between(low, high), chance.between(0.0, std::f32::consts::TAU));
        Sway([wave(self, 0.15, 0.35), wave(self, 0.5, 0.9), wave(self, 1.4, 2.4)])
    }
}

/// Frequencies in hertz and phases.
pub struct Sway([(f32, f32); 3]);

impl Sway {
    /// At a time in seconds.
    pub fn at(&self, time: f32) -> f32 {
        let wave = |(hertz, phase): (f32, f32)| (std::f32::consts::TAU * hertz * time + phase).sin();
        0.6 * wave(self.0[0]) + 0.3 * wave(self.0[1]) + 0.1 * wave(self.0[2])
    }
}
