//! The tutorial's performance stars, measured on this machine: every mechanism, two processes, and
//! beside each figure what it is made of.
//!
//! One program, no partner: it forks its second process itself.

mod agree;
mod calls;
mod cell;
mod charts;
mod explain;
mod figures;
mod limits;
mod machine;
mod mechanism;
mod own_share;
mod pace;
mod partner;
mod report;
mod run;
mod signals;
mod stars;
mod versus;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use lesson::{Failure, say};

use crate::figures::Plan;
use crate::machine::Machine;
use crate::mechanism::peaks::PEAKS;
use crate::mechanism::{ALL, Mechanism};
use crate::run::{Pattern, Placement};

/// Measure what each way to talk costs: round trips and streams, on one processor and on two
#[derive(Parser)]
struct Args {
    /// Only these mechanisms, separated by commas (default: all)
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = find)]
    only: Vec<&'static Mechanism>,
    /// Bytes in a message, separated by commas (default: 64,65536; for --explain 64)
    #[arg(long, value_name = "BYTES", value_delimiter = ',',
          value_parser = clap::value_parser!(u64).range(1..=16 << 20))]
    sizes: Vec<u64>,
    /// Where the two processes run (default: both placements)
    #[arg(long, value_name = "PLACEMENT")]
    placement: Option<Placement>,
    /// How often everything is measured; the median counts
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    repetitions: u16,
    /// How long each measurement takes
    #[arg(long, value_name = "MS", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    time_ms: u64,
    /// Begin so many round trips a second, and time each from when it should have begun
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rate: Option<u64>,
    /// The two processors (default: the first two that this process may use)
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1..=2)]
    processors: Vec<usize>,
    /// Beside each round trip on one processor run this program, and say how many times its time that took;
    /// it is given MECHANISM BYTES MS PROCESSOR, and for each line that it reads measures MS milliseconds and
    /// prints the nanoseconds of a round trip
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["rate", "peaks"])]
    versus: Option<PathBuf>,
    /// Write all figures into this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write all figures into this file as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Draw the figures into this folder, as SVG: give several --sizes
    #[arg(long, value_name = "FOLDER")]
    svg: Option<PathBuf>,
    /// Show the system calls of one message of this mechanism and of its answer, traced by strace
    #[arg(long, value_name = "NAME", value_parser = find,
          conflicts_with_all = ["only", "placement", "rate", "versus", "json", "csv", "svg", "peaks"])]
    explain: Option<&'static Mechanism>,
    /// One message and its answer, for --explain
    #[arg(long, hide = true)]
    once: bool,
    /// Drive pipe, ring and TCP further, one way, and say what that gives up
    #[arg(long, conflicts_with_all = ["only", "rate"])]
    peaks: bool,
    /// Compare the files that --json has written in several runs: do they say the same?
    #[arg(long, value_name = "FILE", num_args = 1.., exclusive = true)]
    agree: Vec<PathBuf>,
    /// List the mechanisms
    #[arg(long, exclusive = true)]
    list: bool,
}

fn find(name: &str) -> Result<&'static Mechanism, String> {
    let names = || ALL.iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
    let found = ALL.iter().find(|it| it.name == name);
    found.ok_or_else(|| format!("there is no such mechanism; there are {}", names()))
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    if args.list {
        for mechanism in ALL {
            say!("{}", mechanism.name);
        }
        return Ok(());
    }
    if !args.agree.is_empty() {
        return Ok(agree::agree(&args.agree)?);
    }
    let machine = Machine::now();
    let plan = plan(&args, &machine)?;
    if let Some(mechanism) = args.explain {
        figures::explained(&plan)?;
        return Ok(explain::explain(mechanism, plan.sizes[0], plan.processors)?);
    }
    if args.once {
        return Ok(figures::once(&plan)?);
    }
    report::may_write(args.json.iter().chain(&args.csv))?;
    let figures = figures::measure(&plan)?;
    lesson::print(report::text(&machine, &figures).as_bytes());
    if let Some(file) = &args.json {
        report::json(file, &machine, &plan, &figures)?;
    }
    if let Some(file) = &args.csv {
        report::csv(file, &figures)?;
    }
    if let Some(folder) = &args.svg {
        charts::draw(folder, &figures)?;
    }
    Ok(())
}

fn plan(args: &Args, machine: &Machine) -> anyhow::Result<Plan> {
    let first = machine
        .processors
        .first()
        .context("sched_getaffinity: no processor")?;
    let (one, two) = match args.processors.as_slice() {
        [] => (*first, machine.processors.get(1).copied()),
        [one] => (*one, None),
        [one, two] if one != two => (*one, Some(*two)),
        other => bail!("--processors takes one, or two that differ, not {other:?}"),
    };
    ensure!(
        args.versus.is_none() || args.placement != Some(Placement::Two),
        "--versus compares on one processor: leave out --placement two"
    );
    for processor in [Some(one), two].into_iter().flatten() {
        ensure!(
            machine.processors.contains(&processor),
            "processor {processor}: this process may use {:?}",
            machine.processors
        );
    }
    let placements = match (args.placement, two) {
        (Some(Placement::Two), None) => {
            bail!(
                "--placement two: there is one processor; figures without a place would mean nothing"
            )
        }
        (Some(placement), _) => vec![placement],
        (None, None) => vec![Placement::Same],
        (None, Some(_)) => vec![Placement::Same, Placement::Two],
    };
    let mut sizes: Vec<_> = args.sizes.iter().map(|it| *it as usize).collect();
    if sizes.is_empty() {
        sizes = match args.explain {
            Some(_) => vec![64],
            None => vec![64, 65536],
        };
    }
    sizes.sort_unstable();
    sizes.dedup();
    ensure!(
        args.explain.is_none() || sizes.len() == 1,
        "--explain traces one message: give one size"
    );
    let patterns = match args.rate {
        _ if args.once || args.explain.is_some() => vec![Pattern::RoundTrip],
        Some(_) => vec![Pattern::RoundTrip],
        None if args.versus.is_some() => vec![Pattern::RoundTrip],
        None if args.peaks => vec![Pattern::Stream],
        None => vec![Pattern::RoundTrip, Pattern::Stream],
    };
    ensure!(
        args.svg.is_none() || sizes.len() > 1,
        "--svg draws figures by the size of a message: give at least two --sizes"
    );
    let mechanisms = match args.only.as_slice() {
        _ if args.explain.is_some() => args.explain.into_iter().collect(),
        _ if args.peaks => {
            let is_compared_with = |it: &&Mechanism| PEAKS.iter().any(|peak| peak.than == it.name);
            let peaks = PEAKS.iter().map(|it| &it.mechanism);
            ALL.iter().filter(is_compared_with).chain(peaks).collect()
        }
        [] => ALL.iter().collect(),
        // In the order of the tables, each once.
        only => {
            let wanted = |it: &&Mechanism| only.iter().any(|wanted| wanted.name == it.name);
            ALL.iter().filter(wanted).collect()
        }
    };
    Ok(Plan {
        mechanisms,
        sizes,
        placements,
        patterns,
        repetitions: args.repetitions.into(),
        time: Duration::from_millis(args.time_ms),
        rate: args.rate,
        versus: args.versus.clone(),
        processors: [one, two.unwrap_or(one)],
    })
}
