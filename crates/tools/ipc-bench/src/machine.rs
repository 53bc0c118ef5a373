//! What a figure depends on beside the program: told above every table.

use std::fs;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

/// This machine, now.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Machine {
    pub kernel: String,
    pub processor: String,
    pub processors: Vec<usize>,
    pub virtual_machine: bool,
    /// Of the last minute: more than a little, and others' work is measured too.
    pub load: f64,
}

impl Machine {
    /// Looks at /proc.
    pub fn now() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let field = |name: &str| {
            let line = info.lines().find(|it| it.starts_with(name))?;
            Some(line.split_once(": ")?.1.trim().to_owned())
        };
        let may = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
        Self {
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            processor: field("model name").unwrap_or_else(|| "unknown processor".into()),
            processors: (0..CpuSet::count())
                .filter(|it| may.is_set(*it).unwrap_or(false))
                .collect(),
            virtual_machine: field("flags")
                .is_some_and(|it| it.split(' ').any(|flag| flag == "hypervisor")),
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|it| it.parse().ok())
                .unwrap_or(0.0),
        }
    }

    /// The header's line.
    pub fn line(&self) -> String {
        format!(
            "Linux {}, {}, {} processors{}, load {:.2}",
            self.kernel,
            self.processor,
            self.processors.len(),
            if self.virtual_machine {
                ", a virtual machine"
            } else {
                ""
            },
            self.load
        )
    }
}
