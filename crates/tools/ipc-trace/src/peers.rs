//! Which sockets belong together, where strace does not know it.
//!
//! It asks the kernel (sock_diag(7)), which answers for the network namespace of the one who asks:
//! of a program in a box strace sees only the sockets' own inodes, `4<TCP:[10858102]>`. But then the
//! calls tell it: a listening socket gives out its connections in the order in which they were made.
//! And of a connection that has not been accepted yet the kernel does not know the other end either:
//! what went through it by then belongs to the pair that a later call shows.

use std::collections::{HashMap, HashSet};

use crate::log::{Call, Outcome};
use crate::text;

/// What strace would have written behind each connected socket: by its inode, `TCP:[5->7]`.
pub(crate) fn peers<'a>(calls: impl Iterator<Item = &'a Call>) -> HashMap<String, String> {
    let mut calls: Vec<_> = calls.collect();
    calls.sort_by_key(|call| call.end());
    // connect(2) of a socket that does not block fails with EINPROGRESS, whatever comes of it.
    let talks = |it: &&&Call| it.value().is_some() && is_talk(&it.name);
    let talking: HashSet<_> = (calls.iter().filter(talks))
        .filter_map(|it| socket(it.argument(0)))
        .collect();
    let connects = |call: &Call, inode: &str| match &call.outcome {
        Outcome::Returned(..) => true,
        Outcome::Failed(errno) => errno == "EINPROGRESS" && talking.contains(inode),
        Outcome::None => false,
    };

    let known: HashMap<_, _> = (calls.iter())
        .flat_map(|call| {
            let returned = match &call.outcome {
                Outcome::Returned(fd, note) => pair(&format!("{fd}{note}")),
                _ => None,
            };
            pair(call.argument(0)).into_iter().chain(returned)
        })
        .flat_map(both_ways)
        .collect();

    let mut places = HashMap::new();
    let mut connected: HashMap<_, Vec<_>> = HashMap::new();
    let mut accepted: HashMap<_, Vec<_>> = HashMap::new();
    let mut pairs = Vec::new();
    for call in calls {
        let place = || place(call.argument(1));
        match (call.name.as_str(), &call.outcome, socket(call.argument(0))) {
            ("bind" | "getsockname", Outcome::Returned(..), Some(inode)) => {
                places.extend(place().map(|it| (inode, it)));
            }
            ("connect", _, Some(inode))
                if connects(call, &inode) && !known.contains_key(&inode) =>
            {
                let place = place().unwrap_or_default();
                connected.entry(place).or_default().push(inode);
            }
            ("accept" | "accept4", Outcome::Returned(fd, note), Some(listening)) => {
                let place = places.get(&listening).cloned().unwrap_or_default();
                let inode = socket(&format!("{fd}{note}"));
                let inode = inode.filter(|it| !known.contains_key(it));
                accepted.entry(place).or_default().extend(inode);
            }
            ("socketpair", Outcome::Returned(..), _) => {
                let both = text::arguments(crate::trace::inside(call.argument(3)));
                if let [Some(one), Some(other)] =
                    &*both.iter().map(|it| socket(it)).collect::<Vec<_>>()
                {
                    pairs.push(("UNIX-STREAM", one.clone(), other.clone()));
                }
            }
            _ => {}
        }
    }
    for (place, clients) in connected {
        let kind = if place.starts_with("htons") {
            "TCP"
        } else {
            "UNIX-STREAM"
        };
        let servers = accepted.remove(&place).unwrap_or_default();
        pairs.extend(
            clients
                .into_iter()
                .zip(servers)
                .map(|(one, other)| (kind, one, other)),
        );
    }
    let told = pairs
        .into_iter()
        .map(|(kind, one, other)| (kind.to_owned(), one, other));
    let mut peers: HashMap<_, _> = told.flat_map(both_ways).collect();
    peers.extend(known);
    peers
}

/// Of each of two sockets, what strace writes behind it when it knows both.
fn both_ways((kind, one, other): (String, String, String)) -> [(String, String); 2] {
    let (there, back) = (
        format!("{kind}:[{one}->{other}]"),
        format!("{kind}:[{other}->{one}]"),
    );
    [(one, there), (other, back)]
}

/// A Unix socket and the one that it is connected to: `3<UNIX-STREAM:[5->7]>`.
fn pair(argument: &str) -> Option<(String, String, String)> {
    let (_, note) = text::descriptor(argument)?;
    let (kind, inodes) = note.split_once(":[")?;
    // Behind them may stand the path of the socket.
    let (one, other) = inodes.split([',', ']']).next()?.split_once("->")?;
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let is_pair = kind.starts_with("UNIX") && digits(one) && digits(other);
    is_pair.then(|| (kind.to_owned(), one.to_owned(), other.to_owned()))
}

/// The inode of a socket of which strace knows nothing else: `3<TCP:[242562]>`.
pub(crate) fn socket(argument: &str) -> Option<String> {
    let (_, note) = text::descriptor(argument)?;
    let (kind, inode) = note.split_once(":[")?;
    let inode = inode.strip_suffix(']')?;
    let is_socket = ["UNIX", "TCP", "UDP", "socket"]
        .iter()
        .any(|it| kind.starts_with(it));
    (is_socket && inode.bytes().all(|it| it.is_ascii_digit())).then(|| inode.to_owned())
}

/// Where a listening socket is found: its port or its path.
fn place(address: &str) -> Option<String> {
    let names = ["sin_port", "sin6_port", "sun_path"];
    let found = names.iter().find_map(|it| text::field(address, it));
    found.map(str::to_owned)
}

/// Whether a call succeeds on a connected socket alone.
fn is_talk(name: &str) -> bool {
    let names = [
        "read", "readv", "recvfrom", "recvmsg", "write", "writev", "sendto", "sendmsg",
    ];
    names.contains(&name) || matches!(name, "shutdown" | "getpeername" | "sendfile" | "splice")
}
