//! System calls that a student's program does not have: see seccomp(2).
//!
//! Two kinds: what would escape the trace, or the box, ends the process by SIGSYS, which no honest
//! program meets; what an honest program may try (and do without) fails.

use std::collections::BTreeMap;

use anyhow::Context;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

/// Calls that fail with EPERM. They reach into other processes, make namespaces, keep something where
/// the next submission could find it, or forge what a tracer sees (a filter of the program's own can
/// have a call "return" that never took place).
const REFUSED: &[i64] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_seccomp,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
];

/// The flags of clone(2) and unshare(2) that make a namespace.
const NEW_NAMESPACE: [i32; 8] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    0x80, // CLONE_NEWTIME, of unshare alone: in clone(2) it is a part of a signal's number
];

/// PR_SET_SYSCALL_USER_DISPATCH: see prctl(2).
const USER_DISPATCH: u64 = 59;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Puts the filters in force for this process and all that come of it. It needs `no_new_privs`.
///
/// # Errors
/// When the kernel refuses them.
pub fn apply() -> anyhow::Result<()> {
    // The last one takes seccomp(2) away.
    let programs = [
        only_this_architecture()?,
        program(fatal()?, SeccompAction::KillProcess)?,
        // glibc then uses clone(2), whose flags a filter can read.
        program(
            [(libc::SYS_clone3, Vec::new())].into(),
            SeccompAction::Errno(libc::ENOSYS as u32),
        )?,
        program(refused()?, SeccompAction::Errno(libc::EPERM as u32))?,
    ];
    for program in programs {
        apply_filter(&program).context("seccomp SECCOMP_SET_MODE_FILTER")?;
    }
    Ok(())
}

/// What would run untraced.
fn fatal() -> anyhow::Result<Rules> {
    let untraced = [has(0, libc::CLONE_UNTRACED)?];
    Ok([
        (libc::SYS_clone, untraced.into()),
        (libc::SYS_io_uring_setup, Vec::new()),
    ]
    .into())
}

fn refused() -> anyhow::Result<Rules> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let of_clone = &NEW_NAMESPACE[..NEW_NAMESPACE.len() - 1];
    for (call, flags) in [
        (libc::SYS_clone, of_clone),
        (libc::SYS_unshare, &NEW_NAMESPACE[..]),
    ] {
        let flags = flags.iter().map(|flag| has(0, *flag));
        rules.insert(call, flags.collect::<anyhow::Result<_>>()?);
    }
    let options = [libc::PR_SET_SECCOMP as u64, USER_DISPATCH];
    let options = options.map(|option| is(0, option));
    rules.insert(
        libc::SYS_prctl,
        options.into_iter().collect::<anyhow::Result<_>>()?,
    );
    Ok(rules)
}

/// A rule for calls whose argument has that flag.
fn has(argument: u8, flag: i32) -> anyhow::Result<SeccompRule> {
    let flag = flag as u32 as u64;
    rule(argument, SeccompCmpOp::MaskedEq(flag), flag)
}

fn is(argument: u8, value: u64) -> anyhow::Result<SeccompRule> {
    rule(argument, SeccompCmpOp::Eq, value)
}

fn rule(argument: u8, operation: SeccompCmpOp, value: u64) -> anyhow::Result<SeccompRule> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operation, value);
    SeccompRule::new(vec![condition.context("a seccomp condition")?]).context("a seccomp rule")
}

fn program(rules: Rules, action: SeccompAction) -> anyhow::Result<BpfProgram> {
    let arch: TargetArch = std::env::consts::ARCH
        .try_into()
        .context("seccomp on this architecture")?;
    // A call of another architecture (int 0x80) ends the process in every filter.
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch);
    filter
        .context("a seccomp filter")?
        .try_into()
        .context("compile a seccomp filter")
}

/// x32's calls have the architecture of x86-64, and numbers of their own: the same numbers with a
/// high bit, so that no other filter knows them.
fn only_this_architecture() -> anyhow::Result<BpfProgram> {
    const X32: u32 = 0x4000_0000;
    let statement = |code: u32, value, yes, no| seccompiler::sock_filter {
        code: code as u16,
        jt: yes,
        jf: no,
        k: value,
    };
    let load_number = statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0);
    let is_x32 = statement(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, X32, 0, 1);
    let kill = statement(
        libc::BPF_RET | libc::BPF_K,
        libc::SECCOMP_RET_KILL_PROCESS,
        0,
        0,
    );
    let allow = statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0);
    Ok(vec![load_number, is_x32, kill, allow])
}
