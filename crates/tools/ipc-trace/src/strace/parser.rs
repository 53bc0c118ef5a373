//! Values out of tokens.

use super::lexer::{Placed, Token};
use super::value::{Base, Descriptor, Value};

/// Reads values out of tokens.
pub(crate) struct Parser<'a, 't> {
    text: &'a [u8],
    tokens: &'t [Placed<'a>],
    next: usize,
}

/// How deep brackets are followed; what is inside deeper ones is left as it is.
const DEPTH: usize = 32;

impl<'a, 't> Parser<'a, 't> {
    pub fn new(text: &'a [u8], tokens: &'t [Placed<'a>]) -> Self {
        let next = 0;
        Self { text, tokens, next }
    }

    pub fn peek(&self) -> Option<&'t Token<'a>> {
        self.tokens.get(self.next).map(|placed| &placed.token)
    }

    pub fn advance(&mut self) -> Option<&'t Token<'a>> {
        let token = self.peek();
        self.next += 1;
        token
    }

    /// The values up to the bracket that closes, or to the end.
    pub fn values(&mut self, depth: usize) -> Vec<Value> {
        let members = self.members(depth).into_iter();
        let value = |(name, value)| match name {
            Some(name) => Value::Named(name, Box::new(value)),
            None => value,
        };
        members.map(value).collect()
    }

    fn members(&mut self, depth: usize) -> Vec<(Option<String>, Value)> {
        let mut found = Vec::new();
        loop {
            match self.peek() {
                None | Some(Token::Close(_)) => return found,
                Some(Token::Comma | Token::Unfinished | Token::Took(_)) => self.next += 1,
                Some(_) => found.push(self.member(depth)),
            }
        }
    }

    fn member(&mut self, depth: usize) -> (Option<String>, Value) {
        let mut name = None;
        if let Some(Token::Word(word)) = self.peek() {
            let follows = self.tokens.get(self.next + 1).map(|placed| &placed.token);
            if follows == Some(&Token::Equals) {
                name = Some((*word).to_owned());
                self.next += 2;
            }
        }
        let before = self.value(depth);
        if self.peek() != Some(&Token::Becomes) {
            return (name, before);
        }
        self.next += 1;
        let after = self.value(depth);
        (name, Value::Changed(Box::new(before), Box::new(after)))
    }

    /// One value, up to a comma, a bracket that closes, or `=>`.
    fn value(&mut self, depth: usize) -> Value {
        let first = self.next;
        let mut parts = Vec::new();
        let mut joined = true;
        loop {
            match self.peek() {
                None | Some(Token::Close(_) | Token::Comma | Token::Becomes) => break,
                Some(Token::Unfinished | Token::Took(_)) => break,
                Some(Token::Comment(_)) => self.next += 1,
                Some(Token::Bar) => {
                    joined &= !parts.is_empty();
                    self.next += 1;
                }
                Some(Token::Equals | Token::Behind(_)) => {
                    joined = false;
                    self.next += 1;
                }
                Some(_) => {
                    let before = self
                        .next
                        .checked_sub(1)
                        .map(|place| &self.tokens[place].token);
                    joined &= parts.is_empty() || before == Some(&Token::Bar);
                    parts.push(self.part(depth));
                }
            }
        }
        let symbol = |part: &Value| match part {
            Value::Flags(symbols) if symbols.len() == 1 => Some(symbols[0].clone()),
            Value::Int(..) => Some(part.to_string()),
            _ => None,
        };
        match parts.len() {
            1 if joined => parts.remove(0),
            2.. if joined && parts.iter().all(|part| symbol(part).is_some()) => {
                Value::Flags(parts.iter().filter_map(symbol).collect())
            }
            _ => self.raw(first),
        }
    }

    /// One atom: a word, a string, a descriptor, or a bracket with what is inside it.
    pub fn part(&mut self, depth: usize) -> Value {
        match self.advance() {
            Some(Token::Str(text)) => Value::Str(text.clone()),
            Some(Token::Open(bracket)) => self.bracket(*bracket, depth),
            Some(Token::Word(word)) => match self.peek() {
                Some(Token::Behind(behind)) if self.touches() => {
                    self.next += 1;
                    let number = word.parse().ok();
                    let behind = behind.clone();
                    Value::Fd(Descriptor { number, behind })
                }
                Some(Token::Open(b'(')) if self.touches() => {
                    self.next += 1;
                    match self.bracket(b'(', depth) {
                        Value::Of(_, values) => Value::Of((*word).to_owned(), values),
                        other => other,
                    }
                }
                _ => number(word).unwrap_or_else(|| Value::Flags(vec![(*word).to_owned()])),
            },
            _ => Value::Raw(String::new()),
        }
    }

    /// Whether the next token stands directly behind the one before it.
    fn touches(&self) -> bool {
        let end = self.next.checked_sub(1).map(|place| self.tokens[place].end);
        end == self.tokens.get(self.next).map(|placed| placed.start)
    }

    /// What is inside a bracket that has been opened, and the bracket that closes it.
    fn bracket(&mut self, bracket: u8, depth: usize) -> Value {
        if depth >= DEPTH {
            let first = self.next;
            let mut open = 1;
            while open > 0 {
                match self.advance() {
                    Some(Token::Open(_)) => open += 1,
                    Some(Token::Close(_)) => open -= 1,
                    None => break,
                    Some(_) => {}
                }
            }
            self.next = self.next.min(self.tokens.len());
            return self.raw(first);
        }
        let value = match bracket {
            b'[' => Value::List(self.values(depth + 1)),
            b'{' => Value::Struct(self.members(depth + 1)),
            _ => Value::Of(String::new(), self.values(depth + 1)),
        };
        if matches!(self.peek(), Some(Token::Close(_))) {
            self.next += 1;
        }
        value
    }

    /// The text of the tokens from that one to the one before the next.
    fn raw(&self, first: usize) -> Value {
        let tokens = &self.tokens[first..self.next];
        let text = match tokens {
            [] => &[],
            [only] => &self.text[only.start..only.end],
            [first, .., last] => &self.text[first.start..last.end],
        };
        Value::Raw(String::from_utf8_lossy(text).into_owned())
    }
}

/// `-1`, `0600`, `0x7f00`.
fn number(word: &str) -> Option<Value> {
    let (value, base) = match word.as_bytes() {
        [b'0', b'x', ..] => {
            let value = u64::from_str_radix(&word[2..], 16).ok()?;
            (value as i64, Base::Hexadecimal)
        }
        [b'0', _, ..] => (i64::from_str_radix(word, 8).ok()?, Base::Octal),
        _ => (word.parse().ok()?, Base::Decimal),
    };
    Some(Value::Int(value, base))
}
