//! Locked, disabled and protected accounts.

use super::{PLAIN, Suite, Violation, password, refused, same, seen};
use passquorum_domain::directory::UserRecord;
use passquorum_domain::ports::{BarredReason, DirectoryReason, PasswordCheck, ResetOptions};

impl Suite<'_> {
    pub(super) async fn lockout(&self) -> Result<(), Violation> {
        let known = &self.fixture.lockable;
        let user = self.user(known).await?;
        let locked = PasswordCheck::Barred(BarredReason::Locked);
        self.lock_out(&user).await?;
        let rule = "a locked account does not take even the right password";
        self.password_is(rule, &user, &known.password, locked).await?;

        let rule = "an unlock ends the lockout";
        seen(rule, self.directory.unlock(&user.user).await)?;
        self.password_is(rule, &user, &known.password, PasswordCheck::Right).await?;
        same(rule, &seen(rule, self.directory.read(&user.user).await)?.status.locked, &false)?;

        self.lock_out(&user).await?;
        let rule = "a reset alone leaves the account locked";
        let first = password("Garden-Ladder-1")?;
        seen(rule, self.directory.reset_password(&user.user, &first, PLAIN).await)?;
        self.password_is(rule, &user, &first, locked).await?;

        let rule = "a reset with an unlock leaves an account that works";
        let second = password("Garden-Ladder-2")?;
        let options = ResetOptions { unlock: true, must_change: false };
        seen(rule, self.directory.reset_password(&user.user, &second, options).await)?;
        self.password_is(rule, &user, &second, PasswordCheck::Right).await
    }

    async fn lock_out(&self, user: &UserRecord) -> Result<(), Violation> {
        let rule = "wrong passwords lock the account at the domain's threshold, and not before";
        let wrong = password("Not-The-Password-3")?;
        for _ in 0..self.fixture.lockout_threshold {
            same(rule, &seen(rule, self.directory.read(&user.user).await)?.status.locked, &false)?;
            self.password_is(rule, user, &wrong, PasswordCheck::Wrong).await?;
        }
        same(rule, &seen(rule, self.directory.read(&user.user).await)?.status.locked, &true)
    }

    pub(super) async fn disabled(&self) -> Result<(), Violation> {
        let known = &self.fixture.disabled;
        let user = self.user(known).await?;
        let rule = "a disabled account is found, and cannot log on";
        same(rule, &user.status.disabled, &true)?;
        self.password_is(rule, &user, &known.password, PasswordCheck::Barred(BarredReason::Disabled)).await?;

        let rule = "an account that is enabled can log on, and can be enabled again";
        for _ in 0..2 {
            seen(rule, self.directory.enable(&user.user).await)?;
            same(rule, &seen(rule, self.directory.read(&user.user).await)?.status.disabled, &false)?;
        }
        self.password_is(rule, &user, &known.password, PasswordCheck::Right).await
    }

    pub(super) async fn protected(&self) -> Result<(), Violation> {
        let known = &self.fixture.protected;
        let user = self.user(known).await?;
        let rule = "what the access account may not do is refused, and nothing is changed";
        let new = password("Foreign-Orchard-1")?;
        let denied = DirectoryReason::AccessDenied;
        refused(rule, self.directory.reset_password(&user.user, &new, PLAIN).await, denied)?;
        refused(rule, self.directory.unlock(&user.user).await, denied)?;
        refused(rule, self.directory.set_must_change(&user.user).await, denied)?;
        let profile = passquorum_domain::blob::Blob::from(vec![1]).into();
        let held = seen(rule, self.directory.read_profile(&user.user).await)?;
        refused(rule, self.directory.write_profile(&user.user, &held, Some(&profile)).await, denied)?;
        self.password_is(rule, &user, &known.password, PasswordCheck::Right).await
    }
}
