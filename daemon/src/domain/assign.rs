//! The optimal one-to-one assignment, for faces to tracks and for visits to persons.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// Gains are rounded to this fraction: the method wants whole numbers.
const FINENESS: f32 = 1e7;
/// No gain is larger.
const MOST: f32 = 1e4;

/// Pairs rows with columns, one to one, so that the sum of `gain(row, column)` is the largest there is. `None`
/// and gains that are not positive mean that the two are not to be paired. Pairs come in the order of their rows.
pub fn best_pairs(rows: usize, columns: usize, gain: impl Fn(usize, usize) -> Option<f32>) -> Vec<(usize, usize)> {
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded to 1e11")]
    let whole = |row, column| gain(row, column).map_or(0, |gain| (gain.clamp(0.0, MOST) * FINENESS) as i64);
    // The method wants at least as many columns as rows; a column too many stands for nobody.
    let weights =
        Matrix::from_fn(rows, columns.max(rows), |(row, column)| if column < columns { whole(row, column) } else { 0 });
    let (_, chosen) = kuhn_munkres(&weights);
    chosen.into_iter().enumerate().filter(|&(row, column)| column < columns && whole(row, column) > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_sum_counts_not_the_best_single_pair() {
        let check = |gains: &[&[f32]], expected: &[(usize, usize)]| {
            let columns = gains.first().map_or(0, |row| row.len());
            let found = best_pairs(gains.len(), columns, |row, column| Some(gains[row][column]));
            assert_eq!(found, expected, "{gains:?}");
        };
        check(&[], &[]);
        check(&[&[1.0]], &[(0, 0)]);
        check(&[&[0.0]], &[]);
        check(&[&[0.9, 0.8], &[0.8, 0.1]], &[(0, 1), (1, 0)]);
        check(&[&[0.9], &[0.95], &[0.2]], &[(1, 0)]);
        check(&[&[0.9, f32::NAN, -1.0]], &[(0, 0)]);
    }

    fn most(rows: &[Vec<f32>], row: usize, taken: &mut Vec<bool>) -> f32 {
        let Some(gains) = rows.get(row) else { return 0.0 };
        let mut best = most(rows, row + 1, taken);
        for column in 0..gains.len() {
            if !taken[column] && gains[column] > 0.0 {
                taken[column] = true;
                best = best.max(gains[column] + most(rows, row + 1, taken));
                taken[column] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn as_good_as_trying_everything_and_one_to_one(
            columns in 1_usize..5, cells in proptest::collection::vec(-0.3_f32..1.0, 0..20)
        ) {
            let gains: Vec<Vec<f32>> = cells.chunks_exact(columns).map(<[f32]>::to_vec).collect();
            let pairs = best_pairs(gains.len(), columns, |row, column| Some(gains[row][column]));
            let mut used: Vec<usize> = pairs.iter().map(|pair| pair.1).collect();
            used.sort_unstable();
            used.dedup();
            prop_assert_eq!(used.len(), pairs.len());
            let sum: f32 = pairs.iter().map(|(row, column)| gains[*row][*column]).sum();
            prop_assert!((sum - most(&gains, 0, &mut vec![false; columns])).abs() < 1e-3);
        }
    }
}
