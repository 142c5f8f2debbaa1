//! Every instruction set gives what plain Rust gives, to the last bit.

use proptest::prelude::*;

use super::*;

/// Rows of codes in -127..=127, as many as fill whole blocks.
struct Rows {
    codes: Vec<Vec<i32>>,
    lines: Vec<CodeLine>,
    scales: Vec<[f32; BLOCK_ROWS]>,
    errors: Vec<[f32; BLOCK_ROWS]>,
}

impl Rows {
    /// Blocks of rows made of a seed; `extreme` takes the largest codes only.
    fn of(seed: u64, blocks: usize, dimension: usize, extreme: bool) -> Self {
        let mut random = Random(seed);
        let mut code = move || match random.next() % 255 {
            n if extreme => {
                if n < 128 {
                    CODE_MAX
                } else {
                    -CODE_MAX
                }
            }
            n => n as i32 - CODE_MAX,
        };
        let codes: Vec<Vec<i32>> = (0..blocks * BLOCK_ROWS).map(|_| (0..dimension).map(|_| code()).collect()).collect();
        let a_block = lines_a_block(dimension);
        let mut lines = vec![CodeLine::ZERO; blocks * a_block];
        for (row, codes) in codes.iter().enumerate() {
            for (at, &code) in codes.iter().enumerate() {
                let line = &mut lines[row / BLOCK_ROWS * a_block + at / GROUP];
                line.0[row % BLOCK_ROWS * GROUP + at % GROUP] = (code + i32::from(CODE_ZERO)) as u8;
            }
        }
        let mut random = Random(seed ^ 7);
        let mut lanes = || std::array::from_fn(|_| (random.next() % 1000) as f32 / 9e5);
        let scales = (0..blocks).map(|_| lanes()).collect();
        let errors = (0..blocks).map(|_| lanes()).collect();
        Self { codes, lines, scales, errors }
    }

    fn view(&self) -> CodedRows<'_> {
        CodedRows { lines: &self.lines, scales: &self.scales, errors: &self.errors }
    }
}

/// A small generator, so that a failing case is named by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }
}

fn probe_values(seed: u64, dimension: usize, extreme: bool) -> Vec<i16> {
    let (mut random, most) = (Random(seed), i32::from(probe_max(dimension)));
    let value = |n: u32| match (extreme, n % 2) {
        (true, 0) => most,
        (true, _) => -most,
        (false, _) => (n % (2 * most as u32 + 1)) as i32 - most,
    };
    (0..dimension).map(|_| value(random.next()) as i16).collect()
}

/// What [`upper_bounds`] promises, in wide integers.
fn promised(rows: &Rows, probe: &[i16], (scale, norm): (f32, f32)) -> Vec<f32> {
    let product =
        |codes: &Vec<i32>| -> i64 { codes.iter().zip(probe).map(|(c, p)| i64::from(*c) * i64::from(*p)).sum() };
    let products = rows.codes.iter().map(product);
    let factors = rows.scales.as_flattened().iter().zip(rows.errors.as_flattened());
    products.zip(factors).map(|(product, (s, e))| product as f32 * s * scale + e * norm).collect()
}

fn check(seed: u64, blocks: usize, dimension: usize, extreme: bool) {
    let (rows, values) = (Rows::of(seed, blocks, dimension, extreme), probe_values(seed ^ 3, dimension, extreme));
    let (probe, factors) = (Probe::new(&values), (1.7e-5, 1.0001));
    let expected = promised(&rows, &values, factors);
    let run = |kernel: &dyn Fn(&mut [[f32; BLOCK_ROWS]])| {
        let mut bounds = vec![[0.0; BLOCK_ROWS]; blocks];
        kernel(&mut bounds);
        bounds.as_flattened().to_vec()
    };
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        let found = run(&|bounds| upper_bounds(isa, &probe, rows.view(), factors, bounds));
        assert_eq!(found, expected, "{isa:?}, dimension {dimension}, {blocks} blocks");
    }
    #[cfg(target_arch = "x86_64")]
    if Isa::Avx512.is_available() {
        let found = run(&|bounds| avx512::without_vnni(&probe, rows.view(), factors, bounds));
        assert_eq!(found, expected, "AVX-512 without VNNI, dimension {dimension}");
    }
}

#[test]
fn every_path_is_exact_at_every_dimension() {
    for dimension in [1, 2, 3, 4, 5, 15, 16, 17, 127, 128, 130, 511, 512, 516, 517, 1024, 2049] {
        for blocks in [1, 3, 4, 9] {
            check(dimension as u64, blocks, dimension, false);
        }
        check(dimension as u64, 2, dimension, true);
    }
}

#[test]
fn nothing_is_nothing() {
    let none = CodedRows { lines: &[], scales: &[], errors: &[] };
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        upper_bounds(isa, &Probe::new(&[]), none, (1.0, 1.0), &mut []);
        upper_bounds(isa, &Probe::new(&[1, 2, 3]), none, (1.0, 1.0), &mut []);
        assert_eq!(dot(isa, &[], &[]), 0.0);
    }
}

proptest! {
    #[test]
    fn every_path_is_exact(seed in any::<u64>(), blocks in 0_usize..12, dimension in 1_usize..200) {
        check(seed, blocks, dimension, false);
    }

    #[test]
    fn dot_is_the_same_to_the_last_bit(pairs in proptest::collection::vec((-2.0_f32..2.0, -2.0_f32..2.0), 0..300)) {
        let (a, b): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
        let plain = dot(Isa::Scalar, &a, &b);
        let exact: f64 = pairs.iter().map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        prop_assert!((plain - exact).abs() < 1e-12);
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            prop_assert_eq!(dot(isa, &a, &b).to_bits(), plain.to_bits(), "{:?}", isa);
        }
    }
}
