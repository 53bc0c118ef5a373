//! What one process did and another one noticed: bytes that came over, a wake-up, a birth, an end.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use crate::object::{Kind, Object, shown_path};
use crate::picture::BLOCKED;
use crate::strace::{Behind, Call, Outcome, Value};
use crate::trace::{self, Trace};

/// A call, by its thread and its place among that thread's calls.
pub type CallId = (u32, usize);

/// What connects the two ends of an arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Bytes or a message went over.
    Data,
    /// V woke P, an open woke the other end's open, connect woke accept.
    Wake,
    /// fork made a process.
    Birth,
    /// A process ended, and wait told.
    End,
    /// kill sent a signal.
    Signal,
}

/// From a call to what it caused elsewhere.
#[derive(Debug, Clone)]
pub struct Arrow {
    /// The kind of connection.
    pub why: Why,
    /// The call at its tail; `None` for the end of a process.
    pub from: Option<CallId>,
    /// The thread at its tail, and when.
    pub tail: (u32, Duration),
    /// The call at its head; `None` for a birth and for a signal.
    pub to: Option<CallId>,
    /// The thread at its head, and when.
    pub head: (u32, Duration),
    /// Through what.
    pub object: Option<Object>,
    /// What came over, as far as the log has it.
    pub data: Vec<u8>,
    /// How many bytes came over.
    pub length: usize,
    /// Whether the bytes that were received are those that were sent, as far as the log has both.
    pub agrees: bool,
}

/// What a call moved, and over which channel.
struct Moved {
    id: CallId,
    time: Duration,
    object: Object,
    /// Bytes that are sent and received under the same key belong together.
    channel: String,
    data: Vec<u8>,
    length: usize,
    /// A message is received whole or not at all; its type must agree.
    message: Option<String>,
}

/// All arrows, in the order of their heads.
pub fn arrows(trace: &Trace) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    data(trace, &mut arrows);
    wake_ups(trace, &mut arrows);
    lives(trace, &mut arrows);
    arrows.sort_by_key(|arrow| arrow.head.1);
    arrows
}

fn numbered(trace: &Trace) -> impl Iterator<Item = (CallId, &Call)> {
    trace.tasks.values().flat_map(|task| {
        let calls = task.calls.iter().enumerate();
        calls.map(|(index, call)| ((task.tid, index), call))
    })
}

fn data(trace: &Trace, arrows: &mut Vec<Arrow>) {
    let mut sent: Vec<Moved> = Vec::new();
    let mut received: Vec<Moved> = Vec::new();
    // Where a datagram socket sends to after connect: strace shows its own address alone.
    let mut connected: HashMap<(u32, i32), String> = HashMap::new();
    for ((tid, _), call) in numbered(trace) {
        if let ("connect", Some(fd), Some(address)) =
            (call.name.as_str(), number_of(call), to_address(call))
        {
            connected.insert((trace.tasks[&tid].pid, fd), address);
        }
    }
    for (id, call) in numbered(trace) {
        sent.extend(sends(trace, id, call, &connected));
        received.extend(receives(trace, id, call));
    }
    // What is sent counts from the moment the call begins, what is received when it returns.
    sent.sort_by_key(|it| it.time);
    received.sort_by_key(|it| it.time);
    let mut channels: BTreeMap<String, VecDeque<Moved>> = BTreeMap::new();
    for chunk in sent {
        let channel = channels.entry(chunk.channel.clone()).or_default();
        channel.push_back(chunk);
    }
    for taken in received {
        if let Some(queue) = channels.get_mut(&taken.channel) {
            take(queue, taken, arrows);
        }
    }
}

/// By how much a call may seem to end too early: strace notes when it begins, then asks the kernel
/// what its descriptors are, and only then begins to measure how long it takes.
const TOO_EARLY: Duration = Duration::from_secs(1);

