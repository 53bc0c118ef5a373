//! What a student's program may use at most, and what it gives up before it runs.

use std::path::Path;

use anyhow::Context;
use caps::{CapSet, Capability};
use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus,
};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// See setrlimit(2): bytes of address space and of a file, descriptors, seconds of CPU time.
const LIMITS: [(Resource, u64); 5] = [
    (Resource::RLIMIT_AS, 1 << 30),
    (Resource::RLIMIT_FSIZE, 64 << 20),
    (Resource::RLIMIT_NOFILE, 1024),
    (Resource::RLIMIT_CPU, 60),
    (Resource::RLIMIT_CORE, 0),
];

/// Sets the limits; one that is lower already stays. The number of processes has none unless it is given.
///
/// # Errors
/// When setrlimit(2) fails.
pub fn limit(processes: Option<u16>) -> anyhow::Result<()> {
    let processes = processes.map(|number| (Resource::RLIMIT_NPROC, u64::from(number)));
    for (resource, value) in LIMITS.into_iter().chain(processes) {
        let (soft, hard) = getrlimit(resource).context("getrlimit")?;
        let hard = hard.min(value);
        setrlimit(resource, soft.min(hard), hard).context("setrlimit")?;
    }
    Ok(())
}

/// Gives up every capability, now and for all programs to come: joining a user namespace gives all.
///
/// # Errors
/// When capset(2) or prctl(2) fails.
pub fn drop_capabilities() -> anyhow::Result<()> {
    let sets = [
        CapSet::Ambient,
        CapSet::Bounding,
        CapSet::Inheritable,
        CapSet::Effective,
        CapSet::Permitted,
    ];
    // A uid that has none, as at level 2, has none to give up.
    let has = caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP);
    if has.context("capget")? {
        for set in sets {
            caps::clear(None, set).with_context(|| format!("give up capabilities ({set:?})"))?;
        }
    }
    prctl::set_no_new_privs().context("prctl PR_SET_NO_NEW_PRIVS")
}

/// Makes a landlock(7) domain for this process and its children. Another program of the box, which has
/// its own domain, can look neither at their memory nor at their descriptors.
///
/// At level 2 no mount namespace hides files: there the domain also confines them to what programs need.
/// An older kernel without landlock does none of this; [`confines_files`] tells.
///
/// # Errors
/// When the kernel knows landlock and refuses the rules.
pub fn confine(level: u8, programs: Option<&Path>, work: &Path) -> anyhow::Result<()> {
    if level == 2 {
        let mut readable = vec![Path::new("/proc")];
        readable.extend(programs);
        let writable = ["/dev/shm", "/dev/mqueue"].map(Path::new);
        return confine_files(&readable, &[work, writable[0], writable[1]]);
    }
    // A domain must rule something: making block devices, which nobody here may anyway. Moving files
    // between directories is forbidden in every domain that does not allow it.
    let any = AccessFs::MakeBlock | AccessFs::Refer;
    let rules = Ruleset::default().handle_access(any)?.create()?;
    let rules = rules.add_rule(PathBeneath::new(PathFd::new("/")?, any))?;
    rules.restrict_self().context("landlock_restrict_self")?;
    Ok(())
}

/// Makes a landlock(7) domain in which there are only the machine's programs and libraries, a few
/// devices, and what these lists hold.
///
/// # Errors
/// When the kernel knows landlock and refuses the rules.
pub fn confine_files(readable: &[&Path], writable: &[&Path]) -> anyhow::Result<()> {
    let abi = ABI::V4;
    let all = AccessFs::from_all(abi);
    let read = AccessFs::from_read(abi);
    let use_device: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::WriteFile;
    let system = [
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/etc/alternatives",
        "/etc/ld.so.cache",
    ];
    let devices = [
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/random",
        "/dev/urandom",
    ];
    let allowed = (system.iter().map(|path| (Path::new(*path), read)))
        .chain(devices.iter().map(|path| (Path::new(*path), use_device)))
        .chain(readable.iter().map(|path| (*path, read)))
        .chain(writable.iter().map(|path| (*path, all)));
    let mut rules = Ruleset::default().handle_access(all)?.create()?;
    for (path, access) in allowed {
        // What this machine does not have need not be allowed.
        if let Ok(file) = PathFd::new(path) {
            let access = match path.is_dir() {
                true => access,
                false => access & AccessFs::from_file(abi),
            };
            rules = rules.add_rule(PathBeneath::new(file, access))?;
        }
    }
    rules.restrict_self().context("landlock_restrict_self")?;
    Ok(())
}

/// Whether this kernel can confine files, as level 2 needs: it tries that in a thread, which then ends.
pub fn confines_files() -> bool {
    let attempt = || -> Option<RulesetStatus> {
        let rules = Ruleset::default().handle_access(AccessFs::from_all(ABI::V1));
        let rules = rules.ok()?.create().ok()?;
        Some(rules.restrict_self().ok()?.ruleset)
    };
    let status = std::thread::spawn(attempt).join();
    matches!(status, Ok(Some(RulesetStatus::FullyEnforced)))
}
