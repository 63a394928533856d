//! *Authenticate with password*: a bind as the user. Counted first; a name that is nobody's costs a try as well.

use crate::attempt::{self, Counted};
use crate::extract::Form;
use crate::limits;
use crate::page_error::Failure;
use crate::text;
use crate::view::Problems;
use crate::workflow::{Context, Verdict};
use passquorum_domain::ports::PasswordCheck;
use passquorum_domain::secret::Password;

pub(super) async fn run(context: &Context<'_>, form: &Form) -> Result<Verdict, Failure> {
    let mut problems = Problems::default();
    let Some(password) = problems.take("password", form.password("password")) else {
        return Ok(Verdict::Again(problems));
    };
    match check(context, &password).await? {
        Checked::Right => Ok(Verdict::Passed),
        Checked::Wrong(counted) => {
            problems
                .add("password", counted.left_after(text::WRONG_PASSWORD, context.policy()?, context.app)?);
            Ok(Verdict::Again(problems))
        }
    }
}

/// How a password check ended.
pub(super) enum Checked {
    /// It is the user's.
    Right,
    /// It is not, or the account cannot log on: before the person is known, these look alike.
    Wrong(Counted),
}

/// Counts an attempt, tries the password, and reports how it ended.
pub(super) async fn check(context: &Context<'_>, password: &Password) -> Result<Checked, Failure> {
    let ports = &context.app.ports;
    limits::count_source(ports, context.origin).await?;
    let counted =
        attempt::count(ports, context.subject(), Some(context.policy()?.id), &context.note()).await?;
    let right = match context.user() {
        None => false,
        Some(user) => {
            let directory = context.directory(user).await?;
            let record = directory.read(user).await?;
            let check = directory.check_password(&record, password).await?;
            matches!(check, PasswordCheck::Right | PasswordCheck::RightButMustChange)
        }
    };
    counted.decide(ports, right).await?;
    Ok(if right { Checked::Right } else { Checked::Wrong(counted) })
}
