//! What is taken of a submission, and what is refused.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

/// A submission with `main.rs` of exercise `a`, and one with a secret beside it.
fn two() -> anyhow::Result<(TempDir, PathBuf)> {
    let class = TempDir::new()?;
    for name in ["ada/a/src", "bob/a/src"] {
        fs::create_dir_all(class.path().join(name))?;
        fs::write(class.path().join(name).join("main.rs"), name)?;
    }
    let ada = class.path().join("ada");
    Ok((class, ada))
}

fn told(submission: &Path) -> anyhow::Result<(Untested, String)> {
    match Submission::open(submission)?.sources("a") {
        Ok(sources) => bail!("taken: {sources:?}"),
        Err(nothing) => Ok((nothing.why, nothing.told)),
    }
}

#[test]
fn regular_files_are_taken_in_order_and_the_rest_is_left() -> anyhow::Result<()> {
    let (_class, ada) = two()?;
    fs::create_dir(ada.join("a/src/bin"))?;
    fs::write(ada.join("a/src/bin/b.rs"), "b")?;
    fs::write(ada.join("a/src/notes.txt"), "no")?;
    let sources = Submission::open(&ada)?.sources("a");
    let sources = sources.map_err(|nothing| anyhow::anyhow!(nothing.told))?;
    let expected = [("bin/b.rs", "b"), ("main.rs", "ada/a/src")];
    let expected = expected.map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()));
    assert_eq!(sources, expected);
    Ok(())
}

#[test]
fn a_link_is_refused_at_each_place_of_the_path() -> anyhow::Result<()> {
    for (link, target) in [
        ("ada/a/src/main.rs", "../../../bob/a/src/main.rs"),
        ("ada/a/src", "../../bob/a/src"),
        ("ada/a", "../bob/a"),
    ] {
        let (class, ada) = two()?;
        let link = class.path().join(link);
        match link.is_dir() {
            true => fs::remove_dir_all(&link)?,
            false => fs::remove_file(&link)?,
        }
        symlink(target, &link)?;
        assert!(Submission::open(&ada)?.has("a"), "{target}");
        let (why, told) = told(&ada)?;
        assert_eq!(why, Untested::Refused);
        assert!(told.contains("is a symbolic link"), "{told}");
    }
    let (class, _) = two()?;
    let eve = class.path().join("eve");
    symlink("bob", &eve)?;
    let told = Submission::open(&eve)
        .map(drop)
        .map_err(|error| error.to_string());
    assert!(told.is_err_and(|told| told.contains("eve is a symbolic link")));
    // An instructor who wants to follow it says so.
    assert!(Submission::open(&eve.join("."))?.has("a"));
    Ok(())
}

#[test]
fn nothing_handed_in_is_not_the_same_as_refused() -> anyhow::Result<()> {
    let (_class, ada) = two()?;
    fs::remove_file(ada.join("a/src/main.rs"))?;
    assert_eq!(
        told(&ada)?,
        (Untested::Refused, "a/src holds no .rs file".into())
    );
    fs::remove_dir(ada.join("a/src"))?;
    let expected = (Untested::NotHandedIn, "there is no folder a/src".into());
    assert_eq!(told(&ada)?, expected);
    Ok(())
}

#[test]
fn names_depth_and_number_are_bounded() -> anyhow::Result<()> {
    type Make = fn(&Path) -> std::io::Result<()>;
    let cases: [(&str, Make); 6] = [
        ("src/x\\x0a.rs: a name may hold", |src| {
            fs::write(src.join("x\n.rs"), "")
        }),
        ("src/x\\xff.rs: a name may hold", |src| {
            fs::write(src.join(OsStr::from_bytes(b"x\xff.rs")), "")
        }),
        ("a path below src has ", |src| {
            let long = src.join("y".repeat(200));
            fs::create_dir(&long)?;
            fs::write(long.join(format!("{}.rs", "y".repeat(100))), "")
        }),
        ("folders more than 8 deep", |src| {
            fs::create_dir_all(src.join("d/".repeat(9)))
        }),
        ("more than 10000 names", |src| {
            (0..10_000).try_for_each(|number| fs::write(src.join(number.to_string()), ""))
        }),
        ("more than 200 files", |src| {
            (0..200).try_for_each(|number| fs::write(src.join(format!("{number}.rs")), ""))
        }),
    ];
    for (expected, make) in cases {
        let (_class, ada) = two()?;
        make(&ada.join("a/src"))?;
        let (why, told) = told(&ada)?;
        assert_eq!(why, Untested::Refused);
        assert!(told.contains(expected), "{told}");
    }
    Ok(())
}
