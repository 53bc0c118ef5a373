//! The notation of strace(1): arguments, strings, and what stands behind a descriptor.

/// The brackets and commas of `text`, each with its place and how deep in brackets it stands.
///
/// Quotes hide what they hold, and so does the `<…>` behind a descriptor, whose arrows (`->`) end
/// nothing.
fn structure(text: &str) -> Vec<(usize, u8, i32)> {
    let bytes = text.as_bytes();
    let (mut depth, mut angles, mut quoted) = (0, 0, false);
    let mut found = Vec::new();
    let mut index = 0;
    while index < bytes.len() {
        let before = index.checked_sub(1).map_or(b' ', |it| bytes[it]);
        match bytes[index] {
            b'\\' if quoted => index += 1,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'<' if angles > 0 || before.is_ascii_alphanumeric() => angles += 1,
            b'>' if angles > 0 && before != b'-' => angles -= 1,
            _ if angles > 0 => {}
            byte @ (b'(' | b'[' | b'{') => {
                found.push((index, byte, depth));
                depth += 1;
            }
            byte @ (b')' | b']' | b'}') => {
                depth -= 1;
                found.push((index, byte, depth));
            }
            b',' => found.push((index, b',', depth)),
            _ => {}
        }
        index += 1;
    }
    found
}

/// Where the bracket closes that `text` begins with.
pub(crate) fn closing(text: &str) -> Option<usize> {
    let closes = |(_, byte, depth): &(usize, u8, i32)| *depth == 0 && *byte == b')';
    structure(text).into_iter().find(closes).map(|it| it.0)
}

/// Splits an argument list at the commas that separate arguments.
pub fn arguments(list: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (index, byte, depth) in structure(list) {
        if byte == b',' && depth == 0 {
            pieces.push(list[from..index].trim().to_owned());
            from = index + 1;
        }
    }
    let last = list[from..].trim();
    if !last.is_empty() {
        pieces.push(last.to_owned());
    }
    pieces
}

/// The value of a field: `mtype` of `{mtype=3, mtext="x"}` is `3`.
pub fn field<'a>(argument: &'a str, name: &str) -> Option<&'a str> {
    let start = argument.find(&format!("{name}="))? + name.len() + 1;
    let value = &argument[start..];
    let end = structure(value)
        .into_iter()
        .find(|(_, byte, depth)| *depth < 0 || (*byte == b',' && *depth == 0))
        .map_or(value.len(), |it| it.0);
    Some(value[..end].trim())
}

/// The bytes of a string argument, `"…"`; true if strace has cut it (`"…"...`).
pub fn string(argument: &str) -> Option<(Vec<u8>, bool)> {
    let rest = argument.strip_prefix('"')?.as_bytes();
    let mut bytes = Vec::new();
    let mut index = 0;
    while index < rest.len() {
        match rest[index] {
            b'"' => return Some((bytes, rest[index + 1..].starts_with(b"..."))),
            b'\\' => {
                let digits = rest[index + 1..].iter().take(3);
                let octal: Vec<u8> = (digits.copied())
                    .take_while(|digit| (b'0'..=b'7').contains(digit))
                    .collect();
                if octal.is_empty() {
                    bytes.push(match *rest.get(index + 1)? {
                        b'n' => b'\n',
                        b't' => b'\t',
                        b'r' => b'\r',
                        b'v' => 0x0b,
                        b'f' => 0x0c,
                        other => other,
                    });
                    index += 2;
                } else {
                    let value = octal
                        .iter()
                        .fold(0u32, |sum, it| sum * 8 + u32::from(it - b'0'));
                    bytes.push(value as u8);
                    index += 1 + octal.len();
                }
            }
            byte => {
                bytes.push(byte);
                index += 1;
            }
        }
    }
    Some((bytes, true)) // the line ends inside the string
}

/// A descriptor and what stands behind it: `3<pipe:[225415]>` is 3 and `pipe:[225415]`.
pub fn descriptor(argument: &str) -> Option<(&str, &str)> {
    let (number, rest) = argument.split_once('<')?;
    let known = number.bytes().all(|it| it.is_ascii_digit()) || number == "AT_FDCWD";
    let end = rest.rfind('>')?;
    (known && !number.is_empty()).then(|| (number, &rest[..end]))
}
