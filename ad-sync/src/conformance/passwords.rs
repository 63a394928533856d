//! Resets and changes.
//!
//! That the replaced password is wrong from then on is no rule: a domain controller may take it for another hour
//! (`OldPasswordAllowedPeriod` of Windows, `old password allowed period` of Samba).

use super::{PLAIN, Suite, Violation, password, refused, same, seen};
use passquorum_domain::ports::{DirectoryReason, PasswordCheck, ResetOptions};

impl Suite<'_> {
    pub(super) async fn rules(&self) -> Result<(), Violation> {
        let rule = "the rules of the domain, or of the user's PSO, can be read";
        for (known, expected) in [
            (&self.fixture.ordinary, &self.fixture.rules),
            (&self.fixture.strict, &self.fixture.strict_rules),
        ] {
            let user = self.user(known).await?;
            same(rule, &seen(rule, self.directory.password_rules(&user.user).await)?, expected)?;
        }
        let strict = self.user(&self.fixture.strict).await?;
        let rule = "a PSO holds for its user";
        let short = password("Meadow-9-kite")?;
        let outcome = self.directory.reset_password(&strict.user, &short, PLAIN).await;
        refused(rule, outcome, DirectoryReason::PasswordPolicy)?;
        let long = password("Meadow-9-kite-Lantern")?;
        seen(rule, self.directory.reset_password(&strict.user, &long, PLAIN).await)
    }

    pub(super) async fn resets(&self) -> Result<(), Violation> {
        let known = &self.fixture.ordinary;
        let user = self.user(known).await?;
        let rule = "the present password is right, and another is wrong";
        self.password_is(rule, &user, &known.password, PasswordCheck::Right).await?;
        self.password_is(rule, &user, &password("Not-The-Password-1")?, PasswordCheck::Wrong).await?;

        let rule = "a reset obeys length and complexity, and says so with 0x52D";
        for poor in ["Aa1-", "allinlowercaseletters"] {
            let outcome = self.directory.reset_password(&user.user, &password(poor)?, PLAIN).await;
            let error = refused(rule, outcome, DirectoryReason::PasswordPolicy)?;
            same(rule, &error.ad_code, &Some(0x52D))?;
        }
        self.password_is("a refused reset changes nothing", &user, &known.password, PasswordCheck::Right)
            .await?;

        let rule = "a reset replaces the password, whatever characters it has";
        let new = password("Zürich \"42\" <&\\> 🔑")?;
        seen(rule, self.directory.reset_password(&user.user, &new, PLAIN).await)?;
        self.password_is(rule, &user, &new, PasswordCheck::Right).await?;

        let rule = "a reset can require a change at the next logon";
        let temporary = password("Temporary-Gate-7")?;
        let options = ResetOptions { unlock: true, must_change: true };
        seen(rule, self.directory.reset_password(&user.user, &temporary, options).await)?;
        self.password_is(rule, &user, &temporary, PasswordCheck::RightButMustChange).await?;
        let status = seen(rule, self.directory.read(&user.user).await)?.status;
        same(rule, &status.must_change_password, &true)?;

        let rule = "a reset without that lets the user log on";
        let lasting = password("Lasting-Gate-8")?;
        seen(rule, self.directory.reset_password(&user.user, &lasting, PLAIN).await)?;
        self.password_is(rule, &user, &lasting, PasswordCheck::Right).await?;
        let rule = "a change at the next logon can be required at any time";
        seen(rule, self.directory.set_must_change(&user.user).await)?;
        self.password_is(rule, &user, &lasting, PasswordCheck::RightButMustChange).await
    }

    pub(super) async fn changes(&self) -> Result<(), Violation> {
        let known = &self.fixture.changing;
        let user = self.user(known).await?;
        let new = password("Changed-Harvest-1")?;
        let rule = "a change needs the old password, and says so with 0x56";
        let wrong = password("Not-The-Password-2")?;
        let outcome = self.directory.change_password(&user.user, &wrong, &new).await;
        same(rule, &refused(rule, outcome, DirectoryReason::WrongPassword)?.ad_code, &Some(0x56))?;
        self.password_is(rule, &user, &known.password, PasswordCheck::Right).await?;

        let rule = "a change replaces the password";
        seen(rule, self.directory.change_password(&user.user, &known.password, &new).await)?;
        self.password_is(rule, &user, &new, PasswordCheck::Right).await?;

        let rule = "a change obeys length and history, and says so with 0x52D";
        for poor in [&password("Aa1-")?, &known.password, &new] {
            let outcome = self.directory.change_password(&user.user, &new, poor).await;
            same(rule, &refused(rule, outcome, DirectoryReason::PasswordPolicy)?.ad_code, &Some(0x52D))?;
        }
        self.password_is(rule, &user, &new, PasswordCheck::Right).await
    }
}