/// Takes out of `queue`, which holds what is sent in the order of time, what `taken` has received,
/// and draws an arrow from each piece.
fn take(queue: &mut VecDeque<Moved>, taken: Moved, arrows: &mut Vec<Arrow>) {
    let mut missing = taken.length;
    let mut data = taken.data.as_slice();
    loop {
        // Of several writers the one whose bytes these are; the oldest if that cannot be told.
        let agrees = |chunk: &Moved| match &taken.message {
            Some(_) => chunk.length == taken.length && agree(&chunk.data, data),
            None => agree(&chunk.data, data),
        };
        let same_type = |chunk: &Moved| chunk.message == taken.message;
        let find = |until: Duration, fits: &dyn Fn(&Moved) -> bool| {
            let sent = queue.iter().take_while(|it| it.time <= until);
            sent.enumerate()
                .find(|(_, it)| same_type(it) && fits(it))
                .map(|it| it.0)
        };
        let same = find(taken.time, &agrees).or_else(|| find(taken.time + TOO_EARLY, &agrees));
        let Some(place) = same.or_else(|| find(taken.time, &|_| true)) else {
            return;
        };
        let chunk = &mut queue[place];
        let moved = chunk.length.min(missing);
        let whole = taken.message.is_some() || moved == chunk.length;
        arrows.push(Arrow {
            why: Why::Data,
            from: Some(chunk.id),
            tail: (chunk.id.0, chunk.time),
            to: Some(taken.id),
            head: (taken.id.0, taken.time.max(chunk.time)),
            object: Some(taken.object.clone()),
            data: data[..moved.min(data.len())].to_vec(),
            length: moved,
            agrees: same.is_some(),
        });
        if whole {
            queue.remove(place);
        } else {
            chunk.length -= moved;
            chunk.data.drain(..moved.min(chunk.data.len()));
        }
        missing -= moved;
        data = &data[moved.min(data.len())..];
        if missing == 0 || taken.message.is_some() {
            return;
        }
    }
}

/// Whether one begins with the other: strace cuts long strings.
fn agree(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}

fn sends(
    trace: &Trace,
    id: CallId,
    call: &Call,
    connected: &HashMap<(u32, i32), String>,
) -> Option<Moved> {
    if matches!(call.outcome, Outcome::Failed(_)) {
        return None;
    }
    let returned = call.value().and_then(|it| usize::try_from(it).ok());
    let number = |place: usize| {
        let number = call.argument(place).and_then(Value::int);
        number
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(0)
    };
    let (data, length, message) = match call.name.as_str() {
        "write" | "pwrite64" | "send" | "sendto" => {
            (bytes(call, 1), returned.unwrap_or(number(2)), None)
        }
        "writev" | "sendmsg" | "vmsplice" => {
            let data = vectors(call.argument(1));
            let length = returned.unwrap_or(data.len());
            (data, length, None)
        }
        "splice" | "sendfile" => (Vec::new(), returned?, None),
        "msgsnd" => (member(call, "mtext"), number(2), Some(message_type(call))),
        "mq_timedsend" => (bytes(call, 1), number(2), Some(call.shown(3))),
        _ => return None,
    };
    let end = match call.name.as_str() {
        "splice" => trace.behind(call.argument(2)?)?,
        _ => trace.end(call)?,
    };
    let datagram = end.object.kind == Kind::Udp || is_unix_datagram(call);
    let channel = match (&end.direction, datagram) {
        (Some((_, far)), true) => port(far),
        (None, true) => to_address(call).or_else(|| {
            let fd = number_of(call)?;
            connected.get(&(trace.tasks[&id.0].pid, fd)).cloned()
        })?,
        (Some((near, _)), false) => near.clone(),
        (None, false) => String::new(),
    };
    Some(Moved {
        id,
        time: call.start,
        channel: format!("{:?} {} {channel}", end.object.kind, shared(&end.object)),
        object: end.object,
        data: cut(data, length),
        length,
        message: message.or(datagram.then(String::new)),
    })
}

