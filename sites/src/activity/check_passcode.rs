//! *Authenticate with passcode*: one that the helpdesk assigned, spent by this. Counted first, as every attempt is; a name
//! that is nobody's costs the same.

use crate::attempt;
use crate::extract::Form;
use crate::limits;
use crate::locale::Key;
use crate::page_error::Failure;
use crate::passcodes;
use crate::text;
use crate::view::Problems;
use crate::workflow::{Context, Verdict};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::passcode::PasscodeText;

pub(super) async fn run(context: &Context<'_>, form: &Form) -> Result<Verdict, Failure> {
    let mut problems = Problems::default();
    let Ok(typed) = PasscodeText::parse(form.text("passcode").unwrap_or("")) else {
        let (least, most) = (PasscodeText::LEAST, PasscodeText::MOST);
        problems.add("passcode", Key("not-a-passcode").with("least", least).with("most", most));
        return Ok(Verdict::Again(problems));
    };
    let (ports, subject) = (&context.app.ports, context.subject());
    limits::count_source(ports, context.origin).await?;
    let counted = attempt::count(ports, subject, Some(context.policy()?.id), &context.note()).await?;
    let secret = passcodes::secret(ports, subject, &typed)?;
    let right = match ports.commit(Actor::Anonymous, Action::SpendPasscode { subject, secret }).await {
        Ok(_) => true,
        Err(failure) if failure.code == ErrorCode::TokenInvalid => false,
        Err(failure) => return Err(failure),
    };
    let decided = counted.decide(ports, right).await;
    if right {
        // It is spent, so there is no second try; an attempt that stays counted does no harm.
        if let Err(failure) = decided {
            tracing::warn!(%failure, "an attempt that was right stays counted");
        }
        return Ok(Verdict::Passed);
    }
    decided?;
    problems.add("passcode", counted.left_after(text::WRONG_PASSCODE, context.policy()?, context.app)?);
    Ok(Verdict::Again(problems))
}
