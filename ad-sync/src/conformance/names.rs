//! Finding users and groups.

use super::{Suite, Violation, refused, same, seen, typed};
use passquorum_domain::directory::{AccountStatus, DistinguishedName, ObjectGuid, UserRef};
use passquorum_domain::ports::{DirectoryReason, Found};

impl Suite<'_> {
    pub(super) async fn names(&self) -> Result<(), Violation> {
        let known = &self.fixture.ordinary;
        let user = self.user(known).await?;
        let rule = "every name of a user, in any case, leads to the same object";
        let qualified = format!("SOMEWHERE\\{}", known.account);
        for name in [&known.upn, &known.mail, &qualified, &known.account.to_uppercase()] {
            same(rule, &self.one(name).await?, &user)?;
        }
        same("the record tells the account", &user.account, &known.account)?;
        same("the record tells the UPN", &user.upn.as_ref(), &Some(&known.upn))?;
        same("the record tells the mail address", &user.mail.as_ref(), &Some(&known.mail))?;
        same("an ordinary account has nothing in its way", &user.status, &AccountStatus::default())?;

        let rule = "a name that nobody has finds nobody, whatever is in it";
        let start = known.account.chars().next().map_or_else(String::new, |first| format!("{first}*"));
        for name in
            ["*", &start, "*)(objectClass=*", "nobody-has-this", "nobody@has.this", "*@*", "dc1$", "\u{fffd}"]
        {
            same(rule, &seen(rule, self.directory.find(&typed(name)?).await)?, &Found::Nobody)?;
        }
        let rule = "a name that two users have is never guessed";
        let shared = typed(&self.fixture.shared_mail)?;
        same(rule, &seen(rule, self.directory.find(&shared).await)?, &Found::Several)?;

        let rule = "a user is read again by identity";
        same(rule, &seen(rule, self.directory.read(&user.user).await)?, &user)?;
        let nobody = UserRef { guid: ObjectGuid([7; 16]), ..user.user };
        let rule = "an identity that is not there is not found";
        refused(rule, self.directory.read(&nobody).await, DirectoryReason::NotFound)?;
        Ok(())
    }

    pub(super) async fn groups(&self) -> Result<(), Violation> {
        let fixture = self.fixture;
        let ask = [&fixture.outer_group, &fixture.inner_group, &fixture.other_group, &fixture.primary_group];
        let ask: Vec<DistinguishedName> = ask.into_iter().cloned().collect();
        let rule = "membership is direct, through groups, or by the primary group";
        let ordinary = self.user(&fixture.ordinary).await?;
        let found = seen(rule, self.directory.member_of(&ordinary, &ask).await)?;
        same(rule, &found, &vec![fixture.outer_group.clone(), fixture.primary_group.clone()])?;
        let nested = self.user(&fixture.nested).await?;
        let found = seen(rule, self.directory.member_of(&nested, &ask).await)?;
        let expected =
            vec![fixture.outer_group.clone(), fixture.inner_group.clone(), fixture.primary_group.clone()];
        same(rule, &found, &expected)?;

        let rule = "a group's DN compares without case and comes back as it was asked";
        let upper = DistinguishedName::parse(&fixture.outer_group.as_str().to_uppercase())
            .map_err(|error| Violation { rule, seen: error.to_string() })?;
        let asked = vec![upper];
        same(rule, &seen(rule, self.directory.member_of(&ordinary, &asked).await)?, &asked)?;

        let rule = "a group that is not there is an error";
        let gone = DistinguishedName::parse(&format!(
            "CN=Gone{}",
            fixture.other_group.as_str().replacen("CN=", "", 1)
        ))
        .map_err(|error| Violation { rule, seen: error.to_string() })?;
        refused(rule, self.directory.member_of(&ordinary, &[gone]).await, DirectoryReason::NotFound)?;
        let none = seen(rule, self.directory.member_of(&ordinary, &[]).await)?;
        same("nothing asked, nothing found", &none, &Vec::new())
    }
}
