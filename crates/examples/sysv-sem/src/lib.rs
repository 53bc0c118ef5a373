//! P and V on System V semaphores: a thin safe wrapper over semget(2), semop(2) and semctl(2),
//! which neither std nor nix has.

use std::fmt;
use std::ptr;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use libc::{c_int, c_short, c_ushort, key_t};
use nix::errno::Errno;
use nix::unistd::{Pid, Uid};

/// A set of semaphores in the kernel. It outlives every process: see sysvipc(7).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Semaphores(c_int);

impl fmt::Display for Semaphores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "semaphore set {}", self.0)
    }
}

/// The fourth argument of semctl(2), which a C program must declare itself.
#[repr(C)]
union Semun {
    val: c_int,
    buf: *mut libc::semid_ds,
}

unsafe extern "C" {
    /// See semtimedop(2): the crate libc does not have it.
    fn semtimedop(
        semid: c_int,
        sops: *mut libc::sembuf,
        nsops: libc::size_t,
        timeout: *const libc::timespec,
    ) -> c_int;
}

impl Semaphores {
    /// Creates the set of this key, mode 0600, one semaphore for each value.
    ///
    /// # Errors
    /// When a set with this key exists, or the kernel allows no more.
    pub fn create(key: key_t, values: &[c_ushort]) -> anyhow::Result<Self> {
        let flags = libc::IPC_CREAT | libc::IPC_EXCL | 0o600;
        let count = c_int::try_from(values.len()).context("too many semaphores")?;
        let set = semget(key, count, flags).with_context(|| format!("semget key {key:#x}"))?;
        for (number, value) in (0..).zip(values) {
            let value = Semun {
                val: (*value).into(),
            };
            set.control(number, libc::SETVAL, value)
                .context("semctl SETVAL")?;
        }
        // The set exists before it has its values. An opener can tell by sem_otime, the time of
        // the last semop: it is 0 until this first one, which changes nothing.
        set.operate(&mut [operation(0, 1, 0), operation(0, -1, 0)], None)
            .map_err(|errno| set.explain("semop", errno))?;
        Ok(set)
    }

    /// A set without a key: for this process, and the children it forks.
    ///
    /// # Errors
    /// When the kernel allows no more sets.
    pub fn private(values: &[c_ushort]) -> anyhow::Result<Self> {
        Self::create(libc::IPC_PRIVATE, values)
    }

    /// The set that a process of ours has made and told the number of.
    pub fn with_id(id: c_int) -> Self {
        Self(id)
    }

    /// The number by which `ipcs -s` and `ipcrm -s` know it.
    pub fn id(self) -> c_int {
        self.0
    }

    /// The set of this key, whether or not it has its values yet; `None` if there is none. It must
    /// be ours and have exactly `count` semaphores.
    ///
    /// # Errors
    /// When it belongs to another user, or is that of another program.
    pub fn find(key: key_t, count: usize) -> anyhow::Result<Option<Self>> {
        let set = match semget(key, 0, 0) {
            Err(Errno::ENOENT) => return Ok(None),
            set => set.with_context(|| format!("semget key {key:#x}"))?,
        };
        let Some(stat) = set.stat()? else {
            return Ok(None);
        };
        let (owner, has) = (stat.sem_perm.uid, stat.sem_nsems);
        ensure!(
            owner == Uid::effective().as_raw(),
            "{set} belongs to another user (uid {owner}), left as it is: give another DIR"
        );
        ensure!(
            usize::try_from(has) == Ok(count),
            "{set} has {has} semaphores and not {count}: another program made it. Left as it is: \
             remove it (ipcrm -s {}) or give another DIR",
            set.0
        );
        Ok(Some(set))
    }

    /// The set of this key once it has its values; `None` if there is none.
    ///
    /// # Errors
    /// As [`Semaphores::find`], and when it never gets its values because its creator has died.
    pub fn open(key: key_t, count: usize) -> anyhow::Result<Option<Self>> {
        let Some(set) = Self::find(key, count)? else {
            return Ok(None);
        };
        // No event tells of the creator's first semop, so this polls.
        let ready = lesson::poll_until(Duration::from_secs(1), || match set.stat()? {
            Some(stat) => Ok((stat.sem_otime != 0).then_some(Some(set))),
            None => Ok(Some(None)),
        })?;
        ready.with_context(|| {
            format!(
                "{set} never got its values: its creator has died. Start that again, or remove \
                 the set (ipcrm -s {})",
                set.0
            )
        })
    }

