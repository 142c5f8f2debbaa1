//! One statement for many rows: each saves the way to the database's thread and back, which costs more than the row.
//!
//! There are statements for a few numbers of rows only, so that each stays prepared.

use std::iter;

use super::engine::Engine;

/// Numbers of rows there are statements for, falling; the last is one, so that every number can be made of them.
const SIZES: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// A statement in each of the sizes, as each database takes it.
pub(super) struct ManyRows {
    /// With values that are not numbered: SQLite looks each number up among all, which takes the square of their count.
    sqlite: [String; SIZES.len()],
    postgres: [String; SIZES.len()],
}

impl ManyRows {
    /// A statement of `head`, `row` as often as there are rows, with commas between, and `tail`. Each `?` of a row
    /// stands for a value, in order.
    pub(super) fn new(head: &str, row: &str, tail: &str) -> Self {
        let rows = |count: usize| vec![row; count].join(", ");
        Self {
            sqlite: SIZES.map(|count| format!("{head} {} {tail}", rows(count))),
            postgres: SIZES.map(|count| format!("{head} {} {tail}", numbered(&rows(count)))),
        }
    }

    /// The statement for one of the [`pieces`].
    pub(super) fn sql<T>(&'static self, engine: Engine, piece: &[T]) -> &'static str {
        let place = SIZES.iter().position(|rows| *rows == piece.len());
        let statements = match engine {
            Engine::Sqlite => &self.sqlite,
            Engine::Postgres => &self.postgres,
        };
        &statements[place.expect("pieces have the sizes there are statements for")]
    }
}

fn numbered(rows: &str) -> String {
    let mut parts = rows.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(1..).fold(first, |sql, (part, number)| sql + &format!("${number}") + part)
}

/// Cuts rows into pieces there is a statement for, in order.
pub(super) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (piece, rest) = rows.split_at(size);
        rows = rest;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static INSERT: LazyLock<ManyRows> =
        LazyLock::new(|| ManyRows::new("INSERT INTO t VALUES", "(?, ?)", "RETURNING a"));

    #[test]
    fn every_number_of_rows_is_made_of_pieces() {
        let check = |count: usize, expected: &[usize]| {
            let rows: Vec<usize> = (0..count).collect();
            assert_eq!(pieces(&rows).map(<[usize]>::len).collect::<Vec<_>>(), expected, "{count}");
            assert_eq!(pieces(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        };
        check(0, &[]);
        check(1, &[1]);
        check(7, &[4, 2, 1]);
        check(150, &[64, 64, 16, 4, 2]);
        check(47, &[32, 8, 4, 2, 1]);
        assert_eq!(INSERT.sql(Engine::Postgres, &[0]), "INSERT INTO t VALUES ($1, $2) RETURNING a");
        assert_eq!(INSERT.sql(Engine::Sqlite, &[0]), "INSERT INTO t VALUES (?, ?) RETURNING a");
        let four = INSERT.sql(Engine::Postgres, &[0; 4]);
        assert!(four.contains("VALUES ($1, $2), ($3, $4), ($5, $6), ($7, $8) RETURNING"));
    }
}
