//! A statement put together at run time, its values numbered as both databases number them.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::{Query, QueryAs};
use sqlx::{Any, Arguments, AssertSqlSafe, Encode, FromRow, Type};

/// Text and values. The library's own builder writes `?`, which PostgreSQL does not take.
pub(super) struct Statement {
    sql: String,
    values: AnyArguments,
}

impl Statement {
    /// Begins with `sql`, which holds no values.
    pub(super) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: AnyArguments::default() }
    }

    /// Adds text; never what came from outside.
    pub(super) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds a value.
    pub(super) fn bind<'v>(&mut self, value: impl Encode<'v, Any> + Type<Any>) -> &mut Self {
        self.values.add(value).expect("plain values have a form in every database");
        let number = self.values.len();
        self.push(&format!("${number}"))
    }

    /// Adds values in parentheses, for `IN`; there must be one at least.
    pub(super) fn bind_list<'v>(
        &mut self,
        values: impl IntoIterator<Item = impl Encode<'v, Any> + Type<Any>>,
    ) -> &mut Self {
        let mut before = "(";
        for value in values {
            self.push(before).bind(value);
            before = ", ";
        }
        self.push(")")
    }

    /// Adds a word of ours, as text: of few words some are rare, and a plan made for any values must know which is asked for.
    pub(super) fn word(&mut self, word: &'static str) -> &mut Self {
        debug_assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{word}");
        self.push(&format!("'{word}'"))
    }

    /// Adds such words in parentheses, for `IN`; there must be one at least.
    pub(super) fn words(&mut self, words: impl IntoIterator<Item = &'static str>) -> &mut Self {
        let mut before = "(";
        for word in words {
            self.push(before).word(word);
            before = ", ";
        }
        self.push(")")
    }

    /// Adds how many rows there may be, as text: a plan made for any values must know how few are wanted.
    pub(super) fn limit(&mut self, rows: u32) -> &mut Self {
        self.push(&format!(" LIMIT {rows}"))
    }

    /// To be executed.
    pub(super) fn query(self) -> Query<'static, Any, AnyArguments> {
        sqlx::query_with(AssertSqlSafe(self.sql), self.values)
    }

    /// To be read into rows.
    pub(super) fn query_as<T: for<'r> FromRow<'r, AnyRow>>(self) -> QueryAs<'static, Any, T, AnyArguments> {
        sqlx::query_as_with(AssertSqlSafe(self.sql), self.values)
    }

    /// Puts a statement behind text that holds no values itself.
    #[cfg(test)]
    pub(super) fn append(&mut self, behind: Self) {
        debug_assert_eq!(self.values.len(), 0);
        self.sql.push_str(&behind.sql);
        self.values = behind.values;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered() {
        let mut statement = Statement::new("SELECT a FROM t WHERE b = ");
        statement.bind(7).push(" AND c IN ").bind_list([vec![1u8], vec![2u8]]).push(" LIMIT ").bind(9i64);
        assert_eq!(statement.sql, "SELECT a FROM t WHERE b = $1 AND c IN ($2, $3) LIMIT $4");
    }
}
