//! Hostile: makes System V objects and POSIX queues, gives the former to another user (IPC_SET), removes
//! the right to look at all of them. It would gain objects that no sweep by owner finds.
use nix::libc;

fn main() {
    // SAFETY: the structures are zeroed and of the right type for each call.
    unsafe {
        let queue = libc::msgget(0x4c61_0001, libc::IPC_CREAT | 0o666);
        let mut about: libc::msqid_ds = std::mem::zeroed();
        about.msg_perm.uid = 65534;
        about.msg_perm.gid = 65534;
        libc::msgctl(queue, libc::IPC_SET, &mut about);
        let segment = libc::shmget(0x4c61_0002, 4096, libc::IPC_CREAT | 0o666);
        let mut about: libc::shmid_ds = std::mem::zeroed();
        about.shm_perm.uid = 65534;
        libc::shmctl(segment, libc::IPC_SET, &mut about);
        let set = libc::semget(0x4c61_0003, 1, libc::IPC_CREAT | 0o666);
        let mut about: libc::semid_ds = std::mem::zeroed();
        about.sem_perm.uid = 65534;
        libc::semctl(set, 0, libc::IPC_SET, &mut about);
        for name in [c"/ipc-lab-hostile-gives-ipc", c"/ipc-lab.hostile", c"/.hidden"] {
            libc::mq_open(
                name.as_ptr(),
                libc::O_CREAT | libc::O_RDWR,
                0o000,
                std::ptr::null::<libc::mq_attr>(),
            );
        }
    }
}
