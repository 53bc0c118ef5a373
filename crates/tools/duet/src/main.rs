//! Runs several programs at once and prints what they say, each line labelled, in the order
//! in which they said it: `make demo` stands on it.
//!
//! Two pipes could not tell which of two lines came first. Here the standard output and error
//! of every program are datagram sockets connected to one inbox: each write(2) is a datagram,
//! the kernel queues them in order, and the sender's address says whose it is. See unix(7).

use std::io::{ErrorKind, IsTerminal, stdout};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Command, Stdio, id};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use lesson::{Failure, say};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Run programs side by side; each line is labelled and printed in the order it was written.
///
/// A program is started once the one before it has printed something or ended.
#[derive(Parser)]
struct Args {
    /// What to run: "LABEL: COMMAND", the command as bash understands it
    #[arg(required = true)]
    programs: Vec<String>,
    /// Send this program SIGTERM when all the others have ended; may be repeated
    #[arg(long, value_name = "LABEL")]
    service: Vec<String>,
    /// Give up after this many seconds of silence
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    silence: u64,
}

/// Which of a program's three sockets a datagram came from: its sender's address.
const OUTPUT: [&str; 3] = ["out", "err", "end"];

struct Program {
    label: String,
    pid: Pid,
    /// What it wrote after its last newline, on standard output and on standard error.
    unfinished: [Vec<u8>; 2],
    spoke: bool,
    /// Its exit status once it has ended; none for a signal.
    ended: Option<Option<i32>>,
    /// The thread that waits for its end.
    waiting: JoinHandle<()>,
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let stage = Stage::new(Duration::from_secs(args.silence))?;
    let width = args.programs.iter().filter_map(|it| it.find(':')).max();
    let mut running: Vec<Program> = Vec::new();
    let outcome = perform(&args, &stage, width.unwrap_or(0), &mut running);
    drop(stage); // Nobody waits for room in the inbox any more.
    for program in running.into_iter().filter(|it| it.ended.is_none()) {
        let _ = kill(program.pid, Signal::SIGKILL);
        let _ = program.waiting.join();
    }
    Ok(outcome?)
}

fn perform(
    args: &Args,
    stage: &Stage,
    width: usize,
    running: &mut Vec<Program>,
) -> anyhow::Result<()> {
    for (number, program) in args.programs.iter().enumerate() {
        let (label, command) = program
            .split_once(": ")
            .with_context(|| format!("{program:?} is not of the form \"LABEL: COMMAND\""))?;
        print_line(
            number,
            label,
            width,
            Style::Command,
            &format!("$ {command}"),
        );
        running.push(stage.start(number, label, command)?);
        while !running[number].spoke && running[number].ended.is_none() {
            stage.next(running, width)?;
        }
    }

    let is_service = |program: &Program| args.service.contains(&program.label);
    while (running.iter()).any(|it| it.ended.is_none() && !is_service(it)) {
        stage.next(running, width)?;
    }
    for service in running.iter().filter(|it| it.ended.is_none()) {
        kill(service.pid, Signal::SIGTERM).with_context(|| format!("kill {}", service.label))?;
    }
    while running.iter().any(|it| it.ended.is_none()) {
        stage.next(running, width)?;
    }
    for program in running {
        let label = &program.label;
        match program.ended.flatten() {
            Some(status) => ensure!(status == 0, "{label} failed with exit status {status}"),
            None => bail!("{label} was killed by a signal"),
        }
    }
    Ok(())
}

/// The inbox of all output, and the time for which it may stay empty.
struct Stage(UnixDatagram);

impl Stage {
    fn new(silence: Duration) -> anyhow::Result<Self> {
        let inbox = UnixDatagram::bind_addr(&address("inbox")?).context("bind the inbox")?;
        inbox
            .set_read_timeout(Some(silence))
            .context("set SO_RCVTIMEO of the inbox")?;
        Ok(Self(inbox))
    }

