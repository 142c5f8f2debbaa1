//! Recognises a whole CONNECT packet at the start of a connection. Pure.

/// Largest CONNECT taken, in bytes: a token, a will, and room.
pub(super) const MAX_CONNECT_BYTES: usize = 64 * 1024;

/// The first byte of a CONNECT packet.
const CONNECT: u8 = 0x10;
/// Bytes of the length field, at most.
const MAX_LENGTH_BYTES: usize = 4;

/// What the first bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// The beginning of a CONNECT; more must come.
    Partial,
    /// A whole CONNECT, perhaps with more behind it.
    Whole,
    /// Something else, or too large.
    NotMqtt,
}

/// Looks at what came so far.
pub(super) fn opening(bytes: &[u8]) -> Opening {
    match bytes.split_first() {
        None => Opening::Partial,
        Some((&CONNECT, rest)) => match length(rest) {
            Length::Partial => Opening::Partial,
            Length::Known { value, field_bytes } if value + field_bytes < MAX_CONNECT_BYTES => {
                if rest.len() >= value + field_bytes { Opening::Whole } else { Opening::Partial }
            }
            Length::Known { .. } | Length::Bad => Opening::NotMqtt,
        },
        Some(_) => Opening::NotMqtt,
    }
}

enum Length {
    Partial,
    Known { value: usize, field_bytes: usize },
    Bad,
}

/// MQTT's variable length: seven bits a byte, the lowest first.
fn length(bytes: &[u8]) -> Length {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(MAX_LENGTH_BYTES).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Length::Known { value, field_bytes: at + 1 };
        }
    }
    if bytes.len() < MAX_LENGTH_BYTES { Length::Partial } else { Length::Bad }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(bytes: &[u8], expected: Opening) {
        assert_eq!(opening(bytes), expected, "{bytes:?}");
    }

    #[test]
    fn openings() {
        check(&[], Opening::Partial);
        check(&[0x10], Opening::Partial);
        check(&[0x10, 3, 1, 2], Opening::Partial);
        check(&[0x10, 3, 1, 2, 3], Opening::Whole);
        check(&[0x10, 3, 1, 2, 3, 0x30], Opening::Whole);
        check(&[0x10, 0x80], Opening::Partial);
        check(&[0x10, 0x80, 0x80, 0x80, 0x80], Opening::NotMqtt);
        check(&[0x10, 0xff, 0xff, 0x7f], Opening::NotMqtt);
        check(&[0x30, 3], Opening::NotMqtt);
        check(b"GET / HTTP/1.1", Opening::NotMqtt);
    }

    proptest! {
        #[test]
        fn more_bytes_never_take_back_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0..300usize) {
            let before = opening(&bytes[..cut.min(bytes.len())]);
            prop_assert!(before == Opening::Partial || before == opening(&bytes));
        }
    }
}
