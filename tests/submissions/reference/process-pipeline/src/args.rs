//! What the program is told to do. There is nothing to do in this file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, error::ErrorKind};

/// Run commands, the output of each being the input of the next
#[derive(Parser)]
#[command(after_help = "Example: process-pipeline --in LICENSE -- grep you '|' wc -l")]
pub struct Args {
    /// The first command reads this file
    #[arg(long = "in", value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// The last command writes to this file, which is made or emptied first
    #[arg(long = "out", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The file of --out is not emptied: what is written goes to its end
    #[arg(long, requires = "output")]
    pub append: bool,
    /// The exit status is that of the last command that failed, if any did
    #[arg(long)]
    pub pipefail: bool,
    /// COMMAND [ARG...] ['|' COMMAND [ARG...]]..., each | quoted from the shell
    #[arg(last = true, required = true)]
    words: Vec<OsString>,
}

impl Args {
    /// The commands in their order, each with its arguments: none is empty.
    pub fn commands(&self) -> Vec<&[OsString]> {
        let commands: Vec<_> = self.words.split(|word| word == "|").collect();
        if commands.iter().any(|command| command.is_empty()) {
            let problem = "a command is missing beside a '|'";
            Self::command()
                .error(ErrorKind::ValueValidation, problem)
                .exit();
        }
        commands
    }
}
