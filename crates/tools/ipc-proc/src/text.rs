//! Text of others, so that it cannot be taken for anything else.

use std::fmt::Write;

/// The bytes as one line of text: what is no printable character stands as `\xNN`, and a backslash
/// as `\\`, so that two different names never look alike.
pub fn printable(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => shown.push_str("\\\\"),
                _ if character.is_control() => {
                    let mut buffer = [0; 4];
                    for byte in character.encode_utf8(&mut buffer).bytes() {
                        escape(&mut shown, byte);
                    }
                }
                _ => shown.push(character),
            }
        }
        for byte in chunk.invalid() {
            escape(&mut shown, *byte);
        }
    }
    shown
}

fn escape(shown: &mut String, byte: u8) {
    // Writing to a String never fails.
    let _ = write!(shown, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_never_look_alike() {
        assert_eq!(printable("Jörg".as_bytes()), "Jörg");
        assert_eq!(printable(b"a\nb\x1b[2J"), "a\\x0ab\\x1b[2J");
        assert_eq!(printable(b"a\xff"), "a\\xff");
        assert_eq!(printable(b"a\\xff"), "a\\\\xff");
    }
}
