//! Runs programs under strace(1) and draws what passed between them.

mod answer;
mod run;

use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use ipc_trace::{Arrow, Kind, Outcome, Picture, Trace, Why};
use lesson::{Failure, note, say};

/// Draw both ends of a conversation on one time axis, as the kernel saw it.
///
/// Programs: ipc-trace -- fifo-writer /tmp/f --and fifo-reader /tmp/f. Each starts once the one
/// before it has printed something or has ended; their standard input is /dev/null.
#[derive(Parser)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Ctrl-C, or the time limit, ends the programs and draws what happened until then."
)]
struct Args {
    #[command(subcommand)]
    ask: Option<Ask>,
    /// Draw the programs of these labelled shell commands instead: "LABEL: COMMAND" (see duet)
    #[arg(long, value_name = "LABEL: COMMAND")]
    stage: Vec<String>,
    /// End the program of this label with SIGTERM once the others have ended
    #[arg(long, value_name = "LABEL")]
    service: Vec<String>,
    /// Say what a running process is blocked in, and trace it for a moment (see --limit)
    #[arg(long, value_name = "PID", conflicts_with_all = ["stage", "log", "command"])]
    attach: Option<u32>,
    /// Draw from logs that `strace -ff -ttt -T -yy -o PREFIX` has written
    #[arg(long, value_name = "PREFIX", conflicts_with_all = ["stage", "command"])]
    log: Vec<PathBuf>,
    /// Keep the log there (PREFIX.PID for each thread), to draw it again with --log
    #[arg(long, value_name = "PREFIX")]
    save: Option<PathBuf>,
    /// Write an SVG file, for a browser
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print a Mermaid diagram, for a Markdown page
    #[arg(long)]
    mermaid: bool,
    /// Also shells, and what only starts a program up
    #[arg(long)]
    all: bool,
    /// End the programs after this many seconds, and say who is blocked
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Leave out the middle of a picture with more rows (0: never)
    #[arg(long, value_name = "N", default_value_t = 400)]
    rows: usize,
    /// End the picture before the first row that says this
    #[arg(long, value_name = "TEXT")]
    until: Option<String>,
    /// The width of the picture (default: the terminal's)
    #[arg(long, value_name = "COLUMNS")]
    width: Option<usize>,
    /// Say what processes are blocked in now, by /proc alone; with --svg, draw who waits for what
    #[arg(long, value_name = "PID", num_args = 0.., conflicts_with_all = ["stage", "log", "command", "attach"])]
    explain: Option<Vec<u32>>,
    /// With --explain: all processes with that in their environment
    #[arg(long, value_name = "NAME=VALUE", requires = "explain")]
    of: Option<String>,
    /// No picture: list who is blocked now, of the processes in the logs
    #[arg(long, requires = "log")]
    blocked: bool,
    /// No picture: what went through this mechanism from one log to another, a line each
    #[arg(long, value_name = "KIND", requires = "log", num_args = 1)]
    carried: Option<Kind>,
    /// With --carried: only what the processes of this log sent
    #[arg(long, value_name = "PREFIX", requires = "carried")]
    from: Option<String>,
    /// With --carried: only what the processes of this log received
    #[arg(long, value_name = "PREFIX", requires = "carried")]
    to: Option<String>,
    /// With --carried: only what these processes sent
    #[arg(long, value_name = "PID", requires = "carried")]
    from_process: Vec<u32>,
    /// With --carried: only what these processes received
    #[arg(long, value_name = "PID", requires = "carried")]
    to_process: Vec<u32>,
    /// With --carried: the bytes alone, one after the other
    #[arg(long, requires = "carried")]
    raw: bool,
    /// No picture: every system call, in strace's notation, without those that set the stage
    #[arg(long, requires = "log")]
    calls: bool,
    /// No picture: the objects that processes of every given log have used
    #[arg(long, requires = "log")]
    common: bool,
    /// Fail with status 3, and say why, if a part of the logs is missing; alone, do no more than that
    #[arg(long, requires = "log")]
    whole: bool,
    /// The programs, one after the other, joined by --and
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[derive(Subcommand)]
enum Ask {
    /// Print the calls of the programs in logs as a table, for tests
    Query(answer::Query),
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    if let Some(Ask::Query(query)) = &args.ask {
        return Ok(answer::print(query)?);
    }
    if !args.log.is_empty() {
        return Ok(report(&args)?);
    }
    if let Some(pids) = &args.explain {
        return Ok(explain(pids, &args)?);
    }
    if let Some(pid) = args.attach {
        return Ok(run::attach(pid, args.limit, args.save.as_deref())
            .and_then(|trace| draw(&trace, &args))?);
    }
    let stage = match args.command.is_empty() {
        true => args.stage.clone(),
        false => run::commands(&args.command)?,
    };
    if stage.is_empty() {
        return Err(anyhow::anyhow!("nothing to trace: ipc-trace -- COMMAND (or --help)").into());
    }
    let trace = run::run(&stage, &args.service, args.limit, args.save.as_deref())?;
    Ok(draw(&trace, &args)?)
}

/// Says what processes are blocked in now, and draws it if an SVG file is asked for.
fn explain(pids: &[u32], args: &Args) -> anyhow::Result<()> {
    let found = args.of.iter().flat_map(|it| ipc_trace::processes_with(it));
    let mut waits: Vec<_> = found.flat_map(ipc_trace::waits_now).collect();
    for pid in pids {
        let of_it = ipc_trace::waits_now(*pid);
        ensure!(
            !of_it.is_empty() || Path::new(&format!("/proc/{pid}")).exists(),
            "there is no process {pid}"
        );
        if of_it.is_empty() {
            note!(
                "process {pid} is not blocked in a call that waits for another one, or may not be looked at"
            );
        }
        waits.extend(of_it);
    }
    for wait in &waits {
        say!("{}", wait.blocked);
    }
    match &args.svg {
        Some(file) if !waits.is_empty() => fs::write(file, ipc_trace::hang(&waits))
            .with_context(|| format!("write {}", file.display())),
        _ => Ok(()),
    }
}

/// What the options ask of logs; a picture if they ask nothing.
fn report(args: &Args) -> anyhow::Result<()> {
    let trace = &match args.whole {
        true => answer::whole(&args.log)?,
        false => Trace::read(&args.log)?,
    };
    if args.blocked {
        for blocked in ipc_trace::blocked(trace) {
            say!("{blocked}");
        }
    } else if let Some(kind) = args.carried {
        for arrow in ipc_trace::arrows(trace)
            .iter()
            .filter(|it| is_asked(trace, args, kind, it))
        {
            if args.raw {
                lesson::print(&arrow.data);
                continue;
            }
            let object = arrow.object.as_ref().map_or(String::new(), |object| {
                object.to_string().escape_debug().to_string()
            });
            say!(
                "{object}: {} bytes: {}",
                arrow.length,
                String::from_utf8_lossy(&arrow.data).escape_debug()
            );
        }
    } else if args.calls {
        let tasks = trace.tasks.values();
        let mut calls: Vec<_> = tasks.flat_map(|task| task.played()).collect();
        calls.sort_by_key(|call| call.start);
        for call in calls {
            let came = match &call.outcome {
                Outcome::Returned(value, _) => value.to_string(),
                Outcome::Failed(errno) => format!("-1 {errno}"),
                Outcome::None => "?".into(),
            };
            let arguments: Vec<_> = call
                .arguments
                .iter()
                .map(|value| value.to_string())
                .collect();
            say!("{}({}) = {came}", call.name, arguments.join(", "));
        }
    } else if args.common {
        let logs: Vec<_> = args.log.iter().filter_map(|it| it.file_name()).collect();
        for object in trace.common(
            &logs
                .iter()
                .map(|it| it.to_string_lossy())
                .collect::<Vec<_>>(),
        ) {
            // A path may hold any byte: this is one line of text all the same.
            say!("{}", object.to_string().escape_debug());
        }
    } else if !args.whole || args.svg.is_some() || args.mermaid {
        draw(trace, args)?;
    }
    Ok(())
}

fn is_asked(trace: &Trace, args: &Args, kind: Kind, arrow: &Arrow) -> bool {
    let is_in = |tid: u32, log: &Option<String>| {
        log.as_ref().is_none_or(|log| trace.tasks[&tid].log == *log)
    };
    let plays = |(tid, when)| trace.tasks[&tid].plays(when);
    let is_of = |tid: u32, processes: &[u32]| {
        processes.is_empty() || processes.contains(&trace.tasks[&tid].pid)
    };
    arrow.why == Why::Data
        // Evidence must not rest on a guess.
        && (arrow.agrees || !args.whole)
        && plays(arrow.tail)
        && plays(arrow.head)
        && arrow.object.as_ref().is_some_and(|it| it.kind == kind)
        && is_in(arrow.tail.0, &args.from)
        && is_in(arrow.head.0, &args.to)
        && is_of(arrow.tail.0, &args.from_process)
        && is_of(arrow.head.0, &args.to_process)
}

fn draw(trace: &Trace, args: &Args) -> anyhow::Result<()> {
    if trace.unreadable > 0 {
        note!(
            "{} lines of the log were cut or could not be read",
            trace.unreadable
        );
    }
    let arrows = ipc_trace::arrows(trace);
    let mut picture = Picture::new(trace, &arrows, args.all);
    ensure!(
        !picture.events.is_empty(),
        "no IPC call was traced (with --all: every call)"
    );
    if let Some(text) = &args.until {
        ensure!(
            picture.until(text) > 0 && !picture.events.is_empty(),
            "no row after the first one says {text:?} (--until)"
        );
    }
    if args.rows > 0 {
        let left_out = picture.shorten(args.rows);
        if left_out > 0 {
            note!("{left_out} events in the middle are left out (all of them: --rows 0)");
        }
    }
    if let Some(file) = &args.svg {
        fs::write(file, ipc_trace::svg(&picture))
            .with_context(|| format!("write {}", file.display()))?;
        note!("{}: open it in a browser", file.display());
    }
    if args.mermaid {
        lesson::print(ipc_trace::mermaid(&picture).as_bytes());
    } else if args.svg.is_none() {
        let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = args.width.or(terminal).unwrap_or(120);
        let text = ipc_trace::terminal(&picture, width);
        let coloured = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        match coloured {
            true => lesson::print(text.as_bytes()),
            false => lesson::print(anstream::adapter::strip_str(&text).to_string().as_bytes()),
        }
    }
    Ok(())
}