    /// P, also called wait, acquire, down: sleeps until the semaphore is above zero, takes one.
    ///
    /// # Errors
    /// When the set is removed meanwhile.
    pub fn p(self, number: c_ushort) -> anyhow::Result<()> {
        self.operate(&mut [operation(number, -1, 0)], None)
            .map_err(|errno| self.explain("semop", errno))
    }

    /// V, also called signal, release, up: adds one, and wakes who waits for it.
    ///
    /// # Errors
    /// When the set has been removed.
    pub fn v(self, number: c_ushort) -> anyhow::Result<()> {
        self.operate(&mut [operation(number, 1, 0)], None)
            .map_err(|errno| self.explain("semop", errno))
    }

    /// P with a time limit: whether the semaphore was taken. See semtimedop(2).
    ///
    /// # Errors
    /// When the set is removed meanwhile.
    pub fn p_within(self, limit: Duration, number: c_ushort) -> anyhow::Result<bool> {
        self.timed(limit, operation(number, -1, 0))
    }

    /// P with a time limit, as the kernel answers it: EAGAIN when the time is up, EINTR when a signal
    /// comes first. [`Semaphores::p_within`] goes on after that.
    ///
    /// # Errors
    /// Those of semtimedop(2).
    pub fn p_once(self, limit: Duration, number: c_ushort) -> nix::Result<()> {
        self.semtimedop(&mut [operation(number, -1, 0)], Some(limit))
    }

    /// P on a mutex: the kernel gives it back if this process dies before [`Semaphores::unlock`].
    ///
    /// For a mutex only: SEM_UNDO on a semaphore that counts things would take things away that
    /// others have seen.
    ///
    /// # Errors
    /// When the set is removed meanwhile.
    pub fn lock(self, number: c_ushort) -> anyhow::Result<()> {
        self.operate(&mut [operation(number, -1, libc::SEM_UNDO)], None)
            .map_err(|errno| self.explain("semop", errno))
    }

    /// [`Semaphores::lock`] on several at once: all of them, or it sleeps and holds none.
    ///
    /// # Errors
    /// When the set is removed meanwhile.
    pub fn lock_all(self, numbers: &[c_ushort]) -> anyhow::Result<()> {
        self.change_all(numbers, -1)
    }

    /// [`Semaphores::unlock`] for all of them.
    ///
    /// # Errors
    /// When the set has been removed.
    pub fn unlock_all(self, numbers: &[c_ushort]) -> anyhow::Result<()> {
        self.change_all(numbers, 1)
    }

    /// [`Semaphores::lock`] with a time limit: whether the mutex was taken.
    ///
    /// # Errors
    /// When the set is removed meanwhile.
    pub fn lock_within(self, limit: Duration, number: c_ushort) -> anyhow::Result<bool> {
        self.timed(limit, operation(number, -1, libc::SEM_UNDO))
    }

    /// V on a mutex that this process has locked.
    ///
    /// # Errors
    /// When the set has been removed.
    pub fn unlock(self, number: c_ushort) -> anyhow::Result<()> {
        self.operate(&mut [operation(number, 1, libc::SEM_UNDO)], None)
            .map_err(|errno| self.explain("semop", errno))
    }

    /// The semaphore's value now; another process may change it at any moment.
    ///
    /// # Errors
    /// When the set has been removed.
    pub fn value(self, number: c_ushort) -> anyhow::Result<c_int> {
        self.control(number, libc::GETVAL, Semun { val: 0 })
            .with_context(|| format!("semctl GETVAL {self}"))
    }

    /// The process whose operation was the last on this semaphore: of a mutex that is taken, its
    /// holder. A P that still sleeps does not count.
    ///
    /// # Errors
    /// When the set has been removed.
    pub fn last_process(self, number: c_ushort) -> anyhow::Result<Pid> {
        self.control(number, libc::GETPID, Semun { val: 0 })
            .map(Pid::from_raw)
            .with_context(|| format!("semctl GETPID {self}"))
    }

