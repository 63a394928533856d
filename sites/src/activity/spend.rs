//! What is typed in and good once: a passcode, or a code that came by mail. Counted first, as every attempt is; what was made
//! for a name that is nobody's is spent like any other, and proves nothing.

use crate::attempt;
use crate::limits;
use crate::locale::Key;
use crate::page_error::Failure;
use crate::view::Problems;
use crate::workflow::{Context, Verdict};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;

/// Spends it by this command; `field` is told that it is `wrong`.
pub(super) async fn spend(
    context: &Context<'_>,
    field: &'static str,
    wrong: Key,
    action: Action,
) -> Result<Verdict, Failure> {
    let ports = &context.app.ports;
    limits::count_source(ports, context.origin).await?;
    let policy = context.policy()?;
    let counted = attempt::count(ports, context.subject(), Some(policy.id), &context.note()).await?;
    let spent = match ports.commit(Actor::Anonymous, action).await {
        Ok(_) => true,
        Err(failure) if failure.code == ErrorCode::TokenInvalid => false,
        Err(failure) => return Err(failure),
    };
    let right = spent && context.user().is_some();
    let decided = counted.decide(ports, right).await;
    if right {
        // It is spent, so there is no second try; an attempt that stays counted does no harm.
        if let Err(failure) = decided {
            tracing::warn!(%failure, "an attempt that was right stays counted");
        }
        return Ok(Verdict::Passed);
    }
    decided?;
    let mut problems = Problems::default();
    problems.add(field, counted.left_after(wrong, policy, context.app)?);
    Ok(Verdict::Again(problems))
}
