//! What one line of a log tells.

use std::time::Duration;

use super::lexer::{Placed, Token, seconds, tokens};
use super::parser::Parser;
use super::record::{Call, End, Outcome, Signal};
use super::value::Value;

/// What a line tells.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// A call that has returned, or never returns.
    Call(Call),
    /// A call whose line ends before strace could say what it returned.
    Open(Call),
    /// `read(3, <unfinished ...>`: a later line of the same thread has the rest. With the text so far.
    Begun(Call, Vec<u8>),
    /// `<... read resumed>"x", 1) = 1 <0.1>`: when, the name, the rest of the text.
    Resumed(Duration, String, Vec<u8>),
    /// A signal arrives.
    Signal(Signal),
    /// A signal has stopped the thread: when, and which.
    Stopped(Duration, String),
    /// The thread has ended: when, and how.
    End(Duration, End),
    /// Stops, attachments and all else that says nothing here.
    Nothing,
}

/// Reads one line; `None` if strace did not write it, or if it is cut where nothing can be told.
///
/// `tid` is the thread whose line it is, unless the line itself names one.
pub(crate) fn parse(line: &[u8], tid: u32) -> Option<(u32, Line)> {
    let (tid, line) = pid_in_front(line, tid);
    let space = line.iter().position(|byte| *byte == b' ')?;
    let time = seconds(std::str::from_utf8(&line[..space]).ok()?)?;
    let rest = line[space..].trim_ascii();
    let line = if let Some(signal) = rest.strip_prefix(b"--- ") {
        signalled(tid, time, signal)?
    } else if let Some(end) = rest.strip_prefix(b"+++ ") {
        ended(time, std::str::from_utf8(end).ok()?)?
    } else if let Some(resumed) = rest.strip_prefix(b"<... ") {
        let resumed = std::str::from_utf8(resumed).ok()?;
        let (name, rest) = resumed.split_once(" resumed>")?;
        Line::Resumed(time, name.into(), rest.trim_start().into())
    } else if rest.starts_with(b"???()") {
        // The thread was killed before strace could ask which call it made: that never returned.
        Line::Nothing
    } else if let Some(rest) = rest.strip_prefix(b"restart_syscall(<... resuming interrupted ") {
        // `restart_syscall(<... resuming interrupted poll ...>) = 0`: a stop has interrupted that call.
        let end = rest.iter().position(|byte| *byte == b' ')?;
        let after = rest.windows(4).position(|four| four == b"...>")? + 4;
        call(tid, time, &[&rest[..end], b"(", &rest[after..]].concat())?
    } else {
        call(tid, time, rest)?
    };
    Some((tid, line))
}

/// `1234 1700000000.1 read(…` and `[pid 1234] 1700000000.1 read(…`.
fn pid_in_front(line: &[u8], tid: u32) -> (u32, &[u8]) {
    let line = line
        .strip_prefix(b"[pid ")
        .unwrap_or(line)
        .trim_ascii_start();
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = line.split_at(digits);
    let rest = match rest {
        [b']', rest @ ..] | [b' ', rest @ ..] if !digits.is_empty() => rest,
        _ => return (tid, line),
    };
    let pid = std::str::from_utf8(digits)
        .ok()
        .and_then(|pid| pid.parse().ok());
    (pid.unwrap_or(tid), rest.trim_ascii_start())
}

/// `SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, …} ---`.
fn signalled(tid: u32, when: Duration, text: &[u8]) -> Option<Line> {
    if let Some(stopped) = text.strip_prefix(b"stopped by ") {
        let signal = std::str::from_utf8(stopped).ok()?.strip_suffix(" ---")?;
        return Some(Line::Stopped(when, signal.into()));
    }
    if !text.starts_with(b"SIG") {
        return Some(Line::Nothing);
    }
    let tokens = tokens(text)?;
    let mut parser = Parser::new(text, &tokens);
    let Some(Token::Word(name)) = parser.advance() else {
        return None;
    };
    let details = parser.part(0);
    // A line that is cut here has no three dashes.
    if parser.advance() != Some(&Token::Word("---")) {
        return None;
    }
    let sender = details.field("si_pid").and_then(Value::int);
    Some(Line::Signal(Signal {
        tid,
        when,
        name: (*name).to_owned(),
        code: details.field("si_code").map(Value::to_string),
        sender: sender.and_then(|pid| pid.try_into().ok()),
    }))
}

