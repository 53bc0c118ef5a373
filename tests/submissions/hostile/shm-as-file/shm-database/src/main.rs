//! Keeps records in shared memory, for any number of processes.
//!
//! One program, which others of its kind work beside: cargo run -q -p shm-database -- create

use std::io::stdin;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use lesson::{Failure, say};
use shm_database::{Block, Command, create, destroy};

/// A database in shared memory: create, put KEY VALUE, get KEY, delete KEY, list, session, destroy
#[derive(Parser)]
struct Args {
    /// The folder that stands for the database
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// One command, or `session`: then each line of standard input is one
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<String>,
}

fn main() -> Result<(), Failure> {
    let Args { dir, command } = Args::parse();
    let mut session = Session { dir, block: None };
    let line = command.join(" ");
    if line != "session" {
        // A block alone would end with this process, and have changed nothing.
        say!("{}", session.answer(&line)?);
        return Ok(());
    }
    say!("Ready");
    for line in stdin().lines() {
        match session.answer(&line.context("read stdin")?) {
            Ok(answer) => say!("{answer}"),
            Err(error) => say!("Failed: {error:#}"),
        }
    }
    // A block that has not ended is dropped here, and has changed nothing.
    Ok(())
}

struct Session {
    dir: PathBuf,
    block: Option<Block>,
}

impl Session {
    fn answer(&mut self, line: &str) -> anyhow::Result<String> {
        let command = Command::parse(line)?;
        match command {
            Command::Create | Command::Destroy | Command::Read | Command::Write => {
                ensure!(self.block.is_none(), "not in a block: {line}");
            }
            _ => {}
        }
        match command {
            Command::Create => create(&self.dir).map(|()| "Created".into()),
            Command::Destroy => destroy(&self.dir).map(|()| "Destroyed".into()),
            Command::Read => {
                self.block = Some(Block::read(&self.dir)?);
                Ok("Reading".into())
            }
            Command::Write => {
                self.block = Some(Block::write(&self.dir)?);
                Ok("Writing".into())
            }
            Command::End => {
                self.block.take().context("no block has begun")?.end();
                Ok("Ended".into())
            }
            _ => match &mut self.block {
                Some(block) => run(block, &command),
                // Outside of a block each command is one of its own.
                None => {
                    let mut block = match command {
                        Command::Get(_) | Command::List => Block::read(&self.dir)?,
                        _ => Block::write(&self.dir)?,
                    };
                    let answer = run(&mut block, &command)?;
                    block.end();
                    Ok(answer)
                }
            },
        }
    }
}

fn run(block: &mut Block, command: &Command) -> anyhow::Result<String> {
    Ok(match command {
        Command::Get(key) => format!("{key} {}", block.get(key)?),
        Command::Put(key, value) => {
            block.put(key, value)?;
            format!("Stored: {key}")
        }
        Command::Delete(key) => {
            block.delete(key)?;
            format!("Deleted: {key}")
        }
        Command::List => {
            let records = block.list();
            let count = records.len();
            let lines: String = records
                .map(|(key, value)| format!("{key} {value}\n"))
                .collect();
            format!("{lines}Records: {count}")
        }
        other => bail!("no command for a block: {other:?}"),
    })
}
