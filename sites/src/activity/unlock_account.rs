//! *Unlock account*: clears the domain's lock. The password stays.

use crate::page_error::Failure;
use crate::workflow::{Context, Verdict, under_ticket};
use passquorum_domain::ticket::TicketKind;

pub(super) async fn run(context: &Context<'_>) -> Result<Verdict, Failure> {
    let user = context.known_user()?.clone();
    let directory = context.directory(&user).await?;
    let work = async move { directory.unlock(&user).await };
    Ok(under_ticket(context, TicketKind::Unlock, work).await?.verdict())
}
