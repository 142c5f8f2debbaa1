//! Values that the two databases hold in different forms.

use sqlx::any::{AnyTypeInfo, AnyValueRef};
use sqlx::database::Database;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Any, Decode, Encode, Type};

type Values = <Any as Database>::ArgumentBuffer;

/// Yes or no, in a column of whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl Type<Any> for Flag {
    fn type_info() -> AnyTypeInfo {
        <i64 as Type<Any>>::type_info()
    }

    fn compatible(ty: &AnyTypeInfo) -> bool {
        <i64 as Type<Any>>::compatible(ty)
    }
}

impl Encode<'_, Any> for Flag {
    fn encode_by_ref(&self, buf: &mut Values) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<Any>>::encode_by_ref(&i64::from(self.0), buf)
    }
}

impl<'r> Decode<'r, Any> for Flag {
    fn decode(value: AnyValueRef<'r>) -> Result<Self, BoxDynError> {
        <i64 as Decode<Any>>::decode(value).map(|number| Self(number != 0))
    }
}

/// A number that may be missing. For an `f64` the library announces a missing one as 32 bits wide to PostgreSQL, and
/// the statement, prepared so, then refuses those of 64 bits that come after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Real(pub(super) f64);

impl Type<Any> for Real {
    fn type_info() -> AnyTypeInfo {
        // It announces a missing "32 bits" as 64 bits, and the other way round.
        <f32 as Type<Any>>::type_info()
    }
}

impl Encode<'_, Any> for Real {
    fn encode_by_ref(&self, buf: &mut Values) -> Result<IsNull, BoxDynError> {
        <f64 as Encode<Any>>::encode_by_ref(&self.0, buf)
    }
}
