//! All the advice: the tutorial's words, and the footnotes that they need.

/// The columns of the quick comparison.
pub const COMPARISON: [&str; 5] = [
    "Mechanism",
    "Directionality",
    "Speed",
    "Use Case",
    "Complexity",
];

/// A mechanism: its row of the quick comparison, its "When to Use", and the lessons that show it.
pub struct Mechanism {
    pub name: &'static str,
    /// What else it is called; the names of its lessons will do as well.
    pub also: &'static [&'static str],
    pub row: [&'static str; COMPARISON.len()],
    pub good_for: &'static [&'static str],
    pub not_for: &'static [&'static str],
    pub lessons: &'static [&'static str],
}

pub const MECHANISMS: [Mechanism; 6] = [
    Mechanism {
        name: "pipe",
        also: &["anonymous-pipe", "unnamed-pipe"],
        row: [
            "Pipes",
            "Unidirectional",
            "Fast",
            "Parent-child communication",
            "Simple",
        ],
        good_for: &[
            "Parent-child communication",
            "Simple data streaming",
            "Command pipelines",
            "Capturing program output",
        ],
        not_for: &[
            "Communication between unrelated processes",
            "Bidirectional communication (without using two pipes)",
            "Applications requiring message boundaries",
            "Very large data transfers",
        ],
        lessons: &[
            "pipe",
            "pipe-behavior",
            "sigpipe",
            "pipeline",
            "pipe-bidirectional",
        ],
    },
    Mechanism {
        name: "fifo",
        also: &["named-pipe"],
        row: [
            "Named Pipes (FIFOs)",
            "Unidirectional",
            "Fast",
            "Unrelated processes, simple streaming",
            "Simple",
        ],
        good_for: &[
            "Communication between unrelated processes",
            "Simple client-server patterns",
            "Logging and monitoring",
            "Command pipelines across different programs",
            "One-way data streaming",
        ],
        not_for: &[
            "Bidirectional communication (need two FIFOs)",
            "Applications requiring message boundaries",
            "Network communication",
            "High-frequency, low-latency messaging",
        ],
        lessons: &["fifo", "fifo-open-modes", "logger"],
    },
    Mechanism {
        name: "message-queue",
        also: &["queue", "msgq", "msg-queue", "mq", "mqueue"],
        row: [
            "Message Queues",
            "Bidirectional",
            "Medium",
            "Structured messages, priority handling",
            "Medium",
        ],
        good_for: &[
            "Asynchronous communication",
            "Priority-based message handling",
            "Decoupling sender and receiver",
            "Work queues and task distribution",
            "Event notification systems",
        ],
        not_for: &[
            "Large data transfers (use shared memory)",
            "Strict real-time requirements",
            "Network communication",
            "Very high message rates",
        ],
        lessons: &["sysv-msgq", "sysv-msgq-types", "posix-msgq"],
    },
    Mechanism {
        name: "shared-memory",
        also: &["shm", "shared-mem", "memory"],
        row: [
            "Shared Memory",
            "Bidirectional",
            "Very Fast",
            "Large data sharing, high performance",
            "Complex",
        ],
        good_for: &[
            "High-performance data transfer",
            "Large data structures",
            "Real-time applications",
            "Producer-consumer patterns",
            "Shared data structures (databases, caches)",
        ],
        not_for: &[
            "Simple message passing",
            "Network communication",
            "When synchronization is difficult",
            "When processes are on different machines",
        ],
        lessons: &[
            "sysv-shm",
            "shm-race",
            "sysv-sem",
            "producer-consumer",
            "posix-shm",
        ],
    },
    // The tutorial has one "When to Use" for both kinds of socket. Here each has its own, and
    // "Network communication" stands on the right side of each.
    Mechanism {
        name: "unix-socket",
        also: &["socket", "unix-domain-socket", "unix", "local-socket"],
        row: [
            "Unix Domain Sockets",
            "Bidirectional",
            "Fast",
            "Local IPC, flexible",
            "Medium",
        ],
        good_for: &[
            "Client-server applications",
            "Bidirectional communication",
            "Flexible protocols",
            "Multi-client scenarios",
        ],
        not_for: &[
            "Network communication (use network sockets)",
            SOCKETS_NOT_FOR[0],
            SOCKETS_NOT_FOR[1],
            SOCKETS_NOT_FOR[2],
        ],
        lessons: &["unix-echo", "framing"],
    },
    Mechanism {
        name: "network-socket",
        also: &["socket", "tcp", "udp", "tcp-socket", "udp-socket", "inet"],
        row: [
            "Network Sockets",
            "Bidirectional",
            "Medium-Slow",
            "Network communication, client-server",
            "Medium-Complex",
        ],
        good_for: &[
            "Client-server applications",
            "Network communication",
            "Bidirectional communication",
            "Flexible protocols",
            "Multi-client scenarios",
        ],
        not_for: &SOCKETS_NOT_FOR,
        lessons: &["tcp-echo", "threaded-server", "udp-echo", "framing"],
    },
];

