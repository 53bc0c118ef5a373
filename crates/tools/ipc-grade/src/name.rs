//! File names that a student chose, as text that no two of them share.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

/// A file name as one line of printable text. Different names give different texts.
///
/// A backslash is doubled. A byte that is no UTF-8 becomes `\xNN`, and so does each byte of a character
/// that a reader cannot see: a control character, one that changes the direction of writing, a space
/// at either end.
pub fn shown(name: &OsStr) -> String {
    let mut text = String::new();
    let bytes = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            // Writing into a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    };
    let all = name.as_bytes();
    let first = all.len() - all.trim_ascii_start().len();
    let last = all.trim_ascii_end().len();
    let mut place = 0;
    for chunk in all.utf8_chunks() {
        for symbol in chunk.valid().chars() {
            let at_an_end = symbol == ' ' && (place < first || place >= last);
            let mut buffer = [0; 4];
            match symbol {
                '\\' => text.push_str("\\\\"),
                _ if at_an_end || is_unseen(symbol) => {
                    bytes(&mut text, symbol.encode_utf8(&mut buffer).as_bytes());
                }
                _ => text.push(symbol),
            }
            place += symbol.len_utf8();
        }
        bytes(&mut text, chunk.invalid());
        place += chunk.invalid().len();
    }
    text
}

/// Whether a character moves the cursor, turns the direction of writing, or has no width.
pub fn is_unseen(symbol: char) -> bool {
    symbol.is_control()
        || matches!(symbol,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn different_names_are_different_texts_in_one_line() {
        let names: [&[u8]; 16] = [
            b"a\xff",
            b"a\xfe",
            b"a\\xff",
            b"a\\\\xff",
            b"a\xc3\xbf",
            b"a\xc3",
            b"a\n",
            b"a\\n",
            b"a\\x0a",
            b"a",
            b"a ",
            b" a",
            b"a\xe2\x80\xae",
            b"a\xe2\x80\x8b",
            b"a\xef\xbf\xbd",
            b"a\xc2\x85",
        ];
        let texts: HashSet<_> = names
            .iter()
            .map(|name| shown(OsStr::from_bytes(name)))
            .collect();
        assert_eq!(texts.len(), names.len());
        assert!(texts.iter().all(|text| !text.contains(is_unseen)));
        assert!(texts.iter().all(|text| text.trim() == text));
        assert_eq!(shown(OsStr::from_bytes(b"a\xff\n \\")), r"a\xff\x0a \\");
        assert_eq!(shown(OsStr::new("Zoë de la Cruz")), "Zoë de la Cruz");
    }
}
