//! Lists of users.

use super::{Suite, Violation, refused, same, seen};
use passquorum_domain::blob::Blob;
use passquorum_domain::directory::{DistinguishedName, ListedUser, UserRecord};
use passquorum_domain::ports::{DirectoryReason, HavingProfile, Listing};

impl Suite<'_> {
    async fn listed(&self, rule: &'static str, listing: &Listing) -> Result<Vec<ListedUser>, Violation> {
        let mut pages = seen(rule, self.directory.list(listing).await)?;
        let mut users = Vec::new();
        while let Some(page) = seen(rule, pages.next().await)? {
            users.extend(page);
        }
        same("a list that has ended stays so", &seen(rule, pages.next().await)?, &None)?;
        Ok(users)
    }

    /// Whether each of these is in the list, once or not at all.
    async fn counted(
        &self,
        rule: &'static str,
        listing: &Listing,
        users: &[&UserRecord],
    ) -> Result<Vec<usize>, Violation> {
        let listed = self.listed(rule, listing).await?;
        Ok(users.iter().map(|user| listed.iter().filter(|one| is(one, user)).count()).collect())
    }

    pub(super) async fn lists(&self) -> Result<(), Violation> {
        let fixture = self.fixture;
        let ordinary = self.user(&fixture.ordinary).await?;
        let nested = self.user(&fixture.nested).await?;
        let disabled = self.user(&fixture.disabled).await?;
        let users = [&ordinary, &nested, &disabled];

        let rule = "a list has every user once, whatever the account's state";
        same(rule, &self.counted(rule, &Listing::default(), &users).await?, &vec![1, 1, 1])?;

        let rule = "a list below an object has who is there and nobody else";
        let parent = ordinary.dn.as_str().split_once(',').map_or("", |(_, parent)| parent);
        for (below, expected) in [(parent, vec![1, 1, 1]), (ordinary.dn.as_str(), vec![1, 0, 0])] {
            let below = DistinguishedName::parse(below).ok();
            let listing = Listing { below, ..Listing::default() };
            same(rule, &self.counted(rule, &listing, &users).await?, &expected)?;
        }

        let rule = "a list of a group has those whom it is said to have, direct, nested and primary";
        for group in
            [&fixture.outer_group, &fixture.inner_group, &fixture.other_group, &fixture.primary_group]
        {
            let mut expected = Vec::new();
            for user in users {
                let groups = self.directory.member_of(user, std::slice::from_ref(group)).await;
                expected.push(seen(rule, groups)?.len());
            }
            let listing = Listing { member_of: Some(group.clone()), ..Listing::default() };
            same(rule, &self.counted(rule, &listing, &users).await?, &expected)?;
        }
        let rule = "a list of a group that is not there is an error";
        let nothing = DistinguishedName::parse(&format!("CN=nothing-of-that-name,{parent}")).ok();
        let listing = Listing { member_of: nothing, ..Listing::default() };
        refused(rule, self.directory.list(&listing).await.map(drop), DirectoryReason::NotFound)?;

        let rule = "a list of those who have a profile has them and nobody else";
        let (profile, user) = (Blob::from(vec![7]).into(), &ordinary.user);
        let listing = Listing { profile: HavingProfile::Anywhere, ..Listing::default() };
        seen(rule, self.write_profile(user, None, Some(&profile)).await)?;
        same(rule, &self.counted(rule, &listing, &users).await?, &vec![1, 0, 0])?;
        seen(rule, self.write_profile(user, Some(&profile), None).await)?;
        same(rule, &self.counted(rule, &listing, &users).await?, &vec![0, 0, 0])
    }
}

/// Whether it is this user, as it is.
fn is(listed: &ListedUser, user: &UserRecord) -> bool {
    listed.user.guid == user.user.guid && listed.dn == user.dn && listed.account == user.account
}
