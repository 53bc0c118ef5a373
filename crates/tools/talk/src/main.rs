//! For tests: any number of clients of a server that speaks in lines, and what is to happen on their
//! connections, step by step. A client reads only what the script expects it to hear.
//!
//! A line of the script (standard input) is a client's name and a step:
//! `a open` (connect), `a > TEXT` (send the line), `a >> TEXT` (send just this; `\n` is a newline),
//! `a < TEXT` (the next line is exactly this one), `a aside TEXT` (this line may come at any time from
//! now on), `a had TEXT` (and has come by now), `a end` (the server closes the connection), `a close`.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write, stdin};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use lesson::Failure;

/// How long a step may take, where as many tasks want to run as there are CPUs, or fewer: see [`share`].
const LIMIT: Duration = Duration::from_secs(5);
/// How many bytes of a line it reads.
const LONGEST: u64 = 1 << 20;
/// How often it looks whether that has passed.
const LOOK: Duration = Duration::from_millis(250);

/// Speak with a server as many clients, by a script
#[derive(Parser)]
struct Args {
    /// The server's socket
    path: String,
}

struct Client {
    socket: BufReader<UnixStream>,
    /// Lines that may come at any time, and have not.
    asides: HashSet<String>,
    /// Those that have.
    had: HashSet<String>,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    let mut clients = HashMap::new();
    for line in stdin().lock().lines() {
        let line = line.context("read stdin")?;
        let mut words = line.splitn(3, ' ');
        let name = words.next().unwrap_or("").to_owned();
        let (step, text) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let done = match step {
            "open" => Client::connect(&path).map(|it| drop(clients.insert(name.clone(), it))),
            "close" => {
                clients.remove(&name);
                Ok(())
            }
            _ => (clients.get_mut(&name).context("it is not connected"))
                .and_then(|client| client.step(step, text)),
        };
        done.with_context(|| format!("{name}, at '{step} {}'", short(text)))?;
    }
    Ok(())
}

impl Client {
    fn connect(path: &str) -> anyhow::Result<Self> {
        let socket = UnixStream::connect(path).with_context(|| format!("connect {path}"))?;
        let set = socket.set_read_timeout(Some(LOOK));
        set.and(socket.set_write_timeout(Some(8 * LIMIT)))
            .context("setsockopt")?;
        Ok(Self {
            socket: BufReader::new(socket),
            asides: HashSet::new(),
            had: HashSet::new(),
        })
    }

    fn step(&mut self, step: &str, text: &str) -> anyhow::Result<()> {
        match step {
            ">" => self.send(&format!("{text}\n"))?,
            ">>" => self.send(&text.replace("\\n", "\n"))?,
            "<" => self.expect(text)?,
            "end" => {
                let next = self.next()?;
                ensure!(
                    next.is_none(),
                    "there came instead: {}",
                    short(&next.unwrap_or_default())
                );
            }
            "aside" => drop(self.asides.insert(text.into())),
            "had" if self.had.remove(text) => {}
            "had" => self.wait_for(text)?,
            _ => bail!("there is no such step"),
        }
        Ok(())
    }

    fn send(&mut self, text: &str) -> anyhow::Result<()> {
        let sent = self.socket.get_mut().write_all(text.as_bytes());
        sent.context("the server does not read this, or has closed the connection")
    }

    fn expect(&mut self, text: &str) -> anyhow::Result<()> {
        match self.next()? {
            Some(line) => ensure!(line == text, "there came instead: {}", short(&line)),
            None => bail!("the server has closed the connection"),
        }
        Ok(())
    }

    /// Hears that line, and others before it that may come at any time.
    fn wait_for(&mut self, text: &str) -> anyhow::Result<()> {
        while !self.had.remove(text) {
            let line = self
                .line()?
                .context("the server has closed the connection")?;
            ensure!(
                self.asides.remove(&line),
                "there came instead: {}",
                short(&line)
            );
            self.had.insert(line);
        }
        Ok(())
    }

    /// The next line that may not come at any time; `None` once the server has closed.
    fn next(&mut self) -> anyhow::Result<Option<String>> {
        while let Some(line) = self.line()? {
            if !self.asides.remove(&line) {
                return Ok(Some(line));
            }
            self.had.insert(line);
        }
        Ok(None)
    }

    fn line(&mut self) -> anyhow::Result<Option<String>> {
        let mut line = Vec::new();
        let mut waited = Duration::ZERO;
        loop {
            let mut rest = (&mut self.socket).take(LONGEST - line.len() as u64);
            match rest.read_until(b'\n', &mut line) {
                Ok(_) if line.len() as u64 == LONGEST => bail!("a line without an end"),
                Ok(_) if line.is_empty() => return Ok(None),
                Ok(_) => break,
                // It has closed without reading everything.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
                Err(error) if error.kind() == ErrorKind::WouldBlock && waited < LIMIT => {
                    waited += LOOK.mul_f64(share());
                }
                Err(error) => {
                    let limit = LIMIT.as_secs();
                    return Err(error).with_context(|| format!("nothing came within {limit} s"));
                }
            }
        }
        let line = String::from_utf8_lossy(&line);
        Ok(Some(
            line.strip_suffix('\n')
                .context("a line without its end")?
                .into(),
        ))
    }
}

/// What part of a CPU each task gets that wants to run: see proc_loadavg(5). Where that is a tenth, a server
/// needs ten times as long. It looks at this moment and at the last minute, and takes the busier one.
fn share() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut fields = text.split(' ');
    let minute = fields.next().and_then(|load| load.parse::<f64>().ok());
    let tasks = fields.nth(2).and_then(|tasks| tasks.split_once('/'));
    let now = tasks.and_then(|(running, _)| running.parse::<f64>().ok());
    let busy = now.unwrap_or(1.0).max(minute.unwrap_or(1.0));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    (cpus as f64 / busy).min(1.0)
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(100).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