fn receives(trace: &Trace, id: CallId, call: &Call) -> Option<Moved> {
    let returned = usize::try_from(call.value()?).ok()?;
    let (data, message) = match call.name.as_str() {
        "read" | "pread64" | "recv" | "recvfrom" => (bytes(call, 1), None),
        "readv" | "recvmsg" => (vectors(call.argument(1)), None),
        "splice" => (Vec::new(), None),
        "msgrcv" => (member(call, "mtext"), Some(message_type(call))),
        "mq_timedreceive" => {
            let priority = call.argument(3).map_or(Vec::new(), Value::items);
            let priority = priority
                .first()
                .map_or(call.shown(3), |value| value.to_string());
            (bytes(call, 1), Some(priority))
        }
        _ => return None,
    };
    if returned == 0 && message.is_none() {
        return None; // end-of-file
    }
    if peeks(call) {
        return None; // it looks at what has come, and leaves it there for the next call
    }
    let end = trace.end(call)?;
    let datagram = end.object.kind == Kind::Udp || is_unix_datagram(call);
    let channel = match (&end.direction, datagram) {
        (Some((near, _)), true) => port(near),
        (None, true) => port(&end.object.name),
        (Some((_, far)), false) => far.clone(),
        (None, false) => String::new(),
    };
    Some(Moved {
        id,
        time: call.end(),
        channel: format!("{:?} {} {channel}", end.object.kind, shared(&end.object)),
        object: end.object,
        data: cut(data, returned),
        length: returned,
        message: message.or(datagram.then(String::new)),
    })
}

/// Whether a call takes no data out of a socket: MSG_PEEK leaves it there, MSG_TRUNC copies nothing of a
/// stream, and MSG_ERRQUEUE asks for errors.
fn peeks(call: &Call) -> bool {
    let flags = match call.name.as_str() {
        "recv" | "recvfrom" => call.argument(3),
        "recvmsg" => call.argument(2),
        _ => None,
    };
    let none = ["MSG_PEEK", "MSG_TRUNC", "MSG_ERRQUEUE"];
    flags.is_some_and(|flags| none.iter().any(|flag| flags.has(flag)))
}

/// The number of the descriptor that is its first argument.
fn number_of(call: &Call) -> Option<i32> {
    call.argument(0)?.descriptor()?.number
}

/// Whether it works on a datagram socket of the Unix domain, as far as strace knows that.
fn is_unix_datagram(call: &Call) -> bool {
    let descriptor = call.argument(0).and_then(Value::descriptor);
    descriptor.is_some_and(|descriptor| match &descriptor.behind {
        Behind::Object { kind, .. } => kind == "UNIX-DGRAM",
        Behind::Path(_) => false,
    })
}

/// The two sockets of datagrams have no name in common: the port tells.
fn shared(object: &Object) -> &str {
    match object.kind {
        Kind::Udp => "",
        _ => &object.name,
    }
}

fn port(address: &str) -> String {
    address.rsplit(':').next().unwrap_or(address).into()
}

/// The port or path that a sendto names.
fn to_address(call: &Call) -> Option<String> {
    let mut addresses = call.arguments.iter();
    let address = addresses.find(|value| value.field("sa_family").is_some())?;
    let port = port_of(address);
    port.or_else(|| Some(shown_path(address.field("sun_path")?.bytes())))
}

/// The port of an address: 9 of `sin_port=htons(9)`.
pub(crate) fn port_of(address: &Value) -> Option<String> {
    let port = address.field("sin_port").or(address.field("sin6_port"))?;
    let number = port.all().into_iter().find_map(Value::int)?;
    Some(number.to_string())
}

/// The bytes of the string that is that argument.
pub(crate) fn bytes(call: &Call, place: usize) -> Vec<u8> {
    call.argument(place)
        .map_or(Vec::new(), |value| value.bytes().to_vec())
}

/// The bytes of a member of the second argument, a System V message.
pub(crate) fn member(call: &Call, name: &str) -> Vec<u8> {
    let member = call.argument(1).and_then(|message| message.field(name));
    member.map_or(Vec::new(), |member| member.bytes().to_vec())
}

fn message_type(call: &Call) -> String {
    let kind = call.argument(1).and_then(|message| message.field("mtype"));
    kind.map_or(String::new(), Value::to_string)
}

