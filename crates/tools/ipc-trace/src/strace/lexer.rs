//! The tokens of a line: words, strings, what stands behind a descriptor, brackets.

use std::time::Duration;

use super::value::{Behind, Text};

/// A piece of a line that is never divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A number, a symbol, or any other run of plain characters.
    Word(&'a str),
    /// `"…"`, decoded.
    Str(Text),
    /// `<…>` directly behind a number or AT_FDCWD.
    Behind(Behind),
    /// `(`, `[` or `{`.
    Open(u8),
    /// `)`, `]` or `}`.
    Close(u8),
    /// `,`
    Comma,
    /// `|`
    Bar,
    /// `=`
    Equals,
    /// `=>`: before it what the program passed, behind it what the kernel made of it.
    Becomes,
    /// `/* … */`, what it says.
    Comment(&'a str),
    /// `<unfinished ...>`, `<detached ...>`: the call has not returned on this line.
    Unfinished,
    /// `<0.000012>`: how long the call took.
    Took(Duration),
}

/// A token, and where it stands in the line.
#[derive(Debug, Clone)]
pub(crate) struct Placed<'a> {
    pub token: Token<'a>,
    pub start: usize,
    pub end: usize,
}

/// All tokens of a text; `None` if strace cannot have written it. A text may end inside a token, as
/// the log of a running program does: what is there of that token counts.
pub(crate) fn tokens(text: &[u8]) -> Option<Vec<Placed<'_>>> {
    let mut lexer = Lexer { text, at: 0 };
    let mut found: Vec<Placed> = Vec::new();
    loop {
        while lexer.peek(0) == Some(b' ') {
            lexer.at += 1;
        }
        if lexer.peek(0).is_none() {
            return Some(found);
        }
        let start = lexer.at;
        let touches = found.last().filter(|last| last.end == start);
        let descriptor = touches.is_some_and(|last| is_descriptor(&last.token));
        let token = lexer.token(descriptor)?;
        let end = lexer.at;
        found.push(Placed { token, start, end });
    }
}

