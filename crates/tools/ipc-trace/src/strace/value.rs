//! An argument of a call, or what it returned, as a value with parts.

use std::fmt;

/// A value in strace's notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number or an address, and how strace wrote it.
    Int(i64, Base),
    /// `"…"`
    Str(Text),
    /// A file descriptor, and what stands behind it.
    Fd(Descriptor),
    /// `{name=value, …}`; some members have no name.
    Struct(Vec<(Option<String>, Value)>),
    /// `[…]`
    List(Vec<Value>),
    /// Symbols joined by `|`; a symbol alone is one of them: `NULL`, `IPC_STAT`.
    Flags(Vec<String>),
    /// `htons(9)`
    Of(String, Vec<Value>),
    /// `before => after`: what the program passed, and what the kernel made of it.
    Changed(Box<Value>, Box<Value>),
    /// `flags=…` among the arguments of clone(2).
    Named(String, Box<Value>),
    /// Any other notation, as strace wrote it: `WIFEXITED(s) && WEXITSTATUS(s) == 0`.
    Raw(String),
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// `10`
    Decimal,
    /// `0600`
    Octal,
    /// `0x7f00`
    Hexadecimal,
}

/// The bytes of a string.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether more bytes followed: strace shows no more than its option -s allows.
    pub cut: bool,
    /// Whether it is an abstract socket's name: `@"…"`.
    pub unnamed: bool,
}

/// A file descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its number; `None` for AT_FDCWD.
    pub number: Option<i32>,
    /// What it refers to.
    pub behind: Behind,
}

/// What a descriptor refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behind {
    /// A path, which begins with a slash.
    Path(Vec<u8>),
    /// What has no path: `pipe:[7]`, `TCP:[1.2.3.4:5->6.7.8.9:10]`, `anon_inode:[eventfd]`.
    Object {
        /// `pipe`, `TCP`, `UNIX-STREAM`, `anon_inode`
        kind: String,
        /// An inode, an address, a name.
        near: String,
        /// Of a connected socket the other end.
        far: Option<String>,
        /// The name to which a Unix domain socket is bound.
        path: Option<Text>,
    },
}

impl Value {
    /// The number, if it is one.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(value, _) => Some(*value),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes of a string; none if it is no string.
    pub fn bytes(&self) -> &[u8] {
        self.text().map_or(&[], |text| &text.bytes)
    }

    /// The descriptor, if it is one.
    pub fn descriptor(&self) -> Option<&Descriptor> {
        match self {
            Self::Fd(descriptor) => Some(descriptor),
            _ => None,
        }
    }

    /// Whether it is this symbol, or has it among its flags.
    pub fn has(&self, symbol: &str) -> bool {
        match self {
            Self::Flags(symbols) => symbols.iter().any(|one| one == symbol),
            Self::Named(_, value) => value.has(symbol),
            _ => false,
        }
    }

    /// The member of a struct; of a changed struct what the kernel made of it, if it stands there.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(members) => {
                let found = members
                    .iter()
                    .find(|member| member.0.as_deref() == Some(name));
                found.map(|member| &member.1)
            }
            Self::Changed(before, after) => after.field(name).or_else(|| before.field(name)),
            _ => None,
        }
    }

    /// The parts of a list or a struct; of any other value none.
    pub fn items(&self) -> Vec<&Self> {
        match self {
            Self::List(items) => items.iter().collect(),
            Self::Struct(members) => members.iter().map(|member| &member.1).collect(),
            _ => Vec::new(),
        }
    }

    /// It and all values inside it.
    pub fn all(&self) -> Vec<&Self> {
        let mut found = vec![self];
        let mut next = 0;
        while next < found.len() {
            match found[next] {
                Self::List(items) | Self::Of(_, items) => found.extend(items),
                Self::Struct(members) => found.extend(members.iter().map(|member| &member.1)),
                Self::Named(_, value) => found.push(value),
                Self::Changed(before, after) => found.extend([&**before, &**after]),
                _ => {}
            }
            next += 1;
        }
        found
    }
}

impl Descriptor {
    /// Its number in words: `3`, `AT_FDCWD`.
    pub fn name(&self) -> String {
        let named = self.number.map(|number| number.to_string());
        named.unwrap_or_else(|| "AT_FDCWD".into())
    }

    /// The path behind it, if it has one.
    pub fn path(&self) -> Option<&[u8]> {
        match &self.behind {
            Behind::Path(path) => Some(path),
            Behind::Object { .. } => None,
        }
    }
}

impl fmt::Display for Value {
    /// In strace's notation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value, Base::Decimal) => write!(f, "{value}"),
            Self::Int(value, Base::Octal) => write!(f, "0{value:02o}"),
            Self::Int(value, Base::Hexadecimal) => write!(f, "{value:#x}"),
            Self::Str(text) => write!(f, "{text}"),
            Self::Fd(descriptor) => write!(f, "{}<{}>", descriptor.name(), descriptor.behind),
            Self::Struct(members) => {
                f.write_str("{")?;
                for (place, (name, value)) in members.iter().enumerate() {
                    let comma = if place > 0 { ", " } else { "" };
                    let (name, equals) = match name {
                        Some(name) => (name.as_str(), "="),
                        None => ("", ""),
                    };
                    write!(f, "{comma}{name}{equals}{value}")?;
                }
                f.write_str("}")
            }
            Self::List(items) => write!(f, "[{}]", joined(items)),
            Self::Flags(symbols) => f.write_str(&symbols.join("|")),
            Self::Of(name, items) => write!(f, "{name}({})", joined(items)),
            Self::Changed(before, after) => write!(f, "{before} => {after}"),
            Self::Named(name, value) => write!(f, "{name}={value}"),
            Self::Raw(text) => f.write_str(text),
        }
    }
}

fn joined(values: &[Value]) -> String {
    let shown: Vec<_> = values.iter().map(Value::to_string).collect();
    shown.join(", ")
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.unnamed { "@" } else { "" };
        let cut = if self.cut { "..." } else { "" };
        write!(f, "{mark}\"{}\"{cut}", escaped(&self.bytes, b"\""))
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, near, far, path) = match self {
            Self::Path(path) => return f.write_str(&escaped(path, b"<>\"")),
            Self::Object {
                kind,
                near,
                far,
                path,
            } => (kind, near, far, path),
        };
        write!(f, "{kind}:[{near}")?;
        if let Some(far) = far {
            write!(f, "->{far}")?;
        }
        if let Some(path) = path {
            write!(f, ",{path}")?;
        }
        f.write_str("]")
    }
}

/// Bytes as strace writes them, so that none of `special` stands there as it is.
fn escaped(bytes: &[u8], special: &[u8]) -> String {
    let mut text = String::new();
    for (place, byte) in bytes.iter().enumerate() {
        let digit_follows = bytes.get(place + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'"' => text += "\\\"",
            b'\\' => text += "\\\\",
            b'\n' => text += "\\n",
            b'\t' => text += "\\t",
            b'\r' => text += "\\r",
            0x0b => text += "\\v",
            0x0c => text += "\\f",
            b' '..=b'~' if !special.contains(byte) => text.push(char::from(*byte)),
            _ if digit_follows => text += &format!("\\{byte:03o}"),
            _ => text += &format!("\\{byte:o}"),
        }
    }
    text
}
