//! A statement put together at run time, its values numbered.

use sqlx::query::QueryAs;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Encode, FromRow, Sqlite, Type};

/// Text and values.
pub(super) struct Statement {
    sql: String,
    values: SqliteArguments,
}

impl Statement {
    /// Begins with `sql`, which holds no values.
    pub(super) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: SqliteArguments::default() }
    }

    /// Adds text; never what came from outside.
    pub(super) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds a value.
    pub(super) fn bind<'v>(&mut self, value: impl Encode<'v, Sqlite> + Type<Sqlite>) -> &mut Self {
        self.values.add(value).expect("plain values have a form in every database");
        let number = self.values.len();
        self.push(&format!("${number}"))
    }

    /// Adds values in parentheses, for `IN`; there must be one at least.
    pub(super) fn bind_list<'v>(
        &mut self,
        values: impl IntoIterator<Item = impl Encode<'v, Sqlite> + Type<Sqlite>>,
    ) -> &mut Self {
        let mut before = "(";
        for value in values {
            self.push(before).bind(value);
            before = ", ";
        }
        self.push(")")
    }

    /// To be read into rows.
    pub(super) fn query_as<T: for<'r> FromRow<'r, SqliteRow>>(self) -> QueryAs<'static, Sqlite, T, SqliteArguments> {
        sqlx::query_as_with(AssertSqlSafe(self.sql), self.values)
    }
}