fn is_descriptor(token: &Token) -> bool {
    match token {
        Token::Word(word) => *word == "AT_FDCWD" || word.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    fn peek(&self, further: usize) -> Option<u8> {
        self.text.get(self.at + further).copied()
    }

    fn starts_with(&self, start: &[u8]) -> bool {
        self.text[self.at..].starts_with(start)
    }

    fn token(&mut self, behind_descriptor: bool) -> Option<Token<'a>> {
        let one = |lexer: &mut Self, token| {
            lexer.at += 1;
            Some(token)
        };
        match self.peek(0)? {
            byte @ (b'(' | b'[' | b'{') => one(self, Token::Open(byte)),
            byte @ (b')' | b']' | b'}') => one(self, Token::Close(byte)),
            b',' => one(self, Token::Comma),
            b'|' => one(self, Token::Bar),
            b'=' if self.peek(1) == Some(b'>') => {
                self.at += 2;
                Some(Token::Becomes)
            }
            b'=' if self.peek(1) != Some(b'=') => one(self, Token::Equals),
            b'"' => Some(Token::Str(self.string(false))),
            b'@' if self.peek(1) == Some(b'"') => {
                self.at += 1;
                Some(Token::Str(self.string(true)))
            }
            b'/' if self.peek(1) == Some(b'*') => self.comment(),
            b'<' if behind_descriptor && self.peek(1) != Some(b'<') => {
                Some(Token::Behind(self.behind()))
            }
            b'<' => self.angle(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'<' if self.peek(1) == Some(b'<') => self.at += 1, // a shift: 21<<MAP_HUGE_SHIFT
                b'=' if self.peek(1) == Some(b'=') => self.at += 1,
                b' ' | b',' | b'|' | b'=' | b'"' | b'<' => break,
                b'(' | b')' | b'[' | b']' | b'{' | b'}' => break,
                _ => {}
            }
            self.at += 1;
        }
        let word = std::str::from_utf8(self.text.get(start..self.at)?).ok()?;
        let plain = word.bytes().all(|byte| byte.is_ascii_graphic());
        (plain && !word.is_empty()).then_some(Token::Word(word))
    }

    /// What stands between two quotes; up to the end of the text if the second one is missing.
    fn string(&mut self, unnamed: bool) -> Text {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.peek(0) {
                None => {
                    let cut = true;
                    return Text {
                        bytes,
                        cut,
                        unnamed,
                    };
                }
                Some(b'"') => break self.at += 1,
                Some(b'\\') => bytes.extend(self.escape()),
                Some(byte) => {
                    bytes.push(byte);
                    self.at += 1;
                }
            }
        }
        let cut = self.starts_with(b"...");
        if cut {
            self.at += 3;
        }
        Text {
            bytes,
            cut,
            unnamed,
        }
    }

    /// `\n`, `\"`, `\76`, `\x9f`.
    fn escape(&mut self) -> Option<u8> {
        self.at += 1;
        let first = self.peek(0)?;
        let run = |lexer: &Self, from: usize, most: usize, base: u32| {
            let digits = (from..from + most).map_while(|place| {
                let digit = char::from(lexer.peek(place)?).to_digit(base)?;
                Some(digit)
            });
            digits.fold((0u32, 0), |(value, count), digit| {
                (value * base + digit, count + 1)
            })
        };
        let (value, length) = match run(self, 0, 3, 8) {
            (_, 0) if first == b'x' => {
                let (value, count) = run(self, 1, 2, 16);
                (value, count + 1)
            }
            (_, 0) => {
                let value = match first {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'v' => 0x0b,
                    b'f' => 0x0c,
                    other => other,
                };
                (u32::from(value), 1)
            }
            octal => octal,
        };
        self.at += length;
        Some(value as u8)
    }

    fn comment(&mut self) -> Option<Token<'a>> {
        let text = &self.text[self.at + 2..];
        let length = text.windows(2).position(|pair| pair == b"*/");
        let inside = &text[..length.unwrap_or(text.len())];
        self.at = (self.at + inside.len() + 4).min(self.text.len());
        Some(Token::Comment(std::str::from_utf8(inside).ok()?.trim()))
    }

    /// `<unfinished ...>` and `<0.000012>`.
    fn angle(&mut self) -> Option<Token<'a>> {
        let rest = &self.text[self.at..];
        if let Some(end) = rest.iter().position(|byte| *byte == b'>') {
            self.at += end + 1;
            let inside = std::str::from_utf8(&rest[1..end]).ok()?;
            return match inside {
                "unfinished ..." | "detached ..." => Some(Token::Unfinished),
                changed if changed.starts_with("pid changed to ") => Some(Token::Unfinished),
                time => seconds(time).map(Token::Took),
            };
        }
        // The log has been read while strace wrote this.
        self.at = self.text.len();
        let begun = std::str::from_utf8(&rest[1..]).ok()?;
        let is_time = begun
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        let is_word = ["unfinished ...", "detached ..."].map(|word| word.starts_with(begun));
        (is_time || is_word.contains(&true)).then_some(Token::Unfinished)
    }

    /// What stands behind a descriptor. A path begins with a slash, and strace escapes `<` and `>` in
    /// it, so that none can look like a pipe; all else is the kernel's, but for a socket's path in
    /// quotes.
    fn behind(&mut self) -> Behind {
        self.at += 1;
        let behind = match self.peek(0) {
            Some(b'/') => Behind::Path(self.path()),
            _ => self.object(),
        };
        if self.starts_with(b"(deleted)") {
            self.at += b"(deleted)".len();
        }
        behind
    }

    fn path(&mut self) -> Vec<u8> {
        let mut path = Vec::new();
        loop {
            match self.peek(0) {
                None => return path,
                Some(b'\\') => path.extend(self.escape()),
                Some(b'>') => break self.at += 1,
                // The numbers of a device: <char 1:3>.
                Some(b'<') => {
                    while self.peek(0).is_some_and(|byte| byte != b'>') {
                        self.at += 1;
                    }
                    self.at = (self.at + 1).min(self.text.len());
                }
                Some(byte) => {
                    path.push(byte);
                    self.at += 1;
                }
            }
        }
        path
    }

    /// `pipe:[7]`, `TCP:[1.2.3.4:5->6.7.8.9:10]`, `UNIX-STREAM:[5->7,"/tmp/socket"]`.
    fn object(&mut self) -> Behind {
        let start = self.at;
        let mut path = None;
        let mut end = None;
        loop {
            match self.peek(0) {
                None => break,
                Some(b'>') if self.text[..self.at].ends_with(b"-") => self.at += 1,
                Some(b'>') => break,
                Some(byte @ (b'"' | b'@')) if byte == b'"' || self.peek(1) == Some(b'"') => {
                    end.get_or_insert(self.at);
                    self.at += usize::from(byte == b'@');
                    path = Some(self.string(byte == b'@'));
                }
                Some(_) => self.at += 1,
            }
        }
        let plain = &self.text[start..end.unwrap_or(self.at)];
        self.at = (self.at + 1).min(self.text.len());
        let plain = String::from_utf8_lossy(plain);
        let (kind, inside) = plain.split_once(':').unwrap_or((&plain, ""));
        let inside = inside.strip_prefix('[').unwrap_or(inside);
        let inside = inside.strip_suffix(',').unwrap_or(inside);
        let inside = match path {
            None => inside.strip_suffix(']').unwrap_or(inside),
            Some(_) => inside,
        };
        let (near, far) = match inside.split_once("->") {
            Some((near, far)) => (near, Some(far.to_owned())),
            None => (inside, None),
        };
        let (kind, near) = (kind.to_owned(), near.to_owned());
        Behind::Object {
            kind,
            near,
            far,
            path,
        }
    }
}

/// `1700000000.123456` as a time.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.')?;
    let digits = fraction.chars().chain("000000000".chars());
    let nanoseconds: String = digits.take(9).collect();
    let all = whole.bytes().chain(nanoseconds.bytes());
    let plain = all.clone().all(|byte| byte.is_ascii_digit()) && !whole.is_empty();
    let (whole, nanoseconds) = (whole.parse().ok()?, nanoseconds.parse().ok()?);
    plain.then(|| Duration::new(whole, nanoseconds))
}