const SOCKETS_NOT_FOR: [&str; 3] = [
    "Simple parent-child communication (use pipes)",
    "Highest performance local IPC (use shared memory)",
    "When simplicity is key (use simpler mechanisms)",
];

/// "Choosing the Right Mechanism" of the overview.
pub const USE_WHEN: [[&str; 2]; 5] = [
    [
        "Use pipes when:",
        "Parent-child communication, simple data streaming",
    ],
    [
        "Use named pipes when:",
        "Unrelated processes need simple one-way communication",
    ],
    [
        "Use message queues when:",
        "Need structured messages with priorities",
    ],
    [
        "Use shared memory when:",
        "Need highest performance for large data transfers",
    ],
    [
        "Use sockets when:",
        "Need bidirectional communication, network capability, or flexible protocols",
    ],
];

/// "Choosing the Right Mechanism" of the conclusion.
pub const STEPS: [[&str; 2]; 4] = [
    [
        "1. Start simple:",
        "Use pipes for basic parent-child communication",
    ],
    [
        "2. Scale up:",
        "Use sockets for flexibility and bidirectional communication",
    ],
    [
        "3. Optimize:",
        "Use shared memory when performance is critical",
    ],
    [
        "4. Specialize:",
        "Use message queues when you need message structure and priorities",
    ],
];

/// The columns of the feature comparison.
pub const COLUMNS: [&str; 5] = ["Pipes", "FIFOs", "Msg Queues", "Shared Mem", "Sockets"];

/// A row of the feature comparison.
pub struct Feature {
    pub name: &'static str,
    /// What exactly a cell of this row states, and tests/ipc-choose.bats proves.
    pub means: &'static str,
    /// What the tutorial says, and the footnote that it needs on this kernel.
    pub cells: [(&'static str, Option<&'static str>); COLUMNS.len()],
}

pub const FEATURES: [Feature; 6] = [
    Feature {
        name: "Bidirectional",
        means: "one object carries data both ways between two processes",
        cells: [
            ("no", Some(ONE_WAY)),
            ("no", Some(READ_WRITE)),
            ("yes", Some(TYPES)),
            ("yes", None),
            ("yes", None),
        ],
    },
    Feature {
        name: "Unrelated Processes",
        means: "two processes, started separately, find it by a name or a number",
        cells: [
            ("no", Some(NO_NAME)),
            ("yes", None),
            ("yes", None),
            ("yes", None),
            ("yes", None),
        ],
    },
    Feature {
        name: "Network Capable",
        means: "the two processes may run on two machines",
        cells: [
            ("no", None),
            ("no", Some(NETWORK_FILE_SYSTEM)),
            ("no", None),
            ("no", None),
            ("yes", Some(FAMILIES)),
        ],
    },
    Feature {
        name: "Message Boundaries",
        means: "what one call has sent, one call receives: whole, and nothing else",
        cells: [
            ("no", Some(PACKETS)),
            ("no", Some(PACKETS)),
            ("yes", None),
            ("Manual", None),
            ("Stream/Datagram", Some(TYPES_OF_SOCKETS)),
        ],
    },
    Feature {
        name: "Synchronization",
        means: "built-in: a reader sleeps in its call until there is something to read; manual: the programs see to that themselves",
        cells: [
            ("Built-in", None),
            ("Built-in", None),
            ("Built-in", None),
            ("Manual", None),
            ("Built-in", Some(LOST)),
        ],
    },
    Feature {
        name: "Persistence",
        means: "it outlives the processes that have used it",
        cells: [
            ("no", None),
            ("yes", Some(NAME_ONLY)),
            ("yes", Some(MEMORY)),
            ("yes", Some(MEMORY)),
            ("no", Some(FILE_ONLY)),
        ],
    },
];

