//! Which sockets belong together, where strace does not know it.
//!
//! It asks the kernel (sock_diag(7)), which answers for the network namespace of the one who asks:
//! of a program in a box strace sees only the sockets' own inodes, `4<TCP:[10858102]>`. But then the
//! calls tell it: a listening socket gives out its connections in the order in which they were made.
//! And of a connection that has not been accepted yet the kernel does not know the other end either:
//! what went through it by then belongs to the pair that a later call shows.

use std::collections::{HashMap, HashSet};

use crate::ends::pair_of;
use crate::strace::{Behind, Call, Outcome, Value};

/// What strace would have written behind each connected socket: by its inode, `TCP:[5->7]`.
pub(crate) fn peers<'a>(calls: impl Iterator<Item = &'a Call>) -> HashMap<String, Behind> {
    let mut calls: Vec<_> = calls.collect();
    calls.sort_by_key(|call| call.end());
    // connect(2) of a socket that does not block fails with EINPROGRESS, whatever comes of it.
    let talks = |call: &&&Call| call.value().is_some() && is_talk(&call.name);
    let talking: HashSet<_> = (calls.iter().filter(talks))
        .filter_map(|call| socket(call.argument(0)?))
        .collect();
    let connects = |call: &Call, inode: &str| match &call.outcome {
        Outcome::Returned(..) => true,
        Outcome::Failed(errno) => errno == "EINPROGRESS" && talking.contains(inode),
        Outcome::None => false,
    };

    let known: HashMap<_, _> = (calls.iter())
        .flat_map(|call| {
            let values = call.argument(0).into_iter().chain(call.returned());
            values.filter_map(pair).collect::<Vec<_>>()
        })
        .flat_map(both_ways)
        .collect();

    let mut places = HashMap::new();
    let mut connected: HashMap<_, Vec<_>> = HashMap::new();
    let mut accepted: HashMap<_, Vec<_>> = HashMap::new();
    let mut pairs = Vec::new();
    for call in calls {
        let place = || place(call.argument(1)?);
        let own = call.argument(0).and_then(socket);
        match (call.name.as_str(), &call.outcome, own) {
            ("bind" | "getsockname", Outcome::Returned(..), Some(inode)) => {
                places.extend(place().map(|it| (inode, it)));
            }
            ("connect", _, Some(inode))
                if connects(call, &inode) && !known.contains_key(&inode) =>
            {
                let place = place().unwrap_or_default();
                connected.entry(place).or_default().push(inode);
            }
            ("accept" | "accept4", Outcome::Returned(_, made), Some(listening)) => {
                let place = places.get(&listening).cloned().unwrap_or_default();
                let inode = made.as_ref().and_then(socket);
                let inode = inode.filter(|it| !known.contains_key(it));
                accepted.entry(place).or_default().extend(inode);
            }
            ("socketpair", Outcome::Returned(..), _) => {
                let both: Vec<_> = pair_of(call).into_iter().map(socket).collect();
                if let [Some(one), Some(other)] = both.as_slice() {
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
fn both_ways((kind, one, other): (String, String, String)) -> [(String, Behind); 2] {
    let connected = |near: &str, far: &str| Behind::Object {
        kind: kind.clone(),
        near: near.to_owned(),
        far: Some(far.to_owned()),
        path: None,
    };
    let (there, back) = (connected(&one, &other), connected(&other, &one));
    [(one, there), (other, back)]
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A Unix socket and the one that it is connected to: `3<UNIX-STREAM:[5->7]>`.
fn pair(value: &Value) -> Option<(String, String, String)> {
    match &value.descriptor()?.behind {
        Behind::Object {
            kind,
            near,
            far: Some(far),
            ..
        } => {
            let is_pair = kind.starts_with("UNIX") && digits(near) && digits(far);
            is_pair.then(|| (kind.clone(), near.clone(), far.clone()))
        }
        _ => None,
    }
}

/// The inode of a socket of which strace knows nothing else: `3<TCP:[242562]>`.
pub(crate) fn socket(value: &Value) -> Option<String> {
    match &value.descriptor()?.behind {
        Behind::Object {
            kind,
            near,
            far: None,
            path: None,
        } => {
            let kinds = ["UNIX", "TCP", "UDP", "socket"];
            let is_socket = kinds.iter().any(|start| kind.starts_with(start));
            (is_socket && digits(near)).then(|| near.clone())
        }
        _ => None,
    }
}

/// Where a listening socket is found: its port or its path.
fn place(address: &Value) -> Option<String> {
    let names = ["sin_port", "sin6_port", "sun_path"];
    let found = names.iter().find_map(|name| address.field(name));
    found.map(Value::to_string)
}

/// Whether a call succeeds on a connected socket alone.
fn is_talk(name: &str) -> bool {
    let names = [
        "read", "readv", "recvfrom", "recvmsg", "write", "writev", "sendto", "sendmsg",
    ];
    names.contains(&name) || matches!(name, "shutdown" | "getpeername" | "sendfile" | "splice")
}