    fn start(&self, number: usize, label: &str, command: &str) -> anyhow::Result<Program> {
        let socket = |output: &str| -> anyhow::Result<UnixDatagram> {
            let socket = UnixDatagram::bind_addr(&address(&format!("{number} {output}"))?)
                .context("bind an output socket")?;
            socket
                .connect_addr(&address("inbox")?)
                .context("connect to the inbox")?;
            Ok(socket)
        };
        let mut child = Command::new("bash")
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(OwnedFd::from(socket(OUTPUT[0])?))
            .stderr(OwnedFd::from(socket(OUTPUT[1])?))
            .spawn()
            .context("run bash")?;
        let pid = Pid::from_raw(child.id().try_into().context("pid")?);
        // Its end goes through the inbox too, and so comes after all that it wrote.
        let end = socket(OUTPUT[2])?;
        let waiting = thread::spawn(move || {
            let status = child.wait().ok().and_then(|status| status.code());
            let _ = end.send(status.map_or(String::new(), |it| it.to_string()).as_bytes());
        });
        Ok(Program {
            label: label.into(),
            pid,
            unfinished: Default::default(),
            spoke: false,
            ended: None,
            waiting,
        })
    }

    /// Waits for one datagram and prints it, or notes that a program has ended.
    fn next(&self, running: &mut [Program], width: usize) -> anyhow::Result<()> {
        let mut buffer = vec![0; 1 << 18]; // more than a socket may send at once
        // SO_RCVTIMEO makes Ctrl-Z and fg, and a tracer, end it with EINTR: see signal(7).
        let received = loop {
            match self.0.recv_from(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                received => break received,
            }
        };
        let Ok((length, sender)) = received else {
            let silent: Vec<_> = running.iter().filter(|it| it.ended.is_none()).collect();
            let silent: Vec<_> = silent.iter().map(|it| it.label.as_str()).collect();
            bail!(
                "nothing more comes, and still running: {}",
                silent.join(", ")
            );
        };
        let Some((number, output)) = (0..running.len())
            .flat_map(|number| (0..3).map(move |output| (number, output)))
            .find(|(number, output)| is_from(&sender, &format!("{number} {}", OUTPUT[*output])))
        else {
            return Ok(()); // An abstract address is open to all: what is not ours is dropped.
        };
        let program = &mut running[number];
        let Some(unfinished) = program.unfinished.get_mut(output) else {
            program.ended = Some(String::from_utf8_lossy(&buffer[..length]).parse().ok());
            for (rest, style) in program.unfinished.iter_mut().zip(Style::OUTPUT) {
                if !rest.is_empty() {
                    let rest = String::from_utf8_lossy(rest).into_owned();
                    print_line(number, &program.label, width, style, &rest);
                }
            }
            return Ok(());
        };
        program.spoke = true;
        unfinished.extend_from_slice(&buffer[..length]);
        while let Some(end) = unfinished.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = unfinished.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line[..end]);
            print_line(number, &program.label, width, Style::OUTPUT[output], &line);
        }
        Ok(())
    }
}

/// A name in the abstract namespace: it stands in no file system and goes with its socket.
fn address(name: &str) -> anyhow::Result<SocketAddr> {
    let name = format!("ipc-lab duet {} {name}", id());
    SocketAddr::from_abstract_name(name).context("abstract socket address")
}

fn is_from(sender: &SocketAddr, name: &str) -> bool {
    let ours = format!("ipc-lab duet {} {name}", id());
    sender.as_abstract_name() == Some(ours.as_bytes())
}

#[derive(Clone, Copy)]
enum Style {
    Command,
    Out,
    Err,
}

impl Style {
    const OUTPUT: [Self; 2] = [Self::Out, Self::Err];
}

/// The label in the program's own colour; commands bold, standard error dim.
fn print_line(number: usize, label: &str, width: usize, style: Style, text: &str) {
    if !stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        say!("{label:>width$} | {text}");
        return;
    }
    let colour = [36, 33, 35, 32, 34][number % 5];
    let style = match style {
        Style::Command => "\x1b[1m",
        Style::Out => "",
        Style::Err => "\x1b[2m",
    };
    say!("\x1b[{colour}m{label:>width$} |\x1b[0m {style}{text}\x1b[0m");
}