const ONE_WAY: &str = "On Linux: a write(2) into the read end fails with EBADF. Some other systems have pipes that go both ways: see pipe(7).";
const READ_WRITE: &str = "Opened with O_RDWR it is read and written, but it remains one stream: a process may read what it has written itself.";
const TYPES: &str = "A System V queue: one type for each direction. A POSIX queue has priorities and no types, so a process may receive what it has sent itself: take two.";
const NO_NAME: &str = "It has no name. But a process of the same user can open the other's /proc/PID/fd/N, and a Unix socket can hand a descriptor over: SCM_RIGHTS, see unix(7).";
const NETWORK_FILE_SYSTEM: &str = "Not even where two machines see the same folder: they share the name, and each kernel keeps the data to itself, see fifo(7).";
const FAMILIES: &str =
    "Network sockets (AF_INET, AF_INET6). A Unix socket (AF_UNIX) never leaves its machine.";
const PACKETS: &str = "Linux alone has a packet mode, O_DIRECT, in which one read returns what one write of up to PIPE_BUF bytes has written: see pipe2(2).";
const TYPES_OF_SOCKETS: &str = "SOCK_STREAM (TCP): no. SOCK_DGRAM (UDP): yes. Unix sockets also have SOCK_SEQPACKET: a connection, with boundaries.";
const LOST: &str = "With UDP for the receiver alone: a sender never waits, and datagrams for which there is no room are lost.";
const NAME_ONLY: &str = "The name stays, until somebody unlinks it. Data that nobody has read are gone when the last process closes it.";
const MEMORY: &str =
    "Until it is removed or the machine is shut down: it is kept in memory, not on a disk.";
const FILE_ONLY: &str = "A Unix socket whose server is killed leaves its file, but a connect(2) fails with ECONNREFUSED, and the next bind(2) with EADDRINUSE.";

/// A question of the decision tree, and what it leads to if the answer is yes.
pub struct Question {
    /// The option that answers it.
    pub flag: &'static str,
    pub text: &'static str,
    pub means: &'static str,
    pub yes: Advice,
}

/// A leaf of the decision tree.
pub struct Advice {
    pub take: &'static str,
    pub mechanism: &'static str,
    /// The lesson that shows it.
    pub lesson: &'static str,
    /// What to know about a wish that the tree does not ask for on the way to this leaf.
    pub also_wished: &'static [(&'static str, &'static str)],
}

/// The tree is a chain: the first yes decides, a no leads to the next question.
pub const TREE: [Question; 5] = [
    Question {
        flag: "network",
        text: "Need network communication?",
        means: "between two machines",
        yes: Advice {
            take: "Network Sockets (TCP/UDP)",
            mechanism: "network-socket",
            lesson: "tcp-echo",
            also_wished: &[
                (
                    "fastest",
                    "no network is as fast as memory: if both run on one machine, answer --network no",
                ),
                (
                    "message-boundaries",
                    "UDP keeps them, but may lose a message (make demo-udp-echo); over TCP send the length before each message (make demo-framing)",
                ),
            ],
        },
    },
    Question {
        flag: "fastest",
        text: "Need highest performance?",
        means: "and do the synchronization yourself",
        yes: Advice {
            take: "Shared Memory + Semaphores",
            mechanism: "shared-memory",
            lesson: "producer-consumer",
            also_wished: &[(
                "message-boundaries",
                "memory has none: the programs agree on where an item begins and ends, as this lesson's ring does",
            )],
        },
    },
    Question {
        flag: "message-boundaries",
        text: "Need message boundaries?",
        means: "each message arrives whole and by itself",
        yes: Advice {
            take: "Message Queues",
            mechanism: "message-queue",
            lesson: "sysv-msgq",
            also_wished: &[(
                "bidirectional",
                "one System V queue will do, with a type for each direction; of POSIX queues take two",
            )],
        },
    },
    Question {
        flag: "related",
        text: "Related processes?",
        means: "parent and child, or children of one parent",
        yes: Advice {
            take: "Pipes",
            mechanism: "pipe",
            lesson: "pipe",
            also_wished: &[(
                "bidirectional",
                "take two pipes, one for each direction (make demo-pipe-bidirectional), or one socketpair(2)",
            )],
        },
    },
    Question {
        flag: "bidirectional",
        text: "Need bidirectional?",
        means: "answers come back the same way",
        yes: Advice {
            take: "Unix Domain Sockets",
            mechanism: "unix-socket",
            lesson: "unix-echo",
            also_wished: &[],
        },
    },
];

/// Where the tree ends if every answer is no.
pub const OTHERWISE: Advice = Advice {
    take: "Named Pipes (FIFOs)",
    mechanism: "fifo",
    lesson: "fifo",
    also_wished: &[],
};