/// What the `iov_base`s of a vector hold, or those of a message's vector, one after the other.
pub(crate) fn vectors(argument: Option<&Value>) -> Vec<u8> {
    let vector = argument.map(|value| value.field("msg_iov").unwrap_or(value));
    let pieces = vector.map_or(Vec::new(), Value::items).into_iter();
    let bases = pieces.filter_map(|piece| piece.field("iov_base"));
    bases.flat_map(|base| base.bytes().to_vec()).collect()
}

fn cut(mut data: Vec<u8>, length: usize) -> Vec<u8> {
    data.truncate(length);
    data
}

fn wake_ups(trace: &Trace, arrows: &mut Vec<Arrow>) {
    let mut adds: BTreeMap<(Object, u16), Vec<(Duration, CallId)>> = BTreeMap::new();
    let mut opens: BTreeMap<Object, Vec<(Duration, CallId)>> = BTreeMap::new();
    let mut shutdowns: BTreeMap<Object, Vec<(Duration, CallId)>> = BTreeMap::new();
    let mut waits = Vec::new();
    for (id, call) in numbered(trace) {
        let is_open = matches!(call.name.as_str(), "open" | "openat");
        let is_semop = matches!(call.name.as_str(), "semop" | "semtimedop");
        let is_accept = matches!(call.name.as_str(), "accept" | "accept4");
        let is_shutdown = call.name == "shutdown";
        if !(is_open || is_semop || is_accept || is_shutdown) {
            continue;
        }
        let Some(object) = trace.object(call) else {
            continue;
        };
        if is_shutdown {
            if call.value().is_none() {
                continue; // it changed nothing
            }
            let times = shutdowns.entry(object).or_default();
            times.push((call.start, id));
            continue;
        }
        if is_open && object.kind == Kind::Fifo {
            opens
                .entry(object.clone())
                .or_default()
                .push((call.start, id));
        }
        for number in operations(call, |change| change > 0) {
            let key = (object.clone(), number);
            adds.entry(key).or_default().push((call.start, id));
        }
        if call.value().is_some() || is_accept {
            waits.push((id, call, object));
        }
    }
    for times in adds.values_mut().chain(opens.values_mut()) {
        times.sort();
    }
    let connects: Vec<_> = numbered(trace)
        .filter(|(_, it)| it.name == "connect")
        .collect();

    for (to, call, object) in waits {
        let sleeping = |times: &Vec<(Duration, CallId)>| -> Option<(Duration, CallId)> {
            // The last of what others did while this call slept.
            let before = times.partition_point(|it| it.0 <= call.end());
            let mut while_asleep = times[..before].iter().rev();
            let woke = while_asleep.find(|(when, id)| *when <= call.start || id.0 != to.0);
            if let Some(woke) = woke.filter(|it| it.0 > call.start) {
                return Some(*woke);
            }
            // Somebody has: one who seems to have come too late.
            let slept = match call.name.starts_with("sem") {
                true => call.took.is_some_and(|it| it >= BLOCKED),
                false => {
                    let free = call.has("O_RDWR") || call.has("O_NONBLOCK");
                    !free && times[..before].iter().all(|it| it.1.0 == to.0)
                }
            };
            let mut later = times[before..].iter();
            let next = later.find(|it| it.1.0 != to.0 && it.0 <= call.end() + TOO_EARLY);
            next.copied().filter(|_| slept)
        };
        let woke = if call.name.starts_with("accept") && call.value().is_none() {
            // Of another thread, on the listening socket itself.
            let times = shutdowns.get(&object).into_iter().flatten();
            times
                .filter(|it| call.start < it.0 && it.0 <= call.end())
                .min()
                .copied()
        } else if call.name.starts_with("accept") {
            connecting(trace, &connects, call)
        } else if call.name.starts_with("sem") {
            operations(call, |change| change <= 0)
                .into_iter()
                .filter_map(|number| sleeping(adds.get(&(object.clone(), number))?))
                .max()
        } else {
            opens.get(&object).and_then(sleeping)
        };
        if let Some((when, from)) = woke.filter(|(_, from)| from.0 != to.0) {
            arrows.push(Arrow {
                why: Why::Wake,
                from: Some(from),
                tail: (from.0, when),
                to: Some(to),
                head: (to.0, call.end().max(when)),
                object: Some(object),
                data: Vec::new(),
                length: 0,
                agrees: true,
            });
        }
    }
}

