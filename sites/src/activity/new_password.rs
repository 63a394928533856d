//! What choosing a new password has in common, whether by reset or by change.

use crate::extract::Form;
use crate::page_error::Failure;
use crate::text;
use crate::view::Problems;
use crate::workflow::{Context, TicketEnd, Verdict};
use passquorum_domain::directory::UserRef;
use passquorum_domain::policy::{PasswordOwner, PasswordRule, check_password, effective_rules};
use passquorum_domain::ports::DirectoryReason;
use passquorum_domain::secret::Password;

/// The new password, typed twice alike.
pub(crate) fn chosen(form: &Form, problems: &mut Problems) -> Option<Password> {
    let new = problems.take("new", form.password("new"));
    let confirm = problems.take("confirm", form.password("confirm"));
    let (new, confirm) = (new?, confirm?);
    if new.expose() != confirm.expose() {
        problems.add("confirm", text::CONFIRMATION_DIFFERS);
        return None;
    }
    Some(new)
}

/// The rules for a known user, and the names that the password must not hold.
pub(super) async fn rules_for(
    context: &Context<'_>,
    user: &UserRef,
) -> Result<(Vec<PasswordRule>, PasswordOwner), Failure> {
    let directory = context.directory(user).await?;
    // At the same time: the person waits for both, and then for the change itself.
    let (record, domain) = tokio::try_join!(directory.read(user), directory.password_rules(user))?;
    let owner = PasswordOwner { account: record.account, display_name: record.display_name };
    Ok((effective_rules(&context.policy()?.password_rules, Some(&domain)), owner))
}

/// Notes every rule that the password breaks; true when there is nothing wrong at all.
pub(crate) fn meets(
    rules: &[PasswordRule],
    new: &Password,
    owner: &PasswordOwner,
    problems: &mut Problems,
) -> bool {
    for violation in check_password(rules, new, owner) {
        problems.add("new", text::violation(&violation));
    }
    problems.is_empty()
}

/// The verdict after the directory was asked: a password that it does not take may be replaced by another one.
pub(super) fn verdict(end: TicketEnd) -> Verdict {
    match end {
        TicketEnd::Refused(error) if error.reason == DirectoryReason::PasswordPolicy => {
            let mut problems = Problems::default();
            problems.add("new", text::DOMAIN_REFUSES_PASSWORD);
            Verdict::Refused(problems)
        }
        end => end.verdict(),
    }
}
