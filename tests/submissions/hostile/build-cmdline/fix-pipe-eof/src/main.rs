//! Hostile: the compiler reads the command lines and mounts that it can see, so that the program knows where
//! the project and its tests stand. It would gain the paths for a second submission.
fn main() {
    let texts = [
        include_str!("/proc/1/cmdline"),
        include_str!("/proc/self/mountinfo"),
        include_str!("/proc/self/cgroup"),
    ];
    let text = texts.join("\n").replace('\0', " ");
    println!("{text}");
    for word in ["tests/submissions", "tests/exercises", ".bats"] {
        if text.contains(word) {
            println!("{} success: the build sees {word}", "hostile");
        }
    }
}
