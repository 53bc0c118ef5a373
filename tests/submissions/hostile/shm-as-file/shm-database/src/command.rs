//! What can be asked of the database. There is nothing to do in this file.

use anyhow::bail;

/// A line of a session, or the words of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make an empty database.
    Create,
    /// Remove it.
    Destroy,
    /// Print a record.
    Get(String),
    /// Store a record: its key and its value.
    Put(String, String),
    /// Remove a record.
    Delete(String),
    /// Print all records.
    List,
    /// Begin a block that changes nothing.
    Read,
    /// Begin a block that may change records.
    Write,
    /// End the block.
    End,
}

impl Command {
    /// A key has no space in it, a value may. How long they are is not looked at here.
    ///
    /// # Errors
    /// When this is no command.
    pub fn parse(line: &str) -> anyhow::Result<Self> {
        let (name, rest) = match line.split_once(' ') {
            Some((name, rest)) => (name, Some(rest)),
            None => (line, None),
        };
        Ok(match (name, rest, rest.and_then(|it| it.split_once(' '))) {
            _ if line.contains(char::is_control) => bail!("not a command: {line:?}"),
            ("create", None, _) => Self::Create,
            ("destroy", None, _) => Self::Destroy,
            ("get", Some(key), None) => Self::Get(key.into()),
            ("put", _, Some((key, value))) => Self::Put(key.into(), value.into()),
            ("delete", Some(key), None) => Self::Delete(key.into()),
            ("list", None, _) => Self::List,
            ("read", None, _) => Self::Read,
            ("write", None, _) => Self::Write,
            ("end", None, _) => Self::End,
            _ => bail!("not a command: {line:?}"),
        })
    }
}
