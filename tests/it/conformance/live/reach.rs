//! What `make conformance` asks before the suite, and what it does after one that was interrupted.

use super::settings::{Settings, notes};
use super::tidy;
use crate::conformance::suite::{fresh_key_id, fresh_name, prefix_of};
use crate::testbed::run;
use gracekey::backend::KeyPair;
use gracekey::backend::proof::Proof;
use gracekey::backend::registry;
use gracekey::domain::ids::{CredentialId, OwnerMark, UserName};
use std::{collections::BTreeSet, fs, io::Write as _, path::Path};

/// Where the notes of one process's users begin.
const MADE: &str = "made-";

/// Notes for the script how the names of the suite begin, or why there is no use in running it.
#[tokio::test]
#[ignore = "the first step of make conformance"]
async fn the_system_answers() {
    let notes = notes().expect("started by testbed/conformance");
    match answers().await {
        Ok(()) => {
            fs::write(notes.join("run"), run()).unwrap();
            fs::write(notes.join("prefix"), prefix_of(run())).unwrap();
        }
        Err(why) => fs::write(notes.join("refused"), why).unwrap(),
    }
}

/// Asks each side once: 32 demands with a wrong password might lock an administrator out.
async fn answers() -> Result<(), String> {
    let settings = Settings::given()?;
    let prover = settings.parts(registry::prover)?;
    let driver = settings.parts(registry::driver)?;
    let asked = driver.probe().await;
    driver.close().await;
    asked.map_err(|error| format!("the admin API: {error}"))?;
    if let (Some(prover), true) = (prover, settings.spec.backend.kind().has_s3()) {
        let id = fresh_key_id();
        let nobodys = KeyPair {
            id: CredentialId::from(&id),
            access_key_id: id,
            secret: "nobody has it".into(),
        };
        // A refusal is what a server of S3 says to it, in whatever words.
        if let Proof::Unclear(error) = prover.prove(&nobodys).await {
            return Err(format!("S3: {error}"));
        }
    }
    Ok(())
}

/// Notes a user that is about to be made, for a process that outlives this one. `number`: of who makes it.
pub(super) fn note(notes: &Path, number: u32, user: &UserName, mark: &OwnerMark) {
    let file = notes.join(format!("{MADE}{number}"));
    let file = fs::File::options().create(true).append(true).open(file);
    // In one piece, also where the process is ended now.
    let line = format!("{mark} {user}\n");
    file.unwrap().write_all(line.as_bytes()).unwrap();
}

/// Its users are gone, or were named.
pub(super) fn forget(notes: &Path, number: u32) {
    // Where nothing was made there is none.
    drop(fs::remove_file(notes.join(format!("{MADE}{number}"))));
}

#[tokio::test]
#[ignore = "the last step of a make conformance that was interrupted"]
async fn what_an_interrupted_run_made_is_gone() {
    let notes = notes().expect("started by testbed/conformance");
    let driver = Settings::given().unwrap().parts(registry::driver).unwrap();
    tidy(driver, noted(&notes)).await;
}

fn noted(notes: &Path) -> BTreeSet<(UserName, OwnerMark)> {
    let files = fs::read_dir(notes).unwrap().map(|entry| entry.unwrap());
    let files = files.filter(|file| file.file_name().to_string_lossy().starts_with(MADE));
    let text: String = files
        .map(|file| fs::read_to_string(file.path()).unwrap())
        .collect();
    let users = text.lines().filter_map(|line| line.split_once(' '));
    let users = users.map(|(mark, user)| (UserName::new(user), OwnerMark::new(mark)));
    users.collect()
}

#[test]
fn what_is_noted_is_found_until_it_is_forgotten() {
    let notes = Path::new(env!("CARGO_TARGET_TMPDIR")).join(fresh_name().as_str());
    fs::create_dir_all(&notes).unwrap();
    let user = |name: &str, mark: &str| (UserName::new(name), OwnerMark::new(mark.repeat(32)));
    let (one, two) = (user("gktest-one", "1"), user("gktest-two@example.com", "2"));
    note(&notes, 1, &one.0, &one.1);
    note(&notes, 2, &two.0, &two.1);
    fs::write(notes.join("prefix"), "gktest-").unwrap();
    assert_eq!(noted(&notes), BTreeSet::from([one, two.clone()]));
    forget(&notes, 1);
    assert_eq!(noted(&notes), BTreeSet::from([two]));
    fs::remove_dir_all(&notes).unwrap();
}
