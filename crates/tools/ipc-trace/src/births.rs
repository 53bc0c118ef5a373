//! Which task a call like fork(2) has made.
//!
//! In a pid namespace of its own a program is told other ids than those under which the logs have its
//! children. But the kernel gives out both kinds in the same order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use crate::task::Task;

/// A child that a call has returned.
#[derive(Debug, Clone)]
pub(crate) struct Birth {
    /// The id that the call returned.
    pub inner: u32,
    /// The thread that called.
    pub parent: u32,
    /// When the call began.
    pub when: Duration,
    /// Whether it is a thread of the same process.
    pub is_thread: bool,
    /// The log of its parent, in which the child must be, too.
    pub log: String,
}

/// For each thread and id that a call returned to it: the id that the logs have.
pub(crate) fn outer_ids(tasks: &BTreeMap<u32, Task>, births: &[Birth]) -> HashMap<(u32, u32), u32> {
    let begins = |task: &Task| {
        let end = task.end.as_ref().map(|(when, _)| *when);
        task.calls.first().map(|call| call.start).or(end)
    };
    let fits = |birth: &Birth, task: &Task| {
        let later = begins(task).is_none_or(|begin| begin >= birth.when);
        task.log == birth.log && task.tid != birth.parent && later
    };
    let (named, mut others): (Vec<&Birth>, Vec<&Birth>) = births.iter().partition(|birth| {
        let task = tasks.get(&birth.inner);
        task.is_some_and(|task| fits(birth, task))
    });
    let mut found: HashMap<_, _> = (named.iter())
        .map(|birth| ((birth.parent, birth.inner), birth.inner))
        .collect();
    let mut taken: HashSet<u32> = found.values().copied().collect();

    others.sort_by_key(|birth| birth.inner);
    for birth in others {
        // After the largest id the kernel begins with small ones again.
        let order = |task: &&Task| (task.tid < birth.parent, task.tid);
        let free = tasks.values().filter(|task| !taken.contains(&task.tid));
        let child = free.filter(|task| fits(birth, task)).min_by_key(order);
        if let Some(child) = child {
            taken.insert(child.tid);
            found.insert((birth.parent, birth.inner), child.tid);
        }
    }
    found
}