fn ended(time: Duration, text: &str) -> Option<Line> {
    let text = text.strip_suffix(" +++")?;
    let end = if let Some(status) = text.strip_prefix("exited with ") {
        End::Exited(status.parse().ok()?)
    } else if let Some(signal) = text.strip_prefix("killed by ") {
        let signal = signal.strip_suffix(" (core dumped)").unwrap_or(signal);
        End::Killed(signal.into())
    } else {
        return Some(Line::Nothing); // superseded by execve
    };
    Some(Line::End(time, end))
}

/// A call from its text: `read(3<pipe:[7]>, "x", 1) = 1 <0.000012>`.
pub(crate) fn call(tid: u32, start: Duration, text: &[u8]) -> Option<Line> {
    let tokens = tokens(text)?;
    let (Token::Word(name), Token::Open(b'(')) = (&tokens.first()?.token, &tokens.get(1)?.token)
    else {
        return None;
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.bytes().all(plain) || tokens[0].end != tokens[1].start {
        return None;
    }
    let arguments = &tokens[2..];
    let mut parser = Parser::new(text, arguments);
    let mut call = Call {
        tid,
        start,
        took: None,
        name: (*name).into(),
        arguments: parser.values(0),
        outcome: Outcome::None,
        unfinished: arguments
            .iter()
            .any(|placed| placed.token == Token::Unfinished),
    };
    let close = parser.advance();
    if close.is_none() {
        // Up to where it is unfinished, if it is.
        return Some(match arguments.last() {
            Some(Placed {
                token: Token::Unfinished,
                start,
                ..
            }) => Line::Begun(call, text[..*start].into()),
            _ => Line::Open(call),
        });
    }
    if close != Some(&Token::Close(b')')) {
        return None;
    }
    let ended = returned(&mut parser, &mut call)?;
    Some(match ended {
        true => Line::Call(call),
        false => Line::Open(call),
    })
}

/// What stands behind the arguments: `= 3</tmp/fifo> <0.000123>`. `None` if strace does not write
/// that; false if the line ends too early.
fn returned(parser: &mut Parser, call: &mut Call) -> Option<bool> {
    match parser.advance() {
        Some(Token::Equals) => {}
        None => return Some(false),
        Some(_) => return None,
    }
    if parser.peek().is_none() {
        return Some(false);
    }
    let number = parser.part(0);
    // With --decode-pids=pidns: the pid in a namespace, and what it is outside.
    let outside = match parser.peek() {
        Some(Token::Comment(comment)) => {
            parser.advance();
            comment
                .strip_suffix(" in strace's PID NS")
                .and_then(|pid| pid.parse().ok())
        }
        _ => None,
    };
    let mut errno = None;
    if let Some(Token::Word(word)) = parser.peek() {
        errno = word.starts_with('E').then(|| (*word).to_owned());
        if errno.is_some() {
            parser.advance();
        }
    }
    let mut note = None;
    while let Some(Token::Open(b'(')) = parser.peek() {
        if let Value::Of(_, mut inside) = parser.part(0) {
            note = (inside.len() == 1).then(|| inside.remove(0)).or(note);
        }
    }
    let mut ended = false;
    match parser.advance() {
        Some(Token::Took(took)) => (call.took, ended) = (Some(*took), true),
        Some(Token::Unfinished) | None => {}
        Some(_) => return None,
    }
    if parser.peek().is_some() {
        return None;
    }
    let value = match (&number, outside) {
        (_, Some(pid)) => Some(pid),
        (Value::Fd(descriptor), _) => descriptor.number.map(i64::from),
        (number, _) => number.int(),
    };
    let unknown = number.has("?");
    call.outcome = match (value, errno) {
        (Some(-1), Some(errno)) => Outcome::Failed(errno),
        // A signal came: the call is made again, in a line of its own.
        (None, Some(errno)) if unknown => Outcome::Failed(errno),
        (Some(value), None) => {
            let note = number.descriptor().map(|_| number.clone()).or(note);
            Outcome::Returned(value, note)
        }
        (None, None) if unknown => {
            ended = true; // exit_group(0) = ?
            Outcome::None
        }
        // -1 without a name, and a line that goes on.
        _ if ended => return None,
        _ => Outcome::None,
    };
    if !ended {
        call.outcome = Outcome::None; // the number itself may be cut
    }
    Some(ended)
}