    /// How many processes sleep in a P on this semaphore. The kernel does not say which.
    ///
    /// # Errors
    /// When the set has been removed.
    pub fn waiting(self, number: c_ushort) -> anyhow::Result<c_int> {
        self.control(number, libc::GETNCNT, Semun { val: 0 })
            .with_context(|| format!("semctl GETNCNT {self}"))
    }

    /// Removes the set, also for those who are asleep in it: they get EIDRM.
    ///
    /// # Errors
    /// When it has been removed already, or belongs to another user.
    pub fn remove(self) -> anyhow::Result<()> {
        self.control(0, libc::IPC_RMID, Semun { val: 0 })
            .map_err(|errno| self.explain("semctl IPC_RMID", errno))?;
        Ok(())
    }

    fn timed(self, limit: Duration, operation: libc::sembuf) -> anyhow::Result<bool> {
        match self.operate(&mut [operation], Some(limit)) {
            Ok(()) => Ok(true),
            Err(Errno::EAGAIN) => Ok(false),
            Err(errno) => Err(self.explain("semtimedop", errno)),
        }
    }

    fn change_all(self, numbers: &[c_ushort], change: c_short) -> anyhow::Result<()> {
        let one = |number: &c_ushort| operation(*number, change, libc::SEM_UNDO);
        let mut operations: Vec<_> = numbers.iter().map(one).collect();
        self.operate(&mut operations, None)
            .map_err(|errno| self.explain("semop", errno))
    }

    /// All of the operations, or none: they happen as one.
    fn operate(self, operations: &mut [libc::sembuf], limit: Option<Duration>) -> nix::Result<()> {
        let limit = limit.map(|limit| (Instant::now(), limit));
        loop {
            let left = limit.map(|(begin, limit)| limit.saturating_sub(begin.elapsed()));
            match self.semtimedop(operations, left) {
                // Ctrl-Z and fg wake a sleeping semop although no handler is installed: signal(7).
                Err(Errno::EINTR) => {}
                result => return result,
            }
        }
    }

    fn semtimedop(
        self,
        operations: &mut [libc::sembuf],
        limit: Option<Duration>,
    ) -> nix::Result<()> {
        let limit = limit.map(timespec);
        let timeout = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the pointer and the length are those of a slice, and `timeout` is null or points
        // to `limit`, which outlives the call.
        let result =
            unsafe { semtimedop(self.0, operations.as_mut_ptr(), operations.len(), timeout) };
        Errno::result(result).map(drop)
    }

    fn control(self, number: c_ushort, command: c_int, argument: Semun) -> nix::Result<c_int> {
        // SAFETY: SETVAL takes `val`, IPC_STAT a `buf` that points to a semid_ds; the other
        // commands used here take nothing.
        Errno::result(unsafe { libc::semctl(self.0, number.into(), command, argument) })
    }

    /// `None` if it has been removed.
    fn stat(self) -> anyhow::Result<Option<libc::semid_ds>> {
        // SAFETY: semid_ds is a C struct of integers, for which zero is a value.
        let mut stat: libc::semid_ds = unsafe { std::mem::zeroed() };
        match self.control(0, libc::IPC_STAT, Semun { buf: &mut stat }) {
            Ok(_) => Ok(Some(stat)),
            Err(Errno::EIDRM | Errno::EINVAL) => Ok(None),
            // Of its mode, 0600, nothing is for others: not even to look at it.
            Err(Errno::EACCES) => {
                bail!("{self} belongs to another user, left as it is: give another DIR")
            }
            Err(errno) => Err(errno).with_context(|| format!("semctl IPC_STAT {self}")),
        }
    }

    fn explain(self, call: &str, errno: Errno) -> anyhow::Error {
        match errno {
            Errno::EIDRM | Errno::EINVAL => {
                anyhow!("{call} {self}: {errno:?}: it has been removed")
            }
            _ => anyhow!(errno).context(format!("{call} {self}")),
        }
    }
}

fn semget(key: key_t, count: c_int, flags: c_int) -> nix::Result<Semaphores> {
    // SAFETY: semget takes no pointer.
    Errno::result(unsafe { libc::semget(key, count, flags) }).map(Semaphores)
}

fn operation(number: c_ushort, change: c_short, flags: c_int) -> libc::sembuf {
    libc::sembuf {
        sem_num: number,
        sem_op: change,
        sem_flg: flags as c_short, // SEM_UNDO is 0x1000
    }
}

fn timespec(time: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}
