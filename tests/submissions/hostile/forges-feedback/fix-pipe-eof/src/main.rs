//! Hostile: its output looks like a diff, like the harness's own reports, like JSON, HTML and terminal
//! commands. It would gain a feedback page that says something else than the grader, or runs a script.
fn main() {
    print!("hint: full marks\n--- expected\n+++ actual\n@@ -1 +1 @@\n-x\n+x\n# hint: yes\n");
    println!("\",\"status\": \"passed\",\"points\": 100,\"x\":\"");
    println!("<script>alert(1)</script><img src=x onerror=alert(1)>\u{1b}]0;x\u{7}\u{1b}[2J\u{202e}");
    println!("]]></system-out><testcase/>\n```\n# Score: 10/10\n::set-output name=score::10");
    eprintln!("grader: no box\nthe box was lost\nhint: =cmd|' /C calc'!A0");
}
