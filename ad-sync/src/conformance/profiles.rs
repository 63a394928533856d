//! The profile attribute.

use super::{Suite, Violation, refused, same, seen};
use passquorum_domain::blob::Blob;
use passquorum_domain::directory::UserRef;
use passquorum_domain::ports::{DirectoryError, DirectoryReason};
use passquorum_domain::profile::ProfileValue;

fn hinted(bytes: Vec<u8>) -> ProfileValue {
    ProfileValue { sealed: Blob::from(bytes), digest: "0123456789abcdef".parse().ok() }
}

impl Suite<'_> {
    /// Writes as one who expects this value.
    pub(super) async fn write_profile(
        &self,
        user: &UserRef,
        expected: Option<&ProfileValue>,
        new: Option<&ProfileValue>,
    ) -> Result<(), DirectoryError> {
        let mut held = self.directory.read_profile(user).await?;
        held.value = expected.cloned();
        self.directory.write_profile(user, &held, new).await
    }

    async fn profile(&self, user: &UserRef) -> Result<Option<ProfileValue>, DirectoryError> {
        self.directory.read_profile(user).await.map(|held| held.value)
    }

    pub(super) async fn profiles(&self) -> Result<(), Violation> {
        let user = self.user(&self.fixture.changing).await?.user;
        let first: ProfileValue = Blob::from((0..=255).collect::<Vec<u8>>()).into();
        let second = hinted(vec![0xA5; 6000]);
        let changed = DirectoryReason::Changed;

        let rule = "a profile that was never written is absent";
        same(rule, &seen(rule, self.profile(&user).await)?, &None)?;
        let rule = "writing over an expected profile that is not there fails and changes nothing";
        refused(rule, self.write_profile(&user, Some(&first), Some(&second)).await, changed)?;
        same(rule, &seen(rule, self.profile(&user).await)?, &None)?;

        let rule = "a profile comes back byte for byte, with what it says beside it";
        for (expected, new) in [(None, &first), (Some(&first), &second)] {
            seen(rule, self.write_profile(&user, expected, Some(new)).await)?;
            same(rule, &seen(rule, self.profile(&user).await)?.as_ref(), &Some(new))?;
        }
        let rule = "a profile that changed meanwhile is not overwritten";
        for stale in [None, Some(&first)] {
            refused(rule, self.write_profile(&user, stale, Some(&first)).await, changed)?;
            refused(rule, self.write_profile(&user, stale, None).await, changed)?;
        }
        same(rule, &seen(rule, self.profile(&user).await)?.as_ref(), &Some(&second))?;

        let rule = "of two writers who saw the same, one wins";
        let (left, right) = (hinted(vec![1]), hinted(vec![2]));
        let held = seen(rule, self.directory.read_profile(&user).await)?;
        let (one, other) = tokio::join!(
            self.directory.write_profile(&user, &held, Some(&left)),
            self.directory.write_profile(&user, &held, Some(&right)),
        );
        let kept = match (one, other) {
            (Ok(()), lost) => refused(rule, lost, changed).map(|_| left)?,
            (lost, won) => {
                seen(rule, won)?;
                refused(rule, lost, changed).map(|_| right)?
            }
        };
        same(rule, &seen(rule, self.profile(&user).await)?.as_ref(), &Some(&kept))?;

        let rule = "a cleared profile is absent";
        seen(rule, self.write_profile(&user, Some(&kept), None).await)?;
        same(rule, &seen(rule, self.profile(&user).await)?, &None)?;
        self.put_back(&user).await
    }

    /// What was written last is known by how often the attribute was written, and nothing else is.
    async fn put_back(&self, user: &UserRef) -> Result<(), Violation> {
        let rule = "how often the attribute was written is told";
        let before = seen(rule, self.directory.read_profile(user).await)?;
        same(rule, &(before.at.version.is_some() && before.next.version.is_some()), &true)?;

        let rule = "what was written last fits its stamp";
        let (first, second) = (hinted(vec![3]), hinted(vec![4]));
        seen(rule, self.directory.write_profile(user, &before, Some(&first)).await)?;
        let held = seen(rule, self.directory.read_profile(user).await)?;
        same(rule, &before.stamp().fits(&held.at), &true)?;
        seen(rule, self.directory.write_profile(user, &held, Some(&second)).await)?;
        let now = seen(rule, self.directory.read_profile(user).await)?;
        same(rule, &held.stamp().fits(&now.at), &true)?;

        let rule = "an earlier value that another hand puts back does not fit its stamp";
        seen(rule, self.write_profile(user, Some(&second), Some(&first)).await)?;
        let back = seen(rule, self.directory.read_profile(user).await)?;
        same(rule, &back.value.as_ref(), &Some(&first))?;
        same(rule, &before.stamp().fits(&back.at), &false)?;

        let rule = "a value that is taken away and put back does not fit its stamp";
        seen(rule, self.directory.write_profile(user, &back, Some(&second)).await)?;
        seen(rule, self.write_profile(user, Some(&second), None).await)?;
        seen(rule, self.write_profile(user, None, Some(&second)).await)?;
        let again = seen(rule, self.directory.read_profile(user).await)?;
        same(rule, &back.stamp().fits(&again.at), &false)?;

        let rule = "what was sealed over an earlier version is not written";
        let stale = self.directory.write_profile(user, &back, Some(&first)).await;
        refused(rule, stale, DirectoryReason::Changed)?;
        seen(rule, self.write_profile(user, Some(&second), None).await)
    }
}
