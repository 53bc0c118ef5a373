//! What a test asks of logs: `ipc-trace query`.

use std::fs;
use std::path::PathBuf;
use std::process::exit;

use anyhow::{Context, ensure};
use clap::Parser;
use ipc_trace::Trace;
use lesson::{note, say};

/// Print a line for each call, signal and end of the programs in logs, its columns separated by tabs.
///
/// The columns: thread, process, start, seconds taken, name, kind and id of the first argument's
/// object, outcome (returned, failed, none), result, then each argument. Strings are percent-encoded.
/// Fails with status 3 if a part of the logs is missing.
#[derive(Parser)]
pub struct Query {
    /// Read the logs that `strace -ff -ttt -T -yy -o PREFIX` has written
    #[arg(long, value_name = "PREFIX", required = true)]
    log: Vec<PathBuf>,
    /// Print only the calls whose data contains the bytes of this file
    #[arg(long, value_name = "FILE", conflicts_with = "forbidden")]
    contains: Option<PathBuf>,
    /// Print instead each process that a seccomp filter killed, and the call that was not allowed
    #[arg(long)]
    forbidden: bool,
    /// Take logs of which a part is missing
    #[arg(long)]
    partial: bool,
}

/// Reads logs of which nothing is missing; ends with status 3 if something is.
pub fn whole(logs: &[PathBuf]) -> anyhow::Result<Trace> {
    let trace = Trace::read(logs);
    let missing = match &trace {
        Ok(trace) => trace.missing(),
        Err(error) => vec![format!("{error:#}")],
    };
    let Some(first) = missing.first() else {
        return trace;
    };
    match missing.len() {
        1 => note!("{first}"),
        more => note!("{first}, and {} parts more are missing", more - 1),
    }
    lesson::clean_up();
    exit(3)
}

/// Prints the table that is asked for.
pub fn print(query: &Query) -> anyhow::Result<()> {
    let trace = match query.partial {
        true => Trace::read(&query.log)?,
        false => whole(&query.log)?,
    };
    if query.forbidden {
        for (task, call) in trace.forbidden() {
            let name = call.map_or("-", |call| call.name.as_str());
            say!("{}\t{}\t{name}", task.tid, task.pid);
        }
        return Ok(());
    }
    let bytes = match &query.contains {
        Some(file) => fs::read(file).with_context(|| format!("read {}", file.display()))?,
        None => Vec::new(),
    };
    ensure!(
        query.contains.is_none() || !bytes.is_empty(),
        "the file of --contains is empty"
    );
    let rows = ipc_trace::rows(&trace).into_iter();
    let mut table = String::new();
    for row in rows.filter(|row| query.contains.is_none() || row.contains(&bytes)) {
        table += &row.columns.join("\t");
        table.push('\n');
    }
    lesson::print(table.as_bytes());
    Ok(())
}