/// The numbers of the semaphores that a semop changes in that way.
pub(crate) fn operations(call: &Call, way: impl Fn(i32) -> bool) -> Vec<u16> {
    if !matches!(call.name.as_str(), "semop" | "semtimedop") {
        return Vec::new();
    }
    let all = call
        .argument(1)
        .map_or(Vec::new(), Value::items)
        .into_iter();
    let number = |one: &Value, name: &str| one.field(name).and_then(Value::int);
    let changes = |one: &&Value| {
        let change = number(one, "sem_op").and_then(|change| i32::try_from(change).ok());
        change.is_some_and(&way)
    };
    all.filter(changes)
        .filter_map(|one| number(one, "sem_num")?.try_into().ok())
        .collect()
}

/// The connect that an accept has taken: the one by the socket at the other end.
fn connecting(
    trace: &Trace,
    connects: &[(CallId, &Call)],
    accept: &Call,
) -> Option<(Duration, CallId)> {
    let (_, peer) = trace.end(accept)?.direction?;
    // A TCP socket has no address before connect: a later call on it shows which one it got.
    let ends = |call: &Call| match &call.argument(0)?.descriptor()?.behind {
        Behind::Object {
            near, far, path, ..
        } => Some((near.clone(), far.clone(), path.is_some())),
        Behind::Path(_) => None,
    };
    let is_alone = |call: &Call| ends(call) == Some((peer.clone(), None, false));
    let is_peer =
        |call: &Call| ends(call).is_some_and(|(near, far, _)| near == peer && far.is_some());
    let is_the_one = |id: &CallId, connect: &Call| {
        let pid = trace.tasks[&id.0].pid;
        let tasks = trace.tasks.values().filter(|task| task.pid == pid);
        is_alone(connect)
            || tasks.flat_map(|task| &task.calls).any(|later| {
                later.start > connect.start
                    && number_of(later) == number_of(connect)
                    && is_peer(later)
            })
    };
    (connects.iter())
        .filter(|(_, it)| it.start <= accept.end())
        .find(|(id, it)| is_the_one(id, it))
        .map(|(id, it)| (it.start, *id))
}

fn lives(trace: &Trace, arrows: &mut Vec<Arrow>) {
    let arrow = |why, from: Option<CallId>, tail, to: Option<CallId>, head| Arrow {
        why,
        from,
        tail,
        to,
        head,
        object: None,
        data: Vec::new(),
        length: 0,
        agrees: true,
    };
    for (id, call) in numbered(trace) {
        let child = call.value().and_then(|it| u32::try_from(it).ok());
        let Some(child) = child.and_then(|it| trace.child(id.0, it)) else {
            continue;
        };
        if trace::is_birth(&call.name) && child.pid == child.tid {
            let tail = (id.0, call.start);
            let born = (child.tid, call.start);
            arrows.push(arrow(Why::Birth, Some(id), tail, None, born));
        }
        if let ("wait4" | "waitid", Some((when, _))) = (call.name.as_str(), &child.end) {
            let head = (id.0, call.end().max(*when));
            arrows.push(arrow(Why::End, None, (child.tid, *when), Some(id), head));
        }
    }
    let is_kill = |name: &str| matches!(name, "kill" | "tgkill" | "tkill");
    let kills: Vec<_> = numbered(trace)
        .filter(|(_, it)| is_kill(&it.name))
        .collect();
    for task in trace.tasks.values() {
        for signal in &task.signals {
            let when = signal.when;
            let sent = (kills.iter())
                .filter(|(id, _)| Some(trace.tasks[&id.0].pid) == signal.sender && id.0 != task.tid)
                .filter(|(_, it)| it.start <= when && it.has(&signal.name))
                .max_by_key(|it| it.1.start);
            if let Some((id, call)) = sent {
                let (tail, head) = ((id.0, call.start), (task.tid, when));
                arrows.push(arrow(Why::Signal, Some(*id), tail, None, head));
            }
        }
    }
}
