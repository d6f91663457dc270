//! Public keys of Ed25519: RFC 8032 §5.1, RFC 8037 §2.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The points of small order, by their `y` with the sign of `x` left out, also in forms that are not canonical. For a
/// key among them anybody can make signatures that RFC 8032 §5.1.7 finds good, without a private key.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    least(1),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    near_prime(0xec),
    near_prime(0xed),
    near_prime(0xee),
];

/// A number of one byte.
const fn least(byte: u8) -> [u8; 32] {
    let mut number = [0; 32];
    number[0] = byte;
    number
}

/// 2^255 - 256 and a byte: the prime of the field is that with 0xed.
const fn near_prime(byte: u8) -> [u8; 32] {
    let mut number = [0xff; 32];
    number[0] = byte;
    number[31] = 0x7f;
    number
}

/// Whether `x` of a JWK is 32 bytes that only the holder of a private key can sign for.
pub(super) fn is_key(x: &str) -> bool {
    let Ok(Ok(mut point)) = URL_SAFE_NO_PAD.decode(x).map(<[u8; 32]>::try_from) else { return false };
    point[31] &= 0x7f;
    !SMALL_ORDER.contains(&point)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, crypto};

    use super::*;

    /// R8: no point of small order is a key, with either sign of `x`; the key of RFC 8037 Appendix A.2 is.
    #[test]
    fn r8_small_order() {
        for point in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut point = point;
                point[31] |= sign;
                assert!(!is_key(&URL_SAFE_NO_PAD.encode(point)), "{point:?}");
            }
        }
        // The prime is 2^255 - 19, so that these are -1, 0 and 1.
        for byte in [0xec, 0xed, 0xee] {
            let point = [&[byte][..], &[0xff; 30], &[0x7f]].concat();
            assert!(!is_key(&URL_SAFE_NO_PAD.encode(point)), "{byte:x}");
        }
        assert!(is_key("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
        for bad in ["", "AA", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR!", &"A".repeat(44)] {
            assert!(!is_key(bad), "{bad}");
        }
    }

    /// R8: why not. The library takes one signature for every message, made without any key.
    #[test]
    fn r8_a_signature_that_anybody_can_make() {
        let neutral = URL_SAFE_NO_PAD.encode(least(1));
        let signature = URL_SAFE_NO_PAD.encode([least(1), [0; 32]].concat());
        let key = DecodingKey::from_ed_components(&neutral).expect("the form of a key");
        for message in [&b"a"[..], b"b", b"any other"] {
            assert!(crypto::verify(&signature, message, &key, Algorithm::EdDSA).expect("verifies"));
        }
        assert!(!is_key(&neutral));
    }
}
