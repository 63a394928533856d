//! The profile attribute.

use super::{Suite, Violation, refused, same, seen};
use passquorum_domain::blob::Blob;
use passquorum_domain::ports::DirectoryReason;

impl Suite<'_> {
    pub(super) async fn profiles(&self) -> Result<(), Violation> {
        let user = self.user(&self.fixture.changing).await?.user;
        let directory = self.directory;
        let first = Blob::from((0..=255).collect::<Vec<u8>>());
        let second = Blob::from(vec![0xA5; 6000]);
        let changed = DirectoryReason::Changed;

        let rule = "a profile that was never written is absent";
        same(rule, &seen(rule, directory.read_profile(&user).await)?, &None)?;
        let rule = "writing over an expected profile that is not there fails and changes nothing";
        refused(rule, directory.write_profile(&user, Some(&first), Some(&second)).await, changed)?;
        same(rule, &seen(rule, directory.read_profile(&user).await)?, &None)?;

        let rule = "a profile comes back byte for byte";
        for (expected, new) in [(None, &first), (Some(&first), &second)] {
            seen(rule, directory.write_profile(&user, expected, Some(new)).await)?;
            same(rule, &seen(rule, directory.read_profile(&user).await)?.as_ref(), &Some(new))?;
        }
        let rule = "a profile that changed meanwhile is not overwritten";
        for stale in [None, Some(&first)] {
            refused(rule, directory.write_profile(&user, stale, Some(&first)).await, changed)?;
            refused(rule, directory.write_profile(&user, stale, None).await, changed)?;
        }
        same(rule, &seen(rule, directory.read_profile(&user).await)?.as_ref(), &Some(&second))?;

        let rule = "of two writers who saw the same, one wins";
        let (left, right) = (Blob::from(vec![1]), Blob::from(vec![2]));
        let (one, other) = tokio::join!(
            directory.write_profile(&user, Some(&second), Some(&left)),
            directory.write_profile(&user, Some(&second), Some(&right)),
        );
        let kept = match (one, other) {
            (Ok(()), lost) => refused(rule, lost, changed).map(|_| left)?,
            (lost, won) => {
                seen(rule, won)?;
                refused(rule, lost, changed).map(|_| right)?
            }
        };
        same(rule, &seen(rule, directory.read_profile(&user).await)?.as_ref(), &Some(&kept))?;

        let rule = "a cleared profile is absent";
        seen(rule, directory.write_profile(&user, Some(&kept), None).await)?;
        same(rule, &seen(rule, directory.read_profile(&user).await)?, &None)
    }
}
